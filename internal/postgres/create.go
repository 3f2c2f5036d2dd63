package postgres

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"momentcast/internal/moment"
)

// CreatePosts is AddPosts for callers who want to know more: a Conflict over an
// external key names the posts that have them, with fields such as
// posts[0].external_key.
func (db *DB) CreatePosts(ctx context.Context, posts []*moment.Post, key moment.RequestKey) (ids []int64, replayed bool, err error) {
	ids, replayed, err = db.AddPosts(ctx, posts, key)
	if pe, ok := errors.AsType[*pgconn.PgError](err); ok && pe.ConstraintName == "posts_external_key_idx" {
		err = db.takenKeys(ctx, posts, err)
	}
	return ids, replayed, err
}

// takenKeys says which of the posts' external keys are taken, and by whom. It
// returns the cause as it is if that cannot be told (any more).
func (db *DB) takenKeys(ctx context.Context, posts []*moment.Post, cause error) error {
	keys := make([]string, 0, len(posts))
	for _, p := range posts {
		if p.ExternalKey != "" {
			keys = append(keys, p.ExternalKey)
		}
	}
	rows, err := db.pool.Query(ctx, `SELECT external_key, id FROM posts WHERE external_key = ANY($1::text[])`, keys)
	if err != nil {
		return cause
	}
	taken := make(map[string]int64)
	var key string
	var id int64
	if _, err := pgx.ForEachRow(rows, []any{&key, &id}, func() error { taken[key] = id; return nil }); err != nil || len(taken) == 0 {
		return cause
	}
	e := &moment.Error{Kind: moment.Conflict, Err: cause}
	for i, p := range posts {
		id, ok := taken[p.ExternalKey]
		if !ok {
			continue
		}
		if e.Message == "" {
			e.Message = fmt.Sprintf("Post %d has this external_key already.", id)
		}
		e.Fields = append(e.Fields, moment.Field{
			Path: fmt.Sprintf("posts[%d].external_key", i), Message: fmt.Sprintf("belongs to post %d already", id)})
	}
	return e
}

// Answered returns the ids that an earlier request with this key was answered
// with, or nil if there was none. Conflict if that request was another one.
func (db *DB) Answered(ctx context.Context, key moment.RequestKey) ([]int64, error) {
	const q = `SELECT post_ids, request_hash = $3 FROM idempotency_keys WHERE actor = $1 AND key = $2`
	var ids []int64
	var same bool
	err := db.pool.QueryRow(ctx, q, key.Actor, key.Key, key.Hash[:]).Scan(&ids, &same)
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return nil, nil
	case err != nil:
		return nil, fmt.Errorf("look up request key: %w", translate(err))
	case !same:
		return nil, errKeyReused
	}
	return ids, nil
}

// errKeyReused is what claimKey says, too.
var errKeyReused = moment.Errorf(moment.Conflict, "This Idempotency-Key was used for a different request; use a new key for a new request.")
