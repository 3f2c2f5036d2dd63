package schedule

import "time"

// Planned is an occurrence as it was stored under some version of the zone data.
type Planned struct {
	Name Wall      // its identity
	Wall Wall      // the wall time it aims at, which stays
	At   time.Time // the instant that was computed from Wall
}

// Change is what new zone data makes of a planned occurrence.
type Change struct {
	Planned
	Now   time.Time // the instant from now on; zero if Gone
	Gone  bool      // the clock no longer shows Wall: a second copy, or a skipped time of a schedule that follows elapsed time
	Merge Wall      // another planned occurrence, named later, that now falls on Now and fires for both; zero if none
}

// Recompute maps planned occurrences to instants once more, with the zone data of
// this program, and returns those that change, in the order given. A
// government that moves its clocks moves instants; what people were promised is
// the wall time, so that is kept. Occurrences of s that the new data adds are not
// among them: [Schedule.Between] yields those.
func (s *Schedule) Recompute(planned []Planned) []Change {
	c := newClock(s.loc)
	now := make([]Change, len(planned))
	byInstant := map[int64]Wall{}
	for i, p := range planned {
		now[i] = s.recompute(&c, p)
		if at := now[i].Now.Unix(); !now[i].Gone && byInstant[at].Compare(p.Name) < 0 {
			byInstant[at] = p.Name
		}
	}
	var changes []Change
	for _, ch := range now {
		if name := byInstant[ch.Now.Unix()]; !ch.Gone && name != ch.Name {
			ch.Merge = name
		}
		if ch.Gone || !ch.Merge.IsZero() || !ch.Now.Equal(ch.At) {
			changes = append(changes, ch)
		}
	}
	return changes
}

func (s *Schedule) recompute(c *clock, p Planned) Change {
	ch := Change{Planned: p}
	at, shift := c.first(p.Wall)
	ok := true
	switch {
	case p.Wall.again:
		at, ok = c.second(p.Wall)
	case shift == ShiftGap && s.Elapsed() && p.Wall == p.Name:
		ok = false
	}
	if !ok {
		ch.Gone = true
		return ch
	}
	ch.Now = time.Unix(at, 0).UTC()
	return ch
}
