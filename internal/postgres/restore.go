package postgres

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"momentcast/internal/moment"
)

// Restore implements dispatch.Store: it tells a database, that may have lost
// them with a server, of outcomes that this process remembers. What the
// database knows already stays as it is. It returns how many it did not know.
func (db *DB) Restore(ctx context.Context, outcomes []moment.Outcome) (restored int, err error) {
	for _, o := range outcomes {
		was, err := db.restoreOne(ctx, o)
		if moment.KindOf(err) == moment.NotFound || moment.KindOf(err) == moment.Conflict {
			continue // the post itself is lost, or its moment is told of by another
		}
		if err != nil {
			return restored, err
		}
		if was {
			restored++
		}
	}
	return restored, nil
}

func (db *DB) restoreOne(ctx context.Context, o moment.Outcome) (restored bool, err error) {
	err = db.changePost(ctx, o.Claim.ID, func(tx pgx.Tx, p *lockedPost) error {
		if restored = p.lost(o); !restored {
			return nil
		}
		return p.restore(ctx, tx, o, true)
	})
	return restored, err
}

// lost reports whether the database does not know of the call: the post is yet
// to be sent, and its claim is not recorded. Only what may be on the timeline
// is worth telling; a refusal is had once more.
func (p *lockedPost) lost(o moment.Outcome) bool {
	return p.Attempt < o.Claim.Attempt && (p.State == moment.Scheduled || p.State == moment.Pending || p.State == moment.Missed) &&
		(o.Action == moment.ActSucceed || o.Action == moment.ActDoubt)
}

// restore writes a call that the database has lost. told says that its outcome
// was recorded before, so that its comment may have been posted too.
func (p *lockedPost) restore(ctx context.Context, tx pgx.Tx, o moment.Outcome, told bool) error {
	const call = `
		WITH called AS (
			UPDATE posts SET
				attempt = $2,
				claim_token = $3,
				intent_at = now() - $4::interval,
				call_until = now() - $4::interval + $5::interval,
				updated_at = now()
			WHERE id = $1
			RETURNING id, intent_at, claimed_by
		)
		INSERT INTO attempts (post_id, number, started_at, duration, replica, w_id, verdict, cause, message, http_status)
		SELECT id, $2, intent_at, $5, claimed_by, $6, $7, $8, $9, $10 FROM called
		ON CONFLICT DO NOTHING`
	r := o.Result
	age := max(time.Since(o.Begun), 0)
	if _, err := tx.Exec(ctx, call, p.ID, o.Claim.Attempt, o.Claim.Token, age, r.Duration, o.WID,
		string(r.Verdict), r.Cause, clean(r.Message), r.Status); err != nil {
		return err
	}
	by, detail := moment.System(p.ClaimedBy), map[string]any{"failover": true}
	switch {
	case o.Action == moment.ActDoubt:
		const doubt = `
			UPDATE posts SET state = 'unknown', error = $2, finished_at = now(), reconcile_at = now(), reconcile_round = 0, version = version + 1
			WHERE id = $1`
		if _, err := tx.Exec(ctx, doubt, p.ID, clean(r.Message)); err != nil {
			return err
		}
		if err := p.countLost(ctx, tx, time.Time{}); err != nil {
			return err
		}
		return p.tell(ctx, tx, string(moment.ActDoubt), p.State, moment.Unknown, by, detail)
	case told:
		return p.creditLost(ctx, tx, r.MomentID, r.Created, nil, moment.ActSucceed, by, detail)
	}
	detail["late"] = true
	if err := p.countLost(ctx, tx, r.Created); err != nil {
		return err
	}
	return p.markSent(ctx, tx, moment.ActSucceed, r.MomentID, r.Created, nil, by, detail)
}
