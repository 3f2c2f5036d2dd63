package postgres

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"momentcast/internal/moment"
)

// readyInstances locks the instances that may send now. The limit is a literal:
// under a generic plan a parameter there becomes a sequential scan. Nothing is
// ready on a history that has moved.
const readyInstances = `
	SELECT id FROM instances
	WHERE ready_at <= now() AND NOT (SELECT paused FROM settings) AND (SELECT history_stands($1))
	ORDER BY ready_at
	LIMIT %d
	FOR NO KEY UPDATE SKIP LOCKED`

// claimPosts takes each locked instance's earliest due post. It must be a
// statement of its own: its snapshot has to be younger than the instance locks,
// or it would see posts as they were before the last holder of the lock
// committed, claim one twice, and overwrite a fresh ready_at with a stale one.
// The gates are judged here once more, on the rows as they are now.
const claimPosts = `
	WITH pick AS MATERIALIZED (
		SELECT i.id AS instance_id, i.wc_id, i.hold_reason, x.*, g.ready_at, g.reason,
		       coalesce(x.miss_at <= now(), false) AS missed,
		       coalesce(s.require_approval AND x.approved_until <= now(), false) AS expired
		FROM unnest($1::bigint[]) l(id)
		JOIN instances i ON i.id = l.id
		JOIN settings s ON s.id
		LEFT JOIN LATERAL (
			SELECT p.id, p.due_at, p.miss_at, p.approved_until FROM posts p
			WHERE p.instance_id = l.id AND p.state = 'scheduled'
			ORDER BY p.due_at, p.id
			LIMIT 1
			FOR UPDATE
		) x ON true
		CROSS JOIN LATERAL instance_gate(i, s, x.due_at) g
	), claimed AS (
		UPDATE posts p SET
			state = 'claimed',
			claim_token = $2,
			claimed_by = $3,
			attempt = p.attempt + 1,
			lease_until = now() + $4::interval,
			held_for = pick.hold_reason,
			version = p.version + 1,
			updated_at = now()
		FROM pick
		WHERE p.id = pick.id AND pick.ready_at <= now() AND NOT pick.missed AND NOT pick.expired
		RETURNING p.id, p.instance_id, pick.wc_id, p.attempt, p.due_at, p.content, p.title, p.description, p.url, p.thumb_url,
			p.visibility, p.visible_users, p.visible_labels, p.first_comment <> '' AS has_comment,
			now() - p.due_at AS lateness
	), missed AS (
		UPDATE posts p SET
			state = 'missed',
			held_for = pick.hold_reason,
			error = 'missed its time by more than its lateness limit',
			version = p.version + 1,
			updated_at = now()
		FROM pick
		WHERE p.id = pick.id AND pick.missed
		RETURNING p.id, p.instance_id, p.held_for
	), told AS (
		INSERT INTO events (post_id, instance_id, action, from_state, to_state, actor, source, detail)
		SELECT m.id, m.instance_id, 'miss', 'scheduled', 'missed', $3, 'system', jsonb_build_object('held_for', m.held_for)
		FROM missed m
	), expired AS (
		UPDATE posts p SET
			state = 'pending',
			approved_hash = NULL,
			approved_until = NULL,
			campaign_held = p.occurrence_id IS NOT NULL AND NOT p.by_hand, -- whoever approves the campaign again releases it
			version = p.version + 1,
			updated_at = now()
		FROM pick
		WHERE p.id = pick.id AND pick.expired AND NOT pick.missed
		RETURNING p.id, p.instance_id
	), told_expired AS (
		INSERT INTO events (post_id, instance_id, action, from_state, to_state, actor, source)
		SELECT e.id, e.instance_id, 'expire', 'scheduled', 'pending', $3, 'system'
		FROM expired e
	), taken AS (
		UPDATE instances i SET
			in_flight = c.id,
			ready_at = NULL,
			hold_reason = 'in_flight'
		FROM claimed c
		WHERE i.id = c.instance_id
	), healed AS (
		UPDATE instances i SET
			ready_at = pick.ready_at,
			hold_reason = pick.reason
		FROM pick
		WHERE i.id = pick.instance_id AND NOT pick.missed AND NOT pick.expired AND (pick.ready_at IS NULL OR pick.ready_at > now())
	)
	SELECT * FROM claimed`

// claimLimits are the batch sizes that exist as statements of their own.
var claimLimits = []int{100, 64, 32, 16, 8, 4, 2, 1}

// Claim implements dispatch.Store: it takes up to n due posts, each the
// earliest of its instance, leased to the replica for that long. looked is the
// number of instances that seemed ready; where it is n, more may be waiting.
func (db *DB) Claim(ctx context.Context, n int, token int64, replica string, lease time.Duration) (claims []moment.Claim, looked int, err error) {
	err = db.withEngineConn(ctx, func(conn *pgx.Conn) error {
		ids, err := beginAndLockReady(ctx, conn, n, db.history.seen())
		if err != nil || len(ids) == 0 {
			return err
		}
		looked = len(ids)
		b := &pgx.Batch{}
		b.Queue(claimPosts, ids, token, replica, lease).Query(func(rows pgx.Rows) error {
			claims, err = pgx.CollectRows(rows, scanClaim(token))
			return err
		})
		b.Queue("COMMIT")
		return conn.SendBatch(ctx, b).Close()
	})
	if err != nil {
		return nil, 0, fmt.Errorf("claim %d posts: %w", n, translate(err))
	}
	return claims, looked, nil
}

func beginAndLockReady(ctx context.Context, conn *pgx.Conn, n int, seen time.Time) (ids []int64, err error) {
	limit := 1
	for _, l := range claimLimits {
		if l <= n {
			limit = l
			break
		}
	}
	b := &pgx.Batch{}
	b.Queue("BEGIN")
	b.Queue(fmt.Sprintf(readyInstances, limit), seen).Query(func(rows pgx.Rows) error {
		ids, err = pgx.CollectRows(rows, pgx.RowTo[int64])
		return err
	})
	if err := conn.SendBatch(ctx, b).Close(); err != nil {
		return nil, err
	}
	if len(ids) == 0 {
		_, err = conn.Exec(ctx, "COMMIT")
	}
	return ids, err
}

// withEngineConn lends a connection for a hand-written transaction, whose
// statements share round trips. A connection that is left inside one is
// thrown away by the pool.
func (db *DB) withEngineConn(ctx context.Context, do func(*pgx.Conn) error) error {
	conn, err := db.engine.Acquire(ctx)
	if err != nil {
		return err
	}
	defer conn.Release()
	if err := do(conn.Conn()); err != nil {
		if conn.Conn().PgConn().TxStatus() != 'I' && ctx.Err() == nil {
			_, _ = conn.Exec(ctx, "ROLLBACK") // the pool drops the connection if this did not help
		}
		return err
	}
	return nil
}

func scanClaim(token int64) pgx.RowToFunc[moment.Claim] {
	return func(row pgx.CollectableRow) (moment.Claim, error) {
		c := moment.Claim{Ref: moment.Ref{Token: token}}
		err := row.Scan(&c.ID, &c.InstanceID, &c.WcID, &c.Attempt, &c.DueAt,
			&c.Card.Content, &c.Card.Title, &c.Card.Description, &c.Card.URL, &c.Card.ThumbURL,
			&c.Visibility.Mode, &c.Visibility.Users, &c.Visibility.Labels, &c.FirstComment, &c.Lateness)
		return c, err
	}
}
