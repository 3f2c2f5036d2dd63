package web_test

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"momentcast/internal/moment"
)

// fakeLinks are pages and pictures that are nowhere else.
type fakeLinks struct {
	mu     sync.Mutex
	pages  map[string]moment.PageLook
	thumbs map[string]moment.ThumbLook
	asked  []string
	err    error
}

func (l *fakeLinks) Page(_ context.Context, who, url string) (moment.PageLook, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.asked = append(l.asked, who+" "+url)
	return l.pages[url], l.err
}

func (l *fakeLinks) Thumb(_ context.Context, who, url string) (moment.ThumbLook, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.asked = append(l.asked, who+" "+url)
	return l.thumbs[url], l.err
}

func (l *fakeLinks) KnownPage(url string) (moment.PageLook, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	p, ok := l.pages[url]
	return p, ok
}

func (l *fakeLinks) KnownThumb(url string) (moment.ThumbLook, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	t, ok := l.thumbs[url]
	return t, ok
}

const formKey = "KKKKKKKKKKKKKKKKKKKKKKKKKK"

// shanghai is a time on the clock of the test's instances, at noon so many days
// from today.
func shanghai(days int) string {
	zone, err := time.LoadLocation("Asia/Shanghai")
	if err != nil {
		panic(err)
	}
	return time.Now().In(zone).AddDate(0, 0, days).Format("2006-01-02") + "T12:00"
}

// written is a form about which there is nothing to say; fields come in pairs
// and replace what is in it.
func written(instances []int64, fields ...string) url.Values {
	form := url.Values{"do": {"submit"}, "form": {"new"}, "key": {formKey}, "content": {"line one\r\nline two"}, "title": {"Spring tea"},
		"description": {"sixty pounds"}, "url": {"https://example.com/tea"}, "thumb_url": {"https://example.com/tea.jpg"},
		"visibility": {"everyone"}, "due_at": {shanghai(2)}}
	for _, i := range instances {
		form.Add("instance", id(i))
	}
	for i := 0; i+1 < len(fields); i += 2 {
		form.Set(fields[i], fields[i+1])
	}
	return form
}

func (s *site) send(path string, form url.Values, headers ...string) page {
	s.t.Helper()
	return s.do("editor", http.MethodPost, path, form, headers...)
}

func TestComposeMakesAPost(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	i := s.instance("wxid_a", "Tea house")
	got := s.get("/posts/new?due=" + shanghai(3) + "&instance=" + id(i)).want(http.StatusOK)
	got.has("Tea house", "Still missing", `value="`+shanghai(3)+`"`, `value="`+id(i)+`" checked`)
	form := written([]int64{i}, "key", got.field("key"), "utm_source", "moments", "url", "https://example.com/tea?a=b#top", "first_comment", "see you", "max_lateness", "2h")
	made := s.send("/posts/new", form)
	made.want(http.StatusSeeOther)
	post := strings.TrimPrefix(made.header.Get("Location"), "/posts/")
	if got := s.text(`SELECT concat_ws('|', state, content, url, first_comment, max_lateness, visibility, author, source,
		to_char(due_at AT TIME ZONE 'Asia/Shanghai', 'YYYY-MM-DD"T"HH24:MI')) FROM posts WHERE id = $1`, post); got !=
		"scheduled|line one\nline two|https://example.com/tea?a=b&utm_source=moments#top|see you|02:00:00|everyone|lin|web|"+shanghai(2) {
		t.Errorf("stored: %q", got)
	}
	if s.engine.wakes == 0 {
		t.Error("the dispatcher was not woken")
	}
	// The same form once more, from a page that came back, is the same post; changed, it asks.
	s.send("/posts/new", form).to("/posts/" + post)
	form.Set("title", "Another")
	s.send("/posts/new", form).want(http.StatusConflict).has("submitted already", "Another")
	if n := s.text(`SELECT count(*)::text FROM posts`); n != "1" {
		t.Errorf("%s posts", n)
	}
}

func TestDoubleSubmitIsOnePost(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	form := written([]int64{s.instance("wxid_a", "a"), s.instance("wxid_b", "b")})
	var wg sync.WaitGroup
	for range 6 {
		wg.Go(func() {
			if got := s.do("editor", http.MethodPost, "/posts/new", form); got.header.Get("Location") != "/posts/new/made/"+formKey {
				t.Errorf("%d %s", got.status, got.header.Get("Location"))
			}
		})
	}
	wg.Wait()
	if n := s.text(`SELECT count(*)::text FROM posts`); n != "2" {
		t.Errorf("%s posts", n)
	}
}

