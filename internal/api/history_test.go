package api_test

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/xuri/excelize/v2"

	"momentcast/internal/moment"
)

func TestHistoryExport(t *testing.T) {
	t.Parallel()
	s := newService(t)
	one, two := s.instance("wxid_one"), s.instance("wxid_two")
	due := time.Now().Add(time.Hour).Truncate(time.Second)
	a := s.post(one, "title", `=HYPERLINK("http://evil")`, "due_at", due.Format(time.RFC3339))
	s.post(two, "title", "not asked for")
	answer := s.call("GET", fmt.Sprintf("/history/export?instance_id=%d&columns=title,id&columns=state,due_at", one), nil).want(200)
	if got := answer.header.Get("Content-Type"); got != "text/csv; charset=utf-8" || !strings.Contains(answer.header.Get("Content-Disposition"), ".csv") {
		t.Errorf("%q, %v", got, answer.header)
	}
	rows, err := csv.NewReader(strings.NewReader(strings.TrimPrefix(answer.body, "\uFEFF"))).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	zone, _ := time.LoadLocation("Asia/Shanghai")
	want := [][]string{{"id", "state", "due_at", "title"}, {fmt.Sprint(a), "scheduled", due.In(zone).Format("2006-01-02 15:04:05"), `'=HYPERLINK("http://evil")`}}
	if d := cmp.Diff(want, rows); d != "" {
		t.Error(d)
	}
	book, err := excelize.OpenReader(bytes.NewReader([]byte(s.call("GET", "/history/export?format=xlsx&state=scheduled&order=due_asc", nil).want(200).body)))
	if err != nil {
		t.Fatal(err)
	}
	defer book.Close()
	if cells, err := book.GetRows("momentcast 1"); err != nil || len(cells) != 3 || cells[0][0] != "id" {
		t.Errorf("%q, %v", cells, err)
	}
	for _, query := range []string{"?format=pdf", "?columns=id,nonsense", "?state=lost", "?due_from=yesterday", "?limit=5", "?q=%00"} {
		s.call("GET", "/history/export"+query, nil).want(422)
	}
	s.call("GET", "/history/export", nil, "Authorization", "Bearer "+s.token("w", moment.ScopeApprove)).want(403)
}

type statDays struct {
	TimeZone string `json:"time_zone"`
	Items    []struct {
		Day      string           `json:"day"`
		Posts    map[string]int64 `json:"posts"`
		Measured int64            `json:"measured"`
		P50      int64            `json:"lateness_p50_ms"`
		P99      int64            `json:"lateness_p99_ms"`
	}
}

// TestDailyStats puts posts right around midnight of the service's zone.
func TestDailyStats(t *testing.T) {
	t.Parallel()
	s := newService(t)
	one, two := s.instance("wxid_one"), s.instance("wxid_two")
	sent := func(instance int64, due string, late time.Duration, held any) {
		t.Helper()
		id := s.post(instance)
		s.exec(`UPDATE posts SET state = 'sent', due_at = $2, intent_at = $2::timestamptz + $3::interval, moment_id = id::text, attempt = 1, held_for = $4 WHERE id = $1`, id, due, late, held)
	}
	sent(one, "2026-11-20T23:59:59+08:00", 10*time.Millisecond, nil)
	sent(one, "2026-11-21T00:00:00+08:00", 20*time.Millisecond, nil)
	sent(one, "2026-11-21T09:00:00+08:00", 2*time.Hour, "gap") // says nothing about speed
	sent(two, "2026-11-21T23:00:00+08:00", 40*time.Millisecond, nil)
	s.exec(`UPDATE posts SET state = 'failed', due_at = '2026-11-22 00:00+08' WHERE id = $1`, s.post(two))
	all := decode[statDays](s.call("GET", "/stats/daily?from=2026-11-20&to=2026-11-21", nil).want(200))
	want := `{Asia/Shanghai [{2026-11-20 map[sent:1] 1 10 10} {2026-11-21 map[sent:3] 2 30 39}]}`
	if got := fmt.Sprint(all); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	mine := decode[statDays](s.call("GET", fmt.Sprintf("/stats/daily?from=2026-11-21&to=2026-11-22&instance_id=%d", two), nil).want(200))
	if got, want := fmt.Sprint(mine.Items), `[{2026-11-21 map[sent:1] 1 40 40} {2026-11-22 map[failed:1] 0 0 0}]`; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	s.post(one)
	if today := decode[statDays](s.call("GET", fmt.Sprintf("/stats/daily?instance_id=%d&to=%s", one, time.Now().AddDate(0, 0, 2).Format(time.DateOnly)), nil).want(200)); len(today.Items) == 0 || today.Items[len(today.Items)-1].Posts["scheduled"] != 1 {
		t.Errorf("%+v", today)
	}
	for _, query := range []string{"?from=2026-11-22&to=2026-11-21", "?from=2026-01-01&to=2026-12-31", "?from=2026-02-30", "?to=soon", "?instance_id=0", "?form=2026-01-01"} {
		s.call("GET", "/stats/daily"+query, nil).want(422)
	}
}
