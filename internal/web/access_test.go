package web_test

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"momentcast/internal/moment"
	"momentcast/internal/web"
)

// needs is what every route asks for, told a second time: a route without a row
// here fails the test.
var needs = map[string]moment.Permission{
	"POST /theme": "open",

	"GET /login":              "open",
	"POST /login":             "open",
	"POST /logout":            "open",
	"GET /setup":              "open",
	"POST /setup":             "open",
	"GET /auth/oidc":          "open",
	"GET /auth/oidc/callback": "open",

	"GET /account":                       moment.PermView,
	"POST /account/password":             moment.PermView,
	"POST /account/sessions/{id}/end":    moment.PermView,
	"POST /account/sessions/end":         moment.PermView,
	"GET /settings":                      moment.PermAdmin,
	"POST /settings":                     moment.PermAdmin,
	"GET /settings/approval":             moment.PermAdmin,
	"POST /settings/approval":            moment.PermAdmin,
	"GET /settings/composing":            moment.PermAdmin,
	"POST /settings/composing":           moment.PermAdmin,
	"GET /settings/gateway":              moment.PermAdmin,
	"GET /settings/tokens":               moment.PermAdmin,
	"POST /settings/tokens":              moment.PermAdmin,
	"POST /settings/tokens/{id}/revoke":  moment.PermAdmin,
	"GET /settings/users":                moment.PermAdmin,
	"POST /settings/users":               moment.PermAdmin,
	"GET /settings/users/{id}":           moment.PermAdmin,
	"POST /settings/users/{id}":          moment.PermAdmin,
	"POST /settings/users/{id}/disable":  moment.PermAdmin,
	"POST /settings/users/{id}/enable":   moment.PermAdmin,
	"POST /settings/users/{id}/password": moment.PermAdmin,
	"GET /audit":                         moment.PermAdmin,
	"GET /audit/export":                  moment.PermAdmin,

	"GET /contacts":                       moment.PermView,
	"POST /contacts/refresh":              moment.PermWrite,
	"POST /visibility/preview":            moment.PermWrite,
	"GET /settings/calendar":              moment.PermView,
	"POST /settings/calendar/day":         moment.PermAdmin,
	"POST /settings/calendar/year":        moment.PermAdmin,
	"POST /settings/calendar/import":      moment.PermAdmin,
	"POST /settings/calendar/import/save": moment.PermAdmin,

	"GET /approvals":               moment.PermApprove,
	"POST /approvals/bulk":         moment.PermApprove,
	"POST /approvals/{id}/approve": moment.PermApprove,
	"POST /approvals/{id}/reject":  moment.PermApprove,
	"GET /imports":                 moment.PermWrite,
	"POST /imports":                moment.PermWrite,
	"GET /imports/template":        moment.PermWrite,
	"GET /imports/{id}":            moment.PermWrite,
	"POST /imports/{id}":           moment.PermWrite,
	"POST /imports/{id}/commit":    moment.PermWrite,
	"POST /imports/{id}/delete":    moment.PermWrite,
	"GET /audiences":               moment.PermView,
	"GET /audiences/new":           moment.PermWrite,
	"POST /audiences":              moment.PermWrite,
	"GET /audiences/{id}":          moment.PermView,
	"GET /audiences/{id}/edit":     moment.PermWrite,
	"POST /audiences/{id}":         moment.PermWrite,
	"GET /audiences/{id}/delete":   moment.PermWrite,
	"POST /audiences/{id}/delete":  moment.PermWrite,
	"GET /calendar":                moment.PermView,
	"GET /calendar/feed":           moment.PermView,
	"GET /posts/{id}/move":         moment.PermView,
	"POST /posts/{id}/move":        moment.PermWrite,

	"GET /campaigns":                                moment.PermView,
	"GET /campaigns/new":                            moment.PermWrite,
	"POST /campaigns":                               moment.PermWrite,
	"POST /campaigns/preview":                       moment.PermWrite,
	"GET /campaigns/dry-run":                        moment.PermView,
	"GET /campaigns/{id}":                           moment.PermView,
	"GET /campaigns/{id}/edit":                      moment.PermWrite,
	"POST /campaigns/{id}":                          moment.PermWrite,
	"POST /campaigns/{id}/do":                       moment.PermWrite,
	"POST /campaigns/{id}/rule":                     moment.PermApprove,
	"GET /campaigns/{id}/dry-run":                   moment.PermView,
	"GET /campaigns/{id}/occurrences/{occurrence}":  moment.PermView,
	"POST /campaigns/{id}/occurrences/{occurrence}": moment.PermWrite,

	"GET /{$}":                        moment.PermView,
	"GET /events":                     moment.PermView,
	"GET /queue":                      moment.PermView,
	"GET /history":                    moment.PermView,
	"GET /history/export":             moment.PermView,
	"GET /inbox":                      moment.PermView,
	"GET /jobs/{key}":                 moment.PermView,
	"GET /posts/{id}":                 moment.PermView,
	"GET /instances":                  moment.PermView,
	"GET /instances/{id}":             moment.PermView,
	"GET /posts/new":                  moment.PermWrite,
	"POST /posts/new":                 moment.PermWrite,
	"POST /posts/new/preview":         moment.PermWrite,
	"POST /posts/new/look":            moment.PermWrite,
	"POST /posts/new/autosave":        moment.PermWrite,
	"POST /posts/new/discard":         moment.PermWrite,
	"GET /posts/new/made/{key}":       moment.PermWrite,
	"POST /posts/new/made/{key}/undo": moment.PermWrite,
	"GET /posts/{id}/edit":            moment.PermWrite,
	"POST /posts/{id}/edit":           moment.PermWrite,
	"GET /jobs":                       moment.PermView,
	"POST /jobs/{key}/stop":           moment.PermView,
	"POST /history/columns":           moment.PermView,
	"POST /history/views":             moment.PermView,
	"POST /history/views/{id}/delete": moment.PermView,
	"POST /queue/bulk":                moment.PermWrite,
	"POST /queue/bulk/run":            moment.PermWrite,
	"GET /posts/{id}/submit":          moment.PermWrite,
	"POST /posts/{id}/submit":         moment.PermWrite,
	"GET /posts/{id}/reschedule":      moment.PermWrite,
	"POST /posts/{id}/reschedule":     moment.PermWrite,
	"GET /posts/{id}/cancel":          moment.PermWrite,
	"POST /posts/{id}/cancel":         moment.PermWrite,
	"GET /posts/{id}/delete":          moment.PermWrite,
	"POST /posts/{id}/delete":         moment.PermWrite,
	"GET /posts/{id}/send-now":        moment.PermOperate,
	"POST /posts/{id}/send-now":       moment.PermOperate,
	"GET /posts/{id}/retry":           moment.PermOperate,
	"POST /posts/{id}/retry":          moment.PermOperate,
	"GET /posts/{id}/found-sent":      moment.PermOperate,
	"POST /posts/{id}/found-sent":     moment.PermOperate,
	"GET /posts/{id}/not-sent":        moment.PermOperate,
	"POST /posts/{id}/not-sent":       moment.PermOperate,
	"GET /posts/{id}/leave":           moment.PermOperate,
	"POST /posts/{id}/leave":          moment.PermOperate,
	"GET /posts/{id}/reopen":          moment.PermOperate,
	"POST /posts/{id}/reopen":         moment.PermOperate,
	"GET /posts/{id}/recall":          moment.PermOperate,
	"POST /posts/{id}/recall":         moment.PermOperate,
	"POST /inbox/bulk":                moment.PermOperate,
	"POST /inbox/bulk/run":            moment.PermOperate,
	"GET /pause":                      moment.PermOperate,
	"POST /pause":                     moment.PermOperate,
	"GET /resume":                     moment.PermOperate,
	"POST /resume":                    moment.PermOperate,
	"POST /instances/sync":            moment.PermOperate,
	"POST /instances/{id}/pacing":     moment.PermOperate,
	"POST /instances/{id}/pause":      moment.PermOperate,
	"POST /instances/{id}/resume":     moment.PermOperate,
	"POST /instances/{id}/release":    moment.PermOperate,
	"POST /instances/{id}/mature":     moment.PermOperate,
}

