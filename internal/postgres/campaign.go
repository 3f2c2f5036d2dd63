package postgres

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"momentcast/internal/moment"
	"momentcast/internal/schedule"
)

// campaignCols are a campaign's columns, in the order of campaignDest. The
// queries that use them read FROM campaigns c CROSS JOIN settings s.
const campaignCols = `c.id, c.name, c.colour, c.state, c.plan, s.require_approval, c.approved_hash, c.approved_by, c.approved_at,
	c.approved_until, coalesce(c.approved_until <= now(), false), s.approval_expires, c.rejected,
	coalesce(c.predecessor_id, 0), coalesce(c.root_id, 0), c.number_base, c.reason, c.author, coalesce(c.external_key, ''), c.editors, c.spec_version, c.expanded_until, c.settled_at,
	c.version, c.created_at, c.updated_at`

func campaignDest(c *moment.Campaign) []any {
	return []any{&c.ID, &c.Name, &c.Colour, &c.State, &c.Plan, &c.RequireApproval, &c.ApprovedHash, &c.ApprovedBy, nullTime{&c.ApprovedAt},
		nullTime{&c.ApprovedUntil}, &c.ApprovalOver, &c.ApprovalExpires, &c.Rejected,
		&c.Predecessor, &c.Root, &c.NumberBase, &c.Reason, &c.Author, &c.ExternalKey, &c.Editors, &c.SpecVersion, nullTime{&c.ExpandedUntil}, nullTime{&c.SettledAt},
		&c.Version, &c.CreatedAt, &c.UpdatedAt}
}

// checkCampaign reports everything wrong with a campaign, its schedule
// included, and brings the schedule into its canonical form.
func checkCampaign(ctx context.Context, tx pgx.Tx, c *moment.Campaign) error {
	var fields []moment.Field
	take := func(err error, prefix string) error {
		e, ok := errors.AsType[*moment.Error](err)
		if !ok {
			return err
		}
		if len(e.Fields) == 0 {
			fields = append(fields, moment.Field{Path: "schedule", Message: e.Message})
		}
		for _, f := range e.Fields {
			fields = append(fields, moment.Field{Path: prefix + f.Path, Message: f.Message})
		}
		return nil
	}
	if err := take(c.Check(), ""); err != nil {
		return err
	}
	if c.Plan.Schedule != "" {
		s, err := scheduleOf(ctx, tx, c.Plan.Schedule)
		if err != nil {
			if err := take(err, "schedule."); err != nil {
				return err
			}
		} else {
			c.Plan.Schedule = s.Spec().String()
		}
	}
	if err := moment.InvalidFields(fields); err != nil {
		return err
	}
	return knownTargets(ctx, tx, c.Plan.Instances)
}

func knownTargets(ctx context.Context, tx pgx.Tx, ids []int64) error {
	const q = `SELECT u.n - 1 FROM unnest($1::bigint[]) WITH ORDINALITY u(id, n) WHERE NOT EXISTS (SELECT FROM instances i WHERE i.id = u.id) ORDER BY u.n`
	rows, err := tx.Query(ctx, q, ids)
	if err != nil {
		return err
	}
	unknown, err := pgx.CollectRows(rows, pgx.RowTo[int64])
	var fields []moment.Field
	for _, n := range unknown {
		fields = append(fields, moment.Field{Path: fmt.Sprintf("instances[%d]", n), Message: "is not a known instance"})
	}
	return cmp.Or(err, moment.InvalidFields(fields))
}

// scheduleOf makes a stored schedule ready, with its region's work calendar.
func scheduleOf(ctx context.Context, q querier, text string) (*schedule.Schedule, error) {
	spec, err := schedule.ParseSpec(text)
	if err != nil {
		return nil, err
	}
	var cal *schedule.Calendar
	if spec.Region != "" {
		cal, err = readCalendar(ctx, q, spec.Region, "")
		switch {
		case errors.Is(err, pgx.ErrNoRows) && spec.Region == schedule.RegionCN:
			cal = schedule.Seed() // what will be stored when somebody first asks for it
		case err != nil && !errors.Is(err, pgx.ErrNoRows):
			return nil, err
		}
	}
	return schedule.New(spec, cal)
}

// lockCampaign reads the campaign for a change.
func lockCampaign(ctx context.Context, tx pgx.Tx, id, ifVersion int64) (*moment.Campaign, time.Time, error) {
	const q = `SELECT ` + campaignCols + `, now() FROM campaigns c CROSS JOIN settings s WHERE c.id = $1 FOR NO KEY UPDATE OF c`
	c := &moment.Campaign{}
	var now time.Time
	if err := tx.QueryRow(ctx, q, id).Scan(append(campaignDest(c), &now)...); err != nil {
		return nil, now, missing(err, "campaign")
	}
	if ifVersion != 0 && ifVersion != c.Version {
		return nil, now, moment.Errorf(moment.Precondition,
			"Somebody has changed the campaign meanwhile (version %d, not %d); load it again and decide.", c.Version, ifVersion)
	}
	return c, now, nil
}

