package api_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"momentcast/internal/moment"
)

func TestInstanceIsOnlineAtOnceIfItIsKnownToBe(t *testing.T) {
	t.Parallel()
	s := newService(t)
	since := time.Now().Add(-80 * time.Hour).UTC().Truncate(time.Second)
	a := s.call("POST", "/instances", map[string]any{
		"wc_id": "wxid_one", "w_id": "w1", "name": "店", "groups": []string{"a"}, "time_zone": "Europe/Berlin", "online_since": since,
		"min_gap": "10m", "daily_cap": 0, "quiet_hours": "", "online_age": nil,
	}).want(201)
	got := a.object()
	for k, want := range map[string]any{
		"online": true, "w_id": "w1", "online_since": since.Format(time.RFC3339), "matured_at": since.Add(72 * time.Hour).Format(time.RFC3339), "matured_by_hand": false,
		"min_gap": "10m", "daily_cap": 0.0, "quiet_hours": "", "online_age": nil, "sent_today": 0.0, "next_slot_at": nil, "hold": nil, "time_zone": "Europe/Berlin",
		"pacing": map[string]any{"min_gap": "10m", "daily_cap": 0.0, "quiet_hours": "", "online_age": "72h"},
		"groups": []any{"a"}, "name": "店", "paused": false, "version": 1.0,
		"counts": map[string]any{"scheduled": 0.0, "sending": 0.0, "sent": 0.0, "failed": 0.0, "unknown": 0.0, "missed": 0.0},
	} {
		if d := cmp.Diff(want, got[k]); d != "" {
			t.Errorf("%s: %s", k, d)
		}
	}
	if a.header.Get("Location") != fmt.Sprintf("/api/v1/instances/%d", a.id()) || a.header.Get("ETag") != `"1"` {
		t.Errorf("%v", a.header)
	}
	if p := s.call("POST", "/instances", map[string]any{"wc_id": "wxid_one"}).want(409).problem(); !strings.Contains(p.Detail, "registered") {
		t.Error(p.Detail)
	}
	// Without a session it waits for the gateway's list, and takes the settings' zone.
	s.exec(`UPDATE settings SET time_zone = 'Asia/Tokyo'`)
	got = s.call("POST", "/instances", map[string]any{"wc_id": "wxid_two", "online_since": since}).want(201).object()
	if got["online"] != false || got["time_zone"] != "Asia/Tokyo" || got["w_id"] != nil {
		t.Errorf("%v", got)
	}
}

func TestInstanceCounts(t *testing.T) {
	t.Parallel()
	s := newService(t)
	i := s.instance("wxid_one")
	for _, state := range []moment.State{moment.Scheduled, moment.Scheduled, moment.Sending, moment.Sent, moment.Sent, moment.Failed, moment.Unknown, moment.Missed, moment.Cancelled} {
		s.force(s.post(i), state)
	}
	s.exec(`UPDATE instances SET sent_on = (now() AT TIME ZONE time_zone)::date, sent_count = 2, next_slot_at = '2031-01-01T00:00:00Z'`)
	got := s.call("GET", fmt.Sprintf("/instances/%d", i), nil).want(200).object()
	if d := cmp.Diff(map[string]any{"scheduled": 2.0, "sending": 1.0, "sent": 2.0, "failed": 1.0, "unknown": 1.0, "missed": 1.0}, got["counts"]); d != "" {
		t.Error(d)
	}
	if got["sent_today"] != 2.0 || got["next_slot_at"] != "2031-01-01T00:00:00Z" {
		t.Errorf("%v", got)
	}
	s.exec(`UPDATE instances SET sent_on = sent_on - 1`)
	if got := s.call("GET", fmt.Sprintf("/instances/%d", i), nil).object()["sent_today"]; got != 0.0 {
		t.Errorf("yesterday's count is %v today", got)
	}
}

