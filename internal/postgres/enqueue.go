package postgres

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"momentcast/internal/moment"
)

// postJSON is a post on its way into the database: one parameter for any
// number of posts.
type postJSON struct {
	N             int          `json:"n"`
	InstanceID    int64        `json:"instance_id"`
	State         moment.State `json:"state"`
	DueAt         *time.Time   `json:"due_at"`
	MaxLateness   float64      `json:"max_lateness"` // seconds
	Content       string       `json:"content"`
	Title         string       `json:"title"`
	Description   string       `json:"description"`
	URL           string       `json:"url"`
	ThumbURL      string       `json:"thumb_url"`
	Visibility    string       `json:"visibility"`
	Users         []string     `json:"users"`
	Labels        []string     `json:"labels"`
	AudienceID    *int64       `json:"audience_id"`
	FirstComment  string       `json:"first_comment"`
	ExternalKey   *string      `json:"external_key"`
	Author        string       `json:"author"`
	Source        string       `json:"source"`
	OccurrenceID  *int64       `json:"occurrence_id"` // of a campaign, which knows by itself whether it is approved
	CampaignHeld  bool         `json:"campaign_held"`
	ApprovedHash  *string      `json:"approved_hash"`  // of a post of an approved campaign
	ApprovedUntil *time.Time   `json:"approved_until"` // and when that ends
}

// insertPosts answers the new ids in the order of the posts. A "submitted"
// post becomes scheduled, or pending where posts need approval.
const insertPosts = `
	WITH new AS MATERIALIZED (
		SELECT nextval(pg_get_serial_sequence('posts', 'id')) AS id, r.*
		FROM (SELECT * FROM json_to_recordset($1::json) AS r(n int, instance_id bigint, state text, due_at timestamptz, max_lateness float8,
			content text, title text, description text, url text, thumb_url text, visibility text, users text[], labels text[], audience_id bigint,
			first_comment text, external_key text, author text, source text, occurrence_id bigint, campaign_held boolean, approved_hash text, approved_until timestamptz) ORDER BY n) r
	), added AS (
		INSERT INTO posts (id, instance_id, state, due_at, max_lateness, miss_at, content, title, description, url, thumb_url,
			visibility, visible_users, visible_labels, audience_id, first_comment, external_key, author, source,
			occurrence_id, campaign_held, approved_hash, approved_until)
		OVERRIDING SYSTEM VALUE
		SELECT id, instance_id,
			(CASE WHEN state = 'scheduled' AND occurrence_id IS NULL AND (SELECT require_approval FROM settings) THEN 'pending' ELSE state END)::post_state,
			due_at, make_interval(secs => max_lateness),
			CASE WHEN max_lateness > 0 THEN due_at + make_interval(secs => max_lateness) END,
			content, title, description, url, thumb_url, visibility, users, labels, audience_id, first_comment, external_key, author, source,
			occurrence_id, coalesce(campaign_held, false), approved_hash, approved_until
		FROM new
		RETURNING id, instance_id, state, first_comment, author, source
	), commented AS (
		INSERT INTO first_comments (post_id, state) SELECT id, 'waiting' FROM added WHERE first_comment <> ''
	), told AS (
		INSERT INTO events (post_id, instance_id, action, to_state, actor, source)
		SELECT id, instance_id, 'create', state::text, author, source FROM added
	)
	SELECT id FROM new WHERE EXISTS (SELECT FROM added a WHERE a.id = new.id) ORDER BY n`

// AddPosts stores the posts, all or none, and returns their ids in order. A
// key names the request: the same key again answers what it answered first,
// and Conflict if the request differs. "" = no key.
func (db *DB) AddPosts(ctx context.Context, posts []*moment.Post, key moment.RequestKey) (ids []int64, replayed bool, err error) {
	err = pgx.BeginFunc(ctx, db.engine, func(tx pgx.Tx) error {
		if key.Key != "" {
			if ids, err = claimKey(ctx, tx, key); err != nil || ids != nil {
				replayed = ids != nil
				return err
			}
		}
		if ids, err = addPosts(ctx, tx, posts); err != nil {
			return err
		}
		if key.Key != "" {
			const q = `UPDATE idempotency_keys SET post_ids = $3 WHERE actor = $1 AND key = $2`
			if _, err := tx.Exec(ctx, q, key.Actor, key.Key, ids); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, false, fmt.Errorf("add %d posts: %w", len(posts), translate(err))
	}
	return ids, replayed, nil
}

// claimKey takes the key for this request, or returns the ids that an earlier
// request with it got. A request with the same key that is still under way
// makes this one wait for its end.
func claimKey(ctx context.Context, tx pgx.Tx, key moment.RequestKey) ([]int64, error) {
	const take = `
		INSERT INTO idempotency_keys (actor, key, request_hash, post_ids) VALUES ($1, $2, $3, '{}')
		ON CONFLICT (actor, key) DO NOTHING`
	tag, err := tx.Exec(ctx, take, key.Actor, key.Key, key.Hash[:])
	if err != nil || tag.RowsAffected() == 1 {
		return nil, err
	}
	var ids []int64
	var same bool
	const read = `SELECT post_ids, request_hash = $3 FROM idempotency_keys WHERE actor = $1 AND key = $2`
	if err := tx.QueryRow(ctx, read, key.Actor, key.Key, key.Hash[:]).Scan(&ids, &same); err != nil {
		return nil, err
	}
	if !same {
		return nil, moment.Errorf(moment.Conflict, "This Idempotency-Key was used for a different request; use a new key for a new request.")
	}
	return ids, nil
}

func addPosts(ctx context.Context, tx pgx.Tx, posts []*moment.Post) ([]int64, error) {
	rows := make([]postJSON, len(posts))
	instances := make([]int64, 0, len(posts))
	for i, p := range posts {
		rows[i] = toJSON(i, p)
		instances = append(instances, p.InstanceID)
	}
	if err := lock(ctx, tx, instances...); err != nil {
		return nil, err
	}
	b, err := json.Marshal(rows)
	if err != nil {
		return nil, err
	}
	res, err := tx.Query(ctx, insertPosts, string(b))
	if err != nil {
		return nil, err
	}
	ids, err := pgx.CollectRows(res, pgx.RowTo[int64])
	if err != nil {
		return nil, err
	}
	if err := refresh(ctx, tx, instances...); err != nil {
		return nil, err
	}
	_, err = tx.Exec(ctx, wake)
	return ids, err
}

func toJSON(n int, p *moment.Post) postJSON {
	j := postJSON{
		N: n, InstanceID: p.InstanceID, State: p.State, DueAt: orNull(p.DueAt), MaxLateness: p.MaxLateness.Seconds(),
		Content: p.Card.Content, Title: p.Card.Title, Description: p.Card.Description, URL: p.Card.URL, ThumbURL: p.Card.ThumbURL,
		Visibility: string(p.Visibility.Mode), Users: p.Visibility.Users, Labels: p.Visibility.Labels,
		FirstComment: p.FirstComment, Author: p.Author, Source: p.Source,
	}
	if j.Users == nil {
		j.Users = []string{}
	}
	if j.Labels == nil {
		j.Labels = []string{}
	}
	if p.AudienceID != 0 {
		j.AudienceID = &p.AudienceID
	}
	if p.ExternalKey != "" {
		j.ExternalKey = &p.ExternalKey
	}
	return j
}
