package auth

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"

	"momentcast/internal/moment"
)

// OIDC is an identity provider that people sign in through. The zero value is
// none.
type OIDC struct {
	Issuer       string // https://…; what it says of itself is read from there
	ClientID     string
	ClientSecret string
	Name         string                   // as the login page calls it; "" = the issuer's host
	GroupsClaim  string                   // where the groups stand in its answer; "" = groups
	Roles        map[string][]moment.Role // of each group; whoever is in none of them is not let in
}

// oidcPath is where the identity provider sends the browser back to.
const oidcPath = "/auth/oidc/callback"

// providerLimit bounds each call of the identity provider.
const providerLimit = 10 * time.Second

// oidcClient is what is known of the identity provider. It is asked when
// somebody signs in first, so that we start without it.
type oidcClient struct {
	OIDC
	back   string // our address, as the provider knows it
	client *http.Client

	mu       sync.Mutex
	provider *oidc.Provider
}

func newOIDC(o OIDC, publicURL string) *oidcClient {
	if o.Issuer == "" {
		return nil
	}
	if o.GroupsClaim == "" {
		o.GroupsClaim = "groups"
	}
	if u, err := url.Parse(o.Issuer); err == nil && o.Name == "" {
		o.Name = u.Hostname()
	}
	return &oidcClient{OIDC: o, back: strings.TrimRight(publicURL, "/") + oidcPath, client: &http.Client{Timeout: providerLimit}}
}

// Provider is what the identity provider is called; "" if there is none.
func (a *Auth) Provider() string {
	if a.oidc == nil {
		return ""
	}
	return a.oidc.Name
}

// discover asks the provider once what it is like; a failure is asked again.
func (o *oidcClient) discover(ctx context.Context) (*oidc.Provider, *oauth2.Config, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.provider == nil {
		p, err := oidc.NewProvider(oidc.ClientContext(ctx, o.client), o.Issuer)
		if err != nil {
			return nil, nil, &moment.Error{Kind: moment.Refused, Message: "The identity provider cannot be reached.", Err: err}
		}
		o.provider = p
	}
	return o.provider, &oauth2.Config{ClientID: o.ClientID, ClientSecret: o.ClientSecret, Endpoint: o.provider.Endpoint(),
		RedirectURL: o.back, Scopes: []string{oidc.ScopeOpenID, "profile", "email", "groups"}}, nil
}

// What the session keeps until the browser is back.
const (
	keyState    = "oidc_state"
	keyNonce    = "oidc_nonce"
	keyVerifier = "oidc_verifier"
	keyNext     = "oidc_next"
)

// BeginOIDC leads the browser to the identity provider. next is where it is to
// be led in the end; the caller has made sure that it is a page of ours.
func (a *Auth) BeginOIDC(w http.ResponseWriter, r *http.Request, next string) error {
	if a.oidc == nil {
		return moment.Errorf(moment.NotFound, "There is no identity provider.")
	}
	if err := a.allow(w, r); err != nil {
		return err
	}
	ctx := r.Context()
	_, cfg, err := a.oidc.discover(ctx)
	if err != nil {
		return err
	}
	state, nonce, verifier := rand.Text(), rand.Text(), oauth2.GenerateVerifier()
	a.scs.Put(ctx, keyState, state)
	a.scs.Put(ctx, keyNonce, nonce)
	a.scs.Put(ctx, keyVerifier, verifier)
	a.scs.Put(ctx, keyNext, next)
	if err := a.commit(w, r); err != nil {
		return err
	}
	http.Redirect(w, r, cfg.AuthCodeURL(state, oidc.Nonce(nonce), oauth2.S256ChallengeOption(verifier)), http.StatusSeeOther)
	return nil
}

// errProvider is what is told of a sign-in at the provider that failed; the log
// has the rest.
func errProvider(err error) error {
	return &moment.Error{Kind: moment.Unauthenticated, Message: "The identity provider did not let you in.", Err: err}
}

// FinishOIDC signs in whom the identity provider vouches for, with the roles of
// their groups, and returns where they wanted to go. Whoever comes for the
// first time becomes a person here; nobody is taken for a person with a
// password who happens to have the same name.
func (a *Auth) FinishOIDC(w http.ResponseWriter, r *http.Request) (next string, err error) {
	if a.oidc == nil {
		return "", moment.Errorf(moment.NotFound, "There is no identity provider.")
	}
	if err := a.allow(w, r); err != nil {
		return "", err
	}
	next = a.scs.GetString(r.Context(), keyNext)
	who, err := a.vouched(r)
	if err != nil {
		a.log.Warn().Err(err).Str("ip", visitOf(r.Context()).ip).Msg("a sign-in through the identity provider failed")
		return "", err
	}
	roles := a.oidc.rolesOf(who.groups)
	if len(roles) == 0 {
		a.log.Warn().Str("subject", who.subject).Msg("nobody's groups at the identity provider have a role here")
		return "", moment.Errorf(moment.Forbidden, "None of your groups at the identity provider has a role here.")
	}
	u, err := a.personOf(r.Context(), who, roles)
	if err != nil {
		return "", err
	}
	_, err = a.enter(w, r, moment.SignIn{UserID: u.ID})
	return next, err
}

