package web_test

import (
	"encoding/csv"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"momentcast/internal/moment"
)

// settled waits for the job whose page the answer leads to.
func (s *site) settled(answer page) page {
	s.t.Helper()
	answer.want(http.StatusSeeOther)
	path := answer.header.Get("Location")
	var p page
	until(s.t, func() bool {
		p = s.get(path).want(http.StatusOK)
		return strings.Contains(p.body, "Done:") || strings.Contains(p.body, "broke off")
	})
	return p
}

func pause(d time.Duration) { <-time.After(d) }

func TestBulkCancelsWhatWasTicked(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	i := s.instance("wxid_a", "a")
	a, b, stale := s.post(i, "a", nil), s.post(i, "b", nil), s.post(i, "c", nil)
	form := s.submit("/queue/bulk", "do", "cancel", "id", id(a)+".1", "id", id(stale)+".1").want(http.StatusOK).has("2 posts will be changed")
	s.exec(`UPDATE posts SET version = 2 WHERE id = $1`, stale)
	run := []string{"do", "cancel", "key", form.field("key"), "shown", form.field("shown"), "reason", "sold out", "id", id(a) + ".1", "id", id(stale) + ".1"}
	s.settled(s.submit("/queue/bulk/run", run...)).has("1 changed, 1 were not", "#"+id(stale), "somebody changed it")
	if s.state(a) != "cancelled" || s.state(b) != "scheduled" || s.state(stale) != "scheduled" {
		t.Errorf("%s %s %s", s.state(a), s.state(b), s.state(stale))
	}
	// The same form once more is the same job.
	s.settled(s.submit("/queue/bulk/run", run...)).has("1 changed, 1 were not")
}

func TestBulkMovesAllThatMatch(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	i, other := s.instance("wxid_a", "a"), s.instance("wxid_b", "b")
	for n := range 7 {
		s.post(i, fmt.Sprint("post ", n), nil)
	}
	kept := s.post(other, "other", nil)
	form := s.submit("/queue/bulk", "do", "reschedule", "all", "1", "instance", id(i)).want(http.StatusOK).has("7 posts will be changed")
	pause(5 * time.Millisecond)
	later := s.post(i, "came later", nil)
	was := s.text(`SELECT due_at::text FROM posts WHERE id = $1`, later)
	run := func(fields ...string) page {
		return s.submit("/queue/bulk/run", append([]string{"do", "reschedule", "all", "1", "instance", id(i), "key", form.field("key"), "shown", form.field("shown")}, fields...)...)
	}
	run("shift", "soon").want(http.StatusUnprocessableEntity).has("soon", "Please enter a span")
	run("shift", "", "at", "").want(http.StatusUnprocessableEntity)
	s.settled(run("shift", "1d")).has("7 changed, 0 were not")
	if got := s.text(`SELECT count(*)::text FROM posts WHERE due_at > now() + interval '20 hours'`); got != "7" {
		t.Errorf("%s posts were moved", got)
	}
	if got := s.text(`SELECT due_at::text FROM posts WHERE id = $1`, later); got != was {
		t.Error("a post that nobody had seen was moved")
	}
	if s.version(kept) != "1" {
		t.Error("a post that does not match was moved")
	}
}

func TestBulkRetriesDefiniteFailuresOnly(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	i := s.instance("wxid_a", "a")
	failed, unknown, missed := s.post(i, "f", nil), s.post(i, "u", nil), s.post(i, "m", nil)
	s.force(failed, moment.Failed)
	s.force(unknown, moment.Unknown)
	s.force(missed, moment.Missed)
	s.get("/inbox").has("All failed ones that match (1)")
	key := strings.Repeat("r", 26)
	s.settled(s.submit("/inbox/bulk/run", "do", "retry", "all", "1", "key", key, "shown", "9999999999999")).has("1 changed")
	s.settled(s.submit("/inbox/bulk/run", "do", "retry", "id", id(unknown)+"."+s.version(unknown), "key", key+"2")).has("0 changed, 1 were not")
	if s.state(failed) != "scheduled" || s.state(unknown) != "unknown" || s.state(missed) != "missed" {
		t.Errorf("%s %s %s", s.state(failed), s.state(unknown), s.state(missed))
	}
	s.submit("/inbox/bulk/run", "do", "cancel", "all", "1", "key", key+"3").want(http.StatusUnprocessableEntity)
}

