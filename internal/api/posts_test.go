package api_test

import "testing"

func TestSmoke(t *testing.T) {
	t.Parallel()
	s := newService(t)
	i := s.instance("wxid_one")
	t.Log(s.call("GET", "/instances/1", nil).body)
	id := s.post(i, "first_comment", "hi", "external_key", "k1")
	t.Log(s.call("GET", "/posts/1", nil).body)
	t.Log(s.call("GET", "/posts?state=scheduled,failed&limit=1", nil).body)
	t.Log(s.call("GET", "/status", nil).body)
	t.Log(s.call("POST", "/posts", card(i, "external_key", "k1")).body)
	t.Log(s.call("POST", "/posts", `{"instance_id":"MARKER","bogus":"MARKER","due_at":"MARKER","content":5,"visibility":{"mode":"MARKER","users":[1,"a,b"]}}`).body)
	t.Log(s.call("POST", "/posts", `{"title": 1e400}`).body)
	t.Log(s.call("POST", "/posts", `{"instance_id": 1e3}`).body)
	t.Log(s.call("POST", "/posts", `{"a": MARKER}`).body)
	t.Log(s.call("POST", "/posts", nil).body)
	t.Log(s.call("GET", "/posts?campaign_id=3", nil).body)
	t.Log(s.call("PATCH", "/posts/1", map[string]any{"title": "new", "max_lateness": nil}, "If-Match", `"1"`).body)
	t.Log(s.call("PUT", "/posts/1", nil).body, s.call("GET", "/nix", nil).body)
	_ = id
	t.Log(s.call("GET", "/openapi.json", nil).body[:300])
	t.Log(s.log.String())
}
