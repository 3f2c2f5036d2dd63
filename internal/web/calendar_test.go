package web_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"momentcast/internal/moment"
)

// hour is a time of day in the page's zone, so many days from today.
func hour(days int, clock string) time.Time {
	zone, _ := time.LoadLocation("Asia/Shanghai")
	day := time.Now().In(zone).AddDate(0, 0, days).Format(time.DateOnly)
	t, err := time.ParseInLocation("2006-01-02T15:04", day+"T"+clock, zone)
	if err != nil {
		panic(err)
	}
	return t
}

func dueAt(t time.Time) func(*moment.Post) { return func(p *moment.Post) { p.DueAt = t } }

func typed(t time.Time) string { return t.Format("2006-01-02T15:04") }

type feed struct {
	Zone string
	Days []struct {
		Date, Label, URL string
		Total, Shown     int
	}
	Events []struct {
		ID                                  int64
		Start, Title, State, Elsewhere, URL string
		Movable                             bool
	}
}

func (s *site) feed(roles, query string) (f feed) {
	s.t.Helper()
	got := s.do(roles, http.MethodGet, "/calendar/feed?"+query, nil).want(http.StatusOK)
	if err := json.Unmarshal([]byte(got.body), &f); err != nil {
		s.t.Fatalf("%v: %s", err, got.body)
	}
	return f
}

// A day of three hundred posts is counted and not listed.
func TestCalendarFeedIsBounded(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	i := s.instance("wxid_a", "Tea house")
	day := hour(3, "00:00")
	s.post(i, "Morning tea", dueAt(hour(3, "09:00")))
	s.exec(`INSERT INTO posts (instance_id, state, due_at, content, title, description, url, thumb_url, visibility, author, source, max_lateness)
		SELECT $1, 'scheduled', $2::timestamptz + interval '10 hours' + n * interval '1 second', 'c', 't', '', 'https://e.cn', 'https://e.cn/a.jpg', 'everyone', 'lin', 'web', '0'
		FROM generate_series(1, 299) n`, i, day)
	date := day.Format(time.DateOnly)
	f := s.feed("viewer", "view=month&date="+date)
	if len(f.Events) != 4 || len(f.Days) != 1 || f.Days[0].Total != 300 || f.Days[0].Shown != 4 || f.Days[0].Label != "+296 more" || f.Days[0].Date != date {
		t.Errorf("%d posts, days %+v", len(f.Events), f.Days)
	}
	if e := f.Events[0]; e.Title != "Morning tea" || e.Start != date+"T09:00:00" || e.State != "scheduled" || e.Movable {
		t.Errorf("%+v", e)
	}
	if n := len(s.feed("viewer", "view=day&date="+date).Events); n != 200 {
		t.Errorf("%d posts of the day", n)
	}
	// The list of all of them is a page of its own.
	if f := s.feed("viewer", "view=day&date="+date); !strings.HasPrefix(f.Days[0].URL, "/history?from="+date) {
		t.Errorf("%+v", f.Days)
	}
	s.get("/calendar?date="+date).want(http.StatusOK).has("+296 more", "Morning tea", `href="/calendar?date=`+date+"&view=day")
}

func TestCalendarFilters(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	a, b := s.instance("wxid_a", "A"), s.instance("wxid_b", "B")
	s.exec(`UPDATE instances SET groups = ARRAY['north'], time_zone = 'Asia/Tokyo' WHERE id = $1`, b)
	at := hour(2, "10:00")
	s.post(a, "one", dueAt(at))
	s.post(b, "two", dueAt(at))
	s.force(s.post(b, "three", dueAt(at)), moment.Cancelled)
	s.force(s.post(b, "four", dueAt(at)), moment.Failed)
	date := "view=week&date=" + at.Format(time.DateOnly)
	for query, want := range map[string]string{
		"": "one two four", "&instance=" + id(a): "one", "&group=north": "two four", "&group=south": "", "&state=cancelled": "three",
		"&state=failed&group=north": "four", "&state=nonsense": "one two four", "&instance=-1": "one two four",
	} {
		var got []string
		for _, e := range s.feed("editor", date+query).Events {
			got = append(got, e.Title)
			if (e.Elsewhere != "") != (e.Title != "one") || !strings.HasSuffix(e.Start, "T10:00:00") {
				t.Errorf("%s: %+v", e.Title, e)
			}
			if e.Movable != (e.State == "scheduled") {
				t.Errorf("%s, %s: movable is %v", e.Title, e.State, e.Movable)
			}
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%q: %q, want %q", query, got, want)
		}
	}
	// The address carries it all.
	s.get("/calendar?"+date+"&group=north&state=failed").want(http.StatusOK).has(`value="north" selected`, `value="failed" selected`, "group=north&state=failed&view=month").lacks(">one<")
	s.get("/calendar?view=%3Cscript%3E&date=9999-99-99&group=" + url.QueryEscape("\"><script>alert(1)</script>\x00")).want(http.StatusOK).lacks("<script>alert")
	s.get("/calendar?date=2199-12-31").want(http.StatusOK)
	s.get("/calendar?view=day&date=2000-01-01").want(http.StatusOK)
}

