package app

import (
	"context"
	"errors"
	"slices"

	"github.com/rs/zerolog"

	"momentcast/internal/auth"
	"momentcast/internal/moment"
	"momentcast/internal/postgres"
)

// AddUser makes a person in the database at url.
func AddUser(ctx context.Context, url Secret, u moment.User, password string) (made moment.User, err error) {
	err = withPeople(url, func(_ *postgres.DB, a *auth.Auth) error {
		made, err = a.AddUser(ctx, u, password, operator())
		return err
	})
	return made, err
}

// ListUsers returns everybody in the database at url.
func ListUsers(ctx context.Context, url Secret) (list []moment.User, err error) {
	err = withPeople(url, func(db *postgres.DB, _ *auth.Auth) error {
		list, err = db.Users(ctx)
		return err
	})
	return list, err
}

// SetPassword gives somebody a new password and signs them out everywhere.
func SetPassword(ctx context.Context, url Secret, name, password string) error {
	return withPeople(url, func(db *postgres.DB, a *auth.Auth) error {
		u, err := db.UserByName(ctx, name)
		if err != nil {
			return err
		}
		return a.ResetPassword(ctx, u.ID, password, operator())
	})
}

// SetRoles replaces somebody's roles. It holds with their next request.
func SetRoles(ctx context.Context, url Secret, name string, roles []moment.Role) error {
	return changeUser(ctx, url, name, func(u *moment.User) { u.Roles = slices.Clone(roles) })
}

// SetDisabled shuts somebody out, or lets them in again. It holds with their
// next request.
func SetDisabled(ctx context.Context, url Secret, name string, disabled bool) error {
	return changeUser(ctx, url, name, func(u *moment.User) { u.Disabled = disabled })
}

func changeUser(ctx context.Context, url Secret, name string, change func(*moment.User)) error {
	return withPeople(url, func(db *postgres.DB, _ *auth.Auth) error {
		u, err := db.UserByName(ctx, name)
		if err != nil {
			return err
		}
		return db.ChangeUser(ctx, u.ID, 0, func(u *moment.User) error { change(u); return nil }, operator())
	})
}

// withPeople is withDatabase with every field that is wrong in the error's
// line.
func withPeople(url Secret, do func(*postgres.DB, *auth.Auth) error) error {
	return withDatabase(url, func(db *postgres.DB) error {
		err := do(db, auth.New(auth.Config{Store: db, Log: zerolog.Nop()}))
		e, ok := errors.AsType[*moment.Error](err)
		if !ok || len(e.Fields) == 0 {
			return err
		}
		said := ""
		for _, f := range e.Fields {
			said += " The " + f.Path + " " + f.Message + "."
		}
		return moment.Errorf(e.Kind, "Nothing was stored.%s", said)
	})
}
