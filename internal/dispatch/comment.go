package dispatch

import (
	"context"
	"time"

	"momentcast/internal/moment"
)

// commentDue posts the first comments that are due, one call each. A comment
// has its own state: whatever becomes of it, the post stays sent.
func (d *Dispatcher) commentDue(ctx context.Context) error {
	for ctx.Err() == nil && !d.watch.closed() {
		dbCtx, done := context.WithTimeout(ctx, dbTimeout)
		tasks, err := d.store.TakeComments(dbCtx, 1, d.cfg.Lease)
		done()
		if err != nil || len(tasks) == 0 {
			return err
		}
		for _, t := range tasks {
			if err := d.comment(ctx, t); err != nil {
				return err
			}
		}
	}
	return nil
}

// comment makes the call. Like a post's it outlives the order to stop, for the
// grace period.
func (d *Dispatcher) comment(ctx context.Context, t moment.CommentTask) error {
	callCtx, cut := context.WithTimeout(context.WithoutCancel(ctx), d.cfg.CallTimeout)
	defer cut()
	defer context.AfterFunc(ctx, func() { time.AfterFunc(d.cfg.Grace, cut) })()
	r := d.gw.Comment(callCtx, t.WID, t.MomentID, t.Content)
	d.log.Info().Int64("post", t.PostID).Str("verdict", string(r.Verdict)).Str("why", r.Message).Msg("first comment")

	recCtx, done := context.WithTimeout(context.WithoutCancel(ctx), dbTimeout)
	defer done()
	return d.store.RecordComment(recCtx, t, r, d.cfg.Replica)
}
