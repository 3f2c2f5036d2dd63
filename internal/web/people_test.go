package web_test

import (
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/rs/zerolog"

	"momentcast/internal/auth"
	"momentcast/internal/moment"
	"momentcast/internal/postgres"
	"momentcast/internal/web"
)

var (
	_ web.People      = (*auth.Auth)(nil)
	_ web.PeopleStore = (*postgres.DB)(nil)
)

const goodPassword = "correct horse battery"

// team is the real pages behind real sessions.
type team struct {
	*site
	url string
}

func newTeam(t *testing.T) *team {
	t.Helper()
	s := newSite(t)
	a := s.people()
	cfg := s.config(zerolog.New(zerolog.SyncWriter(s.log)))
	cfg.People, cfg.Session = a, a
	w := web.New(cfg)
	srv := httptest.NewServer(a.Handler(w))
	t.Cleanup(func() { srv.Close(); w.Close() })
	return &team{s, srv.URL}
}

func (m *team) user(name string, roles ...moment.Role) moment.User {
	m.t.Helper()
	u, err := m.auth.AddUser(m.t.Context(), moment.User{Name: name, Roles: roles}, goodPassword, moment.Origin{Actor: "test", Source: "cli"})
	if err != nil {
		m.t.Fatal(err)
	}
	return u
}

// visitor is a browser.
type visitor struct {
	*team
	client *http.Client
}

func (m *team) visitor() *visitor {
	jar, _ := cookiejar.New(nil)
	v := &visitor{m, &http.Client{Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}}
	m.t.Cleanup(v.client.CloseIdleConnections)
	return v
}

