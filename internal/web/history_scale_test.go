package web_test

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strconv"
	"testing"
	"time"

	"momentcast/internal/postgres/postgrestest"
)

// TestHistoryScale measures the pages beside a long history and beside a short
// one, in turn, through the real handler, and exports of few and of many rows.
// make history runs it.
func TestHistoryScale(t *testing.T) {
	posts, _ := strconv.Atoi(os.Getenv("MOMENTCAST_HISTORY"))
	if posts == 0 {
		t.Skip("make history measures it")
	}
	few := min(posts, 20_000)
	long, short := historySite(t, "MOMENTCAST_HISTORY_LONG", posts, posts), historySite(t, "MOMENTCAST_HISTORY_SHORT", few, posts)
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
	t.Run("pages", func(t *testing.T) {
		const rounds = 200
		t.Logf("| server time in ms, p50 / p95 | %d posts | %d posts | ratio of p50 | of p95 |", posts, few)
		t.Log("|---|---|---|---|---|")
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
			t.Logf("| %s | %.1f / %.1f | %.1f / %.1f | %.2f | %.2f |", p.name, at(long, .5), at(long, .95), at(short, .5), at(short, .95),
				at(long, .5)/at(short, .5), at(long, .95)/at(short, .95))
		}
	})
	t.Run("export", func(t *testing.T) {
		t.Log("| export | rows | MB | rows/s | first byte, ms | resident memory of the program: idle, peak, MB | grown by |")
		t.Log("|---|---|---|---|---|---|---|")
		for _, format := range []string{"csv", "xlsx"} {
			for _, rows := range []int{few / 2, min(10*few, posts/2)} {
				long.measureExport(format, rows)
			}
		}
	})
}

// historySite is a site with the latest posts of a history of so many: as many a
// day, for fewer days. The variable names a database that
// is kept, and filled if it is empty; without it there is one for this run.
func historySite(t *testing.T, variable string, latest, of int) *site {
	t.Helper()
	address := os.Getenv(variable)
	if address == "" {
		address = postgrestest.URL(t)
	}
	s := siteAt(t, address)
	if s.text(`SELECT EXISTS (SELECT FROM posts)::text`) == "false" {
		s.fillHistory(latest, of)
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

// measureExport takes some rows from the program itself, as a process of its own
// that was started for it, and watches the memory of that process.
func (s *site) measureExport(format string, rows int) {
	s.t.Helper()
	p := s.program()
	from := s.text(`SELECT to_char(due_at, 'YYYY-MM-DD"T"HH24:MI:SS"Z"') FROM (SELECT due_at AT TIME ZONE 'UTC' FROM posts ORDER BY due_at DESC OFFSET $1 LIMIT 1) p (due_at)`, rows)
	idle := p.rss()
	w := &watched{program: p}
	begun := time.Now()
	resp := p.get("/api/v1/history/export?format=" + format + "&due_from=" + from)
	defer resp.Body.Close()
	var first [1]byte
	if _, err := io.ReadFull(resp.Body, first[:]); err != nil {
		s.t.Fatal(err)
	}
	soon := time.Since(begun)
	if _, err := io.Copy(w, resp.Body); err != nil {
		s.t.Fatal(err)
	}
	took := time.Since(begun)
	s.t.Logf("| %s | %d | %.1f | %.0f | %d | %.1f, %.1f | %.1f |", format, rows, float64(w.n)/(1<<20), float64(rows)/took.Seconds(), soon.Milliseconds(),
		float64(idle)/1024, float64(w.peak)/1024, float64(w.peak-idle)/1024)
}

// watched takes a file, keeps nothing, and looks at the memory of the program
// that sends it.
type watched struct {
	program *program
	n, peak int
}

func (w *watched) Write(b []byte) (int, error) {
	w.n += len(b)
	w.peak = max(w.peak, w.program.rss())
	return len(b), nil
}

// program is momentcast serve on the site's database.
type program struct {
	t    *testing.T
	cmd  *exec.Cmd
	addr string
}

const programToken = "history-scale-token"

// program starts the program that make has built, with a gateway that is down:
// it sends nothing.
func (s *site) program() *program {
	s.t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		s.t.Fatal(err)
	}
	p := &program{t: s.t, addr: ln.Addr().String()}
	_ = ln.Close() // a free port
	s.exec(`DELETE FROM api_tokens`)
	p.cmd = exec.Command("../../bin/momentcast", "serve")
	p.cmd.Env = append(os.Environ(), "MOMENTCAST_ADDR="+p.addr, "MOMENTCAST_DATABASE_URL="+s.pool.Config().ConnString(), "MOMENTCAST_GATEWAY_URL=http://127.0.0.1:9",
		"MOMENTCAST_GATEWAY_TOKEN=none", "MOMENTCAST_BOOTSTRAP_TOKEN="+programToken, "MOMENTCAST_LOG_LEVEL=error")
	p.cmd.Stderr = os.Stderr
	if err := p.cmd.Start(); err != nil {
		s.t.Fatalf("%v: make history builds it", err)
	}
	s.t.Cleanup(func() {
		_ = p.cmd.Process.Signal(os.Interrupt)
		_ = p.cmd.Wait()
	})
	client := &http.Client{Timeout: time.Second}
	again := time.NewTicker(100 * time.Millisecond)
	defer again.Stop()
	for range 300 {
		if resp, err := client.Get("http://" + p.addr + "/api/v1/status"); err == nil {
			_ = resp.Body.Close()
			if resp.StatusCode == http.StatusUnauthorized { // it is there, and asks who we are
				p.get("/api/v1/history/export?due_from=2000-01-01T00:00:00Z&due_to=2000-01-02T00:00:00Z").Body.Close()
				return p
			}
		}
		<-again.C
	}
	s.t.Fatal("the program does not answer")
	return nil
}

func (p *program) get(path string) *http.Response {
	p.t.Helper()
	r, err := http.NewRequestWithContext(p.t.Context(), http.MethodGet, "http://"+p.addr+path, nil)
	if err != nil {
		p.t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+programToken)
	resp, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		p.t.Fatal(err)
	}
	if resp.StatusCode != http.StatusOK {
		body, _ := io.ReadAll(resp.Body)
		p.t.Fatalf("%s: %s: %s", path, resp.Status, body)
	}
	return resp
}

// rss is the program's resident memory in kB.
func (p *program) rss() int {
	b, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.cmd.Process.Pid))
	if m := regexp.MustCompile(`VmRSS:\s+(\d+)`).FindSubmatch(b); m != nil {
		n, _ := strconv.Atoi(string(m[1]))
		return n
	}
	p.t.Fatal("this system does not tell a program's memory")
	return 0
}
