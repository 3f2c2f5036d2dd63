package browser_test

import (
	"context"
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"

	"momentcast/internal/web"
)

var only = flag.String("screens", "", "look at the pages whose name matches this regular expression only")

// screen is one page as it is opened and looked at.
type screen struct {
	name  string
	path  func(*team) string
	alike bool // of a kind with others: opened in one variant only
	out   bool // for who is not signed in
	first func(*tab)
}

func at(path string) func(*team) string { return func(*team) string { return path } }

// postAt is a path below a post's.
func postAt(of func(*team) int64, below string) func(*team) string {
	return func(s *team) string { return fmt.Sprintf("/posts/%d%s", of(s), below) }
}

// campaignAt is a path below the team's campaign.
func campaignAt(below string) func(*team) string {
	return planAt(func(s *team) int64 { return s.campaign }, below)
}

// planAt is a path below a campaign's.
func planAt(of func(*team) int64, below string) func(*team) string {
	return func(s *team) string { return fmt.Sprintf("/campaigns/%d%s", of(s), below) }
}

// screens is every page that is served to browsers, by its route. A route
// without a row here fails the test, so that nobody adds a page that nobody has
// looked at.
var screens = map[string][]screen{
	"GET /{$}":                {{name: "overview", path: at("/")}},
	"GET /queue":              {{name: "queue", path: at("/queue")}},
	"GET /history":            {{name: "history", path: at("/history")}},
	"GET /inbox":              {{name: "inbox", path: at("/inbox")}},
	"GET /settings":           {{name: "settings", path: at("/settings")}},
	"GET /settings/approval":  {{name: "settings-approval", path: at("/settings/approval"), alike: true}},
	"GET /settings/composing": {{name: "settings-composing", path: at("/settings/composing"), alike: true}},
	"GET /settings/gateway":   {{name: "settings-gateway", path: at("/settings/gateway")}},
	"GET /settings/tokens":    {{name: "settings-tokens", path: at("/settings/tokens")}},
	"GET /approvals": {
		{name: "approvals", path: at("/approvals")},
	},
	"GET /campaigns":         {{name: "campaigns", path: at("/campaigns")}},
	"GET /campaigns/new":     {{name: "campaign-new", path: at("/campaigns/new")}},
	"GET /campaigns/dry-run": {{name: "campaigns-dry-run", path: at("/campaigns/dry-run"), alike: true}},
	"GET /campaigns/{id}": {
		{name: "campaign", path: campaignAt("")},
		{name: "campaign-crowd", path: planAt(func(s *team) int64 { return s.crowd }, "")},
		{name: "campaign-draft", path: planAt(func(s *team) int64 { return s.planDraft }, ""), alike: true},
		{name: "campaign-pending", path: planAt(func(s *team) int64 { return s.planPending }, ""), alike: true},
		{name: "campaign-paused", path: planAt(func(s *team) int64 { return s.planPaused }, ""), alike: true},
		{name: "campaign-stopped", path: planAt(func(s *team) int64 { return s.planStopped }, ""), alike: true},
	},
	"GET /campaigns/{id}/edit": {
		{name: "campaign-edit", path: campaignAt("/edit")},
		{name: "campaign-change", path: campaignAt("/edit"), first: func(b *tab) {
			b.fill("#title", "夏日茶单 {{n}}")
			b.click("form.campaign button[type=submit]:not([formaction])")
			b.has("main button[name=do][value=save]")
		}},
		{name: "campaign-from", path: func(s *team) string { return fmt.Sprintf("/campaigns/%d/edit?from=%d", s.campaign, s.occurrence) }, alike: true},
		{name: "campaign-from-change", path: func(s *team) string { return fmt.Sprintf("/campaigns/%d/edit?from=%d", s.campaign, s.occurrence) }, first: func(b *tab) {
			b.fill("#title", "夏日茶单 {{n}}")
			b.fill("#clocks", "10:30")
			b.click("form.campaign button[type=submit]:not([formaction])")
			b.has("main button[name=do][value=save]")
		}},
	},
	"GET /campaigns/{id}/dry-run": {
		{name: "campaign-dry-run", path: campaignAt("/dry-run")},
		{name: "campaign-crowd-dry-run", path: planAt(func(s *team) int64 { return s.crowd }, "/dry-run"), alike: true},
	},
	"GET /campaigns/{id}/occurrences/{occurrence}": {{name: "campaign-occurrence", path: func(s *team) string {
		return fmt.Sprintf("/campaigns/%d/occurrences/%d", s.campaign, s.occurrence)
	}}},
	"GET /pause":  {{name: "pause", path: at("/pause")}},
	"GET /resume": {{name: "resume", path: at("/resume"), alike: true}},
	"GET /posts/{id}": {
		{name: "post-sent", path: postAt(func(s *team) int64 { return s.sent }, "")},
		{name: "post-unknown", path: postAt(func(s *team) int64 { return s.unknown }, "")},
		{name: "post-failed", path: postAt(func(s *team) int64 { return s.failed }, ""), alike: true},
		{name: "post-held", path: postAt(func(s *team) int64 { return s.held }, ""), alike: true},
	},
	"GET /posts/new": {
		{name: "compose", path: at("/posts/new")},
		{name: "compose-written", path: func(s *team) string { return fmt.Sprintf("/posts/new?from=%d", s.sent) }, first: func(b *tab) {
			b.click("[data-every]")
			b.click("[data-due]")
			b.wait("the times on each account", `document.querySelector('#preview .departures') !== null`)
			b.calm()
		}},
	},
	"GET /posts/{id}/edit":       {{name: "compose-edit", path: postAt(func(s *team) int64 { return s.scheduled }, "/edit")}},
	"GET /posts/{id}/cancel":     {{name: "post-cancel", path: postAt(func(s *team) int64 { return s.scheduled }, "/cancel")}},
	"GET /posts/{id}/reschedule": {{name: "post-reschedule", path: postAt(func(s *team) int64 { return s.scheduled }, "/reschedule"), alike: true}},
	"GET /posts/{id}/send-now":   {{name: "post-send-now", path: postAt(func(s *team) int64 { return s.missed }, "/send-now"), alike: true}},
	"GET /posts/{id}/retry":      {{name: "post-retry", path: postAt(func(s *team) int64 { return s.failed }, "/retry"), alike: true}},
	"GET /posts/{id}/found-sent": {{name: "post-found-sent", path: postAt(func(s *team) int64 { return s.unknown }, "/found-sent")}},
	"GET /posts/{id}/not-sent":   {{name: "post-not-sent", path: postAt(func(s *team) int64 { return s.unknown }, "/not-sent"), alike: true}},
	"GET /posts/{id}/reopen":     {{name: "post-reopen", path: postAt(func(s *team) int64 { return s.unknown }, "/reopen"), alike: true}},
	"GET /posts/{id}/leave":      {{name: "post-leave", path: postAt(func(s *team) int64 { return s.unknown }, "/leave"), alike: true}},
	"GET /posts/{id}/recall":     {{name: "post-recall", path: postAt(func(s *team) int64 { return s.sent }, "/recall"), alike: true}},
	"GET /posts/{id}/submit":     {{name: "post-submit", path: postAt(func(s *team) int64 { return s.draft }, "/submit"), alike: true}},
	"GET /posts/{id}/delete":     {{name: "post-delete", path: postAt(func(s *team) int64 { return s.draft }, "/delete"), alike: true}},
	"GET /instances":             {{name: "instances", path: at("/instances")}},
	"GET /instances/{id}":        {{name: "instance", path: func(s *team) string { return fmt.Sprintf("/instances/%d", s.ids[zhaoYiming]) }}},
	"GET /imports/{id}": {{name: "import", path: at("/imports"), first: func(b *tab) {
		b.attach("#file", b.file("posts.csv", importRows))
		b.submit()
		b.wait("the file is checked", `/^\/imports\/\d+$/.test(location.pathname)`)
		b.calm()
	}},
		{name: "import-checked", path: func(s *team) string { return fmt.Sprintf("/imports/%d", s.checked) }},
		{name: "import-done", path: func(s *team) string { return fmt.Sprintf("/imports/%d", s.imported) }},
	},
	"GET /imports":        {{name: "imports", path: at("/imports")}},
	"GET /audiences":      {{name: "audiences", path: at("/audiences")}},
	"GET /audiences/new":  {{name: "audience-new", path: at("/audiences/new"), first: openPicker}},
	"GET /audiences/{id}": {{name: "audience", path: at("/audiences/1")}},
	"GET /audiences/{id}/edit": {{name: "audience-edit", path: at("/audiences/1/edit")}, {name: "audience-change", path: at("/audiences/1/edit"), first: func(b *tab) {
		b.click("input[name=visibility][value=deny]")
		b.click("main form button[type=submit]")
		b.has("button[name=posts][value=rewrite]")
		b.calm()
	}}},
	"GET /audiences/{id}/delete": {{name: "audience-delete", path: at("/audiences/1/delete"), alike: true}},
	"GET /account":               {{name: "account", path: at("/account")}},
	"GET /settings/users":        {{name: "users", path: at("/settings/users")}},
	"GET /posts/new/made/{key}": {{name: "made", path: at("/posts/new"), first: func(b *tab) {
		b.typeCard()
		b.send("submit")
		b.wait("what was made", `location.pathname.startsWith('/posts/new/made/')`)
	}}},
	"GET /settings/users/{id}": {{name: "user", path: func(s *team) string {
		return fmt.Sprintf("/settings/users/%d", ask[int64](s.world, `SELECT id FROM users WHERE name = 'ann'`))
	}}},
	"GET /contacts":          {{name: "contacts", path: func(s *team) string { return fmt.Sprintf("/contacts?book=%d", s.ids[linXiaowen]) }}},
	"GET /settings/calendar": {{name: "work-calendar", path: at("/settings/calendar")}},
	"GET /calendar": {
		{name: "calendar", path: at("/calendar")},
		{name: "calendar-week", path: at("/calendar?view=week")},
	},
	"GET /posts/{id}/move": {{name: "post-move", path: postAt(func(s *team) int64 { return s.scheduled }, "/move")}},
	"GET /jobs":            {{name: "jobs", path: at("/jobs")}},
	"GET /audit":           {{name: "audit", path: at("/audit")}},
	"GET /login":           {{name: "login", path: at("/login"), out: true}},
	"GET /jobs/{key}": {{name: "job", path: at("/queue"), alike: true, first: func(b *tab) {
		b.click("input[name=id]")
		b.click(`button[name=do][value=cancel]`)
		b.at("/queue/bulk")
		b.calm()
	}}},
}

