package postgres

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"momentcast/internal/moment"
)

// planned is a post as somebody is about to schedule it.
func planned(instance int64, due time.Time, link string) *moment.Post {
	return &moment.Post{InstanceID: instance, DueAt: due, MaxLateness: 30 * time.Minute, State: moment.Scheduled, Card: moment.Card{URL: link}}
}

func (w *world) check(posts ...*moment.Post) []moment.PostCheck {
	w.Helper()
	got, err := w.db.CheckPosts(w.Context(), posts)
	if err != nil {
		w.Fatal(err)
	}
	return got
}

func kinds(c moment.PostCheck) string {
	var out []string
	for _, x := range c.Clashes {
		out = append(out, fmt.Sprintf("%s %d", x.Kind, x.Post))
	}
	return strings.Join(out, ", ")
}

func TestCheckFindsWhatAPostCollidesWith(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.exec(`UPDATE settings SET min_gap = '15 minutes', daily_cap = 2, duplicate_days = 0`)
	a, b := w.instance("a"), w.instance("b")
	noon := time.Now().AddDate(0, 0, 2).Truncate(24 * time.Hour).Add(4 * time.Hour) // in Shanghai
	first := w.add(&moment.Post{InstanceID: a, DueAt: noon})
	second := w.add(&moment.Post{InstanceID: a, DueAt: noon.Add(20 * time.Minute)})
	got := w.check(
		planned(a, noon.Add(10*time.Minute), ""), // between the two
		planned(b, noon, ""),
		planned(a, noon.Add(24*time.Hour), ""),
		planned(999, noon, ""),
	)
	if k, want := kinds(got[0]), fmt.Sprintf("gap %d, gap %d, daily_cap 0", first, second); k != want {
		t.Errorf("clashes %q, want %q", k, want)
	}
	if c := got[0].Clashes[2]; c.Count != 3 || c.Limit != 2 || !c.At.Equal(noon.Add(-12*time.Hour)) {
		t.Errorf("cap %+v", c)
	}
	if !got[0].At.Equal(noon.Add(15*time.Minute)) || got[0].Why != moment.HeldGap || got[0].Missed {
		t.Errorf("leaves %+v, want a gap after the first", got[0].Departure)
	}
	for n, c := range got[1:3] {
		if len(c.Clashes) != 0 || !c.At.Equal(c.DueAt) || c.Why != "" {
			t.Errorf("post %d: %+v", n+1, c)
		}
	}
	if !got[3].At.IsZero() || got[3].Why != "" {
		t.Errorf("no such instance: %+v", got[3])
	}
	// An edit does not collide with itself.
	moved := planned(a, noon.Add(5*time.Minute), "")
	moved.ID = second
	if c := w.check(moved)[0]; kinds(c) != fmt.Sprintf("gap %d", first) || !c.At.Equal(noon.Add(15*time.Minute)) {
		t.Errorf("moved: %+v", c)
	}
}

func TestCheckFindsTheSameLink(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	a, b := w.instance("a"), w.instance("b")
	due := time.Now().AddDate(0, 0, 3)
	add := func(instance int64, away time.Duration, state moment.State, link string) int64 {
		id := w.add(&moment.Post{InstanceID: instance, DueAt: due.Add(away), State: state})
		w.exec(`UPDATE posts SET url = $2 WHERE id = $1`, id, link)
		return id
	}
	const day = 24 * time.Hour
	near := add(a, -2*day, moment.Scheduled, "https://Example.com/x?utm_source=wechat&a=1")
	sent := add(a, -6*day, moment.Scheduled, "https://example.com/x?a=1")
	w.exec(`UPDATE posts SET state = 'sent', moment_id = '1' WHERE id = $1`, sent)
	add(a, -8*day, moment.Scheduled, "https://example.com/x?a=1") // too long ago
	add(a, day, moment.Draft, "https://example.com/x?a=1")        // not planned yet
	add(a, day, moment.Scheduled, "https://example.com/x?a=2")    // another page
	add(b, day, moment.Scheduled, "https://example.com/x?a=1")    // another account
	gone := add(a, day, moment.Scheduled, "https://example.com/x?a=1")
	w.exec(`UPDATE posts SET state = 'sent', moment_id = '2', recall_mode = 'delete', recalled_at = now() WHERE id = $1`, gone)

	c := w.check(planned(a, due, "https://example.com/x?a=1"))[0]
	if got, want := kinds(c), fmt.Sprintf("duplicate %d, duplicate %d", near, sent); got != want {
		t.Errorf("clashes %q, want %q", got, want)
	}
	if c.Clashes[0].Limit != 7 || c.Clashes[1].State != moment.Sent {
		t.Errorf("clashes %+v", c.Clashes)
	}
	// A link that was changed, or a draft that was deleted, leaves nothing behind.
	w.exec(`UPDATE posts SET url = 'https://example.com/other' WHERE id = $1`, near)
	w.exec(`DELETE FROM posts WHERE state = 'draft'`)
	if c := w.check(planned(a, due, "https://example.com/x?a=1"))[0]; kinds(c) != fmt.Sprintf("duplicate %d", sent) {
		t.Errorf("clashes %q, want only %d", kinds(c), sent)
	}
	if n := one[int](w, `SELECT count(*)::int FROM post_links l WHERE NOT EXISTS (SELECT FROM posts p WHERE p.id = l.post_id AND link_key(p.url) = l.link)`); n != 0 {
		t.Errorf("%d links of no post", n)
	}
	w.exec(`UPDATE settings SET duplicate_days = 0`)
	if c := w.check(planned(a, due, "https://example.com/x?a=1"))[0]; len(c.Clashes) != 0 {
		t.Errorf("with the setting off: %+v", c.Clashes)
	}
}

// Links that are the same have the same key, whatever they are.
func TestLinkKeyOfTheSameLink(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, pair := range [][2]string{
		{"https://example.com/a", "https://EXAMPLE.com/a?from=timeline"},
		{"https://example.com/a?x=1#top", "https://example.com/a?x=1&isappinstalled=0"},
		{"https://example.com", "https://example.com?x=1"},
		{"http://例子.中国/路径", "http://例子.中国/路径?a=b"},
	} {
		if !moment.SameLink(pair[0], pair[1]) {
			t.Errorf("%v are not the same", pair)
		}
		if !one[bool](w, `SELECT link_key($1) = link_key($2)`, pair[0], pair[1]) {
			t.Errorf("%v have two keys", pair)
		}
	}
}
