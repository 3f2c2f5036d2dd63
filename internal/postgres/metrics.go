package postgres

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"momentcast/internal/moment"
)

// Figures are what the metrics tell of the database's content: numbers only.
type Figures struct {
	Due       map[string]int64 // posts past their due time, by what holds their instance; "" = nothing
	Held      map[string]int64 // instances whose next post is held, by reason
	Attention map[string]int64 // posts a person has to look at, by state
	Instances map[string]int64 // by what they are: online, maturing, offline, paused

	Overdue   int64 // instances that should have sent more than OverdueAfter ago
	Replicas  int64 // heard of within the last 20 s
	Unread    int64 // accounts that are held after a failover until they are read
	Paused    bool
	GatewayUp bool // the last look at who is online succeeded

	OldestXminAge     int64   // transactions since the oldest snapshot still in use
	OldestTransaction float64 // its age in seconds
}

// Figures reads them. An instance counts with at most 1000 due posts, so that
// the cost does not grow with what a long pause has piled up.
func (db *DB) Figures(ctx context.Context) (f Figures, err error) {
	for _, read := range []func(context.Context, *Figures) error{db.readWork, db.readAttention, db.readInstances, db.readState} {
		if err := read(ctx, &f); err != nil {
			return Figures{}, fmt.Errorf("read figures: %w", translate(err))
		}
	}
	return f, nil
}

// readWork counts due posts and what holds them, as moment.HoldOf judges. Only
// instances that are ready or held can have any.
func (db *DB) readWork(ctx context.Context, f *Figures) error {
	const q = `
		SELECT w.why, count(*), sum(d.n)::bigint, count(*) FILTER (WHERE d.n > 0)
		FROM instances i CROSS JOIN settings s CROSS JOIN gateway_status g
		CROSS JOIN LATERAL (
			SELECT count(*) AS n FROM (
				SELECT FROM posts p
				WHERE p.instance_id = i.id AND p.state = 'scheduled' AND p.due_at <= now()
				ORDER BY p.due_at
				LIMIT 1000) x
		) d
		CROSS JOIN LATERAL (
			SELECT CASE
				WHEN s.paused THEN 'paused'
				WHEN g.down_since IS NOT NULL AND d.n > 0 THEN 'gateway_down'
				WHEN i.ready_at IS NULL OR i.ready_at > now() THEN coalesce(i.hold_reason, '')
				ELSE '' END AS why
		) w
		WHERE i.hold_reason IS NOT NULL OR i.ready_at <= now()
		GROUP BY w.why`
	rows, err := db.pool.Query(ctx, q)
	if err != nil {
		return err
	}
	f.Due, f.Held = map[string]int64{}, map[string]int64{}
	var why string
	var instances, due, heads int64
	_, err = pgx.ForEachRow(rows, []any{&why, &instances, &due, &heads}, func() error {
		if why != "" {
			f.Due[why] += due
			f.Held[why] = instances
			return nil
		}
		f.Due[""] = heads
		f.Due[string(moment.HeldBehind)] += due - heads
		return nil
	})
	return err
}

// readAttention goes through the engine's pool, whose planner is held to the
// index; the table has every post ever made.
func (db *DB) readAttention(ctx context.Context, f *Figures) (err error) {
	const q = `SELECT state::text, count(*) FROM posts WHERE state IN ('failed', 'unknown', 'missed') AND left_at IS NULL GROUP BY 1`
	rows, err := db.engine.Query(ctx, q)
	if err != nil {
		return err
	}
	f.Attention, err = counts(rows)
	return err
}

func (db *DB) readInstances(ctx context.Context, f *Figures) (err error) {
	const q = `
		SELECT CASE
				WHEN i.paused THEN 'paused'
				WHEN NOT i.online OR i.online_since IS NULL THEN 'offline'
				WHEN coalesce(i.matured_at, i.online_since + coalesce(i.online_age, s.online_age)) > now() THEN 'maturing'
				ELSE 'online' END, count(*)
		FROM instances i CROSS JOIN settings s
		GROUP BY 1`
	rows, err := db.pool.Query(ctx, q)
	if err != nil {
		return err
	}
	f.Instances, err = counts(rows)
	return err
}

// readState reads the single numbers. Sessions of other users show their
// snapshots only to those who may read all statistics.
func (db *DB) readState(ctx context.Context, f *Figures) error {
	const q = `
		SELECT s.paused, g.observed_at IS NOT NULL AND g.down_since IS NULL,
			(SELECT count(*) FROM instances WHERE ready_at < now() - $1::interval AND NOT s.paused),
			(SELECT count(*) FROM replicas WHERE heartbeat_at > now() - interval '20 seconds'),
			(SELECT count(*) FROM unread_accounts),
			coalesce(a.xmin_age, 0), coalesce(a.seconds, 0)::float8
		FROM settings s CROSS JOIN gateway_status g CROSS JOIN (
			SELECT max(age(backend_xmin)) AS xmin_age, max(extract(epoch FROM clock_timestamp() - xact_start)) AS seconds
			FROM pg_stat_activity
			WHERE backend_xmin IS NOT NULL AND pid <> pg_backend_pid() AND datname = current_database() AND backend_type = 'client backend'
		) a`
	return db.pool.QueryRow(ctx, q, OverdueAfter).
		Scan(&f.Paused, &f.GatewayUp, &f.Overdue, &f.Replicas, &f.Unread, &f.OldestXminAge, &f.OldestTransaction)
}

func counts(rows pgx.Rows) (map[string]int64, error) {
	out := map[string]int64{}
	var key string
	var n int64
	_, err := pgx.ForEachRow(rows, []any{&key, &n}, func() error {
		out[key] = n
		return nil
	})
	return out, err
}
