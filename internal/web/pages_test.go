package web_test

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"momentcast/internal/moment"
	"momentcast/internal/web"
)

// pageCase is how a page is reached, and what must be on it.
type pageCase struct {
	path  string
	roles string // "" = admin
	form  []string
	want  int
	has   []string
	part  bool // there is a block of it for htmx
}

// Every page renders whole and in part, in both languages; one without a case
// fails the test.
func TestPages(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	i := s.instance("wxid_a", "Tea house")
	queued, failed := s.post(i, "Queued", nil), s.post(i, "Refused", nil)
	s.force(failed, moment.Failed)
	s.attempt(failed, moment.Rejected, "code_1001")
	if _, err := s.imports.Upload(t.Context(), moment.ImportFile{Name: "tea.csv", Data: []byte("账号,标题\nnobody,x\n")}, moment.ImportOptions{}, moment.Origin{Actor: "lin", Source: "web"}); err != nil {
		t.Fatal(err)
	}
	preset := s.audience("Regulars", vip())
	s.post(s.instance("wxid_b", "Book shop"), "Preset", func(p *moment.Post) { p.Visibility, p.AudienceID, p.State = vip(), preset, moment.Draft })
	key := strings.Repeat("k", 26)
	job := s.submit("/queue/bulk/run", "do", "cancel", "key", key, "id", id(s.post(i, "Dropped", nil))+".1").want(http.StatusSeeOther).header.Get("Location")

	waits := s.post(i, "Waits", func(p *moment.Post) { p.Author = "wang" })
	s.force(waits, moment.Pending)
	s.do("admin", http.MethodPost, "/posts/new", written([]int64{i, s.second()}, "do", "draft")).to("/posts/new/made/" + formKey)

	tea := s.activeCampaign("Autumn", i)
	cases := map[string]pageCase{
		"campaigns":           {path: "/campaigns", has: []string{"Autumn", "Active", "every day at 09:00"}, part: true},
		"campaign":            {path: tea, has: []string{"Autumn", "Each firing, each account", "Tea house", "Pause"}, part: true},
		"campaign_form":       {path: tea + "/edit", has: []string{"Autumn", "Every day", "Tea house", "Preview"}, part: true},
		"campaign_change":     {path: tea, form: s.campaignFields("Autumn", i, "title", "Other", "version", s.campaignVersion(tea)), has: []string{"are rewritten", "Save it"}},
		"campaign_dryrun":     {path: tea + "/dry-run", has: []string{"on time", "Autumn"}},
		"campaign_occurrence": {path: tea + "/occurrences/" + s.text(`SELECT (max(id))::text FROM occurrences`), has: []string{"Skip this one", "Move it", "Edit only this one"}},
		"overview":            {path: "/", has: []string{"Today", "Lateness", "<svg class=\"hours\""}, part: true},
		"queue":               {path: "/queue", has: []string{"Queued", "Tea house", "All 31 that match"}, part: true},
		"history":             {path: "/history", has: []string{"Queued", "Refused", "Export CSV"}, part: true},
		"inbox":               {path: "/inbox", has: []string{"Refused", "The gateway refused it (1001)", "Call 1, HTTP 200"}, part: true},
		"post":                {path: "/posts/" + id(failed), has: []string{"Refused", "Raw request and reply", "code_raw", "Retry"}, part: true},
		"instances":           {path: "/instances", has: []string{"Tea house", "wxid_a", "0 / 3"}, part: true},
		"instance":            {path: "/instances/" + id(i), has: []string{"Tea house", "Name and pacing", "Pause the instance"}, part: true},
		"action":              {path: "/posts/" + id(queued) + "/cancel", has: []string{"It will not be sent", "Queued"}},
		"pause":               {path: "/pause", has: []string{"Nothing more is sent"}},
		"resume":              {path: "/resume", has: []string{"Nothing is paused"}},
		"bulk":                {path: "/queue/bulk", form: []string{"do", "reschedule", "id", id(queued) + ".1"}, has: []string{"1 posts will be changed", "Move all by"}},
		"jobs":                {path: "/jobs", has: []string{"Cancel posts", "lin"}, part: true},
		"job":                 {path: job, has: []string{"of 1 posts"}, part: true},
		"compose":             {path: "/posts/new", has: []string{"Tea house", "Which instances", "Still missing", "Schedule"}},
		"made":                {path: "/posts/new/made/" + formKey, has: []string{"2 posts are there", "cancel these 2"}, part: true},
		"audit":               {path: "/audit", has: []string{"Post #", "created", "Export CSV"}, part: true},
		"contacts":            {path: "/contacts?book=" + id(i), has: []string{"Contacts", "Tea house", "Search remark"}, part: true},
		"visibility":          {path: "/visibility/preview", form: []string{"visibility", "deny", "visible_labels", "3"}, has: []string{"All contacts but label “3” can see it"}, part: true},
		"fail":                {path: "/nothing", want: 404, has: []string{"Not found", "To the overview"}},
		"expired":             {path: "/pause", roles: "none", form: []string{"reason", "typed text"}, want: 401, has: []string{"typed text", "Submit again"}},

		"workcalendar":    {path: "/settings/calendar?year=2026", has: []string{"2027 is not published yet", "国庆节", "Change days"}},
		"approvals":       {path: "/approvals", has: []string{"Waits", "1 waiting for approval", "Approve", "Reject"}, part: true},
		"imports":         {path: "/imports", has: []string{"tea.csv", "Campaigns (XLSX)", "nothing is stored yet"}, part: true},
		"import":          {path: "/imports/1", has: []string{"tea.csv", "No such account", "Check again so", "Wrong rows"}, part: true},
		"audiences":       {path: "/audiences", has: []string{"Regulars", "Only label “3” can see it"}, part: true},
		"audience":        {path: "/audiences/1", has: []string{"Regulars", "Preset"}, part: true},
		"audience_form":   {path: "/audiences/1/edit", has: []string{"Regulars", "Choose from the contacts"}},
		"audience_change": {path: "/audiences/1", form: []string{"version", "1", "name", "Regulars", "visibility", "everyone"}, has: []string{"touches 1 posts", "Change them too"}},
		"audience_delete": {path: "/audiences/1/delete", has: []string{"Regulars", "cannot be deleted"}},
		"calendar":        {path: "/calendar", has: []string{"Queued", "Tea house", "All but cancelled"}},
		"move":            {path: "/posts/" + id(queued) + "/move", has: []string{"Queued", "New time", "Look at the post"}, part: true},
		"settings":        {path: "/settings", has: []string{"Pacing", "The least time between two posts", "23:00-07:00", "Send again what was not found"}},
		"gateway":         {path: "/settings/gateway", has: []string{"Replicas", "Last look at who is online"}, part: true},
		"tokens":          {path: "/settings/tokens", has: []string{"There are no tokens yet", "New token"}},
	}
	for _, name := range s.web.PageNames() {
		c, ok := cases[name]
		if !ok && !elsewhere(name) {
			t.Errorf("page %s has no case in this test", name)
		}
		if !ok {
			continue
		}
		whole := s.visit(c).has(c.has...)
		if !strings.Contains(whole.body, "<html") || !strings.HasSuffix(strings.TrimSpace(whole.body), "</html>") {
			t.Errorf("%s: not a whole page", name)
		}
		if !slices.Contains(whole.header.Values("Vary"), "HX-Request, Cookie, Accept-Language") {
			t.Errorf("%s: Vary is %q", name, whole.header.Values("Vary"))
		}
		part := s.visit(c, "HX-Request", "true")
		if strings.Contains(part.body, "<html") == c.part {
			t.Errorf("%s: asked for a part, whole page is %v", name, c.part)
		}
		if restored := s.visit(c, "HX-Request", "true", "HX-History-Restore-Request", "true"); !strings.Contains(restored.body, "<html") {
			t.Errorf("%s: a history restore needs the whole page", name)
		}
		chinese := s.visit(c, "Cookie", "lang=zh-CN").has(`lang="zh-CN"`)
		for _, p := range []page{whole, part, chinese} {
			p.lacks("⟦", "%!", "style=", "onclick", "<script>", "ZgotmplZ")
		}
	}
	for name := range cases {
		if !slices.Contains(s.web.PageNames(), name) {
			t.Errorf("there is no page %s any more", name)
		}
	}
	if strings.Contains(s.log.String(), `"level":"error"`) {
		t.Error(s.log.String())
	}
}

