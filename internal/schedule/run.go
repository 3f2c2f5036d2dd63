package schedule

import (
	"cmp"
	"slices"
	"time"
)

// horizon is how far after t, or after the last firing, the next is looked for.
const horizon = Date(10 * 366)

// run is one walk along a schedule: source → bounds and calendar → groups that
// may share an instant → merged, counted occurrences.
type run struct {
	s     *Schedule
	src   source
	clock clock
	after int64 // instants up to this second are left out
	limit Date  // where the search is given up
	fired int   // for Count
	held  *Occurrence
	ready []Occurrence
	// drop is told of each dropped occurrence, one for all of a day; nil for
	// nobody.
	drop func(Occurrence)
	over bool
}

// run starts a walk whose occurrences lie after t.
func (s *Schedule) run(t time.Time) *run {
	r := &run{s: s, clock: newClock(s.loc), after: t.Unix()}
	from := s.position(&r.clock, r.after)
	r.limit = max(r.clock.shows(r.after).Date(), from.Date()) + horizon
	switch {
	case s.spec.Kind != KindCron:
		times, _ := slices.BinarySearchFunc(s.spec.Times, from, Wall.Compare)
		r.limit = lastDate // a list ends by itself
		r.src = &listSource{clock: newClock(s.loc), times: s.spec.Times[times:]}
	case s.cron.elapsed():
		src := &elapsedSource{clock: newClock(s.loc), lookup: newClock(s.loc), cron: &s.cron}
		at, _ := r.clock.first(from)
		src.seek(at)
		r.src = src
	default:
		r.src = &wallSource{clock: newClock(s.loc), cron: &s.cron, last: Wall{min: from.min - 1}}
	}
	return r
}

// position is a wall time that no occurrence after an instant is named before,
// and not much earlier than needed. Where occurrences are counted it is the
// start.
func (s *Schedule) position(c *clock, after int64) Wall {
	if s.spec.Count > 0 {
		return s.spec.Start
	}
	from := c.shows(after)
	if !c.settled(after) {
		from.min -= shiftMargin / 60
	}
	if s.spec.Rule == NextWorkingDay {
		from = s.spec.Rule.reaches(s.cal, from.Date()).minute(0)
	}
	if from.min < s.spec.Start.min {
		from = s.spec.Start
	}
	if first := NewDate(minYear, time.January, 1).minute(0); from.min < first.min {
		from = first
	}
	return from
}

// next is the next occurrence to fire.
func (r *run) next() (Occurrence, bool) {
	for {
		r.fill()
		if len(r.ready) == 0 || r.s.spec.Count > 0 && r.fired >= r.s.spec.Count {
			return Occurrence{}, false
		}
		o := r.ready[0]
		r.ready = r.ready[1:]
		r.fired++
		if o.At.Unix() > r.after {
			return o, true
		}
	}
}

// fill makes sure that the head of ready is final. Where days are moved the last
// of one day may share its instant with the first of the next, across a gap at
// midnight, so the last one waits for the next group.
func (r *run) fill() {
	least := 1
	if r.s.spec.Rule == NextWorkingDay {
		least = 2
	}
	for len(r.ready) < least {
		g := r.group()
		if len(g) == 0 {
			return
		}
		r.ready = merge(append(r.ready, g...))
	}
}

// group takes the next occurrences that may share an instant: those that aim at
// one day where days are moved, otherwise those of one instant.
func (r *run) group() []Occurrence {
	var g []Occurrence
	for {
		o, ok := r.take()
		if !ok {
			return g
		}
		if len(g) > 0 && !r.together(g[0], o) {
			r.held = &o
			return g
		}
		g = append(g, o)
	}
}

func (r *run) together(a, b Occurrence) bool {
	if r.s.spec.Rule == NextWorkingDay {
		return a.Wall.Date() == b.Wall.Date()
	}
	return a.At.Equal(b.At)
}

// merge sorts a group by instant and joins what falls on the same one under the
// latest name.
func merge(g []Occurrence) []Occurrence {
	if len(g) == 1 {
		return g
	}
	slices.SortStableFunc(g, func(a, b Occurrence) int {
		return cmp.Or(a.At.Compare(b.At), a.Name.Compare(b.Name))
	})
	out := g[:0]
	for _, o := range g {
		if n := len(out); n > 0 && out[n-1].At.Equal(o.At) {
			o.Merged = slices.Concat(out[n-1].Merged, []Wall{out[n-1].Name}, o.Merged)
			o.Unpublished = o.Unpublished || out[n-1].Unpublished
			out[n-1] = o
			continue
		}
		out = append(out, o)
	}
	return out
}

// take is the next occurrence within the bounds that the calendar lets fire.
func (r *run) take() (Occurrence, bool) {
	if r.held != nil {
		o := *r.held
		r.held = nil
		return o, true
	}
	for !r.over {
		w, ok := r.src.next()
		day := w.name.Date()
		// In a repeated hour names run back a little: hence the day's grace.
		if !ok || day > r.limit || !r.s.spec.End.IsZero() && day > r.s.spec.End.Date()+1 {
			r.over = true
			break
		}
		if !r.s.spec.within(w.name) {
			continue
		}
		o, dropped := r.place(w)
		if !dropped {
			r.limit = max(r.limit, day+horizon)
			return o, true
		}
		if r.drop != nil {
			r.drop(o)
		}
		if o.Reason != ReasonPastEnd {
			r.src.skipTo(day + 1)
		}
	}
	return Occurrence{}, false
}

// place applies the calendar's rule to a wall time and maps it to an instant.
func (r *run) place(w raw) (o Occurrence, dropped bool) {
	o = Occurrence{Name: w.name, Wall: w.name, At: time.Unix(w.at, 0).UTC(), Shift: w.shift}
	if r.s.cal == nil && r.s.spec.Rule == AsIs {
		return o, false
	}
	p := r.s.spec.Rule.place(r.s.cal, w.name.Date())
	o.Reason, o.Unpublished = p.reason, p.unsettled
	if p.dropped || p.date == w.name.Date() {
		return o, p.dropped
	}
	to := p.date.minute(w.name.minuteOfDay())
	if !r.s.spec.within(to) {
		o.Reason = ReasonPastEnd
		return o, true
	}
	at, shift := r.clock.first(to)
	o.Wall, o.At, o.Shift = to, time.Unix(at, 0).UTC(), shift
	return o, false
}
