package postgres

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"momentcast/internal/moment"
)

// Calendar returns each day's first posts, and how many there are. However many
// a day has, at most q.PerDay of them are read and CalendarMost counted.
func (db *DB) Calendar(ctx context.Context, q moment.CalendarQuery) ([]moment.CalendarDay, error) {
	if len(q.Days) < 2 {
		return nil, nil
	}
	out := make([]moment.CalendarDay, len(q.Days)-1)
	c := calendarQuery{q}
	err := db.byIndex(ctx, func(tx pgx.Tx) error {
		if err := c.count(ctx, tx, out); err != nil {
			return err
		}
		return c.list(ctx, tx, out)
	})
	if err != nil {
		return nil, fmt.Errorf("read calendar: %w", translate(err))
	}
	return out, nil
}

// calendarQuery reads the days one by one, each from its beginning on: one scan
// over all of them would read a busy day to its end.
type calendarQuery struct{ moment.CalendarQuery }

// days are the beginnings and ends of the days, numbered.
const calendarDays = `unnest($1::timestamptz[], $2::timestamptz[]) WITH ORDINALITY AS d(a, b, n)`

func (c *calendarQuery) args() (from, to []time.Time) {
	return c.Days[:len(c.Days)-1], c.Days[1:]
}

func (c *calendarQuery) count(ctx context.Context, tx pgx.Tx, out []moment.CalendarDay) error {
	s := c.selection(moment.CalendarMost)
	q := `SELECT d.n, found.many FROM ` + calendarDays + `
		CROSS JOIN LATERAL (SELECT count(*) AS many FROM (` + s.day(c.States) + `) p) found`
	rows, err := tx.Query(ctx, q, s.args...)
	if err != nil {
		return err
	}
	var n, many int
	_, err = pgx.ForEachRow(rows, []any{&n, &many}, func() error {
		out[n-1].Total = min(many, moment.CalendarMost)
		return nil
	})
	return err
}

func (c *calendarQuery) list(ctx context.Context, tx pgx.Tx, out []moment.CalendarDay) error {
	s := c.selection(c.PerDay)
	q := `
		WITH pick AS MATERIALIZED (
			SELECT p.id, p.due_at FROM ` + calendarDays + `
			CROSS JOIN LATERAL (SELECT * FROM (` + s.day(c.States) + `) p ORDER BY p.due_at, p.id LIMIT ` + fmt.Sprint(c.PerDay) + `) p)
		SELECT ` + viewCols + ` FROM pick JOIN posts p ON p.id = pick.id` + viewFrom + `
		ORDER BY pick.due_at, pick.id`
	rows, err := tx.Query(ctx, q, s.args...)
	if err != nil {
		return err
	}
	views, err := pgx.CollectRows(rows, scanView)
	if err != nil {
		return err
	}
	day := 0
	for _, v := range views {
		for day < len(out)-1 && !v.DueAt.Before(c.Days[day+1]) {
			day++
		}
		out[day].Posts = append(out[day].Posts, v)
	}
	return nil
}

// selection is the filter of a day's posts.
func (c *calendarQuery) selection(limit int) *selection {
	from, to := c.args()
	s := &selection{cols: "p.id, p.due_at", args: []any{from, to}, order: "p.due_at, p.id", limit: limit, conds: []string{"p.due_at >= d.a", "p.due_at < d.b"}}
	if c.InstanceID != 0 {
		s.where("p.instance_id = $%d", c.InstanceID)
	}
	s.ofCampaign(c.CampaignID)
	if c.Group != "" {
		s.where("EXISTS (SELECT FROM instances g WHERE g.id = p.instance_id AND $%d = ANY(g.groups))", c.Group)
	}
	return s
}

// day selects one day's posts. States that few posts are in are read one by one
// from the index that holds them; the others from all posts of the day.
func (s *selection) day(states []moment.State) string {
	switch {
	case len(states) == 0:
		return s.branch("p.state::text <> 'cancelled'")
	case s.from != "":
		return s.branch("p.state::text IN ('" + join(states, "', '") + "')")
	}
	var branches []string
	for _, state := range states {
		is := "p.state::text = '" + string(state) + "'"
		switch state {
		case moment.Draft, moment.Pending, moment.Failed, moment.Unknown, moment.Missed:
			is = "p.state = '" + string(state) + "'"
		}
		branches = append(branches, s.branch(is))
	}
	return strings.Join(branches, " UNION ALL ")
}

// InstanceGroups lists the tags that instances have, in their order.
func (db *DB) InstanceGroups(ctx context.Context) ([]string, error) {
	const q = `SELECT DISTINCT unnest(groups) FROM instances ORDER BY 1 LIMIT 500`
	rows, err := db.pool.Query(ctx, q)
	if err != nil {
		return nil, fmt.Errorf("list groups: %w", translate(err))
	}
	groups, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return nil, fmt.Errorf("list groups: %w", translate(err))
	}
	return groups, nil
}