// elsewhere are the pages whose own tests show them.
func elsewhere(name string) bool {
	for _, of := range []string{"login", "setup", "user", "me", "account", "password", "session", "audit", "workcalendar_"} {
		if strings.HasPrefix(name, of) {
			return true
		}
	}
	return false
}

func (s *site) visit(c pageCase, headers ...string) page {
	s.t.Helper()
	method, roles := http.MethodGet, "admin"
	var form map[string][]string
	if c.form != nil {
		method, form = http.MethodPost, map[string][]string{}
		for i := 0; i < len(c.form); i += 2 {
			form[c.form[i]] = append(form[c.form[i]], c.form[i+1])
		}
	}
	if c.roles == "none" {
		roles = ""
	}
	if c.want == 0 {
		c.want = http.StatusOK
	}
	return s.do(roles, method, c.path, form, headers...).want(c.want)
}

// attempt records a call of the post.
func (s *site) attempt(post int64, verdict moment.Verdict, cause string) {
	s.t.Helper()
	s.exec(`INSERT INTO attempts (post_id, number, started_at, duration, replica, verdict, cause, request, reply, http_status)
		VALUES ($1, 1, now(), '2 seconds', 'r1', $2, $3, '{"code_raw":1}', '{"code":"1001"}', 200)`, post, verdict, cause)
}