func TestComposeSaysWhatIsWrongWhereItIs(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	i := s.instance("wxid_a", "a")
	for name, tt := range map[string]struct{ field, value, says string }{
		"no text":            {"content", " ", "Please fill this in"},
		"long text":          {"content", strings.Repeat("长", 2001), "Longer than 2000 characters"},
		"NUL":                {"content", "a\x00b", "control characters"},
		"bad UTF-8":          {"title", "a\xff", "cannot be read"},
		"no title":           {"title", "", "Please fill this in"},
		"long title":         {"title", strings.Repeat("t", 201), "Longer than 200 characters"},
		"long description":   {"description", strings.Repeat("t", 501), "Longer than 500 characters"},
		"no link":            {"url", "", "Please fill this in"},
		"a word as link":     {"url", "example", "begin with http"},
		"a script as link":   {"url", "javascript:alert(1)", "begin with http"},
		"a password in it":   {"url", "https://a:b@example.com/", "user name or password"},
		"no host":            {"url", "https:///x", "names no host"},
		"spaces in it":       {"url", "https://example.com/a b", "spaces or invisible"},
		"long link":          {"url", "https://example.com/" + strings.Repeat("a", 2040), "Longer than 2048 bytes"},
		"no picture":         {"thumb_url", "", "Please fill this in"},
		"a file as picture":  {"thumb_url", "file:///etc/passwd", "begin with http"},
		"long comment":       {"first_comment", strings.Repeat("c", 501), "Longer than 500 characters"},
		"long source":        {"utm_source", strings.Repeat("c", 101), "Longer than 100 characters"},
		"nobody chosen":      {"visibility", "", "who"},
		"an empty list":      {"visibility", "allow", "at least one"},
		"a strange mode":     {"visibility", "all", "who"},
		"no time":            {"due_at", "", "Please fill this in"},
		"no real time":       {"due_at", "2026-02-31", "Give a day and a time"},
		"long ago":           {"due_at", "2020-01-01T09:00", "more than a day"},
		"far ahead":          {"due_at", "2099-01-01T09:00", "five years"},
		"no such zone":       {"zone", "Mars/Base", "no such time zone"},
		"no real spread":     {"spread", "-5", "at most a week"},
		"a spread of years":  {"spread", "9999999", "at most a week"},
		"no real limit":      {"max_lateness", "soon", "90m"},
		"a limit of years":   {"max_lateness", "99999h", "720 hours"},
		"no such instance":   {"instance", "999999", "does not exist any more"},
		"no instance":        {"instance", "", "at least one instance"},
		"an instance in two": {"instance", "1.5", "at least one instance"},
	} {
		form := written([]int64{i, s.second()}, tt.field, tt.value, "description", "typed and kept")
		if tt.field == "description" || tt.field == "instance" {
			form = written([]int64{i}, tt.field, tt.value)
		}
		got := s.send("/posts/new", form)
		if got.status != http.StatusUnprocessableEntity || !strings.Contains(got.body, tt.says) {
			t.Errorf("%s: %d, lacks %q: %s", name, got.status, tt.says, wrongs(got.body))
		}
		got.has(`value="` + formKey + `"`)
		if tt.field != "content" {
			got.has("line one")
		}
	}
	if n := s.text(`SELECT count(*)::text FROM posts`); n != "0" {
		t.Errorf("%s posts were stored", n)
	}
}

// second is one more instance, the same for every call.
func (s *site) second() int64 {
	s.t.Helper()
	if got := s.text(`SELECT coalesce(max(id), 0)::text FROM instances WHERE wc_id = 'wxid_second'`); got != "0" {
		var n int64
		_, _ = fmt.Sscan(got, &n)
		return n
	}
	return s.instance("wxid_second", "second")
}

// wrongs are what a page says of its fields.
func wrongs(body string) (out []string) {
	for _, part := range strings.Split(body, `class="wrong"`)[1:] {
		end := strings.Index(part, "</div>")
		at := strings.LastIndex(part[:end], ">")
		out = append(out, part[at+1:end])
	}
	return out
}

