package postgres

import (
	"context"
	"encoding/json"
	"time"

	"github.com/jackc/pgx/v5"

	"momentcast/internal/moment"
)

// followCampaign makes posts what their campaign wants, and tells what it did.
// The attempt is a fence beside the lock: what was tried is not changed.
const followCampaign = `
	WITH want AS MATERIALIZED (
		SELECT * FROM json_to_recordset($1::json) AS r(id bigint, action text, attempt int, state text, due_at timestamptz, max_lateness float8,
			content text, title text, description text, url text, thumb_url text, visibility text, users text[], labels text[],
			first_comment text, campaign_held boolean, approved_hash text, approved_until timestamptz, detail jsonb)
	), was AS MATERIALIZED (
		SELECT p.id, p.state FROM posts p JOIN want r ON r.id = p.id WHERE p.state::text IN ('scheduled', 'pending') FOR UPDATE OF p
	), done AS (
		UPDATE posts p SET
			state = r.state::post_state,
			due_at = r.due_at,
			max_lateness = make_interval(secs => r.max_lateness),
			miss_at = CASE WHEN r.max_lateness > 0 THEN r.due_at + make_interval(secs => r.max_lateness) END,
			content = r.content, title = r.title, description = r.description, url = r.url, thumb_url = r.thumb_url,
			visibility = r.visibility, visible_users = r.users, visible_labels = r.labels,
			first_comment = r.first_comment,
			campaign_held = r.campaign_held,
			approved_hash = r.approved_hash,
			approved_until = r.approved_until,
			version = p.version + 1,
			updated_at = now()
		FROM want r JOIN was ON was.id = r.id
		WHERE p.id = r.id AND p.attempt = r.attempt
		RETURNING p.id, p.instance_id, was.state AS from_state, p.state, p.first_comment, r.action, r.detail
	), commented AS (
		INSERT INTO first_comments (post_id, state) SELECT id, 'waiting' FROM done WHERE first_comment <> '' ON CONFLICT DO NOTHING
	), silent AS (
		DELETE FROM first_comments f USING done WHERE f.post_id = done.id AND done.first_comment = '' AND f.state = 'waiting'
	)
	INSERT INTO events (post_id, instance_id, action, from_state, to_state, actor, source, detail)
	SELECT id, instance_id, action, from_state::text, state::text, $2, $3, detail FROM done`

// dropPlanned removes posts that nobody touched and nobody tried to send.
const dropPlanned = `
	WITH gone AS (
		DELETE FROM posts p USING unnest($1::bigint[]) u(id)
		WHERE p.id = u.id AND p.state::text IN ('scheduled', 'pending') AND p.attempt = 0 AND NOT p.by_hand
		RETURNING p.id, p.instance_id, p.state, p.title, p.due_at, p.occurrence_id
	)
	INSERT INTO events (post_id, instance_id, action, from_state, actor, source, detail)
	SELECT id, instance_id, 'remove', state::text, $2, $3, jsonb_build_object('title', title, 'due_at', due_at, 'occurrence_id', occurrence_id) FROM gone`

// cancelPlanned cancels what has not left.
const cancelPlanned = `
	WITH gone AS (
		UPDATE posts p SET state = 'cancelled', campaign_held = false, version = p.version + 1, updated_at = now()
		FROM unnest($1::bigint[]) u(id)
		WHERE p.id = u.id AND p.state::text IN ('scheduled', 'pending')
		RETURNING p.id, p.instance_id, p.occurrence_id
	)
	INSERT INTO events (post_id, instance_id, action, to_state, actor, source, detail)
	SELECT id, instance_id, 'cancel', 'cancelled', $2, $3, jsonb_build_object('reason', $4::text, 'occurrence_id', occurrence_id) FROM gone`

type followJSON struct {
	postJSON
	ID      int64          `json:"id"`
	Action  string         `json:"action"`
	Attempt int            `json:"attempt"`
	Detail  map[string]any `json:"detail"`
}

