package postgres

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"momentcast/internal/moment"
	"momentcast/internal/schedule"
)

// campaignViewCols are what is shown beside the campaign itself.
const campaignViewCols = campaignCols + `,
	(SELECT min(o.at) FROM occurrences o WHERE o.campaign_id = c.id AND o.at > now() AND o.open AND o.state IN ('planned', 'moved', 'edited')
		AND c.state NOT IN ('stopped', 'ended')),
	(SELECT max(o.at) FROM occurrences o WHERE o.campaign_id = c.id AND o.at <= now()),
	(SELECT count(*) FROM occurrences o WHERE o.campaign_id = c.id AND o.open AND NOT o.approved),
	(SELECT count(*) FROM occurrences o WHERE o.campaign_id = c.id AND o.open AND o.problems IS NOT NULL)`

func scanCampaignView(row pgx.CollectableRow) (moment.CampaignView, error) {
	v := moment.CampaignView{}
	err := row.Scan(append(campaignDest(&v.Campaign), nullTime{&v.NextFireAt}, nullTime{&v.LastAt}, &v.Waiting, &v.Problems)...)
	return v, err
}

// countCampaignPosts counts the posts of campaigns by state.
const countCampaignPosts = `
	SELECT o.campaign_id, p.state::text, count(*)
	FROM occurrences o JOIN posts p ON p.occurrence_id = o.id
	WHERE o.campaign_id = ANY($1::bigint[])
	GROUP BY 1, 2`

// Campaign returns a campaign with what its posts are up to.
func (db *DB) Campaign(ctx context.Context, id int64) (*moment.CampaignView, error) {
	views, err := db.readCampaigns(ctx, `WHERE c.id = $1`, id)
	if err != nil {
		return nil, err
	}
	if len(views) == 0 {
		return nil, moment.Errorf(moment.NotFound, "There is no such campaign.")
	}
	return &views[0], nil
}

// Campaigns returns a page of campaigns, newest first, and whether there are more.
func (db *DB) Campaigns(ctx context.Context, q moment.CampaignQuery) (views []moment.CampaignView, more bool, err error) {
	where, args := []string{"true"}, []any{}
	add := func(cond string, arg any) {
		args = append(args, arg)
		where = append(where, fmt.Sprintf(cond, len(args)))
	}
	if len(q.States) > 0 {
		add("c.state = ANY($%d::text[])", q.States)
	}
	if q.Text != "" {
		add("position(lower($%d) IN lower(c.name)) > 0", q.Text)
	}
	if q.Before != 0 {
		add("c.id < $%d", q.Before)
	}
	views, err = db.readCampaigns(ctx, fmt.Sprintf(`WHERE %s ORDER BY c.id DESC LIMIT %d`, strings.Join(where, " AND "), q.Limit+1), args...)
	if len(views) > q.Limit {
		return views[:q.Limit], true, err
	}
	return views, false, err
}

func (db *DB) readCampaigns(ctx context.Context, where string, args ...any) ([]moment.CampaignView, error) {
	rows, err := db.pool.Query(ctx, `SELECT `+campaignViewCols+` FROM campaigns c CROSS JOIN settings s `+where, args...)
	if err != nil {
		return nil, fmt.Errorf("read campaigns: %w", translate(err))
	}
	views, err := pgx.CollectRows(rows, scanCampaignView)
	if err != nil {
		return nil, fmt.Errorf("read campaigns: %w", translate(err))
	}
	ids, at := make([]int64, len(views)), make(map[int64]int, len(views))
	for i := range views {
		ids[i], at[views[i].ID] = views[i].ID, i
		views[i].Counts = map[moment.State]int64{}
	}
	if rows, err = db.pool.Query(ctx, countCampaignPosts, ids); err != nil {
		return nil, fmt.Errorf("count posts of campaigns: %w", translate(err))
	}
	var id, n int64
	var state moment.State
	_, err = pgx.ForEachRow(rows, []any{&id, &state, &n}, func() error {
		views[at[id]].Counts[state.Shown()] += n
		return nil
	})
	return views, translate(err)
}

