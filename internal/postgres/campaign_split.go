package postgres

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"momentcast/internal/moment"
	"momentcast/internal/schedule"
)

// SplitCampaign makes the change from one occurrence on: the campaign ends
// before it, and a new one continues with the occurrences from there, hand-made
// changes included. It returns the new campaign's id.
func (db *DB) SplitCampaign(ctx context.Context, id, ifVersion, occurrence int64, change func(*moment.Campaign) error, by moment.Origin) (next int64, err error) {
	err = pgx.BeginFunc(ctx, db.pool, func(tx pgx.Tx) error {
		next, err = split(ctx, tx, id, ifVersion, occurrence, change, by)
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("split campaign: %w", translate(err))
	}
	return next, db.settleNow(ctx, by, id, next)
}

func split(ctx context.Context, tx pgx.Tx, id, ifVersion, occurrence int64, change func(*moment.Campaign) error, by moment.Origin) (int64, error) {
	c, now, err := lockCampaign(ctx, tx, id, ifVersion)
	if err != nil {
		return 0, err
	}
	if !c.State.Planned() {
		return 0, moment.Errorf(moment.Conflict, "A campaign that is %s cannot take the action %q.", c.State, moment.CampaignEdit)
	}
	o, err := lockOccurrence(ctx, tx, id, occurrence)
	if err != nil {
		return 0, err
	}
	if !o.PlannedAt.After(now) {
		return 0, moment.Errorf(moment.Conflict, "The occurrence has fired; choose one that is still to come.")
	}
	approved := c.Approved()
	following := *c
	if _, err := editCampaign(ctx, tx, &following, change, by, now); err != nil {
		return 0, err
	}
	if err := cutSchedules(c, &following, o); err != nil {
		return 0, err
	}
	if err := checkCampaign(ctx, tx, &following); err != nil {
		return 0, err
	}
	if approved { // to end earlier sends nothing that nobody has read
		c.ApprovedHash = c.Plan.Hash()
	}
	if err := storeCampaign(ctx, tx, c, true); err != nil {
		return 0, err
	}
	next, err := continueCampaign(ctx, tx, c, &following, o)
	if err != nil {
		return 0, err
	}
	detail := map[string]any{"from": o.Wall, "continued_by": next}
	return next, errors.Join(tellCampaign(ctx, tx, id, "campaign_split", by, detail),
		tellCampaign(ctx, tx, next, "campaign_create", by, map[string]any{"continues": id, "from": o.Wall, "name": following.Name}))
}

// cutSchedules ends the one schedule before the occurrence and begins the other
// with it.
func cutSchedules(c, following *moment.Campaign, o *moment.Occurrence) error {
	name, err := schedule.ParseWall(o.Wall)
	if err != nil {
		return err
	}
	was, err := schedule.ParseSpec(c.Plan.Schedule)
	if err != nil {
		return err
	}
	is, err := schedule.ParseSpec(following.Plan.Schedule)
	if err != nil {
		return err
	}
	first := moment.Errorf(moment.Conflict, "Nothing comes before this occurrence; edit the whole campaign instead.")
	if was.Kind == schedule.KindCron {
		was.End = schedule.WallOf(name.Time().Add(-time.Minute))
		if !was.Start.IsZero() && was.End.Compare(was.Start) < 0 {
			return first
		}
	} else {
		was.Times = slices.DeleteFunc(was.Times, func(w schedule.Wall) bool { return w.Compare(name) >= 0 })
		if len(was.Times) == 0 {
			return first
		}
	}
	switch {
	case is.Kind != schedule.KindCron:
		is.Times = slices.DeleteFunc(is.Times, func(w schedule.Wall) bool { return w.Compare(name) < 0 })
	case is.Start.Compare(name) < 0:
		is.Start = schedule.WallOf(name.Time())
		if is.Count > 0 {
			is.Count = max(1, is.Count-(o.Number-1-c.NumberBase))
		}
	}
	c.Plan.Schedule, following.Plan.Schedule = was.String(), is.String()
	return nil
}

// continueCampaign stores the new campaign and gives it the occurrences.
func continueCampaign(ctx context.Context, tx pgx.Tx, c, following *moment.Campaign, o *moment.Occurrence) (id int64, err error) {
	state := c.State
	if state == moment.CampaignActive || state == moment.CampaignPending {
		state = moment.CampaignActive
		if following.RequireApproval && !following.Approved() {
			state = moment.CampaignPending
		}
	}
	const add = `
		INSERT INTO campaigns (name, colour, state, plan, plan_hash, approved_hash, approved_by, approved_at, approved_until, needs_approval,
			predecessor_id, root_id, number_base, reason, author, editors, expanded_until, expand_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $17, $9, $10, coalesce(nullif($11::bigint, 0), $10), $12, $13, $14, $15, $16, now()) RETURNING id`
	err = tx.QueryRow(ctx, add, following.Name, following.Colour, string(state), following.Plan, following.Plan.Hash(),
		following.ApprovedHash, following.ApprovedBy, orNull(following.ApprovedAt), c.RequireApproval,
		c.ID, c.Root, o.Number-1, c.Reason, c.Author, following.Editors, orNull(c.ExpandedUntil), orNull(following.ApprovedUntil)).Scan(&id)
	if err != nil {
		return 0, err
	}
	const hand = `
		UPDATE occurrences SET campaign_id = $2, settled = CASE WHEN settled = 0 AND cursor = 0 THEN 0 ELSE -1 END, cursor = 0, version = version + 1, updated_at = now()
		WHERE campaign_id = $1 AND planned_at >= $3`
	_, err = tx.Exec(ctx, hand, c.ID, id, o.PlannedAt)
	return id, err
}
