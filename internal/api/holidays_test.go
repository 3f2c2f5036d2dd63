package api_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestHolidays(t *testing.T) {
	t.Parallel()
	s := newService(t)
	a := s.call("GET", "/holidays?year=2026&limit=200", nil).want(200)
	body := a.object()
	if n := len(body["items"].([]any)); n != 39 || body["region"] != "cn" || len(body["published"].([]any)) != 3 || a.header.Get("ETag") != `"1"` {
		t.Errorf("%d days, %v, %v", n, body["published"], a.header)
	}
	change := map[string]any{"region": "cn", "days": []any{map[string]any{"date": "2027-01-01", "name": "元旦", "kind": "off"}},
		"remove": []string{"2026-10-10"}, "publish": []int{2027}}
	got := s.call("POST", "/holidays", change, "If-Match", `"1"`).want(200).object()
	want := map[string]any{"region": "cn", "added": 1.0, "altered": 0.0, "removed": 1.0, "published": []any{2027.0}, "unpublished": []any{},
		"warnings": []any{}, "stored": true, "days": []any{
			map[string]any{"date": "2026-10-10", "was": map[string]any{"date": "2026-10-10", "name": "国庆节", "kind": "work"}, "is": nil},
			map[string]any{"date": "2027-01-01", "was": nil, "is": map[string]any{"date": "2027-01-01", "name": "元旦", "kind": "off"}},
		}}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	s.call("POST", "/holidays", change, "If-Match", `"1"`).want(412).problem()
	if again := s.call("POST", "/holidays", change).want(200).object(); again["added"] != 0.0 || again["removed"] != 0.0 {
		t.Errorf("%v", again)
	}
	if n := s.count(`SELECT count(*) FROM events WHERE action = 'workcalendar' AND actor = 'admin' AND source = 'api'`); n != 1 {
		t.Errorf("%d lines in the audit trail", n)
	}
	if got := len(s.pages("/holidays?region=cn&", 50)); got < 100 {
		t.Errorf("%d days on all pages", got)
	}
}

func TestHolidaysRefuseWhatMakesNoSense(t *testing.T) {
	t.Parallel()
	s := newService(t)
	day := func(date, kind string) map[string]any { return map[string]any{"date": date, "name": "x", "kind": kind} }
	for field, body := range map[string]any{
		"body.days[1].date": map[string]any{"region": "cn", "days": []any{day("2027-01-01", "off"), day("2027-01-01", "work")}},
		"body.days[0].date": map[string]any{"region": "cn", "days": []any{day("2027-13-01", "off")}},
		"body.days[0].kind": map[string]any{"region": "cn", "days": []any{day("2027-01-01", "holiday")}},
		"body.remove[0]":    map[string]any{"region": "cn", "remove": []string{"tomorrow"}},
		"body.publish[0]":   map[string]any{"region": "cn", "publish": []int{1}},
		"body.region":       map[string]any{"region": "CN!"},
	} {
		p := s.call("POST", "/holidays", body).want(422)
		if name := strings.TrimPrefix(field, "body."); !strings.Contains(p.body, name) {
			t.Errorf("%s is not named: %s", field, p.body)
		}
	}
	s.call("GET", "/holidays?region=zz", nil).want(404).problem()
	s.call("POST", "/holidays", map[string]any{"region": "cn"}, "Authorization", "Bearer "+s.token("w", "write", "operate")).want(403)
}

func TestHolidaysImport(t *testing.T) {
	t.Parallel()
	s := newService(t)
	ical := "BEGIN:VCALENDAR\nBEGIN:VEVENT\nSUMMARY:Neujahr\nDTSTART;VALUE=DATE:20270101\nEND:VEVENT\nBEGIN:VEVENT\nSUMMARY:Meeting\nDTSTART:20270102T100000Z\nEND:VEVENT\nEND:VCALENDAR\n"
	body := map[string]any{"region": "de", "format": "ical", "content": ical, "dry_run": true}
	got := s.call("POST", "/holidays/import", body).want(200).object()
	if got["added"] != 1.0 || got["stored"] != false || len(got["warnings"].([]any)) != 1 {
		t.Errorf("%v", got)
	}
	s.call("GET", "/holidays?region=de", nil).want(404)
	body["dry_run"] = false
	s.call("POST", "/holidays/import", body).want(200)
	if got := s.call("GET", "/holidays/regions", nil).want(200).object(); len(got["items"].([]any)) != 2 {
		t.Errorf("%v", got)
	}
	s.call("POST", "/holidays/import", map[string]any{"region": "de", "format": "csv", "content": "date,name,kind\n2027-01-01,x,shut\n"}).want(422).problem()
}
