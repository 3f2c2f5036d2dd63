package postgres

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"momentcast/internal/moment"
	"momentcast/internal/schedule"
)

// ChangeOccurrence skips, revives, moves or edits one occurrence. Its posts
// follow, but those that have left or were edited by hand.
func (db *DB) ChangeOccurrence(ctx context.Context, campaign, id, ifVersion int64, a moment.OccurrenceAct, by moment.Origin) error {
	err := pgx.BeginFunc(ctx, db.pool, func(tx pgx.Tx) error {
		c, now, err := lockCampaign(ctx, tx, campaign, 0)
		if err != nil {
			return err
		}
		if !c.State.Planned() {
			return moment.Errorf(moment.Conflict, "A campaign that is %s cannot take the action %q.", c.State, "occurrence")
		}
		o, err := lockOccurrence(ctx, tx, campaign, id)
		if err != nil {
			return err
		}
		if ifVersion != 0 && ifVersion != o.Version {
			return moment.Errorf(moment.Precondition,
				"Somebody has changed the occurrence meanwhile (version %d, not %d); load it again and decide.", o.Version, ifVersion)
		}
		what, err := changeOccurrence(c, o, a, now)
		if err != nil {
			return err
		}
		if err := storeOccurrence(ctx, tx, o, what == "follow"); err != nil {
			return err
		}
		if a.Card != nil { // who approves the campaign approves it
			c.EditedBy(by.Actor)
			if _, err := tx.Exec(ctx, `UPDATE campaigns SET editors = $2 WHERE id = $1`, campaign, c.Editors); err != nil {
				return err
			}
		}
		return tellCampaign(ctx, tx, campaign, "occurrence_"+what, by, map[string]any{
			"occurrence": o.Wall, "at": o.At, "reason": a.Reason, "card": a.Card})
	})
	if err != nil {
		return fmt.Errorf("change occurrence: %w", translate(err))
	}
	return db.settleNow(ctx, by, campaign)
}

func lockOccurrence(ctx context.Context, tx pgx.Tx, campaign, id int64) (*moment.Occurrence, error) {
	rows, err := tx.Query(ctx, `SELECT `+occurrenceCols+` FROM occurrences o WHERE o.campaign_id = $1 AND o.id = $2 FOR NO KEY UPDATE`, campaign, id)
	if err != nil {
		return nil, err
	}
	o, err := pgx.CollectExactlyOneRow(rows, scanOccurrence)
	return o, missing(err, "occurrence")
}

func changeOccurrence(c *moment.Campaign, o *moment.Occurrence, a moment.OccurrenceAct, now time.Time) (what string, err error) {
	if !o.At.After(now) && !a.Skip {
		return "", moment.Errorf(moment.Conflict, "The occurrence has fired; its posts can be changed one by one.")
	}
	if o.State == moment.OccurrenceMerged || o.State == moment.OccurrenceMissed {
		return "", moment.Errorf(moment.Conflict, "The occurrence does not fire: it is %s.", o.State)
	}
	switch {
	case a.Skip:
		o.State, o.Reason = moment.OccurrenceSkipped, moment.WhyPerson
		return "skip", nil
	case a.Revive:
		o.State, o.Reason = moment.OccurrencePlanned, ""
		if o.Card != nil {
			o.State, o.Reason = moment.OccurrenceEdited, moment.WhyPerson
		} else if o.Fixed {
			o.State, o.Reason = moment.OccurrenceMoved, moment.WhyPerson
		}
		return "revive", nil
	case a.Move != "":
		return "move", moveOccurrence(c, o, a.Move, now)
	case a.Card != nil:
		if err := moment.CheckCard(*a.Card); err != nil {
			return "", err
		}
		o.Card, o.Approved = a.Card, !c.RequireApproval
		o.State, o.Reason = moment.OccurrenceEdited, moment.WhyPerson
		return "edit", nil
	case a.Follow:
		o.Card, o.Approved, o.Fixed = nil, true, false
		o.State, o.Reason = moment.OccurrencePlanned, ""
		return "follow", nil
	}
	return "", moment.Errorf(moment.Invalid, "Say what to do with the occurrence.")
}

// moveOccurrence gives the occurrence another wall time in the campaign's zone.
func moveOccurrence(c *moment.Campaign, o *moment.Occurrence, to string, now time.Time) error {
	wrong := func(message string) error {
		return moment.InvalidFields([]moment.Field{{Path: "at", Message: message}})
	}
	w, err := schedule.ParseWall(to)
	if err != nil {
		return wrong(err.Error())
	}
	spec, err := schedule.ParseSpec(c.Plan.Schedule)
	if err != nil {
		return err
	}
	once, err := schedule.New(schedule.Spec{Kind: schedule.KindOnce, Times: []schedule.Wall{w}, Zone: spec.Zone}, nil)
	if err != nil {
		return err
	}
	at, ok := once.Next(now)
	if !ok {
		return wrong("must lie in the future")
	}
	if at.At.After(now.Add(moment.FutureLimit)) {
		return wrong("lies more than five years ahead")
	}
	o.At, o.Aim, o.Fixed = at.At, w.String(), true
	if o.Card == nil {
		o.State = moment.OccurrenceMoved
	}
	o.Reason = moment.WhyPerson
	return nil
}

// storeOccurrence writes the change and makes the expansion look at it; replan
// = its time is the schedule's again.
func storeOccurrence(ctx context.Context, tx pgx.Tx, o *moment.Occurrence, replan bool) error {
	const q = `
		UPDATE occurrences SET aim = $2, at = $3, state = $4, reason = $5, card = $6, approved = $7, fixed = $8,
			settled = CASE WHEN settled = 0 AND cursor = 0 THEN 0 ELSE -1 END, cursor = 0, open = true, version = version + 1, updated_at = now()
		WHERE id = $1`
	if _, err := tx.Exec(ctx, q, o.ID, o.Aim, o.At, string(o.State), o.Reason, o.Card, o.Approved, o.Fixed); err != nil {
		return err
	}
	const look = `UPDATE campaigns SET expand_at = now(), settled_at = NULL, complete_until = NULL,
		planned_at = CASE WHEN $2 THEN '-infinity' ELSE planned_at END WHERE id = $1`
	_, err := tx.Exec(ctx, look, o.CampaignID, replan)
	return err
}
