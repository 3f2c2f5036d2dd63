package postgres

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"momentcast/internal/moment"
	"momentcast/internal/postgres/postgrestest"
)

const replica = "test"

// world is a database with helpers that say what a test means.
type world struct {
	*testing.T
	db *DB
}

func newWorld(t *testing.T) *world {
	t.Helper()
	db, err := Open(postgrestest.URL(t), Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(db.Close)
	w := &world{t, db}
	w.exec(`UPDATE settings SET min_gap = '0', daily_cap = 0, quiet_hours = '', online_age = '0'`)
	return w
}

func (w *world) exec(q string, args ...any) {
	w.Helper()
	if _, err := w.db.pool.Exec(w.Context(), q, args...); err != nil {
		w.Fatalf("%s: %v", q, err)
	}
}

func one[T any](w *world, q string, args ...any) T {
	w.Helper()
	rows, err := w.db.pool.Query(w.Context(), q, args...)
	if err != nil {
		w.Fatalf("%s: %v", q, err)
	}
	v, err := pgx.CollectExactlyOneRow(rows, pgx.RowTo[T])
	if err != nil {
		w.Fatalf("%s: %v", q, err)
	}
	return v
}

// instance registers an account that is online.
func (w *world) instance(wcID string) int64 {
	w.Helper()
	return one[int64](w, `INSERT INTO instances (wc_id, w_id, online, online_since) VALUES ($1, 'w-' || $1, true, now() - interval '100 hours') RETURNING id`, wcID)
}

func (w *world) post(instance int64, due time.Duration) int64 {
	w.Helper()
	return w.add(&moment.Post{InstanceID: instance, DueAt: time.Now().Add(due), MaxLateness: time.Hour})
}

func (w *world) add(p *moment.Post) int64 {
	w.Helper()
	if p.State == "" {
		p.State = moment.Scheduled
	}
	p.Card = moment.Card{Content: "text", Title: "title", URL: "https://example.com/a", ThumbURL: "https://example.com/a.jpg"}
	if p.Visibility.Mode == "" {
		p.Visibility.Mode = moment.Everyone
	}
	p.Author, p.Source = "tester", "api"
	ids, _, err := w.db.AddPosts(w.Context(), []*moment.Post{p}, moment.RequestKey{})
	if err != nil {
		w.Fatal(err)
	}
	return ids[0]
}

func (w *world) claim(n int) []moment.Claim {
	w.Helper()
	claims, _, err := w.db.Claim(w.Context(), n, time.Now().UnixNano(), replica, time.Minute)
	if err != nil {
		w.Fatal(err)
	}
	return claims
}

func (w *world) begin(claims ...moment.Claim) []moment.Begun {
	w.Helper()
	refs := make([]moment.Ref, len(claims))
	for i, c := range claims {
		refs[i] = c.Ref
	}
	begun, err := w.db.Begin(w.Context(), refs, time.Minute, time.Minute)
	if err != nil {
		w.Fatal(err)
	}
	return begun
}

// claimed takes exactly one post and commits its intent.
func (w *world) claimed() moment.Claim {
	w.Helper()
	claims := w.claim(1)
	if len(claims) != 1 {
		w.Fatalf("claimed %d posts, want 1", len(claims))
	}
	if begun := w.begin(claims...); len(begun) != 1 {
		w.Fatalf("began %d calls, want 1", len(begun))
	}
	return claims[0]
}

func (w *world) record(c moment.Claim, action moment.Action, id string) (stale bool) {
	w.Helper()
	o := moment.Outcome{Claim: c, Action: action, Backoff: time.Second, Result: moment.Result{
		Verdict: map[moment.Action]moment.Verdict{moment.ActSucceed: moment.Delivered, moment.ActFail: moment.Rejected,
			moment.ActRelease: moment.NeverLeft, moment.ActDoubt: moment.InDoubt}[action],
		MomentID: id, Message: "why", Request: "{}", Reply: "{}",
	}}
	lost, err := w.db.Record(w.Context(), []moment.Outcome{o})
	if err != nil {
		w.Fatal(err)
	}
	return len(lost) > 0
}

func (w *world) state(post int64) moment.State {
	w.Helper()
	return moment.State(one[string](w, `SELECT state::text FROM posts WHERE id = $1`, post))
}

func (w *world) want(post int64, state moment.State) {
	w.Helper()
	if got := w.state(post); got != state {
		w.Errorf("post %d is %s, want %s", post, got, state)
	}
}

func TestPostIsSentOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	inst := w.instance("a")
	p := w.post(inst, -time.Second)

	c := w.claimed()
	if c.ID != p || c.WcID != "a" || c.Attempt != 1 || c.Card.Title != "title" || c.Lateness < time.Second {
		t.Errorf("claim: %+v", c)
	}
	w.want(p, moment.Sending)
	if more := w.claim(10); len(more) != 0 {
		t.Errorf("claimed again while in flight: %+v", more)
	}
	if w.record(c, moment.ActSucceed, "13367129656153944194") {
		t.Error("the result was refused")
	}
	w.want(p, moment.Sent)
	if n := one[int](w, `SELECT count(*) FROM attempts WHERE post_id = $1 AND verdict = 'delivered'`, p); n != 1 {
		t.Errorf("%d attempts, want 1", n)
	}
	if w.record(c, moment.ActSucceed, "13367129656153944194") {
		t.Error("a result that is recorded twice is not stale: the first answer was lost")
	}
	if more := w.claim(10); len(more) != 0 {
		t.Errorf("claimed after it was sent: %+v", more)
	}
}

