package crash

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/rs/zerolog"

	"momentcast/internal/gateway/sim"
	"momentcast/internal/moment"
	"momentcast/internal/postgres"
	"momentcast/internal/postgres/postgrestest"
)

var (
	rounds   = flag.Int("rounds", 24, "rounds of the crash matrix")
	parallel = flag.Int("at-once", 8, "rounds that run at the same time")
	seed     = flag.Int64("seed", 0, "seed of the matrix; 0 = from the clock, and printed")
)

func TestMain(m *testing.M) {
	flag.Parse()
	// Rounds mostly wait: more of them than processors may run at once.
	if err := flag.Set("test.parallel", fmt.Sprint(*parallel+4)); err != nil {
		panic(err)
	}
	os.Exit(postgrestest.Wrap(cleaner{m}).Run())
}

// cleaner removes what was built when all tests are done.
type cleaner struct{ m *testing.M }

func (c cleaner) Run() int {
	code := c.m.Run()
	builds.mu.Lock()
	defer builds.mu.Unlock()
	if builds.dir != "" {
		_ = os.RemoveAll(builds.dir)
	}
	return code
}

const (
	token       = "crash-test-token"
	callTimeout = time.Second
	lease       = 2 * time.Second
)

// stage is a gateway that keeps the truth, a database, and programs between
// them.
type stage struct {
	testing.TB
	sim  *sim.Sim
	gw   string
	url  string // of the database
	db   *postgres.DB
	pool *pgxpool.Pool
	dir  string
	wc   []string
}

func newStage(t testing.TB, url string, accounts int, latency time.Duration, seed uint64) *stage {
	t.Helper()
	s := &stage{TB: t, url: url, dir: t.TempDir()}
	cfg := sim.Config{Token: token, Latency: latency, SlowBy: lateBy, Seed: seed, Log: zerolog.Nop()}
	for i := range accounts {
		wc := fmt.Sprintf("wxid_%d", i)
		s.wc = append(s.wc, wc)
		cfg.Accounts = append(cfg.Accounts, sim.Account{WcID: wc, Name: wc, OnlineFor: 100 * time.Hour})
	}
	var err error
	if s.sim, err = sim.New(cfg); err != nil {
		t.Fatal(err)
	}
	srv := httptest.NewServer(s.sim.Handler())
	t.Cleanup(func() { srv.CloseClientConnections(); srv.Close(); _ = s.sim.Close() })
	s.gw = srv.URL
	if s.db, err = postgres.Open(url, postgres.Options{EngineConns: 2, Conns: 2}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.db.Close)
	if s.pool, err = pgxpool.New(t.Context(), url); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.pool.Close)
	s.exec(`UPDATE settings SET min_gap = '0', daily_cap = 0, quiet_hours = '', online_age = '0'`)
	s.exec(`INSERT INTO instances (wc_id) SELECT unnest($1::text[])`, s.wc)
	return s
}

// turnTo makes another database the one that is looked at and that the programs
// started from now on use.
func (s *stage) turnTo(url string) {
	s.Helper()
	s.url = url
	var err error
	if s.db, err = postgres.Open(url, postgres.Options{EngineConns: 2, Conns: 2}); err != nil {
		s.Fatal(err)
	}
	s.Cleanup(s.db.Close)
	if s.pool, err = pgxpool.New(s.Context(), url); err != nil {
		s.Fatal(err)
	}
	s.Cleanup(s.pool.Close)
}

func (s *stage) exec(q string, args ...any) {
	s.Helper()
	if _, err := s.pool.Exec(s.Context(), q, args...); err != nil {
		s.Fatalf("%s: %v", q, err)
	}
}

func query[T any](s *stage, q string, args ...any) []T {
	s.Helper()
	rows, err := s.pool.Query(s.Context(), q, args...)
	if err != nil {
		s.Fatalf("%s: %v", q, err)
	}
	out, err := pgx.CollectRows(rows, pgx.RowToStructByPos[T])
	if err != nil {
		s.Fatalf("%s: %v", q, err)
	}
	return out
}

