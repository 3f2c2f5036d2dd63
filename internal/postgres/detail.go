package postgres

import (
	"context"
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5"

	"momentcast/internal/moment"
)

// Post returns the post and where it stands.
func (db *DB) Post(ctx context.Context, id int64) (*moment.PostView, error) {
	rows, err := db.pool.Query(ctx, `SELECT `+viewCols+` FROM posts p`+viewFrom+` WHERE p.id = $1`, id)
	if err != nil {
		return nil, fmt.Errorf("read post %d: %w", id, translate(err))
	}
	v, err := pgx.CollectExactlyOneRow(rows, scanView)
	if err != nil {
		return nil, fmt.Errorf("read post %d: %w", id, missing(err, "post"))
	}
	return &v, nil
}

// PostDetail returns the post with its calls and its audit trail.
func (db *DB) PostDetail(ctx context.Context, id int64) (*moment.PostDetail, error) {
	v, err := db.Post(ctx, id)
	if err != nil {
		return nil, err
	}
	d := &moment.PostDetail{PostView: *v}
	if d.Attempts, err = db.attempts(ctx, id); err != nil {
		return nil, fmt.Errorf("read attempts of post %d: %w", id, translate(err))
	}
	if d.Events, err = db.postEvents(ctx, id); err != nil {
		return nil, fmt.Errorf("read events of post %d: %w", id, translate(err))
	}
	if d.Approvals, err = db.approvals(ctx, id); err != nil {
		return nil, fmt.Errorf("read approvals of post %d: %w", id, translate(err))
	}
	if d.ReadBacks, err = db.readBacks(ctx, id, d.InstanceID); err != nil {
		return nil, fmt.Errorf("read what was read back for post %d: %w", id, translate(err))
	}
	return d, nil
}

func (db *DB) attempts(ctx context.Context, post int64) ([]moment.Attempt, error) {
	const q = `
		SELECT post_id, number, started_at, duration, replica, w_id, verdict, cause, message, request, reply, http_status
		FROM attempts
		WHERE post_id = $1
		ORDER BY number DESC, started_at DESC
		LIMIT 100`
	rows, err := db.pool.Query(ctx, q, post)
	if err != nil {
		return nil, err
	}
	as, err := pgx.CollectRows(rows, pgx.RowToStructByPos[moment.Attempt])
	slices.Reverse(as)
	return as, err
}

func (db *DB) postEvents(ctx context.Context, post int64) ([]moment.Event, error) {
	const q = `
		SELECT id, at, post_id, coalesce(instance_id, 0), action, from_state, to_state, actor, source, detail
		FROM events
		WHERE post_id = $1
		ORDER BY id DESC
		LIMIT 500`
	rows, err := db.pool.Query(ctx, q, post)
	if err != nil {
		return nil, err
	}
	es, err := pgx.CollectRows(rows, pgx.RowToStructByPos[moment.Event])
	slices.Reverse(es)
	return es, err
}
