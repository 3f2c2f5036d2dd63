package bench

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"momentcast/internal/gateway/sim"
	"momentcast/internal/localpg"
)

const (
	token = "bench"

	startLimit = time.Minute // for a program to answer
)

// referee is how the simulator is asked for what it has seen.
var referee = &http.Client{Timeout: 30 * time.Second}

// stage is the database and the referee that all contestants share.
type stage struct {
	o       Options
	pg      *localpg.Server
	dir     string
	gateway string
	sim     *exec.Cmd
	serial  int // of the measurement: every one has a database of its own

	accounts  int // of the referee that runs
	latency   time.Duration
	templates map[string]prefilled // databases that were filled once
	lead      time.Duration        // from the drawing of posts to the first due time
}

func newStage(ctx context.Context, o Options) (_ *stage, err error) {
	s := &stage{o: o, templates: map[string]prefilled{}, lead: headway}
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
	if s.dir, err = os.MkdirTemp(o.Dir, "momentcast-bench"); err != nil {
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
	return s, s.open(ctx, o.Instances, o.Latency)
}

// open starts the referee with that many accounts, in place of the one before.
func (s *stage) open(ctx context.Context, accounts int, latency time.Duration) error {
	if s.sim != nil && s.accounts == accounts && s.latency == latency {
		return nil
	}
	stop(s.sim)
	s.sim = nil
	addr, err := freeAddr(ctx)
	if err != nil {
		return err
	}
	s.gateway, s.accounts, s.latency = "http://"+addr, accounts, latency
	s.sim, err = s.start(ctx, nil, "sim", "--addr="+addr, fmt.Sprint("--accounts=", accounts), "--lean", "--jitter=0s", "--latency="+latency.String(), "--log-level=error")
	if err != nil {
		return err
	}
	return s.awaitHTTP(ctx, s.gateway+"/control/stats?accounts=0")
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
	return s.startProgram(ctx, s.o.Program, env, args...)
}

func (s *stage) startProgram(ctx context.Context, program string, env []string, args ...string) (*exec.Cmd, error) {
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Env = append(append(os.Environ(), "MOMENTCAST_GATEWAY_TOKEN="+token), env...)
	name := args[0]
	if program != s.o.Program {
		name = filepath.Base(program)
	}
	log, err := os.OpenFile(s.path(name+".log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	defer log.Close()
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("start %s: %w", name, err)
	}
	return cmd, nil
}

func (s *stage) path(name string) string { return filepath.Join(s.dir, name) }

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
	return await(ctx, url, func() error {
		resp, err := get(ctx, url)
		if err != nil {
			return err
		}
		return resp.Body.Close()
	})
}

// await asks until there is no error any more.
func await(ctx context.Context, what string, ask func() error) error {
	ctx, done := context.WithTimeout(ctx, startLimit)
	defer done()
	for {
		err := ask()
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%s does not answer: %w", what, err)
		case <-time.After(20 * time.Millisecond):
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

// figures asks the referee about n posts.
func (s *stage) figures(ctx context.Context, n int) (f Figures, err error) {
	st, err := s.stats(ctx)
	if err != nil {
		return f, err
	}
	return Figures{Posts: n, Accepted: st.Accepted, Doubles: st.Doubles, Early: st.Lateness.Early,
		P50: st.Lateness.P50, P99: st.Lateness.P99, Max: st.Lateness.Max, MaxOverlap: st.MaxOverlap, PerSecond: st.PerSecond}, nil
}

// queue is the paced one of the options, soon from now.
func (s *stage) queue(seed int64) []post {
	return poisson(s.o.Rate, time.Now().Add(s.lead), s.o.For, s.o.Instances, seed)
}

// reset lets the referee forget what it has seen.
func (s *stage) reset(ctx context.Context) error { return s.post(ctx, "/control/reset", nil) }

// post asks the simulator; reply may be nil.
func (s *stage) post(ctx context.Context, path string, reply any) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, s.gateway+path, strings.NewReader("{}"))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Authorization", token)
	resp, err := referee.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode/100 != 2 {
		return fmt.Errorf("%s: %s", path, resp.Status)
	}
	if reply == nil {
		_, err = io.Copy(io.Discard, resp.Body)
		return err
	}
	return json.NewDecoder(resp.Body).Decode(reply)
}

func (s *stage) stats(ctx context.Context) (st sim.Stats, err error) {
	return s.ask(ctx, "accounts=0")
}

// accepted is how many posts have arrived so far, which costs the referee
// nothing to say.
func (s *stage) accepted(ctx context.Context) (int, error) {
	st, err := s.ask(ctx, "brief=true")
	return int(st.Outcomes["ok"]), err
}

func (s *stage) ask(ctx context.Context, query string) (st sim.Stats, err error) {
	resp, err := get(ctx, s.gateway+"/control/stats?"+query)
	if err != nil {
		return st, err
	}
	defer resp.Body.Close()
	return st, json.NewDecoder(resp.Body).Decode(&st)
}

// awaitAccepted waits until the referee has seen n posts.
func (s *stage) awaitAccepted(ctx context.Context, n int) error {
	for {
		got, err := s.accepted(ctx)
		if err != nil {
			return err
		}
		if got >= n {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("only %d of %d posts arrived in time", got, n)
		case <-time.After(200 * time.Millisecond):
		}
	}
}
