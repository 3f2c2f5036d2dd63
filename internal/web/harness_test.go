package web_test

import (
	"context"
	"fmt"
	"html"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/rs/zerolog"
	"go.uber.org/goleak"

	"momentcast/internal/addressbook"
	"momentcast/internal/auth"
	"momentcast/internal/importer"
	"momentcast/internal/moment"
	"momentcast/internal/postgres"
	"momentcast/internal/postgres/postgrestest"
	"momentcast/internal/web"
)

var _ web.Store = (*postgres.DB)(nil)

func TestMain(m *testing.M) { goleak.VerifyTestMain(postgrestest.Wrap(m)) }

// site is the real handler on a real database.
type site struct {
	t       *testing.T
	web     *web.Web
	db      *postgres.DB
	pool    *pgxpool.Pool
	gateway *fakeGateway
	engine  *fakeEngine
	auth    *auth.Auth
	books   *addressbook.Books
	imports *importer.Importer
	links   *fakeLinks
	log     *strings.Builder
}

func newSite(t *testing.T) *site { t.Helper(); return siteAt(t, postgrestest.URL(t)) }

func siteAt(t *testing.T, address string) *site {
	t.Helper()
	db, err := postgres.Open(address, postgres.Options{})
	if err != nil {
		t.Fatal(err)
	}
	pool, err := pgxpool.New(t.Context(), address)
	if err != nil {
		t.Fatal(err)
	}
	s := &site{t: t, db: db, pool: pool, gateway: &fakeGateway{}, engine: &fakeEngine{}, links: &fakeLinks{}, log: &strings.Builder{}}
	s.books = addressbook.New(db, s.gateway, zerolog.Nop())
	s.imports = importer.New(db, s.engine.Wake, zerolog.Nop())
	s.web = web.New(s.config(zerolog.New(zerolog.SyncWriter(s.log))))
	ctx, stop := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { s.web.Run(ctx) })
	t.Cleanup(func() {
		stop()
		running.Wait()
		s.web.Close()
		s.books.Close()
		s.imports.Close()
		db.Close()
		pool.Close()
	})
	s.exec(`INSERT INTO replicas (name) VALUES ('test') ON CONFLICT (name) DO UPDATE SET heartbeat_at = now()`)
	s.exec(`UPDATE gateway_status SET observed_at = now()`)
	return s
}

func (s *site) config(log zerolog.Logger) web.Config {
	return web.Config{Store: s.db, Gateway: s.gateway, Engine: s.engine, Books: s.books, Imports: s.imports, Session: sessions{}, Users: s.db, People: s.people(), Links: s.links, Log: log, Version: "test"}
}

// sessions takes a visitor's word for who it is: a cookie that lists roles.
type sessions struct{}

func (sessions) Current(r *http.Request) (moment.User, bool) {
	c, err := r.Cookie("roles")
	if err != nil {
		return moment.User{}, false
	}
	u := moment.User{ID: 1, Name: "lin"}
	for role := range strings.SplitSeq(c.Value, "+") {
		u.Roles = append(u.Roles, moment.Role(role))
	}
	return u, true
}

func (s *site) exec(sql string, args ...any) {
	s.t.Helper()
	if _, err := s.pool.Exec(s.t.Context(), sql, args...); err != nil {
		s.t.Fatal(err)
	}
}

func (s *site) text(sql string, args ...any) (out string) {
	s.t.Helper()
	if err := s.pool.QueryRow(s.t.Context(), sql, args...).Scan(&out); err != nil {
		s.t.Fatal(err)
	}
	return out
}

// instance adds an account that may post.
func (s *site) instance(wcID, name string) int64 {
	s.t.Helper()
	none := moment.QuietHours("")
	id, err := s.db.AddInstance(s.t.Context(), &moment.Instance{WcID: wcID, WID: "w-" + wcID, Name: name, Groups: []string{"g"},
		OnlineSince: time.Now().Add(-100 * time.Hour), Pacing: moment.Override{QuietHours: &none}}, moment.Origin{Actor: "a", Source: "cli"})
	if err != nil {
		s.t.Fatal(err)
	}
	return id
}

// post adds a scheduled post; change may be nil.
func (s *site) post(instance int64, title string, change func(*moment.Post)) int64 {
	s.t.Helper()
	p := &moment.Post{InstanceID: instance, State: moment.Scheduled, DueAt: time.Now().Add(time.Hour), MaxLateness: 30 * time.Minute,
		Card:       moment.Card{Content: "text of " + title, Title: title, URL: "https://example.com/a", ThumbURL: "https://example.com/a.jpg"},
		Visibility: moment.Visibility{Mode: moment.Everyone}, Author: "lin", Source: "web"}
	if change != nil {
		change(p)
	}
	ids, _, err := s.db.AddPosts(s.t.Context(), []*moment.Post{p}, moment.RequestKey{})
	if err != nil {
		s.t.Fatal(err)
	}
	return ids[0]
}

// force puts a post into a state, however it would get there.
func (s *site) force(id int64, state moment.State) {
	s.t.Helper()
	set := map[moment.State]string{
		moment.Sending: ", claim_token = 1, lease_until = now() + interval '1 hour', attempt = 1, intent_at = now(), call_until = now() + interval '1 hour'",
		moment.Sent:    ", claim_token = 1, moment_id = (13000000000000000000 + id)::text, intent_at = due_at + interval '250 milliseconds', attempt = 1, finished_at = now()",
		moment.Unknown: ", claim_token = 1, intent_at = now() - interval '5 minutes', call_until = now() - interval '4 minutes', attempt = 1",
	}
	s.exec(fmt.Sprintf(`UPDATE posts SET state = '%s'%s WHERE id = $1`, state, set[state]), id)
}

