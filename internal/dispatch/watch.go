package dispatch

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/rs/zerolog"
	"github.com/sony/gobreaker/v2"

	"momentcast/internal/moment"
)

const (
	lookTimeout   = 10 * time.Second
	justNow       = 200 * time.Millisecond // a look this young serves whoever wants another
	idleLook      = 30 * time.Second       // between looks while nothing is due soon
	secondLook    = 4 * time.Second        // after a look that missed an instance
	reasonEvery   = 12 * time.Hour         // the vendor's limit on asking why an account is offline
	tripAfter     = 5                      // calls in a row without a clear answer
	tripFor       = 15 * time.Second
	maxDownRetry  = 15 * time.Second
	downNoteEvery = 30 * time.Second
)

// watch knows who is online and whether the gateway answers at all. Nothing is
// claimed unless a look at the gateway's list succeeded a short while ago: it
// resolves the login sessions, and it keeps a gateway that is plainly down, or
// refuses our token, from burning the queue.
type watch struct {
	store Store
	gw    Gateway
	cfg   Config
	log   zerolog.Logger

	looking sync.Mutex   // one look at a time
	good    atomic.Int64 // when the last look that succeeded began, nanoseconds since start; 0 = none counts
	down    atomic.Bool  // the last look failed
	due     atomic.Int64 // when the next post is expected to be ready, likewise
	start   time.Time
	nudge   chan struct{}
	again   atomic.Bool // a look missed an instance: look again soon
	// The sessions that the last look that succeeded has listed, by wcId.
	sessions atomic.Pointer[map[string]string]
	breaker  *gobreaker.TwoStepCircuitBreaker[any]

	asked map[string]time.Time // per account: when we last asked why it is offline
	noted time.Time            // when the outage was last written down
}

func newWatch(store Store, gw Gateway, cfg Config, log zerolog.Logger) *watch {
	w := &watch{
		store: store, gw: gw, cfg: cfg, log: log, start: time.Now(),
		nudge: make(chan struct{}, 1), asked: make(map[string]time.Time),
	}
	w.breaker = gobreaker.NewTwoStepCircuitBreaker[any](gobreaker.Settings{
		Name:        "gateway",
		Timeout:     tripFor,
		ReadyToTrip: func(c gobreaker.Counts) bool { return c.ConsecutiveFailures >= tripAfter },
		OnStateChange: func(_ string, from, to gobreaker.State) {
			log.Warn().Stringer("from", from).Stringer("to", to).Msg("calls end without a clear answer: breaker changed")
		},
	})
	return w
}

// since is the monotonic time that has passed, never 0.
func (w *watch) since() int64 { return int64(time.Since(w.start)) + 1 }

func (w *watch) fresh(limit time.Duration) bool {
	good := w.good.Load()
	return good != 0 && time.Duration(w.since()-good) <= limit
}

// allow says how many of n posts may be claimed now, while others are in
// flight. It looks at the gateway first if the last look is too old.
func (w *watch) allow(ctx context.Context, n, others int) int {
	switch w.breaker.State() {
	case gobreaker.StateOpen:
		return 0
	case gobreaker.StateHalfOpen:
		if others > 0 {
			return 0 // one probe at a time
		}
		n = 1
	}
	if w.fresh(w.cfg.LookEvery) {
		return n
	}
	if w.down.Load() {
		w.recheck() // the loop retries at its own pace
		return 0
	}
	if w.look(ctx, w.cfg.LookEvery) != nil {
		return 0
	}
	return n
}

// closed reports whether nothing may be claimed as things stand.
func (w *watch) closed() bool {
	return w.down.Load() || w.breaker.State() == gobreaker.StateOpen
}

// expect says when the next post will be ready, so that the look it needs has
// been had by then.
func (w *watch) expect(wait time.Duration) {
	w.due.Store(w.since() + int64(max(wait, 0)))
	if wait < w.cfg.LookEvery/2 && !w.fresh(w.cfg.LookEvery/2) {
		w.recheck()
	}
}

// learn takes a call's result into account.
func (w *watch) learn(r moment.Result) {
	var failure error
	switch {
	case r.Verdict == moment.InDoubt, r.Verdict == moment.NeverLeft && r.Cause != "too_late":
		failure = errors.New(r.Cause)
	}
	if done, err := w.breaker.Allow(); err == nil {
		done(failure)
	}
	if r.Verdict == moment.NeverLeft || r.Auth {
		w.good.Store(0) // nothing more is claimed before a look succeeds
		w.recheck()
	}
}

