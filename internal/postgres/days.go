package postgres

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"momentcast/internal/moment"
)

// Days counts the posts of each day that has any, earliest first. Its cost is
// that of the posts of the span, however long the history.
func (db *DB) Days(ctx context.Context, q moment.DayQuery) (days []moment.DayCounts, err error) {
	const cols = `SELECT due_at, state, CASE WHEN state = 'sent' AND held_for IS NULL THEN intent_at - due_at END AS late FROM posts p`
	const span = ` WHERE p.due_at >= $1 AND p.due_at < $2`
	from, args := cols+span, []any{q.From, q.To, q.TimeZone}
	if q.InstanceID != 0 {
		one := cols + span + ` AND p.instance_id = $4 AND `
		from, args = one+settled+` UNION ALL `+one+`p.state = 'scheduled' UNION ALL `+one+`p.state IN ('claimed', 'sending')`, append(args, q.InstanceID)
	}
	sql := `
		SELECT to_char(due_at AT TIME ZONE $3, 'YYYY-MM-DD'), CASE state WHEN 'claimed' THEN 'sending' ELSE state::text END, count(*), count(late),
			coalesce(percentile_cont(0.5) WITHIN GROUP (ORDER BY late), '0'), coalesce(percentile_cont(0.99) WITHIN GROUP (ORDER BY late), '0')
		FROM (` + from + `) p
		GROUP BY 1, 2
		ORDER BY 1, 2`
	err = db.byIndex(ctx, func(tx pgx.Tx) error {
		rows, err := tx.Query(ctx, sql, args...)
		if err != nil {
			return err
		}
		var day string
		var state moment.State
		var posts, measured int64
		var median, p99 time.Duration
		_, err = pgx.ForEachRow(rows, []any{&day, &state, &posts, &measured, &median, &p99}, func() error {
			if len(days) == 0 || days[len(days)-1].Day != day {
				days = append(days, moment.DayCounts{Day: day, Posts: map[moment.State]int64{}})
			}
			d := &days[len(days)-1]
			d.Posts[state] = posts
			if measured > 0 {
				d.Measured, d.Median, d.P99 = measured, median, p99
			}
			return nil
		})
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("count days: %w", translate(err))
	}
	return days, nil
}
