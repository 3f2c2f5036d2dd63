package crash

import (
	"context"
	"flag"
	"fmt"
	"math/rand"
	"sync"
	"testing"
	"time"

	"momentcast/internal/client"
	"momentcast/internal/crash/promise"
	"momentcast/internal/gateway/sim"
)

var (
	minutes = flag.Float64("minutes", 0.7, "minutes of chaos; 5 or more have every kind of fault, each once in three minutes")
	rate    = flag.Int("rate", 40, "posts a second")
)

// needEvery is the time in which each fault strikes at least once.
const needEvery = 3 * time.Minute

// Three replicas, a database and a gateway, each a process of its own, are
// harmed in every way there is, at once and one after another, while posts fly
// and people change them. Afterwards the promises of the engine are proven one
// by one, over what the gateway saw and what the database says.
func TestChaos(t *testing.T) {
	span := time.Duration(*minutes * float64(time.Minute))
	full := span >= 5*time.Minute
	if !full {
		t.Parallel()
	}
	s := *seed
	if s == 0 {
		s = time.Now().UnixNano() % 1e9
	}
	t.Logf("%v of chaos, -seed=%d", span, s)
	if full {
		builtAs(t, wrongClock) // not on the faults' time
	}
	w := newWorld(t, s, asReleased, full)
	all := lanes(full, w)
	need := max(1, int((span+needEvery-1)/needEvery))
	found := w.chaos(all, need, span)
	for _, v := range found {
		t.Error(v)
	}
	if got := w.strikes.least(all); full && got < need {
		t.Errorf("a fault struck %d times only, want %d of each", got, need)
	}
}

// A build that is broken on purpose is found out: this is what shows that the
// test above can fail. Each is harmed where it is weak, so that it takes
// seconds: a missing fence by pauses and lost connections between claim and
// call, a wrong verdict by answers that do not come.
func TestBrokenBuildsAreCaught(t *testing.T) {
	harms := map[variant]fault{
		brokenFence: {"backends terminated", terminateBackends},
		brokenDoubt: {"gateway: drop_after", gatewayFault(sim.DropAfter)},
	}
	for v, harm := range harms {
		t.Run(string(v), func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, 1, v, false)
			w.pauses = 600 * time.Millisecond
			began := time.Now()
			found := w.chaos(map[string][]fault{"harm": {harm}}, 60, time.Minute)
			if len(found) == 0 {
				t.Fatalf("%s was not found out", v)
			}
			t.Logf("%s was found out after %v: %v", v, time.Since(began).Round(time.Second), found[0])
		})
	}
}

// chaos lets the faults loose for span, and for longer if one of them has not
// struck often enough; then it lets everything come to rest and returns what is
// broken. Where a post is sent twice it does not wait for the end.
func (w *world) chaos(all map[string][]fault, need int, span time.Duration) []promise.Violation {
	w.Helper()
	w.strikes = &strikes{count: map[string]int{}, flying: map[string]int{}, idle: map[string]int{}, failed: map[string]int{}, now: map[string]string{}}
	faults, calm := context.WithCancel(w.Context())
	defer calm()
	asking, silence := context.WithCancel(w.Context())
	defer silence()
	tending, home := context.WithCancel(w.Context())
	defer home()
	var harm, noise, care sync.WaitGroup
	p := &person{w: w, r: rand.New(rand.NewSource(w.seed)), seen: map[string][]sim.Accepted{}}
	noise.Go(func() { w.storm(asking, *rate) })
	care.Go(func() { p.work(tending) })
	rest(w.Context(), 2*time.Second) // posts fly before anything is harmed
	for lane, list := range all {
		harm.Go(func() { w.strikes.run(faults, w, lane, list, need, span) })
	}
	double := w.watchRun(all, need, span)
	calm()
	harm.Wait()
	silence()
	noise.Wait()
	home()
	care.Wait()
	if double {
		return w.judge(false)
	}
	w.drain(p)
	return w.judge(true)
}

// watchRun prints how things stand until the faults have had their time, or a
// post was sent twice.
func (w *world) watchRun(all map[string][]fault, need int, span time.Duration) (double bool) {
	began, last, line := time.Now(), uint64(0), time.Now()
	seen := map[string]int{}
	for {
		rest(w.Context(), time.Second)
		more, err := w.truth(w.Context(), last)
		if err != nil {
			w.Logf("the referee does not answer: %v", err)
			return false
		}
		for _, a := range more {
			last = max(last, a.Seq)
			if k := a.WcID + " " + tagOf(a).Key; a.Call == "snsSendUrl" {
				if seen[k]++; seen[k] > 1 {
					double = true
				}
			}
		}
		spent := time.Since(began)
		over := spent > span && w.strikes.least(all) >= need || spent > 2*span
		if time.Since(line) > 10*time.Second || over || double {
			line = time.Now()
			w.Log(w.status(spent, len(seen), double))
		}
		if over || double {
			return double
		}
	}
}