// vouchedFor is what the identity provider says of somebody.
type vouchedFor struct {
	subject       string // issuer and subject: the only thing that stays the same
	name, display string
	groups        []string
}

// vouched checks that the answer is the provider's, to the question that this
// browser was sent with, and reads it. The question is forgotten: no answer is
// taken twice.
func (a *Auth) vouched(r *http.Request) (who vouchedFor, err error) {
	ctx, q := r.Context(), r.URL.Query()
	state, nonce, verifier := a.scs.PopString(ctx, keyState), a.scs.PopString(ctx, keyNonce), a.scs.PopString(ctx, keyVerifier)
	if _, _, err := a.scs.Commit(ctx); err != nil {
		return who, err
	}
	switch {
	case state == "" || subtle.ConstantTimeCompare([]byte(state), []byte(q.Get("state"))) != 1:
		return who, errProvider(fmt.Errorf("the state is not the one that was sent"))
	case q.Get("error") != "":
		return who, errProvider(fmt.Errorf("the provider says %.100q", q.Get("error")))
	}
	provider, cfg, err := a.oidc.discover(ctx)
	if err != nil {
		return who, err
	}
	token, err := cfg.Exchange(oidc.ClientContext(ctx, a.oidc.client), q.Get("code"), oauth2.VerifierOption(verifier))
	if err != nil {
		return who, errProvider(fmt.Errorf("exchange the code: %w", err))
	}
	raw, _ := token.Extra("id_token").(string)
	id, err := provider.VerifierContext(oidc.ClientContext(ctx, a.oidc.client), &oidc.Config{ClientID: a.oidc.ClientID}).Verify(ctx, raw)
	if err != nil {
		return who, errProvider(err)
	}
	if subtle.ConstantTimeCompare([]byte(id.Nonce), []byte(nonce)) != 1 {
		return who, errProvider(fmt.Errorf("the nonce is not the one that was sent"))
	}
	return a.oidc.read(id)
}

// read takes from the answer what we need.
func (o *oidcClient) read(id *oidc.IDToken) (who vouchedFor, err error) {
	var claims map[string]any
	if err := id.Claims(&claims); err != nil {
		return who, errProvider(err)
	}
	return o.person(id.Issuer+" "+id.Subject, claims), nil
}

// person takes from the claims what we need; what has another type than it
// should is as if it were not there.
func (o *oidcClient) person(subject string, claims map[string]any) vouchedFor {
	text := func(key string) string { s, _ := claims[key].(string); return s }
	who := vouchedFor{subject: subject, display: text("name")}
	for _, key := range []string{"preferred_username", "email", "sub"} {
		if who.name = fitName(text(key)); who.name != "" {
			break
		}
	}
	list, _ := claims[o.GroupsClaim].([]any)
	for _, g := range list {
		if s, ok := g.(string); ok {
			who.groups = append(who.groups, s)
		}
	}
	return who
}

// rolesOf are the roles of the groups, each once.
func (o *oidcClient) rolesOf(groups []string) []moment.Role {
	var out []moment.Role
	for _, role := range moment.Roles {
		if slices.ContainsFunc(groups, func(g string) bool { return slices.Contains(o.Roles[g], role) }) {
			out = append(out, role)
		}
	}
	return out
}

// fitName makes a name as ours are of what the provider calls somebody; "" if
// too little is left of it.
func fitName(s string) string {
	out := []rune(strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsDigit(r) || strings.ContainsRune("._-@", r) {
			return r
		}
		return -1
	}, s))
	if len(out) < moment.MinUserName {
		return ""
	}
	return string(out[:min(len(out), moment.MaxUserName)])
}

// personOf is who the provider's person is here. Where somebody else has the
// name already they get the provider's name behind theirs.
func (a *Auth) personOf(ctx context.Context, who vouchedFor, roles []moment.Role) (moment.User, error) {
	u := moment.User{Name: who.name, Display: who.display, Roles: roles}
	for _, name := range []string{who.name, fitName(who.name + "@" + a.oidc.Name)} {
		if u.Name = name; (&moment.User{Name: u.Name, Display: u.Display, Roles: roles}).Check() != nil {
			u.Display = ""
		}
		if err := u.Check(); err != nil {
			return u, errProvider(err)
		}
		got, err := a.store.SubjectUser(ctx, who.subject, u, moment.Origin{Actor: u.Name, Source: "web", IP: visitOf(ctx).ip})
		if moment.KindOf(err) != moment.Invalid {
			return got, err
		}
	}
	return u, moment.Errorf(moment.Forbidden, "Somebody else has your name here; ask an administrator.")
}
