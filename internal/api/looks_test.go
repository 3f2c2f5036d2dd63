package api_test

import (
	"context"
	"testing"

	"momentcast/internal/api"
	"momentcast/internal/moment"
)

// fakeLinks are pages and pictures that are nowhere else.
type fakeLinks struct{ asked []string }

func (l *fakeLinks) Page(_ context.Context, who, url string) (moment.PageLook, error) {
	l.asked = append(l.asked, who)
	switch url {
	case "https://example.com/gone":
		return moment.PageLook{Look: moment.Look{Reason: "gone", Status: 404}}, nil
	case "https://example.com/often":
		return moment.PageLook{}, moment.Errorf(moment.Limited, "You had too many addresses looked at; wait a minute.")
	}
	return moment.PageLook{Look: moment.Look{URL: url, Status: 200}, Title: "A page", Image: "https://example.com/og.jpg"}, nil
}

func (l *fakeLinks) Thumb(_ context.Context, _, url string) (moment.ThumbLook, error) {
	return moment.ThumbLook{Look: moment.Look{URL: url, Status: 200}, Type: "image/gif", Width: 40, Height: 20, Bytes: 9}, nil
}

func TestAddressesAreLookedAt(t *testing.T) {
	t.Parallel()
	s := newService(t)
	page := decode[api.PageBody](s.call("POST", "/links/check", map[string]any{"url": "https://example.com/a"}).want(200))
	if !page.OK || page.Title != "A page" || page.Image == "" || page.Status != 200 {
		t.Errorf("%+v", page)
	}
	gone := decode[api.PageBody](s.call("POST", "/links/check", map[string]any{"url": "https://example.com/gone"}).want(200))
	if gone.OK || gone.Reason == nil || *gone.Reason != "gone" || gone.URL != nil {
		t.Errorf("%+v", gone)
	}
	s.call("POST", "/links/check", map[string]any{"url": "https://example.com/often"}).want(429)
	s.call("POST", "/links/check", map[string]any{"url": ""}).want(422)
	s.call("POST", "/links/check", map[string]any{"link": "x"}).want(422)
	thumb := decode[api.ThumbBody](s.call("POST", "/thumbs/check", map[string]any{"url": "https://example.com/a.gif"}).want(200))
	if !thumb.OK || thumb.Type != "image/gif" || thumb.Square || thumb.Width != 40 {
		t.Errorf("%+v", thumb)
	}
	if len(s.links.asked) != 3 || s.links.asked[0] != s.links.asked[1] || s.links.asked[0] == "" {
		t.Errorf("counted for %v", s.links.asked)
	}
}

func TestCardsAreLinted(t *testing.T) {
	t.Parallel()
	s := newService(t)
	type answer struct {
		OK       bool
		Findings []api.FindingBody
	}
	card := map[string]any{"content": "a", "title": "t", "url": "https://example.com/gone", "thumb_url": "https://example.com/a.gif"}
	if got := decode[answer](s.call("POST", "/lint", card).want(200)); !got.OK || len(got.Findings) != 0 || got.Findings == nil {
		t.Errorf("without a look: %+v", got)
	}
	card["look"] = true
	got := decode[answer](s.call("POST", "/lint", card).want(200))
	keys := map[string]bool{}
	for _, f := range got.Findings {
		keys[f.Key] = f.ZH != "" && f.EN != ""
	}
	if got.OK || !keys["reach.gone"] || !keys["thumb.type"] || !keys["thumb.square"] {
		t.Errorf("with a look: %+v", got)
	}
	if got := decode[answer](s.call("POST", "/lint", map[string]any{}).want(200)); got.OK {
		t.Errorf("an empty card: %+v", got)
	}
}
