package bench

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"momentcast/internal/moment"
	"momentcast/internal/postgres"
)

// ExpandOptions say how much is expanded while paced posts leave.
type ExpandOptions struct {
	Options       // Rounds is not used: windows of For follow each other until all is expanded
	Campaigns int // daily ones, for the 30 days ahead
	Targets   int // instances of each campaign
	AtMost    time.Duration
}

// expandStage is a service that runs through all windows, with its database.
type expandStage struct {
	*stage
	o       ExpandOptions
	url     string
	db      *postgres.DB
	conn    *pgx.Conn
	ids     []int64 // of the instances
	service *exec.Cmd
	queued  int64 // paced posts so far
	seed    int64
}

// window is one measurement of the paced posts.
type window struct {
	Figures
	peak int // KiB of memory of the service
}

// Expand measures the lateness of paced posts beside the expansion of many
// campaigns and, in turn, without it, in one run of one service.
func Expand(ctx context.Context, o ExpandOptions, out io.Writer) error {
	s, err := newExpandStage(ctx, o)
	if s != nil {
		defer s.close()
	}
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "%g posts/s on %d instances, beside %d campaigns × %d instances × 30 days; PostgreSQL %d with fsync\n",
		o.Rate, o.Instances, o.Campaigns, o.Targets, s.pg.Version())
	show := func(name string, w window) {
		fmt.Fprintf(out, "%-7s %s; memory %d MiB, load %s\n", name, w.Figures, w.peak/1024, load())
	}
	var idle, during []window
	measure := func(name string, to *[]window) error {
		w, err := s.window(ctx)
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		*to = append(*to, w)
		show(name, w)
		return nil
	}
	if err := measure("idle", &idle); err != nil {
		return err
	}
	expanded, took, err := s.expansion(ctx, func() error { return measure("during", &during) }, func() error { return measure("idle", &idle) })
	if err != nil {
		return err
	}
	return s.report(ctx, out, idle, during, expanded, took)
}

func (s *expandStage) report(ctx context.Context, out io.Writer, idle, during []window, expanded int64, took time.Duration) error {
	of := func(ws []window, f func(Figures) time.Duration) time.Duration {
		all := make([]Figures, len(ws))
		for i, w := range ws {
			all[i] = w.Figures
		}
		return median(all, f)
	}
	p50, p99 := func(f Figures) time.Duration { return f.P50 }, func(f Figures) time.Duration { return f.P99 }
	var left, peak int
	for _, w := range during {
		peak = max(peak, w.peak)
	}
	if err := s.conn.QueryRow(ctx, `SELECT count(*) FROM campaigns WHERE settled_at IS NULL`).Scan(&left); err != nil {
		return err
	}
	fmt.Fprintf(out, "\nmedians of %d idle and %d loaded windows: p50 %.2f → %.2f ms (×%.2f), p99 %.2f → %.2f ms (×%.2f)\n", len(idle), len(during),
		ms(of(idle, p50)), ms(of(during, p50)), ratio(of(during, p50), of(idle, p50)),
		ms(of(idle, p99)), ms(of(during, p99)), ratio(of(during, p99), of(idle, p99)))
	fmt.Fprintf(out, "%d posts expanded in %v: %.0f a second; %d of %d campaigns are left\n", expanded, took.Round(time.Second),
		float64(expanded)/took.Seconds(), left, s.o.Campaigns)
	fmt.Fprintf(out, "memory of the service: %d MiB before, %d MiB at its peak during; load %s\n", idle[0].peak/1024, peak/1024, load())
	return s.exact(ctx, expanded, left)
}

// exact reports what is not as it has to be: a post an occurrence and instance.
func (s *expandStage) exact(ctx context.Context, expanded int64, left int) error {
	const q = `
		SELECT count(*), count(DISTINCT (occurrence_id, instance_id)), (SELECT coalesce(sum(jsonb_array_length(c.plan->'instances')), 0)
			FROM occurrences o JOIN campaigns c ON c.id = o.campaign_id WHERE o.open AND o.settled = c.spec_version)
		FROM posts WHERE occurrence_id IS NOT NULL`
	var posts, distinct, want int64
	if err := s.conn.QueryRow(ctx, q).Scan(&posts, &distinct, &want); err != nil {
		return err
	}
	if posts != distinct || posts < expanded || left == 0 && posts != want {
		return fmt.Errorf("%d posts of campaigns, %d different ones, %d expected", posts, distinct, want)
	}
	return nil
}

func ratio(a, b time.Duration) float64 { return float64(a) / float64(max(b, 1)) }

func newExpandStage(ctx context.Context, o ExpandOptions) (s *expandStage, err error) {
	s = &expandStage{o: o, seed: o.Seed}
	if s.stage, err = newStage(ctx, o.Options); err != nil {
		return nil, err
	}
	if s.url, err = s.database(ctx); err != nil {
		return s, err
	}
	if s.ids, err = prepare(ctx, s.url, o.Instances); err != nil {
		return s, err
	}
	if s.db, err = postgres.Open(s.url, postgres.Options{EngineConns: 1, Conns: 1}); err != nil {
		return s, err
	}
	if s.conn, err = pgx.Connect(ctx, s.url); err != nil {
		return s, err
	}
	if err := s.draft(ctx); err != nil {
		return s, fmt.Errorf("write campaigns: %w", err)
	}
	if _, err := s.conn.Exec(ctx, "VACUUM ANALYZE"); err != nil {
		return s, err
	}
	s.service, err = s.serve(ctx, s.url)
	return s, err
}

