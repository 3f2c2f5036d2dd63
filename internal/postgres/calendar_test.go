package postgres

import (
	"fmt"
	"testing"
	"time"

	"momentcast/internal/moment"
)

func TestCalendarIsBoundedByDay(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	a, b := w.instance("wxid_a"), w.instance("wxid_b")
	w.exec(`UPDATE instances SET groups = ARRAY['north'] WHERE id = $1`, b)
	day := time.Now().UTC().Truncate(24*time.Hour).AddDate(0, 0, 3)
	w.exec(`INSERT INTO posts (instance_id, state, due_at, content, title, url, thumb_url, visibility, author, source, max_lateness, description)
		SELECT $1, 'scheduled', $2::timestamptz + n * interval '1 second', 'c', 't' || n, 'https://e.cn', 'https://e.cn/a.jpg', 'everyone', 'lin', 'web', '30m', ''
		FROM generate_series(0, 1499) n`, a, day)
	w.exec(`INSERT INTO posts (instance_id, state, due_at, content, title, url, thumb_url, visibility, author, source, max_lateness, description)
		SELECT $1, s::post_state, $2::timestamptz + interval '1 day', 'c', s, 'https://e.cn', 'https://e.cn/a.jpg', 'everyone', 'lin', 'web', '30m', ''
		FROM unnest(ARRAY['draft', 'pending', 'scheduled', 'failed', 'missed', 'cancelled']) s`, b, day)
	q := moment.CalendarQuery{PerDay: 4}
	for n := range 4 {
		q.Days = append(q.Days, day.AddDate(0, 0, n))
	}
	read := func(change func(*moment.CalendarQuery)) string {
		t.Helper()
		asked := q
		if change != nil {
			change(&asked)
		}
		days, err := w.db.Calendar(t.Context(), asked)
		if err != nil {
			t.Fatal(err)
		}
		out := ""
		for _, d := range days {
			out += fmt.Sprintf("%d/%d ", len(d.Posts), d.Total)
			for i := range d.Posts {
				if i > 0 && d.Posts[i].DueAt.Before(d.Posts[i-1].DueAt) {
					t.Error("not in the order of time")
				}
			}
		}
		return out
	}
	for name, tt := range map[string]struct {
		change func(*moment.CalendarQuery)
		want   string
	}{
		"all":      {nil, "4/1000 4/5 0/0 "},
		"instance": {func(q *moment.CalendarQuery) { q.InstanceID = b }, "0/0 4/5 0/0 "},
		"group":    {func(q *moment.CalendarQuery) { q.Group = "north" }, "0/0 4/5 0/0 "},
		"no group": {func(q *moment.CalendarQuery) { q.Group = "south" }, "0/0 0/0 0/0 "},
		"states":   {func(q *moment.CalendarQuery) { q.States = []moment.State{moment.Failed, moment.Scheduled} }, "4/1000 2/2 0/0 "},
		"dropped":  {func(q *moment.CalendarQuery) { q.States = []moment.State{moment.Cancelled} }, "0/0 1/1 0/0 "},
		"nothing":  {func(q *moment.CalendarQuery) { q.Days = q.Days[:1] }, ""},
	} {
		if got := read(tt.change); got != tt.want {
			t.Errorf("%s: %q, want %q", name, got, tt.want)
		}
	}
}