func TestOneInFlightPerInstanceInOrder(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	inst := w.instance("a")
	second := w.post(inst, -time.Second)
	first := w.post(inst, -time.Minute)
	for _, want := range []int64{first, second} {
		claims := w.claim(10)
		if len(claims) != 1 || claims[0].ID != want {
			t.Fatalf("claimed %+v, want post %d alone", claims, want)
		}
		w.begin(claims...)
		w.record(claims[0], moment.ActSucceed, fmt.Sprint(want))
	}
}

func TestManyClaimersTakeEachPostOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	const instances, each = 40, 3
	for i := range instances {
		inst := w.instance(fmt.Sprint("i", i))
		for range each {
			w.post(inst, -time.Second)
		}
	}
	var mu sync.Mutex
	seen := map[int64]int{}
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			for idle := 0; idle < 20; {
				claims := w.claim(7)
				if len(claims) == 0 {
					idle++
					continue
				}
				w.begin(claims...)
				for _, c := range claims {
					mu.Lock()
					seen[c.ID]++
					mu.Unlock()
					w.record(c, moment.ActSucceed, fmt.Sprint(c.ID))
				}
			}
		})
	}
	all.Wait()
	for id, n := range seen {
		if n != 1 {
			t.Errorf("post %d was claimed %d times", id, n)
		}
	}
	if len(seen) != instances*each {
		t.Errorf("claimed %d posts, want %d", len(seen), instances*each)
	}
}

func TestStaleCompletionChangesNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	p := w.post(w.instance("a"), -time.Second)
	old := w.claim(1)[0]
	w.exec(`UPDATE posts SET lease_until = now() - interval '1 second'`)
	w.reap(1, 0)
	w.want(p, moment.Scheduled)
	if got := w.begin(old); len(got) != 0 {
		t.Error("a claim whose lease had lapsed could begin")
	}
	fresh := w.claimed()
	if !w.record(old, moment.ActFail, "") {
		t.Error("the old claim's failure was taken for the new one's")
	}
	w.want(p, moment.Sending)
	w.record(fresh, moment.ActSucceed, "7")
	w.want(p, moment.Sent)
}

func (w *world) reap(lapsed, doubted int) {
	w.Helper()
	l, d, err := w.db.Reap(w.Context(), replica)
	if err != nil || l != lapsed || d != doubted {
		w.Errorf("Reap: %d lapsed, %d doubted, %v; want %d and %d", l, d, err, lapsed, doubted)
	}
}

// expire makes the lease of everything in flight run out and settles it.
func (w *world) expire() {
	w.Helper()
	w.exec(`UPDATE posts SET lease_until = now() - interval '1 second', call_until = now() - interval '1 second' WHERE lease_until IS NOT NULL`)
	w.reap(0, 1)
}

func TestLostSenderLeavesUnknownAndLateSuccessSettlesIt(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	inst := w.instance("a")
	p := w.post(inst, -time.Second)
	c := w.claimed()
	w.expire()
	w.want(p, moment.Unknown)
	if w.record(c, moment.ActFail, "") {
		t.Error("a late refusal is ours, though it changes nothing")
	}
	w.want(p, moment.Unknown)
	if w.record(c, moment.ActSucceed, "99") {
		t.Error("the late success was refused")
	}
	w.want(p, moment.Sent)
	if id := one[string](w, `SELECT moment_id FROM posts WHERE id = $1`, p); id != "99" {
		t.Errorf("moment %s, want 99", id)
	}
	if n := one[int](w, `SELECT count(*) FROM instances WHERE in_flight IS NOT NULL`); n != 0 {
		t.Error("the instance is still taken")
	}
}

