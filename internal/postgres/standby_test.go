package postgres

import (
	"context"
	"testing"
	"time"

	"momentcast/internal/moment"
	"momentcast/internal/postgres/postgrestest"
)

// A commit waits for a synchronous standby that does not answer, and is given
// up. PostgreSQL has it on this server then, and a failover would lose it: the
// intent does not count as begun before the standby has it.
func TestIntentThatNoStandbyHasIsNotBegun(t *testing.T) {
	t.Parallel()
	srv, url := postgrestest.Private(t)
	db, err := Open(url, Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(db.Close)
	w := &world{t, db}
	w.exec(`UPDATE settings SET min_gap = '0', daily_cap = 0, quiet_hours = '', online_age = '0'`)
	w.post(w.instance("a"), -time.Second)
	claim := w.claim(1)[0]
	if err := srv.Set(t.Context(), "synchronous_standby_names", "nobody"); err != nil {
		t.Fatal(err)
	}
	impatient := func(do func(context.Context) ([]moment.Begun, error)) ([]moment.Begun, error) {
		ctx, done := context.WithTimeout(t.Context(), time.Second)
		defer done()
		return do(ctx)
	}
	waits := func() bool { // the server takes a moment to heed the setting
		ctx, done := context.WithTimeout(t.Context(), 300*time.Millisecond)
		defer done()
		_, err := db.pool.Exec(ctx, `UPDATE settings SET paused = paused`)
		return err != nil
	}
	for deadline := time.Now().Add(30 * time.Second); !waits(); {
		if time.Now().After(deadline) {
			t.Fatal("commits do not wait for a standby")
		}
	}
	if begun, err := impatient(func(ctx context.Context) ([]moment.Begun, error) {
		return db.Begin(ctx, []moment.Ref{claim.Ref}, time.Minute, time.Minute)
	}); err == nil {
		t.Fatalf("began %v, with no standby to wait for", begun)
	}
	again := func(ctx context.Context) ([]moment.Begun, error) {
		return db.BegunAlready(ctx, []moment.Ref{claim.Ref})
	}
	if begun, err := impatient(again); err == nil && len(begun) > 0 {
		t.Errorf("%v may be called, and would be forgotten in a failover", begun)
	}
	if got := w.state(claim.ID); got != moment.Sending {
		t.Fatalf("the post is %s; this test wants the intent to be there, and not to count", got)
	}
	if err := srv.Set(t.Context(), "synchronous_standby_names", ""); err != nil {
		t.Fatal(err)
	}
	if begun, err := again(t.Context()); err != nil || len(begun) != 1 {
		t.Errorf("begun %v, %v; want the one", begun, err)
	}
}
