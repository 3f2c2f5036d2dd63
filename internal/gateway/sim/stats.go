package sim

import (
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// Stats is the referee's report. Durations are nanoseconds in JSON.
type Stats struct {
	Calls    map[string]int64 `json:"calls"`    // requests by path, refused ones included
	Outcomes map[string]int64 `json:"outcomes"` // snsSendUrl by how they ended: ok, refused, malformed, or a fault's name
	Manners  map[string]int64 `json:"manners"`  // what a client should not do, by name

	Accepted int `json:"accepted"` // snsSendUrl that posted
	Comments int `json:"comments"`
	Distinct int `json:"distinct"` // pairs of account and url
	Doubles  int `json:"doubles"`  // Accepted - Distinct
	// DoubleURLs has examples, twenty at most.
	DoubleURLs []string `json:"double_urls"`

	MaxOverlap int           `json:"max_overlap"` // most snsSendUrl of one account at the same time
	MinSpacing time.Duration `json:"min_spacing"` // least time between two accepted posts of one account, arrival to arrival; -1 = no two

	Lateness Lateness `json:"lateness"`

	First     time.Time `json:"first,omitzero"` // arrival of the first and of the last accepted post
	Last      time.Time `json:"last,omitzero"`
	PerSecond float64   `json:"per_second"` // accepted posts a second between the two

	Accounts []AccountStats `json:"accounts"`
}

// Lateness is arrival minus due over the accepted posts whose url says when
// they were due. Early ones count with their negative lateness.
type Lateness struct {
	Count int           `json:"count"`
	Early int           `json:"early"` // arrived before they were due
	Min   time.Duration `json:"min"`
	P50   time.Duration `json:"p50"`
	P99   time.Duration `json:"p99"`
	Max   time.Duration `json:"max"`
}

// AccountStats is the report on one account.
type AccountStats struct {
	WcID       string        `json:"wc_id"`
	Calls      int           `json:"calls"` // well-formed snsSendUrl with a live session
	Accepted   int           `json:"accepted"`
	Distinct   int           `json:"distinct"`
	Doubles    int           `json:"doubles"`
	MaxOverlap int           `json:"max_overlap"`
	MinSpacing time.Duration `json:"min_spacing"` // -1 = no two posts
}

// accountScore is what is counted as posts come in. account.mu guards it.
type accountScore struct {
	calls   int
	posts   int
	overlap int
	spacing time.Duration // valid from the second post on
	last    int64
}

func (sc *accountScore) accepted(m *moment) {
	sc.posts++
	if sc.posts > 1 {
		gap := time.Duration(m.at - sc.last).Abs() // arrivals may be accepted out of order
		if sc.posts == 2 || gap < sc.spacing {
			sc.spacing = gap
		}
	}
	sc.last = max(sc.last, m.at)
}

// Stats computes the report. It reads every accepted post, so ask for it once
// in a while, not in a loop.
func (s *Sim) Stats() Stats {
	st := Stats{MinSpacing: -1, DoubleURLs: []string{}, Accounts: []AccountStats{}}
	st.Calls, st.Outcomes, st.Manners = s.tally.snapshot()
	st.Comments = len(s.comments.all())
	var late []time.Duration
	for _, acc := range s.accounts() {
		late = acc.report(&st, late)
	}
	st.Lateness = lateness(late)
	if d := st.Last.Sub(st.First); d > 0 {
		st.PerSecond = float64(st.Accepted-1) / d.Seconds()
	}
	return st
}

// report adds a's part to st and its latenesses to late.
func (a *account) report(st *Stats, late []time.Duration) []time.Duration {
	a.mu.Lock()
	defer a.mu.Unlock()
	as := AccountStats{
		WcID: a.wcID, Calls: a.score.calls, Accepted: len(a.moments), Distinct: len(a.urls),
		Doubles: len(a.moments) - len(a.urls), MaxOverlap: a.score.overlap, MinSpacing: -1,
	}
	if a.score.posts > 1 {
		as.MinSpacing = a.score.spacing
		if st.MinSpacing < 0 || as.MinSpacing < st.MinSpacing {
			st.MinSpacing = as.MinSpacing
		}
	}
	st.Accounts = append(st.Accounts, as)
	st.Accepted += as.Accepted
	st.Distinct += as.Distinct
	st.Doubles += as.Doubles
	st.MaxOverlap = max(st.MaxOverlap, as.MaxOverlap)
	for _, m := range a.moments {
		at := time.Unix(0, m.at)
		if st.First.IsZero() || at.Before(st.First) {
			st.First = at
		}
		if at.After(st.Last) {
			st.Last = at
		}
		if m.due != 0 {
			late = append(late, time.Duration(m.at-m.due))
		}
		if m.copy > 1 && len(st.DoubleURLs) < 20 {
			st.DoubleURLs = append(st.DoubleURLs, m.req.URL)
		}
	}
	return late
}

func lateness(all []time.Duration) Lateness {
	if len(all) == 0 {
		return Lateness{}
	}
	slices.Sort(all)
	early, _ := slices.BinarySearch(all, 0)
	return Lateness{
		Count: len(all), Early: early, Min: all[0], Max: all[len(all)-1],
		P50: quantile(all, 50), P99: quantile(all, 99),
	}
}

// quantile is the nearest-rank percentile of sorted values.
func quantile(sorted []time.Duration, percent int) time.Duration {
	rank := (len(sorted)*percent + 99) / 100
	return sorted[max(rank, 1)-1]
}

// tally counts calls and how they ended.
type tally struct {
	paths sync.Map // string → *atomic.Int64, filled by routes
	ok    atomic.Int64

	mu     sync.Mutex
	ends   map[string]int64
	lapses map[string]int64
}

// path returns the counter of a call.
func (t *tally) path(path string) *atomic.Int64 {
	c, _ := t.paths.LoadOrStore(path, new(atomic.Int64))
	return c.(*atomic.Int64)
}

func outcomeOf(f Fault) string {
	if f == "" {
		return "ok"
	}
	return string(f)
}

func (t *tally) verdict(v verdict) {
	switch {
	case v.err != nil:
		t.outcome("journal_error")
	case v.refused != "":
		t.outcome("refused")
	default:
		t.outcome(outcomeOf(v.fault))
	}
}

func (t *tally) outcome(name string) {
	if name == "ok" { // the hot path takes no lock
		t.ok.Add(1)
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.ends == nil {
		t.ends = map[string]int64{}
	}
	t.ends[name]++
}

func (t *tally) manners(name string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.lapses == nil {
		t.lapses = map[string]int64{}
	}
	t.lapses[name]++
}

func (t *tally) snapshot() (calls, ends, manners map[string]int64) {
	calls, ends, manners = map[string]int64{}, map[string]int64{}, map[string]int64{}
	t.paths.Range(func(k, v any) bool {
		if n := v.(*atomic.Int64).Load(); n > 0 {
			calls[k.(string)] = n
		}
		return true
	})
	t.mu.Lock()
	defer t.mu.Unlock()
	for k, n := range t.ends {
		ends[k] = n
	}
	for k, n := range t.lapses {
		manners[k] = n
	}
	if n := t.ok.Load(); n > 0 {
		ends["ok"] = n
	}
	return calls, ends, manners
}

func (t *tally) reset() {
	t.paths.Range(func(_, v any) bool {
		v.(*atomic.Int64).Store(0)
		return true
	})
	t.mu.Lock()
	defer t.mu.Unlock()
	t.ok.Store(0)
	t.ends, t.lapses = nil, nil
}
