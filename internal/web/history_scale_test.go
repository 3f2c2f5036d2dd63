package web_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"slices"
	"strconv"
	"testing"
	"time"

	"momentcast/internal/postgres/postgrestest"
)

// TestHistoryScale measures the pages beside a long history and beside a short
// one, in turn, through the real handler, and an export. make history runs it.
func TestHistoryScale(t *testing.T) {
	posts, _ := strconv.Atoi(os.Getenv("MOMENTCAST_HISTORY"))
	if posts == 0 {
		t.Skip("make history measures it")
	}
	few := max(posts/100, 20_000)
	long, short := historySite(t, "MOMENTCAST_HISTORY_LONG", posts), historySite(t, "MOMENTCAST_HISTORY_SHORT", few)
	pages := []struct {
		name string
		path func(*site) string
	}{
		{"history, first page", func(*site) string { return "/history" }},
		{"history, page 50", (*site).pageFifty},
		{"one author", func(*site) string { return "/history?author=lin" }},
		{"a rare author", func(*site) string { return "/history?author=%E4%B8%B4%E6%97%B6%E5%B7%A5" }},
		{"failed", func(*site) string { return "/history?state=failed" }},
		{"one instance", func(*site) string { return "/history?instance=7" }},
		{"failed and missed", func(*site) string { return "/history?state=failed,missed" }},
		{"two characters, common", func(*site) string { return "/history?q=%E9%BE%99%E4%BA%95" }},
		{"two characters, rare", func(*site) string { return "/history?q=%E9%B8%A2%E5%B0%BE" }},
		{"no match", func(*site) string { return "/history?q=%E6%B2%A1%E6%9C%89%E8%BF%99%E4%B8%AA" }},
		{"overview", func(*site) string { return "/" }},
		{"queue", func(*site) string { return "/queue" }},
		{"inbox", func(*site) string { return "/inbox" }},
		{"instances", func(*site) string { return "/instances" }},
		{"an instance", func(*site) string { return "/instances/7" }},
		{"calendar", func(*site) string { return "/calendar" }},
	}
	const rounds = 200
	t.Logf("%-24s %18s %18s %s", "p50/p95 ms", fmt.Sprint(posts, " posts"), fmt.Sprint(few, " posts"), "ratio of p50, p95")
	for _, p := range pages {
		took := map[*site][]time.Duration{}
		paths := map[*site]string{long: p.path(long), short: p.path(short)}
		for range rounds {
			for _, s := range []*site{long, short} {
				begun := time.Now()
				s.get(paths[s]).want(http.StatusOK)
				took[s] = append(took[s], time.Since(begun))
			}
		}
		at := func(s *site, share float64) float64 {
			slices.Sort(took[s])
			return took[s][int(share*rounds)].Seconds() * 1000
		}
		t.Logf("%-24s %8.1f %8.1f  %8.1f %8.1f  %.2f %.2f", p.name, at(long, .5), at(long, .95), at(short, .5), at(short, .95),
			at(long, .5)/at(short, .5), at(long, .95)/at(short, .95))
	}
	for _, format := range []string{"csv", "xlsx"} {
		long.measureExport(format, posts/10)
	}
}

// historySite is a site with that many posts. The variable names a database that
// is kept, and filled if it is empty; without it there is one for this run.
func historySite(t *testing.T, variable string, posts int) *site {
	t.Helper()
	address := os.Getenv(variable)
	if address == "" {
		address = postgrestest.URL(t)
	}
	s := siteAt(t, address)
	if s.text(`SELECT EXISTS (SELECT FROM posts)::text`) == "false" {
		s.fillHistory(posts)
	}
	return s
}

// pageFifty follows the pages to the fiftieth.
func (s *site) pageFifty() string {
	path := "/history"
	for range 49 {
		path = s.get(path).link("next")
	}
	return path
}

// measureExport streams some rows to nobody and watches this process's memory.
func (s *site) measureExport(format string, rows int) {
	s.t.Helper()
	to := s.text(`SELECT to_char((SELECT due_at FROM posts ORDER BY due_at DESC OFFSET $1 LIMIT 1), 'YYYY-MM-DD')`, rows)
	r := httptest.NewRequestWithContext(s.t.Context(), http.MethodGet, "/history/export?format="+format+"&from="+to, nil)
	r.AddCookie(&http.Cookie{Name: "roles", Value: "viewer"})
	w := &discard{header: http.Header{}, begun: time.Now(), before: rss()}
	s.web.ServeHTTP(w, r)
	took := time.Since(w.begun)
	s.t.Logf("%s: about %d rows, %d MB in %v, %.0f rows/s; first byte after %v; resident memory %d MB before, %d MB at its peak",
		format, rows, w.n>>20, took.Round(time.Millisecond), float64(rows)/took.Seconds(), w.first.Round(time.Millisecond), w.before>>10, w.peak>>10)
}

// discard is a client that reads everything and keeps nothing.
type discard struct {
	header       http.Header
	begun        time.Time
	first        time.Duration
	n            int
	before, peak int
}

func (d *discard) Header() http.Header { return d.header }
func (d *discard) WriteHeader(int)     {}
func (d *discard) Flush()              {}
func (d *discard) Write(b []byte) (int, error) {
	if d.n == 0 {
		d.first = time.Since(d.begun)
	}
	d.n += len(b)
	d.peak = max(d.peak, rss())
	return len(b), nil
}

// rss is this process's resident memory in kB; 0 where the system does not tell.
func rss() int {
	b, _ := os.ReadFile("/proc/self/status")
	if m := regexp.MustCompile(`VmRSS:\s+(\d+)`).FindSubmatch(b); m != nil {
		n, _ := strconv.Atoi(string(m[1]))
		return n
	}
	return 0
}
