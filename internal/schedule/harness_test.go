package schedule

import (
	"errors"
	"slices"
	"testing"
	"time"

	"momentcast/internal/moment"
)

// builtIn is read once; it is immutable.
var builtIn = Seed()

// must returns the schedule of a text form, with the built-in calendar.
func must(t testing.TB, text string) *Schedule {
	t.Helper()
	spec, err := ParseSpec(text)
	if err != nil {
		t.Fatalf("ParseSpec(%q): %v", text, err)
	}
	s, err := New(spec, builtIn)
	if err != nil {
		t.Fatalf("New(%q): %v", text, err)
	}
	return s
}

func mustCron(t testing.TB, expr string) Cron {
	t.Helper()
	c, err := ParseCron(expr)
	if err != nil {
		t.Fatalf("ParseCron(%q): %v", expr, err)
	}
	return c
}

func wall(t testing.TB, s string) Wall {
	t.Helper()
	w, err := ParseWall(s)
	if err != nil {
		t.Fatalf("ParseWall(%q): %v", s, err)
	}
	return w
}

// instant is a wall time of a zone, far from any change of its clock.
func instant(t testing.TB, s, zone string) time.Time {
	t.Helper()
	loc, err := time.LoadLocation(zone)
	if err != nil {
		t.Fatal(err)
	}
	c := newClock(loc)
	at, _ := c.first(wall(t, s))
	return time.Unix(at, 0)
}

// local writes the next n occurrences after t as local time with its offset.
func local(s *Schedule, t time.Time, n int) (out []string) {
	for o := range s.After(t) {
		if len(out) == n {
			break
		}
		out = append(out, o.At.In(s.loc).Format("2006-01-02T15:04-07:00"))
	}
	return out
}

// paths lists the fields that an error names; nil for no error.
func paths(t testing.TB, err error) (out []string) {
	t.Helper()
	if err == nil {
		return nil
	}
	e, ok := errors.AsType[*moment.Error](err)
	if !ok || e.Kind != moment.Invalid {
		t.Fatalf("not an error of kind invalid: %v", err)
	}
	for _, f := range e.Fields {
		out = append(out, f.Path)
	}
	return slices.Compact(out)
}
