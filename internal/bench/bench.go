// Package bench measures the engine as its users would: the real program, a
// PostgreSQL with everything synced, and a gateway in a process of its own that
// takes the times, so that nobody grades himself. Beside the engine, in the
// same run and in turn, works River, the general job queue that a service like
// this would otherwise be built on, and the bare loops that show what this
// machine could do at all.
package bench

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"time"

	"github.com/rs/zerolog"
)

// Options say what to measure.
type Options struct {
	Rate      float64       // posts a second, Poisson arrivals
	For       time.Duration // length of one measurement
	Latency   time.Duration // of the gateway
	Instances int
	Rounds    int // measurements of each, in turn
	Seed      int64
	Program   string // path of the momentcast binary that runs as service and as simulator
	Peer      string // path of River's program
	Dir       string // where the databases are while they are measured; "" = the system's
	Log       zerolog.Logger

	Scenarios   []string // names; none = all
	Contestants []string // names; none = all
	Scale       float64  // of posts and of what lies beside them; 1 = all of it
	Best        River    // River's best settings
	Calls       int      // the engine's calls at once in bursts
	Report      string   // directory for results and report; "" = none
	Resume      bool     // take over the results in it
	Version     string   // of momentcast
}

// result is one line of results.jsonl.
type result struct {
	Scenario, Contestant string
	Round                int
	Figures
}

// run is one run of the scenarios.
type run struct {
	*stage
	o       Options
	out     io.Writer
	results []result
	file    *os.File // nil = none
	quiet   quiet
	server  string // PostgreSQL's version and settings
	began   time.Time
}

// Run measures all scenarios and writes the report.
func Run(ctx context.Context, o Options, out io.Writer) (err error) {
	todo, err := chosen(o)
	if err != nil {
		return err
	}
	if _, err := os.Stat(o.Peer); err != nil {
		return fmt.Errorf("River's program: %w; `make bench-river` builds it", err)
	}
	r := &run{o: o, out: out, began: time.Now()}
	if r.quiet, err = lookAround(ctx, runtime.NumCPU(), 2*time.Second); err != nil {
		return err
	}
	if why := r.quiet.loud(); why != "" {
		r.say("this machine is not quiet: %s; the figures will be worse and less certain", why)
	}
	if err := r.keep(); err != nil {
		return err
	}
	defer r.file.Close()
	for _, sc := range todo {
		if err := r.scenario(ctx, sc); err != nil {
			return fmt.Errorf("%s: %w", sc.name, errors.Join(err, ctx.Err()))
		}
	}
	return r.report(ctx, todo)
}

// say writes a line of progress.
func (r *run) say(format string, args ...any) {
	fmt.Fprintf(r.out, "%7s  %s\n", time.Since(r.began).Round(time.Second), fmt.Sprintf(format, args...))
}

// keep opens the file of results and takes over what is in it, where that is
// asked for.
func (r *run) keep() error {
	if r.o.Report == "" {
		return nil
	}
	if err := os.MkdirAll(r.o.Report, 0o755); err != nil { //nolint:gosec // a report is for everybody
		return err
	}
	path := filepath.Join(r.o.Report, "results.jsonl")
	flags := os.O_CREATE | os.O_RDWR | os.O_APPEND
	if !r.o.Resume {
		flags |= os.O_TRUNC
	}
	f, err := os.OpenFile(path, flags, 0o644) //nolint:gosec // likewise
	if err != nil {
		return err
	}
	r.file = f
	r.results, err = readResults(f)
	return err
}

// readResults reads whole lines; one that a kill has cut off is measured again.
func readResults(from io.Reader) (all []result, err error) {
	dec := json.NewDecoder(from)
	for {
		var one result
		if err := dec.Decode(&one); err != nil {
			if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
				return all, nil
			}
			return nil, fmt.Errorf("results: %w", err)
		}
		all = append(all, one)
	}
}

func (r *run) has(scenario, contestant string, round int) bool {
	return slices.ContainsFunc(r.results, func(x result) bool {
		return x.Scenario == scenario && x.Contestant == contestant && x.Round == round
	})
}

// of are the figures of one contestant in one scenario.
func (r *run) of(scenario, contestant string) (fs []Figures) {
	for _, x := range r.results {
		if x.Scenario == scenario && x.Contestant == contestant {
			fs = append(fs, x.Figures)
		}
	}
	return fs
}

// scenario measures everyone in turn, round after round, on a database server
// and a referee of its own.
func (r *run) scenario(ctx context.Context, sc scenario) (err error) {
	if r.complete(sc) {
		r.say("%s: taken over", sc.name)
		return nil
	}
	r.say("%s: %s", sc.name, sc.about)
	o := r.o
	o.Instances = sc.accounts
	if r.stage, err = newStage(ctx, o); err != nil {
		return err
	}
	defer r.close()
	if r.server == "" {
		if r.server, err = serverVersion(ctx, r.pg.URL()); err != nil {
			return err
		}
	}
	for round := 1; round <= r.o.Rounds; round++ {
		for _, e := range sc.entries {
			if r.skipped(e.name) || r.has(sc.name, e.name, round) {
				continue
			}
			f, err := e.run(ctx, r.stage, round)
			if err != nil {
				return fmt.Errorf("%s: %w", e.name, err)
			}
			one := result{sc.name, e.name, round, f}
			r.results = append(r.results, one)
			r.say("%s %d/%d %-14s %s", sc.name, round, r.o.Rounds, e.name, f)
			if err := r.write(one); err != nil {
				return err
			}
		}
	}
	return nil
}

func (r *run) write(one result) error {
	if r.file == nil {
		return nil
	}
	return json.NewEncoder(r.file).Encode(one)
}

func (r *run) skipped(contestant string) bool {
	return len(r.o.Contestants) > 0 && !slices.Contains(r.o.Contestants, contestant)
}

func (r *run) complete(sc scenario) bool {
	for round := 1; round <= r.o.Rounds; round++ {
		for _, e := range sc.entries {
			if !r.skipped(e.name) && !r.has(sc.name, e.name, round) {
				return false
			}
		}
	}
	return true
}

// self is the running program, which is also the service and the simulator.
func self() (string, error) { return os.Executable() }
