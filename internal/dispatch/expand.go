package dispatch

import (
	"context"
	"sync/atomic"
	"time"
)

// Bounds of the rest between two steps of the expansion, in lengths of the last
// step, and what the rest follows.
const (
	restLeast = 0.5
	restMost  = 8
	slowClaim = 50 * time.Millisecond // a claim that takes longer has had to wait for something
	quietFor  = 2 * time.Second       // as long as nothing is due, nobody minds
	runsDry   = time.Hour             // what is due sooner must not wait for the engine's ease
)

// expandDue plans campaigns ahead until none is left to do. It rests between
// steps: what is due now must not wait for what is due in a month.
func (d *Dispatcher) expandDue(ctx context.Context) error {
	for ctx.Err() == nil {
		began := time.Now()
		step, done := context.WithTimeout(ctx, dbTimeout)
		until, more, err := d.store.Expand(step, d.cfg.Replica)
		done()
		if err != nil || !more {
			return err
		}
		sleep(ctx, d.ease.rest(time.Since(began), time.Now(), until))
	}
	return nil
}

// ease is how easily the engine gets its posts claimed, which the expansion
// gives way to.
type ease struct {
	slowest atomic.Int64 // claim since the last step, nanoseconds
	next    atomic.Int64 // when a post is due next, Unix nanoseconds; 0 = not known
	factor  float64      // of the rest; its reader's alone
}

// claimed counts a claim that took so long.
func (e *ease) claimed(took time.Duration) {
	for {
		was := e.slowest.Load()
		if int64(took) <= was || e.slowest.CompareAndSwap(was, int64(took)) {
			return
		}
	}
}

// expect says when a post is due next.
func (e *ease) expect(at time.Time) { e.next.Store(at.UnixNano()) }

// rest is how long to leave the database alone after a step that took so long.
// until is up to when the campaign of the step has its posts.
func (e *ease) rest(took time.Duration, now, until time.Time) time.Duration {
	if e.slowest.Swap(0) > int64(slowClaim) {
		e.factor = min(max(2*e.factor, 1), restMost)
	} else {
		e.factor = max(e.factor/2, restLeast)
	}
	switch {
	case time.Unix(0, e.next.Load()).Sub(now) > quietFor:
		return 0
	case !until.IsZero() && until.Before(now.Add(runsDry)):
		return time.Duration(restLeast * float64(took))
	}
	return time.Duration(e.factor * float64(took))
}