func TestDraftsMayBeIncomplete(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	i := s.instance("wxid_a", "a")
	form := url.Values{"do": {"draft"}, "form": {"new"}, "key": {formKey}, "title": {"only a title"}, "instance": {id(i)}}
	made := s.send("/posts/new", form).want(http.StatusSeeOther)
	path := made.header.Get("Location")
	if got := s.text(`SELECT state || ' ' || title || ' ' || coalesce(due_at::text, 'no time') FROM posts`); got != "draft only a title no time" {
		t.Errorf("stored: %s", got)
	}
	// It is completed and submitted in the same form.
	edit := s.get(path + "/edit").want(http.StatusOK).has("only a title")
	full := written(nil, "version", edit.field("version"), "do", "submit", "form", edit.field("form"))
	s.send(path+"/edit", full).to(path)
	if got := s.text(`SELECT state || ' ' || title FROM posts`); got != "scheduled Spring tea" {
		t.Errorf("stored: %s", got)
	}
}

func TestManyInstancesAreSpread(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.exec(`INSERT INTO instances (wc_id, w_id, name, groups, time_zone, online, online_since, quiet_hours)
		SELECT 'wxid_' || n, 'w' || n, 'account ' || n, '{many}', 'Asia/Shanghai', true, now() - interval '100 hours', '' FROM generate_series(1, 300) n`)
	opened := s.get("/posts/new").want(http.StatusOK).has("account 300", ">many <")
	form := written(nil, "key", opened.field("key"), "spread", "299", "group", "many", "do", "")
	picked := s.send("/posts/new", form).want(http.StatusOK)
	if n := strings.Count(picked.body, " checked data-zone"); n != 300 {
		t.Fatalf("%d were chosen", n)
	}
	form = written(nil, "spread", "299")
	for n := range 300 {
		form.Add("instance", s.text(`SELECT id::text FROM instances WHERE wc_id = 'wxid_' || $1::int`, n+1))
	}
	preview := s.send("/posts/new/preview", form, "HX-Request", "true").want(http.StatusOK)
	preview.has("300 on time", "260 more instances are not listed").lacks("<html")
	s.send("/posts/new", form).to("/posts/new/made/" + formKey)
	if got := s.text(`SELECT count(*) || ' ' || count(DISTINCT due_at) || ' ' || max(due_at) - min(due_at) FROM posts`); got != "300 300 04:59:00" {
		t.Errorf("stored: %s", got)
	}
	s.do("editor", http.MethodGet, "/posts/new/made/"+formKey, nil).want(http.StatusOK).has("300 posts are there", "cancel these 300", "account 1")
	s.settled(s.do("editor", http.MethodPost, "/posts/new/made/"+formKey+"/undo", url.Values{})).has("300 changed")
	if n := s.text(`SELECT count(*)::text FROM posts WHERE state <> 'cancelled'`); n != "0" {
		t.Errorf("%s are left", n)
	}
}

func TestTimesAreOnEachInstancesClock(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	a, b := s.instance("wxid_a", "a"), s.instance("wxid_b", "b")
	s.exec(`UPDATE instances SET time_zone = 'America/New_York' WHERE id = $1`, b)
	s.get("/posts/new").has("Each by its own clock", "All by the clock of America/New_York")
	s.send("/posts/new", written([]int64{a, b})).want(http.StatusSeeOther)
	local := `SELECT string_agg(to_char(p.due_at AT TIME ZONE i.time_zone, 'HH24:MI'), ' ' ORDER BY i.id) FROM posts p JOIN instances i ON i.id = p.instance_id`
	if got := s.text(local); got != "12:00 12:00" {
		t.Errorf("each by its own clock: %s", got)
	}
	s.exec(`DELETE FROM posts`)
	s.send("/posts/new", written([]int64{a, b}, "zone", "Asia/Shanghai", "key", formKey+"2")).want(http.StatusSeeOther)
	if got := s.text(`SELECT count(DISTINCT due_at)::text || ' ' || to_char(min(due_at) AT TIME ZONE 'Asia/Shanghai', 'HH24:MI') FROM posts`); got != "1 12:00" {
		t.Errorf("all by one clock: %s", got)
	}
}

