package api_test

import (
	"fmt"
	"testing"
)

func TestAudiencesFromCreationToDeletion(t *testing.T) {
	t.Parallel()
	s := newService(t)
	i := s.instance("wxid_a")
	vip := map[string]any{"mode": "allow", "labels": []string{"3"}}
	made := s.call("POST", "/audiences", map[string]any{"name": "老客户", "visibility": vip, "note": "spring"}).want(201)
	id := made.id()
	path := fmt.Sprintf("/audiences/%d", id)
	if made.header.Get("Location") != "/api/v1"+path || made.header.Get("ETag") != `"1"` {
		t.Errorf("%v", made.header)
	}
	s.call("POST", "/audiences", map[string]any{"name": "老客户", "visibility": vip}).want(422).problem()
	s.call("POST", "/audiences", map[string]any{"name": "nobody", "visibility": map[string]any{"mode": "allow"}}).want(422).problem()
	s.call("POST", "/audiences", map[string]any{"name": "x"}).want(422).problem()

	body := card(i, "visibility", nil, "audience_id", id)
	post := s.call("POST", "/posts", body).want(201).id()
	got := s.call("GET", fmt.Sprintf("/posts/%d", post), nil).want(200).object()
	if v, _ := got["visibility"].(map[string]any); v["mode"] != "allow" || fmt.Sprint(v["labels"]) != "[3]" || got["audience_id"] != float64(id) {
		t.Errorf("%v", got)
	}
	s.call("POST", "/posts", card(i, "audience_id", id)).want(422).problem()                     // and a visibility of its own
	s.call("POST", "/posts", card(i, "visibility", nil, "audience_id", 999)).want(422).problem() // there is none
	s.call("PATCH", fmt.Sprintf("/posts/%d", post), map[string]any{"audience_id": 999}, "If-Match", "*").want(422).problem()

	change := map[string]any{"visibility": map[string]any{"mode": "deny", "users": []string{"wxid_x"}}}
	s.call("PATCH", path, change).want(428).problem()
	if p := s.call("PATCH", path, change, "If-Match", `"1"`).want(422).problem(); p.Errors[0].Location != "body.posts" {
		t.Errorf("%+v", p)
	}
	change["posts"] = "rewrite"
	if done := s.call("PATCH", path, change, "If-Match", `"1"`).want(200).object(); done["rewritten"] != 1.0 || done["version"] != 2.0 {
		t.Errorf("%v", done)
	}
	s.call("PATCH", path, change, "If-Match", `"1"`).want(412).problem()
	if n := s.count(`SELECT count(*) FROM posts WHERE id = $1 AND visibility = 'deny' AND visible_users = '{wxid_x}'`, post); n != 1 {
		t.Error("the post was not rewritten")
	}
	s.call("DELETE", path, nil).want(409).problem()
	s.call("PATCH", fmt.Sprintf("/posts/%d", post), map[string]any{"visibility": map[string]any{"mode": "everyone"}}, "If-Match", "*").want(200)
	s.call("DELETE", path, nil).want(204)
	s.call("GET", path, nil).want(404).problem()
}

func TestAudiencesAreListedPageByPage(t *testing.T) {
	t.Parallel()
	s := newService(t)
	for n := range 5 {
		s.call("POST", "/audiences", map[string]any{"name": fmt.Sprint("a", 9-n), "visibility": map[string]any{"mode": "everyone"}}).want(201)
	}
	var seen []any
	for path := "/audiences?limit=2"; path != ""; {
		page := s.call("GET", path, nil).want(200).object()
		for _, item := range page["items"].([]any) {
			seen = append(seen, item.(map[string]any)["name"])
		}
		path = ""
		if next, ok := page["next_cursor"].(string); ok {
			path = "/audiences?limit=2&cursor=" + next
		}
	}
	if fmt.Sprint(seen) != "[a9 a8 a7 a6 a5]" {
		t.Error(seen)
	}
}
