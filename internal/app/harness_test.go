package app_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rs/zerolog"
	"go.uber.org/goleak"

	"momentcast/internal/app"
	"momentcast/internal/gateway/sim"
	"momentcast/internal/postgres/postgrestest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(postgrestest.Wrap(m)) }

const (
	gatewayToken = "gateway-secret-1"
	adminToken   = "an-admin-token-for-tests"
	account      = "wxid_test0000001"

	// patience is how long a test waits for what should take a moment: other
	// test binaries may be running, on a machine that is slow.
	patience = 2 * time.Minute
)

// gatewayFor is a simulated gateway with one account that has been online for
// long enough.
func gatewayFor(t *testing.T, cfg sim.Config) (*sim.Sim, *httptest.Server) {
	t.Helper()
	cfg.Token, cfg.Log = gatewayToken, zerolog.New(zerolog.NewTestWriter(t))
	if cfg.Accounts == nil {
		cfg.Accounts = []sim.Account{{WcID: account, Name: "测试", OnlineFor: 100 * time.Hour}}
	}
	s, err := sim.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	srv := httptest.NewServer(s.Handler())
	t.Cleanup(func() {
		if err := s.Close(); err != nil { // lets calls go that hang
			t.Error(err)
		}
		srv.Close()
	})
	return s, srv
}

// config is quick and never quiet.
func config(databaseURL, gatewayURL string) app.Config {
	return app.Config{
		Addr: "127.0.0.1:0", DatabaseURL: app.Secret(databaseURL), Version: "test", BootstrapToken: adminToken,
		Gateway: app.Gateway{URL: gatewayURL, Token: gatewayToken, Timeout: 10 * time.Second},
		Pacing:  app.Pacing{MinGap: new(time.Duration(0)), DailyCap: new(0), QuietHours: new("")},
	}
}

// running is a service under test.
type running struct {
	t    *testing.T
	base string
	stop context.CancelFunc
	done chan error
}

// start runs the service; it is stopped with the test at the latest.
func start(t *testing.T, cfg app.Config) *running {
	t.Helper()
	ctx, stop := context.WithCancel(context.Background())
	r := &running{t: t, stop: stop, done: make(chan error, 1)}
	addr := make(chan net.Addr, 1)
	go func() {
		r.done <- app.Run(ctx, cfg, zerolog.New(zerolog.NewTestWriter(t)), func(a net.Addr) { addr <- a })
	}()
	t.Cleanup(func() { r.end() })
	select {
	case a := <-addr:
		r.base = "http://" + a.String()
	case err := <-r.done:
		r.done <- nil
		t.Fatal(err)
	case <-time.After(patience):
		t.Fatal("does not listen")
	}
	return r
}

// end stops the service and returns how long that took.
func (r *running) end() time.Duration {
	r.t.Helper()
	if r.done == nil {
		return 0
	}
	began := time.Now()
	r.stop()
	select {
	case err := <-r.done:
		if err != nil {
			r.t.Errorf("Run: %v", err)
		}
	case <-time.After(patience):
		r.t.Error("does not stop")
	}
	r.done = nil
	return time.Since(began)
}

// ask makes a request and returns status and body.
func (r *running) ask(method, path string, body any) (int, []byte) {
	r.t.Helper()
	var in io.Reader
	if body != nil {
		b, err := json.Marshal(body)
		if err != nil {
			r.t.Fatal(err)
		}
		in = bytes.NewReader(b)
	}
	req, err := http.NewRequestWithContext(context.Background(), method, r.base+path, in)
	if err != nil {
		r.t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+adminToken)
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: patience}
	resp, err := client.Do(req)
	if err != nil {
		r.t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	out, err := io.ReadAll(resp.Body)
	if err != nil {
		r.t.Fatal(err)
	}
	return resp.StatusCode, out
}

// must is ask for a request that has to succeed, decoded into v.
func (r *running) must(method, path string, body, v any) {
	r.t.Helper()
	status, out := r.ask(method, path, body)
	if status < 200 || status > 299 {
		r.t.Fatalf("%s %s: %d %s", method, path, status, out)
	}
	if v == nil {
		return
	}
	if err := json.Unmarshal(out, v); err != nil {
		r.t.Fatalf("%s %s: %v in %s", method, path, err, out)
	}
}

// eventually repeats ok until it is.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !ok(); {
		if time.Now().After(deadline) {
			t.Fatalf("not within %s: %s", patience, what)
		}
		<-time.After(10 * time.Millisecond)
	}
}

