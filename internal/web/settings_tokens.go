package web

import (
	"crypto/rand"
	"net/http"
	"slices"
	"strconv"
	"time"

	"momentcast/internal/moment"
)

// tokensMost is how many tokens the page lists.
const tokensMost = 500

// tokensPage lists the API's tokens and makes new ones.
type tokensPage struct {
	Frame
	Tabs   []tab
	Tokens []moment.Token // the latest first
	More   bool
	New    moment.Token // as typed
	Days   string       // as typed
	Terms  []string     // to choose from, in days; "0" = never
	Scopes []moment.Scope
	Made   *moment.Token // just made
	Value  string        // of it: shown this once, stored nowhere
	Key    string        // makes the form's token once
	Again  string        // name of the token that this form made when it was sent before; "" = it was not
}

// Has reports whether the new token is to have a scope.
func (p *tokensPage) Has(scope moment.Scope) bool { return slices.Contains(p.New.Scopes, scope) }

// Works reports whether a token still does.
func (p *tokensPage) Works(t moment.Token) bool {
	return t.RevokedAt.IsZero() && (t.ExpiresAt.IsZero() || t.ExpiresAt.After(p.Now))
}

// tokenTerms are the terms of a new token, in days.
var tokenTerms = []string{"30", "90", "365", "0"}

func (s *Web) tokens(w http.ResponseWriter, r *http.Request) error {
	return s.tokensPage(w, r, &tokensPage{Days: "90", New: moment.Token{Scopes: []moment.Scope{moment.ScopeRead}}})
}

func (s *Web) tokensPage(w http.ResponseWriter, r *http.Request, p *tokensPage) error {
	list, err := s.store.ListTokens(r.Context(), 0, tokensMost+1)
	if err != nil {
		return err
	}
	if len(list) > tokensMost {
		list, p.More = list[:tokensMost], true
	}
	slices.Reverse(list)
	p.Tabs, p.Tokens, p.Terms, p.Scopes, p.Key = settingsTabs("tokens"), list, tokenTerms, moment.Scopes, rand.Text()
	status := statusFor(p.Problem)
	if p.Again != "" {
		status = http.StatusConflict
	}
	return s.page(w, r, view{Status: status, Page: "tokens", Data: p})
}

// createToken answers with the token itself and leads nowhere: after another
// request it could not be shown any more. The form sent twice makes one token,
// and the second answer, which does not know its value, says so.
func (s *Web) createToken(w http.ResponseWriter, r *http.Request) error {
	if err := parseForm(w, r); err != nil {
		return err
	}
	p := &tokensPage{Days: r.PostForm.Get("days"), New: moment.Token{Name: r.PostForm.Get("name")}}
	for _, scope := range r.PostForm["scope"] {
		p.New.Scopes = append(p.New.Scopes, moment.Scope(scope))
	}
	err := p.New.Check()
	if !slices.Contains(tokenTerms, p.Days) && err == nil {
		err = moment.InvalidFields([]moment.Field{{Path: "days", Message: "is required"}})
	}
	if err != nil {
		p.Problem = explain(s.texts[langOf(r)], err)
		return s.tokensPage(w, r, p)
	}
	if days, _ := strconv.Atoi(p.Days); days > 0 {
		p.New.ExpiresAt = time.Now().AddDate(0, 0, days)
	}
	value := moment.NewTokenValue()
	t, made, err := s.store.CreateTokenOnce(r.Context(), p.New, moment.HashToken(value), formKey(r), s.by(r))
	switch {
	case refused(err):
		p.Problem = explain(s.texts[langOf(r)], err)
		return s.tokensPage(w, r, p)
	case err != nil:
		return err
	case made:
		p.Made, p.Value = &t, value
	default:
		p.Again = p.New.Name
	}
	p.New = moment.Token{}
	return s.tokensPage(w, r, p)
}

func (s *Web) revokeToken(w http.ResponseWriter, r *http.Request) error {
	id, err := pathID(r)
	if err != nil {
		return err
	}
	if err := s.store.RevokeToken(r.Context(), id, s.by(r)); err != nil {
		return err
	}
	say(w, r, "done.token_revoke")
	return seeOther(w, r, "/settings/tokens")
}
