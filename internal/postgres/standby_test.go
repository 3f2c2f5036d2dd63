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
	// The server takes a moment to heed the setting.
	for deadline := time.Now().Add(time.Minute); !w.waitsForStandby(func(ctx context.Context) error {
		_, err := db.pool.Exec(ctx, `UPDATE settings SET paused = paused`)
		return err
	}); {
		if time.Now().After(deadline) {
			t.Fatal("commits do not wait for a standby")
		}
	}
	if !w.waitsForStandby(func(ctx context.Context) error {
		_, err := db.Begin(ctx, []moment.Ref{claim.Ref}, time.Minute, time.Minute)
		return err
	}) {
		t.Fatal("it was begun, with no standby to wait for")
	}
	// Who gave up waiting leaves the intent there: not for the standby, but to be read.
	for deadline := time.Now().Add(time.Minute); w.state(claim.ID) != moment.Sending; {
		if time.Now().After(deadline) {
			t.Fatalf("the post is %s; this test wants the intent to be there, and not to count", w.state(claim.ID))
		}
	}
	if !w.waitsForStandby(func(ctx context.Context) error {
		_, err := db.BegunAlready(ctx, []moment.Ref{claim.Ref})
		return err
	}) {
		t.Error("it may be called, and would be forgotten in a failover")
	}
	if err := srv.Set(t.Context(), "synchronous_standby_names", ""); err != nil {
		t.Fatal(err)
	}
	if begun, err := db.BegunAlready(t.Context(), []moment.Ref{claim.Ref}); err != nil || len(begun) != 1 {
		t.Errorf("begun %v, %v; want the one", begun, err)
	}
}

// waitsForStandby gives do up as soon as a commit of it waits for a standby;
// false = it came to its end without.
func (w *world) waitsForStandby(do func(context.Context) error) bool {
	w.Helper()
	// A session that was left stays waiting for some time: it is none of ours.
	earlier := one[[]int32](w, `SELECT coalesce(array_agg(pid), '{}') FROM pg_stat_activity WHERE wait_event = 'SyncRep'`)
	ctx, leave := context.WithCancel(w.Context())
	defer leave()
	ended := make(chan error, 1)
	go func() { ended <- do(ctx) }()
	for {
		select {
		case err := <-ended:
			if err != nil {
				w.Fatal(err)
			}
			return false
		default:
		}
		if one[bool](w, `SELECT EXISTS (SELECT FROM pg_stat_activity WHERE wait_event = 'SyncRep' AND pid <> ALL ($1::int[]))`, earlier) {
			leave()
			<-ended
			return true
		}
	}
}
