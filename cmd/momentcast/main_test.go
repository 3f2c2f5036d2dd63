package main

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"momentcast/internal/app"
)

// command runs a command line without a service.
func command(t *testing.T, args ...string) (stdout, stderr string, code int) {
	t.Helper()
	var out, errs bytes.Buffer
	ctx, done := context.WithTimeout(t.Context(), 30*time.Second)
	defer done()
	code = run(ctx, args, &out, &errs)
	if ctx.Err() != nil {
		t.Fatal("still runs")
	}
	return out.String(), errs.String(), code
}

// parseServe reads a command line and the environment as serve does.
func parseServe(t *testing.T, args ...string) (app.Config, error) {
	t.Helper()
	unsetEmpty()
	var c cli
	parser, err := c.parser(t.Context(), &console{out: io.Discard, err: io.Discard})
	if err != nil {
		t.Fatal(err)
	}
	_, err = parser.Parse(append([]string{"serve"}, args...))
	return c.Serve.config(), err
}

func secretIn(t *testing.T, content string) (path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestHelpNamesEverySetting(t *testing.T) {
	for _, cmd := range []string{"serve", "demo", "sim", "doctor", "health", "migrate", "token", "post", "instance", "pause", "resume", "status", "bench", "version"} {
		if out, _, code := command(t, cmd, "--help"); code != 0 || !strings.Contains(out, "Usage: momentcast "+cmd) {
			t.Errorf("%s --help: %d %s", cmd, code, out)
		}
	}
	out, _, _ := command(t, "serve", "--help")
	for _, name := range []string{
		"ADDR", "DATABASE_URL", "DATA_DIR", "GATEWAY_URL", "GATEWAY_TOKEN", "GATEWAY_ACCOUNT", "GATEWAY_PASSWORD", "GATEWAY_TIMEOUT",
		"ONLINE_AGE", "MAX_LATENESS", "MIN_GAP", "DAILY_CAP", "QUIET_HOURS", "CONCURRENCY", "LEASE", "TIME_ZONE",
		"BOOTSTRAP_TOKEN", "LOG_LEVEL", "LOG_FORMAT",
		"RELOGIN_KEEPS", "AUTO_RESEND", "REQUIRE_APPROVAL", "REPLICA", "PUBLIC_URL", "GRACE", "LOOK_EVERY",
	} {
		if !strings.Contains(out, "$MOMENTCAST_"+name) {
			t.Errorf("MOMENTCAST_%s is not in the help", name)
		}
		if flag := "--" + strings.ToLower(strings.ReplaceAll(name, "_", "-")); !strings.Contains(strings.ReplaceAll(out, "--[no-]", "--"), flag) {
			t.Errorf("%s is not in the help", flag)
		}
	}
}

func TestSettingsFromTheEnvironment(t *testing.T) {
	t.Setenv("MOMENTCAST_ADDR", "127.0.0.1:9")
	t.Setenv("MOMENTCAST_GATEWAY_URL", "http://gateway:9899")
	t.Setenv("MOMENTCAST_MIN_GAP", "0")
	t.Setenv("MOMENTCAST_ONLINE_AGE", "") // as compose passes on what is not set
	t.Setenv("MOMENTCAST_QUIET_HOURS", "")
	t.Setenv("MOMENTCAST_AUTO_RESEND", "true")
	t.Setenv("MOMENTCAST_CONCURRENCY", "7")
	cfg, err := parseServe(t, "--concurrency=8", "--no-require-approval", "--daily-cap=0")
	if err != nil {
		t.Fatal(err)
	}
	p := cfg.Pacing
	switch {
	case cfg.Addr != "127.0.0.1:9", cfg.Gateway.URL != "http://gateway:9899", cfg.Gateway.Timeout != time.Minute, cfg.Grace != 4*time.Second:
		t.Errorf("config: %+v", cfg)
	case cfg.Concurrency != 8:
		t.Errorf("concurrency %d: a flag wins", cfg.Concurrency)
	case p.MinGap == nil || *p.MinGap != 0, p.DailyCap == nil || *p.DailyCap != 0:
		t.Error("a zero that is given switches off")
	case p.QuietHours == nil || *p.QuietHours != "":
		t.Error("empty quiet hours mean none")
	case p.OnlineAge != nil, p.MaxLateness != nil, p.TimeZone != nil, p.ReloginKeeps != nil:
		t.Error("what is not given stays as it is")
	case p.AutoResend == nil || !*p.AutoResend, p.RequireApproval == nil || *p.RequireApproval:
		t.Error("switches")
	}
}

// A zero does not quietly mean the default.
func TestZeroIsNotTheDefault(t *testing.T) {
	for name, value := range map[string]string{
		"MOMENTCAST_CONCURRENCY": "0", "MOMENTCAST_GATEWAY_TIMEOUT": "0s", "MOMENTCAST_LOOK_EVERY": "0", "MOMENTCAST_GRACE": "0s", "MOMENTCAST_LEASE": "0s",
	} {
		t.Run(name, func(t *testing.T) {
			t.Setenv(name, value)
			if _, err := parseServe(t); err == nil || !strings.Contains(err.Error(), name) {
				t.Errorf("%s=%s: %v", name, value, err)
			}
		})
	}
}

func TestSecretsFromFiles(t *testing.T) {
	t.Setenv("MOMENTCAST_GATEWAY_TOKEN_FILE", secretIn(t, "token\n"))
	t.Setenv("MOMENTCAST_GATEWAY_PASSWORD_FILE", secretIn(t, " pass word \r\n"))
	t.Setenv("MOMENTCAST_DATABASE_URL_FILE", secretIn(t, "postgres://u:p@h/d"))
	t.Setenv("MOMENTCAST_BOOTSTRAP_TOKEN", "bootstrap")
	cfg, err := parseServe(t)
	if err != nil {
		t.Fatal(err)
	}
	for got, want := range map[app.Secret]string{
		cfg.Gateway.Token: "token", cfg.Gateway.Password: " pass word ", cfg.DatabaseURL: "postgres://u:p@h/d", cfg.BootstrapToken: "bootstrap",
	} {
		if got.Reveal() != want {
			t.Errorf("%q, want %q", got.Reveal(), want)
		}
	}
	if cfg, err = parseServe(t, "--gateway-token=flag"); err != nil || cfg.Gateway.Token != "flag" {
		t.Errorf("a flag wins: %q, %v", cfg.Gateway.Token.Reveal(), err)
	}
	t.Setenv("MOMENTCAST_GATEWAY_TOKEN", "hunter2")
	if _, err := parseServe(t); err == nil || !strings.Contains(err.Error(), "both set") || strings.Contains(err.Error(), "hunter2") {
		t.Errorf("two sources: %v", err)
	}
	t.Setenv("MOMENTCAST_GATEWAY_TOKEN", "")
	t.Setenv("MOMENTCAST_GATEWAY_TOKEN_FILE", "/no/such/file")
	if _, err := parseServe(t); err == nil || !strings.Contains(err.Error(), "MOMENTCAST_GATEWAY_TOKEN_FILE") {
		t.Errorf("no file: %v", err)
	}
	t.Setenv("MOMENTCAST_GATEWAY_TOKEN_FILE", secretIn(t, strings.Repeat("x", maxSecret+1)))
	if _, err := parseServe(t); err == nil || !strings.Contains(err.Error(), "does not look like a secret") {
		t.Errorf("the wrong file: %v", err)
	}
}

// Errors are one line that says what to do.
func TestErrorsAreOneLine(t *testing.T) {
	for name, tt := range map[string]struct {
		args []string
		want []string
	}{
		"no gateway":    {[]string{"serve"}, []string{"MOMENTCAST_GATEWAY_URL is not set", "MOMENTCAST_GATEWAY_TOKEN is not set"}},
		"unknown flag":  {[]string{"serve", "--adr=x"}, []string{"unknown flag", "--addr"}},
		"bad duration":  {[]string{"serve", "--min-gap=15"}, []string{"--min-gap"}},
		"open sim":      {[]string{"sim", "--addr=:9090"}, []string{"--public"}},
		"unknown fault": {[]string{"sim", "--fault=hangs=0.1"}, []string{`"hangs"`}},
		"no database":   {[]string{"token", "list", "--data-dir=/no/such/dir"}, []string{"MOMENTCAST_DATABASE_URL"}},
		"database down": {[]string{"token", "list", "--database-url=postgres://u:hunter2@127.0.0.1:1/d"}, []string{"MOMENTCAST_DATABASE_URL"}},
		"no service":    {[]string{"health", "--addr=127.0.0.1:1"}, []string{"no momentcast answers"}},
		"down":          {[]string{"migrate", "down", "--database-url=postgres://u:hunter2@127.0.0.1:1/d"}, []string{"--yes"}},
	} {
		t.Run(name, func(t *testing.T) {
			_, errs, code := command(t, tt.args...)
			if code != 1 || strings.Count(errs, "\n") != 1 || !strings.HasPrefix(errs, "momentcast: ") || strings.Contains(errs, "hunter2") {
				t.Errorf("%d %s", code, errs)
			}
			for _, want := range tt.want {
				if !strings.Contains(errs, want) {
					t.Errorf("no %q in %s", want, errs)
				}
			}
		})
	}
}

// A misspelt limit that is silently not there would be found out by what it
// lets through.
func TestMisspeltSettingsAreNoticed(t *testing.T) {
	var c cli
	parser, err := c.parser(t.Context(), &console{out: io.Discard, err: io.Discard})
	if err != nil {
		t.Fatal(err)
	}
	got := unknownSettings([]string{
		"MOMENTCAST_DAILY_CAPS=1", "MOMENTCAST_MIN_GAP_FILE=/x", // a secret only comes from a file
		"MOMENTCAST_MIN_GAP=1m", "MOMENTCAST_GATEWAY_TOKEN_FILE=/x", "MOMENTCAST_TOKEN=x", "MOMENTCAST_LOG_LEVEL=info",
		"MOMENTCAST_BOOTSTRAP_ADMIN=x", "MOMENTCAST_SECRET_KEY_FILE=/x", "MOMENTCAST_TEST_DATABASE_URL=x",
		"MOMENTCAST_SERVICE_HOST=10.0.0.1", "MOMENTCAST_PORT_8080_TCP=tcp://10.0.0.1:8080", "MOMENTCAST_PORT=x", // Kubernetes sets these
		"HOME=/root",
	}, parser.Model)
	if want := []string{"MOMENTCAST_DAILY_CAPS", "MOMENTCAST_MIN_GAP_FILE"}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}

func TestVersion(t *testing.T) {
	if out, _, code := command(t, "version"); code != 0 || !strings.HasPrefix(out, "momentcast dev (go1.") {
		t.Errorf("%d %s", code, out)
	}
}

func TestHealthAsksTheService(t *testing.T) {
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/healthz" {
			_, _ = io.WriteString(w, `{"status":"ok"}`)
			return
		}
		w.WriteHeader(http.StatusTeapot)
	}))
	defer srv.Close()
	_, port, _ := strings.Cut(strings.TrimPrefix(srv.URL, "http://"), ":")
	for _, addr := range []string{"127.0.0.1:" + port, ":" + port, "0.0.0.0:" + port} {
		if out, errs, code := command(t, "health", "--addr", addr); code != 0 || !strings.Contains(out, "ok") {
			t.Errorf("%s: %d %s %s", addr, code, out, errs)
		}
	}
}

