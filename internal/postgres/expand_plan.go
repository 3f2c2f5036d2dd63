package postgres

import (
	"context"
	"encoding/json"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"momentcast/internal/failpoint"
	"momentcast/internal/moment"
	"momentcast/internal/schedule"
)

// lookBack is how far before now known occurrences are compared with the
// schedule once more: zone data that changes moves them by less.
const lookBack = 26 * time.Hour

// plan compares the campaign's occurrences with its schedule and writes what
// differs.
func (x *expansion) plan(ctx context.Context) error {
	s, err := scheduleOf(ctx, x.tx, x.c.Plan.Schedule)
	if err != nil {
		return x.unreadable(ctx, err)
	}
	p := &occurrencePlan{x: x, s: s, known: map[string]*moment.Occurrence{}, seen: map[string]bool{}}
	if err := p.read(ctx); err != nil {
		return err
	}
	p.walk()
	p.number()
	p.dropRest()
	return p.write(ctx)
}

// unreadable pauses a campaign whose schedule this program cannot read (any
// more): its zone or its region's calendar is gone.
func (x *expansion) unreadable(ctx context.Context, cause error) error {
	if k := moment.KindOf(cause); k != moment.Invalid && k != moment.NotFound {
		return cause
	}
	x.c.State, x.c.Reason = moment.CampaignPaused, "Its schedule cannot be read: "+moment.MessageOf(cause)
	const q = `UPDATE campaigns SET planned_version = spec_version + 1, planned_at = now() WHERE id = $1`
	if err := storeCampaign(ctx, x.tx, x.c, true); err != nil {
		return err
	}
	if _, err := x.tx.Exec(ctx, q, x.c.ID); err != nil {
		return err
	}
	return tellCampaign(ctx, x.tx, x.c.ID, "campaign_pause", x.by, map[string]any{"reason": x.c.Reason})
}

// occurrencePlan is the comparison in the making.
type occurrencePlan struct {
	x     *expansion
	s     *schedule.Schedule
	past  []*moment.Occurrence          // the last ones that have fired, latest first
	known map[string]*moment.Occurrence // stored, by name
	seen  map[string]bool
	order []*moment.Occurrence // what the schedule has ahead, late ones first
	late  []*moment.Occurrence
	dirty map[*moment.Occurrence]bool
	until time.Time // occurrences exist up to here, then
	short bool      // more late ones are to come in another step
}

func (p *occurrencePlan) from() time.Time {
	if u := p.x.c.ExpandedUntil; !u.IsZero() && u.Before(p.x.now) {
		return u
	}
	return p.x.now
}

func (p *occurrencePlan) read(ctx context.Context) error {
	p.dirty = map[*moment.Occurrence]bool{}
	const last = `SELECT ` + occurrenceCols + ` FROM occurrences o WHERE o.campaign_id = $1 AND o.at <= $2 ORDER BY o.at DESC LIMIT 100`
	rows, err := p.x.tx.Query(ctx, last, p.x.c.ID, p.x.now)
	if err != nil {
		return err
	}
	if p.past, err = pgx.CollectRows(rows, scanOccurrence); err != nil {
		return err
	}
	// A person may have moved one far from where it was planned: open ones are read whatever their time.
	const ahead = `
		SELECT ` + occurrenceCols + ` FROM occurrences o
		WHERE o.campaign_id = $1 AND (o.at > $2 OR o.open)`
	if rows, err = p.x.tx.Query(ctx, ahead, p.x.c.ID, p.from().Add(-lookBack)); err != nil {
		return err
	}
	all, err := pgx.CollectRows(rows, scanOccurrence)
	for _, o := range all {
		p.known[o.Wall] = o
	}
	return err
}

// walk goes along the schedule, up to the horizon or as many as a campaign may
// have ahead.
func (p *occurrencePlan) walk() {
	now, from := p.x.now, p.from()
	most := min(maxOccurrences, max(1, maxAhead/max(1, len(p.x.targets))))
	p.until = now.Add(horizon)
	ahead := 0
	for o := range p.s.After(from.Add(-lookBack)) {
		if !o.At.Before(now.Add(horizon)) {
			return
		}
		was := p.known[o.Name.String()]
		switch {
		case was != nil:
			p.meet(was, o)
		case !o.At.After(from): // before anybody asked for it
			continue
		default:
			p.add(o)
		}
		if o.At.After(now) {
			ahead++
		}
		if ahead >= most || len(p.late) >= maxOccurrences {
			p.until, p.short = o.At, !o.At.After(now)
			return
		}
	}
}

