package postgres

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5"

	"momentcast/internal/moment"
)

// userCols leaves the password's hash out: only who compares it reads it.
const userCols = `u.id, u.name, u.display, u.roles, u.disabled_at IS NOT NULL, u.created_at, u.last_login_at, u.password_hash IS NULL, u.version`

// userFailures adds what LockedUntil is read from.
const userFailures = ` LEFT JOIN login_failures f ON f.name_hash = ` + nameHashOf + ` AND f.locked_until > now()`

// nameHashOf is the hash of a row's name as login_failures is kept by it.
const nameHashOf = `sha256(convert_to(lower(u.name), 'UTF8'))`

func userDest(u *moment.User) []any {
	return []any{&u.ID, &u.Name, &u.Display, &u.Roles, &u.Disabled, &u.CreatedAt, nullTime{&u.LastLoginAt}, &u.External, &u.Version}
}

func scanUser(row pgx.CollectableRow) (u moment.User, err error) {
	return u, row.Scan(append(userDest(&u), nullTime{&u.LockedUntil})...)
}

// Users returns everybody, disabled people too, in the order of their names.
func (db *DB) Users(ctx context.Context) ([]moment.User, error) {
	const q = `SELECT ` + userCols + `, f.locked_until FROM users u` + userFailures + ` ORDER BY lower(u.name)`
	rows, err := db.pool.Query(ctx, q)
	if err != nil {
		return nil, fmt.Errorf("list people: %w", translate(err))
	}
	us, err := pgx.CollectRows(rows, scanUser)
	if err != nil {
		return nil, fmt.Errorf("list people: %w", translate(err))
	}
	return us, nil
}

// UserByID returns one person.
func (db *DB) UserByID(ctx context.Context, id int64) (moment.User, error) {
	return db.oneUser(ctx, `SELECT `+userCols+`, f.locked_until FROM users u`+userFailures+` WHERE u.id = $1`, id)
}

// UserByName returns one person; case does not matter.
func (db *DB) UserByName(ctx context.Context, name string) (moment.User, error) {
	return db.oneUser(ctx, `SELECT `+userCols+`, f.locked_until FROM users u`+userFailures+` WHERE lower(u.name) = lower($1)`, name)
}

func (db *DB) oneUser(ctx context.Context, q string, arg any) (moment.User, error) {
	rows, err := db.pool.Query(ctx, q, arg)
	if err != nil {
		return moment.User{}, fmt.Errorf("read person: %w", translate(err))
	}
	u, err := pgx.CollectExactlyOneRow(rows, scanUser)
	if err != nil {
		return u, fmt.Errorf("read person: %w", missing(err, "person"))
	}
	return u, nil
}

// CountUsers tells how many people there are, disabled ones too.
func (db *DB) CountUsers(ctx context.Context) (n int, err error) {
	err = db.pool.QueryRow(ctx, `SELECT count(*) FROM users`).Scan(&n)
	return n, translate(err)
}

// CreateUser stores a person with the hash of their password.
func (db *DB) CreateUser(ctx context.Context, u moment.User, hash string, by moment.Origin) (out moment.User, err error) {
	err = pgx.BeginFunc(ctx, db.pool, func(tx pgx.Tx) error {
		out, err = createUser(ctx, tx, u, hash, "", by)
		return err
	})
	if err != nil {
		return out, fmt.Errorf("create person: %w", translate(err))
	}
	return out, nil
}

func createUser(ctx context.Context, tx pgx.Tx, u moment.User, hash, subject string, by moment.Origin) (moment.User, error) {
	const q = `
		INSERT INTO users AS u (name, display, roles, password_hash, subject) VALUES ($1, $2, $3, nullif($4, ''), nullif($5, ''))
		RETURNING ` + userCols + `, NULL::timestamptz`
	rows, err := tx.Query(ctx, q, u.Name, u.Display, u.Roles, hash, subject)
	if err != nil {
		return u, err
	}
	out, err := pgx.CollectExactlyOneRow(rows, scanUser)
	if err != nil {
		return u, err
	}
	detail := map[string]any{"display": out.Display, "roles": out.Roles}
	return out, tellUser(ctx, tx, "user_create", out, by, detail)
}

// ChangeUser changes what change changes of a person: name and identity stay.
// ifVersion is what the caller has seen; 0 = whatever there is. Somebody who is
// disabled is signed out everywhere by it, and their bulk changes stop. The last person who may administer
// keeps that right: nobody could ever give it back.
func (db *DB) ChangeUser(ctx context.Context, id, ifVersion int64, change func(*moment.User) error, by moment.Origin) error {
	err := pgx.BeginFunc(ctx, db.pool, func(tx pgx.Tx) error {
		// Two changes at once could each take the other for the administrator who is left.
		if _, err := tx.Exec(ctx, `SELECT pg_advisory_xact_lock(hashtext('momentcast.administrators'))`); err != nil {
			return err
		}
		old, err := lockUser(ctx, tx, id)
		if err != nil {
			return missing(err, "person")
		}
		if ifVersion != 0 && ifVersion != old.Version {
			return moment.Errorf(moment.Precondition, "Somebody else has changed this person in the meantime; reload and decide.")
		}
		u := old
		if err := change(&u); err != nil {
			return err
		}
		u.Name = old.Name
		if err := u.Check(); err != nil {
			return err
		}
		return storeUser(ctx, tx, old, u, by)
	})
	if err != nil {
		return fmt.Errorf("change person: %w", translate(err))
	}
	return nil
}