// outdated reports whether a call that the gateway refused went through a login
// session which is not the account's any more: it looks again to find out. Then
// the refusal says nothing about the post.
func (w *watch) outdated(ctx context.Context, wcID, wID string, called time.Time) bool {
	if err := w.look(ctx, time.Since(called)); err != nil {
		return false
	}
	sessions := w.sessions.Load()
	return sessions != nil && (*sessions)[wcID] != wID
}

func (w *watch) recheck() {
	select {
	case w.nudge <- struct{}{}:
	default:
	}
}

// run looks as often as the work needs it, until ctx ends. It calls open when
// the gateway is back.
func (w *watch) run(ctx context.Context, open func()) {
	retry, nudged := time.Second, false
	for ctx.Err() == nil {
		wasDown := w.down.Load()
		limit := justNow
		if nudged {
			limit = 0 // what the hint is about may have come after the last look
		}
		err := w.look(ctx, limit)
		wait := idleLook
		switch {
		case ctx.Err() != nil:
			return
		case err != nil:
			wait, retry = retry, min(2*retry, maxDownRetry)
		case w.again.Swap(false):
			wait = secondLook
		default:
			retry = time.Second
			if busy := time.Duration(w.due.Load() - w.since()); w.due.Load() != 0 && busy < idleLook {
				wait = max(w.cfg.LookEvery/2, min(busy-w.cfg.LookEvery/2, idleLook))
			}
		}
		if err == nil && wasDown {
			w.log.Info().Msg("the gateway answers again")
			open()
		}
		nudged = w.rest(ctx, wait, err != nil)
	}
}

// rest waits for the next look and reports whether a nudge has cut it short. A
// gateway that is down is not asked more often for a nudge.
func (w *watch) rest(ctx context.Context, wait time.Duration, down bool) (nudged bool) {
	t := time.NewTimer(wait)
	defer t.Stop()
	for {
		select {
		case <-ctx.Done():
			return false
		case <-t.C:
			return false
		case <-w.nudge:
			if !down {
				sleep(ctx, 50*time.Millisecond) // hints come in bursts
				return true
			}
		}
	}
}

// look takes over what the gateway lists as online. If a look younger than
// limit was had while we waited for our turn, that one serves.
func (w *watch) look(ctx context.Context, limit time.Duration) error {
	w.looking.Lock()
	defer w.looking.Unlock()
	if w.fresh(limit) {
		return nil
	}
	began := w.since()
	ctx, done := context.WithTimeout(ctx, lookTimeout)
	defer done()
	logins, err := w.gw.Logins(ctx)
	if err != nil {
		w.failed(ctx, err)
		return err
	}
	changes, err := w.store.Observe(ctx, logins, w.cfg.Replica)
	if err != nil {
		if ctx.Err() == nil {
			w.log.Warn().Err(err).Msg("cannot record who is online")
		}
		return err
	}
	sessions := make(map[string]string, len(logins))
	for _, l := range logins {
		sessions[l.WcID] = l.WID
	}
	w.sessions.Store(&sessions)
	w.good.Store(began)
	w.down.Store(false)
	w.noted = time.Time{}
	for _, c := range changes {
		w.log.Info().Str("instance", c.WcID).Str("w_id", c.WID).Msg("instance " + c.What)
		switch c.What {
		case "missing":
			w.again.Store(true)
		case "offline":
			w.askWhy(ctx, c.WcID)
		}
	}
	return nil
}

func (w *watch) failed(ctx context.Context, err error) {
	if errors.Is(err, context.Canceled) {
		return // we are stopping
	}
	w.down.Store(true)
	if !w.noted.IsZero() && time.Since(w.noted) < downNoteEvery {
		return
	}
	w.noted = time.Now()
	w.log.Error().Err(err).Msg("the gateway cannot be used; nothing is sent until it can")
	ctx, done := context.WithTimeout(context.WithoutCancel(ctx), dbTimeout)
	defer done()
	if err := w.store.GatewayDown(ctx, moment.MessageOf(err)); err != nil {
		w.log.Debug().Err(err).Msg("cannot write down that the gateway is down")
	}
}

// askWhy asks for the reason of a lost login, as seldom as the vendor wants.
func (w *watch) askWhy(ctx context.Context, wcID string) {
	if t, ok := w.asked[wcID]; ok && time.Since(t) < reasonEvery {
		return
	}
	w.asked[wcID] = time.Now()
	reason, err := w.gw.OfflineReason(ctx, wcID)
	if err != nil || reason == "" {
		return // it is a courtesy
	}
	if err := w.store.SetOfflineReason(ctx, wcID, reason); err != nil {
		w.log.Debug().Err(err).Str("instance", wcID).Msg("cannot keep the offline reason")
	}
}
