package postgres

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"momentcast/internal/moment"
)

// viewCols are what a list shows beside the post: the instance, what holds the
// post, its first comment. The queries that use them end in viewFrom.
const viewCols = postCols + `, i.wc_id, i.name, i.time_zone, i.ready_at, coalesce(i.hold_reason, ''), head.due_at, head.id <> p.id,
	coalesce(f.state, ''), coalesce(f.error, ''), s.paused, g.down_since IS NOT NULL, now(),
	coalesce(ca.id, 0), coalesce(ca.name, ''), coalesce(ca.colour, ''), coalesce(ca.state, ''), coalesce(p.occurrence_id, 0),
	p.campaign_held, coalesce(ca.own_text, false), p.by_hand OR coalesce(ca.lapsed, false)`

const viewFrom = `
	JOIN instances i ON i.id = p.instance_id
	CROSS JOIN settings s
	CROSS JOIN gateway_status g
	LEFT JOIN first_comments f ON f.post_id = p.id
	LEFT JOIN LATERAL (
		SELECT h.due_at, h.id FROM posts h
		WHERE h.instance_id = p.instance_id AND h.state = 'scheduled' AND p.state = 'scheduled'
		ORDER BY h.due_at, h.id
		LIMIT 1
	) head ON true
	LEFT JOIN LATERAL (
		SELECT c.id, c.name, c.colour, c.state, oc.card IS NOT NULL AND NOT oc.approved AS own_text, oc.state = 'missed' AS lapsed
		FROM occurrences oc JOIN campaigns c ON c.id = oc.campaign_id
		WHERE oc.id = p.occurrence_id
		LIMIT 1
	) ca ON true`

func scanView(row pgx.CollectableRow) (v moment.PostView, err error) {
	var (
		i    moment.Instance
		head time.Time
		late *bool // another post of the instance goes first
		s    moment.Situation
	)
	err = row.Scan(append(postDest(&v.Post), &v.WcID, &v.InstanceName, &v.TimeZone, nullTime{&i.ReadyAt}, &i.Hold, nullTime{&head}, &late,
		&v.CommentState, &v.CommentError, &s.Paused, &s.GatewayDown, &s.Now,
		&v.CampaignID, &v.CampaignName, &v.Colour, &v.CampaignState, &v.OccurrenceID, &v.CampaignHeld, &v.OwnText, &v.Alone)...)
	if err != nil {
		return v, err
	}
	if late != nil && *late && head.Equal(v.DueAt) {
		head = head.Add(-1) // due at the same time, but it was created earlier
	}
	if h, held := moment.HoldOf(&v.Post, &v.Membership, &i, head, s); held {
		v.Hold = &h
	}
	return v, nil
}

// Posts returns one page of the posts that q selects, at most q.Limit, and
// whether more follow.
func (db *DB) Posts(ctx context.Context, q moment.PostQuery) (views []moment.PostView, more bool, err error) {
	l := postList{q}
	err = db.byIndex(ctx, func(tx pgx.Tx) error {
		views, more, err = l.read(ctx, tx)
		return err
	})
	if err != nil {
		return nil, false, fmt.Errorf("list posts: %w", translate(err))
	}
	return views, more, nil
}

// read returns the page, and whether there is another.
func (l postList) read(ctx context.Context, tx pgx.Tx) (views []moment.PostView, more bool, err error) {
	for _, undated := range l.phases() {
		page, err := l.page(ctx, tx, undated, l.Limit+1-len(views))
		if err != nil {
			return nil, false, err
		}
		if views = append(views, page...); len(views) > l.Limit {
			return views[:l.Limit], true, nil
		}
	}
	return views, false, nil
}

// holdToIndexes makes the planner follow the order of an index to the rows of a
// page, until the transaction ends. It keeps no statistics of states, takes each
// for rare, and would rather read and sort the whole table.
const holdToIndexes = `SELECT set_config('enable_seqscan', 'off', true), set_config('enable_bitmapscan', 'off', true)`

// byIndex runs queries that read a small part of what may be large tables, all
// as of one instant.
func (db *DB) byIndex(ctx context.Context, do func(pgx.Tx) error) error {
	snapshot := pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly}
	return pgx.BeginTxFunc(ctx, db.pool, snapshot, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, holdToIndexes); err != nil {
			return err
		}
		return do(tx)
	})
}

