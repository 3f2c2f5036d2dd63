package api_test

import (
	"fmt"
	"testing"
)

func TestCampaignFollowsAnAudienceThroughTheAPI(t *testing.T) {
	t.Parallel()
	s := newService(t)
	vip := int64(s.call("POST", "/audiences", map[string]any{"name": "VIP", "visibility": map[string]any{"mode": "allow", "users": []string{"wxid_a"}}}).want(201).object()["id"].(float64))
	id := s.newCampaign(map[string]any{"visibility": nil, "audience_id": vip})
	path, audience := fmt.Sprintf("/campaigns/%d", id), fmt.Sprintf("/audiences/%d", vip)
	s.call("POST", path+"/activate", nil).want(200)
	if n := s.count(`SELECT count(*) FROM posts WHERE visible_users = '{wxid_a}'`); n != 30 {
		t.Fatalf("%d posts are for the audience", n)
	}
	if got := s.call("GET", path, nil).want(200).object()["audience_id"]; got != float64(vip) {
		t.Errorf("audience_id %v", got)
	}
	a := s.call("GET", audience, nil).want(200).object()
	use := a["use"].(map[string]any)["campaigns"].([]any)
	if a["campaigns"] != float64(1) || len(use) != 1 || use[0].(map[string]any)["posts"] != float64(30) || use[0].(map[string]any)["same"] != true {
		t.Errorf("%v", a)
	}
	wider := map[string]any{"visibility": map[string]any{"mode": "everyone"}}
	s.call("PATCH", audience, wider, "If-Match", "*").want(422)
	wider["posts"] = "rewrite"
	if got := s.call("PATCH", audience, wider, "If-Match", "*").want(200).object(); got["rewritten_campaigns"] != float64(1) {
		t.Errorf("%v", got)
	}
	if n := s.count(`SELECT count(*) FROM posts WHERE visibility = 'everyone'`); n != 30 {
		t.Errorf("%d posts followed", n)
	}
	s.call("DELETE", audience, nil).want(409)

	s.call("PATCH", path, map[string]any{"audience_id": vip, "visibility": map[string]any{"mode": "everyone"}}, "If-Match", "*").want(422)
	s.call("PATCH", path, map[string]any{"audience_id": 999}, "If-Match", "*").want(422)
	s.call("PATCH", path, map[string]any{"audience_id": -1}, "If-Match", "*").want(422)
	if got := s.call("PATCH", path, map[string]any{"audience_id": nil}, "If-Match", "*").want(200).object()["campaign"].(map[string]any); got["audience_id"] != nil || got["visibility"] == nil {
		t.Errorf("%v", got)
	}
	s.call("DELETE", audience, nil).want(204)
}

func TestCampaignsAreMadeOnceForAKeyThroughTheAPI(t *testing.T) {
	t.Parallel()
	s := newService(t)
	body := map[string]any{"name": "autumn"}
	first := s.call("POST", "/campaigns", body, "Idempotency-Key", "k").want(201)
	again := s.call("POST", "/campaigns", body, "Idempotency-Key", "k").want(201)
	if first.object()["id"] != again.object()["id"] || first.header.Get("Idempotency-Replayed") != "" || again.header.Get("Idempotency-Replayed") != "true" {
		t.Errorf("%s %s", first.body, again.body)
	}
	s.call("POST", "/campaigns", map[string]any{"name": "winter"}, "Idempotency-Key", "k").want(409)
	s.call("POST", "/campaigns", body, "Idempotency-Key", "sp\u00e4t").want(422)
	other := int64(s.call("POST", "/campaigns", map[string]any{"name": "winter"}).want(201).object()["id"].(float64))
	path := fmt.Sprintf("/campaigns/%v", first.object()["id"])
	copied := s.call("POST", path+"/clone", map[string]any{"name": "copy"}, "Idempotency-Key", "c").want(201).object()["id"]
	if got := s.call("POST", path+"/clone", map[string]any{"name": "copy"}, "Idempotency-Key", "c").want(201).object()["id"]; got != copied {
		t.Errorf("cloned twice: %v and %v", copied, got)
	}
	s.call("POST", fmt.Sprintf("/campaigns/%d/clone", other), map[string]any{"name": "copy"}, "Idempotency-Key", "c").want(409)
	if n := s.count(`SELECT count(*) FROM campaigns`); n != 3 {
		t.Errorf("%d campaigns", n)
	}
}

func TestOneOccurrenceIsShown(t *testing.T) {
	t.Parallel()
	s := newService(t)
	id := s.newCampaign(nil)
	s.call("POST", fmt.Sprintf("/campaigns/%d/activate", id), nil).want(200)
	path := fmt.Sprintf("/campaigns/%d/occurrences/%d", id, s.count(`SELECT min(id) FROM occurrences`))
	o := s.call("GET", path, nil).want(200)
	if o.object()["card"] != nil || o.header.Get("ETag") == "" {
		t.Errorf("%s", o.body)
	}
	s.call("PATCH", path, map[string]any{"action": "edit", "card": map[string]any{"content": "c", "title": "own", "url": "https://example.com/a", "thumb_url": "https://example.com/a.jpg"}},
		"If-Match", o.header.Get("ETag")).want(200)
	if got := s.call("GET", path, nil).want(200).object()["card"].(map[string]any)["title"]; got != "own" {
		t.Errorf("title %v", got)
	}
	s.call("PATCH", path, map[string]any{"action": "skip"}, "If-Match", o.header.Get("ETag")).want(412)
	s.call("GET", fmt.Sprintf("/campaigns/%d/occurrences/999999", id), nil).want(404)
}
