package auth

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/http"
	"os"
	"strings"

	"momentcast/internal/moment"
)

// NeedsSetUp reports whether there is nobody who could sign in.
func (a *Auth) NeedsSetUp(ctx context.Context) (bool, error) {
	n, err := a.store.CountUsers(ctx)
	return n == 0, err
}

// SetupSecret returns what the first person has to know, to be told where only
// who runs the service reads it; "" once there is anybody.
func (a *Auth) SetupSecret(ctx context.Context) (string, error) {
	return a.store.SetupSecret(ctx, strings.ToLower(rand.Text()))
}

// SetUp makes the first person, an administrator, and signs them in.
func (a *Auth) SetUp(w http.ResponseWriter, r *http.Request, secret, name, password string) (moment.User, error) {
	if err := a.allow(w, r); err != nil {
		return moment.User{}, err
	}
	ctx := r.Context()
	// Asked first, so that nobody makes us hash once it is done.
	if open, err := a.NeedsSetUp(ctx); err != nil {
		return moment.User{}, err
	} else if !open {
		return moment.User{}, moment.Errorf(moment.Conflict, "The set-up is done; sign in.")
	}
	u := moment.User{Name: name, Roles: []moment.Role{moment.RoleAdmin}}
	hash, err := a.checked(ctx, u, password)
	if err != nil {
		return moment.User{}, err
	}
	by := moment.Origin{Actor: name, Source: "web", IP: visitOf(ctx).ip}
	if u, err = a.store.SetUp(ctx, strings.TrimSpace(secret), u, hash, by); err != nil {
		return moment.User{}, err
	}
	a.log.Info().Str("user", u.Name).Str("ip", by.IP).Msg("the first person was set up; the secret is worth nothing any more")
	return a.enter(w, r, moment.SignIn{UserID: u.ID, Hash: hash})
}

// Bootstrap makes the first person, an administrator, from `name:password` or
// `name:@file`, if there is nobody yet. It reports whether it did.
func (a *Auth) Bootstrap(ctx context.Context, setting string, by moment.Origin) (bool, error) {
	open, err := a.NeedsSetUp(ctx)
	if err != nil || !open {
		return false, err
	}
	name, password, err := ReadBootstrap(setting)
	if err != nil {
		return false, err
	}
	u := moment.User{Name: name, Roles: []moment.Role{moment.RoleAdmin}}
	hash, err := a.checked(ctx, u, password)
	if err != nil {
		return false, fmt.Errorf("MOMENTCAST_BOOTSTRAP_ADMIN: %w", err)
	}
	return a.store.EnsureFirstUser(ctx, u, hash, by)
}

// ReadBootstrap reads `name:password`, or `name:@file` with the password in the
// first line of the file. Its errors do not repeat what was given.
func ReadBootstrap(setting string) (name, password string, err error) {
	name, password, ok := strings.Cut(setting, ":")
	if !ok || name == "" || password == "" {
		return "", "", errors.New("MOMENTCAST_BOOTSTRAP_ADMIN is written name:password or name:@file")
	}
	if file, isFile := strings.CutPrefix(password, "@"); isFile {
		b, err := os.ReadFile(file)
		if err != nil {
			return "", "", fmt.Errorf("MOMENTCAST_BOOTSTRAP_ADMIN: the password's file cannot be read: %w", err)
		}
		password, _, _ = strings.Cut(string(b), "\n")
		password = strings.TrimSuffix(password, "\r")
	}
	return name, password, nil
}

// bothErrors joins two Invalid errors, so that every field is named at once.
func bothErrors(a, b error) error {
	ea, okA := errors.AsType[*moment.Error](a)
	eb, okB := errors.AsType[*moment.Error](b)
	if okA && okB {
		return moment.InvalidFields(append(ea.Fields, eb.Fields...))
	}
	if a != nil {
		return a
	}
	return b
}
