package crash

import (
	"context"
	"fmt"
	"math/rand"
	"sync"
	"time"

	"momentcast/internal/client"
	"momentcast/internal/crash/promise"
)

// storm is all that people and programs ask of the API meanwhile. It returns
// when ctx has ended and every request was answered or given up.
func (w *world) storm(ctx context.Context, rate int) {
	var all sync.WaitGroup
	r := func(n int64) *rand.Rand { return rand.New(rand.NewSource(w.seed*31 + n)) }
	all.Go(func() { w.load(ctx, r(1), rate) })
	for n := range int64(3) {
		all.Go(func() { w.meddle(ctx, r(10+n)) })
	}
	all.Go(func() { w.pauseNowAndThen(ctx, r(2)) })
	all.Go(func() { w.plan(ctx, r(3)) })
	all.Wait()
}

// load creates posts, four times a second, rate posts a second. What was not
// answered is asked for again under the same key, of another replica; some of
// what was answered, too, and some is asked of two at once.
func (w *world) load(ctx context.Context, r *rand.Rand, rate int) {
	var all sync.WaitGroup
	defer all.Wait()
	tick := time.NewTicker(250 * time.Millisecond)
	defer tick.Stop()
	for n := 0; ; {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		var posts []map[string]any
		var keys []string
		for range rate / 4 {
			n++
			key := fmt.Sprintf("p%d", n)
			p := card(key, 0)
			p["wc_id"] = fmt.Sprintf("wxid_sim%07d", 1+r.Intn(chaosAccounts))
			p["visibility"] = map[string]any{"mode": "everyone"}
			// What a failover forgets has not left by then: whoever creates it again is not to blame for a second copy.
			p["due_at"] = time.Now().Add(between(r, 5*time.Second, 40*time.Second)).Format(time.RFC3339Nano)
			if r.Intn(30) == 0 {
				p["max_lateness"] = "2s"
			}
			posts, keys = append(posts, p), append(keys, key)
		}
		q := client.Request{Method: "POST", Path: "/posts/batch", Body: map[string]any{"posts": posts}, Key: fmt.Sprintf("batch-%d-%d", w.seed, n)}
		first, times := r.Intn(len(w.victims)), 1
		if r.Intn(10) == 0 {
			times = 2
		}
		for i := range times {
			all.Go(func() { w.create(ctx, first+i, q, keys, i == 0, times > 1 || n%7 == 0) })
		}
	}
}

// create asks until there is an answer, and where again is set once more.
func (w *world) create(ctx context.Context, first int, q client.Request, keys []string, enter, again bool) {
	for n := first; n < first+20; n++ {
		_, c, _ := w.request(context.WithoutCancel(ctx), w.victims[n%len(w.victims)], q, promise.Change{Action: "create", RequestID: q.Key, Keys: keys})
		switch {
		case c.Outcome == promise.Lost:
			rest(context.Background(), 300*time.Millisecond)
			continue
		case c.Outcome == promise.Refused:
			w.log.add("creation %s refused", q.Key)
			return
		case enter:
			w.book.enter(keys, c.IDs)
			enter = false
		}
		if !again || ctx.Err() != nil {
			return
		}
		again = false
	}
}

// meddle changes posts that are about to leave, or have left: cancels, moves,
// edits, hurries. Some of its requests are bound to a version, and some of those
// to one that is out of date.
func (w *world) meddle(ctx context.Context, r *rand.Rand) {
	for ctx.Err() == nil {
		rest(ctx, between(r, 20*time.Millisecond, 250*time.Millisecond))
		e := w.book.recent(r, 1200)
		if e == nil {
			continue
		}
		v := w.anyReplica(r)
		e.mu.Lock()
		match := e.version
		e.mu.Unlock()
		if r.Intn(5) == 0 {
			match = max(match-1, 1)
		}
		bound := match
		if r.Intn(2) == 0 {
			bound = 0
		}
		switch x := r.Intn(100); {
		case x < 12:
			w.act(ctx, v, e, "cancel", "cancel", bound, nil)
		case x < 40:
			due := time.Now().Add(between(r, 200*time.Millisecond, 25*time.Second))
			w.act(ctx, v, e, "reschedule", "reschedule", bound, map[string]any{"due_at": due.Format(time.RFC3339Nano)})
		case x < 50:
			w.act(ctx, v, e, "send-now", "send-now", bound, nil)
		default:
			w.edit(ctx, v, e, match)
		}
	}
}

