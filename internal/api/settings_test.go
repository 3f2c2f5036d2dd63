package api_test

import (
	"strings"
	"testing"
)

func TestSettings(t *testing.T) {
	t.Parallel()
	s := newService(t)
	got := s.call("GET", "/settings", nil).want(200)
	if b := got.object(); b["min_gap"] != "15m" || b["approval_expires"] != "720h" || b["own_approval"] != false || got.header.Get("ETag") != `"1"` {
		t.Errorf("%v", b)
	}
	patch := func(body any, ifMatch string) answer { return s.call("PATCH", "/settings", body, "If-Match", ifMatch) }
	patch(map[string]any{"min_gap": "20m"}, "").want(428).problem()
	b := patch(map[string]any{"min_gap": "20m", "require_approval": true}, `"1"`).want(200).object()
	if b["min_gap"] != "20m" || b["require_approval"] != true || b["daily_cap"] != 3.0 || b["version"] != 2.0 {
		t.Errorf("%v", b)
	}
	patch(map[string]any{"min_gap": "30m"}, `"1"`).want(412).problem()
	for _, bad := range []map[string]any{
		{"min_gap": "soon"}, {"min_gap": "-1m"}, {"daily_cap": -1}, {"quiet_hours": "x"}, {"time_zone": "Local"}, {"approval_expires": "1s"},
		{"fold_lines": 0}, {"fold_chars": 2001}, {"lint_words": "!"}, {"lint_allowed": "\u0000"}, {"lint_words": strings.Repeat("词\n", 30_000)}, {"paused": true}, {"min_gap": 5},
		{"duplicate_days": -1}, {"duplicate_days": 366},
	} {
		patch(bad, "*").want(422).problem()
	}
	if n := s.count(`SELECT count(*) FROM events WHERE action = 'settings' AND detail -> 'changed' -> 'min_gap' = '["15m0s", "20m0s"]'`); n != 1 {
		t.Errorf("%d lines in the trail", n)
	}
	if b := patch(map[string]any{"duplicate_days": 30}, "*").want(200).object(); b["duplicate_days"] != 30.0 {
		t.Errorf("%v", b)
	}
	if n := s.count(`SELECT count(*) FROM events WHERE action = 'settings' AND detail -> 'changed' -> 'duplicate_days' = '[7, 30]'`); n != 1 {
		t.Errorf("%d lines in the trail about the days of the duplicate warning", n)
	}
	if strings.Contains(got.body, "secret") {
		t.Error("a secret is told")
	}
}
