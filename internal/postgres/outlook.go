package postgres

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"momentcast/internal/moment"
)

// An outlook reads this many scheduled posts at most, and of one instance never
// fewer than the second number, so that 5 000 instances stay some megabytes.
const (
	outlookPosts       = 100_000
	outlookPerInstance = 50
)

// Outlook reads what forecasts of these instances need, as of one instant, in
// two queries. A queue that is longer than is read is cut, and says where;
// instances that do not exist are left out.
func (db *DB) Outlook(ctx context.Context, ids []int64) (*moment.Outlook, error) {
	return db.outlook(ctx, ids, max(outlookPerInstance, outlookPosts/max(1, len(ids))))
}

func (db *DB) outlook(ctx context.Context, ids []int64, perInstance int) (*moment.Outlook, error) {
	o := &moment.Outlook{Instances: make(map[int64]*moment.Prospect, len(ids))}
	err := db.byIndex(ctx, func(tx pgx.Tx) error {
		if err := readProspects(ctx, tx, ids, o); err != nil {
			return err
		}
		return readQueues(ctx, tx, ids, perInstance, o)
	})
	if err != nil {
		return nil, fmt.Errorf("read outlook of %d instances: %w", len(ids), translate(err))
	}
	return o, nil
}

// readProspects reads the instances and what holds for all. One that waits for
// the outcome of a doubtful call goes on after the next read-back, and the call
// is counted already: for a forecast it is free.
func readProspects(ctx context.Context, tx pgx.Tx, ids []int64, o *moment.Outlook) error {
	const q = `
		SELECT ` + instanceCols + `, coalesce(f.state::text = 'unknown', false)
		FROM instances i
		LEFT JOIN posts f ON f.id = i.in_flight
		WHERE i.id = ANY($1::bigint[])`
	const whole = `
		SELECT s.min_gap, s.daily_cap, s.quiet_hours, s.online_age, s.paused, g.down_since IS NOT NULL, now()
		FROM settings s CROSS JOIN gateway_status g`
	d, s := &o.Defaults, &o.Situation
	if err := tx.QueryRow(ctx, whole).Scan(&d.MinGap, &d.DailyCap, &d.QuietHours, &d.OnlineAge, &s.Paused, &s.GatewayDown, &s.Now); err != nil {
		return err
	}
	rows, err := tx.Query(ctx, q, ids)
	if err != nil {
		return err
	}
	found, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (*moment.Prospect, error) {
		p := &moment.Prospect{}
		var doubt bool
		err := row.Scan(append(instanceDest(&p.Instance), &doubt)...)
		if doubt {
			p.Instance.InFlight = 0
		}
		return p, err
	})
	for _, p := range found {
		o.Instances[p.Instance.ID] = p
	}
	return err
}

// readQueues seeks each instance's queue in the index that the claim uses.
func readQueues(ctx context.Context, tx pgx.Tx, ids []int64, perInstance int, o *moment.Outlook) error {
	const q = `
		SELECT l.id, p.id, p.due_at, p.miss_at
		FROM (SELECT DISTINCT unnest($1::bigint[]) AS id) l
		CROSS JOIN LATERAL (
			SELECT id, due_at, miss_at FROM posts
			WHERE instance_id = l.id AND state = 'scheduled'
			ORDER BY due_at, id
			LIMIT $2
		) p
		ORDER BY l.id, p.due_at, p.id`
	rows, err := tx.Query(ctx, q, ids, perInstance+1)
	if err != nil {
		return err
	}
	var instance int64
	var d moment.Due
	_, err = pgx.ForEachRow(rows, []any{&instance, &d.ID, &d.DueAt, nullTime{&d.MissAt}}, func() error {
		p, ok := o.Instances[instance]
		switch {
		case !ok:
		case len(p.Queue) == perInstance:
			p.CutAt = d.DueAt
			// Posts due at the instant of the cut may be on either side of it.
			for n := len(p.Queue); n > 0 && p.Queue[n-1].DueAt.Equal(p.CutAt); n-- {
				p.Queue = p.Queue[:n-1]
			}
		default:
			p.Queue = append(p.Queue, d)
		}
		return nil
	})
	return err
}
