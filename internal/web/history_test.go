package web_test

import (
	"archive/zip"
	"bytes"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"momentcast/internal/moment"
)

// person adds the user that the tests' requests are of.
func (s *site) person() {
	s.t.Helper()
	s.exec(`INSERT INTO users (id, name, roles, subject) OVERRIDING SYSTEM VALUE VALUES (1, 'lin', '{admin}', 's'), (2, 'wang', '{viewer}', 't')`)
}

func (p page) link(rel string) string {
	m := regexp.MustCompile(`rel="` + rel + `" href="([^"]*)"`).FindStringSubmatch(p.body)
	if m == nil {
		return ""
	}
	return strings.ReplaceAll(m[1], "&amp;", "&")
}

// Whoever pages forth and back again sees the same pages.
func TestHistoryPagesBothWays(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	i := s.instance("wxid_a", "a")
	s.exec(`INSERT INTO posts (instance_id, state, due_at, max_lateness, content, title, description, url, thumb_url, visibility, author, source)
		SELECT $1, 'missed', CASE WHEN n > 5 THEN date_trunc('hour', now()) - n / 3 * interval '1 hour' END, '0', 'c', 'title-' || n || '-', '', 'https://e.com', 'https://e.com', 'everyone', 'bulk', 'api' FROM generate_series(6, 170) n`, i)
	s.exec(`INSERT INTO posts (instance_id, state, max_lateness, content, title, description, url, thumb_url, visibility, author, source)
		SELECT $1, 'draft', '0', 'c', 'title-' || n || '-', '', '', '', '', 'bulk', 'api' FROM generate_series(1, 5) n`, i)
	titles := regexp.MustCompile(`title-\d+-`)
	for _, filter := range []string{"", "?author=bulk&cols=title", "?state=missed,draft"} {
		var forth [][]string
		path, last := "/history"+filter, ""
		for path != "" {
			p := s.get(path).want(http.StatusOK).has("170 posts")
			forth = append(forth, titles.FindAllString(p.body, -1))
			last, path = path, p.link("next")
		}
		if len(forth) != 4 || len(forth[3]) != 20 {
			t.Fatalf("%q: %d pages", filter, len(forth))
		}
		path = s.get(last).link("prev")
		for n := len(forth) - 2; n >= 0; n-- {
			p := s.get(path).want(http.StatusOK)
			if got := titles.FindAllString(p.body, -1); fmt.Sprint(got) != fmt.Sprint(forth[n]) {
				t.Fatalf("%q: back on page %d: %v, want %v", filter, n+1, got, forth[n])
			}
			if path = p.link("prev"); (path == "") != (n == 0) {
				t.Fatalf("%q: page %d leads back to %q", filter, n+1, path)
			}
		}
	}
}

func TestHistorySearchIsMarked(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	i := s.instance("wxid_a", "a")
	s.post(i, "明前<b>龙井</b>上新", nil)
	s.post(i, "other", func(p *moment.Post) { p.Card.Content = strings.Repeat("字", 100) + "龙井 & more" })
	s.post(i, "nothing", nil)
	p := s.get("/history?q=" + url.QueryEscape("龙井")).want(http.StatusOK)
	p.has("2 posts", "明前<b><mark>龙井</mark></b>上新", "<mark>龙井</mark> & more").lacks("<b>龙", "nothing")
	if !strings.Contains(p.body, "明前&lt;b&gt;<mark>龙井</mark>") || !strings.Contains(p.body, "<mark>龙井</mark> &amp; more") {
		t.Error(p.body)
	}
	s.get("/history?q="+url.QueryEscape("龙井 OTHER")).has("1 posts", "<mark>other</mark>")
	s.get("/history?q=" + url.QueryEscape("没有这个")).has("No post matches")
	s.get("/history?q=%ff%00%22%25_&cols=nonsense&state=sent,nonsense&state=%00&before=x&after=9_9").want(http.StatusOK)
}

func TestHistoryShowsTheChosenColumns(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.person()
	s.post(s.instance("wxid_a", "Tea house"), "Queued", nil)
	s.get("/history").has("Tea house", `data-label="Author"`)
	s.get("/history?cols=title&cols=url").has("https://example.com/a").lacks(`data-label="Author"`)
	s.submit("/history/columns", "cols", "title", "cols", "source", "cols", "evil", "q", "x").to("/history?all=1&q=x")
	s.get("/history").has(`data-label="From"`).lacks(`data-label="Author"`)
	csv := s.get("/history/export?cols=title,state").want(http.StatusOK).body
	if csv != "\uFEFFstate,title\r\nscheduled,Queued\r\n" && csv != "\uFEFFstate,title\r\nScheduled,Queued\r\n" {
		t.Errorf("%q", csv)
	}
}

func TestViewsAreKeptAndShared(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.person()
	s.post(s.instance("wxid_a", "a"), "Queued", nil)
	s.submit("/history/views", "name", "Failures <b>", "query", "state=failed,missed&evil=1&cols=title", "standard", "1", "shared", "1").
		to("/history?all=1&cols=title&state=failed%2Cmissed")
	s.get("/history").to("/history?all=1&cols=title&state=failed%2Cmissed")
	s.get("/history?all=1").want(http.StatusOK).has("Failures <b>", "Queued").lacks("Failures <b>")
	s.submit("/history/views", "name", "Mine", "query", "q=x").to("/history?all=1&q=x")
	s.exec(`UPDATE saved_views SET user_id = 2 WHERE name = 'Mine'`)
	s.get("/history?all=1").lacks("Mine")
	mine := s.text(`SELECT id::text FROM saved_views WHERE name = 'Mine'`)
	s.submit("/history/views/" + mine + "/delete").want(http.StatusNotFound)
	s.submit("/history/views", "name", strings.Repeat("x", 81), "query", "").want(http.StatusUnprocessableEntity)
	s.submit("/history/views", "name", " ", "query", "").want(http.StatusUnprocessableEntity)
	s.do("viewer", http.MethodPost, "/history/views", url.Values{"name": {"v"}, "shared": {"1"}}).want(http.StatusForbidden)
	// The same name again is the same view.
	s.submit("/history/views", "name", "Failures <b>", "query", "state=failed").want(http.StatusSeeOther)
	if n := s.text(`SELECT count(*)::text FROM saved_views WHERE user_id = 1`); n != "1" {
		t.Errorf("%s views", n)
	}
	s.get("/history").want(http.StatusOK)
	s.submit("/history/views/" + s.text(`SELECT id::text FROM saved_views WHERE user_id = 1`) + "/delete").to("/history?all=1")
}

func TestExportXLSX(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.post(s.instance("wxid_a", "a"), "=1+1", nil)
	p := s.get("/history/export?format=xlsx").want(http.StatusOK)
	book, err := zip.NewReader(bytes.NewReader([]byte(p.body)), int64(len(p.body)))
	if err != nil || len(book.File) != 6 || !strings.Contains(p.header.Get("Content-Disposition"), ".xlsx") {
		t.Fatalf("%v %v", err, p.header)
	}
}
