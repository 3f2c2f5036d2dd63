package postgres

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"

	"momentcast/internal/moment"
)

const sessionCols = `s.id, s.hash, coalesce(s.user_id, 0), s.data, s.ip, s.user_agent, s.created_at, s.last_seen_at, s.expires_at`

func sessionDest(s *moment.Session, hash *[]byte) []any {
	return []any{&s.ID, hash, &s.UserID, &s.Data, &s.IP, &s.UserAgent, &s.CreatedAt, &s.LastSeenAt, &s.ExpiresAt}
}

// Session returns the live session with that hash and its user, or NotFound,
// and notes at most once a minute that it was used, which prolongs it.
// Sessions of disabled people are not live.
func (db *DB) Session(ctx context.Context, hash [32]byte) (s moment.Session, u moment.User, err error) {
	const q = `
		WITH s AS (
			SELECT * FROM sessions WHERE hash = $1 AND expires_at > now()
		), seen AS (
			UPDATE sessions o SET last_seen_at = now(), expires_at = least(o.created_at + $3::interval, now() + $2::interval)
			FROM s
			WHERE o.hash = s.hash AND s.last_seen_at < now() - interval '1 minute'
		)
		SELECT ` + sessionCols + `, coalesce(u.id, 0), coalesce(u.name, ''), coalesce(u.display, ''), coalesce(u.roles, '{}'),
			u.disabled_at IS NOT NULL, coalesce(u.created_at, s.created_at), u.last_login_at, u.password_hash IS NULL, coalesce(u.version, 0)
		FROM s LEFT JOIN users u ON u.id = s.user_id
		WHERE u.disabled_at IS NULL`
	var h []byte
	err = db.pool.QueryRow(ctx, q, hash[:], moment.SessionIdle, moment.SessionLimit).Scan(append(sessionDest(&s, &h), userDest(&u)...)...)
	if err != nil {
		return moment.Session{}, moment.User{}, fmt.Errorf("look up session: %w", missing(err, "session"))
	}
	copy(s.Hash[:], h)
	return s, u, nil
}

// Sessions returns somebody's live sessions, the last used first.
func (db *DB) Sessions(ctx context.Context, user int64) ([]moment.Session, error) {
	const q = `SELECT ` + sessionCols + ` FROM sessions s WHERE user_id = $1 AND expires_at > now() ORDER BY last_seen_at DESC, id DESC LIMIT 200`
	rows, err := db.pool.Query(ctx, q, user)
	if err != nil {
		return nil, fmt.Errorf("list sessions: %w", translate(err))
	}
	list, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (s moment.Session, err error) {
		var h []byte
		err = row.Scan(sessionDest(&s, &h)...)
		copy(s.Hash[:], h)
		return s, err
	})
	if err != nil {
		return nil, fmt.Errorf("list sessions: %w", translate(err))
	}
	return list, nil
}

// StartSession stores the session of somebody who has not signed in yet. It
// lives for minutes: long enough to come back from the identity provider.
func (db *DB) StartSession(ctx context.Context, s moment.Session) error {
	const q = `INSERT INTO sessions (hash, data, ip, user_agent, expires_at) VALUES ($1, $2, $3, $4, now() + interval '15 minutes')`
	if _, err := db.pool.Exec(ctx, q, s.Hash[:], s.Data, s.IP, cleanText(s.UserAgent)); err != nil {
		return fmt.Errorf("start session: %w", translate(err))
	}
	return nil
}

// KeepSession replaces a session's data. A session that was ended meanwhile
// stays ended: this never brings one back.
func (db *DB) KeepSession(ctx context.Context, hash [32]byte, data []byte) error {
	if _, err := db.pool.Exec(ctx, `UPDATE sessions SET data = $2 WHERE hash = $1`, hash[:], data); err != nil {
		return fmt.Errorf("keep session: %w", translate(err))
	}
	return nil
}

// EndSession forgets a session; one that is not there is no error.
func (db *DB) EndSession(ctx context.Context, hash [32]byte) error {
	if _, err := db.pool.Exec(ctx, `DELETE FROM sessions WHERE hash = $1`, hash[:]); err != nil {
		return fmt.Errorf("end session: %w", translate(err))
	}
	return nil
}

// EndSessionOf ends one session of somebody, by its id. Nobody can end a
// session of somebody else that way.
func (db *DB) EndSessionOf(ctx context.Context, user, id int64, by moment.Origin) error {
	return db.endSessions(ctx, user, `DELETE FROM sessions WHERE user_id = $1 AND id = $2`, id, by)
}

// EndSessions signs somebody out everywhere but in the session keep, which may
// be zero.
func (db *DB) EndSessions(ctx context.Context, user int64, keep [32]byte, by moment.Origin) error {
	return db.endSessions(ctx, user, `DELETE FROM sessions WHERE user_id = $1 AND hash <> $2`, keep[:], by)
}

func (db *DB) endSessions(ctx context.Context, user int64, q string, arg any, by moment.Origin) error {
	err := pgx.BeginFunc(ctx, db.pool, func(tx pgx.Tx) error {
		u, err := lockUser(ctx, tx, user)
		if err != nil {
			return missing(err, "person")
		}
		tag, err := tx.Exec(ctx, q, user, arg)
		if err != nil || tag.RowsAffected() == 0 {
			return err
		}
		return tellUser(ctx, tx, "sessions_end", u, by, map[string]any{"sessions": tag.RowsAffected()})
	})
	if err != nil {
		return fmt.Errorf("end sessions: %w", translate(err))
	}
	return nil
}

