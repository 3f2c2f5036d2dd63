package web_test

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"momentcast/internal/moment"
)

// campaignFields are a whole form, in pairs; more pairs override it.
func (s *site) campaignFields(name string, instance int64, more ...string) []string {
	fields := map[string]string{"name": name, "colour": "#1f6feb", "content": "day {{n}}", "title": "title", "url": "https://example.com/a", "thumb_url": "https://example.com/a.jpg",
		"instance": id(instance), "visibility": "everyone", "kind": "cron", "mode": "every_day", "clocks": "09:00", "zone": "Asia/Shanghai", "rule": "", "region": "cn",
		"missed": "latest", "missed_cap": "10", "language": "en", "order": "fixed", "max_lateness": "30"}
	for i := 0; i < len(more); i += 2 {
		fields[more[i]] = more[i+1]
	}
	var out []string
	for k, v := range fields {
		out = append(out, k, v)
	}
	return out
}

// campaignVersion is what the page of a campaign says.
func (s *site) campaignVersion(path string) string { s.t.Helper(); return s.get(path).field("version") }

func (s *site) draftCampaign(name string, instance int64, more ...string) string {
	s.t.Helper()
	s.submit("/campaigns", s.campaignFields(name, instance, more...)...).want(http.StatusSeeOther)
	return "/campaigns/" + s.text(`SELECT max(id)::text FROM campaigns`)
}

func (s *site) activeCampaign(name string, instance int64, more ...string) string {
	s.t.Helper()
	path := s.draftCampaign(name, instance, more...)
	s.submit(path+"/do", "do", "activate", "version", s.campaignVersion(path)).to(path)
	return path
}

func TestCampaignOnThePages(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	i := s.instance("wxid_a", "Tea house")
	s.get("/campaigns").has("There are no campaigns yet")
	s.submit("/campaigns", s.campaignFields("Autumn", i, "instance", "", "content", "{{password}}", "clocks", "25:00")...).
		want(http.StatusUnprocessableEntity).has("Must be written HH:MM", `value="Autumn"`, "{{password}}")
	s.submit("/campaigns", s.campaignFields("Autumn", i, "instance", "", "content", "{{password}}")...).
		want(http.StatusUnprocessableEntity).has("Has an unknown variable")

	path := s.draftCampaign("Autumn", i, "mode", "weekly", "weekday", "1", "clocks", "09:30")
	s.get(path).has("Draft", "every Monday at 09:30", "Activate")
	s.submit(path+"/do", "do", "approve", "version", "1").want(http.StatusForbidden)
	s.submit(path+"/do", "do", "activate", "version", s.campaignVersion(path)).to(path)
	s.get(path).has("Active", "Tea house").lacks("Delete")
	s.get("/campaigns?state=active&q=aut").has("Autumn")
	s.get("/campaigns?state=paused").has("No campaign matches")

	// A change is shown before it is made.
	edit := s.get(path+"/edit").has(`value="weekly" selected`, `value="1" checked`, `value="09:30"`)
	change := s.campaignFields("Autumn", i, "version", edit.field("version"), "title", "Changed", "mode", "weekly", "weekday", "1", "clocks", "09:30")
	s.submit(path, change...).want(http.StatusOK).has("are rewritten", "Save it")
	if n := s.text(`SELECT count(*)::text FROM posts WHERE title = 'Changed'`); n != "0" {
		t.Fatalf("asking changed %s posts", n)
	}
	s.submit(path, append(change, "do", "save")...).to(path)
	if n := s.text(`SELECT count(*)::text FROM posts WHERE title <> 'Changed'`); n != "0" {
		t.Errorf("%s posts did not follow", n)
	}
	s.submit(path, change...).want(http.StatusConflict).has("Somebody has just changed the campaign", `value="Changed"`)

	// One firing.
	occ := path + "/occurrences/" + s.text(`SELECT id::text FROM occurrences ORDER BY at OFFSET 1 LIMIT 1`)
	s.submit(occ, "do", "move", "at", "2020-01-01T09:00", "version", s.get(occ).field("version")).want(http.StatusUnprocessableEntity).has("Must lie in the future")
	s.submit(occ, "do", "skip", "version", s.get(occ).field("version")).to(path)
	s.get(path).has("Skipped", "by a person")
	s.submit(occ, "do", "skip", "version", "1").want(http.StatusConflict)

	// This and the following.
	third := s.text(`SELECT id::text FROM occurrences ORDER BY at OFFSET 2 LIMIT 1`)
	split := s.campaignFields("Later", i, "version", s.campaignVersion(path), "from", third, "mode", "weekly", "weekday", "1", "clocks", "09:30", "do", "save")
	s.submit(path, split...).want(http.StatusSeeOther)
	s.get("/campaigns").has("Later", "Autumn")

	s.submit(path+"/do", "do", "pause", "version", s.campaignVersion(path)).want(http.StatusUnprocessableEntity)
	s.submit(path+"/do", "do", "pause", "reason", "wrong link", "version", s.campaignVersion(path)).to(path)
	s.get(path).has("Paused", "wrong link", "Resume")
	s.submit(path+"/do", "do", "resume", "missed", "skip", "version", s.campaignVersion(path)).to(path)
	s.submit(path+"/do", "do", "stop", "reason", "over", "version", s.campaignVersion(path)).to(path)
	s.get(path).has("Stopped").lacks("Resume")
	s.get("/campaigns/dry-run").has("on time")
}

