package postgres

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/jackc/pgx/v5/pgconn"

	"momentcast/internal/moment"
	"momentcast/internal/postgres/postgrestest"
)

func TestHealthOfAFreshDatabase(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	h, err := w.db.Health(w.Context())
	if err != nil {
		t.Fatal(err)
	}
	newest, err := NewestSchema()
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(Health{Schema: newest, Failover: moment.Failover{Told: true}}, h, cmpopts.IgnoreFields(Health{}, "Now")); d != "" {
		t.Error(d)
	}
	if time.Since(h.Now).Abs() > time.Minute {
		t.Errorf("now: %v", h.Now)
	}
}

func TestHealthTellsOfTrouble(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	late, fresh := w.instance("wxid_late"), w.instance("wxid_fresh")
	w.post(late, -time.Minute)
	w.post(fresh, -time.Minute)
	w.exec(`UPDATE instances SET ready_at = now() - interval '90 seconds' WHERE id = $1`, late)
	w.exec(`UPDATE instances SET ready_at = now() - interval '30 seconds' WHERE id = $1`, fresh)
	if err := w.db.GatewayDown(w.Context(), "refused"); err != nil {
		t.Fatal(err)
	}
	w.exec(`UPDATE gateway_status SET down_since = now() - interval '2 minutes', observed_at = now() - interval '3 minutes'`)
	if err := w.db.Pause(w.Context(), "fire", moment.Origin{Actor: "ann", Source: "api"}); err != nil {
		t.Fatal(err)
	}
	if err := w.db.Heartbeat(w.Context(), "a", "v", 0); err != nil {
		t.Fatal(err)
	}
	w.exec(`INSERT INTO replicas (name, heartbeat_at) VALUES ('gone', now() - interval '1 minute')`)
	h, err := w.db.Health(w.Context())
	if err != nil {
		t.Fatal(err)
	}
	if h.Overdue != 1 || h.Now.Sub(h.OverdueSince).Round(10*time.Second) != 90*time.Second {
		t.Errorf("overdue: %d since %v", h.Overdue, h.Now.Sub(h.OverdueSince))
	}
	if !h.Paused || h.PausedBy != "ann" || h.PausedReason != "fire" || h.Replicas != 1 {
		t.Errorf("health: %+v", h)
	}
	if h.GatewayError != "refused" || h.GatewayDownFor().Round(10*time.Second) != 2*time.Minute {
		t.Errorf("gateway down for %s: %q", h.GatewayDownFor(), h.GatewayError)
	}
}

func TestFiguresCountWhatIs(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ready, later, off, young, paused := w.instance("wxid_ready"), w.instance("wxid_later"), w.instance("wxid_off"), w.instance("wxid_young"), w.instance("wxid_paused")
	w.exec(`UPDATE instances SET online = false WHERE id = $1`, off)
	w.exec(`UPDATE instances SET online_age = '200 hours' WHERE id = $1`, young)
	w.exec(`UPDATE instances SET paused = true, paused_reason = 'x', paused_at = now() WHERE id = $1`, paused)
	for range 3 {
		w.post(ready, -time.Second)
	}
	w.post(later, time.Hour)
	w.post(off, -time.Second)
	w.post(off, -time.Second)
	w.post(young, time.Hour) // held beyond its time, and not due yet
	failed := w.post(later, time.Hour)
	w.exec(`UPDATE posts SET state = 'failed' WHERE id = $1`, failed)
	if err := w.db.Heartbeat(w.Context(), "a", "v", 0); err != nil {
		t.Fatal(err)
	}
	if _, err := w.db.Observe(w.Context(), nil, replica); err != nil { // a look, and everything missing
		t.Fatal(err)
	}
	w.exec(`UPDATE instances SET missing_since = NULL`)
	if err := w.db.RefreshAll(w.Context()); err != nil {
		t.Fatal(err)
	}

	want := Figures{
		Due:       map[string]int64{"": 1, "behind_earlier": 2, "offline": 2, "online_age": 0},
		Held:      map[string]int64{"offline": 1, "online_age": 1},
		Attention: map[string]int64{"failed": 1},
		Instances: map[string]int64{"online": 2, "offline": 1, "maturing": 1, "paused": 1},
		Replicas:  1, GatewayUp: true,
	}
	ignore := cmpopts.IgnoreFields(Figures{}, "OldestXminAge", "OldestTransaction") // of whoever shares the server
	got, err := w.db.Figures(w.Context())
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(want, got, ignore); d != "" {
		t.Error(d)
	}

	// Nothing is counted as about to be sent while everything is paused.
	if err := w.db.Pause(w.Context(), "fire", moment.System("x")); err != nil {
		t.Fatal(err)
	}
	if got, err = w.db.Figures(w.Context()); err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(map[string]int64{"paused": 5}, got.Due); d != "" || !got.Paused {
		t.Errorf("paused: %v\n%s", got.Paused, d)
	}
}

