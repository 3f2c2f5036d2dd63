package postgres

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"

	"momentcast/internal/moment"
)

// keptMost is how many forms are kept of one person; the oldest makes room.
const keptMost = 100

// SaveTyped keeps what the actor has typed into the form, in place of what was
// kept of it before. Invalid if it is larger than moment.MaxAutosave.
func (db *DB) SaveTyped(ctx context.Context, actor, form string, typed map[string][]string) error {
	clean := make(map[string][]string, len(typed))
	for name, values := range typed {
		for _, v := range values {
			clean[cleanText(name)] = append(clean[cleanText(name)], cleanText(v))
		}
	}
	text, err := json.Marshal(clean)
	if err != nil {
		return fmt.Errorf("autosave: %w", err)
	}
	// PostgreSQL writes a space behind each comma and colon.
	if len(text)+bytes.Count(text, []byte(","))+bytes.Count(text, []byte(":")) > moment.MaxAutosave {
		return moment.Errorf(moment.Invalid, "This is too much to be kept while it is not submitted.")
	}
	const keep = `
		INSERT INTO compose_autosaves (actor, form, typed) VALUES ($1, $2, $3)
		ON CONFLICT (actor, form) DO UPDATE SET typed = $3, updated_at = now()
		RETURNING xmax = 0`
	const trim = `
		DELETE FROM compose_autosaves
		WHERE actor = $1 AND form IN (SELECT form FROM compose_autosaves WHERE actor = $1 AND form <> $2
			ORDER BY updated_at DESC OFFSET $3)`
	err = pgx.BeginFunc(ctx, db.pool, func(tx pgx.Tx) error {
		var added bool
		if err := tx.QueryRow(ctx, keep, actor, form, string(text)).Scan(&added); err != nil || !added {
			return err
		}
		_, err := tx.Exec(ctx, trim, actor, form, keptMost-1)
		return err
	})
	if err != nil {
		return fmt.Errorf("autosave: %w", translate(err))
	}
	return nil
}

// Typed returns what the actor typed into the form and did not submit; nil if
// there is nothing.
func (db *DB) Typed(ctx context.Context, actor, form string) (*moment.Autosave, error) {
	const q = `SELECT form, typed, updated_at FROM compose_autosaves WHERE actor = $1 AND form = $2`
	a := &moment.Autosave{}
	err := db.pool.QueryRow(ctx, q, actor, form).Scan(&a.Form, &a.Typed, &a.UpdatedAt)
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return nil, nil
	case err != nil:
		return nil, fmt.Errorf("read autosave: %w", translate(err))
	}
	return a, nil
}

// ForgetTyped drops what is kept of the form: only what the form with this key
// typed, where one is given, so that a second window keeps its own.
func (db *DB) ForgetTyped(ctx context.Context, actor, form, key string) error {
	const q = `DELETE FROM compose_autosaves WHERE actor = $1 AND form = $2 AND ($3 = '' OR typed -> 'key' ->> 0 = $3)`
	if _, err := db.pool.Exec(ctx, q, actor, form, key); err != nil {
		return fmt.Errorf("forget autosave: %w", translate(err))
	}
	return nil
}

// PostsOf returns the posts that the request with this key created, as they are
// now, in the order of their times; none if the key is not known any more.
func (db *DB) PostsOf(ctx context.Context, actor, key string) ([]moment.PostView, error) {
	const q = `
		SELECT ` + viewCols + `
		FROM idempotency_keys k
		CROSS JOIN LATERAL unnest(k.post_ids) AS made (id)
		JOIN posts p ON p.id = made.id` + viewFrom + `
		WHERE k.actor = $1 AND k.key = $2
		ORDER BY p.due_at, p.id`
	var views []moment.PostView
	err := db.byIndex(ctx, func(tx pgx.Tx) error {
		rows, err := tx.Query(ctx, q, actor, key)
		if err != nil {
			return err
		}
		views, err = pgx.CollectRows(rows, scanView)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read what a request created: %w", translate(err))
	}
	return views, nil
}
