package moment

import (
	"math"
	"time"
)

// ClashKind says what stands in a planned post's way, or beside it.
type ClashKind string

// The kinds of clash.
const (
	ClashGap  ClashKind = "gap"       // another post of the instance is nearer than its gap: one of them will be late
	ClashCap  ClashKind = "daily_cap" // with it the instance has more posts on that day than its cap: one of them waits for another day
	ClashLink ClashKind = "duplicate" // the instance posts the same link within the days that the setting names
)

// ClashKinds lists every kind.
var ClashKinds = []ClashKind{ClashGap, ClashCap, ClashLink}

// Clash is one thing to know before a post is scheduled. It never forbids it.
type Clash struct {
	Kind  ClashKind
	Post  int64     // the other post; 0 for ClashCap, or one that is not stored
	At    time.Time // when that one is due or was sent; for ClashCap when the day begins
	State State     // of the other post, for ClashLink
	Count int       // for ClashCap: posts on that day with this one
	Limit int       // for ClashCap: the cap; for ClashLink: the days looked at
}

// PostCheck is what would become of one post if it was scheduled.
type PostCheck struct {
	InstanceID int64
	Departure          // At is zero and Why "" where the queue is too long to tell
	Clashes    []Clash // gap (before, after), cap, then duplicates, nearest first
}

// Clashes tells with which scheduled posts of the instance a post at that time
// collides: the nearest before and after that is within the gap, and the cap
// of the day. A post of the same ID is not another one.
func (o *Outlook) Clashes(instance int64, d Due) []Clash {
	p, ok := o.Instances[instance]
	if !ok {
		return nil
	}
	i := &p.Instance
	pace, zone := i.Pacing.Over(o.Defaults), i.zone()
	day := d.DueAt.In(zone).Format(time.DateOnly)
	n := 1
	if day == i.SentOn {
		n += i.SentCount
	}
	before, after := nearest{gap: pace.MinGap}, nearest{gap: pace.MinGap}
	for _, other := range p.Queue {
		if other.ID == d.ID {
			continue
		}
		if other.DueAt.After(d.DueAt) {
			after.take(other, other.DueAt.Sub(d.DueAt))
		} else {
			before.take(other, d.DueAt.Sub(other.DueAt))
		}
		if other.DueAt.In(zone).Format(time.DateOnly) == day {
			n++
		}
	}
	out := append(before.clash(), after.clash()...)
	if pace.DailyCap > 0 && n > pace.DailyCap {
		y, m, dd := d.DueAt.In(zone).Date()
		out = append(out, Clash{Kind: ClashCap, At: onClock(time.Date(y, m, dd, 0, 0, 0, 0, time.UTC), 0, zone), Count: n, Limit: pace.DailyCap})
	}
	return out
}

// nearest keeps the post that is nearest within the gap.
type nearest struct {
	gap  time.Duration
	best Due
	any  bool
}

func (n *nearest) take(d Due, away time.Duration) {
	if away < n.gap {
		n.gap, n.best, n.any = away, d, true
	}
}

func (n *nearest) clash() []Clash {
	if !n.any {
		return nil
	}
	return []Clash{{Kind: ClashGap, Post: n.best.ID, At: n.best.DueAt}}
}

// ScheduledAs is the post as a forecast takes it. One that is not stored is
// told from others of its kind by n.
func (p *Post) ScheduledAs(n int) Due {
	d := Due{ID: p.ID, DueAt: p.DueAt, MissAt: p.MissAt()}
	if d.ID == 0 {
		d.ID = math.MinInt64 + int64(n)
	}
	return d
}