func (v *visitor) ask(method, path string, fields ...string) page {
	v.t.Helper()
	form := url.Values{}
	for i := 0; i < len(fields); i += 2 {
		form.Add(fields[i], fields[i+1])
	}
	r, err := http.NewRequestWithContext(v.t.Context(), method, v.url+path, strings.NewReader(form.Encode()))
	if err != nil {
		v.t.Fatal(err)
	}
	r.Header.Set("Accept-Language", "en")
	if method == http.MethodPost {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	res, err := v.client.Do(r)
	if err != nil {
		v.t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		v.t.Fatal(err)
	}
	return page{v.t, res.StatusCode, res.Header, string(body)}
}

func (v *visitor) login(name string) *visitor {
	v.t.Helper()
	v.ask("POST", "/login", "name", name, "password", goodPassword).to("/")
	return v
}

// loginForm is the page from its form on.
func (p page) loginForm() page {
	_, form, _ := strings.Cut(p.body, `action="/login"`)
	return page{p.t, p.status, p.header, form}
}

func TestLoginPage(t *testing.T) {
	t.Parallel()
	m := newTeam(t)
	m.user("ann", moment.RoleViewer)
	v := m.visitor()
	next := "/history?state=sent&q=茶"
	at := v.ask("GET", next).want(http.StatusSeeOther).header.Get("Location")
	form := v.ask("GET", at).want(200).has("Log in", "Name", "Password")
	if got := form.loginForm().field("next"); got != next {
		t.Errorf("leads to %q", got)
	}
	v.ask("POST", "/login", "next", next, "name", "ann", "password", "wrong").want(401).has("Name and password do not fit", `value="ann"`).lacks("wrong\"")
	v.ask("POST", "/login", "next", next, "name", "ann", "password", goodPassword).to("/history?state=sent&q=%e8%8c%b6")
	v.ask("GET", "/").want(200).has("ann", "Log out")
	v.ask("GET", "/login?next=/queue").to("/queue")
	v.ask("POST", "/logout").to("/login")
	v.ask("GET", "/").to("/login?next=%2F")
}

func TestLoginLeadsToNoOtherSite(t *testing.T) {
	t.Parallel()
	m := newTeam(t)
	m.user("ann", moment.RoleViewer)
	for _, next := range []string{
		"https://evil.example", "//evil.example", "///evil.example", `/\evil.example`, `\\evil.example`, "/\t/evil.example", "/\n/evil.example",
		"javascript:alert(1)", "http:evil.example", "evil.example", "", "http://127.0.0.1@evil.example/", "/%0d%0aLocation:%20https://evil.example\r\n",
		`/\/evil.example`, " //evil.example", "data:text/html,x",
	} {
		v := m.visitor()
		if got := v.ask("GET", "/login?next="+url.QueryEscape(next)).want(200).loginForm().field("next"); got != "/" {
			t.Errorf("%q: leads to %q", next, got)
		}
		v.ask("POST", "/login", "next", next, "name", "ann", "password", goodPassword).to("/")
	}
}

func TestFormSurvivesTheEndOfASession(t *testing.T) {
	t.Parallel()
	m := newTeam(t)
	m.user("boss", moment.RoleAdmin)
	v := m.visitor().login("boss")
	m.exec(`DELETE FROM sessions`)
	kept := v.ask("POST", "/settings/users", "name", "newbie", "display", "王 & <b>", "role", "viewer", "role", "editor", "password", goodPassword).
		want(401).has("newbie", "王 & <b>").lacks(goodPassword, "<b>")
	v.login("boss")
	// What the page carries is posted once more: all but the password is there.
	if kept.field("display") != "王 & <b>" || strings.Count(kept.body, `name="role"`) != 2 {
		t.Error(kept.body)
	}
	v.ask("POST", "/settings/users", "name", kept.field("name"), "display", kept.field("display"), "role", "viewer", "role", "editor").
		want(422).has("At least 10 characters", `value="newbie"`)
}

func TestSetUpPage(t *testing.T) {
	t.Parallel()
	m := newTeam(t)
	v := m.visitor()
	v.ask("GET", "/login").to("/setup")
	v.ask("GET", "/setup").want(200).has("One-time secret")
	secret, err := m.auth.SetupSecret(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	fields := func(secret, again string) []string {
		return []string{"secret", secret, "name", "管理员", "password", goodPassword, "again", again}
	}
	v.ask("POST", "/setup", fields("guess", goodPassword)...).want(422).has("Not the one in the log", `value="管理员"`).lacks(goodPassword)
	v.ask("POST", "/setup", fields(secret, "other")...).want(422).has("Not the same as above")
	v.ask("POST", "/setup", "secret", secret, "name", "x", "password", "short", "again", "short").want(422).has("3 to 64 characters", "At least 10 characters")
	v.ask("POST", "/setup", fields(secret, goodPassword)...).to("/")
	v.ask("GET", "/settings/users").want(200).has("管理员", "Administrator")
	other := m.visitor()
	other.ask("GET", "/setup").to("/login")
	other.ask("POST", "/setup", fields(secret, goodPassword)...).to("/login")
}

func TestPeoplePages(t *testing.T) {
	t.Parallel()
	m := newTeam(t)
	m.user("boss", moment.RoleAdmin)
	boss := m.visitor().login("boss")
	add := []string{"name", "ann", "display", "安", "role", "viewer", "password", goodPassword}
	boss.ask("POST", "/settings/users", add...).to("/settings/users")
	boss.ask("GET", "/settings/users").want(200).has("安", "Viewer", "never", "ann was added")
	boss.ask("POST", "/settings/users", add...).want(422).has("This name is taken")
	boss.ask("POST", "/settings/users", "name", "bob", "password", goodPassword).want(422).has("Choose at least one role", `value="bob"`)
	u, err := m.db.UserByName(t.Context(), "ann")
	if err != nil {
		t.Fatal(err)
	}
	at := "/settings/users/" + id(u.ID)
	ann := m.visitor().login("ann")
	ann.ask("GET", "/settings/users").want(403)
	boss.ask("GET", at).want(200).has("安", "Set a new password")
	boss.ask("POST", at, "version", id(u.Version), "display", "安娜", "role", "admin").to(at)
	ann.ask("GET", "/settings/users").want(200) // with the next request
	boss.ask("POST", at, "version", id(u.Version), "display", "x", "role", "viewer").want(409).has("changed this person in the meantime", `value="x"`)
	boss.ask("POST", at, "version", "0", "display", "安娜").want(422).has("Choose at least one role")
	boss.ask("POST", at+"/disable").to(at)
	ann.ask("GET", "/").to("/login?next=%2F")
	ann.ask("POST", "/login", "name", "ann", "password", goodPassword).want(401)
	boss.ask("GET", at).has("Disabled")
	boss.ask("POST", at+"/enable").to(at)
	boss.ask("POST", at+"/password", "password", "short").want(422).has("At least 10 characters")
	boss.ask("POST", at+"/password", "password", "another good one").to(at)
	ann.ask("POST", "/login", "name", "ann", "password", "another good one").to("/")
	for _, path := range []string{"/settings/users/999", "/settings/users/x"} {
		boss.ask("GET", path).want(404)
	}
	self, err := m.db.UserByName(t.Context(), "boss")
	if err != nil {
		t.Fatal(err)
	}
	m.exec(`UPDATE users SET roles = '{viewer}' WHERE name = 'ann'`)
	boss.ask("POST", "/settings/users/"+id(self.ID)+"/disable").want(409).has("the last administrator")

	trail := boss.ask("GET", "/audit").want(200).has("person added", "person changed", "person disabled", "password set", "logged in", "viewer")
	trail.lacks("argon2", goodPassword, "another good one")
	boss.ask("GET", "/audit?action=user_disable").want(200).has("person disabled", "127.0.0.1")
	file := boss.ask("GET", "/audit/export?actor=boss").want(200)
	if !strings.HasPrefix(file.body, "\uFEFFNo.,When,Who") || !strings.Contains(file.body, ",boss,web,person disabled,") {
		t.Error(file.body)
	}
}

func TestAccountPage(t *testing.T) {
	t.Parallel()
	m := newTeam(t)
	m.user("ann", moment.RoleViewer)
	here, there := m.visitor().login("ann"), m.visitor().login("ann")
	page := here.ask("GET", "/account").want(200).has("This one", "Log out everywhere", "Viewer", "127.0.0.1")
	if n := strings.Count(page.body, "/end\""); n != 2 { // the other session, and all
		t.Errorf("%d sessions can be ended: %s", n, page.body)
	}
	here.ask("POST", "/account/password", "old", "wrong", "password", "another good one", "again", "another good one").want(422).has("Not your password now")
	here.ask("POST", "/account/password", "old", goodPassword, "password", "another good one", "again", "x").want(422).has("Not the same")
	here.ask("POST", "/account/password", "old", goodPassword, "password", "another good one", "again", "another good one").to("/account")
	there.ask("GET", "/account").want(http.StatusSeeOther)
	here.ask("POST", "/account/sessions/end").to("/login")
	here.ask("GET", "/account").want(http.StatusSeeOther)
}

func TestAuditPages(t *testing.T) {
	t.Parallel()
	m := newTeam(t)
	m.user("boss", moment.RoleAdmin)
	v := m.visitor().login("boss")
	m.exec(`INSERT INTO events (action, actor, source, detail) SELECT 'edit', '=cmd|x', 'api', '{"changed": {"title": ["老", "新 <b>"]}}' FROM generate_series(1, 120)`)
	m.exec(`INSERT INTO events (action, actor, source) SELECT 'claim', 'r1', 'system' FROM generate_series(1, 10)`)
	first := v.ask("GET", "/audit?actor=%3Dcmd%7Cx").want(200).has("老", "新 <b>", "Next").lacks("<b>", "claimed")
	seen := strings.Count(first.body, "<del>")
	for page := first; ; {
		_, rest, ok := strings.Cut(page.body, `rel="next" href="`)
		if !ok {
			break
		}
		href, _, _ := strings.Cut(rest, `"`)
		page = v.ask("GET", strings.ReplaceAll(href, "&amp;", "&")).want(200)
		seen += strings.Count(page.body, "<del>")
	}
	if seen != 120 {
		t.Errorf("%d lines on all pages", seen)
	}
	v.ask("GET", "/audit?machine=1").want(200).has("claimed")
	v.ask("GET", "/audit?source=system").want(200).has("claimed")
	v.ask("GET", "/audit?from=2020-01-01&to=2020-01-02").want(200).has("Nothing matches")
	v.ask("GET", "/audit?post=12&action=x&from=x&source=x&before=x").want(200)
	file := v.ask("GET", "/audit/export?action=edit").want(200).body
	if strings.Count(file, "\r\n") != 121 || !strings.Contains(file, ",'=cmd|x,") {
		t.Errorf("%.300s", file)
	}
}
