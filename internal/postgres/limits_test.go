package postgres

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"momentcast/internal/moment"
)

func TestKeptDraftsAreLimited(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for n := range keptMost + 5 {
		if err := w.db.SaveTyped(t.Context(), "lin", fmt.Sprint(n), map[string][]string{"title": {fmt.Sprint(n)}}); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.db.SaveTyped(t.Context(), "wang", "0", nil); err != nil {
		t.Fatal(err)
	}
	if n := one[int64](w, `SELECT count(*) FROM compose_autosaves WHERE actor = 'lin'`); n != keptMost {
		t.Errorf("%d are kept", n)
	}
	for form, want := range map[string]bool{"4": false, "5": true, fmt.Sprint(keptMost + 4): true} {
		if a, err := w.db.Typed(t.Context(), "lin", form); err != nil || (a != nil) != want {
			t.Errorf("form %s: %v, %v", form, a, err)
		}
	}
	if a, err := w.db.Typed(t.Context(), "wang", "0"); err != nil || a == nil {
		t.Errorf("of somebody else: %v, %v", a, err)
	}
}

func TestBulkChangeOfTheDisabledStops(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.exec(`INSERT INTO users (name, roles, subject) VALUES ('boss', '{admin}', 'b'), ('lin', '{operator}', 'l')`)
	id := w.post(w.instance("one"), time.Hour)
	start := func(key, actor string) {
		t.Helper()
		j := moment.Job{Key: key, Kind: "cancel", By: who(actor), Back: "/queue"}
		if err := w.db.StartJob(t.Context(), j, []moment.JobItem{{PostID: id, Version: 1}}); err != nil {
			t.Fatal(err)
		}
	}
	waits, runs, other := strings.Repeat("w", 26), strings.Repeat("r", 26), strings.Repeat("o", 26)
	start(waits, "lin")
	start(other, "boss")
	start(runs, "lin")
	w.exec(`UPDATE jobs SET state = 'running', token = 1, lease_until = now() + interval '1 hour' WHERE key = $1`, runs)
	disabled := one[int64](w, `SELECT id FROM users WHERE name = 'lin'`)
	if err := w.db.ChangeUser(t.Context(), disabled, 0, func(u *moment.User) error { u.Disabled = true; return nil }, who("boss")); err != nil {
		t.Fatal(err)
	}
	for key, want := range map[string]string{waits: "stopped true", runs: "running true", other: "waiting false"} {
		if got := one[string](w, `SELECT state || ' ' || stop FROM jobs WHERE key = $1`, key); got != want {
			t.Errorf("%s: %s, want %s", key, got, want)
		}
	}
}

// A job on all that matches is stored page by page: every post once, in the order
// of the list, those without a time too, and none that came after the look.
func TestJobOnAllThatMatchesIsStoredInPages(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	const n = 2*500 + 7
	first := w.post(w.instance("one"), time.Hour)
	w.exec(`INSERT INTO posts (instance_id, state, due_at, content, title, description, url, thumb_url, visibility, author, source, created_at, error, max_lateness)
		SELECT instance_id, 'failed', now() - (g % 40) * interval '1 minute', content, title, description, url, thumb_url, visibility, author, source, now() - interval '1 minute', 'x', max_lateness
		FROM posts, generate_series(1, 1007) g WHERE id = $1`, first)
	seen := time.Now().Add(-30 * time.Second)
	w.exec(`INSERT INTO posts (instance_id, state, due_at, content, title, description, url, thumb_url, visibility, author, source, error, max_lateness)
		SELECT instance_id, 'failed', now() - interval '5 minutes', content, title, description, url, thumb_url, visibility, author, source, 'x', max_lateness FROM posts WHERE id = $1`, first)
	j := moment.Job{Key: "pages-pages-pages-pages", Kind: "retry", By: who("lin"), Back: "/inbox"}
	for range 2 { // the same key again adds nothing
		if err := w.db.StartJobOn(t.Context(), j, moment.PostQuery{States: []moment.State{moment.Failed}}, seen); err != nil {
			t.Fatal(err)
		}
	}
	type stored struct{ Items, Posts, Last, Total, Disorder int64 }
	got := stored{
		one[int64](w, `SELECT count(*) FROM job_items`), one[int64](w, `SELECT count(DISTINCT post_id) FROM job_items`),
		one[int64](w, `SELECT max(n)::bigint FROM job_items`), one[int64](w, `SELECT total::bigint FROM jobs`),
		one[int64](w, `SELECT count(*) FROM job_items a JOIN job_items b ON b.n = a.n + 1 WHERE (a.due_at, a.post_id) > (b.due_at, b.post_id)`),
	}
	if want := (stored{n, n, n, n, 0}); got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
}
