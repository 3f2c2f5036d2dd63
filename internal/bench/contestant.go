package bench

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"time"
)

// contestant works a queue of posts.
type contestant struct {
	name  string // in the results
	label string // for people
	// fill makes the tables where there are none, and adds the posts.
	fill func(ctx context.Context, s *stage, url string, posts []post) error
	// feed adds each post when it is due.
	feed func(ctx context.Context, s *stage, url string, posts []post) error
	// start starts the service and waits until it works.
	start func(ctx context.Context, s *stage, url string) (*exec.Cmd, error)
	// left counts what is not settled yet, sent what the tables call sent; %d
	// is the highest id there was before the measured posts.
	left, sent string
}

// River is its settings; the sweep finds the best.
type River struct {
	Workers  int
	Cooldown time.Duration
	Poll     time.Duration
	Conns    int
	Snooze   time.Duration // where the gate is closed
}

// RiverDefaults are River's own.
var RiverDefaults = River{Workers: 100, Cooldown: 100 * time.Millisecond, Poll: time.Second, Conns: 20, Snooze: 250 * time.Millisecond}

func (r River) String() string {
	return fmt.Sprintf("%d workers, fetch cooldown %v, poll %v, %d connections", r.Workers, r.Cooldown, r.Poll, r.Conns)
}

// riverOf is River with these settings. record is what it keeps of a success:
// "job" or "row"; gated lets one post of an account be under way at a time.
func riverOf(name, label string, r River, record string, gated bool) contestant {
	sent := `SELECT count(*) FROM posts WHERE moment_id IS NOT NULL AND id > %d`
	if record == "job" {
		sent = `SELECT count(*) FROM river_job WHERE state = 'completed' AND (args->>'id')::bigint > %d`
	}
	work := []string{
		"-record=" + record, fmt.Sprint("-gate=", gated), fmt.Sprint("-workers=", r.Workers), "-cooldown=" + r.Cooldown.String(),
		"-poll=" + r.Poll.String(), fmt.Sprint("-conns=", r.Conns), "-snooze=" + r.Snooze.String(), "work",
	}
	return contestant{
		name: name, label: label, sent: sent,
		left: `SELECT count(*) FROM river_job WHERE state NOT IN ('completed', 'cancelled', 'discarded') AND (args->>'id')::bigint > %d`,
		fill: func(ctx context.Context, s *stage, url string, posts []post) error {
			return s.pipeRiver(ctx, url, posts, "fill")
		},
		feed: func(ctx context.Context, s *stage, url string, posts []post) error {
			return s.pipeRiver(ctx, url, posts, "enqueue")
		},
		start: func(ctx context.Context, s *stage, url string) (*exec.Cmd, error) {
			s.serial++
			ready := s.path(fmt.Sprint("ready-", s.serial))
			cmd, err := s.startProgram(ctx, s.o.Peer, nil, append([]string{"-database=" + url, "-gateway=" + s.gateway, "-token=" + token, "-ready=" + ready}, work...)...)
			if err != nil {
				return nil, err
			}
			return cmd, await(ctx, "River", func() error { _, err := os.Stat(ready); return err })
		},
	}
}

// pipeRiver hands posts to River's program.
func (s *stage) pipeRiver(ctx context.Context, url string, posts []post, what string) error {
	sessions, err := s.logins(ctx)
	if err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, s.o.Peer, "-database="+url, what)
	var said strings.Builder
	cmd.Stderr = &said
	in, err := cmd.StdinPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("start River: %w", err)
	}
	enc := json.NewEncoder(in)
	for i, p := range posts {
		if err = enc.Encode(map[string]any{
			"id": i + 1, "account": p.account, "w_id": sessions[p.account], "due": p.due.UnixNano(),
			"content": cardContent, "title": cardTitle, "description": cardDescription, "url": p.url, "thumb_url": cardThumb,
		}); err != nil {
			break // it has ended, and says why below
		}
	}
	_ = in.Close()
	if err := cmd.Wait(); err != nil {
		return fmt.Errorf("river %s: %w: %s", what, err, said.String())
	}
	return nil
}

