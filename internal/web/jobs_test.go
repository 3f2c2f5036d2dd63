package web_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"momentcast/internal/moment"
)

// A job whose process died is taken over where it was: nothing is moved twice.
func TestJobOfADeadProcessIsTakenOver(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	i := s.instance("wxid_a", "a")
	due := time.Now().Add(time.Hour).Truncate(time.Second)
	var items []moment.JobItem
	for n := range 20 {
		p := s.post(i, fmt.Sprint("post ", n), func(p *moment.Post) { p.DueAt = due })
		items = append(items, moment.JobItem{PostID: p, Version: 1, DueAt: due})
	}
	key := strings.Repeat("d", 26)
	j := moment.Job{Key: key, Kind: "reschedule", Spec: moment.JobSpec{Shift: time.Hour}, By: moment.Origin{Actor: "lin", Source: "web"}, Back: "/queue"}
	// The dead process had taken it, and got as far as the seventh post.
	s.exec(`INSERT INTO jobs (key, kind, spec, actor, source, back, total, state, token, lease_until)
		VALUES ($1, 'reschedule', $2, 'lin', 'web', '/queue', 20, 'running', 1, now() + interval '1 hour')`, key, j.Spec)
	s.exec(`INSERT INTO job_items SELECT (SELECT id FROM jobs), n, id, 1, due_at FROM (SELECT id, due_at, row_number() OVER (ORDER BY id) AS n FROM posts) p`)
	dead, err := s.db.JobByKey(t.Context(), key)
	if err != nil {
		t.Fatal(err)
	}
	for n := range 7 {
		items[n].N = n + 1
		if held, err := s.db.JobStep(t.Context(), &dead, items[n], time.Hour); err != nil || !held {
			t.Fatal(held, err)
		}
	}
	s.get("/jobs/"+key).has("7 of 20 posts", "You may leave")
	s.exec(`UPDATE jobs SET lease_until = now() - interval '1 second'`)
	s.settled(page{t, http.StatusSeeOther, http.Header{"Location": {"/jobs/" + key}}, ""}).has("20 changed, 0 were not")
	if n := s.text(`SELECT count(*)::text FROM posts WHERE due_at = $1 AND version = 2`, due.Add(time.Hour)); n != "20" {
		t.Errorf("%s posts were moved once", n)
	}
	// What the dead one does late changes nothing.
	items[7].N, items[7].Version = 8, 0
	if held, err := s.db.JobStep(t.Context(), &dead, items[7], time.Hour); err != nil || held {
		t.Errorf("held %t, %v", held, err)
	}
	if n := s.text(`SELECT count(*)::text FROM posts WHERE version = 2`); n != "20" {
		t.Errorf("%s posts are as the job left them", n)
	}
	if n := s.text(`SELECT count(*)::text FROM job_items`); n != "0" {
		t.Errorf("%s items are left of a job that is over", n)
	}
}

func TestJobIsStoppedByItsOwner(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	p := s.post(s.instance("wxid_a", "a"), "kept", nil)
	key := strings.Repeat("s", 26)
	s.exec(`INSERT INTO jobs (key, kind, spec, actor, source, back, total, state, token, lease_until)
		VALUES ($1, 'cancel', '{}', 'wang', 'web', '/queue', 1, 'running', 1, now() + interval '1 hour')`, key)
	s.exec(`INSERT INTO job_items SELECT id, 1, $1, 1 FROM jobs`, p)
	s.do("viewer", http.MethodPost, "/jobs/"+key+"/stop", map[string][]string{}).want(http.StatusConflict)
	s.submit("/jobs/" + key + "/stop").to("/jobs/" + key)
	s.get("/jobs/" + key).has("It stops after the post")
	s.exec(`UPDATE jobs SET lease_until = now() - interval '1 second'`)
	s.settled(page{t, http.StatusSeeOther, http.Header{"Location": {"/jobs/" + key}}, ""}).has("It was stopped", "0 changed")
	if s.state(p) != "scheduled" {
		t.Error("it was changed after the stop")
	}
}

// Many posts are changed with progress that can be watched. Somebody holds two of
// them in turn, so that there is a place at which the job is seen.
func TestBulkOfManyPosts(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	const posts = 600
	s.exec(`INSERT INTO instances (wc_id) SELECT 'wxid_' || g FROM generate_series(1, 200) g`)
	s.exec(`INSERT INTO posts (instance_id, state, due_at, max_lateness, content, title, description, url, thumb_url, visibility, author, source)
		SELECT 1 + n % 200, 'scheduled', now() + n * interval '1 minute', '0', 'c', 't' || n, '', 'https://e.com', 'https://e.com', 'everyone', 'bulk', 'api' FROM generate_series(1, $1::int) n`, posts)
	first, second := s.hold("t200"), s.hold("t450")
	key := strings.Repeat("m", 26)
	answer := s.submit("/queue/bulk/run", "do", "cancel", "all", "1", "key", key, "shown", "9999999999999").want(http.StatusSeeOther)
	for _, stop := range []struct {
		done string
		goOn func()
	}{{"199", first}, {"449", second}} {
		until(t, func() bool { return s.get(answer.header.Get("Location")).want(http.StatusOK).value() == stop.done })
		s.get(answer.header.Get("Location")).has(stop.done+" of 600 posts", "You may leave")
		stop.goOn()
	}
	s.settled(answer).has(fmt.Sprintf("%d changed, 0 were not", posts))
	if n := s.text(`SELECT count(*)::text FROM posts WHERE state = 'cancelled'`); n != fmt.Sprint(posts) {
		t.Errorf("%s were cancelled", n)
	}
}

// hold keeps others from changing the post of that title until let go is called.
func (s *site) hold(title string) (letGo func()) {
	s.t.Helper()
	tx, err := s.pool.Begin(s.t.Context())
	if err != nil {
		s.t.Fatal(err)
	}
	if _, err := tx.Exec(s.t.Context(), `SELECT FROM posts WHERE title = $1 FOR UPDATE`, title); err != nil {
		s.t.Fatal(err)
	}
	var once sync.Once
	letGo = func() { once.Do(func() { _ = tx.Rollback(context.Background()) }) } // ends what only locked
	s.t.Cleanup(letGo)
	return letGo
}

// value is how far the progress bar is.
func (p page) value() string {
	_, rest, _ := strings.Cut(p.body, `<progress`)
	_, rest, _ = strings.Cut(rest, `value="`)
	v, _, _ := strings.Cut(rest, `"`)
	return v
}

// A post that the database refuses, and would refuse every time, does not keep
// the others from their turn.
func TestJobGoesOnPastABrokenPost(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	i := s.instance("wxid_a", "a")
	broken, well := s.post(i, "broken", nil), s.post(i, "well", nil)
	s.exec(`CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'no'; END $$`)
	s.exec(fmt.Sprintf(`CREATE TRIGGER refuse BEFORE UPDATE ON posts FOR EACH ROW WHEN (NEW.id = %d) EXECUTE FUNCTION refuse()`, broken))
	s.settled(s.submit("/queue/bulk/run", "do", "cancel", "key", strings.Repeat("j", 26), "id", id(broken)+".1", "id", id(well)+".1")).has("1 changed, 1 were not")
	if s.state(well) != "cancelled" || s.state(broken) != "scheduled" {
		t.Errorf("%s %s", s.state(well), s.state(broken))
	}
}
