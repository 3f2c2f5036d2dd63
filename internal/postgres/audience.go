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
		a.created_at, a.updated_at, u.waiting, u.finished
	FROM audiences a
	CROSS JOIN LATERAL (
		SELECT count(*) FILTER (WHERE p.state IN ('draft', 'pending', 'scheduled')) AS waiting,
			count(*) FILTER (WHERE p.state NOT IN ('draft', 'pending', 'scheduled')) AS finished
		FROM posts p WHERE p.audience_id = a.id
	) u`

func scanAudience(row pgx.CollectableRow) (a moment.AudienceView, err error) {
	err = row.Scan(&a.ID, &a.Name, &a.Visibility.Mode, &a.Visibility.Users, &a.Visibility.Labels, &a.Note, &a.Author, &a.Version, &a.Archived,
		&a.CreatedAt, &a.UpdatedAt, &a.Waiting, &a.Finished)
	return a, err
}

// Audiences returns one page of the audiences that q selects, at most q.Limit,
// and whether more follow.
func (db *DB) Audiences(ctx context.Context, q moment.AudienceQuery) (list []moment.AudienceView, more bool, err error) {
	const sql = audienceView + `
		WHERE a.archived_at IS NULL
		  AND ($1 = '' OR lower(a.name) > $1)
		  AND ($2 = '' OR strpos(lower(a.name), lower($2)) > 0 OR strpos(lower(a.note), lower($2)) > 0)
		ORDER BY lower(a.name)
		LIMIT $3`
	rows, err := db.pool.Query(ctx, sql, q.After, q.Text, q.Limit+1)
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
