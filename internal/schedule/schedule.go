package schedule

import (
	"iter"
	"slices"
	"time"

	"momentcast/internal/moment"
)

// Schedule is a checked Spec together with its zone and work calendar, ready to
// be asked for occurrences. It is immutable and safe for concurrent use.
type Schedule struct {
	spec Spec
	cron Cron
	loc  *time.Location
	cal  *Calendar
}

// Occurrence is one planned firing.
type Occurrence struct {
	Name   Wall      // the wall time that the schedule states: its identity, unique
	Wall   Wall      // the wall time aimed at: Name, or the same time of the day it was moved to
	At     time.Time // when it fires, in UTC
	Shift  Shift     // whether the clock was set around Wall
	Reason Reason    // why it was moved, "" if it was not
	Merged []Wall    // other wall times of the schedule that fall on At; they don't fire by themselves

	// Unpublished is set where the calendar has no holidays for a year that this
	// occurrence rests on: it may yet move or be dropped.
	Unpublished bool
}

// Moved reports whether the work calendar put o on another day.
func (o Occurrence) Moved() bool { return o.Wall != o.Name }

// New checks spec and makes it ready. cal is the calendar of spec.Region; it may
// be nil where the spec names no region. An error is a moment.Error of kind
// Invalid with a field for everything wrong.
func New(spec Spec, cal *Calendar) (*Schedule, error) {
	spec, err := spec.normal()
	if err != nil {
		return nil, err
	}
	if spec.Region != "" && (cal == nil || cal.region != spec.Region) {
		return nil, moment.InvalidFields([]moment.Field{{Path: "region", Message: "has no work calendar here"}})
	}
	s := &Schedule{spec: spec, cal: cal}
	if s.loc, err = time.LoadLocation(spec.Zone); err != nil {
		return nil, moment.InvalidFields([]moment.Field{{Path: "zone", Message: "is not a known IANA time zone"}})
	}
	if spec.Kind == KindCron {
		if s.cron, err = ParseCron(spec.Cron); err != nil {
			return nil, err
		}
	}
	return s, nil
}

// Spec is what s was made from, in the form in which it is stored.
func (s *Schedule) Spec() Spec {
	spec := s.spec
	spec.Times = slices.Clone(spec.Times)
	return spec
}

// Location is s's time zone.
func (s *Schedule) Location() *time.Location { return s.loc }

// Elapsed reports whether s follows elapsed time: a cron expression whose hour
// is unrestricted.
func (s *Schedule) Elapsed() bool { return s.spec.Kind == KindCron && s.cron.elapsed() }

// After yields the occurrences whose instants lie after t, in strictly increasing
// order. It ends with the schedule, or after ten years without one.
func (s *Schedule) After(t time.Time) iter.Seq[Occurrence] {
	return func(yield func(Occurrence) bool) {
		r := s.run(t)
		for o, ok := r.next(); ok; o, ok = r.next() {
			if !yield(o) {
				return
			}
		}
	}
}

// Between yields the occurrences at a or later and before b.
func (s *Schedule) Between(a, b time.Time) iter.Seq[Occurrence] {
	return func(yield func(Occurrence) bool) {
		for o := range s.After(a.Add(-1)) {
			if !o.At.Before(b) || !yield(o) {
				return
			}
		}
	}
}

// Next is the first occurrence after t; false if there is none.
func (s *Schedule) Next(t time.Time) (Occurrence, bool) {
	return s.run(t).next()
}

// Find is the occurrence that has a name; false if the schedule has none of that
// name, or the calendar drops it. A name that was merged into another occurrence
// finds that one.
func (s *Schedule) Find(name Wall) (Occurrence, bool) {
	c := newClock(s.loc)
	at, _ := c.first(name)
	for o := range s.After(time.Unix(at-1, 0)) {
		if o.Name == name || slices.Contains(o.Merged, name) {
			return o, true
		}
		// A moved one comes later than its name, by a bounded time.
		if o.Wall.Date() > name.Date()+maxMove+2 {
			break
		}
	}
	return Occurrence{}, false
}
