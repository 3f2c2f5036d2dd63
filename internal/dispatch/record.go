package dispatch

import (
	"context"
	"time"

	"momentcast/internal/failpoint"
	"momentcast/internal/moment"
)

// maxOutcomes is how many outcomes one commit takes.
const maxOutcomes = 500

// recordAll writes outcomes as they come, many to a commit: what ends while one
// commit is under way goes into the next.
func (d *Dispatcher) recordAll(ctx context.Context) {
	for o := range d.ended {
		batch := []moment.Outcome{o}
	gather:
		for len(batch) < maxOutcomes {
			select {
			case o, ok := <-d.ended:
				if !ok {
					break gather
				}
				batch = append(batch, o)
			default:
				break gather
			}
		}
		d.record(ctx, batch)
		d.hold(-len(batch))
		for range batch {
			d.free <- struct{}{}
		}
		d.Wake() // instances are free again
	}
}

// record writes the outcomes, and tries until they are written or we are told
// to give up: a result that is lost here is a post of unknown outcome.
func (d *Dispatcher) record(ctx context.Context, batch []moment.Outcome) {
	failpoint.Hit("before-record")
	for wait := 50 * time.Millisecond; ; wait = min(2*wait, 2*time.Second) {
		dbCtx, done := context.WithTimeout(ctx, dbTimeout)
		stale, err := d.store.Record(dbCtx, batch)
		done()
		if err == nil {
			failpoint.Hit("after-record")
			d.past.keep(batch)
			d.report(batch, stale)
			return
		}
		if len(batch) == 1 && batch[0].Action == moment.ActSucceed && moment.KindOf(err) == moment.Conflict {
			batch = []moment.Outcome{doubled(batch[0])}
			continue
		}
		if len(batch) > 1 && !unavailable(err) {
			// One outcome that cannot be written must not hold up the others.
			d.log.Error().Err(err).Int("posts", len(batch)).Msg("cannot record outcomes together; trying one by one")
			for i := range batch {
				d.record(ctx, batch[i:i+1])
			}
			return
		}
		d.log.Error().Err(err).Int("posts", len(batch)).Int64("post", batch[0].Claim.ID).Msg("cannot record outcomes; trying again")
		if ctx.Err() != nil || (len(batch) == 1 && !unavailable(err) && wait >= 2*time.Second) {
			d.log.Error().Int("posts", len(batch)).Msg("outcomes not recorded; they become unknown and are read back")
			return
		}
		sleep(ctx, wait)
	}
}

// doubled is what a success is worth whose moment another post of the account
// has already: the gateway has named the wrong one, and which is not known.
func doubled(o moment.Outcome) moment.Outcome {
	o.Action = moment.ActDoubt
	o.Result.Verdict, o.Result.Cause = moment.InDoubt, "duplicate_id"
	o.Result.Message = "The gateway says done, but names a moment that another post of the account has already. Whether it was posted is not known."
	return o
}

// report logs each outcome in one line that an operator can follow.
func (d *Dispatcher) report(batch []moment.Outcome, stale []int64) {
	lost := make(map[int64]bool, len(stale))
	for _, id := range stale {
		lost[id] = true
		d.meter.Stale()
	}
	for _, o := range batch {
		e := d.log.Info()
		switch {
		case lost[o.Claim.ID]:
			e = d.log.Error()
		case o.Action != moment.ActSucceed:
			e = d.log.Warn()
		}
		e = e.Int64("post", o.Claim.ID).Str("instance", o.Claim.WcID).Int("attempt", o.Claim.Attempt).
			Dur("late_ms", o.Claim.Lateness).Dur("call_ms", o.Result.Duration)
		switch {
		case lost[o.Claim.ID]:
			e.Str("verdict", string(o.Result.Verdict)).Str("moment", o.Result.MomentID).Msg("late outcome: the post has moved on; see its history")
		case o.Action == moment.ActSucceed:
			e.Str("moment", o.Result.MomentID).Msg("sent")
		case o.Action == moment.ActFail:
			e.Str("cause", o.Result.Cause).Str("why", o.Result.Message).Msg("failed: the gateway refused it")
		case o.Action == moment.ActRelease:
			e.Str("cause", o.Result.Cause).Str("why", o.Result.Message).Dur("again_in_ms", o.Backoff).Msg("not sent: the call never left; trying again")
		default:
			e.Str("cause", o.Result.Cause).Str("why", o.Result.Message).Msg("unknown: reading the timeline back")
		}
	}
}
