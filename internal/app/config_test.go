package app_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"momentcast/internal/app"
	"momentcast/internal/gateway/sim"
	"momentcast/internal/localpg"
	"momentcast/internal/postgres/postgrestest"
)

// runToEnd runs a service that is to end by itself.
func runToEnd(t *testing.T, cfg app.Config) error {
	t.Helper()
	ctx, done := context.WithTimeout(context.Background(), patience)
	defer done()
	err := app.Run(ctx, cfg, zerolog.New(zerolog.NewTestWriter(t)), func(net.Addr) {})
	if ctx.Err() != nil {
		t.Fatal("still runs")
	}
	return err
}

// withName is the same server, another database.
func withName(t *testing.T, address, name string) string {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	u.Path = "/" + name
	return u.String()
}

// dataDir is a directory that a PostgreSQL of our own can live in.
func dataDir(t *testing.T) string {
	t.Helper()
	dir, err := localpg.MkdirTemp("momentcast-app-test-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { removeAll(t, dir) })
	return dir
}

func TestConfigNamesWhatIsWrong(t *testing.T) {
	t.Parallel()
	good := func() app.Config {
		return app.Config{Gateway: app.Gateway{URL: "http://127.0.0.1:1", Token: "t"}}
	}
	for name, tt := range map[string]struct {
		spoil func(*app.Config)
		want  []string
	}{
		"nothing":        {func(*app.Config) {}, nil},
		"no gateway":     {func(c *app.Config) { c.Gateway = app.Gateway{} }, []string{"MOMENTCAST_GATEWAY_URL is not set", "MOMENTCAST_GATEWAY_TOKEN is not set"}},
		"no password":    {func(c *app.Config) { c.Gateway.Token, c.Gateway.Account = "", "a" }, []string{"MOMENTCAST_GATEWAY_PASSWORD is not set"}},
		"no account":     {func(c *app.Config) { c.Gateway.Token, c.Gateway.Password = "", "p" }, []string{"MOMENTCAST_GATEWAY_ACCOUNT is not set"}},
		"gateway scheme": {func(c *app.Config) { c.Gateway.URL = "gateway:9899" }, []string{"MOMENTCAST_GATEWAY_URL: must begin"}},
		"address":        {func(c *app.Config) { c.Addr = "8080" }, []string{"MOMENTCAST_ADDR"}},
		"public address": {func(c *app.Config) { c.PublicURL = "example.com" }, []string{"MOMENTCAST_PUBLIC_URL"}},
		"short lease":    {func(c *app.Config) { c.Lease = time.Minute }, []string{"MOMENTCAST_LEASE"}},
		"short token":    {func(c *app.Config) { c.BootstrapToken = "short" }, []string{"MOMENTCAST_BOOTSTRAP_TOKEN"}},
		"concurrency":    {func(c *app.Config) { c.Concurrency = -1 }, []string{"MOMENTCAST_CONCURRENCY"}},
		"look":           {func(c *app.Config) { c.LookEvery = time.Millisecond }, []string{"MOMENTCAST_LOOK_EVERY"}},
		"pacing": {func(c *app.Config) {
			c.Pacing = app.Pacing{
				MinGap: new(-time.Second), OnlineAge: new(-time.Second), MaxLateness: new(1000 * time.Hour), ReloginKeeps: new(-time.Second),
				DailyCap: new(-1), QuietHours: new("night"), TimeZone: new("Local"),
			}
		}, []string{"MOMENTCAST_MIN_GAP", "MOMENTCAST_ONLINE_AGE", "MOMENTCAST_MAX_LATENESS", "MOMENTCAST_RELOGIN_KEEPS",
			"MOMENTCAST_DAILY_CAP", "MOMENTCAST_QUIET_HOURS", "MOMENTCAST_TIME_ZONE"}},
		"zeros": {func(c *app.Config) {
			c.Pacing = app.Pacing{
				MinGap: new(time.Duration(0)), OnlineAge: new(time.Duration(0)), MaxLateness: new(time.Duration(0)), DailyCap: new(0), QuietHours: new(""),
			}
		}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := good()
			tt.spoil(&c)
			err := c.Validate()
			if len(tt.want) == 0 {
				if err != nil {
					t.Errorf("Validate: %v", err)
				}
				return
			}
			for _, want := range tt.want {
				if err == nil || !strings.Contains(err.Error(), want) {
					t.Errorf("Validate: %v, want %q", err, want)
				}
			}
			if n := strings.Count(fmt.Sprint(err), "\n") + 1; n != len(tt.want) {
				t.Errorf("%d errors, want %d: %v", n, len(tt.want), err)
			}
		})
	}
}