func TestEveryRouteForEveryRole(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	routes := web.Patterns()
	for pattern := range needs {
		if !slices.Contains(routes, pattern) {
			t.Errorf("there is no route %s any more", pattern)
		}
	}
	for _, pattern := range routes {
		need, ok := needs[pattern]
		if !ok {
			t.Errorf("route %s has no row in this test: who may use it?", pattern)
			continue
		}
		if pattern == "GET /events" {
			continue // does not end; TestEventsTickWhenSomethingChanges asks for it
		}
		method, path, _ := strings.Cut(pattern, " ")
		// What the path names does not exist: whoever is let in finds nothing.
		path = strings.NewReplacer("{$}", "", "{id}", "999999", "{key}", "none").Replace(path)
		for _, role := range append([]moment.Role{""}, moment.Roles...) {
			var form url.Values
			if method == http.MethodPost {
				form = url.Values{"x": {"1"}}
			}
			got := s.do(string(role), method, path, form)
			allowed := need == "open" || role.May(need)
			if pattern == "POST /login" || pattern == "POST /logout" {
				continue // to refuse is what the one is for, and to lead to the login what the other is
			}
			switch {
			case allowed && (got.status == http.StatusForbidden || got.status == http.StatusUnauthorized || strings.HasPrefix(got.header.Get("Location"), "/login")):
				t.Errorf("%s as %q: refused with %d", pattern, role, got.status)
			case !allowed && role == "" && method == http.MethodGet && !strings.HasPrefix(got.header.Get("Location"), "/login?next="):
				t.Errorf("%s without login: %d, not led to the login", pattern, got.status)
			case !allowed && role == "" && method == http.MethodPost && got.status != http.StatusUnauthorized:
				t.Errorf("%s without login: %d", pattern, got.status)
			case !allowed && role != "" && got.status != http.StatusForbidden:
				t.Errorf("%s as %q: %d, want 403", pattern, role, got.status)
			}
		}
	}
}

func TestLoginLeadsBack(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.do("", http.MethodGet, "/queue?q=a%26b", nil).to("/login?next=" + url.QueryEscape("/queue?q=a%26b"))
	if got := s.do("", http.MethodGet, "/queue", nil, "HX-Request", "true"); got.status != http.StatusUnauthorized || got.body != "" {
		t.Errorf("a block: %d %q", got.status, got.body)
	}
}

func TestForeignPagesChangeNothing(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	form := url.Values{"reason": {"x"}}
	s.do("admin", http.MethodPost, "/pause", form, "Sec-Fetch-Site", "cross-site").want(http.StatusForbidden).has("another site")
	s.do("admin", http.MethodPost, "/pause", form, "Origin", "https://evil.example").want(http.StatusForbidden)
	if got := s.text(`SELECT paused::text FROM settings`); got != "false" {
		t.Error("it was paused")
	}
	s.do("admin", http.MethodPost, "/pause", form, "Sec-Fetch-Site", "same-origin").to("/queue")
}