func (w *world) edit(ctx context.Context, v *replica, e *entry, match int64) {
	e.mu.Lock()
	e.rev++
	c := promise.Change{Key: e.key, Post: e.id, Action: "edit", IfVersion: match, Rev: e.rev}
	q := client.Request{Method: "PATCH", Path: fmt.Sprintf("/posts/%d", e.id), Match: fmt.Sprintf(`"%d"`, match), Body: card(e.key, e.rev)}
	e.mu.Unlock()
	_, c, _ = w.request(ctx, v, q, c)
	e.saw(c)
}

// pauseNowAndThen pauses everything for a moment. It resumes whatever happens.
func (w *world) pauseNowAndThen(ctx context.Context, r *rand.Rand) {
	for ctx.Err() == nil {
		rest(ctx, between(r, w.pauses/2, w.pauses*3/2))
		q := client.Request{Method: "POST", Path: "/pause", Body: map[string]any{"reason": "chaos"}}
		_, c, _ := w.request(context.WithoutCancel(ctx), w.anyReplica(r), q, promise.Change{Action: "pause"})
		if c.Outcome == promise.Done {
			rest(ctx, between(r, 300*time.Millisecond, 300*time.Millisecond+w.pauses/4))
		}
		w.resume(ctx, r, c.Outcome == promise.Done)
	}
}

// resume ends the pause, if there is one.
func (w *world) resume(ctx context.Context, r *rand.Rand, paused bool) {
	q := client.Request{Method: "POST", Path: "/resume"}
	for range 100 {
		try, done := context.WithTimeout(context.WithoutCancel(ctx), 4*time.Second) // a replica that is cut off must not stop all of them for long
		_, c, _ := w.request(try, w.anyReplica(r), q, promise.Change{Action: "resume", Perhaps: !paused})
		done()
		if c.Outcome != promise.Lost {
			return
		}
		paused = false
		rest(context.Background(), 200*time.Millisecond)
	}
}

// plan makes campaigns: in turn one that fires within minutes, and one that is
// planned a month ahead.
func (w *world) plan(ctx context.Context, r *rand.Rand) {
	for n := 1; ctx.Err() == nil; n++ {
		rest(ctx, between(r, 5*time.Second, 25*time.Second))
		now := time.Now().UTC()
		at := now.Add(between(r, 2*time.Hour, 20*time.Hour))
		schedule := fmt.Sprintf("cron %d %d * * * zone=UTC", at.Minute(), at.Hour())
		if n%2 == 1 {
			from := now.Truncate(time.Minute).Add(2 * time.Minute)
			schedule = fmt.Sprintf("cron * * * * * zone=UTC start=%s end=%s", from.Format("2006-01-02T15:04"), from.Add(2*time.Minute).Format("2006-01-02T15:04"))
		}
		first := 1 + r.Intn(chaosAccounts-10)
		var accounts []int
		for i := range 8 {
			accounts = append(accounts, first+i)
		}
		tag := fmt.Sprintf("c%d-{{n}} r0", n)
		body := map[string]any{
			"name": fmt.Sprintf("chaos %d", n), "schedule": schedule, "instances": accounts, "visibility": map[string]any{"mode": "everyone"},
			"card": map[string]any{"content": tag, "title": tag, "description": tag, "url": fmt.Sprintf("https://example.com/c%d-{{n}}/r0", n), "thumb_url": "https://example.com/t.jpg"},
		}
		a, c, _ := w.request(ctx, w.anyReplica(r), client.Request{Method: "POST", Path: "/campaigns", Body: body}, promise.Change{Action: "campaign_create"})
		if c.Outcome != promise.Done {
			w.log.add("campaign %d: %v", n, c.Outcome)
			continue
		}
		var made struct {
			ID int64 `json:"id"`
		}
		if err := a.Decode(&made); err == nil {
			w.request(ctx, w.anyReplica(r), client.Request{Method: "POST", Path: fmt.Sprintf("/campaigns/%d/activate", made.ID)}, promise.Change{Action: "campaign_activate"})
		}
	}
}
