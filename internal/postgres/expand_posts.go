package postgres

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"momentcast/internal/failpoint"
	"momentcast/internal/moment"
)

const unsettledMost = 50 // occurrences of a step

// unsettled are the next occurrences whose posts don't reflect the campaign.
func (x *expansion) unsettled(ctx context.Context) (open []*moment.Occurrence, err error) {
	q := fmt.Sprintf(`
		SELECT `+occurrenceCols+` FROM occurrences o
		WHERE o.campaign_id = $1 AND o.open AND o.settled <> $2
		ORDER BY o.at, o.id LIMIT %d`, unsettledMost)
	rows, err := x.tx.Query(ctx, q, x.c.ID, x.c.SpecVersion)
	if err != nil {
		return nil, err
	}
	if open, err = pgx.CollectRows(rows, scanOccurrence); err != nil {
		return nil, err
	}
	var half []int64
	x.fresh = make(map[int64]bool, len(open))
	for _, o := range open {
		if o.CursorVersion != x.c.SpecVersion {
			o.Cursor = 0 // the campaign has changed since: what was settled is to be settled again
		}
		if x.fresh[o.ID] = o.Settled == 0; x.fresh[o.ID] && o.CursorVersion != 0 {
			half = append(half, o.ID)
		}
	}
	return open, x.halfMade(ctx, half)
}

// halfMade finds those of the occurrences that have posts beyond what the
// campaign's spec version has made of them: an earlier one had come further.
func (x *expansion) halfMade(ctx context.Context, ids []int64) error {
	if len(ids) == 0 {
		return nil
	}
	const q = `
		SELECT o.id FROM occurrences o
		WHERE o.id = ANY($1::bigint[])
		  AND EXISTS (SELECT FROM posts p WHERE p.occurrence_id = o.id AND p.instance_id > CASE WHEN o.cursor_version = $2 THEN o.cursor ELSE 0 END)`
	rows, err := x.tx.Query(ctx, q, ids, x.c.SpecVersion)
	if err != nil {
		return err
	}
	made, err := pgx.CollectRows(rows, pgx.RowTo[int64])
	for _, id := range made {
		delete(x.fresh, id)
	}
	return err
}

// part is an occurrence with those of its members that one step deals with.
type part struct {
	o       *moment.Occurrence
	members []moment.Target
	whole   bool // none are left for another step
}

// settle makes the posts of the occurrences follow the campaign, as many as one
// transaction may touch.
func (x *expansion) settle(ctx context.Context, open []*moment.Occurrence) error {
	parts, err := x.gather(ctx, open)
	if err != nil {
		return err
	}
	var instances []int64
	for _, p := range parts {
		x.made += len(p.members)
		for _, t := range p.members {
			instances = append(instances, t.ID)
		}
	}
	slices.Sort(instances)
	instances = slices.Compact(instances)
	if !x.fresh[parts[0].o.ID] {
		if err := lock(ctx, x.tx, instances...); err != nil {
			return err
		}
	}
	posts, err := x.readPosts(ctx, parts)
	if err != nil {
		return err
	}
	var changes []change
	for _, p := range parts {
		cs, problems := x.c.Settle(p.o, p.members, func(id int64) bool { return x.member[id] }, posts[p.o.ID], x.now)
		for _, ch := range cs {
			changes = append(changes, change{ch, p.o})
		}
		p.note(problems, x.c.SpecVersion)
	}
	moved, err := x.apply(ctx, changes)
	if err != nil {
		return err
	}
	failpoint.Hit("expand-posts")
	x.until = x.complete(open, parts)
	if err := x.storeParts(ctx, parts); err != nil || !moved {
		return err
	}
	return x.release(ctx, instances)
}

// release lets the engine see what was written. Most posts are due after others
// of their instances: then there is nothing to tell, and nobody to wake.
//
// New posts are written before their instances are locked, as nobody sees them
// until the commit: a claim that comes in between does without them, and what it
// leaves in ready_at is older than the lock, after which refresh reads all.
func (x *expansion) release(ctx context.Context, instances []int64) error {
	if err := lock(ctx, x.tx, instances...); err != nil {
		return err
	}
	tag, err := x.tx.Exec(ctx, refreshReady, instances)
	if err != nil || tag.RowsAffected() == 0 {
		return err
	}
	_, err = x.tx.Exec(ctx, wake)
	return err
}

// change is what happens to a post of an occurrence.
type change struct {
	moment.PostChange
	o *moment.Occurrence
}

// complete is the time of the first occurrence that the parts leave unsettled;
// zero where that was not read.
func (x *expansion) complete(open []*moment.Occurrence, parts []*part) time.Time {
	rest := open[len(parts):]
	switch last := parts[len(parts)-1]; {
	case !last.whole:
		return last.o.At
	case len(rest) > 0:
		return rest[0].At
	case len(open) < unsettledMost:
		return x.c.ExpandedUntil
	}
	return open[len(open)-1].At
}

// gather takes members of the occurrences, in the order of their ids, until a
// step is full. New posts and such as are there already are not dealt with in
// one step: only of the former there may be many. Neither are occurrences that
// are near and such as are not: the near ones of other campaigns come first.
func (x *expansion) gather(ctx context.Context, open []*moment.Occurrence) ([]*part, error) {
	var parts []*part
	left := stepPosts
	if x.fresh[open[0].ID] {
		left = x.most
	}
	kind := func(o *moment.Occurrence) [2]bool { return [2]bool{x.fresh[o.ID], o.At.Before(x.now.Add(near))} }
	first := kind(open[0])
	for _, o := range open {
		if kind(o) != first {
			break
		}
		members, err := x.members(ctx, o, left+1)
		if err != nil {
			return nil, err
		}
		p := &part{o: o, members: members, whole: len(members) <= left}
		switch {
		case p.whole:
		case len(parts) > 0:
			return parts, nil // the next step takes it whole
		default:
			p.members = members[:left]
		}
		parts = append(parts, p)
		if left -= len(p.members); left <= 0 {
			break
		}
	}
	return parts, nil
}