func TestDoctorFailsWithACode(t *testing.T) {
	out, errs, code := command(t, "doctor", "--json", "--database-url=postgres://u:p@127.0.0.1:1/d")
	var report struct {
		Findings []struct {
			Subject, Level, Message string
			NextStep                string `json:"next_step"`
		}
	}
	if err := json.Unmarshal([]byte(out), &report); err != nil || code != 1 || errs != "" {
		t.Fatalf("%d, %v: %s %s", code, err, out, errs)
	}
	for _, f := range report.Findings {
		if f.Level != "fail" || f.NextStep == "" {
			t.Errorf("%+v", f)
		}
	}
	if len(report.Findings) != 2 {
		t.Errorf("%+v, want database and gateway", report)
	}
	if out, _, code := command(t, "doctor", "--data-dir=/no/such/dir"); code != 1 || !strings.Contains(out, "→") {
		t.Errorf("for people: %d %s", code, out)
	}
}

// The first signal asks to stop, the second one does not wait.
func TestSignals(t *testing.T) {
	signals := make(chan os.Signal, 2)
	signals <- syscall.SIGTERM
	if code := supervise(signals, func(ctx context.Context) int { <-ctx.Done(); return 0 }); code != 0 {
		t.Errorf("one signal: exit code %d", code)
	}
	hangs := make(chan struct{})
	defer close(hangs)
	signals <- os.Interrupt
	signals <- os.Interrupt
	if code := supervise(signals, func(context.Context) int { <-hangs; return 0 }); code != exitInterrupted {
		t.Errorf("two signals: exit code %d", code)
	}
	if code := supervise(signals, func(context.Context) int { return 3 }); code != 3 {
		t.Errorf("no signal: exit code %d", code)
	}
}