// Twice the same button is one copy; the page loaded again makes another.
func TestACampaignIsCopiedOnce(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	path := s.draftCampaign("Autumn", s.instance("wxid_a", "Tea house"))
	p := s.get(path)
	fields := []string{"do", "clone", "version", p.field("version"), "key", p.field("key")}
	first := s.submit(path+"/do", fields...).want(http.StatusSeeOther).header.Get("Location")
	s.submit(path+"/do", fields...).to(first)
	fields[5] = s.get(path).field("key")
	if again := s.submit(path+"/do", fields...).want(http.StatusSeeOther).header.Get("Location"); again == first {
		t.Error("a page that was loaded again makes no copy")
	}
	if n := s.text(`SELECT count(*)::text FROM campaigns`); n != "3" {
		t.Errorf("%s campaigns, want the campaign and two copies", n)
	}
	copied := strings.TrimSuffix(first, "/edit")
	s.submit(copied+"/do", "do", "delete", "version", s.campaignVersion(copied)).to("/campaigns")
	fields[5] = p.field("key")
	s.submit(path+"/do", fields...).want(http.StatusConflict).has("was deleted")
}

// Who set up the token that wrote a campaign is told so instead of being asked.
func TestCampaignOfOnesTokenSaysWhyNot(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.exec(`UPDATE settings SET require_approval = true`)
	path := s.activeCampaign("Autumn", s.instance("wxid_a", "Tea house"))
	s.exec(`UPDATE campaigns SET author = 'crm'`)
	approve := `value="approve"`
	s.get(path).has(approve)
	if _, err := s.db.CreateToken(t.Context(), moment.Token{Name: "crm", Scopes: []moment.Scope{moment.ScopeWrite}}, moment.HashToken("x"), moment.Origin{Actor: "lin", Source: "web"}); err != nil {
		t.Fatal(err)
	}
	s.get(path).has("A token that you set up wrote or edited this campaign").lacks(approve)
	s.submit(path+"/rule", "do", "approve", "version", s.campaignVersion(path)).want(http.StatusForbidden).has("A token that you set up")
}

func TestSchedulePreviewFollowsTheForm(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	i := s.instance("wxid_a", "Tea house")
	form := url.Values{}
	fields := s.campaignFields("x", i, "mode", "advanced", "cron", "0 9 1-10 10 *", "rule", "next_working_day", "start", "2026-10-01", "end", "2026-10-10")
	for k := 0; k < len(fields); k += 2 {
		form.Add(fields[k], fields[k+1])
	}
	s.exec(`SELECT 1`)
	part := s.do("admin", http.MethodPost, "/campaigns/preview", form, "HX-Request", "true").want(http.StatusOK)
	part.has("campaign-preview").lacks("<html")
	form.Set("start", "")
	form.Set("end", "")
	for from, want := range map[string]string{"2026-10-01": "2026-10-08", "2025-10-01": "2025-10-09", "<b>": "campaign-preview", "\x00": "campaign-preview", "0001-01-01": "campaign-preview"} {
		form.Set("preview_from", from)
		s.do("admin", http.MethodPost, "/campaigns/preview", form, "HX-Request", "true").want(http.StatusOK).has(want)
	}
	form.Set("cron", "*/61 * * * *")
	s.do("admin", http.MethodPost, "/campaigns/preview", form, "HX-Request", "true").want(http.StatusOK).has("once the schedule is right")
}

func TestCampaignPagesKeepMarkupInert(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	evil := `"><script>alert(1)</script>`
	i := s.instance("wxid_evil", evil)
	path := s.activeCampaign(evil, i, "content", evil, "title", evil, "groups", evil)
	for _, p := range []string{"/campaigns", path, path + "/edit", path + "/dry-run", path + "/occurrences/" + s.text(`SELECT min(id)::text FROM occurrences`)} {
		if page := s.get(p).want(http.StatusOK); strings.Contains(page.body, "<script>alert") {
			t.Errorf("%s runs what somebody wrote", p)
		}
	}
	s.get(fmt.Sprintf("%s?at=1&after=2&from=999999", path)).want(http.StatusOK)
}