func (s *site) state(id int64) string {
	s.t.Helper()
	return s.text(`SELECT state::text FROM posts WHERE id = $1`, id)
}

func (s *site) version(id int64) string {
	s.t.Helper()
	return s.text(`SELECT version::text FROM posts WHERE id = $1`, id)
}

// page is what was answered.
type page struct {
	t      testing.TB
	status int
	header http.Header
	body   string
}

// do makes a request with the roles ("" = not logged in); headers come in pairs.
func (s *site) do(roles, method, path string, form url.Values, headers ...string) page {
	s.t.Helper()
	var body io.Reader
	if form != nil {
		body = strings.NewReader(form.Encode())
	}
	r := httptest.NewRequestWithContext(s.t.Context(), method, path, body)
	if form != nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	r.Header.Set("Accept-Language", "en")
	if roles != "" {
		r.AddCookie(&http.Cookie{Name: "roles", Value: roles})
	}
	for i := 0; i < len(headers); i += 2 {
		r.Header.Add(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	s.people().Handler(s.web).ServeHTTP(w, r)
	return page{s.t, w.Code, w.Result().Header, w.Body.String()}
}

func (s *site) get(path string, headers ...string) page {
	s.t.Helper()
	return s.do("admin", http.MethodGet, path, nil, headers...)
}

// submit posts a form; fields come in pairs.
func (s *site) submit(path string, fields ...string) page {
	s.t.Helper()
	form := url.Values{}
	for i := 0; i < len(fields); i += 2 {
		form.Add(fields[i], fields[i+1])
	}
	return s.do("admin", http.MethodPost, path, form)
}

func (p page) want(status int) page {
	p.t.Helper()
	if p.status != status {
		p.t.Fatalf("status %d, want %d: %s", p.status, status, p.body)
	}
	return p
}

// has fails the test unless the page shows each text.
func (p page) has(texts ...string) page {
	p.t.Helper()
	plain := html.UnescapeString(p.body)
	for _, text := range texts {
		if !strings.Contains(plain, text) {
			p.t.Errorf("the page lacks %q: %s", text, p.body)
		}
	}
	return p
}

func (p page) lacks(texts ...string) page {
	p.t.Helper()
	for _, text := range texts {
		if strings.Contains(p.body, text) {
			p.t.Errorf("the page has %q: %s", text, p.body)
		}
	}
	return p
}

// to fails the test unless the answer leads to the path.
func (p page) to(path string) page {
	p.t.Helper()
	p.want(http.StatusSeeOther)
	if got := p.header.Get("Location"); got != path {
		p.t.Fatalf("leads to %s, want %s", got, path)
	}
	return p
}

// field is the value of a form's field.
func (p page) field(name string) string {
	p.t.Helper()
	m := regexp.MustCompile(`name="` + name + `"[^>]* value="([^"]*)"`).FindStringSubmatch(p.body)
	if m == nil {
		p.t.Fatalf("there is no field %s: %s", name, p.body)
	}
	return html.UnescapeString(m[1])
}

func id(n int64) string { return strconv.FormatInt(n, 10) }

type fakeGateway struct {
	mu     sync.Mutex
	err    error
	logins []moment.Login
	calls  []string

	labels  []moment.Label
	friends []moment.Contact
}

func (g *fakeGateway) Labels(_ context.Context, wID string) ([]moment.Label, error) {
	return g.labels, g.note("labels " + wID)
}

func (g *fakeGateway) InitContacts(_ context.Context, wID string) error { return g.note("init " + wID) }

func (g *fakeGateway) ContactIDs(_ context.Context, wID string) (ids []string, err error) {
	for _, c := range g.friends {
		ids = append(ids, c.WxID)
	}
	return ids, g.note("ids " + wID)
}

func (g *fakeGateway) Contacts(_ context.Context, wID string, ids []string) (out []moment.Contact, err error) {
	for _, c := range g.friends {
		if slices.Contains(ids, c.WxID) {
			out = append(out, c)
		}
	}
	return out, g.note("contacts " + wID)
}

func (g *fakeGateway) note(call string) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.calls = append(g.calls, call)
	return g.err
}

func (g *fakeGateway) Logins(context.Context) ([]moment.Login, error) {
	return g.logins, g.note("logins")
}

func (g *fakeGateway) Delete(_ context.Context, wID, id string) error {
	return g.note("delete " + wID + " " + id)
}

func (g *fakeGateway) SetPrivate(_ context.Context, wID, id string) error {
	return g.note("private " + wID + " " + id)
}

type fakeEngine struct {
	mu    sync.Mutex
	wakes int
}

func (e *fakeEngine) Wake() { e.mu.Lock(); defer e.mu.Unlock(); e.wakes++ }

// people signs people in on the same database; who makes a request is still
// what the cookie says.
func (s *site) people() *auth.Auth {
	if s.auth == nil {
		s.auth = auth.New(auth.Config{Store: s.db, Log: zerolog.Nop(), PerMinute: 10_000})
	}
	return s.auth
}