func lockUser(ctx context.Context, tx pgx.Tx, id int64) (moment.User, error) {
	rows, err := tx.Query(ctx, `SELECT `+userCols+`, NULL::timestamptz FROM users u WHERE u.id = $1 FOR UPDATE`, id)
	if err != nil {
		return moment.User{}, err
	}
	return pgx.CollectExactlyOneRow(rows, scanUser)
}

func storeUser(ctx context.Context, tx pgx.Tx, old, u moment.User, by moment.Origin) error {
	detail := userChanges(old, u)
	if len(detail) == 0 {
		return nil
	}
	const q = `
		UPDATE users SET display = $2, roles = $3, version = version + 1, updated_at = now(),
			disabled_at = CASE WHEN $4 THEN coalesce(disabled_at, now()) END
		WHERE id = $1`
	if _, err := tx.Exec(ctx, q, u.ID, u.Display, u.Roles, u.Disabled); err != nil {
		return err
	}
	if old.May(moment.PermAdmin) && !u.May(moment.PermAdmin) {
		const others = `SELECT FROM users WHERE 'admin' = ANY (roles) AND disabled_at IS NULL LIMIT 1`
		if tag, err := tx.Exec(ctx, others); err != nil {
			return err
		} else if tag.RowsAffected() == 0 {
			return moment.Errorf(moment.Conflict, "This is the last administrator; make somebody else one first.")
		}
	}
	if u.Disabled {
		if _, err := tx.Exec(ctx, `DELETE FROM sessions WHERE user_id = $1`, u.ID); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, stopJobs+` AND actor = $1`, u.Name); err != nil {
			return err
		}
	}
	return tellUser(ctx, tx, userAction(old, u), u, by, detail)
}

func userAction(old, u moment.User) string {
	switch {
	case u.Disabled && !old.Disabled:
		return "user_disable"
	case old.Disabled && !u.Disabled:
		return "user_enable"
	}
	return "user_change"
}

// userChanges says what is different, old and new.
func userChanges(old, u moment.User) map[string]any {
	changed := map[string]any{}
	put := func(what string, differs bool, from, to any) {
		if differs {
			changed[what] = []any{from, to}
		}
	}
	put("display", old.Display != u.Display, old.Display, u.Display)
	put("roles", !slices.Equal(old.Roles, u.Roles), old.Roles, u.Roles)
	put("disabled", old.Disabled != u.Disabled, old.Disabled, u.Disabled)
	if len(changed) == 0 {
		return nil
	}
	return map[string]any{"changed": changed}
}

// SetPassword replaces somebody's password and ends their sessions but for
// keep, which may be zero. A lock after wrong passwords ends, too.
func (db *DB) SetPassword(ctx context.Context, id int64, hash string, keep [32]byte, by moment.Origin) error {
	err := pgx.BeginFunc(ctx, db.pool, func(tx pgx.Tx) error {
		u, err := lockUser(ctx, tx, id)
		if err != nil {
			return missing(err, "person")
		}
		const set = `UPDATE users SET password_hash = $2, password_set_at = now(), version = version + 1, updated_at = now() WHERE id = $1`
		if _, err := tx.Exec(ctx, set, id, hash); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, `DELETE FROM sessions WHERE user_id = $1 AND hash <> $2`, id, keep[:]); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, `DELETE FROM login_failures f USING users u WHERE u.id = $1 AND f.name_hash = `+nameHashOf, id); err != nil {
			return err
		}
		return tellUser(ctx, tx, "password_set", u, by, nil)
	})
	if err != nil {
		return fmt.Errorf("set password: %w", translate(err))
	}
	return nil
}

// tellUser writes what was done to a person into the audit trail.
func tellUser(ctx context.Context, tx pgx.Tx, action string, u moment.User, by moment.Origin, detail map[string]any) error {
	d := map[string]any{"user_id": u.ID, "user": u.Name}
	for k, v := range detail {
		d[k] = v
	}
	if by.IP != "" {
		d["ip"] = by.IP
	}
	return tell(ctx, tx, moment.Event{Action: action, Actor: by.Actor, Source: by.Source, Detail: d})
}

// SubjectUser returns the person whom the identity provider knows as subject,
// with u's roles from now on, and makes them with u's name if there is none.
// A name that is taken is Invalid.
func (db *DB) SubjectUser(ctx context.Context, subject string, u moment.User, by moment.Origin) (out moment.User, err error) {
	err = pgx.BeginFunc(ctx, db.pool, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, `SELECT pg_advisory_xact_lock(hashtext('momentcast.administrators'))`); err != nil {
			return err
		}
		var id int64
		err := tx.QueryRow(ctx, `SELECT id FROM users WHERE subject = $1`, subject).Scan(&id)
		if errors.Is(err, pgx.ErrNoRows) {
			out, err = createUser(ctx, tx, u, "", subject, by)
			return err
		}
		if err != nil {
			return err
		}
		old, err := lockUser(ctx, tx, id)
		if err != nil {
			return err
		}
		out = old
		out.Roles = u.Roles
		return storeUser(ctx, tx, old, out, moment.Origin{Actor: old.Name, Source: by.Source, IP: by.IP})
	})
	if err != nil {
		return out, fmt.Errorf("find the provider's person: %w", translate(err))
	}
	return out, nil
}
