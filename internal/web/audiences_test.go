package web_test

import (
	"net/http"
	"slices"
	"testing"

	"momentcast/internal/moment"
)

func (s *site) audience(name string, v moment.Visibility) int64 {
	s.t.Helper()
	id, err := s.db.AddAudience(s.t.Context(), &moment.Audience{Name: name, Visibility: v}, moment.Origin{Actor: "a", Source: "cli"})
	if err != nil {
		s.t.Fatal(err)
	}
	return id
}

func vip() moment.Visibility { return moment.Visibility{Mode: moment.Allow, Labels: []string{"3"}} }

func TestAudienceIsMadeChangedAndDeleted(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.get("/audiences").has("There are no audiences yet")
	// Nobody chose who: nothing is stored, and what was typed stays.
	s.submit("/audiences", "name", "Regulars", "note", "typed").want(http.StatusUnprocessableEntity).has("Choose who may see it", `value="Regulars"`, "typed")
	s.submit("/audiences", "name", "Regulars", "visibility", "allow").want(http.StatusUnprocessableEntity).has("an empty list never means everyone")
	s.submit("/audiences", "name", "Regulars", "visibility", "allow", "visible_users", "wxid_a\nwxid b!").want(http.StatusUnprocessableEntity).has("b! · Not a wxid")
	s.submit("/audiences", "name", "", "visibility", "everyone").want(http.StatusUnprocessableEntity)
	if got := s.text(`SELECT count(*)::text FROM audiences`); got != "0" {
		t.Fatalf("%s audiences", got)
	}
	s.submit("/audiences", "name", "Regulars", "visibility", "allow", "visible_labels", "3").to("/audiences/1")
	s.submit("/audiences", "name", "regulars", "visibility", "everyone").want(http.StatusUnprocessableEntity).has("This name is taken")
	s.get("/audiences").has("Regulars", "Only label “3” can see it", "Not used yet")
	s.get("/audiences?q=nothing").has("No audience matches")
	s.get("/audiences/new?from=1").has("Regulars (copy)", ">3</textarea>")

	i := s.instance("wxid_a", "Tea house")
	post := s.post(i, "Waiting", func(p *moment.Post) { p.Visibility, p.AudienceID = vip(), 1 })
	s.get("/audiences/1").has("1 posts not sent yet, 0 finished", "Waiting", "Tea house")
	edit := s.get("/audiences/1/edit")
	change := []string{"version", edit.field("version"), "name", "Regulars", "visibility", "deny", "visible_users", "wxid_x"}
	s.submit("/audiences/1", change...).want(http.StatusOK).has("touches 1 posts", "Only label “3” can see it", "All contacts but 1 contact can see it", "Waiting", `name="visible_users" value="wxid_x"`)
	if got := s.text(`SELECT visibility FROM posts WHERE id = $1`, post); got != "allow" {
		t.Fatalf("asking has changed the post: %s", got)
	}
	s.submit("/audiences/1", append(change, "posts", "rewrite")...).to("/audiences/1")
	if got := s.text(`SELECT visibility || visible_users::text FROM posts WHERE id = $1`, post); got != "deny{wxid_x}" {
		t.Errorf("the post has %s", got)
	}
	// Somebody else was quicker: both are shown, nothing typed is lost, and the next save is theirs to decide.
	late := s.submit("/audiences/1", "version", "1", "name", "Mine", "visibility", "everyone").want(http.StatusConflict)
	late.has("Somebody has just changed", "All contacts but 1 contact", `value="Mine"`)
	s.submit("/audiences/1", "version", late.field("version"), "name", "Mine", "visibility", "everyone", "posts", "leave").to("/audiences/1")
	s.get("/audiences/1").has("Mine", "1 more posts not sent yet were given another visibility")

	s.get("/audiences/1/delete").has("cannot be deleted").lacks(`action="/audiences/1/delete"`)
	s.submit("/audiences/1/delete").want(http.StatusConflict).has("give them another visibility first")
	s.force(post, moment.Cancelled)
	s.submit("/audiences/1/delete", "version", s.get("/audiences/1/delete").field("version")).to("/audiences")
	s.get("/audiences").lacks("Mine")
	s.get("/audiences/1").has("This audience was deleted")
	s.get("/audiences/1/edit").want(http.StatusNotFound)
}