// readiness is what /readyz answers.
type readiness struct {
	Status string
	Checks []struct {
		Name     string
		OK       bool
		Message  string
		NextStep string `json:"next_step"`
	}
}

func (r *running) ready() (int, readiness) {
	r.t.Helper()
	status, body := r.ask(http.MethodGet, "/readyz", nil)
	var got readiness
	if err := json.Unmarshal(body, &got); err != nil {
		r.t.Fatalf("/readyz: %v in %s", err, body)
	}
	return status, got
}

// becomesReady waits until /readyz says so.
func (r *running) becomesReady() {
	r.t.Helper()
	var last readiness
	eventually(r.t, "ready", func() bool {
		status, got := r.ready()
		last = got
		return status == http.StatusOK
	})
	if last.Status != "ready" {
		r.t.Errorf("200 with %+v", last)
	}
}

// failing is the message of the failed check of that name; "" if it is not one.
func (g readiness) failing(name string) string {
	for _, c := range g.Checks {
		if c.Name == name && !c.OK && c.NextStep != "" {
			return c.Message
		}
	}
	return ""
}

// post is a post as the API shows it, as far as the tests look.
type post struct {
	ID       int64
	State    string
	MomentID *string `json:"moment_id"`
	Hold     *struct{ Reason string }
	Proof    *struct {
		Title, URL, Content string
		Matches             bool
	}
	Attempts  []struct{ Verdict, Request string }
	ReadBacks []readBack `json:"read_backs"`
}

type readBack struct {
	Round          int
	Problem, Found *string
	Seen           []struct {
		ID, Title, URL string
		Match          bool
		Differs        []string
		PostID         *int64 `json:"post_id"`
	}
}

// register registers the account as the gateway lists it, old enough to post.
func (r *running) register(wcID string) (id int64) {
	r.t.Helper()
	r.must(http.MethodPost, "/api/v1/instances/sync", nil, nil)
	var list struct {
		Items []struct {
			ID   int64
			WcID string `json:"wc_id"`
		}
	}
	r.must(http.MethodGet, "/api/v1/instances?wc_id="+wcID, nil, &list)
	if len(list.Items) != 1 {
		r.t.Fatalf("instances: %+v", list)
	}
	id = list.Items[0].ID
	r.must(http.MethodPatch, "/api/v1/instances/"+strconv.FormatInt(id, 10),
		map[string]any{"matured_at": time.Now().Add(-time.Hour).Format(time.RFC3339)}, nil)
	return id
}

// add queues a card that is due now.
func (r *running) add(instance int64, link string) (id int64) {
	r.t.Helper()
	body := map[string]any{
		"instance_id": instance, "content": "客户案例更新", "title": "标题", "description": "描述", "url": link,
		"thumb_url": "https://example.com/t.jpg", "visibility": map[string]any{"mode": "everyone"},
		"due_at": time.Now().Format(time.RFC3339), "external_key": link,
	}
	var p post
	eventually(r.t, "post added", func() bool {
		status, out := r.ask(http.MethodPost, "/api/v1/posts", body)
		switch status {
		case http.StatusCreated:
			if err := json.Unmarshal(out, &p); err != nil {
				r.t.Fatal(err)
			}
			return true
		case http.StatusServiceUnavailable: // the database has just been away
			return false
		}
		r.t.Fatalf("add: %d %s", status, out)
		return false
	})
	return p.ID
}

func (r *running) post(id int64) (p post) {
	r.t.Helper()
	r.must(http.MethodGet, "/api/v1/posts/"+strconv.FormatInt(id, 10), nil, &p)
	return p
}

// becomesSent waits until the post is sent.
func (r *running) becomesSent(id int64) (p post) {
	r.t.Helper()
	eventually(r.t, "post sent", func() bool {
		status, out := r.ask(http.MethodGet, "/api/v1/posts/"+strconv.FormatInt(id, 10), nil)
		if status == http.StatusServiceUnavailable { // the database is away, or has just been
			return false
		}
		if err := json.Unmarshal(out, &p); status != http.StatusOK || err != nil {
			r.t.Fatalf("post %d: %d %s", id, status, out)
		}
		return p.State == "sent"
	})
	return p
}

func (r *running) metrics() string {
	r.t.Helper()
	status, body := r.ask(http.MethodGet, "/metrics", nil)
	if status != http.StatusOK {
		r.t.Fatalf("/metrics: %d", status)
	}
	return string(body)
}

// has reports whether the metrics have the sample.
func has(metrics, sample string) bool {
	return strings.Contains("\n"+metrics, "\n"+sample+"\n")
}