// Nothing that people or gateways write becomes markup or script.
func TestMarkupStaysInert(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	evil := `"><script>alert(1)</script><img src=x onerror=alert(2)>'{{.}}`
	i := s.instance("wxid_evil", evil)
	s.exec(`UPDATE instances SET groups = ARRAY[$1], paused = true, paused_reason = $1, paused_by = $1, paused_at = now(), ready_at = NULL`, evil)
	p := s.post(i, evil, func(p *moment.Post) {
		p.Card.Content, p.Card.Description, p.FirstComment, p.Author, p.ExternalKey = evil, evil, evil, evil, evil
	})
	s.exec(`UPDATE posts SET error = $1, url = 'javascript:alert(3)', thumb_url = 'javascript:alert(4)' WHERE id = $2`, evil, p)
	s.attempt(p, moment.Rejected, evil)
	s.exec(`UPDATE attempts SET request = $1, reply = $1, replica = $1, message = $1`, evil)
	s.exec(`INSERT INTO events (post_id, action, actor, source, detail) VALUES ($1, $2, $2, $2, jsonb_build_object('reason', $2::text, 'changed', jsonb_build_object($2::text, jsonb_build_array($2::text, $2::text))))`, p, evil)
	if err := s.db.Pause(t.Context(), evil, moment.Origin{Actor: evil, Source: "web"}); err != nil {
		t.Fatal(err)
	}
	check := func(path string) {
		got := s.get(path).want(http.StatusOK)
		got.lacks("<script>alert", "<img src=x", `href="javascript:`, `src="javascript:`)
	}
	for _, path := range []string{"/", "/queue", "/history", "/instances", "/instances/" + id(i), "/posts/" + id(p), "/posts/" + id(p) + "/cancel", "/resume",
		"/history?q=" + "%22%3E%3Cscript%3Ealert(1)%3C/script%3E", "/queue?author=%22%3E%3Cscript%3Ealert(1)"} {
		check(path)
	}
	s.force(p, moment.Pending)
	s.exec(`INSERT INTO approvals (post_id, ruling, hash, content, reason, actor, source) VALUES ($1, 'rejected', $2, jsonb_build_object('card', jsonb_build_object('title', $2::text)), $2, $2, $2)`, p, evil)
	check("/approvals")
	s.force(p, moment.Draft)
	check("/posts/" + id(p))
	s.force(p, moment.Failed)
	check("/inbox")
	check("/posts/" + id(p))
	got := s.submit("/posts/"+id(p)+"/reschedule", "version", s.version(p), "due_at", evil).want(http.StatusUnprocessableEntity)
	got.lacks("<script>alert")
}

