package main

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// stub is a service that answers what it is told and keeps what it was asked.
type stub struct {
	t       *testing.T
	url     string
	answers map[string]string // "POST /posts" → body
	asked   []string
	keys    []string
}

func newStub(t *testing.T, answers map[string]string) *stub {
	t.Helper()
	s := &stub{t: t, answers: answers}
	srv := httptest.NewServer(s)
	t.Cleanup(srv.Close)
	s.url = srv.URL
	return s
}

func (s *stub) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	b, _ := io.ReadAll(r.Body)
	call := r.Method + " " + strings.TrimPrefix(r.URL.Path, "/api/v1")
	s.asked = append(s.asked, strings.TrimSpace(call+" "+r.URL.RawQuery+string(b)))
	s.keys = append(s.keys, r.Header.Get("Idempotency-Key"))
	answer, ok := s.answers[call]
	if !ok || r.Header.Get("Authorization") != "Bearer mc_test" {
		w.Header().Set("Content-Type", "application/problem+json")
		w.WriteHeader(http.StatusConflict)
		_, _ = io.WriteString(w, `{"status":409,"code":"conflict","detail":"No."}`)
		return
	}
	_, _ = io.WriteString(w, answer)
}

// run runs a command line against the stub.
func (s *stub) run(args ...string) (out string, code int) {
	s.t.Helper()
	var stdout, stderr bytes.Buffer
	code = run(s.t.Context(), append(args, "--server", s.url, "--token", "mc_test"), &stdout, &stderr)
	return stdout.String() + stderr.String(), code
}

const (
	stubPost     = `{"id":7,"state":"scheduled","due_at":"2027-01-01T00:00:00Z","title":"T\u001b[2J","hold":{"reason":"gap","message":"It waits."},"actions":["edit"],"wc_id":"wxid_one"}`
	stubInstance = `{"id":3,"wc_id":"wxid_one","online":true,"groups":["a"],"pacing":{"daily_cap":3}}`
)

