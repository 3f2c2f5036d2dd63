package postgres

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"momentcast/internal/moment"
)

// A page of a list, and the status, must cost the same whatever the history.
func TestListsDoNotReadTheHistory(t *testing.T) {
	t.Parallel()
	const instances, scheduled, finished, attention = 200, 4000, 60_000, 60
	for name, analyze := range map[string]string{"statistics of empty tables": "before", "statistics of full tables": "after"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.exec(`ALTER TABLE posts SET (autovacuum_enabled = false)`)
			if analyze == "before" {
				w.exec(`ANALYZE`)
			}
			w.fill(instances, scheduled)
			w.finish(finished)
			// Most of what is scheduled lies ahead; some has its time among the history.
			w.exec(`UPDATE posts SET due_at = now() + id * interval '1 minute' WHERE state = 'scheduled' AND id % 50 <> 0`)
			w.exec(`UPDATE posts SET due_at = now() - id * interval '30 seconds' WHERE state = 'scheduled' AND id % 50 = 0`)
			w.exec(`UPDATE posts SET state = (ARRAY['failed', 'unknown', 'missed'])[1 + id % 3]::post_state, moment_id = NULL
				WHERE state = 'sent' AND id % $1 = 0`, finished/attention)
			if analyze == "after" {
				w.exec(`VACUUM ANALYZE`)
			}
			w.readListPlans(instances)
		})
	}
}

func (w *world) readListPlans(instances int) {
	w.Helper()
	err := w.db.byIndex(w.Context(), func(tx pgx.Tx) error {
		w.readPages(tx.Conn(), instances)
		for _, sql := range []string{countOpen, countDue, nextDue} {
			p := w.explain(tx.Conn(), sql)
			if n := p.touched(); n > 4200+4*instances || strings.Contains(p.show(""), "Seq Scan on posts") {
				w.Errorf("%s touches %d rows:\n%s", sql, n, p.show(""))
			}
		}
		return nil
	})
	if err != nil {
		w.Fatal(err)
	}
}

func (w *world) readPages(conn *pgx.Conn, instances int) {
	w.Helper()
	const limit = 51
	var middle moment.PostCursor
	const inHistory = `SELECT due_at, id FROM posts WHERE state = 'sent' ORDER BY due_at, id OFFSET 30000 LIMIT 1`
	if err := conn.QueryRow(w.Context(), inHistory).Scan(&middle.DueAt, &middle.ID); err != nil {
		w.Fatal(err)
	}
	for _, q := range []moment.PostQuery{
		{},
		{After: &middle},
		{States: []moment.State{moment.Failed, moment.Missed, moment.Unknown}},
		{States: []moment.State{moment.Failed}, After: &middle},
		{States: []moment.State{moment.Scheduled}},
		{States: []moment.State{moment.Scheduled, moment.Claimed, moment.Sending}},
		{States: []moment.State{moment.Sent}},
		{States: []moment.State{moment.Scheduled}, InstanceID: 3},
		{States: []moment.State{moment.Scheduled, moment.Failed}, DueTo: time.Now()},
	} {
		for _, q.Ascending = range []bool{false, true} {
			l := postList{q}
			for _, undated := range l.phases() {
				sql, args := l.sql(undated, limit)
				p := w.explain(conn, sql, args...)
				// Picking reads the page once a state, and one row an instance; showing reads four rows a post.
				most := 12*limit + 2*instances + 4*limit*max(len(q.States), 1)
				if slices.Contains(q.States, moment.Sent) {
					most += 4000 // latest first, what is sent comes after what is still to be: the queue is walked, not the history
				}
				if n := p.touched(); n > most {
					w.Errorf("%v touches %d rows, want at most %d:\n%s", q, n, most, p.show(""))
				}
				if strings.Contains(p.show(""), "Seq Scan on posts") {
					w.Errorf("%v reads the whole table:\n%s", q, p.show(""))
				}
			}
		}
	}
}

func TestInstanceDetailDoesNotReadTheHistory(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.fill(100, 1000)
	w.finish(20_000)
	w.exec(`VACUUM ANALYZE`)
	err := w.db.byIndex(t.Context(), func(tx pgx.Tx) error {
		p := w.explain(tx.Conn(), instanceCounts, int64(7))
		if n := p.touched(); n > 400 {
			t.Errorf("touches %d rows:\n%s", n, p.show(""))
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestListShowsWhatHoldsEachPost(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	i := w.instance("one")
	first := w.post(i, -time.Minute)
	due := one[time.Time](w, `SELECT due_at FROM posts WHERE id = $1`, first)
	second := w.add(&moment.Post{InstanceID: i, DueAt: due, MaxLateness: time.Hour})
	third := w.post(i, time.Hour)
	views, more, err := w.db.Posts(t.Context(), moment.PostQuery{Ascending: true, Limit: 10})
	if err != nil || more || len(views) != 3 {
		t.Fatalf("%d posts, more %t, %v", len(views), more, err)
	}
	var got []string
	for _, v := range views {
		reason := "free"
		if v.Hold != nil {
			reason = string(v.Hold.Reason)
		}
		got = append(got, fmt.Sprintf("%d %s", v.ID, reason))
	}
	want := []string{fmt.Sprint(first, " free"), fmt.Sprint(second, " behind_earlier"), fmt.Sprint(third, " free")}
	if strings.Join(got, ", ") != strings.Join(want, ", ") {
		t.Errorf("%v, want %v", got, want)
	}
}
