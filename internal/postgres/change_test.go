package postgres

import (
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"momentcast/internal/moment"
)

var person = moment.Origin{Actor: "tester", Source: "api"}

// consistent fails the test unless ready_at is what its definition says.
func (w *world) consistent() {
	w.Helper()
	const q = `
		SELECT count(*) FROM instances i CROSS JOIN settings s
		LEFT JOIN LATERAL (SELECT due_at FROM posts WHERE instance_id = i.id AND state = 'scheduled' ORDER BY due_at, id LIMIT 1) head ON true
		CROSS JOIN LATERAL instance_gate(i, s, head.due_at) g
		WHERE i.ready_at IS DISTINCT FROM g.ready_at`
	if n := one[int64](w, q); n != 0 {
		w.Errorf("%d instances have a ready_at that is not its definition", n)
	}
}

func TestEditMovesReadyAt(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	i := w.instance("one")
	id := w.post(i, time.Hour)
	due := time.Now().Add(30 * time.Minute).Truncate(time.Millisecond)
	err := w.db.EditPost(t.Context(), id, 1, func(p *moment.Post) error { p.DueAt, p.MaxLateness = due, 0; return nil }, person)
	if err != nil {
		t.Fatal(err)
	}
	if got := one[time.Time](w, `SELECT ready_at FROM instances`); !got.Equal(due) {
		t.Errorf("ready at %s, want %s", got, due)
	}
	if n := one[int64](w, `SELECT count(*) FROM posts WHERE miss_at IS NULL AND version = 2`); n != 1 {
		t.Error("the limit was not recomputed")
	}
	w.consistent()
}

func TestEditOfABrokenOrFinishedPostChangesNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	i := w.instance("one")
	id := w.post(i, time.Hour)
	edit := func(change func(*moment.Post) error) moment.Kind {
		return moment.KindOf(w.db.EditPost(t.Context(), id, 0, change, person))
	}
	for name, tt := range map[string]struct {
		change func(*moment.Post) error
		want   moment.Kind
	}{
		"a broken link":     {func(p *moment.Post) error { p.Card.URL = "x"; return nil }, moment.Invalid},
		"the change's own":  {func(*moment.Post) error { return moment.Errorf(moment.Invalid, "no") }, moment.Invalid},
		"an inner failure":  {func(*moment.Post) error { return errors.New("no") }, moment.Internal},
		"a time long ago":   {func(p *moment.Post) error { p.DueAt = time.Now().Add(-48 * time.Hour); return nil }, moment.Invalid},
		"nothing":           {func(*moment.Post) error { return nil }, ""},
		"everyone and list": {func(p *moment.Post) error { p.Visibility.Users = []string{"a"}; return nil }, moment.Invalid},
	} {
		if got := edit(tt.change); got != tt.want {
			t.Errorf("%s: %q, want %q", name, got, tt.want)
		}
	}
	if n := one[int64](w, `SELECT count(*) FROM events WHERE action = 'edit'`); n != 0 {
		t.Errorf("%d audit lines", n)
	}
	w.exec(`UPDATE posts SET state = 'cancelled'`)
	if got := edit(func(p *moment.Post) error { p.Card.Title = "x"; return nil }); got != moment.Conflict {
		t.Errorf("%q", got)
	}
	if err := w.db.EditPost(t.Context(), 999, 0, func(*moment.Post) error { return nil }, person); moment.KindOf(err) != moment.NotFound {
		t.Error(err)
	}
}

