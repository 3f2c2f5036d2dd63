package postgres

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"momentcast/internal/moment"
)

// CountPosts counts the posts that q selects, at most limit: to count on would
// read the whole history. q's place and its own limit are not heeded.
func (db *DB) CountPosts(ctx context.Context, q moment.PostQuery, limit int) (n int, err error) {
	q.After = nil
	l := postList{q}
	err = db.byIndex(ctx, func(tx pgx.Tx) error {
		for _, undated := range l.phases() {
			found, err := l.countPhase(ctx, tx, undated, limit)
			if err != nil {
				return err
			}
			n += found
		}
		return nil
	})
	if err != nil {
		return 0, fmt.Errorf("count posts: %w", translate(err))
	}
	return min(n, limit), nil
}

func (l *postList) countPhase(ctx context.Context, tx pgx.Tx, undated bool, limit int) (n int, err error) {
	if !undated && l.searched() {
		found, err := l.find(ctx, tx, limit)
		return len(found), err
	}
	sql, args := l.count(undated, limit)
	err = tx.QueryRow(ctx, sql, args...).Scan(&n)
	return n, err
}

// count is the query that counts one phase of the list.
func (l *postList) count(undated bool, limit int) (q string, args []any) {
	s := l.selection(limit)
	l.filter(s)
	l.search(s)
	l.seek(s, undated)
	return `SELECT count(*) FROM (` + s.pick(l.States, undated, l.InstanceID != 0) + `) found`, s.args
}

// LastAttempts returns the latest call of each of the posts that had one.
func (db *DB) LastAttempts(ctx context.Context, posts []int64) (map[int64]moment.Attempt, error) {
	const q = `
		SELECT DISTINCT ON (post_id) post_id, number, started_at, duration, replica, w_id, verdict, cause, message, request, reply, http_status
		FROM attempts
		WHERE post_id = ANY($1::bigint[])
		ORDER BY post_id, number DESC, started_at DESC`
	rows, err := db.pool.Query(ctx, q, posts)
	if err != nil {
		return nil, fmt.Errorf("read last attempts: %w", translate(err))
	}
	as, err := pgx.CollectRows(rows, pgx.RowToStructByPos[moment.Attempt])
	if err != nil {
		return nil, fmt.Errorf("read last attempts: %w", translate(err))
	}
	out := make(map[int64]moment.Attempt, len(as))
	for _, a := range as {
		out[a.PostID] = a
	}
	return out, nil
}
