// Package postgrestest gives each test a migrated PostgreSQL database of its own.
//
// A package that uses it has one line more:
//
//	func TestMain(m *testing.M) { postgrestest.Main(m) }
//
// The server behind it is, in this order: the one MOMENTCAST_TEST_DATABASE_URL
// names; a container, when a Docker engine answers; one that is started from the
// binaries installed here. Without any of them tests fail, they are not skipped:
// a green run that tested nothing would be worse.
package postgrestest

import (
	"context"
	"crypto/rand"
	"fmt"
	"net/url"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"momentcast/internal/localpg"
	"momentcast/migrations"
)

// patience bounds each statement here, so that a lost server fails a test
// instead of hanging it. Cloning takes tens of milliseconds, but the machine may
// be running other test binaries.
const patience = 60 * time.Second

// The one server of this test process. State in package variables, because the
// tests of a process have nothing else in common.
var (
	wrapped atomic.Bool // Main or Wrap is in charge of stopping the server
	shared  = sync.OnceValues(func() (server, error) {
		s, err := start(context.Background())
		running.Store(&s)
		return s, err
	})
	running atomic.Pointer[server]
)

// Main runs a package's tests, stops what they needed and exits.
func Main(m *testing.M) { os.Exit(Wrap(m).Run()) }

// Runner is what *testing.M is to a TestMain.
type Runner interface{ Run() int }

// Wrap is Main for a TestMain that has something to do afterwards, such as
// goleak.VerifyTestMain(postgrestest.Wrap(m)).
func Wrap(m Runner) Runner {
	wrapped.Store(true)
	return suite{m}
}

type suite struct{ tests Runner }

func (s suite) Run() int {
	code := s.tests.Run()
	if srv := running.Load(); srv != nil && srv.stop != nil {
		if err := srv.stop(); err != nil {
			fmt.Fprintln(os.Stderr, "postgrestest: stop server:", err)
			return max(code, 1)
		}
	}
	return code
}

// URL returns the address of a new, migrated, empty database. It is a clone of a
// template, made in some 30 ms, and dropped when the test ends.
func URL(t testing.TB) string {
	t.Helper()
	if !wrapped.Load() {
		t.Fatal("postgrestest: this package needs `func TestMain(m *testing.M) { postgrestest.Main(m) }`")
	}
	srv, err := shared()
	if err != nil {
		t.Fatalf("no PostgreSQL for tests: %v", err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	template, err := srv.template(ctx)
	if err != nil {
		t.Fatalf("make template database: %v", err)
	}
	name := "test_" + strings.ToLower(rand.Text()[:16])
	if err := execute(ctx, srv.url, fmt.Sprintf("CREATE DATABASE %q TEMPLATE %q", name, template)); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience) // t.Context is done by now
		defer cancel()
		if err := execute(ctx, srv.url, fmt.Sprintf("DROP DATABASE %q WITH (FORCE)", name)); err != nil {
			t.Error(err)
		}
	})
	address, err := withDatabase(srv.url, name)
	if err != nil {
		t.Fatal(err)
	}
	return address
}

// Private starts a server for this test alone, which it may stop, kill and
// restart, and returns it with the address (TCP, loopback) of a migrated
// database. What it commits survives Restart, immediate or not, and SIGKILL.
func Private(t testing.TB) (*localpg.Server, string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*patience)
	defer cancel()
	// Pages are written whole although nothing is synced: a process killed in the
	// middle of a write can leave half a page behind.
	srv, dir, err := startLocal(ctx, localpg.Config{TCP: true, Settings: map[string]string{"full_page_writes": "on"}})
	if err != nil {
		t.Fatalf("no PostgreSQL for a fault test: %v", err)
	}
	t.Cleanup(func() {
		if err := stopLocal(srv, dir); err != nil {
			t.Error(err)
		}
	})
	if _, err := migrations.Up(ctx, srv.URL()); err != nil {
		t.Fatal(err)
	}
	return srv, srv.URL()
}

// execute runs one statement on a connection of its own.
func execute(ctx context.Context, url, sql string) error {
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close(ctx) }()
	if _, err := conn.Exec(ctx, sql); err != nil {
		return fmt.Errorf("%s: %w", sql, err)
	}
	return nil
}

// withDatabase is the same server, another database.
func withDatabase(server, name string) (string, error) {
	u, err := url.Parse(server)
	if err != nil {
		return "", err
	}
	if u.Scheme != "postgres" && u.Scheme != "postgresql" {
		return "", fmt.Errorf("the test database's address must begin with postgres://, not %q", u.Scheme)
	}
	u.Path = "/" + name
	return u.String(), nil
}