// An edit and a claim want the same post at the same time: what is sent is
// either what it was or what it became, and never a mixture.
func TestEditAndClaimRace(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for n := range 30 {
		id := w.post(w.instance(fmt.Sprint("i", n)), -time.Second)
		var edited error
		var claims []moment.Claim
		var wg sync.WaitGroup
		wg.Go(func() {
			edited = w.db.EditPost(t.Context(), id, 0, func(p *moment.Post) error { p.Card.Title, p.Card.Content = "new", "new"; return nil }, person)
		})
		wg.Go(func() { claims, _, _ = w.db.Claim(t.Context(), 1, int64(n+1), replica, time.Minute) })
		wg.Wait()
		if len(claims) == 0 {
			if claims = w.claim(1); len(claims) != 1 {
				t.Fatal("not claimed")
			}
		}
		c := claims[0].Card
		switch {
		case edited == nil && c.Title == "new" && c.Content == "new":
		case moment.KindOf(edited) == moment.Conflict && c.Title == "title" && c.Content == "text":
		default:
			t.Errorf("edit: %v, sent: %s, %s", edited, c.Title, c.Content)
		}
	}
}

func TestDeletedDraftLeavesItsTrail(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.add(&moment.Post{InstanceID: w.instance("one"), State: moment.Draft, FirstComment: "x"})
	if err := w.db.DeletePost(t.Context(), id, 0, person); err != nil {
		t.Fatal(err)
	}
	if n := one[int64](w, `SELECT (SELECT count(*) FROM posts) + (SELECT count(*) FROM first_comments)`); n != 0 {
		t.Errorf("%d rows stay", n)
	}
	if d := cmp.Diff([]string{"create", "delete"}, one[[]string](w, `SELECT array_agg(action ORDER BY id) FROM events WHERE post_id = $1`, id)); d != "" {
		t.Error(d)
	}
	if err := w.db.DeletePost(t.Context(), id, 0, person); moment.KindOf(err) != moment.NotFound {
		t.Error(err)
	}
}

func TestNotSentIsRefusedWhileTheCallMayRun(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.post(w.instance("one"), -time.Second)
	c := w.claimed()
	w.exec(`UPDATE posts SET lease_until = now() - interval '1 second'`)
	w.reap(0, 1)
	_, err := w.db.ActOnPost(t.Context(), c.ID, 0, moment.Act{Action: moment.ActNotSent}, person)
	if moment.KindOf(err) != moment.Conflict {
		t.Fatalf("%v", err)
	}
	w.want(c.ID, moment.Unknown)
	w.exec(`UPDATE posts SET call_until = now() - interval '1 millisecond'`)
	if _, err := w.db.ActOnPost(t.Context(), c.ID, 0, moment.Act{Action: moment.ActNotSent}, person); err != nil {
		t.Fatal(err)
	}
	w.want(c.ID, moment.Scheduled)
	w.consistent()
}

func TestInstanceChangeMovesReadyAt(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	i := w.instance("one")
	w.post(i, -time.Second)
	change := func(do func(*moment.Instance)) {
		t.Helper()
		if err := w.db.ChangeInstance(t.Context(), i, 0, func(i *moment.Instance) error { do(i); return nil }, person); err != nil {
			t.Fatal(err)
		}
		w.consistent()
	}
	ready := func() bool { return one[bool](w, `SELECT coalesce(ready_at <= now(), false) FROM instances`) }
	age := 1000 * time.Hour
	for n, step := range []struct {
		do   func(*moment.Instance)
		want bool
	}{
		{func(i *moment.Instance) { i.Paused, i.PausedReason, i.PausedBy = true, "x", "me" }, false},
		{func(i *moment.Instance) { i.Paused, i.PausedReason, i.PausedBy = false, "", "" }, true},
		{func(i *moment.Instance) { i.Pacing.OnlineAge = &age }, false},
		{func(i *moment.Instance) { i.MaturedAt = time.Now().Add(-time.Hour) }, true},
		{func(i *moment.Instance) { i.MaturedAt = time.Time{} }, false},
		{func(i *moment.Instance) { i.OnlineSince = time.Now().Add(-2000 * time.Hour) }, true},
		{func(i *moment.Instance) { i.Online = false }, false},
		{func(i *moment.Instance) { i.Online = true }, true},
	} {
		if change(step.do); ready() != step.want {
			t.Errorf("step %d: ready %t", n, !step.want)
		}
	}
	if n := one[int64](w, `SELECT version FROM instances`); n != 9 {
		t.Errorf("version %d", n)
	}
}