// postList reads a list in two phases, each in the order of an index: the posts
// that have a time, by (due_at, id), and those that have none yet, by id.
type postList struct {
	moment.PostQuery
}

// phases says which phases are to be read (true = posts without a time), in
// their order: the undated ones are always at the far end of time.
func (l *postList) phases() []bool {
	order := []bool{true, false}
	if l.Ascending {
		order = []bool{false, true}
	}
	if l.After != nil && l.After.DueAt.IsZero() == order[1] {
		order = order[1:]
	}
	return slices.DeleteFunc(order, func(undated bool) bool { return undated && !l.mayBeUndated() })
}

// mayBeUndated: only drafts, and what became of them, may lack a time.
func (l *postList) mayBeUndated() bool {
	if !l.DueFrom.IsZero() || !l.DueTo.IsZero() {
		return false
	}
	return len(l.States) == 0 || slices.Contains(l.States, moment.Draft) || slices.Contains(l.States, moment.Cancelled)
}

// page reads one phase of the page.
func (l *postList) page(ctx context.Context, tx pgx.Tx, undated bool, limit int) ([]moment.PostView, error) {
	query, args := l.sql(undated, limit)
	if !undated && l.searched() {
		found, err := l.find(ctx, tx, limit)
		if err != nil || len(found) == 0 {
			return nil, err
		}
		query, args = l.show(found)
	}
	rows, err := tx.Query(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, scanView)
}

// sql is the query for one phase of the page.
func (l *postList) sql(undated bool, limit int) (q string, args []any) {
	s := l.selection(limit)
	l.filter(s)
	l.search(s)
	l.seek(s, undated)
	order := l.order("pick")
	// Ordered by what was picked: by the posts' own columns it would be walked through the posts' index to the place.
	q = `WITH pick AS MATERIALIZED (
			SELECT * FROM (` + s.pick(l.States, undated, l.InstanceID != 0) + `) pick ORDER BY ` + order + ` LIMIT ` + fmt.Sprint(limit) + `)
		SELECT ` + viewCols + ` FROM pick JOIN posts p ON p.id = pick.id` + viewFrom + `
		ORDER BY ` + order
	return q, s.args
}

// show is the query for posts that were found.
func (l *postList) show(found []moment.PostCursor) (q string, args []any) {
	ids := make([]int64, len(found))
	for i, f := range found {
		ids[i] = f.ID
	}
	q = `WITH pick AS MATERIALIZED (SELECT * FROM unnest($1::bigint[]) WITH ORDINALITY AS pick (id, n))
		SELECT ` + viewCols + ` FROM pick JOIN posts p ON p.id = pick.id` + viewFrom + `
		ORDER BY pick.n`
	return q, []any{ids}
}

func (l *postList) order(of string) string {
	dir := "DESC"
	if l.Ascending {
		dir = "ASC"
	}
	return fmt.Sprintf("%[2]s.due_at %[1]s, %[2]s.id %[1]s", dir, of)
}

func (l *postList) selection(limit int) *selection {
	return &selection{cols: "p.id, p.due_at", limit: limit, order: l.order("p")}
}

// filter adds what the caller asked for, but for what is searched.
func (l *postList) filter(s *selection) {
	if l.InstanceID != 0 {
		s.where("p.instance_id = $%d", l.InstanceID)
	}
	s.ofCampaign(l.CampaignID)
	if l.Ruling {
		s.conds = append(s.conds, "NOT p.campaign_held")
	}
	// Only what is unknown can have been closed; asked of other states, it would be read from each post.
	if l.Left != nil && (*l.Left || len(l.States) == 0 || slices.Contains(l.States, moment.Unknown)) {
		s.where("(p.left_at IS NOT NULL) = $%d", *l.Left)
	}
	if l.ExternalKey != "" {
		s.where("p.external_key = $%d", l.ExternalKey)
	}
	if !l.DueFrom.IsZero() {
		s.where("p.due_at >= $%d", l.DueFrom)
	}
	if !l.DueTo.IsZero() {
		s.where("p.due_at < $%d", l.DueTo)
	}
}

