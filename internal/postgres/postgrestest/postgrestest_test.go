package postgrestest_test

import (
	"context"
	"errors"
	"fmt"
	"syscall"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"momentcast/internal/postgres/postgrestest"
)

func TestMain(m *testing.M) { postgrestest.Main(m) }

func connect(t *testing.T, url string) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close(context.Background()) })
	return conn
}

func count(t *testing.T, conn *pgx.Conn, table string) (n int) {
	t.Helper()
	if err := conn.QueryRow(t.Context(), "SELECT count(*) FROM "+table).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

func TestDatabaseIsMigratedAndOnesOwn(t *testing.T) {
	t.Parallel()
	for i := range 4 {
		t.Run(fmt.Sprint(i), func(t *testing.T) {
			t.Parallel()
			conn := connect(t, postgrestest.URL(t))
			if n := count(t, conn, "posts"); n != 0 {
				t.Errorf("%d posts in a new database", n)
			}
			if _, err := conn.Exec(t.Context(), "CREATE TABLE mine ()"); err != nil {
				t.Errorf("somebody else is in this database: %v", err)
			}
		})
	}
}

func TestDatabaseIsDroppedThoughInUse(t *testing.T) {
	t.Parallel()
	var url string
	t.Run("user", func(t *testing.T) {
		url = postgrestest.URL(t)
		conn, err := pgx.Connect(t.Context(), url)
		if err != nil {
			t.Fatal(err)
		}
		if err := conn.Ping(t.Context()); err != nil { // left open on purpose
			t.Fatal(err)
		}
	})
	_, err := pgx.Connect(t.Context(), url)
	var pgErr *pgconn.PgError
	if !errors.As(err, &pgErr) || pgErr.Code != "3D000" { // invalid_catalog_name
		t.Errorf("after its test the database answers %v", err)
	}
}

func TestPrivateServerKeepsWhatWasCommitted(t *testing.T) {
	t.Parallel()
	srv, url := postgrestest.Private(t)
	restarts := map[string]func() error{
		"fast":      func() error { return srv.Restart(t.Context(), false) },
		"immediate": func() error { return srv.Restart(t.Context(), true) },
		"killed": func() error {
			if err := syscall.Kill(srv.PID(), syscall.SIGKILL); err != nil {
				return err
			}
			return srv.Restart(t.Context(), true)
		},
	}
	if _, err := connect(t, url).Exec(t.Context(), "CREATE TABLE kept (how text)"); err != nil {
		t.Fatal(err)
	}
	rows := 0
	for how, restart := range restarts {
		if _, err := connect(t, url).Exec(t.Context(), "INSERT INTO kept VALUES ($1)", how); err != nil {
			t.Fatal(err)
		}
		rows++
		if err := restart(); err != nil {
			t.Fatalf("%s: %v", how, err)
		}
		if n := count(t, connect(t, url), "kept"); n != rows {
			t.Errorf("%s: %d rows of %d after restart", how, n, rows)
		}
	}
}

func BenchmarkURL(b *testing.B) {
	for b.Loop() {
		func() {
			t := &scope{TB: b}
			defer t.end()
			postgrestest.URL(t)
		}()
	}
}

// scope ends a test early, so that a benchmark's databases are dropped in turn.
type scope struct {
	testing.TB
	cleanups []func()
}

func (s *scope) Cleanup(f func()) { s.cleanups = append(s.cleanups, f) }

func (s *scope) end() {
	for _, f := range s.cleanups {
		f()
	}
}