func TestLateSuccessStopsASecondCall(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	p := w.post(w.instance("a"), -time.Second)
	c := w.claimed()
	w.expire()
	w.act(p, moment.Act{Action: moment.ActNotSent})
	w.want(p, moment.Scheduled)
	w.record(c, moment.ActSucceed, "99") // the first call did arrive
	w.want(p, moment.Sent)
	if more := w.claim(1); len(more) != 0 {
		t.Error("it would be sent a second time")
	}
}

func (w *world) act(post int64, a moment.Act) *moment.Post {
	w.Helper()
	p, err := w.db.ActOnPost(w.Context(), post, 0, a, moment.Origin{Actor: "ann", Source: "api"})
	if err != nil {
		w.Fatalf("%s: %v", a.Action, err)
	}
	return p
}

func TestUnknownIsReadBack(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	inst := w.instance("a")
	p := w.post(inst, -time.Second)
	next := w.post(inst, -time.Second)
	c := w.claimed()
	w.record(c, moment.ActDoubt, "")
	w.want(p, moment.Unknown)
	if claims := w.claim(1); len(claims) != 0 {
		t.Fatal("the instance goes on before the first read-back")
	}
	d := w.doubt()
	if d.ID != p || d.WID != "w-a" || d.Round != 0 || d.CallUntil.Before(d.IntentAt) {
		t.Errorf("doubt %+v", d)
	}
	if err := w.db.KeepDoubt(w.Context(), d, moment.ReadBack{Round: 1}, time.Minute, replica); err != nil {
		t.Fatal(err)
	}
	if claims := w.claim(1); len(claims) != 1 || claims[0].ID != next {
		t.Fatalf("after the first read-back the instance should go on: %+v", claims)
	}
	d = w.doubt()
	if d.Round != 1 {
		t.Errorf("round %d, want 1", d.Round)
	}
	m := moment.StoredMoment{ID: "123", WcID: "a", CreatedAt: time.Now(), Proof: &moment.Proof{Title: "title"}}
	if err := w.db.FoundDoubt(w.Context(), d, m, moment.ReadBack{Round: 2, Found: "123"}, replica); err != nil {
		t.Fatal(err)
	}
	w.want(p, moment.Sent)
	if free, err := w.db.Unclaimed(w.Context(), inst, []string{"123", "124"}); err != nil || len(free) != 1 || free[0] != "124" {
		t.Errorf("Unclaimed = %v, %v; want 124 alone", free, err)
	}
}

func (w *world) doubt() moment.Doubt {
	w.Helper()
	w.exec(`UPDATE posts SET reconcile_at = now() WHERE reconcile_at IS NOT NULL`)
	ds, err := w.db.TakeDoubts(w.Context(), 5, time.Minute)
	if err != nil || len(ds) != 1 {
		w.Fatalf("TakeDoubts: %d, %v", len(ds), err)
	}
	if again, _ := w.db.TakeDoubts(w.Context(), 5, time.Minute); len(again) != 0 {
		w.Error("a doubt was lent twice")
	}
	return ds[0]
}

func TestUnreadableTimelineDoesNotHoldTheAccountForEver(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	offline := moment.ReadBack{Round: 1, Problem: moment.ReadOffline}
	inst := w.instance("a")
	w.post(inst, -time.Second)
	next := w.post(inst, -time.Second)
	w.record(w.claimed(), moment.ActDoubt, "")
	if err := w.db.KeepDoubt(t.Context(), w.doubt(), offline, time.Second, replica); err != nil {
		t.Fatal(err)
	}
	if claims := w.claim(1); len(claims) != 0 {
		t.Fatal("the account went on while its call might still be under way")
	}
	w.exec(`UPDATE posts SET call_until = now() - interval '2 minutes' WHERE state = 'unknown'`)
	d := w.doubt()
	if err := w.db.KeepDoubt(t.Context(), d, offline, time.Second, replica); err != nil {
		t.Fatal(err)
	}
	if claims := w.claim(1); len(claims) != 1 || claims[0].ID != next {
		t.Errorf("the account is still held up: %+v", claims)
	}
	if d := w.doubt(); d.Round != 0 {
		t.Errorf("a look that failed was counted as round %d", d.Round)
	}
}

