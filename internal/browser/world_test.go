package browser_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/rs/zerolog"

	"momentcast/internal/app"
	"momentcast/internal/auth"
	"momentcast/internal/gateway/sim"
	"momentcast/internal/moment"
	"momentcast/internal/postgres"
	"momentcast/internal/postgres/postgrestest"
)

const (
	gatewayToken = "gateway-secret-1"
	password     = "a-long-password-1" // of everybody here
)

// The accounts of a world; the order is that of sim.DemoAccounts.
const (
	linXiaowen = iota
	chenZhiyuan
	wangMin
	zhouZihan // not online for long enough by 90 s
	zhaoYiming
	storeHelper // offline
)

// world is the running program with all that is around it.
type world struct {
	t    testing.TB
	base string // address of the program
	url  string // of its database
	sim  *sim.Sim
	gw   string
	db   *postgres.DB
	pool *pgxpool.Pool
	ids  []int64 // of the accounts

	logins map[string]string // of the accounts, by wId

	stop context.CancelFunc
	done chan error
}

// newWorld starts everything on an empty database, with people of every role
// and the simulator's six accounts.
func newWorld(t testing.TB, change ...func(*app.Config)) *world {
	t.Helper()
	return newWorldOn(t, postgrestest.URL(t), change...)
}

func newWorldOn(t testing.TB, database string, change ...func(*app.Config)) *world {
	t.Helper()
	w := &world{t: t, url: database}
	var err error
	if w.db, err = postgres.Open(database, postgres.Options{EngineConns: 2, Conns: 2}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.db.Close)
	if w.pool, err = pgxpool.New(t.Context(), database); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.pool.Close)
	w.people()
	w.gateway()
	cfg := app.Config{
		Addr: "127.0.0.1:0", DatabaseURL: app.Secret(database), Version: "test", Replica: "one", LookEvery: time.Second,
		Gateway: app.Gateway{URL: w.gw, Token: gatewayToken, Timeout: 3 * time.Second}, Grace: time.Second,
		Pacing: app.Pacing{MinGap: new(time.Duration(0)), DailyCap: new(0), QuietHours: new("")},
	}
	for _, c := range change {
		c(&cfg)
	}
	w.run(cfg)
	return w
}

// gateway starts the simulator, with pictures for the cards beside it.
func (w *world) gateway() {
	w.t.Helper()
	var err error
	w.sim, err = sim.New(sim.Config{Token: gatewayToken, Log: zerolog.Nop(), Seed: 1})
	if err != nil {
		w.t.Fatal(err)
	}
	w.adopt()
	mux := http.NewServeMux()
	mux.HandleFunc("GET /thumb/{hue}", thumb)
	mux.Handle("POST /snsSendUrl", w.faults())
	mux.Handle("/", w.sim.Handler())
	srv := httptest.NewServer(mux)
	w.gw = srv.URL
	w.t.Cleanup(func() { _ = w.sim.Close(); srv.CloseClientConnections(); srv.Close() })
}

// adopt makes the accounts at the gateway and registers them, as old as they are.
func (w *world) adopt() {
	w.t.Helper()
	now := time.Now()
	w.logins = make(map[string]string)
	for n, a := range sim.DemoAccounts() {
		wID := w.sim.AddAccount(a)
		w.logins[wID] = a.WcID
		i := &moment.Instance{WcID: a.WcID, Name: a.Name, TimeZone: "Asia/Shanghai", Groups: []string{[]string{"门店", "总部"}[n%2]}}
		if !a.Offline {
			i.WID, i.OnlineSince = wID, now.Add(-a.OnlineFor)
		}
		id, err := w.db.AddInstance(w.t.Context(), i, moment.Origin{Actor: "test", Source: "cli"})
		if err != nil {
			w.t.Fatal(err)
		}
		w.ids = append(w.ids, id)
	}
}

// run starts the program and waits until it works.
func (w *world) run(cfg app.Config) {
	w.t.Helper()
	ctx, stop := context.WithCancel(context.Background())
	w.stop, w.done = stop, make(chan error, 1)
	addr := make(chan net.Addr, 1)
	log := &guarded{}
	go func() {
		w.done <- app.Run(ctx, cfg, zerolog.New(logWriter{log}).Level(zerolog.InfoLevel), func(a net.Addr) { addr <- a })
	}()
	w.t.Cleanup(func() {
		w.end()
		if w.t.Failed() {
			lines := log.copy()
			w.t.Logf("log of the program:\n%s", strings.Join(lines[max(0, len(lines)-60):], ""))
		}
	})
	select {
	case a := <-addr:
		w.base = "http://" + a.String()
	case err := <-w.done:
		w.done <- nil
		w.t.Fatal(err)
	case <-time.After(patience):
		w.t.Fatal("the program does not listen")
	}
	w.eventually("ready", func() bool { return w.get("/readyz") == http.StatusOK })
}

// end stops the program; it may be called twice.
func (w *world) end() {
	w.t.Helper()
	if w.stop == nil {
		return
	}
	w.stop()
	select {
	case err := <-w.done:
		if err != nil {
			w.t.Errorf("the program ended with %v", err)
		}
	case <-time.After(patience):
		w.t.Error("the program does not stop")
	}
	w.stop = nil
}

type logWriter struct{ to *guarded }

func (l logWriter) Write(p []byte) (int, error) { l.to.add(string(p)); return len(p), nil }

// get asks for a page without a browser and returns the status.
func (w *world) get(path string) int {
	w.t.Helper()
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: patience}
	r, err := http.NewRequestWithContext(context.Background(), http.MethodGet, w.base+path, http.NoBody)
	if err != nil {
		w.t.Fatal(err)
	}
	answer, err := client.Do(r)
	if err != nil {
		w.t.Fatal(err)
	}
	_ = answer.Body.Close()
	return answer.StatusCode
}

