package postgres

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"momentcast/internal/moment"
)

// ActOnCampaign moves the campaign as the action says. Its posts have followed
// when it returns, or follow within seconds where there are very many.
func (db *DB) ActOnCampaign(ctx context.Context, id, ifVersion int64, a moment.CampaignAct, by moment.Origin) error {
	err := pgx.BeginFunc(ctx, db.pool, func(tx pgx.Tx) error {
		c, now, err := lockCampaign(ctx, tx, id, ifVersion)
		if err != nil {
			return err
		}
		from := c.State
		who, err := approverOf(ctx, tx, by)
		if err != nil {
			return err
		}
		if err := c.Act(a, who, now); err != nil {
			return err
		}
		if a.Action == moment.CampaignActivate {
			if err := checkCampaign(ctx, tx, c); err != nil {
				return err
			}
		}
		if a.Action == moment.CampaignApprove {
			const q = `UPDATE occurrences SET approved = true, version = version + 1 WHERE campaign_id = $1 AND open AND NOT approved`
			if _, err := tx.Exec(ctx, q, id); err != nil {
				return err
			}
		}
		if from != moment.CampaignActive && from != moment.CampaignDraft && c.State == moment.CampaignActive {
			if err := catchUp(ctx, tx, c, a.Missed, now); err != nil {
				return err
			}
		}
		if err := storeCampaign(ctx, tx, c, true); err != nil {
			return err
		}
		detail := map[string]any{"from": from, "to": c.State}
		if a.Reason != "" {
			detail["reason"] = a.Reason
		}
		if a.Missed != "" {
			detail["missed"] = a.Missed
		}
		if a.Action == moment.CampaignApprove {
			detail["hash"] = c.ApprovedHash
		}
		return tellCampaign(ctx, tx, id, "campaign_"+string(a.Action), by, detail)
	})
	if err != nil {
		return fmt.Errorf("%s campaign: %w", a.Action, translate(err))
	}
	return db.settleNow(ctx, by, id)
}

// catchUp decides about the occurrences whose time came while the campaign held
// its posts back.
func catchUp(ctx context.Context, tx pgx.Tx, c *moment.Campaign, policy moment.MissedPolicy, now time.Time) error {
	const due = `
		SELECT o.id FROM occurrences o
		WHERE o.campaign_id = $1 AND o.open AND o.at <= $2 AND o.state IN ('planned', 'moved', 'edited')
		  AND EXISTS (SELECT FROM posts p WHERE p.occurrence_id = o.id AND p.campaign_held AND p.due_at <= $2)
		ORDER BY o.at`
	rows, err := tx.Query(ctx, due, c.ID, now)
	if err != nil {
		return err
	}
	ids, err := pgx.CollectRows(rows, pgx.RowTo[int64])
	if err != nil || len(ids) == 0 {
		return err
	}
	if policy == "" {
		policy = c.Plan.Missed
	}
	send := 0
	switch policy {
	case moment.MissedLatest:
		send = 1
	case moment.MissedAll:
		send = c.Plan.MissedCap
	}
	miss := ids[:max(0, len(ids)-send)]
	const missThem = `UPDATE occurrences SET state = 'missed', reason = 'paused', settled = -1, version = version + 1, updated_at = now() WHERE id = ANY($1::bigint[])`
	if _, err := tx.Exec(ctx, missThem, miss); err != nil {
		return err
	}
	const sendThem = `
		UPDATE occurrences SET at = $2, fixed = true, state = CASE state WHEN 'edited' THEN 'edited' ELSE 'moved' END, reason = 'paused',
			settled = -1, version = version + 1, updated_at = now()
		WHERE id = ANY($1::bigint[])`
	_, err = tx.Exec(ctx, sendThem, ids[len(miss):], now)
	return err
}

// settleTime is how long a change waits for its posts.
const settleTime = 5 * time.Second

// settleNow runs the expansion of campaigns until their posts have followed a
// change, or for so long; what is left then is for whichever replica ticks next.
func (db *DB) settleNow(ctx context.Context, by moment.Origin, ids ...int64) error {
	end := time.Now().Add(settleTime)
	for _, id := range ids {
		for more := true; more && time.Now().Before(end); {
			var err error
			if more, err = db.expandOne(ctx, id, by); err != nil {
				return err
			}
		}
	}
	return nil
}
