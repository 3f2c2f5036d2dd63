package web_test

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"momentcast/internal/postgres/postgrestest"
	"momentcast/internal/web"
)

// hostile are values that no form of ours sends.
var hostile = []string{"", "\x00", "\xff\xfe", "a\x00b\xc3", "<script>alert(1)</script>", "javascript:alert(1)", "-1", "9223372036854775807", "99999999999999999999",
	"0001-01-01", "9999-12-31", "9999-12-31T23:59", "0001-01-01T00:00", "9223372036854775807_1", "-9223372036854775808_1", "-_9223372036854775807",
	"'; DROP TABLE posts", "../../etc/passwd", "//evil.example", "%", "_", "\u202e\u0000", strings.Repeat("长", 5000), "1.9223372036854775807", "NaN", "1e999", "-366d", "Europe/../x"}

// names are the fields and parameters that the pages read.
var names = []string{"id", "version", "after", "before", "page", "q", "state", "instance", "author", "source", "from", "to", "left", "cols", "query", "name", "shared",
	"standard", "format", "view", "date", "group", "post", "next", "back", "due", "due_at", "zone", "spread", "order", "max_lateness", "content", "title", "description",
	"url", "thumb_url", "first_comment", "utm_source", "form", "key", "agreed", "reason", "moment_id", "mode", "hash", "shift", "at", "shown", "all", "anyway", "lang", "theme",
	"year", "day", "kind", "note", "users", "labels", "visibility", "audience", "user", "label", "find", "book", "action", "actor", "days", "scope", "show", "find_user", "ip", "who", "roles", "role"}

func TestNothingThatIsSentBreaksAPage(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.exec(`INSERT INTO users (id, name, roles, subject) OVERRIDING SYSTEM VALUE VALUES (1, 'lin', '{admin}', 'x')`)
	post := s.post(s.instance("wxid_a", "a"), "x", nil)
	for _, pattern := range web.Patterns() {
		method, path, _ := strings.Cut(pattern, " ")
		if path == "/events" {
			continue
		}
		path = strings.ReplaceAll(path, "{$}", "")
		for _, bad := range hostile {
			in := url.PathEscape(bad)
			if bad == "" || strings.HasPrefix(bad, ".") {
				in = id(post)
			}
			at := strings.NewReplacer("{id}", in, "{key}", in).Replace(path)
			values := url.Values{}
			for _, name := range names {
				values.Set(name, bad)
			}
			var got page
			if method == http.MethodGet {
				got = s.do("admin", method, at+"?"+values.Encode(), nil)
			} else {
				got = s.do("admin", method, at, values)
				for _, do := range []string{"submit", "save", "cancel", "reschedule", "retry"} {
					values.Set("do", do)
					values.Set("version", "1")
					values.Set("key", strings.Repeat("k", 30))
					values.Set("form", "new")
					if strings.Contains(at, "/run") || strings.HasSuffix(at, "/new") || strings.HasSuffix(at, "/edit") {
						if again := s.do("admin", method, at, values); again.status >= 500 {
							t.Errorf("%s %s do=%s with %.30q: %d", method, pattern, do, bad, again.status)
						}
					}
				}
			}
			if got.status >= http.StatusInternalServerError && got.status != http.StatusBadGateway {
				t.Errorf("%s with %.30q: %d", pattern, bad, got.status)
			}
			html := strings.HasPrefix(got.header.Get("Content-Type"), "text/html")
			if html && (strings.Contains(got.body, "<script>alert") || strings.Contains(got.body, `href="javascript:`) || strings.Contains(got.body, `src="javascript:`)) {
				t.Errorf("%s hands on %.30q", pattern, bad)
			}
			if to := got.header.Get("Location"); strings.HasPrefix(to, "//") || strings.Contains(to, "://") {
				t.Errorf("%s leads to %s", pattern, to)
			}
		}
	}
	if log := s.log.String(); strings.Contains(log, `"level":"error"`) {
		t.Errorf("the log says: %.3000s", log)
	}
}

// Nothing in a form makes the work on it grow with the square of its size.
func TestLargeFormsAreReadQuickly(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	many, lines := url.Values{"form": {"new"}}, &strings.Builder{}
	for n := range 60_000 {
		if n < 9_000 { // a form may have 10 000 fields
			many.Add("instance", id(int64(n+1)))
		}
		fmt.Fprintf(lines, "w%d\n", n)
	}
	began := time.Now()
	s.send("/posts/new/preview", many).want(http.StatusOK)
	s.send("/visibility/preview", url.Values{"visibility": {"allow"}, "visible_users": {lines.String()}}).want(http.StatusOK)
	s.send("/posts/new", written(nil, "visibility", "allow", "visible_users", lines.String())).want(http.StatusUnprocessableEntity)
	if took := time.Since(began); took > time.Minute {
		t.Errorf("it took %s", took)
	}
}

// What somebody typed outlives a database that is away while it is submitted.
func TestNothingTypedIsLostWhenTheDatabaseIsAway(t *testing.T) {
	t.Parallel()
	address := postgrestest.URL(t)
	s := siteAt(t, address)
	i, value := s.instance("wxid_a", "a"), "<b>typed</b>"
	post := s.post(i, "x", nil)
	turnAway(t, address)
	for _, path := range []string{"/posts/new", "/posts/" + id(post) + "/edit", "/posts/" + id(post) + "/cancel", "/queue/bulk/run", "/approvals/" + id(post) + "/reject", "/audiences",
		"/settings", "/instances/" + id(i) + "/pacing", "/history/views", "/posts/" + id(post) + "/move", "/settings/users/1"} {
		do := "submit"
		if strings.HasSuffix(path, "/run") {
			do = "cancel"
		}
		got := s.submit(path, "all", "1", "do", do, "reason", value, "title", value, "version", "1", "form", "new", "key", formKey, "instance", id(i), "name", value)
		if got.status != http.StatusServiceUnavailable {
			t.Errorf("%s: %d", path, got.status)
			continue
		}
		got.has(`action="`+path+`"`, "Send again", `name="title" value="`+value+`"`)
	}
	if t.Failed() {
		t.Logf("the log says: %.3000s", s.log.String())
	}
	got := s.submit("/account/password", "old", "secret-1", "password", "secret-2", "again", "secret-2").want(http.StatusServiceUnavailable)
	got.lacks("secret-")
	s.do("none", http.MethodPost, "/account/password", url.Values{"old": {"secret-1"}}).lacks("secret-")
}

// turnAway makes the database at the address end all connections, and take none.
func turnAway(t *testing.T, address string) {
	t.Helper()
	c, err := pgx.ParseConfig(address)
	if err != nil {
		t.Fatal(err)
	}
	name := c.Database
	c.Database = "postgres"
	conn, err := pgx.ConnectConfig(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(context.WithoutCancel(t.Context())) }()
	if _, err := conn.Exec(t.Context(), `ALTER DATABASE `+pgx.Identifier{name}.Sanitize()+` ALLOW_CONNECTIONS false`); err != nil {
		t.Fatal(err)
	}
	if _, err := conn.Exec(t.Context(), `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1`, name); err != nil {
		t.Fatal(err)
	}
}