func TestPostCommands(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "posts.json")
	if err := os.WriteFile(file, []byte(` [{"title":"a"},{"title":"b"}] `), 0o600); err != nil {
		t.Fatal(err)
	}
	answers := map[string]string{
		"POST /posts/check": `{"ok":false,"findings":[{"severity":"warn","field":"title","en":"x"}],"departures":[{"wc_id":"wxid_one","due_at":"2027-01-01T00:00:00Z","leaves_at":null,"why":"gap","missed":true,"clashes":[{"kind":"daily_cap","post_id":null,"at":"2027-01-01T00:00:00Z","count":2,"limit":1}]}]}`,
		"POST /posts":       stubPost, "POST /posts/batch": `{"ids":[7,8]}`, "GET /posts": `{"items":[` + stubPost + `],"next_cursor":"NEXT"}`, "GET /posts/7": stubPost,
		"POST /posts/7/cancel": stubPost, "POST /posts/7/retry": stubPost, "POST /posts/7/send-now": stubPost, "POST /posts/7/reschedule": stubPost,
		"POST /posts/7/resolve": stubPost, "POST /posts/7/recall": stubPost,
		"GET /instances": `{"items":[` + stubInstance + `],"next_cursor":null}`,
	}
	for name, tt := range map[string]struct {
		args  []string
		asked []string
		out   string
	}{
		"add": {
			[]string{"post", "add", "-i", "3", "-c", "text", "-t", "title", "-u", "https://e.x", "--thumb-url", "https://e.x/j", "--allow", "wxid_a,wxid_b", "--allow-label", "4", "-d", "2027-01-01T08:00:00+08:00", "--max-lateness", "1h"},
			[]string{`POST /posts {"content":"text","due_at":"2027-01-01T08:00:00+08:00","instance_id":3,"max_lateness":"1h","thumb_url":"https://e.x/j","title":"title","url":"https://e.x","visibility":{"labels":["4"],"mode":"allow","users":["wxid_a","wxid_b"]}}`},
			"post 7 is scheduled",
		},
		"add draft": {[]string{"post", "add", "-i", "wxid_one", "--everyone", "--draft"}, []string{`POST /posts {"draft":true,"visibility":{"mode":"everyone"},"wc_id":"wxid_one"}`}, "It waits."},
		"add file":  {[]string{"post", "add", "-f", file}, []string{`POST /posts/batch {"posts":[{"title":"a"},{"title":"b"}]}`}, "7\n8\n"},
		"list":      {[]string{"post", "list", "-s", "sent,failed", "-i", "wxid_one", "--asc", "-n", "5"}, []string{"GET /instances wc_id=wxid_one", "GET /posts instance_id=3&limit=5&order=due_asc&state=sent%2Cfailed"}, "more: --cursor=NEXT"},
		"show":      {[]string{"post", "show", "7"}, []string{"GET /posts/7"}, "It waits."},
		"check": {[]string{"post", "check", "-i", "3", "--title", "t", "--also", "4,5", "--stagger", "2m"},
			[]string{`POST /posts/check {"instance_id":3,"instance_ids":[4,5],"stagger":"2m","title":"t"}`}, "would be missed (gap)\n      2 posts on that day, the cap is 1"},
		"cancel":   {[]string{"post", "cancel", "7", "--reason", "sold out"}, []string{`POST /posts/7/cancel {"reason":"sold out"}`}, "post 7"},
		"retry":    {[]string{"post", "retry", "7"}, []string{"POST /posts/7/retry"}, "post 7"},
		"send now": {[]string{"post", "send-now", "7"}, []string{"POST /posts/7/send-now"}, "post 7"},
		"new time": {[]string{"post", "reschedule", "7", "2027-01-01T08:00:00+08:00"}, []string{`POST /posts/7/reschedule {"due_at":"2027-01-01T08:00:00+08:00"}`}, "post 7"},
		"resolve":  {[]string{"post", "resolve", "7", "sent", "--moment-id", "13367129656153944194"}, []string{`POST /posts/7/resolve {"moment_id":"13367129656153944194","outcome":"sent"}`}, "post 7"},
		"recall":   {[]string{"post", "recall", "7", "delete"}, []string{`POST /posts/7/recall {"mode":"delete"}`}, "post 7"},
		"as JSON":  {[]string{"post", "show", "7", "--json"}, []string{"GET /posts/7"}, "\n  \"id\": 7,\n"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newStub(t, answers)
			out, code := s.run(tt.args...)
			if code != 0 || !strings.Contains(out, tt.out) {
				t.Errorf("exit %d: %s", code, out)
			}
			if d := cmp.Diff(tt.asked, s.asked); d != "" {
				t.Error(d)
			}
			if strings.Contains(out, "\x1b") {
				t.Error("a title steers the terminal")
			}
		})
	}
}