func TestWhatWouldBeMissedMustBeAgreedTo(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	i := s.instance("wxid_a", "a")
	s.exec(`UPDATE instances SET next_slot_at = now() + interval '20 days' WHERE id = $1`, i)
	form := written([]int64{i})
	got := s.send("/posts/new", form).want(http.StatusUnprocessableEntity).has("Would be missed", "1 would be missed", "tick that you want this")
	agree := got.field("agreed")
	s.send("/posts/new/preview", form, "HX-Request", "true").has("Would be missed").lacks(`id="agreed" name="agreed" value="` + agree + `" checked`)
	form.Set("agreed", "something else")
	s.send("/posts/new", form).want(http.StatusUnprocessableEntity)
	form.Set("agreed", agree)
	s.send("/posts/new", form).want(http.StatusSeeOther)
}

func TestPreviewSaysWhenItWillReallyLeave(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	i := s.instance("wxid_a", "Tea house")
	due, err := time.ParseInLocation("2006-01-02T15:04", shanghai(2), time.FixedZone("", 8*3600))
	if err != nil {
		t.Fatal(err)
	}
	first := s.post(i, "first", func(p *moment.Post) { p.DueAt = due.Add(-time.Minute) })
	got := s.send("/posts/new/preview", written([]int64{i}, "content", strings.Repeat("长", 150)), "HX-Request", "true").want(http.StatusOK)
	got.has("12:14", "after #"+id(first), "asked for", "Tea house", "Longer than 6 lines or 100 characters", "More").lacks("<html", "<form")
	if n := s.text(`SELECT count(*)::text FROM posts`); n != "1" {
		t.Errorf("a preview stored something: %s", n)
	}
	// What it collides with is told, and has to be agreed to.
	s.post(i, "same link", func(p *moment.Post) { p.DueAt, p.Card.URL = due.AddDate(0, 0, 2), "https://example.com/tea" })
	warned := s.send("/posts/new", written([]int64{i})).want(http.StatusUnprocessableEntity)
	warned.has("is too near to #"+id(first), "the same link within", "tick that you want this")
	s.send("/posts/new", written([]int64{i}, "agreed", warned.field("agreed"))).want(http.StatusSeeOther)
	// The post that is edited does not stand in its own way.
	edit := written(nil, "form", "edit:"+id(first), "version", "1", "instance", id(i))
	s.send("/posts/new/preview", edit, "HX-Request", "true").want(http.StatusOK).has("on time")
}

func TestEditKeepsWhatIsNotShown(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	p := s.post(s.instance("wxid_a", "a"), "old title", func(p *moment.Post) { p.MaxLateness = 45 * time.Minute; p.ExternalKey = "crm-1" })
	due := s.text(`SELECT due_at::text FROM posts`)
	opened := s.get("/posts/"+id(p)+"/edit").want(http.StatusOK).has("old title", "45 min")
	form := url.Values{"do": {"save"}}
	for _, name := range []string{"form", "key", "version", "due_at", "url", "thumb_url"} {
		form.Set(name, opened.field(name))
	}
	form.Set("title", "new title")
	form.Set("content", "text of old title")
	form.Set("visibility", "everyone")
	form.Set("max_lateness", "45m")
	s.send("/posts/"+id(p)+"/edit", form).to("/posts/" + id(p))
	if got := s.text(`SELECT concat_ws('|', state, title, due_at, max_lateness, external_key) FROM posts`); got != "scheduled|new title|"+due+"|00:45:00|crm-1" {
		t.Errorf("stored: %s", got)
	}
	if got := s.text(`SELECT string_agg(k, ' ') FROM events e, jsonb_object_keys(e.detail -> 'changed') k WHERE e.action = 'edit'`); got != "title" {
		t.Errorf("the audit trail has changes of %s", got)
	}
}

func TestStaleEditShowsBoth(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	p := s.post(s.instance("wxid_a", "a"), "x", nil)
	path := "/posts/" + id(p) + "/edit"
	seen := s.version(p)
	s.exec(`UPDATE posts SET version = version + 1, title = 'their title' WHERE id = $1`, p)
	form := written(nil, "do", "save", "version", seen, "form", "edit:"+id(p), "title", "my title")
	got := s.send(path, form).want(http.StatusConflict).has("their title", "my title", "Both versions", "Somebody has changed this post")
	if s.text(`SELECT title FROM posts`) != "their title" {
		t.Error("it was overwritten")
	}
	form.Set("version", got.field("version"))
	s.send(path, form).to("/posts/" + id(p))
	if s.text(`SELECT title FROM posts`) != "my title" {
		t.Error("it was not saved after all")
	}
	s.force(p, moment.Sent)
	s.get(path).want(http.StatusConflict)
	s.send(path, form).want(http.StatusConflict)
	s.get("/posts/999999/edit").want(http.StatusNotFound)
}

