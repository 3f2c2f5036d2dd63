package dispatch

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rs/zerolog"

	"momentcast/internal/moment"
)

// fake is a store in memory that knows just enough: which posts are due, whose
// intent is committed, what was recorded. Its clock is the bubble's.
type fake struct {
	mu       sync.Mutex
	due      map[int64]time.Time // scheduled
	begun    map[int64]bool
	recorded map[int64]moment.Action
	released []int64
	doubts   []moment.Doubt
	kept     []time.Duration
	look     moment.ReadBack // what was last kept of a look at the timeline
	resends  bool            // posts that were not found are scheduled again
	resent   bool
	found    string
	down     string
	changes  []moment.Change
	observed int
	taken    string // a moment id that another post has
	move     moment.HistoryMove
	restored []moment.Outcome

	claimErr, beginErr, rereadErr, recordErr error
	loseCommit                               bool // Begin commits and then reports an error
}

func newFake(due ...time.Duration) *fake {
	f := &fake{due: map[int64]time.Time{}, begun: map[int64]bool{}, recorded: map[int64]moment.Action{}}
	for i, d := range due {
		f.due[int64(i+1)] = time.Now().Add(d)
	}
	return f
}

func (f *fake) Claim(_ context.Context, n int, token int64, _ string, _ time.Duration) (out []moment.Claim, looked int, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.claimErr != nil {
		return nil, 0, f.claimErr
	}
	for id, due := range f.due {
		if len(out) < n && !due.After(time.Now()) {
			out = append(out, moment.Claim{Ref: moment.Ref{ID: id, Token: token}, WcID: "a", Attempt: 1, DueAt: due, Lateness: time.Since(due)})
			delete(f.due, id)
		}
	}
	return out, len(out), nil
}

func (f *fake) Begin(_ context.Context, refs []moment.Ref, _, _ time.Duration) (out []moment.Begun, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.beginErr != nil && !f.loseCommit {
		return nil, f.beginErr
	}
	for _, r := range refs {
		f.begun[r.ID] = true
		out = append(out, moment.Begun{ID: r.ID, WID: "w"})
	}
	if f.loseCommit {
		return nil, f.beginErr
	}
	return out, nil
}

func (f *fake) BegunAlready(_ context.Context, refs []moment.Ref) (out []moment.Begun, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, r := range refs {
		if f.begun[r.ID] {
			out = append(out, moment.Begun{ID: r.ID, WID: "w"})
		}
	}
	return out, f.rereadErr
}

func (f *fake) Release(_ context.Context, claims []moment.Claim) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, c := range claims {
		f.released = append(f.released, c.ID)
	}
	return nil
}

func (f *fake) Record(ctx context.Context, outs []moment.Outcome) ([]int64, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.recordErr != nil || ctx.Err() != nil {
		return nil, errors.Join(f.recordErr, ctx.Err())
	}
	for _, o := range outs {
		if f.taken != "" && o.Result.MomentID == f.taken && o.Action == moment.ActSucceed {
			return nil, moment.Errorf(moment.Conflict, "taken")
		}
	}
	for _, o := range outs {
		f.recorded[o.Claim.ID] = o.Action
	}
	return nil, nil
}

func (f *fake) NextReady(context.Context) (time.Duration, bool, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	var first time.Time
	for _, due := range f.due {
		if first.IsZero() || due.Before(first) {
			first = due
		}
	}
	return time.Until(first), !first.IsZero(), nil
}

func (f *fake) Listen(ctx context.Context, _ func()) error { <-ctx.Done(); return ctx.Err() }

func (f *fake) Observe(context.Context, []moment.Login, string) ([]moment.Change, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.observed++
	c := f.changes
	f.changes = nil
	return c, nil
}

func (f *fake) GatewayDown(_ context.Context, why string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.down = why
	return nil
}

func (f *fake) note() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.down
}

func (f *fake) SetOfflineReason(context.Context, string, string) error { return nil }
func (f *fake) Reap(context.Context, string) (int, int, error)         { return 0, 0, nil }
func (f *fake) Miss(context.Context, string) (int, error)              { return 0, nil }
func (f *fake) ExpireApprovals(context.Context, string) (int, error)   { return 0, nil }

func (f *fake) TakeDoubts(context.Context, int, time.Duration) ([]moment.Doubt, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	d := f.doubts
	f.doubts = nil
	return d, nil
}