func TestCalendarShowsHolidays(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.get("/calendar?date=2026-10-15").want(http.StatusOK).has("国庆节", `"2026-10-10":{"kind":"work","mark":"work","name":"国庆节"}`, "October 2026"[:3]).lacks("not published yet")
	s.get("/calendar?date=2027-03-01").want(http.StatusOK).has("2027 is not published yet")
	s.get("/calendar?date=2026-10-15", "Cookie", "lang=zh-CN").has("2026年10月", "休")
}

func TestMoveFromTheCalendar(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	i := s.instance("wxid_a", "Tea house")
	was := hour(2, "10:00").Add(17*time.Second + 250*time.Millisecond)
	p := s.post(i, "Tea", dueAt(was))
	move := func(roles string, form url.Values) page {
		return s.do(roles, http.MethodPost, "/posts/"+id(p)+"/move", form, "HX-Request", "true")
	}
	due := func() time.Time {
		v, err := s.db.Post(t.Context(), p)
		if err != nil {
			t.Fatal(err)
		}
		return v.DueAt
	}
	to := hour(3, "15:30")
	got := move("editor", url.Values{"version": {"1"}, "due_at": {typed(to)}}).want(http.StatusOK).has("was moved to", "15:30", "Undo")
	if !due().Equal(to) || strings.Contains(got.body, "<html") {
		t.Errorf("due %s: %s", due(), got.body)
	}
	// Undo brings back the very instant.
	move("editor", url.Values{"version": {got.field("version")}, "due_at": {got.field("due_at")}, "anyway": {"1"}}).want(http.StatusOK)
	if !due().Equal(was) {
		t.Errorf("due %s after the undo, want %s", due(), was)
	}
	// A version that is gone changes nothing and shows both.
	move("editor", url.Values{"version": {"1"}, "due_at": {typed(to)}}).want(http.StatusConflict).has("Somebody has changed the post meanwhile", "15:30", "10:00")
	if !due().Equal(was) {
		t.Error("it was moved")
	}
	if n := s.text(`SELECT count(*)::text FROM events WHERE post_id = $1 AND action = 'reschedule' AND actor = 'lin' AND source = 'web'`, p); n != "2" {
		t.Errorf("%s lines in the audit trail", n)
	}
	for form, status := range map[string]int{
		"version=3&due_at=yesterday":                   422,
		"version=3&due_at=1999-01-01T10:00":            422,
		"version=3&due_at=2099-01-01T10:00":            422,
		"version=3":                                    422,
		"due_at=" + typed(to):                          422,
		"version=x&due_at=" + typed(to):                422,
		"version=3&due_at=" + strings.Repeat("9", 500): 422,
	} {
		v, _ := url.ParseQuery(form)
		move("editor", v).want(status)
	}
	move("viewer", url.Values{"version": {"3"}, "due_at": {typed(to)}}).want(http.StatusForbidden)
	move("approver", url.Values{"version": {"3"}, "due_at": {typed(to)}}).want(http.StatusForbidden)
	s.do("editor", http.MethodPost, "/posts/"+id(p)+"/move", url.Values{"version": {"3"}, "due_at": {typed(to)}}, "Sec-Fetch-Site", "cross-site").want(http.StatusForbidden)
	s.do("viewer", http.MethodGet, "/posts/"+id(p)+"/move", nil).want(http.StatusOK).has("Tea").lacks("<form method=\"post\" action=\"/posts/" + id(p))
	if !due().Equal(was) {
		t.Error("it was moved by somebody who may not")
	}
	// Without a script the form leads back to where it was opened.
	s.submit("/posts/"+id(p)+"/move", "version", "3", "due_at", typed(to), "back", "/calendar?view=week").to("/calendar?view=week")
	s.submit("/posts/"+id(p)+"/move", "version", "4", "due_at", typed(to), "back", "//evil.example", "anyway", "1").to("/calendar")
	s.force(p, moment.Sent)
	move("editor", url.Values{"version": {s.version(p)}, "due_at": {typed(to)}}).want(http.StatusConflict).has("past the point")
}