func TestHistoryCommands(t *testing.T) {
	t.Parallel()
	s := newStub(t, map[string]string{
		"GET /posts": `{"items":[` + stubPost + `],"next_cursor":null}`, "GET /history/export": "id\r\n7\r\n", "GET /instances": `{"items":[` + stubInstance + `],"next_cursor":null}`,
		"GET /stats/daily": `{"time_zone":"Asia/Shanghai","items":[{"day":"2026-11-21","posts":{"sent":3,"failed":1},"measured":2,"lateness_p50_ms":5,"lateness_p99_ms":40}]}`,
	})
	file := filepath.Join(t.TempDir(), "posts.XLSX")
	for _, tt := range []struct {
		asked, out string
		args       []string
	}{
		{"GET /posts limit=2&q=tea&source=web", "scheduled", []string{"history", "list", "-q", "tea", "--source", "web", "-n", "2"}},
		{"GET /history/export columns=id%2Cstate&state=sent", "id\r\n7\r\n", []string{"history", "export", "-s", "sent", "--columns", "id,state"}},
		{"GET /posts campaign_id=4&limit=2", "scheduled", []string{"history", "list", "--campaign", "4", "-n", "2"}},
		{"GET /history/export campaign_id=4", "id\r\n7\r\n", []string{"history", "export", "--campaign", "4"}},
		{"GET /history/export format=xlsx", "", []string{"history", "export", "-o", file}},
		{"GET /stats/daily from=2026-11-21&instance_id=3", "1 failed, 3 sent", []string{"history", "days", "--from", "2026-11-21", "-i", "wxid_one"}},
	} {
		out, code := s.run(tt.args...)
		if code != 0 || !strings.Contains(out, tt.out) || s.asked[len(s.asked)-1] != tt.asked {
			t.Errorf("%q: exit %d, asked %q: %s", tt.args, code, s.asked[len(s.asked)-1], out)
		}
	}
	if b, err := os.ReadFile(file); err != nil || string(b) != "id\r\n7\r\n" {
		t.Errorf("%q, %v", b, err)
	}
	if out, code := s.run("history", "export", "-o", file); code == 0 {
		t.Errorf("a file was written over: %s", out)
	}
}

// TestHalfAnExportDoesNotStay cuts the connection in the middle of the file.
func TestHalfAnExportDoesNotStay(t *testing.T) {
	t.Parallel()
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, "id\r\n1\r\n")
		_ = http.NewResponseController(w).Flush()
		panic(http.ErrAbortHandler)
	}))
	t.Cleanup(srv.Close)
	s := &stub{t: t, url: srv.URL}
	file := filepath.Join(t.TempDir(), "posts.csv")
	if out, code := s.run("history", "export", "-o", file); code != 1 || !strings.Contains(out, "not whole") {
		t.Errorf("exit %d: %s", code, out)
	}
	if _, err := os.Stat(file); !os.IsNotExist(err) {
		t.Errorf("it is still there: %v", err)
	}
}

func TestInstanceAndControlCommands(t *testing.T) {
	t.Parallel()
	answers := map[string]string{
		"POST /instances": stubInstance, "GET /instances": `{"items":[` + stubInstance + `],"next_cursor":null}`, "GET /instances/3": stubInstance, "PATCH /instances/3": stubInstance,
		"POST /instances/sync": `{"online":2,"added":1}`, "POST /pause": `{"paused":true,"reason":"why","by":"me","since":"2026-01-01T00:00:00Z"}`, "POST /resume": `{"paused":false}`,
		"GET /status": `{"paused":{"paused":false},"gateway":{"down_since":"2026-01-01T00:00:00Z","error":"refused"},"replicas":[{"name":"r1","heartbeat_age_ms":1500}],"posts":{"failed":2},"overdue":4,"due_held":{"gap":1}}`,
	}
	for name, tt := range map[string]struct {
		args  []string
		asked []string
		out   string
	}{
		"add": {[]string{"instance", "add", "wxid_one", "--name", "n", "--group", "a,b", "--w-id", "w", "--online-since", "2026-01-01T00:00:00Z", "--daily-cap", "0", "--min-gap", "5m"},
			[]string{`POST /instances {"daily_cap":0,"groups":["a","b"],"min_gap":"5m","name":"n","online_since":"2026-01-01T00:00:00Z","w_id":"w","wc_id":"wxid_one"}`}, "wxid_one"},
		"list":   {[]string{"instance", "list", "--online", "true"}, []string{"GET /instances limit=200&online=true"}, "0/3"},
		"show":   {[]string{"instance", "show", "wxid_one"}, []string{"GET /instances wc_id=wxid_one", "GET /instances/3"}, "online"},
		"pause":  {[]string{"instance", "pause", "3", "new phone"}, []string{`PATCH /instances/3 {"paused":true,"paused_reason":"new phone"}`}, "instance"},
		"resume": {[]string{"instance", "resume", "3"}, []string{`PATCH /instances/3 {"paused":false}`}, "instance"},
		"set": {[]string{"instance", "set", "3", "--matured-at", "default", "--min-gap", "default", "--daily-cap", "default", "--quiet-hours", "", "--online-age", "24h"},
			[]string{`PATCH /instances/3 {"daily_cap":null,"matured_at":null,"min_gap":null,"online_age":"24h","quiet_hours":""}`}, "instance"},
		"sync":       {[]string{"instance", "sync"}, []string{"POST /instances/sync"}, "1 are new"},
		"pause all":  {[]string{"pause", "why"}, []string{`POST /pause {"reason":"why"}`}, "by me: why"},
		"resume all": {[]string{"resume", "--overdue", "miss"}, []string{`POST /resume {"overdue":"miss"}`}, "Posts are sent."},
		"status":     {[]string{"status"}, []string{"GET /status"}, "refused"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newStub(t, answers)
			out, code := s.run(tt.args...)
			if code != 0 || !strings.Contains(out, tt.out) {
				t.Errorf("exit %d: %s", code, out)
			}
			if d := cmp.Diff(tt.asked, s.asked); d != "" {
				t.Error(d)
			}
		})
	}
}