func TestSecretDoesNotShow(t *testing.T) {
	t.Parallel()
	cfg := app.Config{DatabaseURL: "postgres://u:hunter2@h/d", Gateway: app.Gateway{Token: "hunter2", Password: "hunter2"}, BootstrapToken: "hunter2"}
	var out bytes.Buffer
	log := zerolog.New(&out)
	log.Info().Interface("cfg", cfg).Stringer("token", cfg.Gateway.Token).Msg("config")
	b, err := json.Marshal(cfg)
	if err != nil {
		t.Fatal(err)
	}
	fmt.Fprintf(&out, "%v %+v %#v %s %q %s", cfg, cfg, cfg, cfg.Gateway.Token, cfg.Gateway.Token, b)
	if strings.Contains(out.String(), "hunter2") {
		t.Errorf("a secret shows in %s", out.String())
	}
	if cfg.Gateway.Token.Reveal() != "hunter2" {
		t.Error("and is lost")
	}
}

func TestAddressInUseIsSaid(t *testing.T) {
	t.Parallel()
	_, gw := gatewayFor(t, sim.Config{})
	cfg := config(postgrestest.URL(t), gw.URL)
	cfg.Addr = strings.TrimPrefix(gw.URL, "http://")
	if err := runToEnd(t, cfg); err == nil || !strings.Contains(err.Error(), "another program") || !strings.Contains(err.Error(), "MOMENTCAST_ADDR") {
		t.Errorf("error: %v", err)
	}
}

// What is open to everybody gives nothing away and takes no orders from other
// sites.
func TestOpenPages(t *testing.T) {
	t.Parallel()
	_, gw := gatewayFor(t, sim.Config{})
	cfg := config(postgrestest.URL(t), gw.URL)
	cfg.Links = []app.Link{{URL: "http://127.0.0.1:9/", Text: "a <b>link</b>"}}
	r := start(t, cfg)
	r.becomesReady()
	for _, path := range []string{"/start", "/start.css", "/login", "/healthz", "/readyz", "/metrics", "/docs", "/openapi.json"} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, r.base+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
		resp, err := client.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		if resp.StatusCode != http.StatusOK {
			t.Errorf("%s: %s", path, resp.Status)
		}
		if csp := resp.Header.Get("Content-Security-Policy"); !strings.Contains(csp, "default-src 'none'") {
			t.Errorf("%s: policy %q", path, csp)
		}
	}
	if _, page := r.ask(http.MethodGet, "/start", nil); strings.Contains(string(page), "<b>") || !strings.Contains(string(page), `href="http://127.0.0.1:9/"`) {
		t.Errorf("start page: %s", page)
	}
	if status, body := r.ask(http.MethodGet, "/api/v1//posts", nil); status != http.StatusNotFound || !strings.Contains(string(body), `"code":"not_found"`) {
		t.Errorf("an unclean path: %d %s", status, body)
	}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, r.base+"/api/v1/pause", strings.NewReader(`{"reason":"x"}`))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Origin", "https://evil.example")
	req.Header.Set("Authorization", "Bearer "+adminToken)
	resp, err := (&http.Client{Transport: &http.Transport{DisableKeepAlives: true}}).Do(req)
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	if resp.StatusCode != http.StatusForbidden {
		t.Errorf("a request of another site: %s", resp.Status)
	}
}

func removeAll(t *testing.T, dir string) {
	t.Helper()
	if err := os.RemoveAll(dir); err != nil {
		t.Error(err)
	}
}
