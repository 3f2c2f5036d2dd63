package crash

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"momentcast/internal/crash/promise"
	"momentcast/internal/gateway/sim"
	"momentcast/internal/localpg"
	"momentcast/migrations"
)

const (
	chaosAccounts = 120
	chaosGap      = time.Second // between two posts of an account
	chaosToken    = "chaos-test-token-of-16"
)

// world is a database, a gateway and three replicas, each a process of its own,
// with proxies between all of them, and the means to harm every part.
type world struct {
	testing.TB
	build  variant       // of the replicas
	pauses time.Duration // about the time between two
	seed   int64
	dir    string // logs
	base   string // of the databases; a file system of its own where full is not nil
	full   func(bool) error

	began   time.Time
	strikes *strikes
	ticks   []promise.Campaign // before the campaigns were stopped
	log     *timeline
	book    *book
	victims []*replica
	referee *program
	gateway string // of the referee, past all proxies

	pgMu   sync.Mutex
	pg     *localpg.Server // that takes writes
	direct *proxy          // to it, and never in trouble
	pool   *pgxpool.Pool   // through direct
	gen    int             // of the database's directory
}

func newWorld(t testing.TB, seed int64, build variant, diskFull bool) *world {
	t.Helper()
	w := &world{TB: t, seed: seed, build: build, pauses: 8 * time.Second, dir: t.TempDir(), began: time.Now(), book: newBook()}
	w.log = newTimeline(t, filepath.Join(w.dir, "timeline.log"))
	w.startDatabase(diskFull)
	w.startReferee(builtAs(t, asReleased))
	w.exec(`UPDATE settings SET min_gap = $1, daily_cap = 0, quiet_hours = '', online_age = '0'`, chaosGap)
	w.exec(`INSERT INTO instances (wc_id, time_zone) SELECT 'wxid_sim' || lpad(n::text, 7, '0'), 'UTC' FROM generate_series(1, $1) n`, chaosAccounts)
	path := builtAs(t, build)
	for i, name := range []string{"one", "two", "three"} {
		w.startReplica(path, name, seed+int64(i))
	}
	return w
}

func (w *world) startDatabase(diskFull bool) {
	w.Helper()
	var err error
	if w.base, err = localpg.MkdirTemp("momentcast-chaos-"); err != nil {
		w.Fatal(err)
	}
	w.Cleanup(func() { _ = os.RemoveAll(w.base) })
	if diskFull {
		w.full = ownFileSystem(w.TB, w.base)
	}
	ctx, done := context.WithTimeout(w.Context(), 2*time.Minute)
	defer done()
	w.pg, err = localpg.Start(ctx, localpg.Config{DataDir: filepath.Join(w.base, "0"), Fast: true, TCP: true, Settings: map[string]string{
		"full_page_writes": "on", "wal_recycle": "off", "max_wal_size": "128MB", "min_wal_size": "32MB", "max_connections": "100",
	}})
	if err != nil {
		w.Fatalf("no PostgreSQL: %v", err)
	}
	w.Cleanup(func() {
		ctx, done := context.WithTimeout(context.Background(), 20*time.Second)
		defer done()
		if err := w.database().Stop(ctx); err != nil {
			w.Error(err)
		}
	})
	if _, err := migrations.Up(ctx, w.pg.URL()); err != nil {
		w.Fatal(err)
	}
	var through string
	w.direct, through = newProxy(w, w.pg.URL(), w.seed)
	if w.pool, err = pgxpool.New(ctx, through); err != nil {
		w.Fatal(err)
	}
	w.Cleanup(w.pool.Close)
}

func (w *world) database() *localpg.Server {
	w.pgMu.Lock()
	defer w.pgMu.Unlock()
	return w.pg
}

// ownFileSystem puts one of its own at dir and returns what fills it up and
// gives it room again; nil where we may not.
func ownFileSystem(t testing.TB, dir string) func(bool) error {
	t.Helper()
	const room = "size=6g"
	if err := exec.Command("mount", "-t", "tmpfs", "-o", room+",mode=0755", "tmpfs", dir).Run(); err != nil {
		t.Logf("disk full is left out: no file system can be mounted here (%v)", err)
		return nil
	}
	t.Cleanup(func() {
		if err := exec.Command("umount", "-l", dir).Run(); err != nil {
			t.Errorf("umount %s: %v", dir, err)
		}
	})
	return func(full bool) error {
		size := room
		if full {
			var st syscall.Statfs_t
			if err := syscall.Statfs(dir, &st); err != nil {
				return err
			}
			size = fmt.Sprintf("size=%d", int64(st.Blocks-st.Bfree+1)*st.Bsize)
		}
		out, err := exec.Command("mount", "-o", "remount,"+size, dir).CombinedOutput()
		if err != nil {
			return fmt.Errorf("remount %s: %w: %s", size, err, out)
		}
		return nil
	}
}

