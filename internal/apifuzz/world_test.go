package apifuzz

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/rs/zerolog"
	"go.uber.org/goleak"

	"momentcast/internal/app"
	"momentcast/internal/gateway/sim"
	"momentcast/internal/moment"
	"momentcast/internal/postgres"
	"momentcast/internal/postgres/postgrestest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(postgrestest.Wrap(m)) }

const (
	gatewayToken = "gateway-secret-7f3a91c2"
	password     = "correct horse battery 9"
	patience     = time.Minute // until something is there; other test binaries may be running
)

// world is the real program with its database, its gateway and everybody who
// calls it.
type world struct {
	*testing.T
	base    string
	pool    *pgxpool.Pool
	doc     *document
	log     *lockedBuffer
	client  *http.Client
	callers []caller
	people  map[moment.Role]*http.Client
	secrets map[string]string // what it is → what must be seen nowhere
	ids     map[string][]string
}

// caller is somebody who calls the API.
type caller struct {
	name   string
	auth   string // Authorization; "" = none
	cookie *http.Client
	scope  moment.Scope // "" = nobody that the program knows
}

func (c caller) may(op *operation) bool { return op.public || c.scope != "" && c.scope.May(op.needs) }

// lockedBuffer is the program's log.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

// Write implements io.Writer.
func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

// take returns what was written since the last time.
func (l *lockedBuffer) take() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	defer l.b.Reset()
	return l.b.String()
}

func newWorld(t *testing.T, roles ...moment.Role) *world {
	t.Helper()
	at := postgrestest.URL(t)
	w := &world{T: t, log: &lockedBuffer{}, client: &http.Client{Timeout: patience, CheckRedirect: stay}, people: map[moment.Role]*http.Client{}, secrets: map[string]string{}, ids: map[string][]string{}}
	var err error
	if w.pool, err = pgxpool.New(t.Context(), at); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.pool.Close)
	t.Cleanup(w.client.CloseIdleConnections)
	w.run(at, w.gateway())
	w.tokens(at)
	w.fill()
	w.signIn(at, roles)
	status, raw := w.ask("GET", "/openapi.json", "")
	if status != http.StatusOK {
		t.Fatalf("the document: %d", status)
	}
	w.doc = readDocument(t, raw)
	w.know(at)
	return w
}

func stay(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }

// gateway is the simulator with three accounts.
func (w *world) gateway() string {
	accounts := []sim.Account{{WcID: "wxid_one", Name: "一号店", OnlineFor: 100 * time.Hour, Contacts: 30}, {WcID: "wxid_two", OnlineFor: 90 * time.Hour}, {WcID: "wxid_three", Offline: true}}
	s, err := sim.New(sim.Config{Token: gatewayToken, Accounts: accounts, Log: zerolog.Nop()})
	if err != nil {
		w.Fatal(err)
	}
	srv := httptest.NewServer(s.Handler())
	w.Cleanup(func() {
		if err := s.Close(); err != nil {
			w.Error(err)
		}
		srv.Close()
	})
	return srv.URL
}

// run starts the program; it ends with the test.
func (w *world) run(databaseURL, gatewayURL string) {
	ctx, stop := context.WithCancel(context.Background())
	addr, done := make(chan net.Addr, 1), make(chan error, 1)
	cfg := app.Config{
		Addr: "127.0.0.1:0", DatabaseURL: app.Secret(databaseURL), Version: "test",
		Gateway: app.Gateway{URL: gatewayURL, Token: gatewayToken, Timeout: 5 * time.Second},
	}
	go func() { done <- app.Run(ctx, cfg, zerolog.New(w.log), func(a net.Addr) { addr <- a }) }()
	w.Cleanup(func() {
		stop()
		if err := <-done; err != nil {
			w.Errorf("Run: %v", err)
		}
	})
	select {
	case a := <-addr:
		w.base = "http://" + a.String()
	case err := <-done:
		done <- nil
		w.Fatal(err)
	}
	w.eventually("ready", func() bool { status, _ := w.ask("GET", "/readyz", ""); return status == http.StatusOK })
}

func (w *world) eventually(what string, ok func() bool) {
	w.Helper()
	for end := time.Now().Add(patience); !ok(); {
		if time.Now().After(end) {
			w.Fatalf("not within %s: %s", patience, what)
		}
		<-time.After(20 * time.Millisecond)
	}
}