// Two tabs with one post: whoever saves second sees every field in which the
// two differ, takes either one field at a time, and loses nothing.
func TestSecondTabTakesEitherVersionOfEachField(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	p := s.post(s.instance("wxid_a", "a"), "x", nil)
	path, form := "/posts/"+id(p)+"/edit", "edit:"+id(p)
	version := s.get(path).want(http.StatusOK).field("version")
	one := map[string]string{"content": "text one", "title": "title one", "description": "about one", "url": "https://example.com/one",
		"thumb_url": "https://example.com/one.jpg", "first_comment": "comment one", "due_at": shanghai(3), "max_lateness": "2h", "visibility": "everyone"}
	two := map[string]string{"content": "text two", "title": "title two", "description": "about two", "url": "https://example.com/two",
		"thumb_url": "https://example.com/two.jpg", "first_comment": "comment two", "due_at": shanghai(4), "max_lateness": "6h", "visibility": "allow"}
	first, second := written(nil, "do", "save", "version", version, "form", form), written(nil, "do", "save", "version", version, "form", form, "visible_users", "wxid_friend")
	for f := range one {
		first.Set(f, one[f])
		second.Set(f, two[f])
	}
	s.send(path, first).to("/posts/" + id(p))

	got := s.send(path, second).want(http.StatusConflict).has("text one", "text two", "comment one", "comment two", `value="title two"`)
	for f := range one {
		got.has(`name="take" value="` + f + `"`)
	}
	second.Set("version", got.field("version"))
	second.Del("do")
	for _, f := range []string{"title", "first_comment", "visibility", "due_at"} {
		second.Set("take", f)
		got = s.send(path, second).want(http.StatusOK).lacks(`name="take" value="`+f+`"`).has(`name="take" value="content"`, "text two")
		second.Set(f, one[f]) // as the form has it now
		if f == "visibility" {
			second.Del("visible_users")
		}
	}
	got.has(`value="title one"`, `value="`+shanghai(3)+`"`)
	second.Set("take", "version")
	s.send(path, second).want(http.StatusUnprocessableEntity)
	if title := s.text(`SELECT title FROM posts`); title != "title one" {
		t.Errorf("taking stored something: %s", title)
	}
	second.Del("take")
	second.Set("do", "save")
	s.send(path, second).to("/posts/" + id(p))
	if got := s.text(`SELECT concat_ws('|', content, title, url, first_comment, visibility, max_lateness) FROM posts`); got != "text two|title one|https://example.com/two|comment one|everyone|06:00:00" {
		t.Errorf("stored %s", got)
	}
}

func TestCloneTakesAllButTheTime(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	p := s.post(s.instance("wxid_a", "a"), "to be copied", func(p *moment.Post) {
		p.Visibility = moment.Visibility{Mode: moment.Deny, Users: []string{"wxid_z"}}
		p.FirstComment = "the comment"
	})
	s.force(p, moment.Sent)
	got := s.get("/posts/new?from="+id(p)).want(http.StatusOK).has("Copy of #"+id(p), "to be copied", "the comment", "wxid_z", "https://example.com/a.jpg")
	if due := got.field("due_at"); due != "" {
		t.Errorf("the copy is due at %s", due)
	}
	s.send("/posts/new", written([]int64{1}, "form", got.field("form"), "key", got.field("key"))).want(http.StatusSeeOther)
	s.get("/posts/new?from=999999").want(http.StatusNotFound)
}