func (w *world) startReferee(path string) {
	w.Helper()
	addr := freeAddr(w.TB)
	w.gateway = "http://" + addr
	var err error
	w.referee, err = launch(w.dir, "referee", []string{"MOMENTCAST_GATEWAY_TOKEN=" + token, "MOMENTCAST_LOG_FORMAT=json"}, path, "sim",
		"--addr="+addr, fmt.Sprint("--accounts=", chaosAccounts), "--online-age=0", "--latency=100ms", "--jitter=200ms",
		"--slow-by="+lateBy.String(), fmt.Sprint("--seed=", w.seed), "--journal="+filepath.Join(w.dir, "arrivals.jsonl"))
	if err != nil {
		w.Fatal(err)
	}
	w.Cleanup(func() { w.referee.kill(); <-w.referee.dead })
	w.until("the referee answers", 2*time.Minute, func() bool { return w.control(w.Context(), "GET", "faults", nil, nil) == nil })
}

var refereeClient = &http.Client{Timeout: 30 * time.Second}

// control makes a control call of the referee.
func (w *world) control(ctx context.Context, method, path string, body, into any) error {
	var b bytes.Buffer
	if body != nil {
		if err := json.NewEncoder(&b).Encode(body); err != nil {
			return err
		}
	}
	req, err := http.NewRequestWithContext(ctx, method, w.gateway+"/control/"+path, &b)
	if err != nil {
		return err
	}
	resp, err := refereeClient.Do(req)
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode != http.StatusOK {
		text, _ := io.ReadAll(resp.Body)
		return fmt.Errorf("%s: %s: %s", path, resp.Status, text)
	}
	if into == nil {
		_, err = io.Copy(io.Discard, resp.Body)
		return err
	}
	return json.NewDecoder(resp.Body).Decode(into)
}

// truth is what the referee has accepted after the given sequence number.
func (w *world) truth(ctx context.Context, after uint64) (out []sim.Accepted, err error) {
	err = w.control(ctx, "GET", fmt.Sprint("truth?after=", after), nil, &out)
	return out, err
}

func (w *world) exec(q string, args ...any) {
	w.Helper()
	if _, err := w.pool.Exec(w.Context(), q, args...); err != nil {
		w.Fatalf("%s: %v", q, err)
	}
}

// ask reads rows; an error is one of the faults' doing.
func ask[T any](ctx context.Context, w *world, q string, args ...any) ([]T, error) {
	rows, err := w.pool.Query(ctx, q, args...)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[T])
}

// inFlight is how many posts are being sent; -1 = the database does not say.
func (w *world) inFlight() int {
	ctx, done := context.WithTimeout(w.Context(), 500*time.Millisecond)
	defer done()
	rows, err := ask[struct{ N int }](ctx, w, `SELECT count(*) FROM posts WHERE lease_until IS NOT NULL`)
	if err != nil {
		return -1
	}
	return rows[0].N
}

// until polls until ok, or ends the test.
func (w *world) until(what string, limit time.Duration, ok func() bool) {
	w.Helper()
	for deadline := time.Now().Add(limit); !ok(); rest(w.Context(), 50*time.Millisecond) {
		if time.Now().After(deadline) {
			w.Fatalf("not within %v: %s", limit, what)
		}
	}
}

// rest lets d pass, or less if ctx ends.
func rest(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-t.C:
	}
}

func freeAddr(t testing.TB) string {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = ln.Close() }()
	return ln.Addr().String()
}

func hostOf(dsn string) string {
	u, err := url.Parse(dsn)
	if err != nil {
		return ""
	}
	return u.Host
}

// timeline is the log of what was done to the world, and when.
type timeline struct {
	mu   sync.Mutex
	file *os.File
}

func newTimeline(t testing.TB, path string) *timeline {
	t.Helper()
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = f.Close() })
	return &timeline{file: f}
}

func (l *timeline) add(format string, args ...any) {
	l.mu.Lock()
	defer l.mu.Unlock()
	fmt.Fprintf(l.file, "%s %s\n", time.Now().Format("15:04:05.000000"), strings.TrimSpace(fmt.Sprintf(format, args...)))
}

var errNotNow = errors.New("not now")

// between is a random span.
func between(r *rand.Rand, from, to time.Duration) time.Duration {
	return from + time.Duration(r.Int63n(int64(to-from)+1))
}