func TestMomentBelongsToOnePost(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	inst := w.instance("a")
	w.post(inst, -time.Second)
	w.post(inst, -time.Second)
	w.record(w.claimed(), moment.ActSucceed, "5")
	c := w.claimed()
	_, err := w.db.Record(t.Context(), []moment.Outcome{{Claim: c, Action: moment.ActSucceed, Result: moment.Result{Verdict: moment.Delivered, MomentID: "5"}}})
	if moment.KindOf(err) != moment.Conflict {
		t.Errorf("the same moment was recorded on two posts: %v", err)
	}
}

func TestAutomaticResendOnlyWhenSwitchedOnAndAfterQuarantine(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	p := w.post(w.instance("a"), -time.Second)
	w.record(w.claimed(), moment.ActDoubt, "")
	d := w.doubt()
	resend := func(quarantine time.Duration, want bool) {
		t.Helper()
		if got, err := w.db.Resend(w.Context(), d, moment.ReadBack{Round: 1}, quarantine, replica); err != nil || got != want {
			t.Errorf("Resend = %v, %v; want %v", got, err, want)
		}
	}
	resend(-time.Hour, false)
	w.exec(`UPDATE settings SET auto_resend = true`)
	resend(time.Minute, false)
	w.want(p, moment.Unknown)
	resend(-time.Hour, true)
	w.want(p, moment.Scheduled)
}

func TestReleasedAfterDefiniteFailureBacksOff(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	inst := w.instance("a")
	p := w.post(inst, -time.Second)
	w.record(w.claimed(), moment.ActRelease, "")
	w.want(p, moment.Scheduled)
	if why := one[string](w, `SELECT hold_reason FROM instances`); why != "backoff" {
		t.Errorf("held by %q, want backoff", why)
	}
	if claims := w.claim(1); len(claims) != 0 {
		t.Error("claimed before the back-off is over")
	}
	w.exec(`UPDATE instances SET next_slot_at = now()`)
	if err := w.db.RefreshAll(w.Context()); err != nil {
		t.Fatal(err)
	}
	if claims := w.claim(1); len(claims) != 1 || claims[0].Attempt != 2 {
		t.Errorf("second attempt: %+v", claims)
	}
}

func TestMissedNotSent(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	inst := w.instance("a")
	late := w.add(&moment.Post{InstanceID: inst, DueAt: time.Now().Add(-2 * time.Hour), MaxLateness: time.Hour})
	noLimit := w.add(&moment.Post{InstanceID: inst, DueAt: time.Now().Add(-90 * time.Minute)})
	if claims := w.claim(5); len(claims) != 0 {
		t.Fatalf("claimed %+v, though the earliest is past its limit", claims)
	}
	w.want(late, moment.Missed)
	if claims := w.claim(5); len(claims) != 1 || claims[0].ID != noLimit {
		t.Errorf("claimed %+v, want the one without a limit", claims)
	}

	offline := w.instance("b")
	w.exec(`UPDATE instances SET online = false, ready_at = NULL WHERE id = $1`, offline)
	held := w.add(&moment.Post{InstanceID: offline, DueAt: time.Now().Add(-2 * time.Hour), MaxLateness: time.Hour})
	if n, err := w.db.Miss(w.Context(), replica); err != nil || n != 1 {
		t.Errorf("Miss = %d, %v; want 1", n, err)
	}
	w.want(held, moment.Missed)
	if why := one[string](w, `SELECT held_for FROM posts WHERE id = $1`, held); why != "offline" {
		t.Errorf("held for %q, want offline", why)
	}
}