func TestClientErrors(t *testing.T) {
	t.Parallel()
	s := newStub(t, map[string]string{"POST /posts": stubPost, "POST /posts/7/retry": stubPost, "GET /instances": `{"items":[]}`})
	for name, tt := range map[string]struct {
		args []string
		want string
	}{
		"allow and deny":     {[]string{"post", "add", "--allow", "a", "--deny", "b"}, "say one of"},
		"everyone and deny":  {[]string{"post", "add", "--everyone", "--deny-label", "3"}, "say one of"},
		"a time in words":    {[]string{"post", "add", "-d", "tomorrow"}, "RFC 3339"},
		"a span in words":    {[]string{"post", "reschedule", "7", "+soon"}, "+90m"},
		"an unknown account": {[]string{"instance", "show", "wxid_none"}, "no instance wxid_none"},
		"no file":            {[]string{"post", "add", "-f", "/none/at/all"}, "no such file"},
		"the service's no":   {[]string{"post", "show", "9"}, "No."},
		"some of many":       {[]string{"post", "retry", "8", "7", "9"}, "post 8: No.; post 9: No."},
		"an outcome":         {[]string{"post", "resolve", "7", "perhaps"}, "must be one of"},
	} {
		if out, code := s.run(tt.args...); code == 0 || !strings.Contains(out, tt.want) {
			t.Errorf("%s: exit %d: %s", name, code, out)
		}
	}
	var out bytes.Buffer
	if code := run(t.Context(), []string{"status", "--server", s.url}, &out, &out); code == 0 || !strings.Contains(out.String(), "MOMENTCAST_TOKEN") {
		t.Errorf("exit %d: %s", code, &out)
	}
}

func TestAddIsRepeatable(t *testing.T) {
	t.Parallel()
	s := newStub(t, map[string]string{"POST /posts": stubPost})
	s.run("post", "add", "--draft")
	s.run("post", "add", "--draft")
	s.run("post", "add", "--draft", "--idempotency-key", "mine")
	if len(s.keys) != 3 || s.keys[0] == "" || s.keys[0] == s.keys[1] || s.keys[2] != "mine" {
		t.Errorf("keys %q", s.keys)
	}
}

func TestTimesFromNowOn(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]time.Duration{"now": 0, "+90m": 90 * time.Minute} {
		s, err := parseTime(in)
		if err != nil {
			t.Fatal(err)
		}
		var got time.Time
		if err := json.Unmarshal([]byte(`"`+s+`"`), &got); err != nil {
			t.Fatal(err)
		}
		if d := time.Until(got) - want; d < -time.Minute || d > time.Second {
			t.Errorf("%s is %s", in, s)
		}
	}
}