// A move that breaks a rule is asked about, with a way out.
func TestMoveAsksWhenARuleIsBroken(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	i := s.instance("wxid_a", "Tea house")
	quiet := moment.QuietHours("23:00-07:00")
	if err := s.db.ChangeInstance(t.Context(), i, 0, func(i *moment.Instance) error { i.Pacing.QuietHours = &quiet; return nil }, moment.Origin{Actor: "a", Source: "cli"}); err != nil {
		t.Fatal(err)
	}
	other := s.post(i, "First", func(p *moment.Post) { p.DueAt = hour(3, "10:00"); p.Card.URL = "https://example.com/same" })
	p := s.post(i, "Second", func(p *moment.Post) { p.DueAt = hour(3, "18:00"); p.Card.URL = "https://example.com/other" })
	move := func(at time.Time, more ...string) page {
		form := url.Values{"version": {s.version(p)}, "due_at": {typed(at)}}
		for n := 0; n < len(more); n += 2 {
			form.Set(more[n], more[n+1])
		}
		return s.do("editor", http.MethodPost, "/posts/"+id(p)+"/move", form, "HX-Request", "true")
	}
	before := s.text(`SELECT due_at::text FROM posts WHERE id = $1`, p)
	move(hour(3, "10:05")).want(http.StatusConflict).has("Too close to the instance's last post: at least 15 min", "10:15", "Move there anyway", "Move to the next free time")
	move(hour(3, "09:55")).want(http.StatusConflict).has("Post #"+id(other)+" would be delayed", "10:10")
	move(hour(3, "23:30")).want(http.StatusConflict).has("Within the quiet hours (23:00-07:00)", "would not be sent and be missed")
	move(time.Now().Add(-2 * time.Hour)).want(http.StatusConflict).has("This time is over")
	s.exec(`UPDATE posts SET url = 'https://example.com/same' WHERE id = $1`, p)
	move(hour(3, "14:00")).want(http.StatusConflict).has(fmt.Sprintf("a post with the same link within 7 days: #%d", other)).lacks("next free time")
	if s.text(`SELECT due_at::text FROM posts WHERE id = $1`, p) != before {
		t.Fatal("it was moved without an answer")
	}
	// The way out is one that the same check lets through, and the other way is taken at one's word.
	s.exec(`UPDATE posts SET url = 'https://example.com/other' WHERE id = $1`, p)
	free := move(hour(3, "10:05")).field("due_at")
	if want := typed(hour(3, "10:15")); free != want {
		t.Errorf("the next free time is %s, want %s", free, want)
	}
	move(hour(3, "10:15")).want(http.StatusOK)
	move(hour(3, "10:05"), "anyway", "1").want(http.StatusOK)
	// In the page's zone, also where the instance is elsewhere.
	s.exec(`UPDATE instances SET time_zone = 'America/New_York' WHERE id = $1`, i)
	move(hour(4, "22:00"), "anyway", "1").want(http.StatusOK)
	if got := s.text(`SELECT (due_at AT TIME ZONE 'Asia/Shanghai')::time::text FROM posts WHERE id = $1`, p); got != "22:00:00" {
		t.Errorf("due at %s", got)
	}
}

// A row of the queue says when its post will really leave behind the others, and
// what it collides with.
func TestQueueForetellsEachRow(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	i := s.instance("wxid_a", "Tea house")
	first := s.post(i, "First", dueAt(hour(3, "10:00")))
	second := s.post(i, "Second", dueAt(hour(3, "10:05")))
	third := s.post(i, "Third", dueAt(hour(3, "10:05").Add(10*time.Minute)))
	s.exec(`UPDATE posts SET max_lateness = '20 minutes', miss_at = due_at + interval '20 minutes'`)
	fourth := s.post(i, "Fourth", func(p *moment.Post) { p.DueAt, p.MaxLateness = hour(3, "10:16"), time.Minute })
	s.get("/queue").want(http.StatusOK).has("10:15", "10:30", "too close to #"+id(first), "too close to #"+id(third), "will be missed as things stand",
		"same link as #"+id(second), "the limit is 3", `href="/posts/`+id(fourth)+`/move?back=%2fqueue" data-move`)
	s.do("viewer", http.MethodGet, "/queue", nil).want(http.StatusOK).lacks("data-move")
}
