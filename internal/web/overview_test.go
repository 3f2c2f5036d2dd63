package web_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"momentcast/internal/moment"
)

func TestOverviewTellsTheDay(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	i, off := s.instance("wxid_a", "Tea house"), s.instance("wxid_off", "Corner shop")
	young := s.instance("wxid_young", "New account")
	s.exec(`UPDATE instances SET online = false, offline_at = now() - interval '2 hours', ready_at = NULL WHERE id = $1`, off)
	s.exec(`UPDATE instances SET online_since = now() - interval '41 hours' WHERE id = $1`, young)
	sent := s.post(i, "sent", func(p *moment.Post) { p.DueAt = time.Now() })
	s.force(sent, moment.Sent)
	s.force(s.post(i, "missed", func(p *moment.Post) { p.DueAt = time.Now() }), moment.Missed)
	s.post(off, "held", func(p *moment.Post) { p.DueAt = time.Now().Add(-time.Minute) })
	p := s.get("/").want(http.StatusOK)
	p.has("Corner shop", "offline since", "New account", "online for 41 h of 72 h", "The instance is offline", "1 posts", "250 ms", `class="bar-sent"`, `class="bar-missed"`)
	p.lacks("Tea house")
	if n := strings.Count(p.body, `<span class="count">1</span>`); n != 1 {
		t.Errorf("the inbox counts %d times", n)
	}
}

func TestFirstRunLeads(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.get("/").want(http.StatusOK).has("Getting started", "Adopt what the gateway lists online")
	s.get("/queue").has("Adopt instances first")
	s.get("/instances").has("Log an account in at the gateway")
	s.get("/inbox").has("Nothing needs you")
	s.get("/history").has("There are no posts yet")
}

// Nobody hears of a post that is not counted: the numbers of the queue stop at
// what its filters select.
func TestFiltersLiveInTheAddress(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	a, b := s.instance("wxid_a", "a"), s.instance("wxid_b", "b")
	s.post(a, "龙井开售", nil)
	s.post(b, "桂花乌龙 100%", nil)
	s.get("/queue?instance="+id(a)).has("龙井开售", "All 1 that match").lacks("桂花乌龙")
	s.get("/history?q=" + "%E4%B9%8C%E9%BE%99").has("桂花<mark>乌龙</mark>").lacks("龙井开售")
	s.get("/history?q=100%25&state=scheduled&author=lin").has("桂花乌龙").lacks("龙井开售")
	s.get("/history?from=2020-01-01&to=2020-01-02").has("No post matches").lacks("龙井开售")
	// What makes no sense selects everything.
	s.get("/history?from=x&state=y&instance=z&after=q").want(http.StatusOK).has("龙井开售", "桂花乌龙")
}
