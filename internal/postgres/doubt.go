package postgres

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"momentcast/internal/moment"
)

// TakeDoubts implements dispatch.Store: up to n posts of unknown outcome whose
// read-back is due, each lent for lease, so that no two replicas read the same
// one back, and a replica that dies gives it up.
func (db *DB) TakeDoubts(ctx context.Context, n int, lease time.Duration) ([]moment.Doubt, error) {
	const q = `
		WITH due AS MATERIALIZED (
			SELECT id FROM posts
			WHERE reconcile_at <= now()
			ORDER BY reconcile_at
			LIMIT 50
			FOR NO KEY UPDATE SKIP LOCKED
		), lent AS (
			UPDATE posts p SET reconcile_at = now() + $2::interval
			FROM (SELECT id FROM due LIMIT $1) d
			WHERE p.id = d.id
			RETURNING p.*
		)
		SELECT l.id, coalesce(l.claim_token, 0), l.instance_id, i.wc_id, CASE WHEN i.online THEN i.w_id ELSE '' END,
			l.content, l.title, l.description, l.url, l.thumb_url,
			coalesce(l.intent_at, l.updated_at), coalesce(l.call_until, l.updated_at), l.reconcile_round
		FROM lent l JOIN instances i ON i.id = l.instance_id`
	rows, err := db.engine.Query(ctx, q, n, lease)
	if err != nil {
		return nil, fmt.Errorf("take doubts: %w", translate(err))
	}
	doubts, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (d moment.Doubt, err error) {
		err = row.Scan(&d.ID, &d.Token, &d.InstanceID, &d.WcID, &d.WID,
			&d.Card.Content, &d.Card.Title, &d.Card.Description, &d.Card.URL, &d.Card.ThumbURL,
			&d.IntentAt, &d.CallUntil, &d.Round)
		return d, err
	})
	if err != nil {
		return nil, fmt.Errorf("take doubts: %w", translate(err))
	}
	return doubts, nil
}

// Unclaimed implements dispatch.Store: those of the moment ids that no post of
// the instance has. A moment belongs to one post.
func (db *DB) Unclaimed(ctx context.Context, instance int64, ids []string) ([]string, error) {
	const q = `
		SELECT u.id FROM unnest($2::text[]) u(id)
		WHERE NOT EXISTS (SELECT FROM posts p WHERE p.instance_id = $1 AND p.moment_id = u.id)`
	rows, err := db.engine.Query(ctx, q, instance, ids)
	if err != nil {
		return nil, translate(err)
	}
	free, err := pgx.CollectRows(rows, pgx.RowTo[string])
	return free, translate(err)
}

// FoundDoubt implements dispatch.Store: the read-back found the post's moment.
func (db *DB) FoundDoubt(ctx context.Context, d moment.Doubt, m moment.StoredMoment, look moment.ReadBack, replica string) error {
	return db.changePost(ctx, d.ID, func(tx pgx.Tx, p *lockedPost) error {
		if p.State != moment.Unknown || p.Token != d.Token {
			return nil // settled meanwhile
		}
		if err := p.keepReadBack(ctx, tx, look); err != nil {
			return err
		}
		return p.markSent(ctx, tx, moment.ActReconcile, m.ID, m.CreatedAt, m.Proof, moment.System(replica),
			map[string]any{"round": d.Round + 1})
	})
}

// KeepDoubt implements dispatch.Store: the read-back did not find the moment,
// or could not be made. After a read-back that was made the instance goes on:
// one doubtful post does not hold up an account. next is the wait before the
// next round; zero ends the read-backs and leaves the post to a person.
func (db *DB) KeepDoubt(ctx context.Context, d moment.Doubt, look moment.ReadBack, next time.Duration, replica string) error {
	looked := look.Counts()
	return db.changePost(ctx, d.ID, func(tx pgx.Tx, p *lockedPost) error {
		if p.State != moment.Unknown || p.Token != d.Token {
			return nil
		}
		if err := p.keepReadBack(ctx, tx, look); err != nil {
			return err
		}
		const q = `
			UPDATE posts SET
				reconcile_round = reconcile_round + $2,
				reconcile_at = CASE WHEN $3::interval > '0' THEN now() + $3::interval END
			WHERE id = $1`
		round := 0
		if looked {
			round = 1
		}
		if _, err := tx.Exec(ctx, q, p.ID, round, next); err != nil {
			return err
		}
		if looked && (d.Round == 0 || next == 0) {
			if err := p.tell(ctx, tx, "read_back", p.State, p.State, moment.System(replica),
				map[string]any{"found": false, "round": d.Round + 1, "last": next == 0}); err != nil {
				return err
			}
		}
		if looked || next == 0 {
			return p.free(ctx, tx)
		}
		// A timeline that cannot be read must not hold the account up for ever.
		const patience = `
			UPDATE instances SET in_flight = NULL
			WHERE id = $1 AND in_flight = $2 AND $3::timestamptz < now() - interval '1 minute'`
		_, err := tx.Exec(ctx, patience, p.InstanceID, p.ID, d.CallUntil)
		return err
	})
}

// Resend implements dispatch.Store: a post that the read-backs did not find is
// scheduled again. Only where the setting for automatic resend is on; whether
// the quarantine is over is judged by the database's clock.
func (db *DB) Resend(ctx context.Context, d moment.Doubt, look moment.ReadBack, quarantine time.Duration, replica string) (resent bool, err error) {
	err = db.changePost(ctx, d.ID, func(tx pgx.Tx, p *lockedPost) error {
		const allowed = `SELECT auto_resend AND $1::timestamptz + $2::interval < now() FROM settings`
		var ok bool
		if err := tx.QueryRow(ctx, allowed, d.CallUntil, quarantine).Scan(&ok); err != nil || !ok {
			return err
		}
		if p.State != moment.Unknown || p.Token != d.Token {
			return nil
		}
		if err := p.keepReadBack(ctx, tx, look); err != nil {
			return err
		}
		resent = true
		return p.schedule(ctx, tx, moment.ActNotSent, time.Time{}, moment.System(replica), map[string]any{"auto_resend": true})
	})
	return resent, err
}
