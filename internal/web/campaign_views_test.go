package web_test

import (
	"net/http"
	"strings"
	"testing"
)

// The lists show one campaign's posts where they are asked to, name the
// campaign of each, and say why none of a paused one leaves.
func TestCampaignOnTheLists(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	i := s.instance("wxid_a", "Tea house")
	autumn, winter := s.activeCampaign("Autumn sale", i), s.activeCampaign("Winter", i, "title", "other", "url", "https://example.com/w", "colour", "#aa3300", "clocks", "10:00")
	number := strings.TrimPrefix(autumn, "/campaigns/")
	for _, path := range []string{"/queue", "/history?all=1"} {
		s.get(path).has("Autumn sale", "Winter", `href="`+autumn+`/occurrences/`, `fill="#aa3300"`)
	}
	for _, path := range []string{"/queue?campaign=" + number, "/history?all=1&campaign=" + number} {
		s.get(path).has("Only the campaign", "Autumn sale", `name="campaign" value="`+number+`"`).lacks(">Winter<", `fill="#aa3300"`)
	}
	date := "date=" + s.text(`SELECT to_char(min(due_at), 'YYYY-MM-DD') FROM posts`)
	s.get(autumn).has("/calendar?campaign=" + number + "&date=")
	s.get("/calendar?"+date+"&campaign="+number).has("Campaigns in view", "All campaigns", "Autumn sale").lacks("Winter")
	s.get("/calendar?"+date).has("campaign="+number, "Autumn sale", "Winter").lacks("All campaigns")
	s.get("/queue?campaign=999999").has("There is no campaign 999999")

	post := "/posts/" + s.text(`SELECT id::text FROM posts WHERE title = 'title' ORDER BY due_at OFFSET 2 LIMIT 1`)
	s.get(post).has("Autumn sale", "No. 3", "before: ", "next: ")
	s.submit(autumn+"/do", "do", "pause", "reason", "stock", "version", s.campaignVersion(autumn)).to(autumn)
	s.get(autumn).has("Paused: its posts are kept and none leaves")
	s.get(post).has("The campaign is paused", "Goes on when the campaign is resumed", `href="`+autumn+`"`)
	s.get("/queue?campaign=" + number).has("Until it is resumed its posts are not queued")
	s.get("/history?all=1&campaign=" + number).has("The campaign is paused")
	for _, path := range []string{autumn, "/campaigns"} {
		s.get(path).has("Paused with it").lacks(`hourglass"/></svg>Pending`) // nobody is asked to approve them
	}
	s.get(post+"/move").has("The campaign is paused", `href="`+autumn+`"`, `href="`+autumn+`/occurrences/`)
	s.submit(autumn+"/do", "do", "stop", "reason", "over", "version", s.campaignVersion(autumn)).to(autumn)
	s.get(post).has("The campaign was stopped")
	s.get(winter).has("It sends as planned")
	s.exec(`UPDATE posts SET state = 'missed', finished_at = now() WHERE id = (SELECT min(id) FROM posts WHERE state = 'scheduled')`)
	s.get("/inbox").has(`href="`+winter+`/occurrences/`, ">Winter</a>")
	s.get("/instances/" + s.text(`SELECT min(id)::text FROM instances`)).has(`href="` + winter + `/occurrences/`)
}

// What an edit changes is told before it is saved: of the campaign, and of each
// post with its account.
func TestChangeOfACampaignIsTold(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	i := s.instance("wxid_a", "Tea house")
	path := s.activeCampaign("Autumn", i, "first_comment", "hello")
	change := s.campaignFields("Winter", i, "version", s.campaignVersion(path), "title", "New title", "first_comment", "", "utm_source", "moments", "clocks", "10:30")
	s.submit(path, change...).want(http.StatusOK).has("<del>Autumn</del>", "<ins>Winter</ins>", "<ins>New title</ins>", "(emptied)", "<dt>UTM parameters</dt><dd>changed", "10:30", ">Tea house<").
		lacks("<dt>Link</dt>", "<dt>Variants</dt>", "<dt>Pace and lateness</dt>")
}