// openPicker makes a form show the labels and contacts to choose from.
func openPicker(b *tab) {
	b.click("input[name=visibility][value=allow]")
	b.click(".picker > summary")
	b.has(".picker [data-pick=labels]")
	b.click(".picker [data-pick=labels]")
	b.has(".chips li")
	b.has(".seen-allow") // the sentence follows what is picked
	b.calm()
}

// notPages are routes that browsers do not show as a page.
var notPages = []string{
	"GET /events",        // a stream
	"GET /audit/export",  // files
	"GET /calendar/feed", // data
	"GET /imports/template",
	"GET /history/export",
	"GET /setup",     // where somebody can sign in already, it leads to the login; TestFirstRun opens it
	"GET /auth/oidc", // leads to the provider
	"GET /auth/oidc/callback",
}

// Every page route of the program is in the table above, and nothing else is.
func TestEveryPageIsLookedAt(t *testing.T) {
	t.Parallel()
	served := web.Patterns()
	for _, pattern := range served {
		if !strings.HasPrefix(pattern, "GET ") || slices.Contains(notPages, pattern) {
			continue
		}
		if _, ok := screens[pattern]; !ok {
			t.Errorf("%s is served, and no test opens it in a browser: add a row to screens", pattern)
		}
	}
	for pattern := range screens {
		if !slices.Contains(served, pattern) {
			t.Errorf("%s is not served any more", pattern)
		}
	}
}

