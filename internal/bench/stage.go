package bench

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"

	"momentcast/internal/gateway/sim"
	"momentcast/internal/localpg"
)

const (
	token   = "bench"
	headway = 5 * time.Second // between start and the first due time
)

// referee is how the simulator is asked for what it has seen.
var referee = &http.Client{Timeout: 30 * time.Second}

// post is one entry of the queue: what the referee recognises it by.
type post struct {
	account int // index
	due     time.Time
	url     string
}

// stage is the database and the referee that all contestants share.
type stage struct {
	o       Options
	pg      *localpg.Server
	dir     string
	gateway string
	sim     *exec.Cmd
	serial  int // of the measurement: every one has a database of its own
}

func newStage(ctx context.Context, o Options) (_ *stage, err error) {
	s := &stage{o: o}
	defer func() {
		if err != nil {
			s.close()
		}
	}()
	if s.o.Program == "" {
		if s.o.Program, err = self(); err != nil {
			return nil, err
		}
	}
	if s.dir, err = os.MkdirTemp("", "momentcast-bench"); err != nil {
		return nil, err
	}
	if err := os.Chmod(s.dir, 0o755); err != nil { //nolint:gosec // PostgreSQL runs as another user and has to enter it
		return nil, err
	}
	logs, err := os.Create(filepath.Join(s.dir, "postgres.log"))
	if err != nil {
		return nil, err
	}
	if s.pg, err = localpg.Start(ctx, localpg.Config{DataDir: filepath.Join(s.dir, "data"), Log: logs}); err != nil {
		return nil, fmt.Errorf("PostgreSQL: %w", err)
	}
	addr, err := freeAddr(ctx)
	if err != nil {
		return nil, err
	}
	s.gateway = "http://" + addr
	s.sim, err = s.start(ctx, nil, "sim", "--addr="+addr, fmt.Sprint("--accounts=", o.Instances), "--lean", "--jitter=0s", "--latency="+o.Latency.String(), "--log-level=error")
	if err != nil {
		return nil, err
	}
	return s, s.awaitHTTP(ctx, s.gateway+"/control/stats?accounts=0")
}

func (s *stage) close() {
	stop(s.sim)
	if s.pg != nil {
		ctx, done := context.WithTimeout(context.Background(), 20*time.Second)
		defer done()
		_ = s.pg.Stop(ctx) // its data goes in the next line
	}
	if s.dir != "" {
		_ = os.RemoveAll(s.dir)
	}
}

// start runs another copy of the program.
func (s *stage) start(ctx context.Context, env []string, args ...string) (*exec.Cmd, error) {
	cmd := exec.CommandContext(ctx, s.o.Program, args...)
	cmd.Env = append(append(os.Environ(), "MOMENTCAST_GATEWAY_TOKEN="+token), env...)
	log, err := os.OpenFile(filepath.Join(s.dir, args[0]+".log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	defer log.Close()
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("start %s: %w", args[0], err)
	}
	return cmd, nil
}

func stop(cmd *exec.Cmd) {
	if cmd == nil {
		return
	}
	_ = cmd.Process.Signal(syscall.SIGTERM)
	t := time.AfterFunc(15*time.Second, func() { _ = cmd.Process.Kill() })
	defer t.Stop()
	_ = cmd.Wait() // how it ends is of no interest: what it did has been counted
}

func freeAddr(ctx context.Context) (string, error) {
	ln, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return ln.Addr().String(), ln.Close()
}

func (s *stage) awaitHTTP(ctx context.Context, url string) error {
	ctx, done := context.WithTimeout(ctx, 20*time.Second)
	defer done()
	for {
		resp, err := get(ctx, url)
		if err == nil {
			return resp.Body.Close()
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%s does not answer: %w", url, err)
		case <-time.After(50 * time.Millisecond):
		}
	}
}

func get(ctx context.Context, url string) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, err
	}
	resp, err := referee.Do(req)
	if err != nil {
		return nil, err
	}
	if resp.StatusCode != http.StatusOK {
		return nil, errors.Join(fmt.Errorf("%s: %s", url, resp.Status), resp.Body.Close())
	}
	return resp, nil
}

// measure lets the contestant work one queue and asks the referee.
func (s *stage) measure(ctx context.Context, c contestant, seed int64) (f Figures, err error) {
	if err := s.control(ctx, "/control/reset"); err != nil {
		return f, err
	}
	posts := s.queue(seed)
	ctx, done := context.WithTimeout(ctx, s.o.For+headway+time.Minute)
	defer done()
	if err := c.run(ctx, s, posts); err != nil {
		return f, err
	}
	return s.figures(ctx, len(posts))
}

// figures asks the referee about n posts.
func (s *stage) figures(ctx context.Context, n int) (f Figures, err error) {
	st, err := s.stats(ctx)
	if err != nil {
		return f, err
	}
	return Figures{Posts: n, Accepted: st.Accepted, Doubles: st.Doubles, Early: st.Lateness.Early,
		P50: st.Lateness.P50, P99: st.Lateness.P99, Max: st.Lateness.Max, MaxOverlap: st.MaxOverlap}, nil
}

// queue draws arrivals that are independent of each other, as people's are.
func (s *stage) queue(seed int64) []post {
	rng := rand.New(rand.NewSource(seed)) // the same queue for every contestant
	at := time.Now().Add(headway)
	end := at.Add(s.o.For)
	var posts []post
	for i := 0; ; i++ {
		at = at.Add(time.Duration(rng.ExpFloat64() / s.o.Rate * float64(time.Second)))
		if at.After(end) {
			return posts
		}
		posts = append(posts, post{account: i % s.o.Instances, due: at, url: fmt.Sprintf("https://example.com/%d?due=%d", i, at.UnixNano())})
	}
}

func (s *stage) control(ctx context.Context, path string) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, s.gateway+path, http.NoBody)
	if err != nil {
		return err
	}
	resp, err := referee.Do(req)
	if err != nil {
		return err
	}
	if resp.StatusCode/100 != 2 {
		return errors.Join(fmt.Errorf("%s: %s", path, resp.Status), resp.Body.Close())
	}
	return resp.Body.Close()
}

func (s *stage) stats(ctx context.Context) (st sim.Stats, err error) {
	resp, err := get(ctx, s.gateway+"/control/stats?accounts=0")
	if err != nil {
		return st, err
	}
	defer resp.Body.Close()
	return st, json.NewDecoder(resp.Body).Decode(&st)
}

// database makes a new one and returns its address.
func (s *stage) database(ctx context.Context) (string, error) {
	s.serial++
	name := fmt.Sprint("bench_", s.serial)
	conn, err := pgx.Connect(ctx, s.pg.URL())
	if err != nil {
		return "", err
	}
	defer func() { _ = conn.Close(ctx) }() // nothing is pending on it
	if _, err := conn.Exec(ctx, "CREATE DATABASE "+name); err != nil {
		return "", err
	}
	cfg, err := pgx.ParseConfig(s.pg.URL())
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("host=%s port=%d user=%s dbname=%s sslmode=disable", cfg.Host, cfg.Port, cfg.User, name), nil
}

// awaitAccepted waits until the referee has seen n posts.
func (s *stage) awaitAccepted(ctx context.Context, n int) error {
	for {
		st, err := s.stats(ctx)
		if err != nil {
			return err
		}
		if st.Accepted >= n {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("only %d of %d posts arrived in time", st.Accepted, n)
		case <-time.After(500 * time.Millisecond):
		}
	}
}
