package api_test

import (
	"strings"
	"testing"
	"time"

	"momentcast/internal/api"
)

func TestCheckAnswersWhatIsWrongAndWhenItLeaves(t *testing.T) {
	t.Parallel()
	s := newService(t)
	one, two := s.instance("wxid_one"), s.instance("wxid_two")
	due := time.Now().AddDate(0, 0, 2).UTC().Truncate(time.Hour)
	body := map[string]any{"wc_id": "wxid_two", "instance_ids": []int64{one, one}, "stagger": "5m", "content": "文字", "title": "题",
		"url": "https://example.com/a", "thumb_url": "https://example.com/a.jpg", "visibility": map[string]any{"mode": "everyone"}, "due_at": due.Format(time.RFC3339)}
	before := s.call("GET", "/posts", nil).want(200).body
	got := decode[api.CheckBody](s.call("POST", "/posts/check", body).want(200))
	if !got.OK || len(got.Departures) != 2 {
		t.Fatalf("%+v", got)
	}
	if d := got.Departures[0]; d.InstanceID != one || !d.DueAt.Equal(due) || d.LeavesAt == nil || d.Why != nil {
		t.Errorf("first %+v", d)
	}
	if d := got.Departures[1]; d.InstanceID != two || !d.DueAt.Equal(due.Add(5*time.Minute)) {
		t.Errorf("second %+v", d)
	}
	if after := s.call("GET", "/posts", nil).want(200).body; after != before {
		t.Error("the check stored something")
	}

	id := s.call("POST", "/posts", map[string]any{"instance_id": one, "content": "文字", "title": "题", "url": "https://example.com/a",
		"thumb_url": "https://example.com/a.jpg", "visibility": map[string]any{"mode": "everyone"}, "due_at": due.Format(time.RFC3339)}).want(201).id()
	got = decode[api.CheckBody](s.call("POST", "/posts/check", body).want(200))
	if c := got.Departures[0].Clashes; got.OK || len(c) == 0 || c[len(c)-1].Kind != "duplicate" || *c[len(c)-1].PostID != id {
		t.Errorf("clashes %+v", c)
	}
}

// Whatever is sent is answered with findings: nothing is refused but what is no
// request at all.
func TestCheckAnswersWrongValues(t *testing.T) {
	t.Parallel()
	s := newService(t)
	got := decode[api.CheckBody](s.call("POST", "/posts/check", map[string]any{
		"instance_ids": []int64{77}, "wc_ids": []string{"no\x00ne"}, "content": "a\u0000b", "title": strings.Repeat("长", 300), "url": "javascript:alert(1)",
		"due_at": "tomorrow", "stagger": "-1h", "max_lateness": "x", "visibility": map[string]any{"mode": "allow"}}).want(200))
	found := map[string]bool{}
	for _, f := range got.Findings {
		if f.Severity == "error" {
			found[f.Field] = true
		}
		if f.ZH == "" || f.EN == "" {
			t.Errorf("no text: %+v", f)
		}
	}
	for _, field := range []string{"instance_ids", "wc_ids", "content", "title", "url", "thumb_url", "due_at", "stagger", "max_lateness", "visibility.users"} {
		if !found[field] {
			t.Errorf("nothing about %s; found %v", field, found)
		}
	}
	if got.OK || len(got.Departures) != 0 {
		t.Errorf("%+v", got)
	}
	s.call("POST", "/posts/check", map[string]any{"nonsense": 1}).want(422)
	if got := decode[api.CheckBody](s.call("POST", "/posts/check", map[string]any{}).want(200)); got.OK || len(got.Findings) < 5 {
		t.Errorf("an empty post: %+v", got)
	}
}
