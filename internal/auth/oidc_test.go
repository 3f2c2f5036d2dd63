package auth_test

import (
	"net/url"
	"strings"
	"testing"
	"time"

	"momentcast/internal/auth"
	"momentcast/internal/moment"
)

func newSSO(t *testing.T) (*world, *provider) {
	t.Helper()
	p := newProvider(t)
	w := newWorld(t, func(c *auth.Config) {
		c.PublicURL = "http://mc.example"
		c.OIDC = auth.OIDC{Issuer: p.URL, ClientID: "momentcast", ClientSecret: "s3cret", Roles: map[string][]moment.Role{
			"editors": {moment.RoleEditor}, "bosses": {moment.RoleAdmin, moment.RoleEditor},
		}}
	})
	return w, p
}

// leave sends the browser to the provider and returns the way back.
func (b *browser) leave(p *provider, next string) (back string) {
	b.w.Helper()
	status, body, res := b.do("GET", "/auth/oidc?next="+url.QueryEscape(next))
	to, err := url.Parse(res.Header.Get("Location"))
	if status != 303 || err != nil || !strings.HasPrefix(to.String(), p.URL+"/authorize?") {
		b.w.Fatalf("%d %s %s", status, to, body)
	}
	q := to.Query()
	if q.Get("redirect_uri") != "http://mc.example/auth/oidc/callback" || q.Get("nonce") == "" || q.Get("code_challenge") == "" || len(q.Get("state")) < 20 {
		b.w.Errorf("asked for %v", q)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.asked = q
	return "/auth/oidc/callback?code=the-code&state=" + q.Get("state")
}

func TestSignInThroughProvider(t *testing.T) {
	t.Parallel()
	w, p := newSSO(t)
	b := w.browser()
	back := b.leave(p, "/queue")
	planted := b.cookie()
	status, body, res := b.do("GET", back)
	if status != 200 || res.Header.Get("Next") != "/queue" {
		t.Fatal(status, body)
	}
	b.is("ann")
	if b.cookie() == planted || w.one(`SELECT count(*) FROM sessions WHERE user_id IS NULL`) != 0 {
		t.Error("the session from before is still good")
	}
	if status, _, _ := b.do("GET", back); status != 401 {
		t.Errorf("the same answer is taken twice: %d", status)
	}
	u, err := w.db.UserByName(t.Context(), "ann")
	if err != nil || !u.External || !u.May(moment.PermWrite) || u.May(moment.PermApprove) || u.Display != "Ann" {
		t.Error(u, err)
	}
	w.browser().login("ann", "", 401) // there is no password that fits
	// Their groups are asked anew each time.
	w.user("boss", moment.RoleAdmin)
	p.claims["groups"] = []string{"bosses", "others"}
	b.do("GET", b.leave(p, "/"))
	if u, _ = w.db.UserByName(t.Context(), "ann"); !u.May(moment.PermAdmin) {
		t.Error(u.Roles)
	}
	w.change(u.ID, func(u *moment.User) { u.Disabled = true })
	b.is("")
	if status, _, _ := b.do("GET", b.leave(p, "/")); status != 401 {
		t.Errorf("who is disabled comes back: %d", status)
	}
	b.is("")
}

func TestProviderCannotTakeANameOver(t *testing.T) {
	t.Parallel()
	w, p := newSSO(t)
	local := w.user("ann", moment.RoleAdmin)
	b := w.browser()
	if status, body, _ := b.do("GET", b.leave(p, "/")); status != 200 {
		t.Fatal(status, body)
	}
	b.is("ann@127.0.0.1")
	if u, _ := w.db.UserByID(t.Context(), local.ID); u.External {
		t.Error("the person with the password was taken over")
	}
}

func TestAnswersThatAreNotBelieved(t *testing.T) {
	t.Parallel()
	w, p := newSSO(t)
	for name, change := range map[string]func(back *string){
		"another state":     func(back *string) { *back += "x" },
		"no state":          func(back *string) { *back = "/auth/oidc/callback?code=the-code" },
		"another code":      func(back *string) { *back = strings.Replace(*back, "the-code", "other", 1) },
		"an error":          func(back *string) { *back += "&error=access_denied" },
		"another nonce":     func(*string) { p.tamper = func(c map[string]any) { c["nonce"] = "x" } },
		"no nonce":          func(*string) { p.tamper = func(c map[string]any) { delete(c, "nonce") } },
		"another audience":  func(*string) { p.tamper = func(c map[string]any) { c["aud"] = "other" } },
		"another issuer":    func(*string) { p.tamper = func(c map[string]any) { c["iss"] = "https://evil.example" } },
		"expired":           func(*string) { p.tamper = func(c map[string]any) { c["exp"] = time.Now().Add(-time.Hour).Unix() } },
		"another key":       func(*string) { p.wrongKey = true },
		"another challenge": func(*string) { p.asked.Set("code_challenge", "x") },
		"no name":           func(*string) { p.tamper = func(c map[string]any) { c["preferred_username"], c["sub"] = "<>", "" } },
	} {
		b := w.browser()
		back := b.leave(p, "/")
		p.tamper, p.wrongKey = nil, false
		change(&back)
		if status, body, _ := b.do("GET", back); status != 401 {
			t.Errorf("%s: %d %s", name, status, body)
		}
		b.is("")
	}
	p.tamper, p.wrongKey = nil, false
	// An answer to somebody else's question, in the victim's browser.
	attacker, victim := w.browser(), w.browser()
	back := attacker.leave(p, "/")
	if status, _, _ := victim.do("GET", back); status != 401 {
		t.Errorf("the victim is signed in as the attacker: %d", status)
	}
	p.claims["groups"] = []string{"strangers"}
	b := w.browser()
	if status, body, _ := b.do("GET", b.leave(p, "/")); status != 500 || !strings.Contains(body, "None of your groups") { // Forbidden
		t.Error(status, body)
	}
	if n := w.one(`SELECT count(*) FROM users`); n != 0 {
		t.Errorf("%d people were made", n)
	}
}