func (f *fake) Unclaimed(_ context.Context, _ int64, ids []string) ([]string, error) { return ids, nil }

func (f *fake) FoundDoubt(_ context.Context, _ moment.Doubt, m moment.StoredMoment, look moment.ReadBack, _ string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.look = look
	f.found = m.ID
	return nil
}

func (f *fake) KeepDoubt(_ context.Context, _ moment.Doubt, look moment.ReadBack, next time.Duration, _ string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.look = look
	f.kept = append(f.kept, next)
	return nil
}

func (f *fake) Resend(_ context.Context, _ moment.Doubt, look moment.ReadBack, _ time.Duration, _ string) (bool, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.look = look
	f.resent = f.resends
	return f.resends, nil
}
func (f *fake) TakeComments(context.Context, int, time.Duration) ([]moment.CommentTask, error) {
	return nil, nil
}
func (f *fake) RecordComment(context.Context, moment.CommentTask, moment.Result, string) error {
	return nil
}
func (f *fake) Heartbeat(context.Context, string, string, int) error { return nil }
func (f *fake) Goodbye(context.Context, string) error                { return nil }
func (f *fake) Tidy(context.Context) error                           { return nil }
func (f *fake) Expand(context.Context, string) (time.Time, bool, error) {
	return time.Time{}, false, nil
}

// wire is a gateway in memory.
type wire struct {
	mu       sync.Mutex
	calls    []time.Time
	publish  func(ctx context.Context) moment.Result
	logins   func() error
	online   atomic.Pointer[[]moment.Login]
	timeline []moment.StoredMoment
	timeErr  error
}

func (g *wire) Publish(ctx context.Context, _ string, _ moment.Card, _ moment.Visibility) moment.Result {
	g.mu.Lock()
	g.calls = append(g.calls, time.Now())
	g.mu.Unlock()
	if g.publish != nil {
		return g.publish(ctx)
	}
	return moment.Result{Verdict: moment.Delivered, MomentID: "1"}
}

func (g *wire) Comment(context.Context, string, string, string) moment.Result { return moment.Result{} }

func (g *wire) Logins(context.Context) ([]moment.Login, error) {
	if g.logins != nil {
		return nil, g.logins()
	}
	if l := g.online.Load(); l != nil {
		return *l, nil
	}
	return nil, nil
}
func (g *wire) OfflineReason(context.Context, string) (string, error) { return "", nil }
func (g *wire) OwnTimeline(context.Context, string, string, time.Time) ([]moment.StoredMoment, error) {
	return g.timeline, g.timeErr
}

func (g *wire) count() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return len(g.calls)
}

// run starts a dispatcher; the returned function stops it and waits.
func run(t *testing.T, f *fake, g *wire, cfg Config) (stop func()) {
	cfg.Replica = "test"
	d := New(f, g, cfg, NoMeter{}, zerolog.New(zerolog.NewTestWriter(t)).Level(zerolog.WarnLevel))
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() { defer close(ended); d.Run(ctx) }()
	return func() { cancel(); <-ended }
}

func TestPostLeavesAtItsTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, g := newFake(90*time.Second), &wire{}
		start := time.Now()
		stop := run(t, f, g, Config{})
		time.Sleep(2 * time.Minute)
		stop()
		if g.count() != 1 || f.recorded[1] != moment.ActSucceed {
			t.Fatalf("%d calls, recorded %v", g.count(), f.recorded)
		}
		if at := g.calls[0].Sub(start); at != 90*time.Second {
			t.Errorf("left after %v, want 90s", at)
		}
	})
}

func TestStopLetsCallsEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake(0)
		g := &wire{publish: func(ctx context.Context) moment.Result {
			select {
			case <-time.After(3 * time.Second):
				return moment.Result{Verdict: moment.Delivered, MomentID: "1"}
			case <-ctx.Done():
				return moment.Result{Verdict: moment.InDoubt}
			}
		}}
		stop := run(t, f, g, Config{})
		time.Sleep(time.Second)
		start := time.Now()
		stop()
		if f.recorded[1] != moment.ActSucceed {
			t.Errorf("recorded %v, want a success", f.recorded)
		}
		if took := time.Since(start); took != 2*time.Second {
			t.Errorf("stopped after %v, want 2s", took)
		}
	})
}

