package postgres

import (
	"context"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// lockInstances is the first statement of whatever can move ready_at.
const lockInstances = `
	SELECT id FROM instances
	WHERE id = ANY($1::bigint[])
	ORDER BY id
	FOR NO KEY UPDATE`

// refreshReady recomputes ready_at. It is a statement of its own, the last of
// its transaction, so that its snapshot is younger than the instance locks.
const refreshReady = `
	UPDATE instances i SET
		ready_at = g.ready_at,
		hold_reason = g.reason
	FROM unnest($1::bigint[]) u(id)
	JOIN instances j ON j.id = u.id
	JOIN settings s ON s.id
	LEFT JOIN LATERAL (
		SELECT p.due_at FROM posts p
		WHERE p.instance_id = j.id AND p.state = 'scheduled'
		ORDER BY p.due_at, p.id
		LIMIT 1
	) head ON true
	CROSS JOIN LATERAL instance_gate(j, s, head.due_at) g
	WHERE i.id = u.id
	  AND (i.ready_at, i.hold_reason) IS DISTINCT FROM (g.ready_at, g.reason)`

// wakeChannel is what dispatchers listen on; one notification a transaction,
// never one a row: notifying transactions commit one after another.
const wakeChannel = "momentcast_wake"

const wake = `SELECT pg_notify('` + wakeChannel + `', '')`

type execer interface {
	Exec(ctx context.Context, sql string, args ...any) (pgconn.CommandTag, error)
}

func refresh(ctx context.Context, tx execer, instances ...int64) error {
	_, err := tx.Exec(ctx, refreshReady, instances)
	return err
}

func lock(ctx context.Context, tx execer, instances ...int64) error {
	_, err := tx.Exec(ctx, lockInstances, instances)
	return err
}

// RefreshAll recomputes ready_at of every instance, a thousand at a time. It is
// needed after the defaults that all instances follow have changed, and mends
// whatever a restored backup brought along.
func (db *DB) RefreshAll(ctx context.Context) error {
	for last := int64(0); ; {
		var ids []int64
		err := pgx.BeginFunc(ctx, db.engine, func(tx pgx.Tx) error {
			rows, err := tx.Query(ctx, `SELECT id FROM instances WHERE id > $1 ORDER BY id LIMIT 1000 FOR NO KEY UPDATE`, last)
			if err != nil {
				return err
			}
			if ids, err = pgx.CollectRows(rows, pgx.RowTo[int64]); err != nil {
				return err
			}
			return refresh(ctx, tx, ids...)
		})
		if err != nil {
			return translate(err)
		}
		if len(ids) == 0 {
			return db.Wake(ctx)
		}
		last = ids[len(ids)-1]
	}
}

// Wake makes every dispatcher look for work now.
func (db *DB) Wake(ctx context.Context) error {
	_, err := db.pool.Exec(ctx, wake)
	return translate(err)
}

// NextReady tells how long it is until an instance may send; ok is false when
// none will without a change. While everything is paused, or
// the history has moved, none will.
func (db *DB) NextReady(ctx context.Context) (wait time.Duration, ok bool, err error) {
	const q = `
		SELECT extract(epoch FROM (SELECT ready_at FROM instances WHERE ready_at IS NOT NULL ORDER BY ready_at LIMIT 1) - clock_timestamp())::float8
		WHERE NOT (SELECT paused FROM settings) AND history_stands($1)`
	var seconds *float64
	err = db.engine.QueryRow(ctx, q, db.history.seen()).Scan(&seconds)
	if errors.Is(err, pgx.ErrNoRows) || (err == nil && seconds == nil) {
		return 0, false, nil
	}
	if err != nil {
		return 0, false, translate(err)
	}
	return time.Duration(min(*seconds, 1e9) * float64(time.Second)), true, nil
}
