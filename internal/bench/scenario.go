package bench

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// scenario is one question and who answers it.
type scenario struct {
	name, title, about string
	accounts           int
	entries            []entry
}

// entry is one contestant in one scenario.
type entry struct {
	name, label string
	run         func(ctx context.Context, s *stage, round int) (Figures, error)
}

// prefilled is a database that was filled once.
type prefilled struct {
	url, name string
	posts     []post
}

const (
	burstPosts     = 20_000
	burstAccounts  = 10_000
	gatedAccounts  = 200
	pacedAccounts  = 1_000
	burstLimit     = 3 * time.Minute
	defaultsShare  = 5 // River at its defaults takes a burst of a fifth: it has no effect on its rate
	deepScheduled  = 1_000_000
	deepTerminal   = 4_000_000
	blockedPosts   = 200_000
	blockedOffline = 2_000
)

// scenarios are all there are, with o's sizes.
func scenarios(o Options) []scenario {
	n := func(of int) int { return max(int(float64(of)*o.Scale), 500) }
	eng := engineOf("momentcast", fmt.Sprint("MOMENTCAST_CONCURRENCY=", o.Calls))
	usual := engineOf("momentcast")
	row := riverOf("river-row", "River, moment id in a row", o.Best, "row", false)
	job := riverOf("river-job", "River, job row only", o.Best, "job", false)
	gated := riverOf("river-gated", "River, emulated gate", o.Best, "row", true)
	plain := riverOf("river-default", "River at its defaults", RiverDefaults, "row", false)
	all := []scenario{
		{
			name: "burst", title: "Burst", accounts: burstAccounts,
			about: fmt.Sprintf("%d posts of %d accounts, all due at the start", n(burstPosts), burstAccounts),
			entries: []entry{
				bursts(eng, n(burstPosts)), bursts(row, n(burstPosts)), bursts(job, n(burstPosts)), bursts(plain, n(burstPosts)/defaultsShare),
				limitDB(n(burstPosts)), limitHTTP(n(burstPosts), max(o.Calls, 1)),
			},
		},
		{
			name: "gated", title: "Burst over few accounts", accounts: gatedAccounts,
			about:   fmt.Sprintf("%d posts of %d accounts, each of which may have one in flight", n(burstPosts), gatedAccounts),
			entries: []entry{bursts(eng, n(burstPosts)), bursts(gated, n(burstPosts)/2)},
		},
		{
			name: "paced", title: "Paced", accounts: pacedAccounts,
			about:   fmt.Sprintf("%g posts/s at random instants for %v, inserted beforehand", o.Rate, o.For),
			entries: []entry{paced(usual), paced(row), paced(plain)},
		},
		{
			name: "now", title: "Enqueue now", accounts: pacedAccounts,
			about:   fmt.Sprintf("%g posts/s at random instants for %v, each inserted when it is due", o.Rate, o.For),
			entries: []entry{now(usual), now(row), now(plain)},
		},
		{
			name: "blocked", title: "Blocked head", accounts: pacedAccounts,
			about:   fmt.Sprintf("the paced posts behind %d older ones of offline accounts", n(blockedPosts)),
			entries: []entry{blocked(usual, n(blockedPosts))},
		},
		{
			name: "replicas", title: "Replicas", accounts: burstAccounts,
			about:   fmt.Sprintf("the burst, worked by 1, 2 and 4 replicas on this one machine (%d posts)", n(burstPosts)),
			entries: []entry{replicas(eng, 1, n(burstPosts)), replicas(eng, 2, n(burstPosts)), replicas(eng, 4, n(burstPosts))},
		},
		{
			name: "crash", title: "Killed every five seconds", accounts: pacedAccounts,
			about:   fmt.Sprintf("%g posts/s, the service killed and started again every %v; doubles and losses counted", o.Rate, killEvery),
			entries: []entry{crashed(o), crashedRiver(o)},
		},
		{
			name: "deep", title: "Deep queue", accounts: burstAccounts,
			about: fmt.Sprintf("the burst beside %d scheduled and %d finished posts, and without", n(deepScheduled), n(deepTerminal)),
			entries: []entry{
				deep("shallow", "alone", eng, n(burstPosts), 0, 0),
				deep("deep", "beside the history", eng, n(burstPosts), n(deepScheduled), n(deepTerminal)),
			},
		},
	}
	return all
}