func TestStopCutsOffAfterGraceAndRecordsTheDoubt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake(0)
		g := &wire{publish: func(ctx context.Context) moment.Result {
			<-ctx.Done()
			return moment.Result{Verdict: moment.InDoubt, Cause: "cut"}
		}}
		stop := run(t, f, g, Config{Grace: 3 * time.Second})
		time.Sleep(time.Second)
		start := time.Now()
		stop()
		if took := time.Since(start); took != 3*time.Second {
			t.Errorf("stopped after %v, want 3s", took)
		}
		if f.recorded[1] != moment.ActDoubt {
			t.Errorf("recorded %v, want a doubt", f.recorded)
		}
	})
}

func TestIntentCommitOfUnknownOutcomeIsReRead(t *testing.T) {
	lost := errors.New("connection reset")
	for _, tc := range []struct {
		name      string
		committed bool
		reread    error
		calls     int
		released  int
	}{
		{"committed, answer lost", true, nil, 1, 0},
		{"not committed", false, nil, 0, 1},
		{"cannot be told", true, lost, 0, 0},
	} {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f, g := newFake(0), &wire{}
				f.beginErr, f.loseCommit, f.rereadErr = lost, tc.committed, tc.reread
				stop := run(t, f, g, Config{})
				time.Sleep(time.Second)
				stop()
				if g.count() != tc.calls || len(f.released) != tc.released {
					t.Errorf("%d calls, %d released; want %d and %d", g.count(), len(f.released), tc.calls, tc.released)
				}
			})
		})
	}
}

func TestNoClaimWhileTheGatewayIsDown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, g := newFake(time.Second), &wire{}
		var up atomic.Bool
		g.logins = func() error {
			if up.Load() {
				return nil
			}
			return moment.Errorf(moment.Unavailable, "The gateway cannot be reached.")
		}
		stop := run(t, f, g, Config{})
		time.Sleep(time.Minute)
		if n, note := g.count(), f.note(); n != 0 || note == "" {
			t.Errorf("%d calls while down; note %q", n, note)
		}
		up.Store(true)
		time.Sleep(maxDownRetry + time.Second)
		stop()
		if g.count() != 1 {
			t.Errorf("%d calls after it came back, want 1", g.count())
		}
	})
}

func TestBreakerStopsClaimingWhenCallsEndUnclear(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake()
		for i := range int64(100) {
			f.due[i+1] = time.Now().Add(time.Duration(i) * time.Second)
		}
		g := &wire{publish: func(context.Context) moment.Result { return moment.Result{Verdict: moment.InDoubt, Cause: "timeout"} }}
		stop := run(t, f, g, Config{})
		time.Sleep(100 * time.Second)
		stop()
		// Five trip it; after that one probe each 15 s.
		if n := g.count(); n < tripAfter || n > tripAfter+8 {
			t.Errorf("%d calls in 100 s of timeouts, want %d and a few probes", n, tripAfter)
		}
	})
}

func TestBreakerClosesAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake()
		for i := range int64(50) {
			f.due[i+1] = time.Now()
		}
		var good atomic.Bool
		g := &wire{publish: func(context.Context) moment.Result {
			if !good.Load() {
				return moment.Result{Verdict: moment.InDoubt, Cause: "http_500"}
			}
			return moment.Result{Verdict: moment.Delivered, MomentID: "1"}
		}}
		stop := run(t, f, g, Config{Concurrency: 5})
		time.Sleep(10 * time.Second)
		good.Store(true)
		time.Sleep(time.Minute)
		stop()
		if len(f.due) != 0 {
			t.Errorf("%d posts are left after the gateway recovered", len(f.due))
		}
	})
}

func TestResultIsKeptUntilTheDatabaseTakesIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, g := newFake(0), &wire{}
		f.recordErr = moment.Errorf(moment.Unavailable, "The database cannot be reached.")
		stop := run(t, f, g, Config{})
		time.Sleep(time.Minute)
		f.mu.Lock()
		if len(f.recorded) != 0 || g.count() != 1 {
			t.Errorf("recorded %v after %d calls", f.recorded, g.count())
		}
		f.recordErr = nil
		f.mu.Unlock()
		time.Sleep(3 * time.Second)
		stop()
		if f.recorded[1] != moment.ActSucceed || g.count() != 1 {
			t.Errorf("recorded %v after %d calls, want one success", f.recorded, g.count())
		}
	})
}

func TestMomentOfAnotherPostIsADoubtAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, g := newFake(0), &wire{}
		f.taken = "1"
		stop := run(t, f, g, Config{})
		time.Sleep(10 * time.Millisecond)
		stop()
		if f.recorded[1] != moment.ActDoubt {
			t.Errorf("recorded %v, want a doubt", f.recorded)
		}
	})
}

func TestFrozenBetweenIntentAndCallDoesNotCall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, g := newFake(), &wire{}
		d := New(f, g, Config{Replica: "test"}, NoMeter{}, zerolog.Nop())
		go d.call(t.Context(), time.Now().Add(-time.Second), moment.Claim{Attempt: 1}, "w")
		o := <-d.ended
		if g.count() != 0 || o.Result.Verdict != moment.NeverLeft {
			t.Errorf("%d calls, verdict %s; want none", g.count(), o.Result.Verdict)
		}
	})
}

func TestRefusalThroughAnOldSessionIsNoFailure(t *testing.T) {
	for _, tc := range []struct {
		name   string
		online []moment.Login
		want   moment.Action
	}{
		{"same session", []moment.Login{{WcID: "a", WID: "w"}}, moment.ActFail},
		{"logged in anew", []moment.Login{{WcID: "a", WID: "w2"}}, moment.ActRelease},
		{"offline", nil, moment.ActRelease},
	} {
		t.Run(tc.name, func(t *testing.T) {
			f, g := newFake(), &wire{publish: func(context.Context) moment.Result {
				return moment.Result{Verdict: moment.Rejected, Cause: "code_1001", Message: "No."}
			}}
			g.online.Store(&tc.online)
			d := New(f, g, Config{Replica: "test"}, NoMeter{}, zerolog.Nop())
			go d.call(t.Context(), time.Now().Add(time.Minute), moment.Claim{WcID: "a", Attempt: 1}, "w")
			if o := <-d.ended; o.Action != tc.want {
				t.Errorf("%s, want %s", o.Action, tc.want)
			}
		})
	}
}

func TestReadBack(t *testing.T) {
	began := time.Date(2026, 5, 1, 9, 0, 0, 0, time.UTC)
	card := moment.Card{Content: "text", Title: "title", URL: "https://example.com/a"}
	doubt := moment.Doubt{Ref: moment.Ref{ID: 1}, WcID: "me", WID: "w", Card: card, IntentAt: began, CallUntil: began.Add(time.Minute)}
	at := func(id string, after time.Duration, change func(*moment.StoredMoment)) moment.StoredMoment {
		m := moment.StoredMoment{ID: id, WcID: "me", CreatedAt: began.Add(after),
			Proof: &moment.Proof{Content: "text", Title: "title", URL: "https://example.com/a?from=timeline", Style: moment.LinkStyle}}
		if change != nil {
			change(&m)
		}
		return m
	}
	for _, tc := range []struct {
		name     string
		doubt    func(*moment.Doubt)
		timeline []moment.StoredMoment
		err      error
		found    string
		next     time.Duration
	}{
		{name: "found", timeline: []moment.StoredMoment{at("5", time.Second, nil)}, found: "5"},
		{name: "nearest of two", timeline: []moment.StoredMoment{at("6", 50*time.Second, nil), at("5", time.Second, nil)}, found: "5"},
		{name: "too early", timeline: []moment.StoredMoment{at("5", -2*time.Minute, nil)}, next: moment.ReconcileWaits[1]},
		{name: "too late", timeline: []moment.StoredMoment{at("5", 3*time.Minute, nil)}, next: moment.ReconcileWaits[1]},
		{name: "somebody else's", timeline: []moment.StoredMoment{at("5", 0, func(m *moment.StoredMoment) { m.WcID = "you" })}, next: moment.ReconcileWaits[1]},
		{name: "another link", timeline: []moment.StoredMoment{at("5", 0, func(m *moment.StoredMoment) { m.Proof.URL = "https://example.com/b" })}, next: moment.ReconcileWaits[1]},
		{name: "no card", timeline: []moment.StoredMoment{at("5", 0, func(m *moment.StoredMoment) { m.Proof = nil })}, next: moment.ReconcileWaits[1]},
		{name: "offline", doubt: func(d *moment.Doubt) { d.WID = "" }, next: retryReadBack},
		{name: "gateway away", err: moment.Errorf(moment.Unavailable, "away"), next: retryReadBack},
		{name: "gateway refuses the timeline", err: moment.Errorf(moment.Refused, "no"), next: moment.ReconcileWaits[1]},
		{name: "last round", doubt: func(d *moment.Doubt) { d.Round = len(moment.ReconcileWaits) - 1 }, next: 0},
	} {
		t.Run(tc.name, func(t *testing.T) {
			f, g := newFake(), &wire{timeline: tc.timeline, timeErr: tc.err}
			one := doubt
			if tc.doubt != nil {
				tc.doubt(&one)
			}
			d := New(f, g, Config{Replica: "test"}, NoMeter{}, zerolog.Nop())
			if err := d.readBack(t.Context(), one); err != nil {
				t.Fatal(err)
			}
			if f.found != tc.found || (tc.found == "" && (len(f.kept) != 1 || f.kept[0] != tc.next)) {
				t.Errorf("found %q, next %v; want %q, %v", f.found, f.kept, tc.found, tc.next)
			}
		})
	}
}

