package postgres

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"momentcast/internal/moment"
)

// audienceView reads audiences with how much they are used. The counts walk
// posts_audience_idx.
const audienceView = `
	SELECT a.id, a.name, a.visibility, a.visible_users, a.visible_labels, a.note, a.author, a.version, a.archived_at IS NOT NULL,
		a.created_at, a.updated_at, u.waiting, u.finished,
		(SELECT count(*) FROM campaigns c WHERE c.audience_id = a.id AND ` + followsAudiences + `)
	FROM audiences a
	CROSS JOIN LATERAL (
		SELECT count(*) FILTER (WHERE p.state IN ('draft', 'pending', 'scheduled')) AS waiting,
			count(*) FILTER (WHERE p.state NOT IN ('draft', 'pending', 'scheduled')) AS finished
		FROM posts p WHERE p.audience_id = a.id
	) u`

func scanAudience(row pgx.CollectableRow) (a moment.AudienceView, err error) {
	err = row.Scan(&a.ID, &a.Name, &a.Visibility.Mode, &a.Visibility.Users, &a.Visibility.Labels, &a.Note, &a.Author, &a.Version, &a.Archived,
		&a.CreatedAt, &a.UpdatedAt, &a.Waiting, &a.Finished, &a.Live)
	return a, err
}

// Audiences returns one page of the audiences that q selects, at most q.Limit,
// and whether more follow.
func (db *DB) Audiences(ctx context.Context, q moment.AudienceQuery) (list []moment.AudienceView, more bool, err error) {
	const sql = audienceView + `
		WHERE a.archived_at IS NULL
		  AND a.id > $1
		  AND ($2 = '' OR strpos(lower(a.name), lower($2)) > 0 OR strpos(lower(a.note), lower($2)) > 0)
		ORDER BY CASE WHEN $4 THEN '' ELSE lower(a.name) END, a.id
		LIMIT $3`
	rows, err := db.pool.Query(ctx, sql, q.After, q.Text, q.Limit+1, q.ByID)
	if err != nil {
		return nil, false, fmt.Errorf("list audiences: %w", translate(err))
	}
	if list, err = pgx.CollectRows(rows, scanAudience); err != nil {
		return nil, false, fmt.Errorf("list audiences: %w", translate(err))
	}
	if len(list) > q.Limit {
		return list[:q.Limit], true, nil
	}
	return list, false, nil
}

// Audience returns the audience, even if it was deleted and is kept for its posts.
func (db *DB) Audience(ctx context.Context, id int64) (*moment.AudienceView, error) {
	rows, err := db.pool.Query(ctx, audienceView+` WHERE a.id = $1`, id)
	if err != nil {
		return nil, fmt.Errorf("read audience %d: %w", id, translate(err))
	}
	a, err := pgx.CollectExactlyOneRow(rows, scanAudience)
	if err != nil {
		return nil, fmt.Errorf("read audience %d: %w", id, missing(err, "audience"))
	}
	return &a, nil
}

// AudienceUse says what uses the audience and is not sent yet, with at most
// limit posts by name.
func (db *DB) AudienceUse(ctx context.Context, id int64, limit int) (u moment.AudienceUse, err error) {
	const count = `
		SELECT count(*) FILTER (WHERE ` + equalsAudience + `),
			count(*) FILTER (WHERE ` + equalsAudience + ` AND p.approved_hash IS NOT NULL),
			count(*) FILTER (WHERE NOT ` + equalsAudience + `)
		FROM audiences a JOIN posts p ON p.audience_id = a.id
		WHERE a.id = $1 AND p.state IN ('draft', 'pending', 'scheduled')`
	const list = `
		WITH pick AS MATERIALIZED (
			SELECT p.id, p.due_at FROM audiences a JOIN posts p ON p.audience_id = a.id
			WHERE a.id = $1 AND p.state IN ('draft', 'pending', 'scheduled') AND ` + equalsAudience + `
			ORDER BY p.due_at, p.id
			LIMIT $2
		)
		SELECT ` + viewCols + ` FROM pick JOIN posts p ON p.id = pick.id` + viewFrom + `
		ORDER BY pick.due_at, pick.id`
	err = db.byIndex(ctx, func(tx pgx.Tx) error {
		if err := tx.QueryRow(ctx, count, id).Scan(&u.Same, &u.Approved, &u.Differs); err != nil {
			return err
		}
		rows, err := tx.Query(ctx, list, id, limit)
		if err != nil {
			return err
		}
		if u.Posts, err = pgx.CollectRows(rows, scanView); err != nil {
			return err
		}
		u.Campaigns, err = audienceCampaigns(ctx, tx, id, moment.MaxFollowers)
		return err
	})
	if err != nil {
		return u, fmt.Errorf("read what uses audience %d: %w", id, translate(err))
	}
	return u, nil
}

// equalsAudience: the post's copy is still what the audience is. The order of a
// list does not matter.
const equalsAudience = `(p.visibility = a.visibility AND p.visible_users @> a.visible_users AND p.visible_users <@ a.visible_users
	AND p.visible_labels @> a.visible_labels AND p.visible_labels <@ a.visible_labels)`
