package dispatch

import (
	"testing"
	"time"
)

// The rest follows how the engine gets on: it grows while claims are slow, comes
// back when they are not, and is none while nothing is due.
func TestExpansionGivesWay(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC)
	far := now.Add(10 * 24 * time.Hour)
	const step = 100 * time.Millisecond
	var e ease
	e.expect(now.Add(10 * time.Millisecond))
	rest := func(what string, until time.Time, want time.Duration) {
		t.Helper()
		if got := e.rest(step, now, until); got != want {
			t.Errorf("%s: rest %v, want %v", what, got, want)
		}
	}
	rest("nothing is slow", far, step/2)
	for _, want := range []time.Duration{step, 2 * step, 4 * step, 8 * step, 8 * step} {
		e.claimed(2 * slowClaim)
		e.claimed(time.Millisecond)
		rest("a claim was slow", far, want)
	}
	e.claimed(2 * slowClaim)
	rest("what is expanded is due within the hour", now.Add(10*time.Minute), step/2)
	e.claimed(time.Millisecond)
	rest("claims are fast again", far, 4*step)
	e.expect(now.Add(time.Minute))
	rest("nothing is due", far, 0)
	e.expect(now.Add(time.Millisecond))
	for range 5 {
		e.rest(step, now, far)
	}
	rest("in the end", far, step/2)
}