// Only a timeline that was read, and does not show the moment, speaks for
// sending again; what was seen, or why nothing was, is kept each time.
func TestOnlyATimelineThatWasReadLeadsToAResend(t *testing.T) {
	stranger := moment.StoredMoment{ID: "9", WcID: "me", Proof: &moment.Proof{Title: "another"}}
	for _, tc := range []struct {
		name    string
		wID     string
		err     error
		resent  bool
		problem string
		seen    int
	}{
		{"read", "w", nil, true, "", 1},
		{"refused", "w", moment.Errorf(moment.Refused, "No."), false, "refused", 0},
		{"away", "w", moment.Errorf(moment.Unavailable, "Away."), false, "unavailable", 0},
		{"a fault", "w", errors.New("secret"), false, "internal", 0},
		{"offline", "", nil, false, moment.ReadOffline, 0},
	} {
		t.Run(tc.name, func(t *testing.T) {
			f, g := newFake(), &wire{timeline: []moment.StoredMoment{stranger}, timeErr: tc.err}
			f.resends = true
			d := New(f, g, Config{Replica: "test"}, NoMeter{}, zerolog.Nop())
			last := len(moment.ReconcileWaits)
			if err := d.readBack(t.Context(), moment.Doubt{WcID: "me", WID: tc.wID, Round: last - 1}); err != nil {
				t.Fatal(err)
			}
			if f.resent != tc.resent {
				t.Errorf("resent: %v, want %v", f.resent, tc.resent)
			}
			if f.look.Problem != tc.problem || len(f.look.Seen) != tc.seen || f.look.Round != last || strings.Contains(f.look.Message, "secret") {
				t.Errorf("kept %+v", f.look)
			}
		})
	}
}

func TestMissedInstanceIsLookedForAgainSoon(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, g := newFake(), &wire{}
		f.changes = []moment.Change{{WcID: "a", What: "missing"}}
		stop := run(t, f, g, Config{})
		time.Sleep(secondLook + time.Second)
		stop()
		n := f.observed
		if n != 2 {
			t.Errorf("%d looks within %v, want a second one", n, secondLook)
		}
	})
}

func ExampleDispatcher_Alive() {
	d := New(newFake(), &wire{}, Config{Replica: "test"}, NoMeter{}, zerolog.Nop())
	fmt.Println(d.Alive(time.Hour))
	// Output: true
}

func (f *fake) Stand(context.Context, string, time.Duration) (moment.HistoryMove, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	m := f.move
	f.move = moment.HistoryMove{}
	return m, nil
}

func (f *fake) Restore(_ context.Context, outs []moment.Outcome) (int, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.restored = append(f.restored, outs...)
	return len(outs), nil
}

func (f *fake) TakeUnread(context.Context, int, time.Duration) ([]moment.Unread, error) {
	return nil, nil
}

func (f *fake) SettleUnread(context.Context, moment.Unread, []moment.Credit, string) error {
	return nil
}

func (f *fake) KeepUnread(context.Context, moment.Unread, string, string) error { return nil }