// tokens makes a token of every scope, and some that let nobody in. Their ids
// are far from those that are drawn, so that nobody is revoked by accident.
func (w *world) tokens(at string) {
	db, err := postgres.Open(at, postgres.Options{})
	if err != nil {
		w.Fatal(err)
	}
	defer db.Close()
	w.exec(`ALTER TABLE api_tokens ALTER COLUMN id RESTART WITH 700001`)
	token := func(name string, scope moment.Scope) string {
		value := moment.NewTokenValue()
		if _, err := db.CreateToken(w.Context(), moment.Token{Name: name, Scopes: []moment.Scope{scope}}, moment.HashToken(value), moment.Origin{Actor: "maker-of-" + name, Source: "web"}); err != nil {
			w.Fatal(err)
		}
		w.secrets["the token "+name] = value
		return "Bearer " + value
	}
	for _, scope := range moment.Scopes {
		w.callers = append(w.callers, caller{name: string(scope), auth: token(string(scope), scope), scope: scope})
	}
	expired, revoked := token("expired", moment.ScopeAdmin), token("revoked", moment.ScopeAdmin)
	w.exec(`UPDATE api_tokens SET created_at = now() - interval '2 days', expires_at = now() - interval '1 day' WHERE name = 'expired'`)
	w.exec(`UPDATE api_tokens SET revoked_at = now() WHERE name = 'revoked'`)
	w.callers = append(w.callers, caller{name: "nobody"}, caller{name: "an expired token", auth: expired}, caller{name: "a revoked token", auth: revoked},
		caller{name: "a made-up token", auth: "Bearer " + moment.NewTokenValue()}, caller{name: "a name and password", auth: "Basic YWRtaW46YWRtaW4="})
	w.exec(`ALTER TABLE api_tokens ALTER COLUMN id RESTART WITH 1`)
}

// signIn makes a person of every role and signs them in, as a browser does.
func (w *world) signIn(at string, roles []moment.Role) {
	for _, role := range roles {
		if _, err := app.AddUser(w.Context(), app.Secret(at), moment.User{Name: "p-" + string(role), Roles: []moment.Role{role}}, password); err != nil {
			w.Fatal(err)
		}
		jar, err := cookiejar.New(nil)
		if err != nil {
			w.Fatal(err)
		}
		c := &http.Client{Jar: jar, Timeout: patience, CheckRedirect: stay}
		w.Cleanup(c.CloseIdleConnections)
		form := url.Values{"name": {"p-" + string(role)}, "password": {password}}
		req, err := http.NewRequestWithContext(w.Context(), http.MethodPost, w.base+"/login", strings.NewReader(form.Encode()))
		if err != nil {
			w.Fatal(err)
		}
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		resp, err := c.Do(req)
		if err != nil {
			w.Fatal(err)
		}
		_ = resp.Body.Close()
		if resp.StatusCode != http.StatusSeeOther {
			w.Fatalf("%s cannot sign in: %d", role, resp.StatusCode)
		}
		home, _ := url.Parse(w.base) // it was asked for already
		for _, cookie := range jar.Cookies(home) {
			if len(cookie.Value) > 20 {
				w.secrets["the session of "+string(role)] = cookie.Value
			}
		}
		w.people[role] = c
	}
	if c := w.people[moment.RoleAdmin]; c != nil {
		w.callers = append(w.callers, caller{name: "a session of an admin", cookie: c})
	}
}

// know notes what may be seen nowhere.
func (w *world) know(at string) {
	u, err := url.Parse(at)
	if err != nil {
		w.Fatal(err)
	}
	w.secrets["the gateway's token"], w.secrets["a password"] = gatewayToken, password
	w.secrets["a password's hash"] = "$argon2id$"
	w.secrets["the database's address"] = u.Host + u.Path
	if p, ok := u.User.Password(); ok && p != "" {
		w.secrets["the database's password"] = p
	}
}

func (w *world) exec(sql string, args ...any) {
	w.Helper()
	if _, err := w.pool.Exec(w.Context(), sql, args...); err != nil {
		w.Fatal(err)
	}
}

// ask makes a request without a body.
func (w *world) ask(method, path, auth string) (int, []byte) {
	w.Helper()
	return w.send(method, path, auth, "")
}

// send makes a request, with a JSON body unless it is "".
func (w *world) send(method, path, auth, body string) (int, []byte) {
	w.Helper()
	c := call{method: method, path: path, header: http.Header{}, body: []byte(body)}
	if body != "" {
		c.header.Set("Content-Type", "application/json")
	}
	a := w.do(caller{auth: auth}, c)
	return a.status, a.body
}

// admin is the caller who may do everything.
func (w *world) admin() caller { return w.callers[len(moment.Scopes)-1] }

// must makes a call as the administrator that has to succeed, and returns its id.
func (w *world) must(method, path, body string) string {
	w.Helper()
	status, out := w.send(method, "/api/v1"+path, w.admin().auth, body)
	if status > 299 {
		w.Fatalf("%s %s: %d %s", method, path, status, out)
	}
	v, _ := decoded(out).(map[string]any)
	return fmt.Sprint(v["id"])
}
