package moment

import (
	"cmp"
	"math"
	"slices"
	"time"
)

// Due is a scheduled post as a forecast needs it. One that is not stored yet
// has an ID of 0 or below: of the posts that are due at the same time it goes
// last, and such posts among themselves in the order given.
type Due struct {
	ID     int64
	DueAt  time.Time
	MissAt time.Time // from then on it may not be sent; zero = no limit
}

// Departure is when a scheduled post will leave.
type Departure struct {
	Due
	At     time.Time  // when its call begins; of a missed post, when it could have begun; zero = not as things stand
	Why    HoldReason // what moves At beyond its due time, or keeps it from being known; "" = nothing does
	Missed bool       // its lateness limit is over by then
}

// Late is how long after its due time the post will leave; zero if it will not,
// or nobody knows when.
func (d Departure) Late() time.Duration {
	if d.At.IsZero() || d.Missed {
		return 0
	}
	return max(0, d.At.Sub(d.DueAt))
}

// Forecast says when each of the instance's scheduled posts will leave if
// nothing changes but the time: in the order of the engine, by its own Gate,
// applied to the instance as each departure leaves it. Calls are taken to
// succeed and to take no time; a call that is under way, to end now.
//
// Nothing is known of posts that wait for a person or for the world to change:
// while everything or the instance is paused, or the instance is offline, of
// none; while the gateway is down, of those that are due already, and the rest
// is told as if it came back now. A limit that has run out already makes a post
// missed all the same, save in a pause of everything: the resume decides then.
func (i *Instance) Forecast(def Pacing, queue []Due, s Situation) []Departure {
	out := inOrder(queue)
	f := forecaster{Instance: *i, pace: i.Pacing.Over(def), zone: i.zone(), now: s.Now}
	if f.InFlight != 0 {
		f.InFlight = 0
		f.depart(s.Now)
	}
	closed := i.closed()
	for k := range out {
		d := &out[k]
		switch {
		case s.Paused:
			d.Why = HeldPaused
		case closed != "":
			d.Why, d.Missed = closed, d.over(s.Now)
		default:
			f.next(d)
			if s.GatewayDown && !d.DueAt.After(s.Now) {
				d.At, d.Why, d.Missed = time.Time{}, HeldGateway, d.over(s.Now)
			}
		}
	}
	return out
}

// inOrder is the queue in the order in which the engine takes it.
func inOrder(queue []Due) []Departure {
	out := make([]Departure, len(queue))
	for k, d := range queue {
		out[k].Due = d
	}
	slices.SortStableFunc(out, func(a, b Departure) int {
		if c := a.DueAt.Compare(b.DueAt); c != 0 {
			return c
		}
		return cmp.Compare(a.place(), b.place())
	})
	return out
}

// forecaster is an instance on its way through its queue.
type forecaster struct {
	Instance
	pace Pacing
	zone *time.Location
	now  time.Time // nothing leaves before it
}

// next lets the post leave as early as the gate allows, and moves the instance
// on. What the gate says for later holds then, too: it judges day and hour of
// that very instant, and nothing else of the instance changes until then.
func (f *forecaster) next(d *Departure) {
	at, why := f.gate(f.pace, f.zone, d.DueAt, f.now)
	d.At, d.Why = later(at, f.now), why
	if d.Missed = d.over(d.At); !d.Missed {
		f.depart(d.At)
	}
}

// depart is what the outcome of a call at that time makes of the instance.
func (f *forecaster) depart(at time.Time) {
	f.now = at
	f.NextSlotAt, f.SlotReason = at.Add(f.pace.MinGap), HeldGap
	if day := at.In(f.zone).Format(time.DateOnly); day != f.SentOn {
		f.SentOn, f.SentCount = day, 0
	}
	f.SentCount++
}

// place orders posts that are due at the same time.
func (d Due) place() int64 {
	if d.ID <= 0 {
		return math.MaxInt64
	}
	return d.ID
}

// over reports whether the post's limit has run out at that time.
func (d Due) over(at time.Time) bool { return !d.MissAt.IsZero() && !d.MissAt.After(at) }
