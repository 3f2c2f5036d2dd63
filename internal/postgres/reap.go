package postgres

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"momentcast/internal/moment"
)

// Reap implements dispatch.Store: posts whose lease has run out are settled.
// One that was only claimed is scheduled again: no call was made. One whose
// call may have begun becomes unknown and is read back; its token stays, so
// that a late success still finds it.
func (db *DB) Reap(ctx context.Context, replica string) (lapsed, doubted int, err error) {
	const lockExpired = `
		SELECT id FROM instances
		WHERE id IN (SELECT instance_id FROM posts WHERE lease_until < now() ORDER BY lease_until LIMIT 500)
		ORDER BY id
		FOR NO KEY UPDATE SKIP LOCKED`
	const settleExpired = `
		WITH late AS MATERIALIZED (
			SELECT p.id, p.state FROM posts p
			WHERE p.instance_id = ANY($1::bigint[]) AND p.state IN ('claimed', 'sending') AND p.lease_until < now()
			FOR UPDATE
		), done AS (
			UPDATE posts p SET
				state = (CASE late.state WHEN 'claimed' THEN 'scheduled' ELSE 'unknown' END)::post_state,
				lease_until = NULL,
				attempt = p.attempt - CASE late.state WHEN 'claimed' THEN 1 ELSE 0 END,
				finished_at = CASE late.state WHEN 'claimed' THEN p.finished_at ELSE now() END,
				error = CASE late.state WHEN 'claimed' THEN p.error ELSE 'the call began and no outcome was recorded: the sender ended or was cut off' END,
				reconcile_at = CASE late.state WHEN 'sending' THEN now() + $3::interval END,
				reconcile_round = 0,
				version = p.version + 1,
				updated_at = now()
			FROM late
			WHERE p.id = late.id
			RETURNING p.id, p.instance_id, p.attempt, p.intent_at, p.claimed_by, late.state AS was, p.state, p.error
		), tried AS (
			INSERT INTO attempts (post_id, number, started_at, replica, verdict, cause, message)
			SELECT id, attempt, intent_at, claimed_by, 'in_doubt', 'lease_lost', error FROM done WHERE was = 'sending'
			ON CONFLICT DO NOTHING
		), told AS (
			INSERT INTO events (post_id, instance_id, action, from_state, to_state, actor, source, detail)
			SELECT id, instance_id, CASE was WHEN 'claimed' THEN 'lapse' ELSE 'doubt' END, 'sending', state::text, $2, 'system',
				jsonb_build_object('claimed_by', claimed_by)
			FROM done
		), freed AS (
			UPDATE instances i SET
				in_flight = CASE WHEN done.was = 'sending' THEN i.in_flight END,
				next_slot_at = CASE WHEN done.was = 'sending' THEN greatest(i.next_slot_at, now() + coalesce(i.min_gap, s.min_gap)) ELSE i.next_slot_at END,
				sent_on = CASE WHEN done.was = 'sending' THEN (now() AT TIME ZONE i.time_zone)::date ELSE i.sent_on END,
				sent_count = CASE WHEN done.was <> 'sending' THEN i.sent_count
				                  WHEN i.sent_on = (now() AT TIME ZONE i.time_zone)::date THEN i.sent_count + 1
				                  ELSE 1 END
			FROM done JOIN settings s ON s.id
			WHERE i.id = done.instance_id AND i.in_flight = done.id
		)
		SELECT count(*) FILTER (WHERE was = 'claimed'), count(*) FILTER (WHERE was = 'sending') FROM done`
	err = db.onLockedInstances(ctx, lockExpired, func(tx pgx.Tx, instances []int64) error {
		return tx.QueryRow(ctx, settleExpired, instances, replica, moment.ReconcileWaits[0]).Scan(&lapsed, &doubted)
	})
	if err != nil {
		return 0, 0, fmt.Errorf("reap expired leases: %w", translate(err))
	}
	return lapsed, doubted, nil
}

// Miss implements dispatch.Store: scheduled posts past their lateness limit
// become missed, 500 instances at a time. While everything is paused the limit
// waits: the resume says what becomes of what passed.
func (db *DB) Miss(ctx context.Context, replica string) (missed int, err error) {
	const lockOverdue = `
		SELECT id FROM instances
		WHERE id IN (
			SELECT instance_id FROM posts
			WHERE state = 'scheduled' AND miss_at IS NOT NULL AND miss_at <= now() AND NOT (SELECT paused FROM settings)
			ORDER BY miss_at LIMIT 500)
		ORDER BY id
		FOR NO KEY UPDATE SKIP LOCKED`
	err = db.onLockedInstances(ctx, lockOverdue, func(tx pgx.Tx, instances []int64) (err error) {
		missed, err = missOverdue(ctx, tx, instances, moment.System(replica), "miss_at <= now()")
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("miss overdue posts: %w", translate(err))
	}
	return missed, nil
}

// missOverdue makes the instances' scheduled posts that satisfy the condition
// (ours, never a caller's text) missed, saying what held them.
func missOverdue(ctx context.Context, tx pgx.Tx, instances []int64, by moment.Origin, condition string) (n int, err error) {
	q := `
		WITH late AS (
			UPDATE posts p SET
				state = 'missed',
				held_for = coalesce((SELECT hold_reason FROM instances i WHERE i.id = p.instance_id), 'behind_earlier'),
				error = 'missed its time by more than its lateness limit',
				version = version + 1,
				updated_at = now()
			WHERE p.instance_id = ANY($1::bigint[]) AND p.state = 'scheduled' AND p.` + condition + `
			RETURNING p.id, p.instance_id, p.held_for
		), told AS (
			INSERT INTO events (post_id, instance_id, action, from_state, to_state, actor, source, detail)
			SELECT id, instance_id, 'miss', 'scheduled', 'missed', $2, $3, jsonb_build_object('held_for', held_for) FROM late
		)
		SELECT count(*) FROM late`
	err = tx.QueryRow(ctx, q, instances, by.Actor, by.Source).Scan(&n)
	return n, err
}

// onLockedInstances runs do on the instances that the first statement locks,
// and recomputes their ready_at.
func (db *DB) onLockedInstances(ctx context.Context, lockThem string, do func(pgx.Tx, []int64) error) error {
	return pgx.BeginFunc(ctx, db.engine, func(tx pgx.Tx) error {
		rows, err := tx.Query(ctx, lockThem)
		if err != nil {
			return err
		}
		ids, err := pgx.CollectRows(rows, pgx.RowTo[int64])
		if err != nil || len(ids) == 0 {
			return err
		}
		if err := do(tx, ids); err != nil {
			return err
		}
		return refresh(ctx, tx, ids...)
	})
}