// leftOver says of the posts that have not ended how many are held by what.
func (w *world) leftOver() (lines []string) {
	rows, err := ask[struct {
		State, Campaign, Why string
		N                    int
	}](w.Context(), w, `
		SELECT p.state, coalesce(c.state, 'none'), CASE WHEN i.unread THEN 'unread' WHEN NOT i.online THEN 'offline' WHEN i.paused THEN 'paused' ELSE 'free' END, count(*)
		FROM posts p JOIN instances i ON i.id = p.instance_id LEFT JOIN campaigns c ON c.id = p.campaign_id
		WHERE p.state IN ('draft', 'pending', 'scheduled', 'claimed', 'sending')
		GROUP BY 1, 2, 3 ORDER BY 4 DESC`)
	if err != nil {
		return []string{err.Error()}
	}
	for _, r := range rows {
		lines = append(lines, fmt.Sprintf("%d %s, campaign %s, instance %s", r.N, r.State, r.Campaign, r.Why))
	}
	return lines
}

// drain lets everything come to rest: the campaigns are planned and stopped,
// what is due is sent, and what is in doubt is read back.
func (w *world) drain(p *person) {
	w.Helper()
	for _, v := range w.victims {
		v.db.bring(trouble{})
		v.gw.bring(trouble{})
	}
	if err := w.control(w.Context(), "POST", "faults", map[string]float64{}, nil); err != nil {
		w.Error(err)
	}
	if err := w.backOnline(w.Context()); err != nil {
		w.Error(err)
	}
	w.resume(w.Context(), p.r, false)
	// After an hour there is much to plan and to take back: as long as it gets less, it is waited for.
	none := func(what, q string, limit time.Duration) {
		w.Helper()
		left, since := -1, time.Now()
		for left != 0 {
			rest(w.Context(), 250*time.Millisecond)
			rows, err := ask[struct{ N int }](w.Context(), w, q)
			if err == nil && (left < 0 || rows[0].N < left) {
				left, since = rows[0].N, time.Now()
			}
			if time.Since(since) > limit {
				w.Fatalf("not any nearer for %v: %s; %d are left: %v", limit, what, left, w.leftOver())
			}
		}
	}
	none("all campaigns are planned", `SELECT count(*) FROM campaigns WHERE settled_at IS NULL AND state <> 'draft'`, 2*time.Minute)
	var err error
	if w.ticks, err = w.recordCampaigns(w.Context()); err != nil {
		w.Fatal(err)
	}
	for _, c := range w.ticks {
		w.until("campaign is stopped", time.Minute, func() bool {
			_, ch, _ := w.request(w.Context(), w.victims[0], client.Request{Method: "POST", Path: fmt.Sprintf("/campaigns/%d/stop", c.ID), Body: map[string]any{"reason": "over"}}, promise.Change{Action: "campaign_stop"})
			return ch.Outcome != promise.Lost
		})
	}
	none("every post has ended", `SELECT count(*) FROM posts WHERE state IN ('draft', 'pending', 'scheduled', 'claimed', 'sending')`, 3*time.Minute)
	rest(w.Context(), lateBy+3*time.Second)
	w.until("what is on a timeline is known to be sent", 5*time.Minute, func() bool {
		_ = p.round(w.Context(), true)
		rows, err := ask[struct{ Key string }](w.Context(), w, `
			SELECT i.wc_id || ' ' || split_part(p.content, ' ', 1) FROM posts p JOIN instances i ON i.id = p.instance_id WHERE p.state = 'unknown'`)
		if err != nil {
			return false
		}
		for _, r := range rows {
			if len(p.seen[r.Key]) > 0 {
				rest(w.Context(), 500*time.Millisecond)
				return false
			}
		}
		return true
	})
}

// judge proves the promises; those that only hold in the end are left out
// before it.
func (w *world) judge(end bool) []promise.Violation {
	w.Helper()
	var r *promise.Record
	w.until("the run can be read", time.Minute, func() (ok bool) {
		var err error
		r, err = w.record(w.Context())
		return err == nil
	})
	promises := []promise.Promise{promise.SentOnce}
	if end {
		r.Campaigns, promises = w.ticks, promise.All
	}
	found := promise.Check(r, promises...)
	for _, v := range w.victims {
		if n := v.Strange.Load(); n > 0 {
			w.Logf("replica %s ended by itself %d times", v.name, n)
		}
		found = append(found, w.panics(v)...)
	}
	w.report(r, len(promises), len(found))
	if len(found) > 0 && w.build == asReleased {
		w.Logf("%d VIOLATIONS; everything is in %s; again with -seed=%d", len(found), w.keep(w.Context(), r, found), w.seed)
	}
	return found
}
