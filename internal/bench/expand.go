package bench

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
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

// A window without the expansion comes before and after it, and beside every so
// many windows with it: what else the machine does meets both alike.
const (
	aroundIdle  = 3 // windows before, and after
	loadedInRow = 4
	speakEvery  = 30 * time.Second
)

// expandStage is a service that runs through all windows, with its database.
type expandStage struct {
	*stage
	o       ExpandOptions
	out     io.Writer
	url     string
	db      *postgres.DB
	conn    *pgx.Conn
	ids     []int64 // of the instances
	service *exec.Cmd
	queued  atomic.Int64 // paced posts so far
	seed    int64

	idle, loaded []window
	expanded     int64 // posts of campaigns
	took         time.Duration
}

// window is one measurement of the paced posts.
type window struct {
	Figures
	memory []int // of the service in MiB, a sample a second
}

// Expand measures the lateness of paced posts beside the expansion of many
// campaigns and, before, after and in turn, without it, in one run of one
// service.
func Expand(ctx context.Context, o ExpandOptions, out io.Writer) error {
	s, err := newExpandStage(ctx, o, out)
	if s != nil {
		defer s.close()
	}
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "%g posts/s on %d instances, windows of %v, beside %d campaigns × %d instances × 30 days; PostgreSQL %d with fsync\n",
		o.Rate, o.Instances, o.For, o.Campaigns, o.Targets, s.pg.Version())
	for range aroundIdle {
		if err := s.measure(ctx, "idle", &s.idle); err != nil {
			return err
		}
	}
	if err := s.expansion(ctx); err != nil {
		return err
	}
	for range aroundIdle {
		if err := s.measure(ctx, "idle", &s.idle); err != nil {
			return err
		}
	}
	return s.report(ctx)
}

// measure adds a window to those of its kind, and says what it was.
func (s *expandStage) measure(ctx context.Context, name string, to *[]window) error {
	w, err := s.window(ctx)
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	*to = append(*to, w)
	fmt.Fprintf(s.out, "%-7s %s; memory %d MiB, load %s\n", name, w.Figures, slices.Max(w.memory), load())
	return nil
}

