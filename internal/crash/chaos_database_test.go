package crash

import (
	"context"
	"errors"
	"fmt"
	"math/rand"
	"os"
	"path/filepath"
	"time"

	"momentcast/internal/crash/promise"
	"momentcast/internal/localpg"
)

func restartFast(ctx context.Context, w *world, _ *rand.Rand) error { return w.restart(ctx, false) }

func restartImmediate(ctx context.Context, w *world, _ *rand.Rand) error { return w.restart(ctx, true) }

func (w *world) restart(ctx context.Context, immediate bool) error {
	ctx, done := context.WithTimeout(context.WithoutCancel(ctx), time.Minute)
	defer done()
	return w.database().Restart(ctx, immediate)
}

func terminateBackends(ctx context.Context, w *world, r *rand.Rand) error {
	_, err := w.pool.Exec(ctx, `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'momentcast' AND random() < $1`, 0.3+0.7*r.Float64())
	return err
}

// diskFull leaves the database no room, for data or log, until it has run into
// it and for some seconds more.
func diskFull(ctx context.Context, w *world, r *rand.Rand) error {
	if err := w.full(true); err != nil {
		return err
	}
	hit := false
	for deadline := time.Now().Add(10 * time.Second); time.Now().Before(deadline) && !hit; rest(ctx, 100*time.Millisecond) {
		try, done := context.WithTimeout(ctx, time.Second)
		_, err := w.pool.Exec(try, `SELECT pg_logical_emit_message(true, 'chaos', repeat('x', 4000000))`)
		done()
		hit = err != nil
	}
	rest(ctx, between(r, time.Second, 4*time.Second))
	if err := w.full(false); err != nil {
		return err
	}
	if !hit {
		return errNotNow
	}
	return w.restart(ctx, true)
}

// failover makes a standby, kills the primary under load and goes on with the
// standby. Asynchronous, the standby has heard nothing for a while by then:
// what was committed meanwhile is lost.
func failover(synchronous bool) func(context.Context, *world, *rand.Rand) error {
	return func(ctx context.Context, w *world, r *rand.Rand) error {
		ctx, done := context.WithTimeout(context.WithoutCancel(ctx), 2*time.Minute)
		defer done()
		old := w.database()
		link, via := newProxy(w, old.URL(), w.seed)
		next, err := old.Standby(ctx, localpg.Config{DataDir: filepath.Join(w.base, fmt.Sprint(w.gen+1)), Fast: true, TCP: true},
			localpg.Replication{Name: "standby", Via: hostOf(via)})
		if err != nil {
			return err
		}
		if err := w.catchUp(ctx, old, synchronous); err != nil {
			return err
		}
		rest(ctx, between(r, time.Second, 3*time.Second))
		loss := promise.Loss{From: time.Now().Add(-time.Second)} // it lagged a little behind as it was
		if !synchronous {
			link.bring(trouble{Mute: 1})
			rest(ctx, between(r, 300*time.Millisecond, 1500*time.Millisecond))
		}
		if err := old.Kill(); err != nil {
			return err
		}
		if err := next.Promote(ctx); err != nil {
			return err
		}
		loss.To = time.Now()
		if !synchronous {
			w.book.lose(loss)
		}
		w.gen++
		w.pgMu.Lock()
		w.pg = next
		w.pgMu.Unlock()
		for _, v := range w.victims {
			v.db.aim(hostOf(next.URL()))
		}
		w.direct.aim(hostOf(next.URL()))
		_ = link.listener().Close()
		link.dropAll()
		return errors.Join(old.Stop(ctx), os.RemoveAll(filepath.Join(w.base, fmt.Sprint(w.gen-1))))
	}
}

// catchUp waits until the standby of the server has all there is, and where
// commits are to wait for it, until they do.
func (w *world) catchUp(ctx context.Context, pg *localpg.Server, synchronous bool) error {
	want := "async"
	if synchronous {
		want = "sync"
		if err := pg.Set(ctx, "synchronous_standby_names", "standby"); err != nil {
			return err
		}
	}
	for {
		rows, err := ask[struct {
			State, Sync string
			Lag         int64
		}](ctx, w, `SELECT state, sync_state, pg_current_wal_lsn() - flush_lsn FROM pg_stat_replication`)
		if err == nil && len(rows) == 1 && rows[0].State == "streaming" && rows[0].Sync == want && rows[0].Lag < 1<<20 {
			return nil
		}
		if ctx.Err() != nil {
			return fmt.Errorf("the standby does not follow: %v %w", rows, ctx.Err())
		}
		rest(ctx, 50*time.Millisecond)
	}
}
