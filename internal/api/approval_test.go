package api_test

import (
	"fmt"
	"strings"
	"testing"

	"momentcast/internal/moment"
)

func TestApprovalNamesWhatWasRead(t *testing.T) {
	t.Parallel()
	s := newService(t)
	s.exec(`UPDATE settings SET require_approval = true`)
	boss := "Bearer " + s.token("boss", moment.ScopeApprove)
	id := s.post(s.instance("wxid_one"))
	path := fmt.Sprintf("/posts/%d", id)
	approve := func(body any, ifMatch string) answer {
		return s.call("POST", path+"/approve", body, "Authorization", boss, "If-Match", ifMatch)
	}
	hash := s.call("GET", path, nil).object()["content_hash"].(string)
	approve(nil, "").want(428).problem()
	approve(map[string]any{}, "*").want(422).problem()
	approve(nil, `"9"`).want(412).problem()
	s.call("PATCH", path, map[string]any{"title": "another"}, "If-Match", `"1"`).want(200)
	approve(map[string]any{"content_hash": hash}, "").want(412).problem()
	for _, bad := range []string{"1:", "2:00", "\u0000", strings.Repeat("x", 10_000)} {
		approve(map[string]any{"content_hash": bad}, "").want(412).problem()
	}
	s.call("POST", path+"/approve", nil, "If-Match", `"2"`).want(403).problem() // its author, an admin
	hash = s.call("GET", path, nil).object()["content_hash"].(string)
	if got := approve(map[string]any{"content_hash": hash}, "").want(200).object(); got["state"] != "scheduled" {
		t.Errorf("%v", got)
	}
	as := s.call("GET", path, nil).object()["approvals"].([]any)
	a := as[0].(map[string]any)
	if len(as) != 1 || a["by"] != "boss" || a["content_hash"] != hash || a["holds"] != true || a["expires_at"] == nil || a["ruling"] != "approved" {
		t.Errorf("%v", as)
	}
	if got := s.call("PATCH", path, map[string]any{"title": "third"}, "If-Match", `*`).want(200).object(); got["state"] != "pending" {
		t.Errorf("edited after its approval: %v", got["state"])
	}
	if a := s.call("GET", path, nil).object()["approvals"].([]any)[0].(map[string]any); a["holds"] != false || a["content"].(map[string]any)["title"] != "another" {
		t.Errorf("void: %v", a)
	}
	s.call("POST", path+"/reject", map[string]any{"reason": " "}, "Authorization", boss).want(422).problem()
	s.call("POST", path+"/reject", map[string]any{"reason": "too long"}, "Authorization", boss).want(200)
	as = s.call("GET", path, nil).object()["approvals"].([]any)
	if a := as[1].(map[string]any); a["ruling"] != "rejected" || a["reason"] != "too long" || a["expires_at"] != nil {
		t.Errorf("%v", a)
	}
}