func TestHeadersOfEveryAnswer(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	for _, path := range []string{"/", "/nothing", "/static/x/app.js"} {
		h := s.get(path).header
		csp := h.Get("Content-Security-Policy")
		if !strings.Contains(csp, "frame-ancestors 'none'") || strings.Contains(csp, "unsafe") || !strings.Contains(csp, "script-src 'self'") {
			t.Errorf("%s: policy %q", path, csp)
		}
		if h.Get("X-Content-Type-Options") != "nosniff" || h.Get("Referrer-Policy") == "" {
			t.Errorf("%s: %v", path, h)
		}
	}
}

func TestAssetsAreKeptForEver(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	body := s.get("/").body
	at := strings.Index(body, "/static/")
	address := body[at : at+strings.IndexByte(body[at:], '"')]
	got := s.do("", http.MethodGet, address, nil, "Accept-Encoding", "gzip").want(http.StatusOK)
	if got.header.Get("Cache-Control") != "public, max-age=31536000, immutable" || got.header.Get("Content-Type") == "" {
		t.Errorf("%s: %v", address, got.header)
	}
	s.do("", http.MethodGet, strings.Replace(address, "/static/", "/static/0", 1), nil).want(http.StatusNotFound)
}

func TestLanguageAndTheme(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.do("admin", http.MethodGet, "/queue", nil, "Accept-Language", "fr").has(`lang="en"`)
	got := s.get("/queue?lang=zh-CN&q=x").to("/queue?q=x")
	if !strings.HasPrefix(got.header.Get("Set-Cookie"), "lang=zh-CN;") {
		t.Errorf("cookie %q", got.header.Get("Set-Cookie"))
	}
	s.get("/queue", "Cookie", "lang=zh-CN").has("队列")
	s.submit("/theme", "theme", "dark", "next", "//evil.example").to("/")
	s.get("/", "Cookie", "theme=dark").has(`data-bs-theme="dark"`)
}

func TestDatabaseAwayHasAPageOfItsOwn(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.db.Close()
	got := s.get("/queue")
	if got.status != http.StatusServiceUnavailable && got.status != http.StatusInternalServerError {
		t.Fatalf("status %d", got.status)
	}
	w := httptest.NewRecorder()
	web.Starting(zerolog.Nop(), "test").ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/queue", nil))
	if w.Code != http.StatusServiceUnavailable || w.Header().Get("Retry-After") == "" || !strings.Contains(w.Body.String(), `http-equiv="refresh"`) {
		t.Errorf("%d: %s", w.Code, w.Body.String())
	}
}

func TestBannersSayWhatEverybodyMustKnow(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.exec(`UPDATE replicas SET heartbeat_at = now() - interval '1 minute'`)
	s.exec(`UPDATE gateway_status SET down_since = now() - interval '5 minutes'`)
	if err := s.db.Pause(t.Context(), "wrong link", moment.Origin{Actor: "wang", Source: "web"}); err != nil {
		t.Fatal(err)
	}
	s.get("/history").want(http.StatusOK).has("The dispatcher is dead", "unreachable for 5 min", "paused by wang", "wrong link", `href="/resume"`)
	s.do("viewer", http.MethodGet, "/history", nil).lacks(`href="/resume"`)
}

func TestEventsTickWhenSomethingChanges(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	server := httptest.NewServer(s.web)
	defer server.Close()
	r, _ := http.NewRequestWithContext(t.Context(), http.MethodGet, server.URL+"/events", nil)
	r.AddCookie(&http.Cookie{Name: "roles", Value: "viewer"})
	answer, err := server.Client().Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	got := make(chan string, 100)
	go func() {
		defer close(got)
		b := make([]byte, 1024)
		for {
			n, err := answer.Body.Read(b)
			if err != nil {
				return
			}
			got <- string(b[:n])
		}
	}()
	i := s.instance("wxid_a", "a")
	change := time.NewTicker(500 * time.Millisecond) // the first look only says where the trail is
	defer change.Stop()
	limit := time.After(patience)
	for {
		select {
		case text := <-got:
			if strings.Contains(text, "event: tick") {
				s.web.Close() // ends the stream, or the server would not stop
				return
			}
		case <-change.C:
			s.post(i, "x", nil)
		case <-limit:
			t.Fatal("no tick")
		}
	}
}
