package postgres

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"momentcast/internal/moment"
)

// countOpen counts the posts that somebody or something still has to deal with,
// each state by an index that holds little else: what it costs does not grow
// with the history.
const countOpen = `
	SELECT 'scheduled', count(*) FROM posts WHERE state = 'scheduled'
	UNION ALL SELECT 'sending', count(*) FROM posts WHERE lease_until IS NOT NULL
	UNION ALL SELECT 'pending', count(*) FROM posts WHERE state = 'pending' AND NOT campaign_held
	UNION ALL SELECT 'failed', count(*) FROM posts WHERE state = 'failed'
	UNION ALL SELECT 'unknown', count(*) FROM posts WHERE state = 'unknown' AND left_at IS NULL
	UNION ALL SELECT 'missed', count(*) FROM posts WHERE state = 'missed'`

// countDue counts the scheduled posts whose time has come, by what holds them;
// ” for those that are about to be sent. It judges as moment.HoldOf does.
const countDue = `
	SELECT held.reason, sum(held.posts)::bigint
	FROM instances i
	CROSS JOIN settings s
	CROSS JOIN gateway_status g
	CROSS JOIN LATERAL (
		SELECT count(*) AS posts FROM posts p
		WHERE p.instance_id = i.id AND p.state = 'scheduled' AND p.due_at <= now()
	) due
	CROSS JOIN LATERAL (
		SELECT CASE
			WHEN s.paused THEN 'paused'
			WHEN g.down_since IS NOT NULL THEN 'gateway_down'
			WHEN i.ready_at IS NULL OR i.ready_at > now() THEN coalesce(i.hold_reason, '')
			ELSE ''
		END AS why
	) w
	CROSS JOIN LATERAL (
		SELECT w.why AS reason, CASE WHEN w.why = '' THEN 1 ELSE due.posts END AS posts
		UNION ALL
		SELECT 'behind_earlier', due.posts - 1 WHERE w.why = '' AND due.posts > 1
	) held
	WHERE due.posts > 0
	GROUP BY held.reason`

// nextDue walks the posts that have their time still to come, few of which are
// not scheduled.
const nextDue = `SELECT due_at FROM posts WHERE state::text = 'scheduled' AND due_at > now() ORDER BY due_at LIMIT 1`

const countInstances = `
	SELECT count(*), count(*) FILTER (WHERE online), count(*) FILTER (WHERE NOT online),
		count(*) FILTER (WHERE online AND coalesce(matured_at, online_since + coalesce(i.online_age, s.online_age)) > now()),
		count(*) FILTER (WHERE i.paused)
	FROM instances i CROSS JOIN settings s`

// Status returns the whole picture, as of one instant.
func (db *DB) Status(ctx context.Context) (st moment.Status, err error) {
	b := &pgx.Batch{}
	b.Queue(`SELECT now(), paused, paused_reason, paused_by, paused_at, observed_at, down_since, error FROM settings CROSS JOIN gateway_status`).
		QueryRow(func(row pgx.Row) error {
			g := &st.Gateway
			return row.Scan(&st.Now, &st.Paused, &st.PausedReason, &st.PausedBy, nullTime{&st.PausedAt},
				nullTime{&g.ObservedAt}, nullTime{&g.DownSince}, &g.Error)
		})
	b.Queue(`SELECT name, version, started_at, now() - heartbeat_at, in_flight FROM replicas ORDER BY name`).Query(func(rows pgx.Rows) error {
		st.Replicas, err = pgx.CollectRows(rows, pgx.RowToStructByPos[moment.Replica])
		return err
	})
	b.Queue(countOpen).Query(func(rows pgx.Rows) error {
		st.Posts, err = collectCounts[moment.State](rows)
		return err
	})
	b.Queue(countDue).Query(func(rows pgx.Rows) error {
		st.DueHeld, err = collectCounts[moment.HoldReason](rows)
		return err
	})
	b.Queue(nextDue).Query(func(rows pgx.Rows) error {
		next, err := pgx.CollectRows(rows, pgx.RowTo[time.Time])
		if len(next) == 1 {
			st.NextDue = next[0]
		}
		return err
	})
	b.Queue(failoverState).QueryRow(func(row pgx.Row) error { return row.Scan(failoverDest(&st.Failover)...) })
	b.Queue(countInstances).QueryRow(func(row pgx.Row) error {
		n := &st.Instances
		return row.Scan(&n.Total, &n.Online, &n.Offline, &n.Maturing, &n.Paused)
	})
	if err := db.byIndex(ctx, func(tx pgx.Tx) error { return tx.SendBatch(ctx, b).Close() }); err != nil {
		return st, fmt.Errorf("read status: %w", translate(err))
	}
	for _, n := range st.DueHeld {
		st.Due += n
	}
	delete(st.DueHeld, "")
	return st, nil
}

func collectCounts[K ~string](rows pgx.Rows) (map[K]int64, error) {
	out := make(map[K]int64)
	var key string
	var n int64
	_, err := pgx.ForEachRow(rows, []any{&key, &n}, func() error { out[K(key)] = n; return nil })
	return out, err
}
