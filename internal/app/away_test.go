package app_test

import (
	"context"
	"net"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"momentcast/internal/app"
	"momentcast/internal/gateway/sim"
	"momentcast/internal/localpg"
	"momentcast/internal/postgres/postgrestest"
)

// execute runs a statement behind the service's back.
func execute(t *testing.T, url, sql string) {
	t.Helper()
	onDatabase(t, url, func(ctx context.Context, c *pgx.Conn) error {
		_, err := c.Exec(ctx, sql)
		return err
	})
}

// query reads one row behind the service's back.
func query(t *testing.T, url, sql string, dest ...any) {
	t.Helper()
	onDatabase(t, url, func(ctx context.Context, c *pgx.Conn) error { return c.QueryRow(ctx, sql).Scan(dest...) })
}

func onDatabase(t *testing.T, url string, do func(context.Context, *pgx.Conn) error) {
	t.Helper()
	ctx, done := context.WithTimeout(context.Background(), patience)
	defer done()
	c, err := pgx.Connect(ctx, url)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close(ctx) }()
	if err := do(ctx, c); err != nil {
		t.Fatal(err)
	}
}

// kill ends a database as a power cut does.
func kill(t *testing.T, srv *localpg.Server) {
	t.Helper()
	if err := syscall.Kill(srv.PID(), syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	<-srv.Done()
}

func revive(t *testing.T, srv *localpg.Server) {
	t.Helper()
	ctx, done := context.WithTimeout(context.Background(), patience)
	defer done()
	if err := srv.Restart(ctx, true); err != nil {
		t.Fatal(err)
	}
}

// Without its database the service lives, says what is missing, and begins by
// itself when the database is there.
func TestDatabaseAwayAtStart(t *testing.T) {
	t.Parallel()
	srv, url := postgrestest.Private(t)
	kill(t, srv)
	_, gw := gatewayFor(t, sim.Config{})
	r := start(t, config(url, gw.URL))

	if status, _ := r.ask(http.MethodGet, "/healthz", nil); status != http.StatusOK {
		t.Errorf("/healthz: %d", status)
	}
	eventually(t, "readiness names the database", func() bool {
		status, got := r.ready()
		return status == http.StatusServiceUnavailable && got.Status == "not_ready" && got.failing("database") != ""
	})
	if status, body := r.ask(http.MethodGet, "/api/v1/status", nil); status != http.StatusServiceUnavailable || !strings.Contains(string(body), "starting") {
		t.Errorf("the API: %d %s", status, body)
	}
	if m := r.metrics(); !has(m, "momentcast_database_up 0") {
		t.Error("metrics do not say that the database is away")
	}

	revive(t, srv)
	r.becomesReady()
	r.becomesSent(r.add(r.register(account), "https://example.com/p/after-all"))
}

// A database that goes away in the middle of a send takes the result when it is
// back, and nothing is sent twice.
func TestDatabaseLostMidSend(t *testing.T) {
	t.Parallel()
	srv, url := postgrestest.Private(t)
	s, gw := gatewayFor(t, sim.Config{})
	r := start(t, config(url, gw.URL))
	r.becomesReady()
	instance := r.register(account)
	s.SetLatency(time.Second, 0)
	id := r.add(instance, "https://example.com/p/cut")
	eventually(t, "call under way", func() bool { return len(s.Truth()) == 1 })
	kill(t, srv)
	eventually(t, "readiness names the database", func() bool {
		status, got := r.ready()
		return status == http.StatusServiceUnavailable && got.failing("database") != ""
	})
	s.SetLatency(0, 0)
	revive(t, srv)
	r.becomesSent(id)
	r.becomesReady()
	r.becomesSent(r.add(instance, "https://example.com/p/next"))
	if n := len(s.Truth()); n != 2 {
		t.Errorf("the gateway has %d posts", n)
	}
}

// Without the gateway the service serves, says so, and holds what is due until
// the gateway is there.
func TestGatewayAwayAtStart(t *testing.T) {
	t.Parallel()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := ln.Addr().String()
	if err := ln.Close(); err != nil { // what will be the gateway's address refuses
		t.Fatal(err)
	}
	url := postgrestest.URL(t)
	r := start(t, config(url, "http://"+addr))
	eventually(t, "readiness names the gateway", func() bool {
		status, got := r.ready()
		return status == http.StatusServiceUnavailable && strings.Contains(got.failing("gateway"), "never answered") && got.failing("database") == ""
	})

	s, err := sim.New(sim.Config{Token: gatewayToken, Accounts: []sim.Account{{WcID: account, OnlineFor: 100 * time.Hour}}})
	if err != nil {
		t.Fatal(err)
	}
	var lc net.ListenConfig
	if ln, err = lc.Listen(t.Context(), "tcp", addr); err != nil {
		t.Fatal(err)
	}
	gw := &http.Server{Handler: s.Handler(), ReadHeaderTimeout: patience}
	go func() { _ = gw.Serve(ln) }()
	t.Cleanup(func() {
		_ = s.Close()
		_ = gw.Close()
	})
	r.becomesReady()
	r.becomesSent(r.add(r.register(account), "https://example.com/p/late-gateway"))
}

// A token that the gateway does not accept is said, not only counted.
func TestGatewayRefusesToken(t *testing.T) {
	t.Parallel()
	_, gw := gatewayFor(t, sim.Config{})
	cfg := config(postgrestest.URL(t), gw.URL)
	cfg.Gateway.Token = "not-the-token"
	r := start(t, cfg)
	eventually(t, "readiness names the token", func() bool {
		_, got := r.ready()
		return strings.Contains(got.failing("gateway"), "token")
	})
}

// What waiting cannot cure ends the service, with a sentence.
func TestDatabaseRefusesUs(t *testing.T) {
	t.Parallel()
	_, gw := gatewayFor(t, sim.Config{})
	for name, tt := range map[string]struct{ url, want string }{
		"malformed":   {"postgres://u:hunter2@127.0.0.1:port/db", "MOMENTCAST_DATABASE_URL"},
		"no database": {withName(t, postgrestest.URL(t), "no_such_database"), "create the database"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := runToEnd(t, config(tt.url, gw.URL))
			if err == nil || !strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), "hunter2") {
				t.Errorf("error: %v", err)
			}
		})
	}
}

