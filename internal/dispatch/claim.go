package dispatch

import (
	"context"
	"math/rand/v2"
	"time"

	"momentcast/internal/failpoint"
	"momentcast/internal/moment"
)

const (
	maxBatch   = 100 // posts per claim
	goodBatch  = 64  // posts worth a claim while more are waiting than can be called
	gatherFor  = 3 * time.Millisecond
	dbTimeout  = 10 * time.Second // for one statement of the flow
	troubleGap = time.Second      // pause after a failed claim
	// A claim without an intent lasts milliseconds; what a lost connection
	// leaves behind is scheduled again after this.
	claimLease = 25 * time.Second
)

// claimAll takes due posts for as long as ctx lasts: as many as there are free
// calls, as soon as an instance is ready.
func (d *Dispatcher) claimAll(ctx context.Context) {
	trouble, crowded := false, false
	for ctx.Err() == nil {
		d.beat.Store(int64(time.Since(d.start)))
		n := d.takeFree(ctx)
		if crowded {
			n = d.takeMore(ctx, n)
		}
		if n == 0 {
			continue
		}
		claims, more, err := d.claimSome(ctx, n)
		crowded = 2*len(claims) > n // claims come in a few sizes
		for range n - len(claims) {
			d.free <- struct{}{}
		}
		if len(claims) > 0 {
			d.hold(len(claims))
			d.claimed <- claims
		}
		switch {
		case ctx.Err() != nil:
		case err != nil:
			if !trouble || !unavailable(err) {
				d.log.Error().Err(err).Msg("cannot claim due posts; trying again every second")
			}
			trouble = true
			sleep(ctx, troubleGap)
		case trouble:
			trouble = false
			d.log.Info().Msg("claiming again")
		case !more:
			d.idle(ctx)
		}
	}
}

// takeFree waits until a call may be started, then takes as many such rights
// as there are, at most a batch. It returns 0 when the wait should be broken
// to show that the loop is alive.
func (d *Dispatcher) takeFree(ctx context.Context) int {
	t := time.NewTimer(d.cfg.Poll)
	defer t.Stop()
	select {
	case <-d.free:
	case <-ctx.Done():
		return 0
	case <-t.C:
		return 0
	}
	n := 1
	for n < maxBatch {
		select {
		case <-d.free:
			n++
		default:
			return n
		}
	}
	return n
}

// takeMore waits a moment for further rights to call, where n were taken and
// the last claim left posts behind: a claim costs the database nearly the same
// for few posts as for many.
func (d *Dispatcher) takeMore(ctx context.Context, n int) int {
	want := min(goodBatch, d.cfg.Concurrency/2)
	if n == 0 || n >= want {
		return n
	}
	t := time.NewTimer(gatherFor)
	defer t.Stop()
	for n < want {
		select {
		case <-d.free:
			n++
		case <-ctx.Done():
			return n
		case <-t.C:
			return n
		}
	}
	return n
}

// claimSome claims up to n posts. more says that others may be waiting.
func (d *Dispatcher) claimSome(ctx context.Context, n int) (claims []moment.Claim, more bool, err error) {
	if n = d.watch.allow(ctx, n, d.inFlight()); n == 0 {
		return nil, false, nil
	}
	dbCtx, done := context.WithTimeout(ctx, dbTimeout)
	defer done()
	began := time.Now()
	claims, looked, err := d.store.Claim(dbCtx, n, newToken(), d.cfg.Replica, min(claimLease, d.cfg.Lease))
	d.ease.claimed(time.Since(began))
	failpoint.Hit("after-claim")
	for i := range claims {
		d.meter.Claimed(claims[i].Lateness)
	}
	return claims, looked > 0, err
}

// idle sleeps until the next instance is ready, somebody wakes us, or the poll
// interval is over.
func (d *Dispatcher) idle(ctx context.Context) {
	dbCtx, done := context.WithTimeout(ctx, dbTimeout)
	wait, ok, err := d.store.NextReady(dbCtx)
	done()
	// Jitter keeps replicas from asking in step.
	limit := d.cfg.Poll - rand.N(d.cfg.Poll/4+1)
	if err == nil && ok {
		d.watch.expect(wait)
		d.ease.expect(time.Now().Add(wait))
		wait = min(wait, limit)
	} else {
		wait = limit
		d.ease.expect(time.Now().Add(2 * quietFor)) // the next poll says whether that has changed
	}
	if wait <= 0 {
		if d.watch.closed() {
			wait = limit // ready, but the gateway is not
		} else {
			wait = time.Millisecond // ready, but locked by another replica just now
		}
	}
	t := time.NewTimer(wait)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-d.wake:
	case <-t.C:
	}
}