// meet brings a stored occurrence up to what the schedule says.
func (p *occurrencePlan) meet(was *moment.Occurrence, o schedule.Occurrence) {
	p.seen[was.Wall] = true
	if !was.PlannedAt.After(p.x.now) {
		return // its time came by the zone data of then
	}
	is := *was
	is.PlannedAt = o.At
	switch {
	case !is.Fixed:
		is.At, is.Aim = o.At, o.Wall.String()
	case is.Reason == moment.WhyPerson:
		is.At = p.recompute(o.Name, is)
	}
	if !decided(&is) {
		is.State, is.Reason = stateOf(&is, o)
	}
	p.merged(o)
	p.keep(was, is)
}

// recompute is the instant of the wall time that a person chose, by the zone
// data of now.
func (p *occurrencePlan) recompute(name schedule.Wall, o moment.Occurrence) time.Time {
	aim, err := schedule.ParseWall(o.Aim)
	if err != nil {
		return o.At
	}
	for _, ch := range p.s.Recompute([]schedule.Planned{{Name: name, Wall: aim, At: o.At}}) {
		if !ch.Gone {
			return ch.Now
		}
	}
	return o.At
}

// keep replaces a stored occurrence, and remembers whether that changed it.
func (p *occurrencePlan) keep(was *moment.Occurrence, is moment.Occurrence) {
	if was.Aim != is.Aim || !was.PlannedAt.Equal(is.PlannedAt) || !was.At.Equal(is.At) || was.State != is.State || was.Reason != is.Reason {
		p.dirty[was] = true
	}
	*was = is
	p.order = append(p.order, was)
}

// decided reports whether a person, or the time that passed, has said what
// becomes of the occurrence.
func decided(o *moment.Occurrence) bool {
	switch o.Reason {
	case moment.WhyPerson, moment.WhyLate, moment.WhyPaused:
		return true
	}
	return false
}

func stateOf(o *moment.Occurrence, s schedule.Occurrence) (moment.OccurrenceState, string) {
	switch {
	case o.Card != nil:
		return moment.OccurrenceEdited, moment.WhyPerson
	case o.Fixed:
		return moment.OccurrenceMoved, moment.WhyPerson
	case s.Moved():
		return moment.OccurrenceMoved, string(s.Reason)
	}
	return moment.OccurrencePlanned, ""
}

// add plans an occurrence that is not stored.
func (p *occurrencePlan) add(s schedule.Occurrence) {
	o := &moment.Occurrence{CampaignID: p.x.c.ID, Wall: s.Name.String(), Aim: s.Wall.String(), PlannedAt: s.At, At: s.At, Approved: true}
	o.State, o.Reason = stateOf(o, s)
	p.known[o.Wall], p.seen[o.Wall], p.dirty[o] = o, true, true
	p.order = append(p.order, o)
	if !s.At.After(p.x.now) {
		p.late = append(p.late, o)
	}
	p.merged(s)
}

// merged records the names that an occurrence fires for.
func (p *occurrencePlan) merged(s schedule.Occurrence) {
	for _, name := range s.Merged {
		wall := name.String()
		o := p.known[wall]
		if p.seen[wall] = true; o == nil {
			o = &moment.Occurrence{CampaignID: p.x.c.ID, Wall: wall, Aim: wall, PlannedAt: s.At, At: s.At, Approved: true}
			p.known[wall] = o
		}
		if reason := "into " + s.Name.String(); o.State != moment.OccurrenceMerged || o.Reason != reason {
			o.State, o.Reason, o.Number = moment.OccurrenceMerged, reason, 0
			p.dirty[o] = true
		}
	}
}

// number counts the occurrences and lets no text come back too soon. What is
// skipped is counted too, so that a skip changes no other post.
func (p *occurrencePlan) number() {
	n := p.x.c.NumberBase
	texts := len(p.x.c.Plan.Variants) + 1
	used := map[int]time.Time{}
	count := func(o *moment.Occurrence) {
		n = max(n, o.Number)
		if turn := o.Number % texts; o.Fires() && o.Number > 0 && o.At.After(used[turn]) {
			used[turn] = o.At
		}
	}
	for _, o := range p.past {
		if !o.PlannedAt.After(p.x.now) {
			count(o)
		}
	}
	p.catchUp()
	for _, o := range p.order {
		n++
		if o.Number != n {
			o.Number, p.dirty[o] = n, true
		}
		span := p.x.c.Plan.NoRepeat.Duration()
		if last, ok := used[n%texts]; ok && o.Fires() && o.Card == nil && o.At.Sub(last) < span {
			o.State, o.Reason, p.dirty[o] = moment.OccurrenceSkipped, moment.WhyRepeat, true
		}
		count(o)
	}
}