// A change of an instance waits for the claim that holds it, and does not undo
// what that has written.
func TestInstanceChangeAndClaimRace(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for n := range 20 {
		i := w.instance(fmt.Sprint("i", n))
		w.post(i, -time.Second)
		var wg sync.WaitGroup
		wg.Go(func() { _, _, _ = w.db.Claim(t.Context(), 1, int64(n+1), replica, time.Minute) })
		wg.Go(func() {
			if err := w.db.ChangeInstance(t.Context(), i, 0, func(i *moment.Instance) error { i.Name = "new"; return nil }, person); err != nil {
				t.Error(err)
			}
		})
		wg.Wait()
		w.consistent()
	}
}

func TestTokens(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	db, ctx := w.db, t.Context()
	const first = "a-token-from-the-environment"
	var wg sync.WaitGroup
	for range 5 {
		wg.Go(func() {
			if err := db.EnsureBootstrapToken(ctx, first); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if n, err := db.CountTokens(ctx); n != 1 || err != nil {
		t.Fatalf("%d tokens, %v", n, err)
	}
	tok, err := db.TokenByHash(ctx, moment.HashToken(first))
	if err != nil || !tok.May(moment.PermWrite) || !tok.LastUsedAt.IsZero() {
		t.Fatalf("%+v, %v", tok, err)
	}
	used := one[time.Time](w, `SELECT last_used_at FROM api_tokens`)
	if _, err := db.TokenByHash(ctx, moment.HashToken(first)); err != nil {
		t.Fatal(err)
	}
	if again := one[time.Time](w, `SELECT last_used_at FROM api_tokens`); !again.Equal(used) {
		t.Error("written twice within a minute")
	}
	w.exec(`UPDATE api_tokens SET last_used_at = now() - interval '2 minutes'`)
	if _, err := db.TokenByHash(ctx, moment.HashToken(first)); err != nil {
		t.Fatal(err)
	}
	if !one[bool](w, `SELECT last_used_at > now() - interval '1 minute' FROM api_tokens`) {
		t.Error("not written after a minute")
	}
	if err := db.RevokeToken(ctx, tok.ID, person); err != nil {
		t.Fatal(err)
	}
	if _, err := db.TokenByHash(ctx, moment.HashToken(first)); moment.KindOf(err) != moment.NotFound {
		t.Errorf("revoked: %v", err)
	}
	if err := db.EnsureBootstrapToken(ctx, first); err != nil {
		t.Fatal(err)
	}
	if n, _ := db.CountTokens(ctx); n != 0 {
		t.Error("a restart brings a revoked token back")
	}
	if _, err := db.CreateToken(ctx, moment.Token{Name: "x", Scopes: []moment.Scope{moment.ScopeAdmin}, ExpiresAt: time.Now().Add(-time.Second)}, moment.HashToken("y"), person); err != nil {
		t.Fatal(err)
	}
	if _, err := db.TokenByHash(ctx, moment.HashToken("y")); moment.KindOf(err) != moment.NotFound {
		t.Errorf("expired: %v", err)
	}
	if err := db.EnsureBootstrapToken(ctx, "another-long-token"); err != nil {
		t.Fatal(err)
	}
	if n, _ := db.CountTokens(ctx); n != 1 {
		t.Error("no token where the only one has expired")
	}
	if err := db.EnsureBootstrapToken(ctx, "short"); moment.KindOf(err) != moment.Invalid {
		t.Error(err)
	}
	if ts, err := db.ListTokens(ctx, 0, 10); err != nil || len(ts) != 3 {
		t.Errorf("%d tokens, %v", len(ts), err)
	}
}