// logins are the accounts' login sessions, in the order of the accounts.
func (s *stage) logins(ctx context.Context) ([]string, error) {
	var reply struct{ Data []struct{ WcID, WID string } }
	if err := s.post(ctx, "/queryLoginWx", &reply); err != nil {
		return nil, err
	}
	ids := make([]string, len(reply.Data))
	for _, l := range reply.Data {
		var n int
		if _, err := fmt.Sscanf(l.WcID, "wxid_sim%d", &n); err != nil || n < 1 || n > len(ids) {
			return nil, fmt.Errorf("the simulator lists the account %q", l.WcID)
		}
		ids[n-1] = l.WID
	}
	return ids, nil
}

// riverVersion is read from the program itself.
func riverVersion(ctx context.Context, program string) string {
	out, err := exec.CommandContext(ctx, "go", "version", "-m", program).Output()
	if err != nil {
		return "?"
	}
	for line := range strings.Lines(string(out)) {
		if f := strings.Fields(line); len(f) >= 3 && f[0] == "dep" && f[1] == "github.com/riverqueue/river" {
			return f[2]
		}
	}
	return "?"
}

// job is one measurement of a contestant.
type job struct {
	url      string                                // of its database
	base     int                                   // highest id before the measured posts
	posts    []post                                // that are there
	add      func(context.Context) ([]post, error) // adds posts once the service works; nil = none
	replicas int
	limit    time.Duration // for everything
}

// work lets a contestant work and returns what the referee and the machine saw.
func (s *stage) work(ctx context.Context, c contestant, j job) (f Figures, err error) {
	ctx, done := context.WithTimeout(ctx, j.limit)
	defer done()
	if err := s.reset(ctx); err != nil {
		return f, err
	}
	if err := s.checkpoint(ctx); err != nil {
		return f, err
	}
	before, err := s.usage(ctx)
	if err != nil {
		return f, err
	}
	gateway := processCPU(s.sim.Process.Pid)
	var running []*exec.Cmd
	defer func() {
		var all sync.WaitGroup
		for _, cmd := range running {
			all.Go(func() { stop(cmd) })
		}
		all.Wait()
	}()
	for range max(j.replicas, 1) {
		cmd, err := c.start(ctx, s, j.url)
		if cmd != nil {
			running = append(running, cmd)
		}
		if err != nil {
			return f, fmt.Errorf("%w; %s", err, s.lastWords())
		}
	}
	if j.add != nil {
		if j.posts, err = j.add(ctx); err != nil {
			return f, err
		}
	}
	if err := s.awaitAccepted(ctx, len(j.posts)); err != nil {
		return f, fmt.Errorf("%w; %s", err, s.lastWords())
	}
	if err := s.awaitNone(ctx, j.url, fmt.Sprintf(c.left, j.base)); err != nil {
		return f, err
	}
	after, err := s.usage(ctx)
	if err != nil {
		return f, err
	}
	if f, err = s.figures(ctx, len(j.posts)); err != nil {
		return f, err
	}
	for _, cmd := range running {
		f.Peak = max(f.Peak, peakRSS(cmd.Process.Pid))
		f.Own += processCPU(cmd.Process.Pid)
	}
	f.Gateway = processCPU(s.sim.Process.Pid) - gateway
	used := after.since(before)
	f.CPU, f.WAL = used.cpu, used.wal
	f.Recorded, err = s.count(ctx, j.url, fmt.Sprintf(c.sent, j.base))
	return f, err
}

// awaitNone waits until the query counts nothing.
func (s *stage) awaitNone(ctx context.Context, url, query string) error {
	for {
		n, err := s.count(ctx, url, query)
		if err != nil || n == 0 {
			return err
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%d posts were not settled in time: %w", n, ctx.Err())
		case <-time.After(200 * time.Millisecond):
		}
	}
}

// lastWords is the end of what the services have written.
func (s *stage) lastWords() string {
	var last string
	for _, name := range []string{"serve.log", "momentcast-bench-river.log"} {
		if b, err := os.ReadFile(s.path(name)); err == nil && len(b) > 0 {
			last += name + ": …" + string(b[max(0, len(b)-600):])
		}
	}
	return last
}