func TestAudiencePagesKeepMarkupInert(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	evil := `"><script>alert(1)</script>`
	i := s.instance("wxid_evil", evil)
	id1 := s.audience(evil, vip())
	if err := s.db.KeepLabels(t.Context(), i, "w", []moment.Label{{ID: "3", Name: evil}}); err != nil {
		t.Fatal(err)
	}
	s.post(i, evil, func(p *moment.Post) { p.Visibility, p.AudienceID = vip(), id1 })
	s.exec(`UPDATE audiences SET note = $1, author = $1`, evil)
	for _, path := range []string{"/audiences", "/audiences/1", "/audiences/1/edit", "/audiences/1/delete", "/audiences/new?from=1", "/contacts?book=" + id(i)} {
		s.get(path).want(http.StatusOK).lacks("<script>alert")
	}
	s.submit("/audiences/1", "version", "1", "name", evil, "visibility", "everyone").want(http.StatusOK).lacks("<script>alert")
}

// A campaign is given a preset on its form, follows it, and keeps it from being
// deleted; what that does is said before it is done.
func TestCampaignWithAnAudienceOnThePages(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	i := s.instance("wxid_a", "Tea house")
	s.exec(`UPDATE settings SET require_approval = true, own_approval = true`)
	vip := s.audience("Regulars", vip())
	preset := []string{"visibility", "preset", "audience", id(vip)}
	s.submit("/campaigns", s.campaignFields("Autumn", i, "visibility", "preset", "audience", "")...).want(http.StatusUnprocessableEntity)
	s.submit("/campaigns", s.campaignFields("Autumn", i, "visibility", "preset", "audience", "999")...).want(http.StatusUnprocessableEntity).has("This audience is gone")
	path := s.activeCampaign("Autumn", i, preset...)
	s.get(path).has("Regulars", "Only label “3” can see it")
	edit := s.get(path+"/edit").has(`value="preset" checked`, `value="`+id(vip)+`" selected`)
	s.submit(path, s.campaignFields("Autumn", i, "version", edit.field("version"), "visibility", "everyone")...).
		want(http.StatusOK).has("<del>Only label “3” can see it</del>", "<ins>All contacts can see it</ins>")
	s.submit(path+"/rule", "do", "approve", "version", s.campaignVersion(path)).to(path)
	s.get(path).has("holds until")

	s.get("/audiences").has("1 campaigns.")
	s.get("/audiences/1").has("Autumn", "30 posts not sent yet follow it", "approved")
	s.get("/audiences/1/delete").has("1 campaigns that are not over use it").lacks(`action="/audiences/1/delete"`)
	change := []string{"version", "1", "name", "Regulars", "visibility", "everyone"}
	s.submit("/audiences/1", change...).want(http.StatusOK).has("touches 1 campaigns; 30 posts", "1 of them were approved", "Autumn")
	s.submit("/audiences/1", append(change, "posts", "rewrite")...).to("/audiences/1")
	s.get(path).has("To be approved", "All contacts can see it", "changed its audience")
	if n := s.text(`SELECT count(*)::text FROM posts WHERE state = 'pending' AND visibility = 'everyone'`); n != "30" {
		t.Errorf("%s posts followed", n)
	}
	s.submit("/audiences/1", "version", "2", "name", "Regulars", "visibility", "deny", "visible_users", "wxid_x", "posts", "leave").to("/audiences/1")
	s.get(path).has("The audience has changed since")
	s.get(path + "/edit").lacks(`value="preset" checked`).has(`value="everyone" checked`)

	s.submit(path+"/rule", "do", "approve", "version", s.campaignVersion(path)).to(path)
	s.exec(`UPDATE campaigns SET approved_until = now() - interval '1 minute', state = 'pending'`)
	s.get(path).has("The approval by")
	s.get("/approvals").has("Autumn", "The approval by")
}

func TestACampaignFormMakesOneCampaign(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	i := s.instance("wxid_a", "Tea house")
	form := s.campaignFields("Autumn", i, "key", s.get("/campaigns/new").field("key"))
	s.submit("/campaigns", form...).to("/campaigns/1")
	s.submit("/campaigns", form...).to("/campaigns/1")
	other := s.campaignFields("Winter", i, "key", form[slices.Index(form, "key")+1])
	again := s.submit("/campaigns", other...).want(http.StatusConflict).has("This form was submitted already", `value="Winter"`)
	s.submit("/campaigns", s.campaignFields("Winter", i, "key", again.field("key"))...).want(http.StatusSeeOther)
	if n := s.text(`SELECT count(*)::text FROM campaigns`); n != "2" {
		t.Errorf("%s campaigns", n)
	}
}
