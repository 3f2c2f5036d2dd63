package postgres

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"

	"momentcast/internal/moment"
)

// CreateCampaign stores a new draft. The external key makes it repeatable: ""
// is none, and one that exists is a Conflict.
func (db *DB) CreateCampaign(ctx context.Context, c *moment.Campaign, externalKey string, by moment.Origin) (id int64, err error) {
	id, _, err = db.CreateCampaignOnce(ctx, c, externalKey, moment.RequestKey{}, by)
	return id, err
}

// CreateCampaignOnce is CreateCampaign for a request with a key: the same key
// again answers the campaign that it created first, and Conflict if the request
// differs or that campaign is no more. The zero key is none.
func (db *DB) CreateCampaignOnce(ctx context.Context, c *moment.Campaign, externalKey string, key moment.RequestKey,
	by moment.Origin) (id int64, replayed bool, err error) {
	err = pgx.BeginFunc(ctx, db.pool, func(tx pgx.Tx) error {
		// Before anything else: what was right then may be out of date by now.
		if id, err = claimCampaignKey(ctx, tx, key); err != nil || id != 0 {
			replayed = id != 0
			return err
		}
		id, err = addCampaign(ctx, tx, c, externalKey, key, by)
		return err
	})
	if err != nil {
		return 0, false, fmt.Errorf("create campaign: %w", translate(err))
	}
	return id, replayed, nil
}

// CloneCampaign stores a copy as a draft, once for the key.
func (db *DB) CloneCampaign(ctx context.Context, id int64, name string, key moment.RequestKey, by moment.Origin) (made int64, replayed bool, err error) {
	err = pgx.BeginFunc(ctx, db.pool, func(tx pgx.Tx) error {
		if made, err = claimCampaignKey(ctx, tx, key); err != nil || made != 0 {
			replayed = made != 0
			return err
		}
		const q = `
			SELECT c.colour, c.plan, a.archived_at IS NOT NULL
			FROM campaigns c LEFT JOIN audiences a ON a.id = c.audience_id
			WHERE c.id = $1`
		var gone bool
		c := &moment.Campaign{Name: name}
		if err := tx.QueryRow(ctx, q, id).Scan(&c.Colour, &c.Plan, &gone); err != nil {
			return missing(err, "campaign")
		}
		if gone { // who sees it is known, and where that came from is not there any more
			c.Plan.AudienceID = 0
		}
		made, err = addCampaign(ctx, tx, c, "", key, by)
		return err
	})
	if err != nil {
		return 0, false, fmt.Errorf("clone campaign: %w", translate(err))
	}
	return made, replayed, nil
}

func addCampaign(ctx context.Context, tx pgx.Tx, c *moment.Campaign, externalKey string, key moment.RequestKey, by moment.Origin) (id int64, err error) {
	if err := copyAudience(ctx, tx, &c.Plan, 0); err != nil {
		return 0, err
	}
	c.State, c.Plan, c.ExternalKey = moment.CampaignDraft, c.Plan.WithDefaults(), externalKey
	if err := checkCampaign(ctx, tx, c); err != nil {
		return 0, err
	}
	ids, err := addCampaigns(ctx, tx, []*moment.Campaign{c}, by)
	if err != nil {
		return 0, err
	}
	id = ids[0]
	if key.Key != "" {
		const q = `UPDATE idempotency_keys SET campaign_id = $3 WHERE actor = $1 AND key = $2`
		if _, err := tx.Exec(ctx, q, key.Actor, key.Key, id); err != nil {
			return 0, err
		}
	}
	return id, nil
}

// campaignJSON is a draft on its way into the database: one parameter for any
// number of them.
type campaignJSON struct {
	N           int                 `json:"n"`
	Name        string              `json:"name"`
	Colour      string              `json:"colour"`
	Plan        moment.CampaignPlan `json:"plan"`
	PlanHash    string              `json:"plan_hash"`
	ExternalKey string              `json:"external_key"`
}

// addCampaigns stores drafts that are checked, and returns their ids in order.
// They are stored in the order of their keys, so that of two who store the same
// ones neither waits for the other in turn.
func addCampaigns(ctx context.Context, tx pgx.Tx, campaigns []*moment.Campaign, by moment.Origin) ([]int64, error) {
	const q = `
		WITH new AS MATERIALIZED (
			SELECT nextval(pg_get_serial_sequence('campaigns', 'id')) AS id, r.*
			FROM (SELECT * FROM json_to_recordset($1::json) AS r(n int, name text, colour text, plan jsonb, plan_hash text, external_key text) ORDER BY n) r
		), added AS (
			INSERT INTO campaigns (id, name, colour, plan, plan_hash, author, external_key)
			OVERRIDING SYSTEM VALUE
			SELECT id, name, colour, plan, plan_hash, $2, nullif(external_key, '') FROM new ORDER BY external_key, n
			RETURNING id, name
		), told AS (
			INSERT INTO events (campaign_id, action, actor, source, detail)
			SELECT id, 'campaign_create', $2, $3, jsonb_build_object('campaign_id', id, 'name', name) FROM added ORDER BY id
		)
		SELECT id FROM new ORDER BY n`
	list := make([]campaignJSON, len(campaigns))
	for i, c := range campaigns {
		list[i] = campaignJSON{i, c.Name, c.Colour, c.Plan, c.Plan.Hash(), c.ExternalKey}
	}
	b, err := json.Marshal(list)
	if err != nil {
		return nil, err
	}
	rows, err := tx.Query(ctx, q, string(b), by.Actor, by.Source)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowTo[int64])
}

// claimCampaignKey takes the key for this request, or returns the campaign that
// an earlier request with it created; 0 = there was none.
func claimCampaignKey(ctx context.Context, tx pgx.Tx, key moment.RequestKey) (id int64, err error) {
	if key.Key == "" {
		return 0, nil
	}
	earlier, err := claimKey(ctx, tx, key)
	if err != nil || earlier == nil {
		return 0, err
	}
	const q = `SELECT k.campaign_id, c.id IS NOT NULL FROM idempotency_keys k LEFT JOIN campaigns c ON c.id = k.campaign_id WHERE k.actor = $1 AND k.key = $2`
	var there bool
	if err := tx.QueryRow(ctx, q, key.Actor, key.Key).Scan(&id, &there); err != nil {
		return 0, err
	}
	if !there {
		return 0, moment.Errorf(moment.Conflict, "This Idempotency-Key created campaign %d, which was deleted since; use a new key to create another one.", id)
	}
	return id, nil
}

// copyAudience gives the plan the visibility of the audience that it names, if
// it has none of its own. was is the one that it named before: what was copied
// from that stays. The audience stays as it is until the commit, so that who
// changes it finds the campaign.
func copyAudience(ctx context.Context, tx pgx.Tx, p *moment.CampaignPlan, was int64) error {
	if p.AudienceID == 0 || p.AudienceID == was && p.Visibility.Mode != "" {
		return nil
	}
	const q = `SELECT visibility, visible_users, visible_labels FROM audiences WHERE id = $1 AND archived_at IS NULL FOR SHARE`
	var v moment.Visibility
	err := tx.QueryRow(ctx, q, p.AudienceID).Scan(&v.Mode, &v.Users, &v.Labels)
	if errors.Is(err, pgx.ErrNoRows) {
		return moment.InvalidFields([]moment.Field{{Path: "audience_id", Message: "there is no such audience any more"}})
	}
	if err == nil && p.Visibility.Mode == "" {
		p.Visibility = v
	}
	return err
}
