package auth

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"time"
	"unicode/utf8"

	"momentcast/internal/moment"
)

// errLogin is all that is told of a login that failed, whatever was wrong.
func errLogin() error {
	return moment.Errorf(moment.Unauthenticated, "Name and password do not fit.")
}

// Login signs somebody in who knows the password. It answers Unauthenticated
// for everything that does not fit, and Limited after too many tries.
func (a *Auth) Login(w http.ResponseWriter, r *http.Request, name, password string) (moment.User, error) {
	if err := a.allow(w, r); err != nil {
		return moment.User{}, err
	}
	u, hash, err := a.prove(r, name, password)
	if err != nil {
		return moment.User{}, err
	}
	return a.enter(w, r, moment.SignIn{UserID: u.ID, Hash: hash})
}

// prove returns who has that name and password. Whether nobody has the name or
// the password is another, the work is the same.
func (a *Auth) prove(r *http.Request, name, password string) (moment.User, string, error) {
	ctx, ip := r.Context(), visitOf(r.Context()).ip
	if !utf8.ValidString(name) || strings.ContainsRune(name, 0) || utf8.RuneCountInString(name) > moment.MaxUserName || len(password) > 4*moment.MaxPassword {
		return moment.User{}, "", errLogin() // nobody can have these
	}
	cred, err := a.store.TryLogin(ctx, name)
	if err != nil {
		return moment.User{}, "", err
	}
	fits, err := a.hasher.Fits(ctx, cred.Hash, password)
	if err != nil {
		return moment.User{}, "", err
	}
	if fits && !cred.User.Disabled {
		return cred.User, cred.Hash, nil
	}
	a.log.Warn().Int64("user_id", cred.User.ID).Str("ip", ip).Int("failures", cred.Failures).Msg("a sign-in failed")
	if err := a.store.LoginFailed(ctx, name, cred.Failures, ip); err != nil {
		return moment.User{}, "", err
	}
	return moment.User{}, "", errLogin()
}

// enter starts the session of somebody who has proven who they are. Its value
// is new: one that was planted in the browser before is worth nothing after.
func (a *Auth) enter(w http.ResponseWriter, r *http.Request, in moment.SignIn) (moment.User, error) {
	ctx := r.Context()
	if err := a.scs.RenewToken(ctx); err != nil {
		return moment.User{}, fmt.Errorf("renew session: %w", err)
	}
	for _, k := range a.scs.Keys(ctx) {
		a.scs.Remove(ctx, k)
	}
	v := visitOf(ctx)
	v.signIn = &in
	if err := a.commit(w, r); err != nil {
		v.signIn = nil
		return moment.User{}, err
	}
	a.log.Info().Int64("user_id", v.user.ID).Str("user", v.user.Name).Str("ip", v.ip).Msg("signed in")
	return v.user, nil
}

// Logout ends the session of this browser.
func (a *Auth) Logout(w http.ResponseWriter, r *http.Request) error {
	if err := a.scs.Destroy(r.Context()); err != nil {
		return fmt.Errorf("sign out: %w", err)
	}
	http.SetCookie(w, a.cookie(r, "", time.Unix(1, 0)))
	v := visitOf(r.Context())
	v.session, v.user = moment.Session{}, moment.User{}
	return nil
}

// Sessions lists where the request's user is signed in.
func (a *Auth) Sessions(r *http.Request) ([]moment.Session, error) {
	return a.store.Sessions(r.Context(), visitOf(r.Context()).user.ID)
}

// EndSession ends one of the own sessions.
func (a *Auth) EndSession(r *http.Request, id int64) error {
	return a.store.EndSessionOf(r.Context(), visitOf(r.Context()).user.ID, id, a.origin(r))
}

// EndSessions signs the request's user out everywhere, here too.
func (a *Auth) EndSessions(w http.ResponseWriter, r *http.Request) error {
	if err := a.store.EndSessions(r.Context(), visitOf(r.Context()).user.ID, [32]byte{}, a.origin(r)); err != nil {
		return err
	}
	return a.Logout(w, r)
}

// ChangePassword replaces the own password by one who knows the old one, and
// ends the other sessions.
func (a *Auth) ChangePassword(w http.ResponseWriter, r *http.Request, old, password string) error {
	v := visitOf(r.Context())
	if v.user.External {
		return moment.Errorf(moment.Conflict, "You sign in through the identity provider; the password is changed there.")
	}
	if err := a.allow(w, r); err != nil {
		return err
	}
	if err := moment.CheckPassword(v.user.Name, password); err != nil {
		return err
	}
	if _, _, err := a.prove(r, v.user.Name, old); moment.KindOf(err) == moment.Unauthenticated {
		return moment.InvalidFields([]moment.Field{{Path: "old", Message: "is not the password you have now"}})
	} else if err != nil {
		return err
	}
	return a.setPassword(r.Context(), v.user.ID, password, v.session.Hash, a.origin(r))
}

// ResetPassword gives somebody else a new password and signs them out
// everywhere.
func (a *Auth) ResetPassword(ctx context.Context, id int64, password string, by moment.Origin) error {
	u, err := a.store.UserByID(ctx, id)
	if err != nil {
		return err
	}
	if err := moment.CheckPassword(u.Name, password); err != nil {
		return err
	}
	return a.setPassword(ctx, id, password, [32]byte{}, by)
}

func (a *Auth) setPassword(ctx context.Context, id int64, password string, keep [32]byte, by moment.Origin) error {
	hash, err := a.hasher.Hash(ctx, password)
	if err != nil {
		return err
	}
	return a.store.SetPassword(ctx, id, hash, keep, by)
}

// AddUser makes a person with a password.
func (a *Auth) AddUser(ctx context.Context, u moment.User, password string, by moment.Origin) (moment.User, error) {
	hash, err := a.checked(ctx, u, password)
	if err != nil {
		return moment.User{}, err
	}
	return a.store.CreateUser(ctx, u, hash, by)
}

// checked returns the hash of a new person's password, if both may be stored.
func (a *Auth) checked(ctx context.Context, u moment.User, password string) (string, error) {
	if err := bothErrors(u.Check(), moment.CheckPassword(u.Name, password)); err != nil {
		return "", err
	}
	return a.hasher.Hash(ctx, password)
}
