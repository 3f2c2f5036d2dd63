package bench

import (
	"cmp"
	"fmt"
	"slices"
	"time"
)

// Figures is one measurement. Times and counts are the referee's.
type Figures struct {
	Posts, Accepted, Doubles, Early int
	P50, P99, Max                   time.Duration // due to arrival at the gateway
	MaxOverlap                      int           // of one account
	PerSecond                       float64       // posts, between the first and the last arrival

	Recorded int           // posts that the contestant's own tables call sent, at the end
	Peak     int64         // most resident memory of one process of the contestant, bytes
	CPU      time.Duration // of PostgreSQL, all its processes
	WAL      int64         // bytes
	Own      time.Duration // processor time of the contestant's processes
	Gateway  time.Duration // and of the referee

	Kills int // of the contestant
	Lost  int // posts that never arrived and whose state does not say so: counted one by one
	// Contradicting are those of the lost that are called sent.
	Contradicting int
	Unknown       int           // posts whose outcome the contestant says it does not know, at the end
	Settled       time.Duration // from the last kill until every post was settled
}

// String tells what arrived, and what it cost where that was measured.
func (f Figures) String() string {
	arrived := fmt.Sprintf("%d posts, %d accepted, doubles %d, early %d, overlap %d; %.0f/s; lateness p50 %.2f ms, p99 %.2f ms, max %.2f ms",
		f.Posts, f.Accepted, f.Doubles, f.Early, f.MaxOverlap, f.PerSecond, ms(f.P50), ms(f.P99), ms(f.Max))
	if f.CPU == 0 {
		return arrived
	}
	return arrived + fmt.Sprintf("; per 1000: postgres %.0f ms, own %.0f ms, referee %.0f ms; WAL %d bytes; memory %d MiB",
		ms(f.per1000(f.CPU)), ms(f.per1000(f.Own)), ms(f.per1000(f.Gateway)), f.walPerPost(), f.Peak>>20)
}

// per1000 is a processor time's share for a thousand posts.
func (f Figures) per1000(cpu time.Duration) time.Duration {
	return time.Duration(float64(cpu) * 1000 / float64(max(f.Accepted, 1)))
}

func (f Figures) walPerPost() int64 { return f.WAL / int64(max(f.Accepted, 1)) }

func ms(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

// median is the middle one; of an even number, the upper of the middle two.
func median[T cmp.Ordered](fs []Figures, of func(Figures) T) T {
	vs := make([]T, len(fs))
	for i, f := range fs {
		vs[i] = of(f)
	}
	slices.Sort(vs)
	return vs[len(vs)/2]
}

// medians is each figure's median by itself; of what must not happen at all it
// is the worst.
func medians(fs []Figures) Figures {
	worst := func(of func(Figures) int) int {
		w := 0
		for _, f := range fs {
			w = max(w, of(f))
		}
		return w
	}
	return Figures{
		Posts: fs[0].Posts, Accepted: median(fs, func(f Figures) int { return f.Accepted }),
		Doubles: worst(func(f Figures) int { return f.Doubles }), Early: worst(func(f Figures) int { return f.Early }),
		MaxOverlap: worst(func(f Figures) int { return f.MaxOverlap }), Lost: worst(func(f Figures) int { return f.Lost }),
		Contradicting: worst(func(f Figures) int { return f.Contradicting }),
		P50:           median(fs, func(f Figures) time.Duration { return f.P50 }), P99: median(fs, func(f Figures) time.Duration { return f.P99 }),
		Max: median(fs, func(f Figures) time.Duration { return f.Max }), PerSecond: median(fs, func(f Figures) float64 { return f.PerSecond }),
		Recorded: median(fs, func(f Figures) int { return f.Recorded }), Peak: median(fs, func(f Figures) int64 { return f.Peak }),
		Own: median(fs, func(f Figures) time.Duration { return f.Own }), Gateway: median(fs, func(f Figures) time.Duration { return f.Gateway }),
		CPU: median(fs, func(f Figures) time.Duration { return f.CPU }), WAL: median(fs, func(f Figures) int64 { return f.WAL }),
		Kills: fs[0].Kills, Unknown: median(fs, func(f Figures) int { return f.Unknown }), Settled: median(fs, func(f Figures) time.Duration { return f.Settled }),
	}
}
