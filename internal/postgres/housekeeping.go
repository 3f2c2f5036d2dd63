package postgres

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"momentcast/internal/moment"
)

// Heartbeat implements dispatch.Store: the replica is alive and its dispatcher
// turns. Replicas that have been silent for a day are forgotten.
func (db *DB) Heartbeat(ctx context.Context, replica, version string, inFlight int) error {
	const q = `
		WITH gone AS (DELETE FROM replicas WHERE heartbeat_at < now() - interval '1 day' AND name <> $1)
		INSERT INTO replicas (name, version, in_flight) VALUES ($1, $2, $3)
		ON CONFLICT (name) DO UPDATE SET heartbeat_at = now(), in_flight = $3, version = $2`
	if _, err := db.pool.Exec(ctx, q, replica, version, inFlight); err != nil {
		return translate(err)
	}
	return db.stayAlive(ctx)
}

// Goodbye implements dispatch.Store: the replica ends in an orderly way.
func (db *DB) Goodbye(ctx context.Context, replica string) error {
	_, err := db.pool.Exec(ctx, `DELETE FROM replicas WHERE name = $1`, replica)
	return translate(err)
}

// Tidy implements dispatch.Store: next months' partitions are made, request
// keys older than a week and forms that nobody came back to in a month are forgotten. Any number of replicas may call it.
func (db *DB) Tidy(ctx context.Context) error {
	if _, err := db.pool.Exec(ctx, `SELECT ensure_partitions((now() AT TIME ZONE 'UTC')::date, 4)`); err != nil {
		return fmt.Errorf("make partitions: %w", translate(err))
	}
	const forget = `
		DELETE FROM idempotency_keys WHERE (actor, key) IN (
			SELECT actor, key FROM idempotency_keys WHERE created_at < now() - interval '7 days'
			LIMIT 10000 FOR UPDATE SKIP LOCKED)`
	if _, err := db.pool.Exec(ctx, forget); err != nil {
		return fmt.Errorf("forget request keys: %w", translate(err))
	}
	const abandon = `
		DELETE FROM compose_autosaves WHERE (actor, form) IN (
			SELECT actor, form FROM compose_autosaves WHERE updated_at < now() - interval '30 days'
			LIMIT 10000 FOR UPDATE SKIP LOCKED)`
	if _, err := db.pool.Exec(ctx, abandon); err != nil {
		return fmt.Errorf("forget autosaves: %w", translate(err))
	}
	return db.sweepImports(ctx)
}

// TakeComments implements dispatch.Store: up to n first comments that are due,
// their intent committed. One whose lease ran out is of unknown outcome and is
// never sent again by itself.
func (db *DB) TakeComments(ctx context.Context, n int, lease time.Duration) ([]moment.CommentTask, error) {
	const expire = `
		UPDATE first_comments SET state = 'unknown', lease_until = NULL, updated_at = now(),
			error = 'the call began and no outcome was recorded'
		WHERE lease_until < now()`
	const take = `
		WITH due AS MATERIALIZED (
			SELECT f.post_id FROM first_comments f
			JOIN posts p ON p.id = f.post_id
			JOIN instances i ON i.id = p.instance_id
			WHERE f.due_at <= now() AND p.state = 'sent' AND p.recall_mode = ''
			  AND i.online AND i.missing_since IS NULL AND NOT i.paused AND NOT (SELECT paused FROM settings)
			  AND (SELECT history_stands($3))
			ORDER BY f.due_at
			LIMIT 32
			FOR NO KEY UPDATE OF f SKIP LOCKED
		)
		UPDATE first_comments f SET state = 'sending', due_at = NULL, lease_until = now() + $2::interval, attempt = f.attempt + 1, updated_at = now()
		FROM (SELECT post_id FROM due LIMIT $1) d, posts p, instances i
		WHERE f.post_id = d.post_id AND p.id = f.post_id AND i.id = p.instance_id
		RETURNING f.post_id, f.attempt, p.moment_id, i.wc_id, i.w_id, p.first_comment`
	if _, err := db.engine.Exec(ctx, expire); err != nil {
		return nil, fmt.Errorf("expire comments: %w", translate(err))
	}
	rows, err := db.engine.Query(ctx, take, n, lease, db.history.seen())
	if err != nil {
		return nil, fmt.Errorf("take comments: %w", translate(err))
	}
	tasks, err := pgx.CollectRows(rows, pgx.RowToStructByPos[moment.CommentTask])
	if err != nil {
		return nil, fmt.Errorf("take comments: %w", translate(err))
	}
	return tasks, nil
}

// RecordComment implements dispatch.Store: how the comment's call ended. It
// never touches the post's own state.
func (db *DB) RecordComment(ctx context.Context, t moment.CommentTask, r moment.Result, replica string) error {
	state, again := "unknown", time.Duration(0)
	switch r.Verdict {
	case moment.Delivered:
		state = "sent"
	case moment.Rejected:
		state = "failed"
	case moment.NeverLeft:
		state, again = "due", moment.BackoffAfter(t.Attempt)
		if t.Attempt >= 5 {
			state, again = "failed", 0
		}
	}
	return pgx.BeginFunc(ctx, db.engine, func(tx pgx.Tx) error {
		const q = `
			UPDATE first_comments SET state = $3, lease_until = NULL, error = $4, updated_at = now(),
				due_at = CASE WHEN $3 = 'due' THEN now() + $5::interval END
			WHERE post_id = $1 AND attempt = $2 AND state IN ('sending', 'unknown')`
		msg := ""
		if state != "sent" {
			msg = cleanText(r.Message)
		}
		tag, err := tx.Exec(ctx, q, t.PostID, t.Attempt, state, msg, again)
		if err != nil || tag.RowsAffected() == 0 {
			return translate(err)
		}
		return translate(tell(ctx, tx, moment.Event{PostID: t.PostID, Action: "first_comment", Actor: replica, Source: "system",
			Detail: map[string]any{"state": state, "message": msg}}))
	})
}