func TestPauseHoldsWhatIsClaimedButNotBegun(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	inst := w.instance("a")
	p := w.add(&moment.Post{InstanceID: inst, DueAt: time.Now().Add(-time.Minute), MaxLateness: 2 * time.Minute})
	by := moment.Origin{Actor: "ann", Source: "api"}
	claims := w.claim(1)
	if err := w.db.Pause(w.Context(), "check the link", by); err != nil {
		t.Fatal(err)
	}
	if begun := w.begin(claims...); len(begun) != 0 {
		t.Error("a call began after the pause")
	}
	if err := w.db.Release(w.Context(), claims); err != nil {
		t.Fatal(err)
	}
	w.want(p, moment.Scheduled)
	if claims := w.claim(1); len(claims) != 0 {
		t.Error("claimed while paused")
	}
	w.exec(`UPDATE posts SET miss_at = now() - interval '1 second'`)
	if n, err := w.db.Miss(w.Context(), replica); err != nil || n != 0 {
		t.Errorf("Miss while paused = %d, %v; want 0", n, err)
	}
	if err := w.db.Resume(w.Context(), moment.OverdueSend, by); err != nil {
		t.Fatal(err)
	}
	if claims := w.claim(1); len(claims) != 1 {
		t.Error("not sent after the resume that said so")
	}
}

func TestResumeCanMissWhatIsOverdue(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	inst := w.instance("a")
	due, later := w.post(inst, -time.Minute), w.post(inst, time.Hour)
	by := moment.Origin{Actor: "ann", Source: "api"}
	if err := w.db.Pause(w.Context(), "why", by); err != nil {
		t.Fatal(err)
	}
	if err := w.db.Resume(w.Context(), moment.OverdueMiss, by); err != nil {
		t.Fatal(err)
	}
	w.want(due, moment.Missed)
	w.want(later, moment.Scheduled)
}

// Between a claim's two statements others try to claim, to enqueue and to
// cancel: none of them may make the claim send twice or lose a wake-up. As one
// statement, the claim did both.
func TestNothingComesBetweenTheClaimsTwoStatements(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	inst := w.instance("a")
	first := w.post(inst, -time.Minute)
	ctx, done := context.WithTimeout(t.Context(), 30*time.Second)
	defer done()

	var claims []moment.Claim
	added := make(chan int64, 1)
	err := w.db.withEngineConn(ctx, func(conn *pgx.Conn) error {
		ids, err := beginAndLockReady(ctx, conn, 10, time.Time{})
		if err != nil || len(ids) != 1 {
			t.Fatalf("locked %v, %v", ids, err)
		}
		if other := w.claim(10); len(other) != 0 {
			t.Errorf("another replica claimed %+v meanwhile", other)
		}
		go func() { added <- w.post(inst, -time.Second) }()
		w.waitForBlocked(ctx, 1)
		rows, err := conn.Query(ctx, claimPosts, ids, int64(1), replica, time.Minute)
		if err != nil {
			return err
		}
		if claims, err = pgx.CollectRows(rows, scanClaim(1)); err != nil {
			return err
		}
		_, err = conn.Exec(ctx, "COMMIT")
		return err
	})
	if err != nil || len(claims) != 1 || claims[0].ID != first {
		t.Fatalf("claimed %+v, %v", claims, err)
	}
	second := <-added
	w.begin(claims...)
	w.record(claims[0], moment.ActSucceed, "1")
	if next := w.claim(10); len(next) != 1 || next[0].ID != second {
		t.Errorf("the post enqueued meanwhile was lost: %+v", next)
	}
}

// A claim that heals a stale ready_at must not overwrite what an enqueue has
// just made of it.
func TestHealingDoesNotLoseAnEnqueue(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	inst := w.instance("a")
	w.exec(`UPDATE instances SET ready_at = now() - interval '1 minute'`) // stale: there is no post
	ctx, done := context.WithTimeout(t.Context(), 30*time.Second)
	defer done()
	added := make(chan int64, 1)
	err := w.db.withEngineConn(ctx, func(conn *pgx.Conn) error {
		ids, err := beginAndLockReady(ctx, conn, 10, time.Time{})
		if err != nil || len(ids) != 1 {
			t.Fatalf("locked %v, %v", ids, err)
		}
		go func() { added <- w.post(inst, -time.Second) }()
		w.waitForBlocked(ctx, 1)
		_, err = conn.Exec(ctx, claimPosts, ids, int64(1), replica, time.Minute)
		if err == nil {
			_, err = conn.Exec(ctx, "COMMIT")
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	post := <-added
	if next := w.claim(10); len(next) != 1 || next[0].ID != post {
		t.Errorf("the enqueued post was lost: %+v", next)
	}
}

// waitForBlocked returns when n statements wait for a row lock.
func (w *world) waitForBlocked(ctx context.Context, n int) {
	w.Helper()
	for ctx.Err() == nil {
		if one[int](w, `SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`) >= n {
			return
		}
	}
	w.Fatal("nobody waited for the lock")
}