// Names are the scenarios that can be asked for.
func Names() []string {
	var names []string
	for _, sc := range scenarios(Options{Scale: 1}) {
		names = append(names, sc.name)
	}
	return names
}

func chosen(o Options) ([]scenario, error) {
	all := scenarios(o)
	for _, name := range o.Scenarios {
		if !slices.Contains(Names(), name) {
			return nil, fmt.Errorf("there is no scenario %q; there are %s, and expand and sweep", name, strings.Join(Names(), ", "))
		}
	}
	if len(o.Scenarios) == 0 {
		return all, nil
	}
	return slices.DeleteFunc(all, func(sc scenario) bool { return !slices.Contains(o.Scenarios, sc.name) }), nil
}

// filled is a database in which a contestant's posts are due already; it is
// filled once and cloned for every measurement.
func (s *stage) filled(ctx context.Context, c contestant, n int) (prefilled, error) {
	key := fmt.Sprint(c.name, n)
	if t, ok := s.templates[key]; ok {
		return t, nil
	}
	url, err := s.database(ctx)
	if err != nil {
		return prefilled{}, err
	}
	t := prefilled{url: url, posts: burst(n, s.accounts)}
	if err := c.fill(ctx, s, url, t.posts); err != nil {
		return t, fmt.Errorf("fill the queue: %w", err)
	}
	if t.name, err = databaseName(url); err != nil {
		return t, err
	}
	s.templates[key] = t
	return t, nil
}

// bursts is a contestant with n posts that are due when it starts.
func bursts(c contestant, n int) entry { return named(c, replicas(c, 1, n)) }

func named(c contestant, e entry) entry {
	e.name, e.label = c.name, c.label
	return e
}

func replicas(c contestant, count, n int) entry {
	return entry{fmt.Sprintf("%s-%d", c.name, count), fmt.Sprintf("%s × %d", c.label, count), func(ctx context.Context, s *stage, _ int) (f Figures, err error) {
		t, err := s.filled(ctx, c, n)
		if err != nil {
			return f, err
		}
		url, err := s.clone(ctx, t.name)
		if err != nil {
			return f, err
		}
		if f, err = s.work(ctx, c, job{url: url, posts: t.posts, replicas: count, limit: burstLimit}); err != nil {
			return f, err
		}
		return f, s.drop(ctx, url)
	}}
}

// paced is a contestant with posts that come at their times.
func paced(c contestant) entry {
	return patient(entry{c.name, c.label, func(ctx context.Context, s *stage, round int) (Figures, error) {
		return s.empty(ctx, c, func(url string) func(context.Context) ([]post, error) { return s.beforehand(c, url, round) })
	}})
}

// now is paced, with each post inserted when it is due.
func now(c contestant) entry {
	return entry{c.name, c.label, func(ctx context.Context, s *stage, round int) (Figures, error) {
		return s.empty(ctx, c, func(url string) func(context.Context) ([]post, error) {
			return func(ctx context.Context) ([]post, error) {
				posts := poisson(s.o.Rate, time.Now().Add(time.Second), s.o.For, s.accounts, s.o.Seed+int64(round))
				return posts, c.feed(ctx, s, url, posts)
			}
		})
	}}
}

// empty lets a contestant work on a database to which posts are added while it
// does.
func (s *stage) empty(ctx context.Context, c contestant, add func(url string) func(context.Context) ([]post, error)) (f Figures, err error) {
	url, err := s.database(ctx)
	if err != nil {
		return f, err
	}
	if err := c.fill(ctx, s, url, nil); err != nil {
		return f, err
	}
	f, err = s.work(ctx, c, job{url: url, add: add(url), limit: s.pacedLimit()})
	return f, errors.Join(err, s.drop(ctx, url))
}
