package auth

import (
	"context"
	"encoding/base64"
	"errors"
	"net/http"
	"time"

	"momentcast/internal/moment"
)

// visit is what is known of one request's session.
type visit struct {
	session moment.Session // zero = there is none
	user    moment.User    // zero = nobody is signed in
	signIn  *moment.SignIn // what the next commit is to store; nil = no sign-in
	ip      string
	agent   string
}

type visitKey struct{}

func visitOf(ctx context.Context) *visit {
	if v, ok := ctx.Value(visitKey{}).(*visit); ok {
		return v
	}
	return &visit{}
}

const maxAgent = 300 // bytes kept of what a browser says it is

// Handler finds out who makes a request before next answers it. While the
// database is away nobody is known; next has to say so.
func (a *Auth) Handler(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		v := &visit{ip: a.clientIP(r), agent: r.UserAgent()[:min(len(r.UserAgent()), maxAgent)]}
		ctx := context.WithValue(r.Context(), visitKey{}, v)
		token := ""
		if c, err := r.Cookie(a.cookieName(r)); err == nil {
			token = c.Value
		}
		loaded, err := a.scs.Load(ctx, token)
		if err != nil {
			if ctx.Err() == nil {
				a.log.Warn().Err(err).Msg("a session cannot be looked up")
			}
			loaded, _ = a.scs.Load(ctx, "") // an empty one never fails
		}
		next.ServeHTTP(w, r.WithContext(loaded))
	})
}

// Current returns who is signed in; false if nobody is.
func (a *Auth) Current(r *http.Request) (moment.User, bool) {
	u := visitOf(r.Context()).user
	return u, u.ID != 0
}

// Here returns the session that the request belongs to; its id is 0 if nobody
// is signed in.
func (a *Auth) Here(r *http.Request) moment.Session { return visitOf(r.Context()).session }

// origin is who makes the request, for the audit trail.
func (a *Auth) origin(r *http.Request) moment.Origin {
	v := visitOf(r.Context())
	return moment.Origin{Actor: v.user.Name, Source: "web", IP: v.ip}
}

// commit stores the session and gives the browser its value.
func (a *Auth) commit(w http.ResponseWriter, r *http.Request) error {
	token, expires, err := a.scs.Commit(r.Context())
	if err != nil {
		return err
	}
	http.SetCookie(w, a.cookie(r, token, expires))
	w.Header().Set("Cache-Control", "no-store")
	return nil
}

// The cookie's name. A browser takes one with the prefix only from https and
// only for exactly this host: no neighbouring host can plant it.
const (
	plainCookie  = "momentcast_session"
	secureCookie = "__Host-momentcast_session"
)

func (a *Auth) cookieName(r *http.Request) string {
	if a.isSecure(r) {
		return secureCookie
	}
	return plainCookie
}

// cookie is the session's; with an empty value it is one that the browser drops.
func (a *Auth) cookie(r *http.Request, value string, expires time.Time) *http.Cookie {
	c := &http.Cookie{Name: a.cookieName(r), Value: value, Path: "/", Expires: expires, HttpOnly: true, //nolint:gosec // Secure wherever the connection is
		Secure: a.isSecure(r), SameSite: http.SameSiteLaxMode}
	if value == "" {
		c.MaxAge = -1
	}
	return c
}

// scsStore keeps sessions in the database. scs hashes a cookie's value before
// it asks.
type scsStore struct{ *Auth }

var errNoContext = errors.New("auth: a session store without a context is not used")

// Find implements scs.Store.
func (scsStore) Find(string) ([]byte, bool, error) { return nil, false, errNoContext }

// Commit implements scs.Store.
func (scsStore) Commit(string, []byte, time.Time) error { return errNoContext }

// Delete implements scs.Store.
func (scsStore) Delete(string) error { return errNoContext }

// FindCtx implements scs.CtxStore.
func (s scsStore) FindCtx(ctx context.Context, token string) ([]byte, bool, error) {
	hash, ok := hashOf(token)
	if !ok {
		return nil, false, nil
	}
	found, u, err := s.store.Session(ctx, hash)
	switch {
	case moment.KindOf(err) == moment.NotFound:
		return nil, false, nil
	case err != nil:
		return nil, false, err
	}
	v := visitOf(ctx)
	v.session, v.user = found, u
	return found.Data, true, nil
}

// CommitCtx implements scs.CtxStore. The database says when the session ends,
// so the expiry is not stored. A session that was found is changed and never
// made anew: it may have been ended while this request ran.
func (s scsStore) CommitCtx(ctx context.Context, token string, data []byte, _ time.Time) error {
	hash, ok := hashOf(token)
	if !ok {
		return errors.New("auth: the session's token is not hashed")
	}
	v := visitOf(ctx)
	if v.signIn == nil && v.session.ID != 0 && v.session.Hash == hash {
		return s.store.KeepSession(ctx, hash, data)
	}
	made := moment.Session{Hash: hash, Data: data, IP: v.ip, UserAgent: v.agent}
	if v.signIn == nil {
		return s.store.StartSession(ctx, made)
	}
	v.signIn.Session = made
	u, err := s.store.SignIn(ctx, *v.signIn)
	if err != nil {
		return err
	}
	v.session, v.user, v.signIn = made, u, nil
	return nil
}

// DeleteCtx implements scs.CtxStore.
func (s scsStore) DeleteCtx(ctx context.Context, token string) error {
	hash, ok := hashOf(token)
	if !ok {
		return nil
	}
	return s.store.EndSession(ctx, hash)
}

// hashOf reads the hash as scs writes it.
func hashOf(token string) (hash [32]byte, ok bool) {
	b, err := base64.RawURLEncoding.DecodeString(token)
	return hash, err == nil && copy(hash[:], b) == len(hash) && len(b) == len(hash)
}
