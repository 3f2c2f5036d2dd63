//go:build unix

package localpg

import (
	"net"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// one reads a single text of a server.
func one(t *testing.T, s *Server, sql string) (value string) {
	t.Helper()
	if err := connect(t, s).QueryRow(t.Context(), sql).Scan(&value); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	return value
}

// until asks a server again and again, because replication has no end to wait on.
func until(t *testing.T, s *Server, sql, want string) {
	t.Helper()
	conn := connect(t, s)
	var got string
	for end := time.Now().Add(time.Minute); time.Now().Before(end); {
		if err := conn.QueryRow(t.Context(), sql).Scan(&got); err == nil && got == want {
			return
		}
		time.Sleep(10 * time.Millisecond) //nolint:forbidigo // another process's doing: nothing to wait on
	}
	t.Fatalf("%s: got %q, want %q", sql, got, want)
}

func standbyOf(t *testing.T, s *Server, cfg Config, how Replication) *Server {
	t.Helper()
	cfg.Fast = true
	if cfg.DataDir == "" {
		cfg.DataDir = newDir(t)
	}
	standby, err := s.Standby(t.Context(), cfg, how)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { stop(t, standby) })
	return standby
}

const timeline = "SELECT timeline_id::text FROM pg_control_checkpoint()"

// The whole of a failover: what the standby confirmed is there, it has a timeline
// of its own, takes writes, and can be followed in its turn.
func TestStandbyPromotedAfterThePrimaryWasKilled(t *testing.T) {
	t.Parallel()
	for _, tcp := range []bool{false, true} {
		primary := startIn(t, Config{DataDir: newDir(t), TCP: tcp, Settings: map[string]string{"max_connections": "40"}})
		execute(t, primary, "CREATE TABLE before AS SELECT 1")
		standby := standbyOf(t, primary, Config{TCP: tcp}, Replication{Name: "second", Slot: "second"})
		if got := one(t, standby, "SHOW max_connections"); got != "40" {
			t.Errorf("standby has max_connections %s", got)
		}
		if err := primary.Set(t.Context(), "synchronous_standby_names", "second"); err != nil {
			t.Fatal(err)
		}
		until(t, primary, "SELECT sync_state FROM pg_stat_replication WHERE application_name = 'second'", "sync")
		until(t, primary, "SELECT active::text FROM pg_replication_slots WHERE slot_name = 'second'", "true")
		execute(t, primary, "CREATE TABLE confirmed AS SELECT 1")
		if _, err := connect(t, standby).Exec(t.Context(), "CREATE TABLE here ()"); err == nil {
			t.Error("a standby takes writes")
		}
		if err := primary.Kill(); err != nil {
			t.Fatal(err)
		}
		if err := standby.Promote(t.Context()); err != nil {
			t.Fatal(err)
		}
		execute(t, standby, "CREATE TABLE after AS SELECT FROM before, confirmed")
		until(t, standby, timeline, "2")
		if err := standby.Restart(t.Context(), true); err != nil {
			t.Fatal(err)
		}
		execute(t, standby, "SELECT FROM after")
		third := standbyOf(t, standby, Config{TCP: tcp}, Replication{})
		execute(t, standby, "CREATE TABLE again AS SELECT 1")
		until(t, third, "SELECT coalesce(to_regclass('again')::text, '')", "again")
	}
}

// Without its stream the standby falls behind; promoted, it knows nothing of
// what came after, and the old primary does not know of it.
func TestAsynchronousStandbyLosesWhatItWasNotSent(t *testing.T) {
	t.Parallel()
	primary := startIn(t, Config{DataDir: newDir(t), TCP: true})
	execute(t, primary, "CREATE TABLE sent AS SELECT 1")
	nowhere := closedPort(t)
	standby := standbyOf(t, primary, Config{TCP: true}, Replication{Via: nowhere})
	execute(t, primary, "CREATE TABLE lost AS SELECT 1")
	if err := standby.Promote(t.Context()); err != nil {
		t.Fatal(err)
	}
	execute(t, standby, "SELECT FROM sent")
	if got := one(t, standby, "SELECT coalesce(to_regclass('lost')::text, 'is lost')"); got != "is lost" {
		t.Errorf("the standby has %s", got)
	}
	execute(t, primary, "SELECT FROM lost") // both take writes: nobody fenced the old one
	if a, b := one(t, primary, "SELECT system_identifier::text FROM pg_control_system()"), one(t, standby, "SELECT system_identifier::text FROM pg_control_system()"); a != b {
		t.Errorf("identifiers %s and %s", a, b)
	}
}

func closedPort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_ = l.Close()
	return l.Addr().String()
}

func TestBackupRunsAsItWas(t *testing.T) {
	t.Parallel()
	s := startIn(t, Config{DataDir: newDir(t)})
	execute(t, s, "CREATE TABLE kept AS SELECT 1")
	if err := s.Set(t.Context(), "synchronous_standby_names", "nobody"); err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(newDir(t), "made", "on", "demand")
	if err := s.Backup(t.Context(), dir); err != nil {
		t.Fatal(err)
	}
	stop(t, s)
	copied := startIn(t, Config{DataDir: dir})
	execute(t, copied, "CREATE TABLE written AS SELECT FROM kept")
	if got := one(t, copied, timeline); got != "1" {
		t.Errorf("timeline %s", got)
	}
	if err := copied.Backup(t.Context(), dir); err == nil || !strings.Contains(err.Error(), "in use") {
		t.Errorf("a backup over a running server: %v", err)
	}
	stop(t, copied)
	if err := startIn(t, Config{DataDir: newDir(t)}).Backup(t.Context(), dir); err == nil || !strings.Contains(err.Error(), "holds a cluster") {
		t.Errorf("a backup over another cluster: %v", err)
	}
	execute(t, startIn(t, Config{DataDir: dir}), "SELECT FROM written")
}
