package api_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/rs/zerolog"

	"momentcast/internal/addressbook"
	"momentcast/internal/api"
	"momentcast/internal/importer"
	"momentcast/internal/moment"
	"momentcast/internal/postgres"
	"momentcast/internal/postgres/postgrestest"
)

var (
	_ api.Store    = (*postgres.DB)(nil)
	_ api.Gateway  = (*fakeGateway)(nil)
	_ api.Engine   = (*fakeEngine)(nil)
	_ http.Handler = (*api.API)(nil)
)

// service is the real handler on a real database.
type service struct {
	t       *testing.T
	api     *api.API
	db      *postgres.DB
	pool    *pgxpool.Pool
	gateway *fakeGateway
	engine  *fakeEngine
	links   *fakeLinks
	admin   string
	log     *bytes.Buffer
}

func newService(t *testing.T) *service {
	t.Helper()
	url := postgrestest.URL(t)
	db, err := postgres.Open(url, postgres.Options{})
	if err != nil {
		t.Fatal(err)
	}
	pool, err := pgxpool.New(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	s := &service{t: t, db: db, pool: pool, gateway: &fakeGateway{}, engine: &fakeEngine{}, links: &fakeLinks{}, log: &bytes.Buffer{}}
	books := addressbook.New(db, s.gateway, zerolog.Nop())
	imports := importer.New(db, s.engine.Wake, zerolog.Nop())
	s.api = api.New(api.Config{Store: db, Gateway: s.gateway, Engine: s.engine, Links: s.links, Log: zerolog.New(zerolog.SyncWriter(s.log)), Version: "test",
		Books: books, Imports: imports})
	t.Cleanup(func() { imports.Close(); books.Close(); db.Close(); pool.Close() })
	s.admin = s.token("admin", moment.ScopeAdmin)
	return s
}

// token makes a token with the scopes.
func (s *service) token(name string, scopes ...moment.Scope) string {
	s.t.Helper()
	value := moment.NewTokenValue()
	if _, err := s.db.CreateToken(s.t.Context(), moment.Token{Name: name, Scopes: scopes}, moment.HashToken(value), moment.System("test")); err != nil {
		s.t.Fatal(err)
	}
	return value
}

// exec runs a statement on the database behind the service's back.
func (s *service) exec(sql string, args ...any) {
	s.t.Helper()
	if _, err := s.pool.Exec(s.t.Context(), sql, args...); err != nil {
		s.t.Fatal(err)
	}
}

// count is what a query for one number answers.
func (s *service) count(sql string, args ...any) (n int64) {
	s.t.Helper()
	if err := s.pool.QueryRow(s.t.Context(), sql, args...).Scan(&n); err != nil {
		s.t.Fatal(err)
	}
	return n
}

// answer is what the service answered.
type answer struct {
	t      testing.TB
	status int
	header http.Header
	body   string
}

// call makes a request as the admin. body may be nil, a string that is sent as
// it is, or a value that is sent as JSON. Headers come in pairs.
func (s *service) call(method, path string, body any, headers ...string) answer {
	s.t.Helper()
	var r io.Reader
	switch b := body.(type) {
	case nil:
	case string:
		r = strings.NewReader(b)
	default:
		j, err := json.Marshal(b)
		if err != nil {
			s.t.Fatal(err)
		}
		r = bytes.NewReader(j)
	}
	if !strings.HasPrefix(path, "/api") && !strings.HasPrefix(path, "/docs") && !strings.HasPrefix(path, "/openapi") && !strings.HasPrefix(path, "/gateway") {
		path = "/api/v1" + path
	}
	req := httptest.NewRequestWithContext(s.t.Context(), method, path, r)
	req.Header.Set("Authorization", "Bearer "+s.admin)
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i < len(headers); i += 2 {
		if headers[i+1] == "" {
			req.Header.Del(headers[i])
			continue
		}
		req.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	s.api.ServeHTTP(w, req)
	return answer{s.t, w.Code, w.Result().Header, w.Body.String()}
}

// want fails the test unless the answer has the status.
func (a answer) want(status int) answer {
	a.t.Helper()
	if a.status != status {
		a.t.Fatalf("status %d, want %d: %s", a.status, status, a.body)
	}
	return a
}

// decode reads the answer's body.
func decode[T any](a answer) T {
	a.t.Helper()
	var v T
	if err := json.Unmarshal([]byte(a.body), &v); err != nil {
		a.t.Fatalf("%v: %s", err, a.body)
	}
	return v
}

// problem reads the answer as a problem and fails the test if it is none.
func (a answer) problem() api.Problem {
	a.t.Helper()
	if ct := a.header.Get("Content-Type"); ct != "application/problem+json" {
		a.t.Fatalf("content type %q of %s", ct, a.body)
	}
	p := decode[api.Problem](a)
	if p.Status != a.status || p.Code == "" || p.Detail == "" || p.Title == "" || p.RequestID == "" {
		a.t.Fatalf("incomplete problem: %s", a.body)
	}
	return p
}

// object reads the answer as a JSON object.
func (a answer) object() map[string]any { a.t.Helper(); return decode[map[string]any](a) }

func (a answer) id() int64 { a.t.Helper(); return int64(a.object()["id"].(float64)) }

// instance registers an instance that is online for long enough to post.
func (s *service) instance(wcID string) int64 {
	s.t.Helper()
	return s.call("POST", "/instances", map[string]any{
		"wc_id": wcID, "w_id": "w-" + wcID, "online_since": time.Now().Add(-100 * time.Hour), "quiet_hours": "",
	}).want(201).id()
}

// card is a whole post for the instance, due in an hour; more overrides it.
func card(instance int64, more ...any) map[string]any {
	m := map[string]any{
		"instance_id": instance, "content": "text", "title": "title", "description": "about", "url": "https://example.com/a",
		"thumb_url": "https://example.com/a.jpg", "visibility": map[string]any{"mode": "everyone"},
		"due_at": time.Now().Add(time.Hour).Format(time.RFC3339),
	}
	for i := 0; i < len(more); i += 2 {
		if more[i+1] == nil {
			delete(m, more[i].(string))
			continue
		}
		m[more[i].(string)] = more[i+1]
	}
	return m
}

// post creates one.
func (s *service) post(instance int64, more ...any) int64 {
	s.t.Helper()
	return s.call("POST", "/posts", card(instance, more...)).want(201).id()
}

// force puts a post into a state, however it would get there.
func (s *service) force(id int64, state moment.State) {
	s.t.Helper()
	set := map[moment.State]string{
		moment.Claimed: ", claim_token = 1, lease_until = now() + interval '1 hour', attempt = 1",
		moment.Sending: ", claim_token = 1, lease_until = now() + interval '1 hour', attempt = 1, intent_at = now(), call_until = now() + interval '1 hour'",
		moment.Sent:    ", claim_token = 1, moment_id = (13000000000000000000 + id)::text, intent_at = greatest(now(), due_at) + interval '250 milliseconds', attempt = 1, finished_at = now()",
		moment.Unknown: ", claim_token = 1, intent_at = now() - interval '5 minutes', call_until = now() - interval '4 minutes', attempt = 1",
	}
	s.exec(fmt.Sprintf(`UPDATE posts SET state = '%s'%s WHERE id = $1`, state, set[state]), id)
}

type fakeGateway struct {
	mu       sync.Mutex
	err      error
	logins   []moment.Login
	labels   []moment.Label
	friends  []string
	calls    []string
	maxBatch int
	gate     chan struct{} // if not nil, Contacts waits for it
}

func (g *fakeGateway) note(call string) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.calls = append(g.calls, call)
	return g.err
}

func (g *fakeGateway) fail(err error) { g.mu.Lock(); defer g.mu.Unlock(); g.err = err }

func (g *fakeGateway) Logins(context.Context) ([]moment.Login, error) {
	return g.logins, g.note("logins")
}

func (g *fakeGateway) Delete(_ context.Context, wID, id string) error {
	return g.note("delete " + wID + " " + id)
}

func (g *fakeGateway) SetPrivate(_ context.Context, wID, id string) error {
	return g.note("private " + wID + " " + id)
}

func (g *fakeGateway) Labels(_ context.Context, wID string) ([]moment.Label, error) {
	return g.labels, g.note("labels " + wID)
}

func (g *fakeGateway) InitContacts(_ context.Context, wID string) error { return g.note("init " + wID) }

func (g *fakeGateway) ContactIDs(_ context.Context, wID string) ([]string, error) {
	return g.friends, g.note("ids " + wID)
}

func (g *fakeGateway) Contacts(ctx context.Context, wID string, ids []string) ([]moment.Contact, error) {
	g.mu.Lock()
	g.maxBatch = max(g.maxBatch, len(ids))
	gate := g.gate
	g.mu.Unlock()
	if gate != nil {
		select {
		case <-gate:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	var out []moment.Contact
	for _, id := range ids {
		out = append(out, moment.Contact{WxID: id, Nickname: "n-" + id})
	}
	return out, g.note("contacts " + wID)
}

type fakeEngine struct {
	mu              sync.Mutex
	wakes, rechecks int
}

func (e *fakeEngine) Wake()    { e.mu.Lock(); defer e.mu.Unlock(); e.wakes++ }
func (e *fakeEngine) Recheck() { e.mu.Lock(); defer e.mu.Unlock(); e.rechecks++ }

func (e *fakeEngine) count() int { e.mu.Lock(); defer e.mu.Unlock(); return e.rechecks }