// catchUp decides about the occurrences that nobody was there to plan.
func (p *occurrencePlan) catchUp() {
	send := 0
	switch p.x.c.Plan.Missed {
	case moment.MissedLatest:
		send = 1
	case moment.MissedAll:
		send = p.x.c.Plan.MissedCap
	}
	if p.short || p.x.c.State != moment.CampaignActive {
		send = 0
	}
	for i, o := range p.late {
		if len(p.late)-i > send {
			o.State, o.Reason = moment.OccurrenceMissed, moment.WhyLate
			continue
		}
		o.State, o.Reason, o.At, o.Fixed = moment.OccurrenceMoved, moment.WhyLate, p.x.now, true
	}
}

// dropRest takes back what the schedule has no more.
func (p *occurrencePlan) dropRest() {
	if p.short {
		return // it was not looked at yet
	}
	for _, o := range p.known {
		if p.seen[o.Wall] || !o.PlannedAt.After(p.x.now) || o.Reason == moment.WhyScheduleChanged {
			continue
		}
		o.State, o.Reason = moment.OccurrenceSkipped, moment.WhyScheduleChanged
		p.dirty[o] = true
	}
}

// storeOccurrences writes occurrences, new and changed ones. What was settled
// before has to be settled again.
const storeOccurrences = `
	INSERT INTO occurrences (campaign_id, wall, aim, planned_at, at, number, state, reason, fixed)
	SELECT $1, wall, aim, planned_at, at, number, state, reason, fixed
	FROM json_to_recordset($2::json) AS r(wall text, aim text, planned_at timestamptz, at timestamptz, number int, state text, reason text, fixed boolean)
	ON CONFLICT (campaign_id, wall) DO UPDATE SET
		aim = excluded.aim,
		planned_at = excluded.planned_at,
		at = excluded.at,
		number = excluded.number,
		state = excluded.state,
		reason = excluded.reason,
		fixed = excluded.fixed,
		open = true,
		settled = CASE WHEN occurrences.settled = 0 THEN 0 ELSE -1 END,
		cursor = 0,
		version = occurrences.version + 1,
		updated_at = now()`

type occurrenceJSON struct {
	Wall      string    `json:"wall"`
	Aim       string    `json:"aim"`
	PlannedAt time.Time `json:"planned_at"`
	At        time.Time `json:"at"`
	Number    int       `json:"number"`
	State     string    `json:"state"`
	Reason    string    `json:"reason"`
	Fixed     bool      `json:"fixed"`
}

func (p *occurrencePlan) write(ctx context.Context) error {
	rows := make([]occurrenceJSON, 0, len(p.dirty))
	for o := range p.dirty {
		rows = append(rows, occurrenceJSON{o.Wall, o.Aim, o.PlannedAt, o.At, o.Number, string(o.State), o.Reason, o.Fixed})
	}
	slices.SortFunc(rows, func(a, b occurrenceJSON) int { return a.At.Compare(b.At) })
	b, err := json.Marshal(rows)
	if err != nil {
		return err
	}
	if _, err := p.x.tx.Exec(ctx, storeOccurrences, p.x.c.ID, string(b)); err != nil {
		return err
	}
	failpoint.Hit("expand-planned")
	// Guarded by what was read, beside the lock: no two replicas ever move a campaign along by the same step.
	const advance = `
		UPDATE campaigns SET
			expanded_until = $2,
			planned_version = CASE WHEN $4 THEN planned_version ELSE spec_version END,
			planned_at = now(),
			expand_at = now(),
			complete_until = $6
		WHERE id = $1 AND spec_version = $3 AND expanded_until IS NOT DISTINCT FROM $5`
	tag, err := p.x.tx.Exec(ctx, advance, p.x.c.ID, p.until, p.x.c.SpecVersion, p.short, orNull(p.x.c.ExpandedUntil), p.complete())
	if err == nil && tag.RowsAffected() != 1 {
		err = moment.Errorf(moment.Conflict, "The campaign has moved on.")
	}
	return err
}

// complete is the time of the first occurrence whose posts are still to be made
// or changed.
func (p *occurrencePlan) complete() time.Time {
	first := p.until
	for _, o := range p.known {
		if (p.dirty[o] || o.Settled != p.x.c.SpecVersion) && o.At.Before(first) {
			first = o.At
		}
	}
	return first
}

// replanRegion makes the campaigns look at their schedules again that follow the
// region's work calendar.
func replanRegion(ctx context.Context, tx pgx.Tx, region string) error {
	const q = `
		UPDATE campaigns SET planned_at = '-infinity', expand_at = now(), complete_until = NULL
		WHERE id IN (
			SELECT id FROM campaigns
			WHERE state IN ('pending', 'active', 'paused') AND position(' region=' || $1::text || ' ' IN (plan->>'schedule') || ' ') > 0
			ORDER BY id FOR NO KEY UPDATE)` // in the order that everybody locks them in
	_, err := tx.Exec(ctx, q, region)
	return err
}
