package moment

import (
	"cmp"
	"slices"
	"time"
)

// DryRun is what the posts of some days would come to under the real gates, if
// nothing changed but the time and everything planned were released.
type DryRun struct {
	From, Until time.Time
	Posts       int
	OnTime      int // within a second
	Late        int
	Missed      int
	Unknown     int // it waits for a person or for the world to change: Reasons says for what
	Reasons     map[HoldReason]int
	Days        []DryRunDay
	Worst       []DryRunLine // missed, unknown, then the latest ones; at most MaxDryRunLines
	Crowded     []Crowd      // instances with more posts on a day than their cap allows, the worst first
	Partial     bool         // there are more posts than were looked at
	Density     *Density     // of the campaign asked about; nil without one
	Problems    int          // posts of that campaign that could not be made
}

// MaxDryRunLines is how many departures and crowds a dry run lists.
const MaxDryRunLines = 200

// DryRunPost is a post that takes part in a dry run.
type DryRunPost struct {
	Due
	InstanceID int64
	CampaignID int64 // 0 = of none
	Title      string
}

// DryRunLine is how one post would fare.
type DryRunLine struct {
	Departure
	InstanceID int64
	WcID       string
	Name       string
	TimeZone   string
	CampaignID int64
	Title      string
}

// DryRunDay counts the posts that are due on a day, by each instance's own zone.
type DryRunDay struct {
	Date   string // 2006-01-02
	Posts  int
	Late   int
	Missed int
}

// Crowd is an instance with more posts on a day than it may send.
type Crowd struct {
	InstanceID int64
	WcID       string
	Name       string
	Date       string
	Posts      int
	Cap        int
}

// Density is how much a schedule asks for, on its busiest of the next days.
type Density struct {
	Firings int   // a day
	Targets int   // instances
	Posts   int64 // a day
	Allowed int64 // what the caps of the targets allow a day; -1 = some have no cap
}

// Breaks reports whether the schedule asks for more than its targets may send.
func (d *Density) Breaks() bool { return d.Allowed >= 0 && d.Posts > d.Allowed }

// DryRun lets the posts leave by the engine's own gates. Posts that are in the
// outlook's queues already take part by themselves; titles tells about them.
func (o *Outlook) DryRun(more []DryRunPost, known map[int64]DryRunPost, until time.Time) *DryRun {
	r := &DryRun{From: o.Situation.Now, Until: until, Reasons: map[HoldReason]int{}}
	extra := map[int64][]Due{}
	about := map[int64]DryRunPost{}
	for i, p := range more {
		if p.ID == 0 {
			p.ID = -int64(i) - 1 // found again by it
		}
		about[p.ID] = p
		extra[p.InstanceID] = append(extra[p.InstanceID], p.Due)
	}
	// A pause ends some time; what is asked is how the plan fares then.
	situation := o.Situation
	o.Situation.Paused, o.Situation.GatewayDown = false, false
	defer func() { o.Situation = situation }()
	days := map[string]*DryRunDay{}
	for _, id := range sortedKeys(o.Instances) {
		i := &o.Instances[id].Instance
		perDay := map[string]int{}
		zone := i.zone()
		for _, d := range o.Forecast(id, extra[id]...) {
			if !d.DueAt.Before(until) {
				continue
			}
			p, ok := about[d.ID]
			if !ok {
				p = known[d.ID]
			}
			date := d.DueAt.In(zone).Format(time.DateOnly)
			perDay[date]++
			r.add(d, date, days)
			r.list(DryRunLine{Departure: d, InstanceID: id, WcID: i.WcID, Name: i.Name, TimeZone: i.TimeZone, CampaignID: p.CampaignID, Title: p.Title})
		}
		r.Partial = r.Partial || !o.Instances[id].CutAt.IsZero() && o.Instances[id].CutAt.Before(until)
		if limit := i.Pacing.Over(o.Defaults).DailyCap; limit > 0 {
			for _, date := range sortedKeys(perDay) {
				if n := perDay[date]; n > limit {
					r.Crowded = append(r.Crowded, Crowd{id, i.WcID, i.Name, date, n, limit})
				}
			}
		}
	}
	for _, date := range sortedKeys(days) {
		r.Days = append(r.Days, *days[date])
	}
	r.trim()
	slices.SortStableFunc(r.Crowded, func(a, b Crowd) int { return cmp.Compare(b.Posts-b.Cap, a.Posts-a.Cap) })
	r.Crowded = r.Crowded[:min(len(r.Crowded), MaxDryRunLines)]
	return r
}

func sortedKeys[K cmp.Ordered, V any](m map[K]V) []K {
	keys := make([]K, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

func (r *DryRun) add(d Departure, date string, days map[string]*DryRunDay) {
	day := days[date]
	if day == nil {
		day = &DryRunDay{Date: date}
		days[date] = day
	}
	day.Posts++
	r.Posts++
	switch {
	case d.Missed:
		r.Missed++
		day.Missed++
	case d.At.IsZero():
		r.Unknown++
	case d.Late() > time.Second:
		r.Late++
		day.Late++
	default:
		r.OnTime++
		return
	}
	r.Reasons[d.Why]++
}

func (r *DryRun) list(l DryRunLine) {
	if !l.Missed && !l.At.IsZero() && l.Late() <= time.Second {
		return
	}
	if r.Worst = append(r.Worst, l); len(r.Worst) > 4*MaxDryRunLines {
		r.trim() // the rest is of no interest and need not be kept
	}
}

func (r *DryRun) trim() {
	rank := func(l DryRunLine) int {
		switch {
		case l.Missed:
			return 0
		case l.At.IsZero():
			return 1
		}
		return 2
	}
	slices.SortStableFunc(r.Worst, func(a, b DryRunLine) int {
		return cmp.Or(cmp.Compare(rank(a), rank(b)), cmp.Compare(b.Late(), a.Late()), a.DueAt.Compare(b.DueAt))
	})
	r.Worst = r.Worst[:min(len(r.Worst), MaxDryRunLines)]
}
