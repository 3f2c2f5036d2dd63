package postgres

import (
	"context"
	"crypto/subtle"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"

	"momentcast/internal/moment"
)

// SetupSecret returns what the first person has to know, the same on every
// replica: candidate, unless there is one already. It is "" once there is
// anybody.
func (db *DB) SetupSecret(ctx context.Context, candidate string) (secret string, err error) {
	const q = `
		UPDATE settings SET setup_secret = CASE WHEN setup_secret = '' THEN $1 ELSE setup_secret END
		WHERE NOT EXISTS (SELECT FROM users)
		RETURNING setup_secret`
	err = db.pool.QueryRow(ctx, q, candidate).Scan(&secret)
	if errors.Is(err, pgx.ErrNoRows) {
		return "", nil
	}
	return secret, translate(err)
}

// SetUp makes the first person, who knew the secret. Of any number of calls at
// once one succeeds; the others and all later ones are a Conflict.
func (db *DB) SetUp(ctx context.Context, secret string, u moment.User, hash string, by moment.Origin) (out moment.User, err error) {
	err = db.asFirst(ctx, func(tx pgx.Tx, known string) error {
		if known == "" || subtle.ConstantTimeCompare([]byte(known), []byte(secret)) != 1 {
			return moment.InvalidFields([]moment.Field{{Path: "secret", Message: "is not the one in the log"}})
		}
		out, err = createUser(ctx, tx, u, hash, "", by)
		return err
	})
	if err != nil {
		return out, fmt.Errorf("set up: %w", translate(err))
	}
	return out, nil
}

// EnsureFirstUser makes the first person if there is nobody yet. Any number of
// replicas may call it at once.
func (db *DB) EnsureFirstUser(ctx context.Context, u moment.User, hash string, by moment.Origin) (made bool, err error) {
	err = db.asFirst(ctx, func(tx pgx.Tx, _ string) error {
		made = true
		_, err := createUser(ctx, tx, u, hash, "", by)
		return err
	})
	switch {
	case moment.KindOf(err) == moment.Conflict:
		return false, nil
	case err != nil:
		return false, fmt.Errorf("make the first person: %w", translate(err))
	}
	return made, nil
}

// asFirst runs do while nobody exists and nobody else can come to exist that
// way; with the first person the secret is gone.
func (db *DB) asFirst(ctx context.Context, do func(tx pgx.Tx, secret string) error) error {
	return pgx.BeginFunc(ctx, db.pool, func(tx pgx.Tx) error {
		var secret string
		if err := tx.QueryRow(ctx, `SELECT setup_secret FROM settings FOR UPDATE`).Scan(&secret); err != nil {
			return err
		}
		// A statement of its own: its snapshot is taken after the lock was.
		var n int
		if err := tx.QueryRow(ctx, `SELECT count(*) FROM users`).Scan(&n); err != nil {
			return err
		}
		if n > 0 {
			return moment.Errorf(moment.Conflict, "The set-up is done; sign in.")
		}
		if err := do(tx, secret); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, `UPDATE settings SET setup_secret = ''`)
		return err
	})
}
