package postgres

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"

	"momentcast/internal/moment"
	"momentcast/internal/schedule"
)

// WorkCalendar returns the work calendar of a region ("cn"). One that is built
// in is stored when it is first asked for. NotFound if there is none.
func (db *DB) WorkCalendar(ctx context.Context, region string) (*schedule.Calendar, error) {
	c, err := readCalendar(ctx, db.pool, region, "")
	if errors.Is(err, pgx.ErrNoRows) && region == schedule.RegionCN {
		if err = db.seedCalendar(ctx, schedule.Seed()); err == nil {
			c, err = readCalendar(ctx, db.pool, region, "")
		}
	}
	if err != nil {
		return nil, fmt.Errorf("read work calendar: %w", missing(err, "work calendar"))
	}
	return c, nil
}

// WorkCalendars lists the regions that have a work calendar, in their order.
func (db *DB) WorkCalendars(ctx context.Context) ([]string, error) {
	const q = `SELECT region FROM workcalendars UNION SELECT $1 ORDER BY 1`
	rows, err := db.pool.Query(ctx, q, schedule.RegionCN)
	if err != nil {
		return nil, fmt.Errorf("list work calendars: %w", translate(err))
	}
	regions, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return nil, fmt.Errorf("list work calendars: %w", translate(err))
	}
	return regions, nil
}

// ChangeWorkCalendar makes the change that change asks for, given the calendar
// as it is, with an audit line, and returns what it did. A region that has none
// begins with an empty one. Precondition when ifVersion is not zero and not the
// calendar's. change runs while the calendar is locked, so it must not wait.
func (db *DB) ChangeWorkCalendar(ctx context.Context, region string, ifVersion int64,
	change func(*schedule.Calendar) (schedule.Edit, error), by moment.Origin) (e schedule.Effect, err error) {
	if _, err := schedule.NewCalendar(region, nil); err != nil {
		return e, err
	}
	if region == schedule.RegionCN {
		if err := db.seedCalendar(ctx, schedule.Seed()); err != nil {
			return e, fmt.Errorf("store the calendar that is built in: %w", translate(err))
		}
	}
	err = pgx.BeginFunc(ctx, db.pool, func(tx pgx.Tx) error {
		const begin = `INSERT INTO workcalendars (region, version) VALUES ($1, 0) ON CONFLICT DO NOTHING`
		if _, err := tx.Exec(ctx, begin, region); err != nil {
			return err
		}
		was, err := readCalendar(ctx, tx, region, "FOR UPDATE")
		if err != nil {
			return err
		}
		if ifVersion != 0 && ifVersion != was.Version() {
			return moment.Errorf(moment.Precondition, "Somebody has changed the work calendar meanwhile; load it again and decide.")
		}
		ch, err := change(was)
		if err != nil {
			return err
		}
		var is *schedule.Calendar
		if is, e, err = was.Apply(ch); err != nil || e.None() {
			return err
		}
		if err := storeCalendar(ctx, tx, is, e); err != nil {
			return err
		}
		if err := replanRegion(ctx, tx, region); err != nil {
			return err
		}
		return tell(ctx, tx, moment.Event{Action: "workcalendar", Actor: by.Actor, Source: by.Source, Detail: calendarDetail(region, e)})
	})
	if err != nil {
		return schedule.Effect{}, fmt.Errorf("change work calendar: %w", translate(err))
	}
	return e, nil
}

// readCalendar reads days and years after the region's row: with a lock on that,
// they are as of the lock.
func readCalendar(ctx context.Context, q querier, region, lock string) (*schedule.Calendar, error) {
	rows, err := q.Query(ctx, `SELECT version FROM workcalendars WHERE region = $1 `+lock, region)
	if err != nil {
		return nil, err
	}
	version, err := pgx.CollectExactlyOneRow(rows, pgx.RowTo[int64])
	if err != nil {
		return nil, err
	}
	// Days and years in one statement: a change in between would mix two calendars.
	const days = `
		SELECT day - date '1970-01-01', name, kind FROM workcalendar_days WHERE region = $1
		UNION ALL
		SELECT year, '', 'year' FROM workcalendar_years WHERE region = $1`
	var (
		out   []schedule.Row
		years []int
		n     int32
		name  string
		kind  string
	)
	if rows, err = q.Query(ctx, days, region); err != nil {
		return nil, err
	}
	_, err = pgx.ForEachRow(rows, []any{&n, &name, &kind}, func() error {
		if kind == "year" {
			years = append(years, int(n))
			return nil
		}
		out = append(out, schedule.Row{Date: schedule.Date(n), Name: name, Kind: schedule.DayKind(kind)})
		return nil
	})
	if err != nil {
		return nil, err
	}
	return schedule.Stored(region, out, years, version)
}

