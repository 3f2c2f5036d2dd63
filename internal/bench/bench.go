// Package bench measures the engine as its users would: the real program, a
// PostgreSQL with everything synced, and a gateway in a process of its own that
// takes the times, so that nobody grades himself. Beside the engine, in the
// same run and in turn, runs the bare sketch that its design was measured with.
package bench

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"os"
	"slices"
	"text/tabwriter"
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
	Log       zerolog.Logger
}

// Figures is one measurement, as the referee saw it.
type Figures struct {
	Posts, Accepted, Doubles, Early int
	P50, P99, Max                   time.Duration // due to arrival at the gateway
	MaxOverlap                      int           // of one account
}

// contestant works a queue of posts that are due at their times.
type contestant struct {
	name string
	run  func(ctx context.Context, s *stage, posts []post) error
}

// Run measures and prints a table of every round and of the medians.
func Run(ctx context.Context, o Options, out io.Writer) error {
	s, err := newStage(ctx, o)
	if err != nil {
		return err
	}
	defer s.close()
	fmt.Fprintf(out, "%g posts/s for %v, gateway answers after %v, %d instances, %d rounds, PostgreSQL %d with fsync\n",
		o.Rate, o.For, o.Latency, o.Instances, o.Rounds, s.pg.Version())

	all := []contestant{{"engine", engine}, {"sketch", sketch}}
	results := map[string][]Figures{}
	for round := range o.Rounds {
		for _, c := range all {
			f, err := s.measure(ctx, c, o.Seed+int64(round))
			if err != nil {
				return fmt.Errorf("%s: %w", c.name, err)
			}
			results[c.name] = append(results[c.name], f)
			fmt.Fprintf(out, "round %d %-7s %s\n", round+1, c.name, f)
		}
	}
	return table(out, all, results)
}

func (f Figures) String() string {
	return fmt.Sprintf("%d posts, %d accepted, doubles %d, early %d, overlap %d; lateness p50 %.2f ms, p99 %.2f ms, max %.2f ms",
		f.Posts, f.Accepted, f.Doubles, f.Early, f.MaxOverlap, ms(f.P50), ms(f.P99), ms(f.Max))
}

func ms(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

func table(out io.Writer, all []contestant, results map[string][]Figures) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "\nmedian\tp50 ms\tp99 ms\tmax ms\t")
	for _, c := range all {
		fs := results[c.name]
		fmt.Fprintf(w, "%s\t%.2f\t%.2f\t%.2f\t\n", c.name,
			ms(median(fs, func(f Figures) time.Duration { return f.P50 })),
			ms(median(fs, func(f Figures) time.Duration { return f.P99 })),
			ms(median(fs, func(f Figures) time.Duration { return f.Max })))
	}
	return w.Flush()
}

func median[T cmp.Ordered](fs []Figures, of func(Figures) T) T {
	vs := make([]T, len(fs))
	for i, f := range fs {
		vs[i] = of(f)
	}
	slices.Sort(vs)
	return vs[len(vs)/2]
}

// self is the running program, which is also the service and the simulator.
func self() (string, error) { return os.Executable() }
