package postgres

import (
	"cmp"
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"momentcast/internal/moment"
)

const tokenCols = `id, name, scopes, created_by, created_at, expires_at, last_used_at, revoked_at` //nolint:gosec // names of columns

func scanToken(row pgx.CollectableRow) (t moment.Token, err error) {
	err = row.Scan(&t.ID, &t.Name, &t.Scopes, &t.CreatedBy, &t.CreatedAt, nullTime{&t.ExpiresAt}, nullTime{&t.LastUsedAt}, nullTime{&t.RevokedAt})
	return t, err
}

// liveToken is what makes a token valid.
const liveToken = `revoked_at IS NULL AND (expires_at IS NULL OR expires_at > now())` //nolint:gosec // a condition

// CreateToken stores a token by the hash of its value. One that a token makes is
// set up by whoever set up that one: the audit trail names the token.
func (db *DB) CreateToken(ctx context.Context, t moment.Token, hash [32]byte, by moment.Origin) (moment.Token, error) {
	out, _, err := db.CreateTokenOnce(ctx, t, hash, moment.RequestKey{}, by)
	return out, err
}

// CreateTokenOnce is CreateToken for a request with a key: the same key again
// makes none and says so, as nobody but the first answer knows the value; Conflict
// if the request differs. The zero key is none.
func (db *DB) CreateTokenOnce(ctx context.Context, t moment.Token, hash [32]byte, key moment.RequestKey, by moment.Origin) (out moment.Token, made bool, err error) {
	const q = `
		INSERT INTO api_tokens (name, hash, scopes, created_by, expires_at) VALUES ($1, $2, $3, $4, $5)
		RETURNING ` + tokenCols
	err = pgx.BeginFunc(ctx, db.pool, func(tx pgx.Tx) error {
		if key.Key != "" {
			if earlier, err := claimKey(ctx, tx, key); err != nil || earlier != nil {
				return err
			}
		}
		rows, err := tx.Query(ctx, q, t.Name, hash[:], t.Scopes, cmp.Or(by.Owner, by.Actor), orNull(t.ExpiresAt))
		if err != nil {
			return err
		}
		if out, err = pgx.CollectExactlyOneRow(rows, scanToken); err != nil {
			return err
		}
		made = true
		return tellToken(ctx, tx, "token_create", out, by)
	})
	if err != nil {
		return out, false, fmt.Errorf("create token: %w", translate(err))
	}
	return out, made, nil
}

func tellToken(ctx context.Context, tx pgx.Tx, action string, t moment.Token, by moment.Origin) error {
	return tell(ctx, tx, moment.Event{Action: action, Actor: by.Actor, Source: by.Source,
		Detail: map[string]any{"token_id": t.ID, "name": t.Name, "scopes": t.Scopes}})
}

// ListTokens returns up to limit tokens with ids beyond after, revoked and
// expired ones too.
func (db *DB) ListTokens(ctx context.Context, after int64, limit int) ([]moment.Token, error) {
	rows, err := db.pool.Query(ctx, `SELECT `+tokenCols+` FROM api_tokens WHERE id > $1 ORDER BY id LIMIT $2`, after, limit)
	if err != nil {
		return nil, fmt.Errorf("list tokens: %w", translate(err))
	}
	ts, err := pgx.CollectRows(rows, scanToken)
	if err != nil {
		return nil, fmt.Errorf("list tokens: %w", translate(err))
	}
	return ts, nil
}

// RevokeToken ends a token for good. Revoking it again changes nothing.
func (db *DB) RevokeToken(ctx context.Context, id int64, by moment.Origin) error {
	err := pgx.BeginFunc(ctx, db.pool, func(tx pgx.Tx) error {
		rows, err := tx.Query(ctx, `SELECT `+tokenCols+` FROM api_tokens WHERE id = $1 FOR UPDATE`, id)
		if err != nil {
			return err
		}
		t, err := pgx.CollectExactlyOneRow(rows, scanToken)
		if err != nil || !t.RevokedAt.IsZero() {
			return err
		}
		if _, err := tx.Exec(ctx, `UPDATE api_tokens SET revoked_at = now() WHERE id = $1`, id); err != nil {
			return err
		}
		return tellToken(ctx, tx, "token_revoke", t, by)
	})
	return missing(err, "token")
}

// TokenByHash returns the live token with that hash, or NotFound, and notes
// that it was used, at most once a minute.
func (db *DB) TokenByHash(ctx context.Context, hash [32]byte) (moment.Token, error) {
	const q = `
		WITH t AS (
			SELECT * FROM api_tokens WHERE hash = $1 AND ` + liveToken + `
		), used AS (
			UPDATE api_tokens u SET last_used_at = now()
			FROM t
			WHERE u.id = t.id AND (t.last_used_at IS NULL OR t.last_used_at < now() - interval '1 minute')
		)
		SELECT ` + tokenCols + ` FROM t`
	rows, err := db.pool.Query(ctx, q, hash[:])
	if err != nil {
		return moment.Token{}, fmt.Errorf("look up token: %w", translate(err))
	}
	t, err := pgx.CollectExactlyOneRow(rows, scanToken)
	if err != nil {
		return t, fmt.Errorf("look up token: %w", missing(err, "token"))
	}
	return t, nil
}

// CountTokens tells how many tokens work.
func (db *DB) CountTokens(ctx context.Context) (n int, err error) {
	err = db.pool.QueryRow(ctx, `SELECT count(*) FROM api_tokens WHERE `+liveToken).Scan(&n)
	return n, translate(err)
}

// minBootstrapToken is the least length of a token that somebody thought up.
const minBootstrapToken = 16

// EnsureBootstrapToken makes an admin token with the given value, unless there
// is a working admin token already, or this one was revoked before. Any number
// of replicas may call it at once.
func (db *DB) EnsureBootstrapToken(ctx context.Context, value string) error {
	if len(value) < minBootstrapToken {
		return moment.Errorf(moment.Invalid, "The bootstrap token is too short; it needs at least %d characters.", minBootstrapToken)
	}
	const q = `
		WITH made AS (
			INSERT INTO api_tokens (name, hash, scopes, created_by)
			SELECT 'bootstrap', $1, ARRAY['admin'], 'bootstrap'
			WHERE NOT EXISTS (SELECT FROM api_tokens WHERE 'admin' = ANY(scopes) AND ` + liveToken + `)
			ON CONFLICT (hash) DO NOTHING
			RETURNING id
		)
		INSERT INTO events (action, actor, source, detail)
		SELECT 'token_create', 'bootstrap', 'system', jsonb_build_object('token_id', id, 'name', 'bootstrap', 'scopes', ARRAY['admin']) FROM made`
	hash := moment.HashToken(value)
	if _, err := db.pool.Exec(ctx, q, hash[:]); err != nil {
		return fmt.Errorf("make bootstrap token: %w", translate(err))
	}
	return nil
}
