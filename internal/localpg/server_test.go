//go:build unix

package localpg

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

func newDir(t *testing.T) string {
	t.Helper()
	dir, err := MkdirTemp("localpg-test-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}

func startIn(t *testing.T, cfg Config) *Server {
	t.Helper()
	cfg.Fast = true
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	s, err := Start(ctx, cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { stop(t, s) })
	return s
}

func stop(t *testing.T, s *Server) {
	t.Helper()
	if err := s.Stop(context.Background()); err != nil {
		t.Error(err)
	}
}

func connect(t *testing.T, s *Server) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), s.URL())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close(context.Background()) })
	return conn
}

func execute(t *testing.T, s *Server, sql string) {
	t.Helper()
	if _, err := connect(t, s).Exec(t.Context(), sql); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
}

func TestDataStaysOverStopAndStart(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(newDir(t), "made", "on", "demand")
	first := startIn(t, Config{DataDir: dir, Settings: map[string]string{"work_mem": "7MB"}})
	execute(t, first, "CREATE TABLE kept AS SELECT current_setting('work_mem') AS mem")
	stop(t, first)
	if err := first.Err(); err != nil {
		t.Errorf("clean shutdown ended with %v", err)
	}
	if pids := holders(filepath.Join(dir, "pg")); len(pids) != 0 {
		t.Errorf("still running: %v", pids)
	}
	second := startIn(t, Config{DataDir: dir})
	var mem string
	if err := connect(t, second).QueryRow(t.Context(), "SELECT mem FROM kept").Scan(&mem); err != nil || mem != "7MB" {
		t.Errorf("got %q, %v", mem, err)
	}
}

func TestStartAfterServerWasKilled(t *testing.T) {
	t.Parallel()
	dir := newDir(t)
	s := startIn(t, Config{DataDir: dir})
	execute(t, s, "CREATE TABLE kept ()")
	busy := connect(t, s)
	asleep := make(chan error, 1)
	go func() { _, err := busy.Exec(t.Context(), "SELECT pg_sleep(600)"); asleep <- err }()
	if err := syscall.Kill(s.PID(), syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	<-s.Done()
	if s.Err() == nil {
		t.Error("a killed server counts as a clean end")
	}
	stop(t, s)
	execute(t, startIn(t, Config{DataDir: dir}), "SELECT FROM kept")
	if err := <-asleep; err == nil {
		t.Error("a backend outlived its server")
	}
}

func TestRestartKeepsAddress(t *testing.T) {
	t.Parallel()
	for _, tcp := range []bool{false, true} {
		s := startIn(t, Config{DataDir: newDir(t), TCP: tcp})
		if got := strings.Contains(s.URL(), "@127.0.0.1:"); got != tcp {
			t.Errorf("TCP %v: address is %s", tcp, s.URL())
		}
		execute(t, s, "CREATE TABLE kept ()")
		for _, immediate := range []bool{false, true} {
			before, url := s.PID(), s.URL()
			if err := s.Restart(t.Context(), immediate); err != nil {
				t.Fatal(err)
			}
			if s.PID() == before || s.URL() != url {
				t.Errorf("process %d at %s became %d at %s", before, url, s.PID(), s.URL())
			}
			execute(t, s, "SELECT FROM kept")
		}
	}
}

func TestStopOfAServerThatHangs(t *testing.T) {
	t.Parallel()
	dir := newDir(t)
	s := startIn(t, Config{DataDir: dir})
	conn := connect(t, s)
	if err := syscall.Kill(s.PID(), syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	hurry, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.Stop(hurry); err != nil {
		t.Fatal(err)
	}
	if err := conn.Ping(t.Context()); err == nil {
		t.Error("a backend still answers")
	}
	if err := s.Restart(t.Context(), false); err == nil {
		t.Error("restarts without owning the directory")
	}
	execute(t, startIn(t, Config{DataDir: dir}), "SELECT 1") // which also removes the killed one's shared memory
}

func TestErrorHasTheServersOwnWords(t *testing.T) {
	t.Parallel()
	_, err := Start(t.Context(), Config{DataDir: newDir(t), Fast: true, Settings: map[string]string{"no_such_setting": "1"}})
	if err == nil || !strings.Contains(err.Error(), "no_such_setting") {
		t.Errorf("got %v", err)
	}
}

func TestSocketOfALongPath(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(newDir(t), strings.Repeat("long", 30))
	s := startIn(t, Config{DataDir: dir})
	execute(t, s, "SELECT 1")
	socket := s.cluster.socket
	stop(t, s)
	if _, err := os.Stat(socket); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("%s is left behind: %v", socket, err)
	}
}

func TestCancelledStartLeavesNothing(t *testing.T) {
	t.Parallel()
	dir := newDir(t)
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond) // in the middle of initdb
	defer cancel()
	if _, err := Start(ctx, Config{DataDir: dir, Fast: true}); err == nil {
		t.Fatal("started in 100 ms")
	}
	execute(t, startIn(t, Config{DataDir: dir}), "SELECT 1")
	if left, _ := filepath.Glob(filepath.Join(dir, "init-*")); len(left) != 0 {
		t.Errorf("left behind: %v", left)
	}
}
