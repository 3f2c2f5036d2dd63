package postgres

import (
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"momentcast/internal/moment"
)

func (w *world) audience(name string, v moment.Visibility) int64 {
	w.Helper()
	id, err := w.db.AddAudience(w.Context(), &moment.Audience{Name: name, Visibility: v}, person)
	if err != nil {
		w.Fatal(err)
	}
	return id
}

// postFor adds a post that was made from the audience.
func (w *world) postFor(inst, audience int64, v moment.Visibility) int64 {
	w.Helper()
	id := w.post(inst, time.Hour)
	w.exec(`UPDATE posts SET audience_id = $2, visibility = $3, visible_users = $4, visible_labels = $5 WHERE id = $1`,
		id, audience, v.Mode, orEmpty(v.Users), orEmpty(v.Labels))
	return id
}

func allow(users ...string) moment.Visibility {
	return moment.Visibility{Mode: moment.Allow, Users: users}
}

func setVisibility(v moment.Visibility) func(*moment.Audience) error {
	return func(a *moment.Audience) error { a.Visibility = v; return nil }
}

func TestChangeOfAnAudienceRewritesWhatEqualsIt(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	one1, two := w.instance("a"), w.instance("b")
	old := allow("u1", "u2")
	id := w.audience("VIP", old)
	same := []int64{w.postFor(one1, id, old), w.postFor(two, id, allow("u2", "u1"))} // in another order
	own, sent, other := w.postFor(one1, id, allow("u1")), w.postFor(two, id, old), w.post(one1, time.Hour)
	w.exec(`UPDATE posts SET state = 'cancelled' WHERE id = $1`, sent)
	w.exec(`UPDATE posts SET approved_hash = 'v1:x', approved_until = now() + interval '1 day' WHERE id = $1`, same[0])

	use, err := w.db.AudienceUse(t.Context(), id, 10)
	if err != nil || use.Same != 2 || use.Differs != 1 || use.Approved != 1 || len(use.Posts) != 2 {
		t.Fatalf("%+v, %v", use, err)
	}
	_, err = w.db.ChangeAudience(t.Context(), id, 1, "", setVisibility(allow("u3")), person)
	if e, ok := errors.AsType[*moment.Error](err); !ok || len(e.Fields) != 1 || e.Fields[0].Path != "posts" {
		t.Fatalf("nobody said what becomes of the posts: %v", err)
	}
	n, err := w.db.ChangeAudience(t.Context(), id, 1, moment.RewritePosts, setVisibility(allow("u3")), person)
	if err != nil || n.Posts != 2 {
		t.Fatalf("%+v rewritten, %v", n, err)
	}
	for _, p := range same {
		if got := one[string](w, `SELECT visible_users::text || ' ' || version || ' ' || coalesce(approved_hash, '-') FROM posts WHERE id = $1`, p); got != "{u3} 2 -" {
			t.Errorf("post %d: %s", p, got)
		}
		if n := one[int](w, `SELECT count(*) FROM events WHERE post_id = $1 AND action = 'edit'`, p); n != 1 {
			t.Errorf("post %d: %d audit lines", p, n)
		}
	}
	for p, want := range map[int64]string{own: "{u1}", sent: "{u1,u2}", other: "{}"} {
		if got := one[string](w, `SELECT visible_users::text FROM posts WHERE id = $1`, p); got != want {
			t.Errorf("post %d: %s, want %s", p, got, want)
		}
	}
	if _, err := w.db.ChangeAudience(t.Context(), id, 1, moment.LeavePosts, setVisibility(allow("u4")), person); moment.KindOf(err) != moment.Precondition {
		t.Errorf("a stale version: %v", err)
	}
	if n, err := w.db.ChangeAudience(t.Context(), id, 2, moment.LeavePosts, setVisibility(allow("u4")), person); err != nil || n.Posts != 0 {
		t.Errorf("%+v, %v", n, err)
	}
	if got := one[string](w, `SELECT visible_users::text FROM posts WHERE id = $1`, same[0]); got != "{u3}" {
		t.Errorf("a post that was to be left has %s", got)
	}
}

func TestAnAudienceInUseIsNotDeleted(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	inst := w.instance("a")
	id := w.audience("VIP", allow("u"))
	p := w.postFor(inst, id, allow("u"))
	if err := w.db.DeleteAudience(t.Context(), id, 0, person); moment.KindOf(err) != moment.Conflict {
		t.Errorf("in use: %v", err)
	}
	w.exec(`UPDATE posts SET state = 'cancelled' WHERE id = $1`, p)
	if err := w.db.DeleteAudience(t.Context(), id, 0, person); err != nil {
		t.Fatal(err)
	}
	if a, err := w.db.Audience(t.Context(), id); err != nil || !a.Archived || a.Finished != 1 {
		t.Errorf("finished posts name it: %+v, %v", a, err)
	}
	if err := w.db.DeleteAudience(t.Context(), id, 0, person); moment.KindOf(err) != moment.NotFound {
		t.Errorf("deleted twice: %v", err)
	}
	again := w.audience("vip", allow("u")) // the name is free
	if _, err := w.db.AddAudience(t.Context(), &moment.Audience{Name: "Vip", Visibility: allow("u")}, person); moment.KindOf(err) != moment.Invalid {
		t.Errorf("a name that is taken: %v", err)
	}
	if err := w.db.DeleteAudience(t.Context(), again, 0, person); err != nil {
		t.Fatal(err)
	}
	if n := one[int](w, `SELECT count(*) FROM audiences WHERE id = $1`, again); n != 0 {
		t.Error("nothing names it, and it is kept")
	}
}

func TestNobodyIsNoAudience(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, v := range []moment.Visibility{{}, {Mode: moment.Allow}, {Mode: moment.Deny}, {Mode: moment.Everyone, Users: []string{"u"}}} {
		if _, err := w.db.AddAudience(t.Context(), &moment.Audience{Name: "x", Visibility: v}, person); moment.KindOf(err) != moment.Invalid {
			t.Errorf("%+v: %v", v, err)
		}
	}
}

// A preset that changes while posts are made from it ends in no deadlock, and
// each post has either copy.
func TestAudienceChangesWhilePostsAreMade(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	insts := []int64{w.instance("a"), w.instance("b"), w.instance("c")}
	id := w.audience("VIP", allow("u0"))
	var wg sync.WaitGroup
	for n := range 3 {
		wg.Go(func() {
			for range 15 {
				p := make([]*moment.Post, 0, 3)
				for i := range insts {
					p = append(p, &moment.Post{InstanceID: insts[(i+n)%3], State: moment.Scheduled, DueAt: time.Now().Add(time.Hour), AudienceID: id, Visibility: allow("u0"),
						Card: moment.Card{Content: "c", Title: "t", URL: "https://example.com", ThumbURL: "https://example.com/a.jpg"}, Author: "x", Source: "api"})
				}
				if _, _, err := w.db.AddPosts(t.Context(), p, moment.RequestKey{}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Go(func() {
		for n := range 20 {
			if _, err := w.db.ChangeAudience(t.Context(), id, 0, moment.RewritePosts, setVisibility(allow(fmt.Sprint("u", n%2))), person); err != nil {
				t.Error(err)
			}
		}
	})
	wg.Wait()
	if n := one[int](w, `SELECT count(*) FROM posts WHERE audience_id = $1 AND visible_users IN ('{u0}', '{u1}')`, id); n != 135 {
		t.Errorf("%d of 135 posts", n)
	}
}