// seedCalendar stores a calendar that is built in, unless its region has one.
func (db *DB) seedCalendar(ctx context.Context, c *schedule.Calendar) error {
	return pgx.BeginFunc(ctx, db.pool, func(tx pgx.Tx) error {
		tag, err := tx.Exec(ctx, `INSERT INTO workcalendars (region) VALUES ($1) ON CONFLICT DO NOTHING`, c.Region())
		if err != nil || tag.RowsAffected() == 0 {
			return err
		}
		e := schedule.Effect{Published: c.Years()}
		for _, r := range c.Rows() {
			e.Days = append(e.Days, schedule.DayChange{Date: r.Date, Is: r})
		}
		return storeDays(ctx, tx, c.Region(), e)
	})
}

func storeCalendar(ctx context.Context, tx pgx.Tx, c *schedule.Calendar, e schedule.Effect) error {
	const q = `UPDATE workcalendars SET version = $2, updated_at = now() WHERE region = $1`
	if _, err := tx.Exec(ctx, q, c.Region(), c.Version()); err != nil {
		return err
	}
	return storeDays(ctx, tx, c.Region(), e)
}

// storeDays writes what a change does.
func storeDays(ctx context.Context, tx pgx.Tx, region string, e schedule.Effect) error {
	const (
		put = `
			INSERT INTO workcalendar_days (region, day, name, kind)
			SELECT $1, date '1970-01-01' + d, n, k FROM unnest($2::int[], $3::text[], $4::text[]) AS t(d, n, k)
			ON CONFLICT (region, day) DO UPDATE SET name = excluded.name, kind = excluded.kind`
		remove    = `DELETE FROM workcalendar_days WHERE region = $1 AND day = ANY(SELECT date '1970-01-01' + d FROM unnest($2::int[]) AS t(d))`
		publish   = `INSERT INTO workcalendar_years (region, year) SELECT $1, unnest($2::int[]) ON CONFLICT DO NOTHING`
		unpublish = `DELETE FROM workcalendar_years WHERE region = $1 AND year = ANY($2::int[])`
	)
	var days, gone []int32
	var names, kinds []string
	for _, d := range e.Days {
		if d.Is.Kind == "" {
			gone = append(gone, int32(d.Date))
			continue
		}
		days, names, kinds = append(days, int32(d.Date)), append(names, d.Is.Name), append(kinds, string(d.Is.Kind))
	}
	b := &pgx.Batch{}
	b.Queue(put, region, days, names, kinds)
	b.Queue(remove, region, gone)
	b.Queue(publish, region, e.Published)
	b.Queue(unpublish, region, e.Unpublished)
	return tx.SendBatch(ctx, b).Close()
}

// toldDays is how many days of an import stand in the audit trail one by one.
const toldDays = 400

func calendarDetail(region string, e schedule.Effect) map[string]any {
	said := func(r schedule.Row) any {
		if r.Kind == "" {
			return nil
		}
		return string(r.Kind) + " " + r.Name
	}
	changed := map[string]any{}
	for _, d := range e.Days[:min(len(e.Days), toldDays)] {
		changed[d.Date.String()] = []any{said(d.Was), said(d.Is)}
	}
	added, altered, removed := e.Count()
	detail := map[string]any{"region": region, "added": added, "altered": altered, "removed": removed}
	if len(changed) > 0 {
		detail["changed"] = changed
	}
	if len(e.Published) > 0 {
		detail["published"] = e.Published
	}
	if len(e.Unpublished) > 0 {
		detail["unpublished"] = e.Unpublished
	}
	return detail
}
