package moment

import (
	"slices"
	"time"
)

// Move is what would come of giving a post a time.
type Move struct {
	Past      bool      // the time is over: it would leave at once
	Departure Departure // of the post itself; At is zero where nothing can be told
	Delayed   []Delay   // other posts that would leave later for it
	Free      time.Time // the first time from the wanted one on at which nothing is in the way; zero = none found
}

// Fits reports whether the post would leave at its time and in nobody's way.
func (m *Move) Fits() bool {
	return !m.Past && !m.Departure.Missed && m.Departure.Why == "" && len(m.Delayed) == 0
}

// Delay is what a move makes of another post.
type Delay struct{ Was, Is Departure }

// Move says what would come of it if the instance's post d were scheduled for
// d.DueAt; one that is scheduled already would be moved. It asks about the rules
// of pace: an instance that is offline or paused is looked at as if it were not,
// and so is a pause of everything.
func (o *Outlook) Move(instance int64, d Due) Move {
	p, ok := o.Instances[instance]
	if !ok {
		return Move{}
	}
	q := o.running(p, d.ID)
	before := q.Forecast(instance)
	m := q.try(instance, d, before)
	limit := d.MissAt.Sub(d.DueAt)
	if m.Fits() {
		m.Free = d.DueAt
		return m
	}
	for at := m.next(d.DueAt, o.Situation.Now, p.Instance.Pacing.Over(o.Defaults)); ; {
		e := Due{ID: d.ID, DueAt: at}
		if !d.MissAt.IsZero() {
			e.MissAt = at.Add(limit)
		}
		then := q.try(instance, e, before)
		if then.Departure.At.IsZero() || at.Sub(d.DueAt) > FutureLimit/60 {
			return m
		}
		if then.Fits() {
			m.Free = at
			return m
		}
		at = then.next(at, o.Situation.Now, p.Instance.Pacing.Over(o.Defaults))
	}
}

// running is the outlook of one instance that does not wait for the world,
// without the post.
func (o *Outlook) running(p *Prospect, without int64) *Outlook {
	q := *p
	q.Queue = slices.DeleteFunc(slices.Clone(p.Queue), func(d Due) bool { return d.ID == without })
	i := &q.Instance
	if i.closed() != "" {
		none := time.Duration(0)
		i.Pacing.OnlineAge = &none // from when on it counts is not known yet
		i.Paused, i.Online, i.MissingSince = false, true, time.Time{}
		if i.OnlineSince.IsZero() {
			i.OnlineSince = o.Situation.Now
		}
		if i.WID == "" {
			i.WID = "?"
		}
	}
	return &Outlook{Situation: Situation{Now: o.Situation.Now}, Defaults: o.Defaults, Instances: map[int64]*Prospect{i.ID: &q}}
}

// try compares what the queue does with the post and without it.
func (o *Outlook) try(instance int64, d Due, before []Departure) Move {
	m := Move{Past: d.DueAt.Before(o.Situation.Now.Add(-time.Minute))}
	was := make(map[int64]Departure, len(before))
	for _, b := range before {
		was[b.ID] = b
	}
	for _, is := range o.Forecast(instance, d) {
		if is.ID == d.ID {
			m.Departure = is
			continue
		}
		b := was[is.ID]
		if !b.Missed && (is.Missed || is.At.After(b.At)) {
			m.Delayed = append(m.Delayed, Delay{b, is})
		}
	}
	return m
}

// next is the first whole minute after at that is worth a try.
func (m *Move) next(at, now time.Time, pace Pacing) time.Time {
	next := at.Add(time.Minute)
	switch {
	case m.Past:
		next = now
	case m.Departure.At.After(at):
		next = m.Departure.At
	case len(m.Delayed) > 0:
		// Behind the first one that it holds up.
		next = later(next, m.Delayed[0].Was.At.Add(pace.MinGap))
	}
	if whole := next.Truncate(time.Minute); !whole.Equal(next) {
		next = whole.Add(time.Minute)
	}
	return later(next, at.Add(time.Minute))
}