func (s *expandStage) close() {
	stop(s.service)
	if s.conn != nil {
		_ = s.conn.Close(context.Background()) // nothing is pending on it
	}
	if s.db != nil {
		s.db.Close()
	}
	s.stage.close()
}

// draft writes the campaigns. None fires while the measurement lasts.
func (s *expandStage) draft(ctx context.Context) error {
	for n := range s.o.Campaigns {
		targets := make([]int64, s.o.Targets)
		for i := range targets {
			targets[i] = s.ids[(n*s.o.Targets+i)%len(s.ids)]
		}
		c := &moment.Campaign{Name: fmt.Sprint("campaign ", n), Colour: "#1f6feb", Plan: moment.CampaignPlan{
			Schedule: fmt.Sprintf("cron %d %d * * * zone=UTC", n%60, (time.Now().UTC().Hour()+2+n%20)%24), Instances: targets,
			Card: moment.Card{Content: "day {{n}} of {{instance.name}}", Title: "title {{date}}", Description: "description",
				URL: "https://example.com/c?n={{n}}", ThumbURL: "https://example.com/t.jpg"},
			Visibility: moment.Visibility{Mode: moment.Everyone},
		}}
		if _, err := s.db.CreateCampaign(ctx, c, "", moment.System("bench")); err != nil {
			return err
		}
	}
	return nil
}

// window lets paced posts leave for a while and asks the referee.
func (s *expandStage) window(ctx context.Context) (w window, err error) {
	if err := s.control(ctx, "/control/reset"); err != nil {
		return w, err
	}
	s.seed++
	posts := s.queue(s.seed)
	if err := enqueue(ctx, s.db, s.ids, posts); err != nil {
		return w, err
	}
	s.queued += int64(len(posts))
	ctx, done := context.WithTimeout(ctx, s.o.For+headway+2*time.Minute)
	defer done()
	watched, unwatch := context.WithCancel(ctx)
	peak := make(chan int)
	go func() { peak <- peakMemory(watched, s.service.Process.Pid) }()
	err = s.awaitAccepted(ctx, len(posts))
	unwatch()
	w.peak = <-peak
	if err != nil {
		return w, err
	}
	w.Figures, err = s.figures(ctx, len(posts))
	return w, err
}

// expandedSoFar is how many posts campaigns have made. It reads no table, so
// that looking costs nothing.
func (s *expandStage) expandedSoFar(ctx context.Context) (n int64) {
	const q = `SELECT coalesce(pg_sequence_last_value(pg_get_serial_sequence('posts', 'id')::regclass), 0)`
	if err := s.conn.QueryRow(ctx, q).Scan(&n); err != nil {
		return 0
	}
	return n - s.queued
}

// expansion lets all campaigns begin at the same time, as after an approval of
// many or an outage, and measures until they are expanded or the time is over.
// Between windows with the expansion it is held, for one without: what else the
// machine does meets both alike.
func (s *expandStage) expansion(ctx context.Context, during, idle func() error) (posts int64, took time.Duration, err error) {
	const begin = `UPDATE campaigns SET state = 'active', expanded_until = now(), expand_at = now(), spec_version = spec_version + 1`
	const hold = `UPDATE campaigns SET expand_at = now() + interval '1 day' WHERE settled_at IS NULL`
	const goOn = `UPDATE campaigns SET expand_at = now() WHERE settled_at IS NULL`
	const left = `SELECT EXISTS (SELECT FROM campaigns WHERE settled_at IS NULL)`
	if _, err := s.conn.Exec(ctx, begin); err != nil {
		return 0, 0, err
	}
	began := time.Now()
	for more := true; more && time.Since(began) < s.o.AtMost; {
		if _, err := s.conn.Exec(ctx, goOn); err != nil {
			return 0, 0, err
		}
		from := time.Now()
		if err := during(); err != nil {
			return 0, 0, err
		}
		posts, took = s.expandedSoFar(ctx), took+time.Since(from)
		if err := s.conn.QueryRow(ctx, left).Scan(&more); err != nil {
			return 0, 0, err
		}
		if _, err := s.conn.Exec(ctx, hold); err != nil {
			return 0, 0, err
		}
		if err := idle(); err != nil {
			return 0, 0, err
		}
	}
	if posts == 0 {
		return 0, 0, errors.New("nothing was expanded")
	}
	return posts, took, nil
}

// peakMemory watches the resident memory of a process until ctx ends, in KiB.
func peakMemory(ctx context.Context, pid int) (peak int) {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		out, err := exec.CommandContext(ctx, "ps", "-o", "rss=", "-p", strconv.Itoa(pid)).Output()
		if n, bad := strconv.Atoi(strings.TrimSpace(string(out))); err == nil && bad == nil {
			peak = max(peak, n)
		}
		select {
		case <-ctx.Done():
			return peak
		case <-tick.C:
		}
	}
}

// load is the load of the machine, of which the figures mean less the more it
// has; "?" where that cannot be read.
func load() string {
	b, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return "?"
	}
	one, _, _ := strings.Cut(string(b), " ")
	return one
}
