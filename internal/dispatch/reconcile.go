package dispatch

import (
	"context"
	"sync"
	"time"

	"momentcast/internal/moment"
)

const (
	doubtsAtOnce  = 8
	doubtLease    = 30 * time.Second // after which another replica may try: a replica that dies here holds up its account that long
	readBackLimit = 20 * time.Second // for one read-back
	retryReadBack = 15 * time.Second // after one that could not be made
)

// readBackDue reads the timelines of posts of unknown outcome.
func (d *Dispatcher) readBackDue(ctx context.Context) error {
	dbCtx, done := context.WithTimeout(ctx, dbTimeout)
	doubts, err := d.store.TakeDoubts(dbCtx, doubtsAtOnce, doubtLease)
	done()
	if err != nil {
		return err
	}
	var all sync.WaitGroup
	for _, doubt := range doubts {
		all.Go(func() {
			if err := d.readBack(ctx, doubt); err != nil && ctx.Err() == nil {
				d.log.Warn().Err(err).Int64("post", doubt.ID).Msg("read-back; it is tried again")
			}
		})
	}
	all.Wait()
	return nil
}

// readBack looks for the post's moment on the account's own timeline.
func (d *Dispatcher) readBack(ctx context.Context, doubt moment.Doubt) error {
	readCtx, done := context.WithTimeout(ctx, readBackLimit)
	found, look := d.look(readCtx, doubt)
	done()
	// What was found out is written within a time of its own.
	ctx, done = context.WithTimeout(ctx, dbTimeout)
	defer done()
	switch {
	case !look.Counts(): // it can be read when the account, or the gateway, is back
		return d.store.KeepDoubt(ctx, doubt, look, retryReadBack, d.cfg.Replica)
	case found != nil:
		if err := d.store.FoundDoubt(ctx, doubt, *found, look, d.cfg.Replica); err != nil {
			return err
		}
		d.log.Info().Int64("post", doubt.ID).Str("instance", doubt.WcID).Str("moment", found.ID).Msg("sent: found on the timeline")
		d.Wake()
		return nil
	}
	return d.notFound(ctx, doubt, look)
}

func (d *Dispatcher) notFound(ctx context.Context, doubt moment.Doubt, look moment.ReadBack) error {
	if n := doubt.Round + 1; n < len(moment.ReconcileWaits) {
		defer d.Wake() // the first round frees the instance
		return d.store.KeepDoubt(ctx, doubt, look, moment.ReconcileWaits[n], d.cfg.Replica)
	}
	if look.Problem == "" { // a timeline that was not shown is no proof of absence
		resent, err := d.store.Resend(ctx, doubt, look, d.cfg.Quarantine, d.cfg.Replica)
		if resent {
			d.log.Warn().Int64("post", doubt.ID).Msg("not on the timeline after every read-back: scheduled once more, as the setting says")
		}
		if err != nil || resent {
			return err
		}
	}
	d.log.Warn().Int64("post", doubt.ID).Str("instance", doubt.WcID).Msg("not on the timeline after every read-back: a person has to decide")
	return d.store.KeepDoubt(ctx, doubt, look, 0, d.cfg.Replica)
}

// look reads the timeline and returns what there is to see on it, and the
// moment that the call would have made; nil if there is none.
func (d *Dispatcher) look(ctx context.Context, doubt moment.Doubt) (*moment.StoredMoment, moment.ReadBack) {
	look := moment.ReadBack{Round: doubt.Round + 1}
	if doubt.WID == "" {
		look.Problem = moment.ReadOffline
		return nil, look
	}
	items, err := d.gw.OwnTimeline(ctx, doubt.WID, doubt.WcID, doubt.IntentAt.Add(-moment.WindowMargin))
	var found *moment.StoredMoment
	if err == nil {
		found, err = d.pick(ctx, doubt, items)
	}
	if err != nil {
		d.log.Debug().Err(err).Int64("post", doubt.ID).Msg("the timeline could not be read")
		look.Problem, look.Message = string(moment.KindOf(err)), moment.MessageOf(err)
		return nil, look
	}
	look.Seen, look.More = moment.SeenFor(doubt, items)
	if found != nil {
		look.Found = found.ID
	}
	return found, look
}

// pick returns the moment that the call would have made, nil if there is none.
// Of several the one nearest to the call's beginning is taken: a moment that
// another post has is not among them.
func (d *Dispatcher) pick(ctx context.Context, doubt moment.Doubt, items []moment.StoredMoment) (*moment.StoredMoment, error) {
	matches := make(map[string]*moment.StoredMoment)
	var ids []string
	for i := range items {
		m := &items[i]
		if _, match := m.Against(doubt); match {
			matches[m.ID] = m
			ids = append(ids, m.ID)
		}
	}
	if len(ids) == 0 {
		return nil, nil
	}
	free, err := d.store.Unclaimed(ctx, doubt.InstanceID, ids)
	if err != nil {
		return nil, err
	}
	var best *moment.StoredMoment
	for _, id := range free {
		if m := matches[id]; best == nil || m.CreatedAt.Sub(doubt.IntentAt).Abs() < best.CreatedAt.Sub(doubt.IntentAt).Abs() {
			best = m
		}
	}
	return best, nil
}