// occurrenceCols are an occurrence's columns, in the order of occurrenceDest.
const occurrenceCols = `o.id, o.campaign_id, o.wall, o.aim, o.planned_at, o.at, o.number, o.state, o.reason, o.card, o.approved, o.fixed,
	o.settled, o.cursor, o.cursor_version, o.problems, o.version`

func occurrenceDest(o *moment.Occurrence) []any {
	return []any{&o.ID, &o.CampaignID, &o.Wall, &o.Aim, &o.PlannedAt, &o.At, &o.Number, &o.State, &o.Reason, &o.Card, &o.Approved, &o.Fixed,
		&o.Settled, &o.Cursor, &o.CursorVersion, &o.Problems, &o.Version}
}

func scanOccurrence(row pgx.CollectableRow) (*moment.Occurrence, error) {
	o := &moment.Occurrence{}
	return o, row.Scan(occurrenceDest(o)...)
}

// Occurrences returns a page of a campaign's occurrences by time, with what
// their posts are up to, and whether there are more.
func (db *DB) Occurrences(ctx context.Context, q moment.OccurrenceQuery) (views []moment.OccurrenceView, more bool, err error) {
	args := []any{q.CampaignID}
	where := "o.campaign_id = $1"
	add := func(cond string, arg ...any) {
		args = append(args, arg...)
		n := make([]any, len(arg))
		for i := range arg {
			n[i] = len(args) - len(arg) + i + 1
		}
		where += " AND " + fmt.Sprintf(cond, n...)
	}
	dir, beyond := "ASC", ">"
	if q.Descending {
		dir, beyond = "DESC", "<"
	}
	if !q.From.IsZero() {
		add("o.at >= $%d", q.From)
	}
	if !q.To.IsZero() {
		add("o.at < $%d", q.To)
	}
	if q.AfterID != 0 {
		add("(o.at, o.id) "+beyond+" ($%d, $%d)", q.AfterAt, q.AfterID)
	}
	list := fmt.Sprintf(`SELECT `+occurrenceCols+` FROM occurrences o WHERE %s ORDER BY o.at %s, o.id %s LIMIT %d`, where, dir, dir, q.Limit+1)
	rows, err := db.pool.Query(ctx, list, args...)
	if err != nil {
		return nil, false, fmt.Errorf("read occurrences: %w", translate(err))
	}
	occs, err := pgx.CollectRows(rows, scanOccurrence)
	if err != nil {
		return nil, false, fmt.Errorf("read occurrences: %w", translate(err))
	}
	if more = len(occs) > q.Limit; more {
		occs = occs[:q.Limit]
	}
	views, err = db.countOccurrences(ctx, occs)
	return views, more, err
}

func (db *DB) countOccurrences(ctx context.Context, occs []*moment.Occurrence) ([]moment.OccurrenceView, error) {
	const q = `SELECT p.occurrence_id, p.state::text, count(*) FROM posts p WHERE p.occurrence_id = ANY($1::bigint[]) GROUP BY 1, 2`
	views, at, ids := make([]moment.OccurrenceView, len(occs)), map[int64]int{}, make([]int64, len(occs))
	for i, o := range occs {
		views[i] = moment.OccurrenceView{Occurrence: *o, Counts: map[moment.State]int64{}}
		at[o.ID], ids[i] = i, o.ID
	}
	rows, err := db.pool.Query(ctx, q, ids)
	if err != nil {
		return nil, fmt.Errorf("count posts of occurrences: %w", translate(err))
	}
	var id, n int64
	var state moment.State
	_, err = pgx.ForEachRow(rows, []any{&id, &state, &n}, func() error {
		views[at[id]].Counts[state.Shown()] += n
		return nil
	})
	return views, translate(err)
}