// apply writes the changes; moved = some post is not as it was.
func (x *expansion) apply(ctx context.Context, changes []change) (moved bool, err error) {
	var create []postJSON
	var follow []followJSON
	var drop, cancel []int64
	for _, ch := range changes {
		switch ch.What {
		case moment.SettleCreate:
			create = append(create, x.toCreate(len(create), ch))
		case moment.SettleRewrite, moment.SettleHold, moment.SettleRelease, moment.SettleRenew:
			follow = append(follow, x.toFollow(ch))
		case moment.SettleRemove:
			drop = append(drop, ch.Was.ID)
		case moment.SettleCancel:
			cancel = append(cancel, ch.Was.ID)
		case moment.SettleKeep, moment.SettleLeft, moment.SettleSame:
		}
	}
	if len(create) > 0 {
		if err := x.exec(ctx, insertPosts, create); err != nil {
			return false, err
		}
	}
	if len(follow) > 0 {
		if err := x.exec(ctx, followCampaign, follow, x.by.Actor, x.by.Source); err != nil {
			return false, err
		}
	}
	if len(drop) > 0 {
		if _, err := x.tx.Exec(ctx, dropPlanned, drop, x.by.Actor, x.by.Source); err != nil {
			return false, err
		}
	}
	if len(cancel) > 0 {
		reason := x.c.Reason
		if x.c.State != moment.CampaignStopped {
			reason = "its time passed while the campaign did not send"
		}
		if _, err := x.tx.Exec(ctx, cancelPlanned, cancel, x.by.Actor, x.by.Source, reason); err != nil {
			return false, err
		}
	}
	return len(create)+len(follow)+len(drop)+len(cancel) > 0, nil
}

// exec runs a statement whose first parameter is rows as JSON.
func (x *expansion) exec(ctx context.Context, q string, rows any, args ...any) error {
	b, err := json.Marshal(rows)
	if err != nil {
		return err
	}
	res, err := x.tx.Query(ctx, q, append([]any{string(b)}, args...)...)
	if err != nil {
		return err
	}
	_, err = pgx.CollectRows(res, func(pgx.CollectableRow) (struct{}, error) { return struct{}{}, nil })
	return err
}

func (x *expansion) toCreate(n int, ch change) postJSON {
	j := toJSON(n, ch.Post)
	j.OccurrenceID, j.CampaignHeld = &ch.o.ID, ch.Held
	j.ApprovedHash, j.ApprovedUntil = x.approval(ch.Post, ch.Post.State)
	return j
}

// approval is what releases a post where posts need approval: its campaign is
// approved, and so is all that it says, until that approval ends.
func (x *expansion) approval(p *moment.Post, s moment.State) (hash *string, until *time.Time) {
	if s != moment.Scheduled || !x.c.RequireApproval {
		return nil, nil
	}
	sum := p.ContentHash()
	return &sum, orNull(x.c.ApprovedUntil)
}

func (x *expansion) toFollow(ch change) followJSON {
	f := followJSON{postJSON: toJSON(0, ch.Post), ID: ch.Was.ID, Action: string(ch.What), Attempt: ch.Was.Attempt,
		Detail: map[string]any{"campaign_id": x.c.ID, "occurrence": ch.o.Wall}}
	f.State, f.CampaignHeld = moment.Scheduled, ch.Held
	switch {
	case ch.Held, ch.What == moment.SettleRewrite && ch.Post.State == moment.Pending:
		f.State = moment.Pending
	case ch.What == moment.SettleRewrite:
		f.State = ch.Post.State
	}
	f.ApprovedHash, f.ApprovedUntil = x.approval(ch.Post, f.State)
	if ch.What == moment.SettleRewrite {
		f.Action = string(moment.ActEdit)
		f.Detail["changed"] = postChanges(&ch.Was.Post, ch.Post)
	}
	return f
}
