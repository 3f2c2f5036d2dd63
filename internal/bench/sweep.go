package bench

import (
	"context"
	"fmt"
	"io"
	"os"
	"text/tabwriter"
	"time"
)

// sweepGrid are the settings of River that are tried, one kind at a time from
// the best of the kind before: all combinations would take hours.
var sweepGrid = []struct {
	what string
	vary func(r River, i int) (River, bool)
}{
	{"workers", func(r River, i int) (River, bool) {
		return pick(i, []int{100, 200, 500, 1000, 2000}, func(v int) River { r.Workers = v; return r })
	}},
	{"fetch cooldown", func(r River, i int) (River, bool) {
		return pick(i, []time.Duration{time.Millisecond, 2 * time.Millisecond, 5 * time.Millisecond, 20 * time.Millisecond}, func(v time.Duration) River { r.Cooldown = v; return r })
	}},
	{"fetch poll", func(r River, i int) (River, bool) {
		return pick(i, []time.Duration{5 * time.Millisecond, 20 * time.Millisecond, 100 * time.Millisecond}, func(v time.Duration) River { r.Poll = max(v, r.Cooldown); return r })
	}},
	{"connections", func(r River, i int) (River, bool) {
		return pick(i, []int{8, 20, 40, 80}, func(v int) River { r.Conns = v; return r })
	}},
}

func pick[T any](i int, of []T, set func(T) River) (River, bool) {
	if i >= len(of) {
		return River{}, false
	}
	return set(of[i]), true
}

// Sweep looks for the settings with which River works the burst fastest,
// recording the moment's id in a row, and prints what it tried.
func Sweep(ctx context.Context, o Options, out io.Writer) error {
	if _, err := os.Stat(o.Peer); err != nil {
		return fmt.Errorf("River's program: %w; `make bench-river` builds it", err)
	}
	o.Instances = burstAccounts
	s, err := newStage(ctx, o)
	if err != nil {
		return err
	}
	defer s.close()
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	best, rate := o.Best, 0.0
	for _, g := range sweepGrid {
		from := best
		for i := 0; ; i++ {
			r, more := g.vary(from, i)
			if !more {
				break
			}
			v, err := s.try(ctx, r, o)
			if err != nil {
				return fmt.Errorf("%s: %w", r, err)
			}
			fmt.Fprintf(w, "%s\t%s\t%.0f/s\n", g.what, r, v)
			if err := w.Flush(); err != nil {
				return err
			}
			if v > rate {
				best, rate = r, v
			}
		}
	}
	fmt.Fprintf(out, "best: %s, %.0f/s\n", best, rate)
	return nil
}

// try is River's median rate with these settings.
func (s *stage) try(ctx context.Context, r River, o Options) (float64, error) {
	e := bursts(riverOf("river-row", "", r, "row", false), max(int(burstPosts*o.Scale), 500))
	var fs []Figures
	for round := range o.Rounds {
		f, err := e.run(ctx, s, round)
		if err != nil {
			return 0, err
		}
		fs = append(fs, f)
	}
	return median(fs, func(f Figures) float64 { return f.PerSecond }), nil
}