func TestInstanceChanges(t *testing.T) {
	t.Parallel()
	s := newService(t)
	i := s.instance("wxid_one")
	s.post(i, "due_at", time.Now().Add(-time.Minute).Format(time.RFC3339))
	path := fmt.Sprintf("/instances/%d", i)
	patch := func(body map[string]any) map[string]any {
		t.Helper()
		return s.call("PATCH", path, body).want(200).object()
	}
	if got := patch(map[string]any{"paused": true, "paused_reason": "new phone"}); got["paused"] != true || got["paused_by"] != "admin" || got["paused_at"] == nil || got["ready_at"] != nil ||
		got["hold"].(map[string]any)["reason"] != "instance_paused" {
		t.Errorf("%v", got)
	}
	if got := patch(map[string]any{"paused": false}); got["paused"] != false || got["paused_reason"] != nil || got["paused_by"] != nil || got["paused_at"] != nil || got["hold"] != nil || got["ready_at"] == nil {
		t.Errorf("%v", got)
	}
	if got := patch(map[string]any{"online_age": "500h"}); got["hold"].(map[string]any)["reason"] != "online_age" {
		t.Errorf("%v", got)
	}
	if got := patch(map[string]any{"matured_at": "2026-01-01T00:00:00Z"}); got["matured_by_hand"] != true || got["matured_at"] != "2026-01-01T00:00:00Z" || got["hold"] != nil {
		t.Errorf("%v", got)
	}
	if got := patch(map[string]any{"matured_at": nil, "online_age": nil, "min_gap": "0s", "daily_cap": 5, "quiet_hours": "1:00-2:30"}); got["matured_by_hand"] != false || got["online_age"] != nil ||
		got["min_gap"] != "0s" || got["daily_cap"] != 5.0 || got["quiet_hours"] != "01:00-02:30" {
		t.Errorf("%v", got)
	}
	if got := patch(map[string]any{"min_gap": nil, "daily_cap": nil, "quiet_hours": nil}); got["min_gap"] != nil || got["daily_cap"] != nil || got["quiet_hours"] != nil {
		t.Errorf("%v", got)
	}
	before := patch(map[string]any{})
	if got := patch(map[string]any{"name": ""}); got["version"] != before["version"] {
		t.Error("a change of nothing makes a version")
	}
	s.call("PATCH", path, map[string]any{"name": "x"}, "If-Match", `"1"`).want(412).problem()
	s.call("PATCH", path, map[string]any{"name": "x"}, "If-Match", s.call("GET", path, nil).header.Get("ETag")).want(200)
	s.call("PATCH", "/instances/999", map[string]any{"name": "x"}).want(404).problem()
	if n := s.count(`SELECT count(*) FROM events WHERE instance_id = $1 AND action = 'edit' AND actor = 'admin' AND detail->'changed'->'matured_at'->>1 = '2026-01-01T00:00:00Z'`, i); n != 1 {
		t.Errorf("%d audit lines say so", n)
	}
}

func TestOfflineInstanceComesOnlineByHand(t *testing.T) {
	t.Parallel()
	s := newService(t)
	id := s.call("POST", "/instances", map[string]any{"wc_id": "wxid_one"}).want(201).id()
	got := s.call("PATCH", fmt.Sprintf("/instances/%d", id), map[string]any{"w_id": "w9", "online_since": time.Now().Add(-time.Hour)}).want(200).object()
	if got["online"] != true || got["w_id"] != "w9" {
		t.Errorf("%v", got)
	}
}

func TestSyncAdoptsWhatTheGatewayLists(t *testing.T) {
	t.Parallel()
	s := newService(t)
	s.instance("wxid_one")
	s.gateway.logins = []moment.Login{{WcID: "wxid_one", WID: "w-wxid_one"}, {WcID: "wxid_two", WID: "w2"}}
	if got := s.call("POST", "/instances/sync", nil).want(200).object(); got["online"] != 2.0 || got["added"] != 1.0 {
		t.Errorf("%v", got)
	}
	s.gateway.fail(moment.Errorf(moment.Unauthenticated, "The gateway does not accept our token."))
	if p := s.call("POST", "/instances/sync", nil).want(502).problem(); !strings.Contains(p.Detail, "our token") {
		t.Error(p.Detail)
	}
}

func TestLabelsAreAskedForOnce(t *testing.T) {
	t.Parallel()
	s := newService(t)
	i := s.instance("wxid_one")
	path := fmt.Sprintf("/instances/%d/labels", i)
	s.gateway.labels = []moment.Label{{ID: "3", Name: "VIP"}}
	for range 3 {
		if a := s.call("GET", path, nil).want(200); strings.TrimSpace(a.body) != `{"items":[{"id":"3","name":"VIP"}],"next_cursor":null}` {
			t.Error(a.body)
		}
	}
	s.call("PATCH", fmt.Sprintf("/instances/%d", i), map[string]any{"w_id": "w-new"}).want(200)
	s.call("GET", path, nil).want(200)
	if d := cmp.Diff([]string{"labels w-wxid_one", "labels w-new"}, s.gateway.calls); d != "" {
		t.Error(d)
	}
	s.gateway.fail(moment.Errorf(moment.Unavailable, "The gateway does not answer."))
	s.call("GET", path, nil).want(200) // still known
	offline := s.call("POST", "/instances", map[string]any{"wc_id": "wxid_off"}).want(201).id()
	s.call("GET", fmt.Sprintf("/instances/%d/labels", offline), nil).want(409).problem()
	s.call("GET", fmt.Sprintf("/instances/%d/contacts", offline), nil).want(409).problem()
	s.call("GET", fmt.Sprintf("/instances/%d/labels", s.instance("wxid_two")), nil).want(502).problem()
	s.call("GET", "/instances/999/labels", nil).want(404).problem()
}