// storeCampaign writes what changed about c. Where posts must follow, the spec
// version grows and the expansion looks at it at once.
func storeCampaign(ctx context.Context, tx pgx.Tx, c *moment.Campaign, follow bool) error {
	const q = `
		UPDATE campaigns SET
			name = $2, colour = $3, state = $4, plan = $5, plan_hash = $6,
			approved_hash = $7, approved_by = $8, approved_at = $9, rejected = $10, reason = $11,
			needs_approval = CASE WHEN $15 THEN $12 ELSE needs_approval END,
			expanded_until = $13,
			editors = $14,
			approved_until = $16,
			spec_version = spec_version + CASE WHEN $15 THEN 1 ELSE 0 END,
			settled_at = CASE WHEN $15 THEN NULL ELSE settled_at END,
			expand_at = CASE WHEN $4 = 'draft' THEN NULL WHEN $15 THEN now() ELSE expand_at END,
			complete_until = CASE WHEN $15 THEN NULL ELSE complete_until END,
			version = version + 1,
			updated_at = now()
		WHERE id = $1`
	_, err := tx.Exec(ctx, q, c.ID, c.Name, c.Colour, string(c.State), c.Plan, c.Plan.Hash(), c.ApprovedHash, c.ApprovedBy, orNull(c.ApprovedAt), c.Rejected,
		c.Reason, c.RequireApproval && c.State != moment.CampaignDraft, orNull(c.ExpandedUntil), c.Editors, follow && c.State != moment.CampaignDraft,
		orNull(c.ApprovedUntil))
	return err
}

// ChangeCampaign lets change alter the name, the colour and the plan, checks
// the whole and stores it. Untouched posts that have not left follow at once;
// where posts need approval and the plan changed, they wait for it again.
func (db *DB) ChangeCampaign(ctx context.Context, id, ifVersion int64, change func(*moment.Campaign) error, by moment.Origin) error {
	err := pgx.BeginFunc(ctx, db.pool, func(tx pgx.Tx) error {
		c, now, err := lockCampaign(ctx, tx, id, ifVersion)
		if err != nil {
			return err
		}
		was, err := editCampaign(ctx, tx, c, change, by, now)
		if err != nil {
			return err
		}
		follow := was.Plan.Hash() != c.Plan.Hash()
		if err := storeCampaign(ctx, tx, c, follow); err != nil {
			return err
		}
		return tellCampaign(ctx, tx, id, "campaign_edit", by, campaignChanges(was, c))
	})
	if err != nil {
		return fmt.Errorf("change campaign: %w", translate(err))
	}
	return db.settleNow(ctx, by, id)
}

// editCampaign makes the change on c and returns what it was.
func editCampaign(ctx context.Context, tx pgx.Tx, c *moment.Campaign, change func(*moment.Campaign) error, by moment.Origin, now time.Time) (*moment.Campaign, error) {
	if !slices.Contains(c.State.CampaignActions(), moment.CampaignEdit) {
		return nil, moment.Errorf(moment.Conflict, "A campaign that is %s cannot take the action %q.", c.State, moment.CampaignEdit)
	}
	was := *c
	was.Plan = was.Plan.WithDefaults()
	if err := change(c); err != nil {
		return nil, err
	}
	if err := copyAudience(ctx, tx, &c.Plan, was.Plan.AudienceID); err != nil {
		return nil, err
	}
	c.Plan = c.Plan.WithDefaults()
	c.ID, c.State, c.Version = was.ID, was.State, was.Version
	if err := checkCampaign(ctx, tx, c); err != nil {
		return nil, err
	}
	c.Edited(&was, by.Actor, now)
	return &was, nil
}

// campaignChanges lists what an edit changes: field → [old, new].
func campaignChanges(was, is *moment.Campaign) map[string]any {
	flat := func(c *moment.Campaign) (m map[string]any) {
		b, _ := json.Marshal(c.Plan) // plain values
		_ = json.Unmarshal(b, &m)
		m["name"], m["colour"], m["state"] = c.Name, c.Colour, string(c.State)
		return m
	}
	a, b, out := flat(was), flat(is), map[string]any{}
	for k := range b {
		x, _ := json.Marshal(a[k])
		y, _ := json.Marshal(b[k])
		if string(x) != string(y) {
			out[k] = []any{a[k], b[k]}
		}
	}
	return map[string]any{"changed": out}
}

// DeleteCampaign removes a draft. Its audit trail stays.
func (db *DB) DeleteCampaign(ctx context.Context, id, ifVersion int64, by moment.Origin) error {
	err := pgx.BeginFunc(ctx, db.pool, func(tx pgx.Tx) error {
		c, _, err := lockCampaign(ctx, tx, id, ifVersion)
		if err != nil {
			return err
		}
		if c.State != moment.CampaignDraft {
			return moment.Errorf(moment.Conflict, "A campaign that is %s cannot take the action %q.", c.State, moment.CampaignDelete)
		}
		if _, err := tx.Exec(ctx, `DELETE FROM campaigns WHERE id = $1`, id); err != nil {
			return err
		}
		return tellCampaign(ctx, tx, id, "campaign_delete", by, map[string]any{"name": c.Name})
	})
	return translate(err)
}

func tellCampaign(ctx context.Context, tx execer, id int64, action string, by moment.Origin, detail map[string]any) error {
	const q = `INSERT INTO events (campaign_id, action, actor, source, detail) VALUES ($1, $2, $3, $4, $5)`
	if detail == nil {
		detail = map[string]any{}
	}
	detail["campaign_id"] = id
	b, err := json.Marshal(detail)
	if err != nil {
		return fmt.Errorf("event %s: %w", action, err)
	}
	_, err = tx.Exec(ctx, q, id, action, by.Actor, by.Source, string(b))
	return err
}
