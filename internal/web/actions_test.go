package web_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"momentcast/internal/moment"
)

func TestActionsOnAPost(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	i := s.instance("wxid_a", "a")
	for _, tt := range []struct {
		from   moment.State
		action string
		fields []string
		to     string
	}{
		{moment.Scheduled, "cancel", []string{"reason", "sold out"}, "cancelled"},
		{moment.Scheduled, "send-now", nil, "scheduled"},
		{moment.Scheduled, "reschedule", []string{"due_at", time.Now().AddDate(0, 0, 3).Format("2006-01-02T15:04")}, "scheduled"},
		{moment.Failed, "retry", nil, "scheduled"},
		{moment.Missed, "send-now", nil, "scheduled"},
		{moment.Unknown, "found-sent", []string{"moment_id", "13367129656153944194"}, "sent"},
		{moment.Unknown, "not-sent", nil, "scheduled"},
		{moment.Unknown, "leave", nil, "unknown"},
		{moment.Sent, "recall", []string{"mode", "private"}, "sent"},
		{moment.Draft, "submit", nil, "scheduled"},
	} {
		p := s.post(i, "x", nil)
		s.force(p, tt.from)
		path := "/posts/" + id(p) + "/" + tt.action
		form := s.get(path).want(http.StatusOK)
		fields := append([]string{"version", form.field("version")}, tt.fields...)
		s.submit(path, fields...).to("/posts/" + id(p))
		if got := s.state(p); got != tt.to {
			t.Errorf("%s from %s leads to %s, want %s", tt.action, tt.from, got, tt.to)
		}
		if got := s.text(`SELECT source || ' ' || actor FROM events WHERE post_id = $1 ORDER BY id DESC LIMIT 1`, p); got != "web lin" {
			t.Errorf("%s: the audit trail says %s", tt.action, got)
		}
		// The same form once more changes nothing.
		before := s.version(p)
		if again := s.submit(path, fields...); again.status != http.StatusConflict || s.version(p) != before {
			t.Errorf("%s sent twice: %d", tt.action, again.status)
		}
	}
	if !slices.ContainsFunc(s.gateway.calls, func(c string) bool { return strings.HasPrefix(c, "private w-wxid_a ") }) {
		t.Errorf("the gateway was asked for %v", s.gateway.calls)
	}
	if s.engine.wakes == 0 {
		t.Error("the dispatcher was not woken")
	}
}

func TestStaleActionShowsWhatIsNow(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	p := s.post(s.instance("wxid_a", "a"), "x", nil)
	seen := s.version(p)
	s.exec(`UPDATE posts SET version = version + 1, title = 'changed meanwhile' WHERE id = $1`, p)
	got := s.submit("/posts/"+id(p)+"/cancel", "version", seen, "reason", "typed reason").want(http.StatusConflict)
	got.has("somebody changed it", "changed meanwhile", "typed reason")
	if s.state(p) != "scheduled" {
		t.Error("it was cancelled")
	}
}

func TestActionTheStateForbids(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	p := s.post(s.instance("wxid_a", "a"), "x", nil)
	s.force(p, moment.Sent)
	s.get("/posts/" + id(p) + "/cancel").want(http.StatusOK).has("does not allow this").lacks(`name="version"`)
	s.submit("/posts/"+id(p)+"/cancel", "version", s.version(p)).want(http.StatusConflict)
}

func TestWhatWasTypedStays(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	i := s.instance("wxid_a", "a")
	p := s.post(i, "x", nil)
	s.force(p, moment.Unknown)
	s.submit("/posts/"+id(p)+"/found-sent", "version", s.version(p), "moment_id", "12ab", "reason", "seen at nine").
		want(http.StatusUnprocessableEntity).has("12ab", "seen at nine", "digits only")
	s.submit("/instances/"+id(i)+"/pacing", "version", "1", "name", "new name", "min_gap", "soon", "quiet_hours", "25-30", "daily_cap", "x").
		want(http.StatusUnprocessableEntity).has("new name", "soon", "25-30", "Write it as 23:00-07:00")
	s.submit("/pause", "reason", strings.Repeat("长", 501)).want(http.StatusUnprocessableEntity).has("Longer than 500 characters")
}

func TestInstanceChanges(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	i := s.instance("wxid_a", "a")
	path := "/instances/" + id(i)
	version := func() string { return s.get(path).want(http.StatusOK).field("version") }
	first := version()
	s.submit(path+"/pacing", "version", first, "name", "茶行", "min_gap", "20m", "daily_cap", "0", "quiet_hours", "none", "online_age", "").to(path)
	if got := s.text(`SELECT name || ' ' || min_gap || ' ' || daily_cap || ' ' || (quiet_hours = '') || ' ' || (online_age IS NULL) FROM instances`); got != "茶行 00:20:00 0 true true" {
		t.Errorf("stored: %s", got)
	}
	s.submit(path+"/pause", "version", first, "reason", "stale").want(http.StatusConflict).has("somebody changed it", "stale")
	s.submit(path+"/pause", "version", version(), "reason", "").want(http.StatusUnprocessableEntity).has("Please fill this in")
	s.submit(path+"/pause", "version", version(), "reason", "new phone").to(path)
	s.get(path).has("new phone", "Resume the instance")
	s.submit(path+"/resume", "version", version()).to(path)
	s.submit(path+"/mature", "version", version(), "matured_at", "2026-01-02T03:04").want(http.StatusSeeOther)
	if got := s.text(`SELECT to_char(matured_at AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI') FROM instances`); got != "2026-01-01 19:04" {
		t.Errorf("matured at %s, want the instance's own zone", got)
	}
	s.gateway.logins = []moment.Login{{WcID: "wxid_new", WID: "w9"}}
	s.submit("/instances/sync").to("/instances")
	s.get("/instances").has("wxid_new")
}

func TestPauseAndResume(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.submit("/pause", "reason", "wrong link").to("/queue")
	s.get("/queue").has("wrong link")
	s.get("/resume").has("wrong link", "Mark them all missed")
	s.submit("/resume", "overdue", "all").want(http.StatusUnprocessableEntity)
	s.submit("/resume", "overdue", "miss").to("/queue")
	if got := s.text(`SELECT paused::text FROM settings`); got != "false" {
		t.Error("it is still paused")
	}
}

func TestCaseThatWasLeftIsOutOfTheInbox(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	p := s.post(s.instance("wxid_a", "a"), "leave-me", nil)
	s.force(p, moment.Unknown)
	do := func(action string) {
		t.Helper()
		path := "/posts/" + id(p) + "/" + action
		form := s.get(path).want(http.StatusOK)
		s.submit(path, "version", form.field("version"), "reason", "asked the owner").to("/posts/" + id(p))
	}
	in := func(path string) bool { return strings.Contains(s.get(path).want(http.StatusOK).body, "leave-me") }
	do("leave")
	if in("/inbox") || !in("/inbox?left=1") || !in("/history?state=unknown") {
		t.Errorf("inbox %v, closed cases %v, history %v", in("/inbox"), in("/inbox?left=1"), in("/history?state=unknown"))
	}
	page := s.get("/posts/" + id(p)).want(http.StatusOK).body
	if !strings.Contains(page, "asked the owner") || !strings.Contains(page, "/reopen") || strings.Contains(page, "/leave\"") {
		t.Error("the page does not say why it was left, or offers to leave it again")
	}
	do("reopen")
	if !in("/inbox") || in("/inbox?left=1") {
		t.Error("it is not back in the inbox")
	}
}
