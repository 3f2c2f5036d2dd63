package app_test

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"momentcast/internal/app"
)

// demo is a demo under test.
type demo struct {
	t           *testing.T
	base, feeds string
	token       string
	stop        context.CancelFunc
	done        chan error
}

var (
	bannerStart = regexp.MustCompile(`start +(http://\S+)/\n`)
	bannerFeeds = regexp.MustCompile(`feeds +(http://\S+)/ `)
	bannerToken = regexp.MustCompile(`token +(mc_\S+)`)
)

func startDemo(t *testing.T, dir string) *demo {
	t.Helper()
	ctx, stop := context.WithCancel(context.Background())
	d := &demo{t: t, stop: stop, done: make(chan error, 1)}
	var out banner
	go func() {
		cfg := app.DemoConfig{Addr: "127.0.0.1:0", SimAddr: "127.0.0.1:0", DataDir: dir, Version: "test"}
		d.done <- app.Demo(ctx, cfg, zerolog.New(zerolog.NewTestWriter(t)), &out)
	}()
	t.Cleanup(func() { d.end() })
	eventually(t, "banner", func() bool {
		select {
		case err := <-d.done:
			d.done <- nil
			t.Fatalf("demo: %v", err)
		default:
		}
		return strings.Contains(out.String(), "Ctrl-C")
	})
	field := func(re *regexp.Regexp) string {
		m := re.FindStringSubmatch(out.String())
		if m == nil {
			t.Fatalf("banner lacks %v:\n%s", re, out.String())
		}
		return m[1]
	}
	d.base, d.feeds, d.token = field(bannerStart), field(bannerFeeds), field(bannerToken)
	return d
}

func (d *demo) end() time.Duration {
	d.t.Helper()
	if d.done == nil {
		return 0
	}
	began := time.Now()
	d.stop()
	select {
	case err := <-d.done:
		if err != nil {
			d.t.Errorf("Demo: %v", err)
		}
	case <-time.After(patience):
		d.t.Error("does not stop")
	}
	d.done = nil
	return time.Since(began)
}

// get returns the answer's body for 200, and "" otherwise.
func (d *demo) get(url string) string {
	d.t.Helper()
	req, err := http.NewRequestWithContext(context.Background(), http.MethodGet, url, nil)
	if err != nil {
		d.t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+d.token)
	resp, err := (&http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: patience}).Do(req)
	if err != nil {
		d.t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		d.t.Fatal(err)
	}
	if resp.StatusCode != http.StatusOK {
		return ""
	}
	return string(b)
}

// banner is written by one goroutine and read by another.
type banner struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *banner) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *banner) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

// The demo shows something soon, stops, and goes on where it stopped.
func TestDemo(t *testing.T) {
	t.Parallel()
	dir := dataDir(t)
	began := time.Now()
	d := startDemo(t, dir)
	eventually(t, "first post sent", func() bool { return strings.Contains(d.get(d.base+"/api/v1/posts?state=sent"), `"state":"sent"`) })
	t.Logf("the first post is sent after %s", time.Since(began))
	for path, want := range map[string]string{
		"/readyz":                   "ready",
		"/start":                    d.feeds,
		"/":                         "/login",
		"/api/v1/instances":         "林晓雯",
		"/api/v1/posts?state=draft": "（草稿）",
		"/api/v1/posts?state=scheduled&q=体验课":  "online_age",
		"/api/v1/posts?state=scheduled&q=199":  "offline",
		"/api/v1/posts?state=scheduled&q=三条线路": "online_age",
		"/api/v1/campaigns?state=active":       "新茶上市倒计时",
		"/api/v1/campaigns?state=pending":      "每月会员日",
		"/api/v1/campaigns?state=draft":        "工作日早报",
		"/metrics":                             `momentcast_instances{state="maturing"} 2`,
	} {
		if got := d.get(d.base + path); !strings.Contains(got, want) {
			t.Errorf("%s lacks %q: %s", path, want, got)
		}
	}
	if feed := d.get(d.feeds + "/feed/wxid_k3v8mq2ya7zt22"); !strings.Contains(feed, "明前龙井") {
		t.Errorf("feed: %s", feed)
	}
	if png := d.get(d.feeds + "/demo/thumb/95.png"); !strings.HasPrefix(png, "\x89PNG") {
		t.Errorf("thumbnail: %q", png[:min(len(png), 20)])
	}
	sent := strings.Count(d.get(d.base+"/api/v1/posts?state=sent"), `"state":"sent"`)
	t.Logf("stopped after %s", d.end())

	again := startDemo(t, dir)
	if again.token != d.token {
		t.Error("another token")
	}
	eventually(t, "ready again", func() bool { return again.get(again.base+"/readyz") != "" })
	list := again.get(again.base + "/api/v1/posts?limit=100")
	if n := strings.Count(list, `"state":`); n < 21 {
		t.Errorf("%d posts after the second start, of 21", n)
	}
	if n := strings.Count(list, `"state":"sent"`); n < sent {
		t.Errorf("%d sent after the second start, %d before", n, sent)
	}
	if feed := again.get(again.feeds + "/feed/wxid_k3v8mq2ya7zt22"); !strings.Contains(feed, "明前龙井") {
		t.Error("the feed has lost what was posted")
	}
	if got := again.get(again.base + "/api/v1/instances"); strings.Count(got, `"wc_id"`) != 6 {
		t.Errorf("instances: %s", got)
	}
}
