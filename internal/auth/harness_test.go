package auth_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/rs/zerolog"

	"momentcast/internal/auth"
	"momentcast/internal/moment"
	"momentcast/internal/postgres"
	"momentcast/internal/postgres/postgrestest"
)

// world is an Auth on a database of its own, behind handlers as thin as the
// pages' are.
type world struct {
	*testing.T
	auth *auth.Auth
	db   *postgres.DB
	conn *pgx.Conn
	url  string
}

const password = "correct horse battery"

func newWorld(t *testing.T, change ...func(*auth.Config)) *world {
	t.Helper()
	return newWorldAt(t, postgrestest.URL(t), change...)
}

func newWorldAt(t *testing.T, at string, change ...func(*auth.Config)) *world {
	t.Helper()
	db, err := postgres.Open(at, postgres.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(db.Close)
	conn, err := pgx.Connect(t.Context(), at)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close(context.Background()) })
	cfg := auth.Config{Store: db, Log: zerolog.Nop(), PerMinute: 10_000}
	for _, c := range change {
		c(&cfg)
	}
	w := &world{T: t, auth: auth.New(cfg), db: db, conn: conn}
	w.url = w.serve(w.auth)
	return w
}

// serve is what the pages do with an Auth, without the pages.
func (w *world) serve(a *auth.Auth) string {
	mux := http.NewServeMux()
	answer := func(rw http.ResponseWriter, err error) {
		status := map[moment.Kind]int{"": 200, moment.Unauthenticated: 401, moment.Limited: 429, moment.Conflict: 409, moment.Invalid: 422}[moment.KindOf(err)]
		if status == 0 {
			status = 500
		}
		rw.WriteHeader(status)
		if err != nil {
			_, _ = io.WriteString(rw, err.Error())
		}
	}
	mux.HandleFunc("POST /login", func(rw http.ResponseWriter, r *http.Request) {
		_, err := a.Login(rw, r, r.FormValue("name"), r.FormValue("password"))
		answer(rw, err)
	})
	mux.HandleFunc("POST /setup", func(rw http.ResponseWriter, r *http.Request) {
		_, err := a.SetUp(rw, r, r.FormValue("secret"), r.FormValue("name"), r.FormValue("password"))
		answer(rw, err)
	})
	mux.HandleFunc("POST /logout", func(rw http.ResponseWriter, r *http.Request) { answer(rw, a.Logout(rw, r)) })
	mux.HandleFunc("POST /everywhere", func(rw http.ResponseWriter, r *http.Request) { answer(rw, a.EndSessions(rw, r)) })
	mux.HandleFunc("POST /password", func(rw http.ResponseWriter, r *http.Request) {
		answer(rw, a.ChangePassword(rw, r, r.FormValue("old"), r.FormValue("password")))
	})
	mux.HandleFunc("GET /me", func(rw http.ResponseWriter, r *http.Request) {
		if u, ok := a.Current(r); ok {
			_, _ = io.WriteString(rw, u.Name)
		}
	})
	mux.HandleFunc("GET /auth/oidc", func(rw http.ResponseWriter, r *http.Request) {
		if err := a.BeginOIDC(rw, r, r.FormValue("next")); err != nil {
			answer(rw, err)
		}
	})
	mux.HandleFunc("GET /auth/oidc/callback", func(rw http.ResponseWriter, r *http.Request) {
		next, err := a.FinishOIDC(rw, r)
		if err == nil {
			rw.Header().Set("Next", next)
		}
		answer(rw, err)
	})
	srv := httptest.NewServer(http.NewCrossOriginProtection().Handler(a.Handler(mux)))
	w.Cleanup(srv.Close)
	return srv.URL
}

// user makes a person with the password of all tests.
func (w *world) user(name string, roles ...moment.Role) moment.User {
	w.Helper()
	u, err := w.auth.AddUser(w.Context(), moment.User{Name: name, Roles: roles}, password, moment.Origin{Actor: "test", Source: "cli"})
	if err != nil {
		w.Fatal(err)
	}
	return u
}

func (w *world) one(q string, args ...any) (n int) {
	w.Helper()
	if err := w.conn.QueryRow(w.Context(), q, args...).Scan(&n); err != nil {
		w.Fatal(err)
	}
	return n
}

// browser keeps cookies.
type browser struct {
	w      *world
	base   string
	client *http.Client
	header map[string]string
}

func (w *world) browser() *browser {
	jar, _ := cookiejar.New(nil)
	b := &browser{w, w.url, &http.Client{Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}, map[string]string{}}
	w.Cleanup(b.client.CloseIdleConnections)
	return b
}

func (b *browser) do(method, path string, form ...string) (status int, body string, res *http.Response) {
	b.w.Helper()
	values := url.Values{}
	for i := 0; i+1 < len(form); i += 2 {
		values.Set(form[i], form[i+1])
	}
	target := path
	if !strings.HasPrefix(path, "http") {
		target = b.base + path
	}
	req, err := http.NewRequestWithContext(b.w.Context(), method, target, strings.NewReader(values.Encode()))
	if err != nil {
		b.w.Fatal(err)
	}
	if method == http.MethodPost {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	for k, v := range b.header {
		req.Header.Set(k, v)
	}
	res, err = b.client.Do(req)
	if err != nil {
		b.w.Error(err)
		return 0, "", &http.Response{Header: http.Header{}}
	}
	text, err := io.ReadAll(res.Body)
	if err := errors.Join(err, res.Body.Close()); err != nil {
		b.w.Error(err)
	}
	return res.StatusCode, string(text), res
}

func (b *browser) login(name, pass string, want int) *http.Response {
	b.w.Helper()
	status, body, res := b.do("POST", "/login", "name", name, "password", pass)
	if status != want {
		b.w.Errorf("login as %q: %d %s, want %d", name, status, body, want)
	}
	return res
}

// is checks whom the service takes the browser for; "" is nobody.
func (b *browser) is(want string) {
	b.w.Helper()
	if _, who, _ := b.do("GET", "/me"); who != want {
		b.w.Errorf("the browser is %q, want %q", who, want)
	}
}

// cookie is the session's value in the browser.
func (b *browser) cookie() string {
	u, _ := url.Parse(b.base)
	for _, c := range b.client.Jar.Cookies(u) {
		if strings.HasSuffix(c.Name, "momentcast_session") {
			return c.Value
		}
	}
	return ""
}

func (b *browser) plant(value string) {
	u, _ := url.Parse(b.base)
	b.client.Jar.SetCookies(u, []*http.Cookie{{Name: "momentcast_session", Value: value, Path: "/"}})
}

func numbered(s string, n int) string { return fmt.Sprintf("%s-%d", s, n) }