// SignIn starts the session of somebody who has proven who they are, forgets
// their failures and tells the audit trail. It refuses who was disabled, or got
// another password, since they were asked.
func (db *DB) SignIn(ctx context.Context, in moment.SignIn) (u moment.User, err error) {
	err = pgx.BeginFunc(ctx, db.pool, func(tx pgx.Tx) error {
		if u, err = lockUser(ctx, tx, in.UserID); err != nil {
			return err
		}
		const still = `
			UPDATE users SET last_login_at = now()
			WHERE id = $1 AND disabled_at IS NULL AND ($2 = '' OR password_hash = $2)`
		tag, err := tx.Exec(ctx, still, in.UserID, in.Hash)
		if err != nil {
			return err
		}
		if tag.RowsAffected() == 0 {
			return moment.Errorf(moment.Unauthenticated, "Name and password do not fit.")
		}
		const forget = `DELETE FROM login_failures f USING users u WHERE u.id = $1 AND f.name_hash = ` + nameHashOf
		if _, err := tx.Exec(ctx, forget, in.UserID); err != nil {
			return err
		}
		const start = `
			INSERT INTO sessions (hash, user_id, data, ip, user_agent, expires_at) VALUES ($1, $2, $3, $4, $5, now() + $6::interval)`
		s := in.Session
		if _, err := tx.Exec(ctx, start, s.Hash[:], in.UserID, s.Data, s.IP, cleanText(s.UserAgent), moment.SessionIdle); err != nil {
			return err
		}
		return tellUser(ctx, tx, "login", u, moment.Origin{Actor: u.Name, Source: "web", IP: s.IP}, nil)
	})
	if err != nil && errors.Is(err, pgx.ErrNoRows) {
		err = moment.Errorf(moment.Unauthenticated, "Name and password do not fit.")
	}
	if err != nil {
		return u, fmt.Errorf("sign in: %w", translate(err))
	}
	return u, nil
}

// TryLogin counts a try to sign in under a name, before it is known to fail, so
// that many tries at once cannot all be the first; a SignIn forgets them. It
// returns what the password is to be compared with, or Limited while the name
// is locked. Names that nobody has are treated alike.
func (db *DB) TryLogin(ctx context.Context, name string) (c moment.Credential, err error) {
	const count = `
		INSERT INTO login_failures AS f (name_hash, failures, locked_until)
		VALUES (sha256(convert_to(lower($1), 'UTF8')), 1, '-infinity')
		ON CONFLICT (name_hash) DO UPDATE SET updated_at = now(),
			failures = CASE WHEN f.updated_at < now() - interval '1 day' THEN 1 ELSE f.failures + 1 END
		WHERE f.locked_until <= now()
		RETURNING failures`
	const wait = `
		UPDATE login_failures SET locked_until = CASE WHEN $2::interval > '0' THEN now() + $2::interval ELSE '-infinity' END
		WHERE name_hash = sha256(convert_to(lower($1), 'UTF8'))`
	const look = `SELECT ` + userCols + `, coalesce(u.password_hash, '') FROM users u WHERE lower(u.name) = lower($1)`
	err = pgx.BeginFunc(ctx, db.pool, func(tx pgx.Tx) error {
		if err := tx.QueryRow(ctx, count, name).Scan(&c.Failures); errors.Is(err, pgx.ErrNoRows) {
			return moment.Errorf(moment.Limited, "There were too many wrong passwords for this name; try again later.")
		} else if err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, wait, name, moment.LockAfter(c.Failures)); err != nil {
			return err
		}
		err := tx.QueryRow(ctx, look, name).Scan(append(userDest(&c.User), &c.Hash)...)
		if errors.Is(err, pgx.ErrNoRows) {
			return nil
		}
		return err
	})
	if err != nil {
		return c, fmt.Errorf("try to sign in: %w", translate(err))
	}
	return c, nil
}

// LoginFailed tells the audit trail that a name was locked by the failure just
// counted. Of a name that nobody has nothing is written: it may be a password
// that was typed into the wrong field.
func (db *DB) LoginFailed(ctx context.Context, name string, failures int, ip string) error {
	const q = `
		INSERT INTO events (action, actor, source, detail)
		SELECT 'login_lock', name, 'web', jsonb_build_object('user_id', id, 'user', name, 'failures', $2::int, 'ip', $3::text)
		FROM users WHERE lower(name) = lower($1)`
	if moment.LockAfter(failures) == 0 {
		return nil
	}
	if _, err := db.pool.Exec(ctx, q, name, failures, ip); err != nil {
		return fmt.Errorf("tell of a lock: %w", translate(err))
	}
	return nil
}

// SweepSessions forgets sessions that are over and failures that are long past.
func (db *DB) SweepSessions(ctx context.Context) error {
	for _, q := range []string{
		`DELETE FROM sessions WHERE expires_at < now()`,
		`DELETE FROM login_failures WHERE updated_at < now() - interval '1 day'`,
	} {
		if _, err := db.pool.Exec(ctx, q); err != nil {
			return fmt.Errorf("sweep sessions: %w", translate(err))
		}
	}
	return nil
}