func TestOldTransactionIsNamed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	tx, err := w.db.pool.Begin(w.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = tx.Rollback(context.Background()) }()
	var pid int32
	if err := tx.QueryRow(w.Context(), `SELECT pg_backend_pid() FROM pg_current_xact_id()`).Scan(&pid); err != nil {
		t.Fatal(err)
	}
	list, err := w.db.OldTransactions(w.Context(), 0)
	if err != nil || len(list) != 1 || list[0].PID != pid || list[0].State != "idle in transaction" || list[0].Program != "momentcast" {
		t.Errorf("%+v, %v; want %d", list, err, pid)
	}
	if list, err = w.db.OldTransactions(w.Context(), time.Hour); err != nil || len(list) != 0 {
		t.Errorf("%+v, %v", list, err)
	}
}

func TestDeploymentIsRemembered(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	by := moment.System(replica)
	check := func(want Deployment) {
		t.Helper()
		if got, err := w.db.CheckDeployment(w.Context(), by); err != nil || got != want {
			t.Errorf("%q, %v; want %q", got, err, want)
		}
	}
	paused := func() bool { return one[bool](w, `SELECT paused FROM settings`) }
	check(DeploymentNew)
	check(DeploymentSame)
	if paused() {
		t.Error("paused without a reason")
	}
	w.exec(`UPDATE settings SET deployment = '1/2'`)
	check(DeploymentCopy)
	if !paused() {
		t.Error("a copy is not paused")
	}
	check(DeploymentSame) // asked about once
}

// A database user that may not know is no reason not to work.
func TestDeploymentUntold(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	role := fmt.Sprintf("untold_%d", time.Now().UnixNano())
	w.exec(`CREATE ROLE ` + role)
	t.Cleanup(func() {
		for _, q := range []string{`REVOKE ALL ON settings FROM `, `DROP ROLE `} {
			if _, err := w.db.pool.Exec(context.Background(), q+role); err != nil {
				t.Error(err)
			}
		}
	})
	w.exec(`REVOKE EXECUTE ON FUNCTION pg_control_system() FROM public`) // as on some hosted servers; of this database only
	w.exec(`GRANT SELECT ON settings TO ` + role)
	db, err := Open(w.db.pool.Config().ConnString(), Options{Conns: 1, EngineConns: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.pool.Exec(w.Context(), `SET ROLE `+role); err != nil {
		t.Fatal(err)
	}
	if got, err := db.CheckDeployment(w.Context(), moment.System(replica)); err != nil || got != DeploymentUntold {
		t.Errorf("%q, %v", got, err)
	}
}

func TestSchemaOfAnEmptyDatabase(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.exec(`DROP TABLE goose_db_version`)
	if v, err := w.db.Schema(w.Context()); err != nil || v != 0 {
		t.Errorf("schema %d, %v", v, err)
	}
}

func TestUnavailableAndExplain(t *testing.T) {
	t.Parallel()
	away, err := Open("postgres://u:p@127.0.0.1:1/d", Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer away.Close()
	unknown, err := Open(strings.Replace(postgrestest.URL(t), "/test_", "/no_test_", 1), Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer unknown.Close()
	pgErr := func(code string) error { return fmt.Errorf("migrate: %w", &pgconn.PgError{Code: code}) }
	for name, tt := range map[string]struct {
		err  error
		away bool
		todo string
	}{
		"none":           {nil, false, ""},
		"refused":        {away.Ping(t.Context()), true, "runs"},
		"cut":            {fmt.Errorf("x: %w", io.ErrUnexpectedEOF), true, "runs"},
		"too slow":       {context.DeadlineExceeded, true, "runs"},
		"starting up":    {pgErr("57P03"), true, "runs"},
		"too many":       {pgErr("53300"), true, "runs"},
		"no database":    {unknown.Ping(t.Context()), false, "create the database"},
		"wrong password": {pgErr("28P01"), false, "password"},
		"not allowed":    {pgErr("42501"), false, "own the database"},
		"old schema":     {pgErr("42P01"), false, "migrate up"},
		"our own":        {errors.New("x"), false, ""},
		"stopped":        {context.Canceled, false, ""},
	} {
		if got := Unavailable(tt.err); got != tt.away {
			t.Errorf("%s: unavailable %v: %v", name, got, tt.err)
		}
		if got := Explain(tt.err); !strings.Contains(got, tt.todo) || tt.todo == "" && got != "" {
			t.Errorf("%s: %q", name, got)
		}
	}
}