// eventually repeats ok until it is.
func (w *world) eventually(what string, ok func() bool) {
	w.t.Helper()
	for deadline := time.Now().Add(patience); !ok(); {
		if time.Now().After(deadline) {
			w.t.Fatalf("not within %s: %s", patience, what)
		}
		<-time.After(20 * time.Millisecond)
	}
}

func (w *world) exec(sql string, args ...any) {
	w.t.Helper()
	if _, err := w.pool.Exec(w.t.Context(), sql, args...); err != nil {
		w.t.Fatalf("%s: %v", sql, err)
	}
}

// ask reads one value from the database.
func ask[T any](w *world, sql string, args ...any) (out T) {
	w.t.Helper()
	if err := w.pool.QueryRow(w.t.Context(), sql, args...).Scan(&out); err != nil {
		w.t.Fatalf("%s: %v", sql, err)
	}
	return out
}

// hashed is the hash of the password, made once: it is dear on purpose.
var hashed = sync.OnceValues(func() (string, error) { return auth.NewHasher().Hash(context.Background(), password) })

// people makes one person of each role, named for it; ann and bob are editors
// who also approve.
func (w *world) people() {
	w.t.Helper()
	hash, err := hashed()
	if err != nil {
		w.t.Fatal(err)
	}
	add := func(name, display string, roles ...moment.Role) {
		_, err := w.db.CreateUser(w.t.Context(), moment.User{Name: name, Display: display, Roles: roles}, hash, moment.Origin{Actor: "test", Source: "cli"})
		if err != nil {
			w.t.Fatal(err)
		}
	}
	for role, display := range map[moment.Role]string{
		moment.RoleViewer: "沈悦", moment.RoleEditor: "何苗", moment.RoleApprover: "顾城", moment.RoleOperator: "唐宁", moment.RoleAdmin: "江一帆",
	} {
		add(string(role), display, role)
	}
	add("ann", "安然", moment.RoleEditor, moment.RoleApprover)
	add("bob", "鲍博", moment.RoleEditor, moment.RoleApprover)
}

// tab opens a tab of the program, signed in as name ("" = nobody).
func (w *world) tab(name, lang string) *tab {
	w.t.Helper()
	b := newTab(w.t, w.base)
	b.picturesAt = w.gw
	if name != "" {
		b.signIn(name, lang)
	}
	return b
}

// card is a link card of the nth account; its path makes it unlike others.
func (w *world) card(n int, content, title, description, path string) *moment.Post {
	return &moment.Post{
		InstanceID: w.ids[n], State: moment.Scheduled, DueAt: time.Now().Add(time.Hour), MaxLateness: 30 * time.Minute,
		Card: moment.Card{Content: content, Title: title, Description: description,
			URL: "https://mall.example.com/" + path, ThumbURL: w.thumb(len(path) * 37)},
		Visibility: moment.Visibility{Mode: moment.Everyone}, Author: "editor", Source: "web",
	}
}

func (w *world) thumb(hue int) string { return fmt.Sprintf("%s/thumb/%d.png", w.gw, hue%360) }

// add stores posts and returns their ids.
func (w *world) add(posts ...*moment.Post) []int64 {
	w.t.Helper()
	ids, _, err := w.db.AddPosts(w.t.Context(), posts, moment.RequestKey{})
	if err != nil {
		w.t.Fatal(err)
	}
	return ids
}

// becomes waits until a post has the state.
func (w *world) becomes(id int64, state moment.State) {
	w.t.Helper()
	w.eventually(fmt.Sprintf("post %d %s", id, state), func() bool { return w.state(id) == state })
}

func (w *world) state(id int64) moment.State {
	w.t.Helper()
	return moment.State(ask[string](w, `SELECT state::text FROM posts WHERE id = $1`, id))
}

// faultParam in the link of a card makes its first call end in that fault.
const faultParam = "fault"

// faults orders the fault that the link of a post names, just before the
// simulator gets the call. Calls of one account come one after the other.
func (w *world) faults() http.Handler {
	var done sync.Map
	return http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		var post struct {
			WID string `json:"wId"`
			URL string `json:"url"`
		}
		if json.Unmarshal(body, &post) == nil {
			u, err := url.Parse(post.URL)
			if err == nil && u.Query().Get(faultParam) != "" {
				if _, before := done.LoadOrStore(post.URL, true); !before {
					w.sim.FailNext(w.logins[post.WID], sim.Fault(u.Query().Get(faultParam)), 1)
				}
			}
		}
		w.sim.Handler().ServeHTTP(rw, r)
	})
}

// thumb draws a square picture.
func thumb(w http.ResponseWriter, r *http.Request) {
	hue, err := strconv.Atoi(strings.TrimSuffix(r.PathValue("hue"), ".png"))
	if err != nil {
		http.NotFound(w, r)
		return
	}
	const size = 120
	img := image.NewPaletted(image.Rect(0, 0, size, size), color.Palette{
		color.RGBA{uint8(hue * 7), uint8(140 + hue%80), uint8(90 + hue*3%120), 255}, color.RGBA{250, 246, 236, 255},
	})
	for y := range size {
		for x := range size {
			if dx, dy := x-size/2, y-size/2; dx*dx+dy*dy < 35*35 {
				img.SetColorIndex(x, y, 1)
			}
		}
	}
	w.Header().Set("Content-Type", "image/png")
	_ = png.Encode(w, img) // a browser that left is not our trouble
}
