package api_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"momentcast/internal/moment"
)

func TestPauseAndResume(t *testing.T) {
	t.Parallel()
	s := newService(t)
	i := s.instance("wxid_one")
	id := s.post(i, "due_at", time.Now().Add(-time.Minute).Format(time.RFC3339))
	if got := s.call("POST", "/pause", map[string]any{"reason": "wrong link"}).want(200).object(); got["paused"] != true || got["reason"] != "wrong link" || got["by"] != "admin" || got["since"] == nil {
		t.Errorf("%v", got)
	}
	if got := s.call("POST", "/resume", map[string]any{"overdue": "miss"}).want(200).object(); got["paused"] != false || got["reason"] != nil {
		t.Errorf("%v", got)
	}
	if got := s.call("GET", fmt.Sprintf("/posts/%d", id), nil).object()["state"]; got != "missed" {
		t.Errorf("the overdue post is %v", got)
	}
	s.call("POST", "/resume", nil).want(200)
}

func TestStatus(t *testing.T) {
	t.Parallel()
	s := newService(t)
	s.exec(`INSERT INTO replicas (name, version, heartbeat_at, in_flight) VALUES ('r1', 'v1', now() - interval '3 seconds', 2)`)
	past, future := time.Now().Add(-time.Minute).Format(time.RFC3339), time.Now().Add(time.Hour).UTC().Truncate(time.Second)
	open, offline, young := s.instance("wxid_open"), s.instance("wxid_off"), s.instance("wxid_young")
	for _, i := range []int64{open, offline, young} {
		for range 3 {
			s.post(i, "due_at", past)
		}
	}
	for n, state := range []moment.State{moment.Failed, moment.Failed, moment.Unknown, moment.Missed, moment.Sent, moment.Sending} {
		s.force(s.post(s.instance(fmt.Sprint("wxid_", n))), state)
	}
	s.post(open, "due_at", future)
	s.exec(`UPDATE instances SET online = false, ready_at = NULL WHERE id = $1`, offline)
	s.exec(`UPDATE instances SET online_age = '1000 hours' WHERE id = $1`, young)
	if err := s.db.RefreshAll(t.Context()); err != nil {
		t.Fatal(err)
	}
	got := s.call("GET", "/status", nil).want(200).object()
	replica := got["replicas"].([]any)[0].(map[string]any)
	if age := replica["heartbeat_age_ms"].(float64); age < 3000 || age > 60000 || replica["in_flight"] != 2.0 || replica["name"] != "r1" {
		t.Errorf("replica %v", replica)
	}
	for k, want := range map[string]any{
		"posts":     map[string]any{"scheduled": 10.0, "sending": 1.0, "pending": 0.0, "failed": 2.0, "unknown": 1.0, "missed": 1.0},
		"overdue":   9.0,
		"due_held":  map[string]any{"behind_earlier": 2.0, "offline": 3.0, "online_age": 3.0},
		"next_due":  future.Format(time.RFC3339),
		"instances": map[string]any{"total": 9.0, "online": 8.0, "offline": 1.0, "maturing": 1.0, "paused": 0.0},
		"paused":    map[string]any{"paused": false, "reason": nil, "by": nil, "since": nil},
	} {
		if d := cmp.Diff(want, got[k]); d != "" {
			t.Errorf("%s: %s", k, d)
		}
	}
	// The counts by reason are those of the holds that the list shows.
	held := map[string]float64{}
	for _, p := range decode[struct {
		Items []struct {
			DueAt time.Time `json:"due_at"`
			Hold  *struct{ Reason string }
		}
	}](s.call("GET", "/posts?state=scheduled", nil)).Items {
		if p.Hold != nil && p.DueAt.Before(time.Now()) {
			held[p.Hold.Reason]++
		}
	}
	if d := cmp.Diff(map[string]float64{"behind_earlier": 2, "offline": 3, "online_age": 3}, held); d != "" {
		t.Error(d)
	}
	s.exec(`UPDATE gateway_status SET down_since = now(), error = 'refused'`)
	got = s.call("GET", "/status", nil).want(200).object()
	if g := got["gateway"].(map[string]any); g["down_since"] == nil || g["error"] != "refused" || !cmp.Equal(got["due_held"], map[string]any{"gateway_down": 9.0}) {
		t.Errorf("%v %v", g, got["due_held"])
	}
}

func TestCallback(t *testing.T) {
	t.Parallel()
	s := newService(t)
	settings, err := s.db.Settings(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	const taken = `{"code":"1000","message":"success","data":null}`
	before := s.engine.rechecks
	for _, prefix := range []string{"/gateway/callback/", "/api/v1/gateway/callback/"} {
		for _, body := range []any{nil, "no JSON", `{"messageType":"30000","wcId":"wxid_one","data":{"wId":"w"}}`, strings.Repeat("x", 1<<20)} {
			if a := s.call("POST", prefix+settings.CallbackSecret, body, "Authorization", "", "Content-Type", "").want(200); a.body != taken {
				t.Error(a.body)
			}
		}
		for _, wrong := range []string{"x", settings.CallbackSecret + "0", strings.ToUpper(settings.CallbackSecret), "%00"} {
			if a := s.call("POST", prefix+wrong, nil, "Authorization", "").want(404); strings.Contains(a.body, wrong) && wrong != "x" {
				t.Error(a.body)
			}
		}
		s.call("GET", prefix+settings.CallbackSecret, nil).want(405).problem()
		s.call("POST", prefix, nil).want(404).problem()
	}
	if n := s.engine.count() - before; n != 1 {
		t.Errorf("%d looks for a burst, want 1", n)
	}
}