func TestAutosaveComesBack(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	i := s.instance("wxid_a", "a")
	form := written([]int64{i}, "title", "half a tit", "content", "back\\u0000slash", "find", "not of the post")
	form.Del("do")
	s.send("/posts/new/autosave", form).want(http.StatusNoContent)
	form.Set("title", "half a title")
	s.send("/posts/new/autosave", form).want(http.StatusNoContent)
	if got := s.text(`SELECT count(*) || ' ' || (min(typed ->> 'find') IS NULL) FROM compose_autosaves`); got != "1 true" {
		t.Errorf("kept: %s", got)
	}
	got := s.do("editor", http.MethodGet, "/posts/new?due="+shanghai(5), nil).want(http.StatusOK)
	got.has("half a title", `back\u0000slash`, "did not submit", shanghai(5), `value="`+formKey+`"`)
	// A second window keeps its own when the first is submitted.
	other := written([]int64{s.second()}, "key", formKey+"2")
	s.send("/posts/new", other).want(http.StatusSeeOther)
	s.get("/posts/new").has("half a title")
	s.send("/posts/new", written([]int64{i})).want(http.StatusSeeOther)
	s.get("/posts/new").lacks("half a title", "did not submit")

	s.send("/posts/new/autosave", form).want(http.StatusNoContent)
	s.send("/posts/new/discard", url.Values{"form": {"new"}}).to("/posts/new")
	s.get("/posts/new").lacks("half a title")

	form.Set("content", strings.Repeat("长", 30_000))
	s.send("/posts/new/autosave", form).want(http.StatusUnprocessableEntity)
	s.send("/posts/new/autosave", url.Values{"form": {"../../x"}}).want(http.StatusUnprocessableEntity)
	s.do("", http.MethodPost, "/posts/new/autosave", form).want(http.StatusUnauthorized)
}

func TestExpiredSessionKeepsTheForm(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	i := s.instance("wxid_a", "a")
	got := s.do("", http.MethodPost, "/posts/new", written([]int64{i}, "title", "typed for an hour")).want(http.StatusUnauthorized)
	got.has("typed for an hour", "line one", `name="key" value="`+formKey+`"`, `name="do" value="submit"`, `action="/posts/new"`)
}

func TestFillTakesWhatIsEmpty(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	i := s.instance("wxid_a", "a")
	s.links.pages = map[string]moment.PageLook{
		"https://example.com/tea":  {Look: moment.Look{URL: "https://example.com/tea"}, Title: `<b>Page title</b>`, Description: "page description", Image: "https://example.com/og.jpg"},
		"https://example.com/gone": {Look: moment.Look{Reason: "gone", Status: 404}},
		"https://example.com/bare": {Look: moment.Look{URL: "https://example.com/bare"}},
	}
	s.links.thumbs = map[string]moment.ThumbLook{"https://example.com/og.jpg": {Type: "image/jpeg", Width: 300, Height: 300, Bytes: 20 << 10, Square: true}}
	form := written([]int64{i}, "do", "fill", "title", "", "description", "mine", "thumb_url", "")
	got := s.send("/posts/new", form).want(http.StatusOK)
	if got.field("title") != "<b>Page title</b>" || got.field("description") != "mine" || got.field("thumb_url") != "https://example.com/og.jpg" {
		t.Errorf("filled: %q %q %q", got.field("title"), got.field("description"), got.field("thumb_url"))
	}
	got.has("page description", "The thumbnail works: 300×300, 20 KB").lacks("<b>Page")
	form.Set("do", "refill")
	part := s.send("/posts/new", form, "HX-Request", "true").want(http.StatusOK).lacks("<html")
	if part.field("description") != "page description" {
		t.Errorf("filled: %q", part.field("description"))
	}
	form.Set("url", "https://example.com/gone")
	s.send("/posts/new", form).has("nothing at this address")
	form.Set("url", "https://example.com/bare")
	s.send("/posts/new", form).has("no title, description or picture", "mine")
	form.Set("url", "")
	s.send("/posts/new", form).has("Please fill this in", "mine")
	s.links.err = moment.Errorf(moment.Limited, "You had too many addresses looked at; wait a minute.")
	form.Set("url", "https://example.com/tea")
	s.send("/posts/new", form).want(http.StatusTooManyRequests).has("wait a minute", "mine")
}

func TestDeadLinksMustBeAgreedTo(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	i := s.instance("wxid_a", "a")
	s.links.pages = map[string]moment.PageLook{"https://example.com/tea": {Look: moment.Look{Reason: "gone"}}}
	s.links.thumbs = map[string]moment.ThumbLook{"https://example.com/tea.jpg": {Type: "image/gif", Width: 400, Height: 100, Bytes: 90 << 10}}
	looked := s.send("/posts/new/look", written([]int64{i})).want(http.StatusNoContent)
	if looked.header.Get("HX-Trigger") != "looked" || len(s.links.asked) != 2 {
		t.Errorf("%v, %v", looked.header, s.links.asked)
	}
	got := s.send("/posts/new", written([]int64{i})).want(http.StatusUnprocessableEntity)
	got.has("nothing at this address", "not square", "90 KB", "GIF")
	s.send("/posts/new", written([]int64{i}, "agreed", got.field("agreed"))).want(http.StatusSeeOther)
}