// variant is how a page is looked at.
type variant struct {
	name, lang, theme string
	size              size
}

var variants = []variant{
	{"zh-wide", "zh-CN", "light", wide},
	{"zh-360", "zh-CN", "light", narrow},
	{"en-dark", "en", "dark", wide},
}

// Every page, as a person with all roles sees it in the middle of a working
// week: in Chinese on a desk and on a phone, and in English in the dark. None
// keeps anybody out, none is wider than the phone, none misses a text, and the
// browser has nothing to say against any.
func TestEveryPage(t *testing.T) {
	t.Parallel()
	wanted := regexp.MustCompile(*only)
	s := newWorld(t).newTeam()
	s.plan()
	s.plans()
	for _, v := range variants {
		t.Run(v.name, func(t *testing.T) {
			t.Parallel()
			b := s.as(t, v)
			for _, pattern := range slices.Sorted(maps.Keys(screens)) {
				for _, sc := range screens[pattern] {
					if wanted.MatchString(sc.name) && (!sc.alike || v.size == narrow) {
						b.look(s, sc, v)
					}
				}
			}
		})
	}
}

// as opens a tab for the variant, signed in as the administrator.
func (s *team) as(t *testing.T, v variant) *tab {
	t.Helper()
	b := newTab(t, s.base)
	b.picturesAt = s.gw
	b.resize(v.size)
	b.step("choose the theme", func(ctx context.Context) error {
		_, err := chromedp.Call(ctx, network.SetCookie, network.SetCookieParams{Name: "theme", Value: v.theme, URL: s.base})
		return err
	})
	b.open("/login?lang=" + v.lang)
	b.examine("login-"+v.name, v)
	b.signIn("admin", v.lang)
	return b
}

