package schedule

import (
	"cmp"
	"slices"
	"time"
)

// Entry is one line of a preview: an occurrence that fires, or one that the work
// calendar drops, which then stands for all of its day.
type Entry struct {
	Occurrence
	Dropped bool         // it doesn't fire, Reason says why, and At is when it would have
	Weekday time.Weekday // of Local
	Local   time.Time    // At in the schedule's zone
	Zone    string       // the zone's abbreviation then: CST, or +08 where it has none
	Offset  int          // seconds east of UTC
	Day     Day          // what the calendar says of the day it fires on
	From    Day          // and of the day it was planned for
}

// Preview is what a schedule does next.
type Preview struct {
	Entries     []Entry // by instant
	Dropped     int     // days dropped in between, of which at most 100 are listed
	Ended       bool    // nothing fires after these
	Unpublished []int   // years that entries rest on and whose holidays are not published yet
}

// maxDropped is how many dropped days a preview lists.
const maxDropped = 100

// Preview lists the next n firings after t, at least one, and what is dropped
// between them.
func (s *Schedule) Preview(t time.Time, n int) Preview {
	var p Preview
	r := s.run(t)
	var dropped []Entry
	r.drop = func(o Occurrence) {
		if o.At.After(t) {
			dropped = append(dropped, s.entry(o, true))
		}
	}
	last := time.Time{}
	for range max(n, 1) {
		o, ok := r.next()
		if !ok {
			p.Ended = true
			break
		}
		last = o.At
		p.Entries = append(p.Entries, s.entry(o, false))
	}
	if !p.Ended {
		_, more := r.next()
		p.Ended = !more
	}
	for _, e := range dropped {
		// The walk looks ahead: what it dropped after the last firing is not asked for.
		if !p.Ended && e.At.After(last) {
			continue
		}
		if p.Dropped++; p.Dropped <= maxDropped {
			p.Entries = append(p.Entries, e)
		}
	}
	slices.SortStableFunc(p.Entries, func(a, b Entry) int { return a.At.Compare(b.At) })
	p.Unpublished = s.unpublished(p.Entries)
	return p
}

func (s *Schedule) entry(o Occurrence, dropped bool) Entry {
	local := o.At.In(s.loc)
	abbreviation, offset := local.Zone()
	return Entry{
		Occurrence: o, Dropped: dropped,
		Local: local, Weekday: local.Weekday(), Zone: abbreviation, Offset: offset,
		Day: s.cal.Day(WallOf(local).Date()), From: s.cal.Day(o.Name.Date()),
	}
}

// unpublished collects the years without data that entries touch.
func (s *Schedule) unpublished(entries []Entry) []int {
	var years []int
	for _, e := range entries {
		if !e.Unpublished {
			continue
		}
		for _, d := range []Day{e.From, e.Day} {
			if !d.Published {
				years = append(years, d.Date.Year())
			}
		}
	}
	slices.SortFunc(years, cmp.Compare[int])
	return slices.Compact(years)
}
