package schedule

import (
	_ "embed"
	"math"
	"strings"
	"time"
	_ "time/tzdata" // a container without zone files must plan as everywhere else
)

//go:embed data/zones.txt
var zoneNames string

// Zones lists the IANA time zones that a person may choose from, sorted. Other
// names that the zone data knows are accepted too.
func Zones() []string { return strings.Fields(zoneNames) }

// Shift says that the zone's clock was set around an occurrence's wall time.
type Shift string

// The shifts. "" is the ordinary case.
const (
	ShiftGap    Shift = "gap"    // the wall time is skipped that day; it fires when the gap ends
	ShiftRepeat Shift = "repeat" // the wall time comes twice that day; this is the first
	ShiftAgain  Shift = "again"  // this is the second; only schedules that follow elapsed time have it
)

// shiftMargin is more than any clock was ever set by: across the date line, 24 h.
const shiftMargin = 26 * 60 * 60

// clock maps between a zone's wall time and instants, in seconds since 1970. It
// remembers the period of constant offset it looked at last, and is not safe for
// concurrent use.
type clock struct {
	loc        *time.Location
	start, end int64 // the period, [start, end)
	off        int64 // its offset east of UTC
}

func newClock(loc *time.Location) clock { return clock{loc: loc} }

// load makes the period around at the current one.
func (c *clock) load(at int64) {
	if at >= c.start && at < c.end {
		return
	}
	t := time.Unix(at, 0).In(c.loc)
	_, off := t.Zone()
	start, end := t.ZoneBounds()
	c.off, c.start, c.end = int64(off), math.MinInt64/2, math.MaxInt64/2
	if !start.IsZero() {
		c.start = start.Unix()
	}
	if !end.IsZero() {
		c.end = end.Unix()
	}
	// On 31 December of leap years beyond a zone's table (from 2040 on), Go 1.26
	// says that the period ended with the 30th. A period cut short costs a second
	// look and no more; one that does not hold at would be looked at for ever.
	if c.end <= at {
		c.start, c.end = min(c.start, at), at+1
		if c.offsetAt(at+60*60) == c.off {
			c.end = at + 60*60
		}
	}
}

// shows is what the clock shows at an instant; seconds are cut.
func (c *clock) shows(at int64) Wall {
	c.load(at)
	return Wall{min: floorDiv(at+c.off, 60)}
}

// settled reports whether no change of the clock is near at, so that wall times
// around it map one to one.
func (c *clock) settled(at int64) bool {
	c.load(at)
	return at >= c.start+shiftMargin && at < c.end-shiftMargin
}

// first is the first instant at which the clock shows w or later.
func (c *clock) first(w Wall) (at int64, shift Shift) {
	want := w.min * 60
	if at := want - c.off; at >= c.start+shiftMargin && at < c.end-shiftMargin {
		return at, ""
	}
	// From an instant at which the clock certainly shows less, period by period.
	for from := want - shiftMargin; ; from = c.end {
		c.load(from)
		at := want - c.off
		switch {
		case at < c.start:
			return c.start, ShiftGap
		case at < c.end:
			if at >= c.end-shiftMargin && want-c.offsetAt(c.end) >= c.end {
				return at, ShiftRepeat
			}
			return at, ""
		}
	}
}

// second is the instant at which the clock shows w again, if it does.
func (c *clock) second(w Wall) (at int64, ok bool) {
	if _, shift := c.first(w); shift != ShiftRepeat {
		return 0, false
	}
	return w.min*60 - c.offsetAt(c.end), true
}

func (c *clock) offsetAt(at int64) int64 {
	_, off := time.Unix(at, 0).In(c.loc).Zone()
	return int64(off)
}