// seek goes to where the page before ended.
func (l *postList) seek(s *selection, undated bool) {
	if undated {
		s.conds = append(s.conds, "p.due_at IS NULL")
	}
	if l.After == nil || l.After.DueAt.IsZero() != undated {
		if !undated {
			s.conds = append(s.conds, "p.due_at IS NOT NULL")
		}
		return
	}
	beyond := "<"
	if l.Ascending {
		beyond = ">"
	}
	if undated {
		s.where("p.id "+beyond+" $%d", l.After.ID)
		return
	}
	s.args = append(s.args, l.After.DueAt, l.After.ID)
	s.conds = append(s.conds, fmt.Sprintf("(p.due_at, p.id) %s ($%d, $%d)", beyond, len(s.args)-1, len(s.args)))
}

// ofCampaign selects a campaign's posts. They are read by their occurrences,
// all of them: the fence keeps the planner from looking for them in the history
// in its order of time, where other posts lie between them by the million.
func (s *selection) ofCampaign(id int64) {
	if id == 0 {
		return
	}
	s.args = append(s.args, id)
	s.from = fmt.Sprintf(`(SELECT q.* FROM occurrences oc CROSS JOIN LATERAL (SELECT * FROM posts q WHERE q.occurrence_id = oc.id OFFSET 0) q
		WHERE oc.campaign_id = $%d)`, len(s.args))
}

// selection is a query in the making. Conditions are ours; what a caller sent
// is in args.
type selection struct {
	cols  string
	from  string // "" = posts
	conds []string
	args  []any
	order string
	limit int
}

func (s *selection) where(format string, arg any) {
	s.args = append(s.args, arg)
	s.conds = append(s.conds, fmt.Sprintf(format, len(s.args)))
}

// pick selects the ids of the page. Where states are asked for, each is read by
// itself in the order of an index that holds little else, and the heads are
// merged: one scan for all of them would wade through the whole history for the
// few posts that are not sent.
func (s *selection) pick(states []moment.State, undated, oneInstance bool) string {
	var branches []string
	switch {
	case s.from != "" && len(states) == 0: // there is no order of an index to keep to
		return s.branch("")
	case s.from != "" || undated && len(states) > 0:
		return s.branch("p.state::text IN ('" + join(states, "', '") + "')")
	case undated || len(states) == 0 && !oneInstance:
		return s.branch("")
	case len(states) == 0:
		branches, states = []string{s.branch(settled)}, []moment.State{moment.Scheduled, moment.Claimed, moment.Sending}
	}
	for _, state := range states {
		is := "p.state = '" + string(state) + "'"
		switch {
		case state == moment.Scheduled && !oneInstance:
			// Overdue ones sit among the history of their time: they are looked up by instance.
			// For the others the state is spelled as text, or they would be read from the index by instance, all of them.
			branches = append(branches, s.branch("p.state::text = 'scheduled' AND p.due_at > now()"),
				s.lateral(is+" AND p.instance_id = i.id AND p.due_at <= now()"))
		case state.InFlight():
			branches = append(branches, s.branch(is+" AND p.lease_until IS NOT NULL"))
		case state == moment.Sent:
			// What was sent has had its time; without this the queue would be walked through first. Most of history was
			// sent: spelled as text, or an index that is in another order would be read whole.
			if !oneInstance {
				is = "p.state::text = 'sent'"
			}
			branches = append(branches, s.branch(is+" AND p.due_at < now() + interval '1 hour'"))
		default:
			branches = append(branches, s.branch(is))
		}
	}
	return strings.Join(branches, " UNION ALL ")
}

// settled is the condition of the index that has an instance's history.
const settled = "p.state IN ('draft', 'pending', 'sent', 'failed', 'unknown', 'missed', 'cancelled')"

// all is the whole condition.
func (s *selection) all() string {
	if len(s.conds) == 0 {
		return "true"
	}
	return strings.Join(s.conds, " AND ")
}

func (s *selection) branch(cond string) string {
	where := s.all()
	if cond != "" {
		where = cond + " AND " + where
	}
	from := "posts"
	if s.from != "" {
		from = s.from
	}
	return fmt.Sprintf("(SELECT %s FROM %s p WHERE %s ORDER BY %s LIMIT %d)", s.cols, from, where, s.order, s.limit)
}

func (s *selection) lateral(cond string) string {
	return fmt.Sprintf("(SELECT p.* FROM instances i CROSS JOIN LATERAL %s p ORDER BY %s LIMIT %d)",
		s.branch(cond), s.order, s.limit)
}

func join(states []moment.State, sep string) string {
	out := make([]string, len(states))
	for i, s := range states {
		out[i] = string(s)
	}
	return strings.Join(out, sep)
}