// With no database set, the service runs its own; one that dies is started again.
func TestOwnDatabase(t *testing.T) {
	t.Parallel()
	s, gw := gatewayFor(t, sim.Config{})
	cfg := config("", gw.URL)
	cfg.DataDir = dataDir(t)
	r := start(t, cfg)
	r.becomesReady()
	instance := r.register(account)
	r.becomesSent(r.add(instance, "https://example.com/p/own"))

	url, err := app.RunningDatabase(cfg.DataDir)
	if err != nil {
		t.Fatal(err)
	}
	list, err := app.ListTokens(t.Context(), url)
	if err != nil || len(list) != 1 {
		t.Errorf("tokens of the running database: %v, %v", list, err)
	}
	var pid int
	query(t, url.Reveal(), `SELECT split_part(pg_read_file('postmaster.pid'), E'\n', 1)::int`, &pid)
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the API is back", func() bool {
		status, _ := r.ask(http.MethodGet, "/api/v1/status", nil)
		return status == http.StatusOK
	})
	r.becomesSent(r.add(instance, "https://example.com/p/again"))
	r.end()
	if n := len(s.Truth()); n != 2 {
		t.Errorf("the gateway has %d posts", n)
	}
	if _, err := app.RunningDatabase(cfg.DataDir); err == nil {
		t.Error("the database outlives the service")
	}
}

// A lost login that the gateway reports is noticed at once, not at the next look.
func TestLostLoginIsReported(t *testing.T) {
	t.Parallel()
	s, gw := gatewayFor(t, sim.Config{})
	url := postgrestest.URL(t)
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	cfg := config(url, gw.URL)
	cfg.Addr = ln.Addr().String()
	cfg.PublicURL = "http://" + cfg.Addr + "/"
	cfg.LookEvery = 5 * time.Minute
	if err := ln.Close(); err != nil {
		t.Fatal(err)
	}
	r := start(t, cfg)
	r.becomesReady()
	r.register(account)
	var secret string
	query(t, url, `SELECT callback_secret FROM settings`, &secret)
	eventually(t, "callback registered", func() bool {
		for _, c := range s.Calls() {
			if c.Path == "/setHttpCallbackUrl" {
				return strings.Contains(c.Body, `"`+"http://"+cfg.Addr+"/gateway/callback/"+secret+`"`)
			}
		}
		return false
	})
	s.SetOffline(account, true)
	eventually(t, "the instance is held", func() bool {
		var missing bool
		query(t, url, `SELECT missing_since IS NOT NULL OR NOT online FROM instances`, &missing)
		return missing
	})
}

// A database that a newer version has migrated is not touched.
func TestNewerSchemaIsRefused(t *testing.T) {
	t.Parallel()
	_, gw := gatewayFor(t, sim.Config{})
	url := postgrestest.URL(t)
	execute(t, url, `INSERT INTO goose_db_version (version_id, is_applied) VALUES (99999, true)`)
	if err := runToEnd(t, config(url, gw.URL)); err == nil || !strings.Contains(err.Error(), "newer version") {
		t.Errorf("error: %v", err)
	}
}