// members are the next instances of the occurrence: targets, and those that
// have a post from when they were.
func (x *expansion) members(ctx context.Context, o *moment.Occurrence, most int) ([]moment.Target, error) {
	var out []moment.Target
	if o.Fires() {
		from, _ := slices.BinarySearchFunc(x.targets, o.Cursor+1, func(t moment.Target, id int64) int { return cmp.Compare(t.ID, id) })
		out = append(out, x.targets[from:min(len(x.targets), from+most)]...)
	}
	if x.fresh[o.ID] {
		return out, nil // it has no posts
	}
	q := fmt.Sprintf(`
		SELECT i.id, i.wc_id, i.name FROM posts p JOIN instances i ON i.id = p.instance_id
		WHERE p.occurrence_id = $1 AND p.instance_id > $2
		ORDER BY p.instance_id LIMIT %d`, most)
	rows, err := x.tx.Query(ctx, q, o.ID, o.Cursor)
	if err != nil {
		return nil, err
	}
	have, err := pgx.CollectRows(rows, pgx.RowToStructByPos[moment.Target])
	if err != nil {
		return nil, err
	}
	out = append(out, have...)
	slices.SortStableFunc(out, func(a, b moment.Target) int { return cmp.Compare(a.ID, b.ID) })
	out = slices.CompactFunc(out, func(a, b moment.Target) bool { return a.ID == b.ID })
	return out[:min(len(out), most)], nil
}

// readPosts reads the members' posts, by occurrence. Their instances are locked,
// so that nothing else changes those that are not in flight.
func (x *expansion) readPosts(ctx context.Context, parts []*part) (map[int64][]*moment.CampaignPost, error) {
	var occurrences, instances []int64
	for _, p := range parts {
		for _, t := range p.members {
			occurrences, instances = append(occurrences, p.o.ID), append(instances, t.ID)
		}
	}
	const q = `
		SELECT p.occurrence_id, p.by_hand, p.campaign_held, ` + postCols + `
		FROM unnest($1::bigint[], $2::bigint[]) u(o, i)
		JOIN posts p ON p.occurrence_id = u.o AND p.instance_id = u.i`
	rows, err := x.tx.Query(ctx, q, occurrences, instances)
	if err != nil {
		return nil, err
	}
	out := map[int64][]*moment.CampaignPost{}
	_, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (*moment.CampaignPost, error) {
		p := &moment.CampaignPost{}
		var occurrence int64
		if err := row.Scan(append([]any{&occurrence, &p.ByHand, &p.Held}, postDest(&p.Post)...)...); err != nil {
			return nil, err
		}
		out[occurrence] = append(out[occurrence], p)
		return p, nil
	})
	return out, err
}

// note keeps what could not be made, and how far the occurrence is settled.
func (p *part) note(problems []moment.RenderProblem, spec int64) {
	const most = 20
	if p.o.Cursor == 0 {
		p.o.Problems = nil
	}
	p.o.Problems = append(p.o.Problems, problems...)
	p.o.Problems = p.o.Problems[:min(len(p.o.Problems), most)]
	if p.whole {
		p.o.Settled, p.o.Cursor = spec, 0
	} else {
		p.o.Cursor, p.o.CursorVersion = p.members[len(p.members)-1].ID, spec
	}
}

func (x *expansion) storeParts(ctx context.Context, parts []*part) error {
	const q = `
		UPDATE occurrences o SET settled = r.settled, cursor = r.cursor, cursor_version = r.cursor_version, problems = r.problems, updated_at = now()
		FROM json_to_recordset($1::json) AS r(id bigint, settled bigint, cursor bigint, cursor_version bigint, problems jsonb)
		WHERE o.id = r.id`
	// What the schedule has no more and nobody has a post of was never there.
	const forget = `
		DELETE FROM occurrences o
		WHERE o.id = ANY($1::bigint[]) AND o.reason = 'schedule_changed' AND NOT EXISTS (SELECT FROM posts p WHERE p.occurrence_id = o.id)`
	type row struct {
		ID            int64                  `json:"id"`
		Settled       int64                  `json:"settled"`
		Cursor        int64                  `json:"cursor"`
		CursorVersion int64                  `json:"cursor_version"`
		Problems      []moment.RenderProblem `json:"problems,omitempty"`
	}
	rows, gone := make([]row, len(parts)), make([]int64, 0)
	for i, p := range parts {
		rows[i] = row{p.o.ID, p.o.Settled, p.o.Cursor, p.o.CursorVersion, p.o.Problems}
		if p.whole && p.o.Reason == moment.WhyScheduleChanged {
			gone = append(gone, p.o.ID)
		}
	}
	b, err := json.Marshal(rows)
	if err != nil {
		return err
	}
	if _, err := x.tx.Exec(ctx, q, string(b)); err != nil {
		return err
	}
	if len(gone) > 0 {
		if _, err := x.tx.Exec(ctx, forget, gone); err != nil {
			return err
		}
	}
	_, err = x.tx.Exec(ctx, `UPDATE campaigns SET expand_at = now(), settled_at = NULL, complete_until = $2 WHERE id = $1`, x.c.ID, orNull(x.until))
	return err
}
