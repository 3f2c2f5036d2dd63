package dispatch

import (
	"context"
	"time"

	"momentcast/internal/failpoint"
	"momentcast/internal/moment"
)

const (
	maxIntents     = 500         // intents in one commit
	sessionBackoff = time.Second // before a call is repeated through the current login session
)

// begun is a post whose intent is committed: it may be called, until deadline.
type begun struct {
	claim    moment.Claim
	wID      string
	deadline time.Time
}

// callAll makes calls until there are none any more. As many of these run as
// calls may be made at once: a goroutine for each call would spend a sixth of
// the processor time on making its stack large enough.
func (d *Dispatcher) callAll(ctx context.Context) {
	for b := range d.begun {
		d.call(ctx, b.deadline, b.claim, b.wID)
	}
}

// beginAll commits the intents of what was claimed, and starts the calls of
// those that came back. While one commit is under way the next batch gathers.
func (d *Dispatcher) beginAll(callCtx, dbCtx context.Context) {
	for claims := range d.claimed {
	gather:
		for len(claims) < maxIntents {
			select {
			case more, ok := <-d.claimed:
				if !ok {
					break gather
				}
				claims = append(claims, more...)
			default:
				break gather
			}
		}
		d.begin(callCtx, dbCtx, claims)
	}
}

func (d *Dispatcher) begin(callCtx, dbCtx context.Context, claims []moment.Claim) {
	// The deadline counts from before the commit: a process that is frozen
	// between commit and call wakes up too late to make it.
	deadline := time.Now().Add(d.cfg.CallTimeout)
	if callCtx.Err() != nil {
		d.giveBack(dbCtx, claims)
		return
	}
	may, known := d.commitIntents(dbCtx, claims)
	may = fenced(may, claims, d.watch)
	failpoint.Hit("after-intent")
	wIDs := make(map[int64]string, len(may))
	for _, b := range may {
		wIDs[b.ID] = b.WID
	}
	var rest []moment.Claim
	for _, c := range claims {
		if wID, ok := wIDs[c.ID]; ok {
			d.begun <- begun{c, wID, deadline}
			failpoint.Hit("mid-batch")
		} else {
			rest = append(rest, c)
		}
	}
	if len(rest) > 0 {
		if known {
			d.giveBack(dbCtx, rest)
		} else {
			d.drop(rest)
		}
	}
}

// commitIntents returns what may be called. Where the commit's own outcome is
// lost with the connection, it re-reads; where even that fails, nothing may be
// called, and known is false: the reaper settles these.
func (d *Dispatcher) commitIntents(ctx context.Context, claims []moment.Claim) (begun []moment.Begun, known bool) {
	refs := make([]moment.Ref, len(claims))
	for i, c := range claims {
		refs[i] = c.Ref
	}
	try := func(do func(context.Context) ([]moment.Begun, error)) error {
		ctx, done := context.WithTimeout(ctx, min(dbTimeout, d.cfg.CallTimeout/2))
		defer done()
		var err error
		begun, err = do(ctx)
		return err
	}
	err := try(func(ctx context.Context) ([]moment.Begun, error) {
		return d.store.Begin(ctx, refs, d.cfg.CallTimeout, d.cfg.Lease)
	})
	if err == nil {
		return begun, true
	}
	d.log.Warn().Err(err).Int("posts", len(refs)).Msg("the intent's commit is in doubt; re-reading it")
	if err := try(func(ctx context.Context) ([]moment.Begun, error) { return d.store.BegunAlready(ctx, refs) }); err != nil {
		d.log.Error().Err(err).Int("posts", len(refs)).Msg("cannot tell whether the intent is committed; nothing is sent, the lease settles it")
		return nil, false
	}
	return begun, true
}

// call makes the one call and hands its outcome on.
func (d *Dispatcher) call(ctx context.Context, deadline time.Time, c moment.Claim, wID string) {
	ctx, done := context.WithDeadline(ctx, deadline)
	defer done()
	began := time.Now()
	var r moment.Result
	if ctx.Err() != nil {
		r = moment.Result{Verdict: moment.NeverLeft, Cause: "too_late", Message: "The call's time was over before it could begin."}
	} else {
		r = d.gw.Publish(ctx, wID, c.Card, c.Visibility)
	}
	r = judged(r)
	failpoint.Hit("after-reply")
	d.meter.Called(r.Verdict, r.Cause, r.Duration)
	d.watch.learn(r)
	action, backoff := (&moment.Post{Attempt: c.Attempt}).Next(r)
	if r.Verdict == moment.Rejected && !r.Auth && d.watch.outdated(ctx, c.WcID, wID, began) {
		// Refused because the account was logged in anew, or lost its login, after
		// we had looked: not delivered, and nothing is wrong with the post.
		action, backoff = moment.ActRelease, sessionBackoff
		r.Cause, r.Message = "old_session", r.Message+" The login session had changed; it is tried again through the current one."
	}
	d.ended <- moment.Outcome{Claim: c, WID: wID, Action: action, Backoff: backoff, Result: r, Begun: began}
}

// giveBack schedules claims again that were not begun.
func (d *Dispatcher) giveBack(ctx context.Context, claims []moment.Claim) {
	ctx, done := context.WithTimeout(ctx, dbTimeout)
	defer done()
	if err := d.store.Release(ctx, claims); err != nil {
		d.log.Warn().Err(err).Int("posts", len(claims)).Msg("cannot give claims back; their lease will run out")
	}
	d.drop(claims)
}

func (d *Dispatcher) drop(claims []moment.Claim) {
	d.hold(-len(claims))
	for range claims {
		d.free <- struct{}{}
	}
}