// look opens a page, keeps a picture of it and examines it.
func (b *tab) look(s *team, sc screen, v variant) {
	b.t.Helper()
	if sc.out {
		return // was looked at before signing in
	}
	b.name = strings.ReplaceAll(b.t.Name(), "/", "-") + "-" + sc.name
	b.open(sc.path(s))
	if sc.first != nil {
		sc.first(b)
	}
	b.examine(sc.name+"-"+v.name, v)
}

func (b *tab) examine(name string, v variant) {
	b.t.Helper()
	b.calm()
	b.picture(filepath.Join("screens", name+".png"))
	html := eval[string](b, `document.documentElement.outerHTML`)
	for _, bad := range []string{"⟦", "&lt;no value&gt;", "<no value>", "%!", "ZgotmplZ", "undefined", "NaN"} {
		if i := strings.Index(html, bad); i >= 0 {
			b.t.Errorf("%s has %q: …%s…", name, bad, html[max(0, i-80):min(len(html), i+80)])
		}
	}
	if over := eval[int](b, `document.scrollingElement.scrollWidth - window.innerWidth`); over > 0 && v.size == narrow {
		b.t.Errorf("%s is %d px too wide: %s", name, over, eval[string](b, widest))
	}
	for _, f := range b.audit() {
		if f.grave() {
			b.t.Errorf("%s: %s", name, f)
		} else {
			b.t.Logf("%s: %s", name, f)
		}
	}
	b.clean()
}

// widest names the elements that stick out on the right.
const widest = `Array.from(document.querySelectorAll('body *')).filter(e => e.getBoundingClientRect().right > window.innerWidth + 1)
	.slice(0, 5).map(e => e.cloneNode(false).outerHTML).join(' ')`

// picture keeps the whole page in artifacts. The window is made as high as the
// page for it, so that what sticks to its edges is where it belongs.
func (b *tab) picture(name string) {
	b.t.Helper()
	file := filepath.Join(artifacts(b.t), name)
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		b.t.Fatal(err)
	}
	high := min(eval[int64](b, `document.documentElement.scrollHeight`), 10_000)
	was := b.size
	b.resize(size{was.width, max(high, was.height)})
	b.wait("the pictures of the page", `Array.from(document.images).every(i => i.complete)`)
	b.step("picture of "+name, func(ctx context.Context) error {
		shot, err := chromedp.Run(ctx, chromedp.CaptureScreenshot())
		if err != nil {
			return err
		}
		return os.WriteFile(file, shot, 0o600)
	})
	b.resize(was)
}
