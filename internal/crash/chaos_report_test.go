package crash

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"momentcast/internal/crash/promise"
)

// status is a line on how things stand.
func (w *world) status(spent time.Duration, arrived int, double bool) string {
	ctx, done := context.WithTimeout(w.Context(), time.Second)
	defer done()
	states := "the database does not answer"
	if rows, err := ask[struct {
		State string
		N     int
	}](ctx, w, `SELECT state::text, count(*) FROM posts WHERE due_at < now() + interval '1 minute' GROUP BY 1 ORDER BY 1`); err == nil {
		var parts []string
		for _, r := range rows {
			parts = append(parts, fmt.Sprintf("%s %d", r.State, r.N))
		}
		states = strings.Join(parts, ", ")
	}
	w.strikes.mu.Lock()
	defer w.strikes.mu.Unlock()
	return fmt.Sprintf("%4.0fs  %d arrived (twice: %v); %s; %d faults so far, now: %s", spent.Seconds(), arrived, double, states, w.strikes.all,
		strings.Join(slices.Sorted(maps.Values(w.strikes.now)), ", "))
}

func (w *world) panics(v *replica) []promise.Violation {
	b, err := os.ReadFile(filepath.Join(w.dir, v.name+".log"))
	if err != nil || !bytes.Contains(b, []byte("panic")) && !bytes.Contains(b, []byte("DATA RACE")) {
		return nil
	}
	return []promise.Violation{{Promise: "no panic", Text: "see the log of replica " + v.name}}
}

// report prints what was done, and what came of it.
func (w *world) report(r *promise.Record, promises, violations int) {
	w.strikes.mu.Lock()
	defer w.strikes.mu.Unlock()
	for _, name := range slices.Sorted(maps.Keys(w.strikes.count)) {
		n := w.strikes.count[name]
		w.Logf("%-32s %4d times, with %5.1f posts in flight on average; and %d times with none, %d times not done",
			name, n, float64(w.strikes.flying[name])/float64(n), w.strikes.idle[name], w.strikes.failed[name])
	}
	w.book.mu.Lock()
	for _, name := range slices.Sorted(maps.Keys(w.book.counts)) {
		w.Logf("asked for: %-20s %6d times", name, w.book.counts[name])
	}
	w.book.mu.Unlock()
	states, late := map[string]int{}, []time.Duration{}
	due := map[string]time.Time{}
	for _, p := range r.Posts {
		states[string(p.State)]++
		due[p.Account+" "+p.Key] = p.DueAt
	}
	for _, a := range r.Arrivals {
		if d, ok := due[a.Account+" "+a.Key]; ok {
			late = append(late, a.At.Sub(d))
		}
	}
	slices.Sort(late)
	if n := len(late); n > 0 {
		w.Logf("lateness, faults and pacing and all: p50 %v, p99 %v, at most %v", late[n/2].Round(time.Millisecond), late[n*99/100].Round(time.Millisecond), late[n-1].Round(time.Millisecond))
	}
	w.Logf("seed %d, %v: %d posts %v, %d calls recorded, %d arrived; %d changes asked for; %d campaigns; %d promises looked at, %d VIOLATIONS",
		w.seed, time.Since(w.began).Round(time.Second), len(r.Posts), states, len(r.Attempts), len(r.Arrivals), len(r.Changes), len(r.Campaigns), promises, violations)
}
