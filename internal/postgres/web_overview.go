package postgres

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"momentcast/internal/moment"
)

// Day returns what the posts due from from until before to are up to. Its cost
// is that of the posts of the span, however long the history.
func (db *DB) Day(ctx context.Context, from, to time.Time) (d moment.Day, err error) {
	const hours = `
		SELECT floor(extract(epoch FROM due_at - $1) / 3600)::int, CASE state WHEN 'claimed' THEN 'sending' ELSE state::text END, count(*)
		FROM posts
		WHERE due_at >= $1 AND due_at < $2
		GROUP BY 1, 2
		ORDER BY 1, 2`
	const late = `
		SELECT count(*) FILTER (WHERE held_for IS NULL),
			coalesce(percentile_cont(0.5) WITHIN GROUP (ORDER BY intent_at - due_at) FILTER (WHERE held_for IS NULL), '0'),
			coalesce(percentile_cont(0.95) WITHIN GROUP (ORDER BY intent_at - due_at) FILTER (WHERE held_for IS NULL), '0'),
			coalesce(max(intent_at - due_at) FILTER (WHERE held_for IS NULL), '0'),
			count(*) FILTER (WHERE held_for IS NOT NULL)
		FROM posts
		WHERE due_at >= $1 AND due_at < $2 AND state::text = 'sent' AND intent_at IS NOT NULL`
	err = db.byIndex(ctx, func(tx pgx.Tx) error {
		rows, err := tx.Query(ctx, hours, from, to)
		if err != nil {
			return err
		}
		if d.Hours, err = pgx.CollectRows(rows, pgx.RowToStructByPos[moment.HourCount]); err != nil {
			return err
		}
		l := &d.Late
		return tx.QueryRow(ctx, late, from, to).Scan(&l.Sent, &l.Median, &l.P95, &l.Worst, &l.Held)
	})
	if err != nil {
		return moment.Day{}, fmt.Errorf("read the day: %w", translate(err))
	}
	return d, nil
}

// InstancesOfConcern returns the instances that cannot post as they are, those
// that wait for a person first: offline, then paused, then the ones that have
// not been online for long enough, the nearest to it first.
func (db *DB) InstancesOfConcern(ctx context.Context, limit int) ([]moment.InstanceView, error) {
	const sql = instanceView + `
		CROSS JOIN LATERAL (SELECT coalesce(i.matured_at, i.online_since + coalesce(i.online_age, s.online_age)) AS at) m
		WHERE NOT i.online OR i.paused OR m.at > now()
		ORDER BY CASE WHEN NOT i.online THEN 0 WHEN i.paused THEN 1 ELSE 2 END, m.at, i.id
		LIMIT $1`
	rows, err := db.pool.Query(ctx, sql, limit)
	if err != nil {
		return nil, fmt.Errorf("list instances of concern: %w", translate(err))
	}
	views, err := pgx.CollectRows(rows, scanInstance)
	if err != nil {
		return nil, fmt.Errorf("list instances of concern: %w", translate(err))
	}
	return views, nil
}

// LastEvent is the id of the latest line of the audit trail; 0 when it is empty.
func (db *DB) LastEvent(ctx context.Context) (id int64, err error) {
	if err := db.pool.QueryRow(ctx, `SELECT coalesce(max(id), 0) FROM events`).Scan(&id); err != nil {
		return 0, fmt.Errorf("read the latest event: %w", translate(err))
	}
	return id, nil
}