// enqueue stores n posts spread over the accounts, due over the given span.
// Each has a link of its own, by which the referee tells it.
func (s *stage) enqueue(n int, from, to time.Duration) {
	s.Helper()
	ids := query[struct {
		ID int64
		WC string
	}](s, `SELECT id, wc_id FROM instances ORDER BY id`)
	base := time.Now()
	var posts []*moment.Post
	for i := range n {
		due := base.Add(from + (to-from)*time.Duration(i)/time.Duration(n))
		link := fmt.Sprintf("https://example.com/%s/%d?due=%d", s.Name(), i, due.UnixNano())
		posts = append(posts, &moment.Post{
			InstanceID: ids[i%len(ids)].ID, State: moment.Scheduled, DueAt: due, Author: "test", Source: "api",
			Card:       moment.Card{Content: fmt.Sprint("text ", i), Title: fmt.Sprint("title ", i), URL: link, ThumbURL: "https://example.com/t.jpg"},
			Visibility: moment.Visibility{Mode: moment.Everyone},
		})
	}
	if _, _, err := s.db.AddPosts(s.Context(), posts, moment.RequestKey{}); err != nil {
		s.Fatal(err)
	}
}

// program is one running replica.
type program struct {
	*exec.Cmd
	name string
	log  string
	dead chan struct{} // closed when it has ended
}

// start runs a replica; point arms a failpoint ("name:count:signal") in it.
func (s *stage) start(name, point string, env ...string) *program {
	s.Helper()
	return s.startProgram(binary(s), name, point, env...)
}

func (s *stage) startProgram(path, name, point string, env ...string) *program {
	s.Helper()
	p, err := launch(s.dir, name, append(s.replicaEnv(name), append(env, "MOMENTCAST_FAILPOINT="+point)...), path, "serve")
	if err != nil {
		s.Fatal(err)
	}
	s.Cleanup(func() { p.kill(); <-p.dead; s.sawNoPanic(p) })
	return p
}

// replicaEnv is what every replica on the stage is told.
func (s *stage) replicaEnv(name string) []string {
	return []string{
		"MOMENTCAST_ADDR=127.0.0.1:0", "MOMENTCAST_DATABASE_URL=" + s.url, "MOMENTCAST_GATEWAY_URL=" + s.gw, "MOMENTCAST_GATEWAY_TOKEN=" + token,
		"MOMENTCAST_GATEWAY_TIMEOUT=" + callTimeout.String(), "MOMENTCAST_LEASE=" + lease.String(), "MOMENTCAST_LOOK_EVERY=1s",
		"MOMENTCAST_CONCURRENCY=16", "MOMENTCAST_REPLICA=" + name, "MOMENTCAST_LOG_FORMAT=json",
	}
}

// launch starts a program whose log is appended to dir/name.log.
func launch(dir, name string, env []string, path string, args ...string) (*program, error) {
	p := &program{Cmd: exec.Command(path, args...), name: name, log: filepath.Join(dir, name+".log"), dead: make(chan struct{})}
	log, err := os.OpenFile(p.log, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return nil, err
	}
	p.Stdout, p.Stderr = log, log
	p.Env = append(os.Environ(), env...)
	// A test that is killed takes its programs along.
	p.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := p.Start(); err != nil {
		return nil, errors.Join(err, log.Close())
	}
	go func() { _ = p.Wait(); _ = log.Close(); close(p.dead) }()
	return p, nil
}

func (p *program) kill() { _ = p.Process.Signal(syscall.SIGKILL) }

// diedWithin waits for the program's end.
func (p *program) diedWithin(d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-p.dead:
		return true
	case <-t.C:
		return false
	}
}

// frozen reports whether the kernel has stopped the program.
func (p *program) frozen() bool {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", p.Process.Pid))
	_, rest, ok := strings.Cut(string(b), ") ")
	return err == nil && ok && strings.HasPrefix(rest, "T")
}

// sawNoPanic shows the program's log where the test has failed.
func (s *stage) sawNoPanic(p *program) {
	b, err := os.ReadFile(p.log)
	if err != nil {
		return
	}
	if bytes.Contains(b, []byte("panic")) {
		s.Errorf("%s panicked", p.name)
	}
	if s.Failed() {
		s.Logf("log of %s:\n%s", p.name, tail(b, 1500))
	}
}

func tail(b []byte, n int) []byte {
	if len(b) > n {
		return b[len(b)-n:]
	}
	return b
}

// eventually polls until ok, or fails the test after limit.
func (s *stage) eventually(what string, limit time.Duration, ok func() bool) bool {
	s.Helper()
	ctx, done := context.WithTimeout(s.Context(), limit)
	defer done()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		if ok() {
			return true
		}
		select {
		case <-ctx.Done():
			s.Errorf("not within %v: %s", limit, what)
			return false
		case <-tick.C:
		}
	}
}