func TestExport(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	i := s.instance("wxid_a", "a")
	s.post(i, "=HYPERLINK(\"http://evil\")", func(p *moment.Post) { p.Card.Content = "two\nlines, \"quoted\"" })
	s.exec(`INSERT INTO posts (instance_id, state, due_at, max_lateness, content, title, description, url, thumb_url, visibility, author, source)
		SELECT $1, 'cancelled', now() - n * interval '1 minute', '0', 'c', 't' || n, '', 'https://e.com', 'https://e.com', 'everyone', 'bulk', 'api' FROM generate_series(1, 2500) n`, i)
	got := s.get("/history/export").want(http.StatusOK)
	if !strings.HasPrefix(got.body, "\uFEFF") || !strings.Contains(got.header.Get("Content-Disposition"), "attachment") {
		t.Errorf("%q %v", got.body[:20], got.header)
	}
	rows, err := csv.NewReader(strings.NewReader(strings.TrimPrefix(got.body, "\uFEFF"))).ReadAll()
	if err != nil || len(rows) != 2502 {
		t.Fatalf("%d rows: %v", len(rows), err)
	}
	if rows[1][8] != "'=HYPERLINK(\"http://evil\")" || rows[1][9] != "two\nlines, \"quoted\"" {
		t.Errorf("%q", rows[1])
	}
	rows, _ = csv.NewReader(strings.NewReader(s.get("/history/export?author=lin").body)).ReadAll()
	if len(rows) != 2 {
		t.Errorf("filtered: %d rows", len(rows))
	}
}

func TestPagingSeesEveryPostOnce(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	i := s.instance("wxid_a", "a")
	s.exec(`INSERT INTO posts (instance_id, state, due_at, max_lateness, content, title, description, url, thumb_url, visibility, author, source)
		SELECT $1, 'scheduled', date_trunc('hour', now()) + interval '2 hours', '0', 'c', 'title-' || n || '-', '', 'https://e.com', 'https://e.com', 'everyone', 'bulk', 'api' FROM generate_series(1, 120) n`, i)
	for _, list := range []string{"/queue", "/history"} {
		seen, path := "", list
		for range 5 {
			p := s.get(path).want(http.StatusOK)
			seen += p.body
			at := strings.Index(p.body, `rel="next" href="`)
			if at < 0 {
				break
			}
			rest := p.body[at+len(`rel="next" href="`):]
			path = strings.ReplaceAll(rest[:strings.IndexByte(rest, '"')], "&amp;", "&")
		}
		for n := 1; n <= 120; n++ {
			if got := strings.Count(seen, fmt.Sprintf("title-%d-", n)); got != 1 {
				t.Fatalf("%s: post %d is shown %d times", list, n, got)
			}
		}
	}
}

// A form that came back, with other posts ticked or another time, is meant
// anew; as it was, it is the same job.
func TestBulkFormThatCameBackIsMeantAnew(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.exec(`UPDATE settings SET require_approval = true`)
	i, key := s.instance("wxid_a", "a"), strings.Repeat("b", 26)
	ticked := func(post int64) []string {
		hash := s.get("/approvals?post=" + id(post)).field("hash")
		return []string{"key", key, "id", id(post) + "." + hash}
	}
	other := func(p *moment.Post) { p.Author = "wei" }
	a, b := s.post(i, "first", other), s.post(i, "second", other)
	first, second := ticked(a), ticked(b)
	job := s.submit("/approvals/bulk", first...)
	if again := s.submit("/approvals/bulk", first...); again.header.Get("Location") != job.header.Get("Location") {
		t.Errorf("the same form is another job: %s", again.header.Get("Location"))
	}
	s.settled(job).has("1 changed")
	s.settled(s.submit("/approvals/bulk", second...)).has("1 changed")
	if s.state(a) != "scheduled" || s.state(b) != "scheduled" {
		t.Errorf("%s %s", s.state(a), s.state(b))
	}
}

func TestBulkMovesNothingIntoThePast(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	i := s.instance("wxid_a", "a")
	soon, later := s.post(i, "soon", nil), s.post(i, "later", func(p *moment.Post) { p.DueAt = time.Now().Add(30 * time.Hour) })
	was := s.text(`SELECT due_at::text FROM posts WHERE id = $1`, soon)
	s.settled(s.submit("/queue/bulk/run", "do", "reschedule", "key", strings.Repeat("p", 26), "shift", "-2h",
		"id", id(soon)+".1", "id", id(later)+".1")).has("1 changed, 1 were not", "The new time lies in the past.")
	if got := s.text(`SELECT due_at::text FROM posts WHERE id = $1`, soon); got != was {
		t.Errorf("moved to %s", got)
	}
}