// Occurrence returns one occurrence of a campaign.
func (db *DB) Occurrence(ctx context.Context, campaign, id int64) (*moment.OccurrenceView, error) {
	rows, err := db.pool.Query(ctx, `SELECT `+occurrenceCols+` FROM occurrences o WHERE o.campaign_id = $1 AND o.id = $2`, campaign, id)
	if err != nil {
		return nil, fmt.Errorf("read occurrence: %w", translate(err))
	}
	o, err := pgx.CollectExactlyOneRow(rows, scanOccurrence)
	if err != nil {
		return nil, missing(err, "occurrence")
	}
	views, err := db.countOccurrences(ctx, []*moment.Occurrence{o})
	if err != nil {
		return nil, err
	}
	return &views[0], nil
}

// CampaignMatrix returns the posts of the occurrences for the instances that
// come first by id after the given one, and those instances.
func (db *DB) CampaignMatrix(ctx context.Context, occurrences []int64, after int64, instances int) (cells []moment.MatrixCell, who []moment.Target, more bool, err error) {
	whoQ := fmt.Sprintf(`
		SELECT i.id, i.wc_id, i.name FROM instances i
		WHERE i.id > $2 AND EXISTS (SELECT FROM posts p WHERE p.occurrence_id = ANY($1::bigint[]) AND p.instance_id = i.id)
		ORDER BY i.id LIMIT %d`, instances+1)
	rows, err := db.pool.Query(ctx, whoQ, occurrences, after)
	if err != nil {
		return nil, nil, false, translate(err)
	}
	if who, err = pgx.CollectRows(rows, pgx.RowToStructByPos[moment.Target]); err != nil {
		return nil, nil, false, translate(err)
	}
	if more = len(who) > instances; more {
		who = who[:instances]
	}
	ids := make([]int64, len(who))
	for i, t := range who {
		ids[i] = t.ID
	}
	const cellQ = `
		SELECT p.occurrence_id, p.instance_id, p.id, p.state::text, p.due_at, p.by_hand FROM posts p
		WHERE p.occurrence_id = ANY($1::bigint[]) AND p.instance_id = ANY($2::bigint[])`
	if rows, err = db.pool.Query(ctx, cellQ, occurrences, ids); err != nil {
		return nil, nil, false, translate(err)
	}
	cells, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (c moment.MatrixCell, err error) {
		return c, row.Scan(&c.OccurrenceID, &c.InstanceID, &c.PostID, &c.State, nullTime{&c.DueAt}, &c.ByHand)
	})
	return cells, who, more, translate(err)
}

// CampaignEvents returns the last lines of the campaign's audit trail, latest first.
func (db *DB) CampaignEvents(ctx context.Context, id int64, n int) ([]moment.Event, error) {
	rows, err := db.pool.Query(ctx, fmt.Sprintf(`SELECT %s FROM events WHERE campaign_id = $1 ORDER BY id DESC LIMIT %d`, auditCols, n), id)
	if err != nil {
		return nil, translate(err)
	}
	events, err := pgx.CollectRows(rows, scanAudit)
	return events, translate(err)
}

// CampaignPreview says what the schedule does from the start of that day in its
// zone, which may be past; nil means from now on.
func (db *DB) CampaignPreview(ctx context.Context, text string, day *schedule.Date, n int) (schedule.Preview, error) {
	s, err := scheduleOf(ctx, db.pool, text)
	if err != nil {
		return schedule.Preview{}, err
	}
	if day != nil {
		zone, err := time.LoadLocation(s.Spec().Zone)
		if err != nil {
			return schedule.Preview{}, err
		}
		t := day.Time()
		start := time.Date(t.Year(), t.Month(), t.Day(), 0, 0, 0, 0, zone)
		return s.Preview(start.Add(-time.Second), n), nil // midnight itself is of the day
	}
	now, err := db.Now(ctx)
	if err != nil {
		return schedule.Preview{}, err
	}
	return s.Preview(now.Truncate(time.Second), n), nil
}