func TestMarkupInTheComposerIsText(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	evil := `"><script>alert(1)</script><img src=x onerror=alert(1)>{{.}}`
	i := s.instance("wxid_a", evil)
	s.exec(`UPDATE instances SET groups = ARRAY[$1::text] WHERE id = $2`, evil, i)
	s.instance("wxid_b", "b")
	form := written([]int64{i})
	for _, name := range []string{"content", "title", "description", "url", "thumb_url", "first_comment", "utm_source", "utm_medium", "utm_campaign", "due_at", "spread", "order",
		"max_lateness", "zone", "visibility", "visible_users", "visible_labels", "agreed", "key", "form"} {
		form.Set(name, evil)
	}
	for _, do := range []string{"submit", "draft", "check", "fill", evil} {
		form.Set("do", do)
		s.send("/posts/new", form).lacks("<script>alert", "<img src=x")
	}
	s.send("/posts/new/preview", form, "HX-Request", "true").want(http.StatusOK).lacks("<script>alert", "<img src=x")
	form.Set("form", "new")
	s.send("/posts/new/autosave", form).want(http.StatusNoContent)
	s.get("/posts/new").want(http.StatusOK).has("alert(1)").lacks("<script>alert", "<img src=x")
}

func TestWithoutAnInstanceTheComposerLeadsThere(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.get("/posts/new").want(http.StatusOK).has("There is no instance yet", `href="/instances"`).lacks(`id="compose"`)
}

func TestMadeIsForWhoMadeIt(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	a, b := s.instance("wxid_a", "a"), s.instance("wxid_b", "b")
	s.send("/posts/new", written([]int64{a, b})).to("/posts/new/made/" + formKey)
	s.exec(`UPDATE idempotency_keys SET actor = 'web:wang'`)
	s.do("editor", http.MethodGet, "/posts/new/made/"+formKey, nil).want(http.StatusNotFound)
	s.do("editor", http.MethodPost, "/posts/new/made/"+formKey+"/undo", url.Values{}).want(http.StatusNotFound)
	if n := s.text(`SELECT count(*)::text FROM posts WHERE state = 'scheduled'`); n != "2" {
		t.Errorf("%s are left", n)
	}
}

// A draft is submitted as it is kept: an audience in another order, or left
// alone, is no change.
func TestDraftIsSubmittedUnchanged(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	i := s.instance("wxid_a", "a")
	for _, users := range [][]string{nil, {"wxid_2", "wxid_1"}} {
		post := s.post(i, "x", func(p *moment.Post) {
			p.State = moment.Draft
			if users != nil {
				p.Visibility = moment.Visibility{Mode: moment.Allow, Users: users}
			}
		})
		form := written(nil, "form", "edit:"+id(post), "version", "1", "content", "text of x", "title", "x", "description", "", "url", "https://example.com/a",
			"thumb_url", "https://example.com/a.jpg", "due_at", s.text(`SELECT to_char(due_at AT TIME ZONE 'Asia/Shanghai', 'YYYY-MM-DD"T"HH24:MI') FROM posts WHERE id = $1`, post))
		if users != nil {
			form.Set("visibility", "allow")
			form.Set("visible_users", "wxid_1\nwxid_2")
		}
		got := s.send("/posts/"+id(post)+"/edit", form)
		if got.status == http.StatusUnprocessableEntity {
			form.Set("agreed", got.field("agreed"))
			got = s.send("/posts/"+id(post)+"/edit", form)
		}
		got.to("/posts/" + id(post))
		if st := s.state(post); st != "scheduled" {
			t.Errorf("it is %s", st)
		}
	}
}

// The card is judged by the workspace's own words, in the composer as in the
// approval.
func TestComposerHeedsTheWordsOfTheSettings(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.exec(`UPDATE settings SET lint_words = 'pangolin', lint_allowed = '最好'`)
	form := written(nil, "title", "Pangolin tea", "content", "最好")
	s.send("/posts/new/preview", form, "HX-Request", "true").has("pangolin").lacks("最好”")
}