func (s *expandStage) report(ctx context.Context) error {
	of := func(ws []window, f func(Figures) time.Duration) time.Duration {
		all := make([]Figures, len(ws))
		for i, w := range ws {
			all[i] = w.Figures
		}
		return median(all, f)
	}
	p50, p99 := func(f Figures) time.Duration { return f.P50 }, func(f Figures) time.Duration { return f.P99 }
	var left int
	if err := s.conn.QueryRow(ctx, `SELECT count(*) FROM campaigns WHERE settled_at IS NULL`).Scan(&left); err != nil {
		return err
	}
	fmt.Fprintf(s.out, "\nmedians of %d idle and %d loaded windows: p50 %.2f → %.2f ms (×%.2f), p99 %.2f → %.2f ms (×%.2f)\n", len(s.idle), len(s.loaded),
		ms(of(s.idle, p50)), ms(of(s.loaded, p50)), ratio(of(s.loaded, p50), of(s.idle, p50)),
		ms(of(s.idle, p99)), ms(of(s.loaded, p99)), ratio(of(s.loaded, p99), of(s.idle, p99)))
	fmt.Fprintf(s.out, "%d posts expanded in %v: %.0f a second; %d of %d campaigns are left\n", s.expanded, s.took.Round(time.Second),
		float64(s.expanded)/s.took.Seconds(), left, s.o.Campaigns)
	var during []int
	for _, w := range s.loaded {
		during = append(during, w.memory...)
	}
	third := len(during) / 3
	fmt.Fprintf(s.out, "resident memory of the service, peaks: %d MiB at the start; %d, %d, %d MiB in each third of the expansion; %d MiB at the end; load %s\n",
		slices.Max(s.idle[0].memory), slices.Max(during[:third]), slices.Max(during[third:2*third]), slices.Max(during[2*third:]),
		slices.Max(s.idle[len(s.idle)-1].memory), load())
	return s.exact(ctx, s.expanded, left)
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

func newExpandStage(ctx context.Context, o ExpandOptions, out io.Writer) (s *expandStage, err error) {
	s = &expandStage{o: o, out: out, seed: o.Seed}
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
	if err := s.reset(ctx); err != nil {
		return w, err
	}
	s.seed++
	posts := s.queue(s.seed)
	if err := enqueue(ctx, s.db, s.ids, posts); err != nil {
		return w, err
	}
	s.queued.Add(int64(len(posts)))
	ctx, done := context.WithTimeout(ctx, s.pacedLimit())
	defer done()
	watched, unwatch := context.WithCancel(ctx)
	samples := make(chan []int)
	go func() { samples <- memory(watched, s.service.Process.Pid) }()
	err = s.awaitAccepted(ctx, len(posts))
	unwatch()
	w.memory = <-samples
	if err != nil {
		return w, err
	}
	w.Figures, err = s.figures(ctx, len(posts))
	return w, err
}

// expandedSoFar is how many posts campaigns have made. It reads no table, so
// that looking costs nothing.
func (s *expandStage) expandedSoFar(ctx context.Context, conn *pgx.Conn) (n int64) {
	const q = `SELECT coalesce(pg_sequence_last_value(pg_get_serial_sequence('posts', 'id')::regclass), 0)`
	if err := conn.QueryRow(ctx, q).Scan(&n); err != nil {
		return 0
	}
	return n - s.queued.Load()
}

// expansion lets all campaigns begin at the same time, as after an approval of
// many or an outage, and measures until they are expanded or the time is over.
// For a window without it, it is held.
func (s *expandStage) expansion(ctx context.Context) error {
	const begin = `UPDATE campaigns SET state = 'active', expanded_until = now(), expand_at = now(), spec_version = spec_version + 1`
	const hold = `UPDATE campaigns SET expand_at = now() + interval '1 day' WHERE settled_at IS NULL`
	const goOn = `UPDATE campaigns SET expand_at = now() WHERE settled_at IS NULL`
	if _, err := s.conn.Exec(ctx, begin); err != nil {
		return err
	}
	speaking, hush := context.WithCancel(ctx)
	defer hush()
	go s.progress(speaking, s.out)
	began, more := time.Now(), true
	for n := 1; more && time.Since(began) < s.o.AtMost; n++ {
		var err error
		if more, err = s.loadedWindow(ctx); err != nil {
			return err
		}
		if !more || n%loadedInRow != 0 {
			continue
		}
		if _, err := s.conn.Exec(ctx, hold); err != nil {
			return err
		}
		if err := s.measure(ctx, "idle", &s.idle); err != nil {
			return err
		}
		if _, err := s.conn.Exec(ctx, goOn); err != nil {
			return err
		}
	}
	if s.expanded == 0 {
		return errors.New("nothing was expanded")
	}
	_, err := s.conn.Exec(ctx, hold)
	return err
}

// loadedWindow measures beside the expansion; more = it has not come to its end.
func (s *expandStage) loadedWindow(ctx context.Context) (more bool, err error) {
	from := time.Now()
	if err := s.measure(ctx, "during", &s.loaded); err != nil {
		return false, err
	}
	to := time.Now()
	const q = `SELECT count(*) FILTER (WHERE settled_at IS NULL) > 0, max(settled_at) FROM campaigns`
	var ended *time.Time
	if err := s.conn.QueryRow(ctx, q).Scan(&more, &ended); err != nil {
		return false, err
	}
	if !more && ended != nil && ended.After(from) {
		to = *ended
	}
	s.expanded, s.took = s.expandedSoFar(ctx, s.conn), s.took+to.Sub(from)
	return more, nil
}

// memory watches the resident memory of a process until ctx ends: in MiB, a
// sample a second, at least one.
func memory(ctx context.Context, pid int) (samples []int) {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		out, err := exec.CommandContext(context.WithoutCancel(ctx), "ps", "-o", "rss=", "-p", strconv.Itoa(pid)).Output()
		kib, bad := strconv.Atoi(strings.TrimSpace(string(out)))
		if err != nil || bad != nil {
			kib = 0 // it has ended, which others notice
		}
		samples = append(samples, kib/1024)
		select {
		case <-ctx.Done():
			return samples
		case <-tick.C:
		}
	}
}

// progress tells how far the expansion is until ctx ends.
func (s *expandStage) progress(ctx context.Context, out io.Writer) {
	began, tick := time.Now(), time.NewTicker(speakEvery)
	defer tick.Stop()
	conn, err := pgx.Connect(ctx, s.url)
	if err != nil {
		return // the figures at the end don't need it
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }() // nothing is pending on it
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		const q = `SELECT count(*) FILTER (WHERE settled_at IS NOT NULL), coalesce(min(complete_until)::text, 'not known') FROM campaigns`
		var settled int
		var until string
		if err := conn.QueryRow(ctx, q).Scan(&settled, &until); err == nil {
			fmt.Fprintf(out, "%6v  %d of %d posts are there, %d campaigns are settled, all up to %s\n", time.Since(began).Round(time.Second),
				s.expandedSoFar(ctx, conn), s.o.Campaigns*s.o.Targets*30, settled, until)
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
