package schedule

import (
	"fmt"
	"slices"

	"momentcast/internal/moment"
)

// Kind is the form of a schedule.
type Kind string

// The kinds.
const (
	KindOnce  Kind = "once"  // one wall time
	KindTimes Kind = "times" // a list of wall times
	KindCron  Kind = "cron"  // a cron expression
)

// Limits of a schedule.
const (
	MaxTimes = 1000
	MaxCount = 10_000 // occurrences are counted from the start, every time
)

// Spec is a schedule as it is stated and stored. Its text form is String's.
type Spec struct {
	Kind   Kind
	Times  []Wall // once: one; times: up to MaxTimes, kept sorted; cron: none
	Cron   string // cron only
	Zone   string // IANA name, never empty
	Start  Wall   // the first wall time that may fire; zero is no bound
	End    Wall   // the last one, itself included; zero is no bound
	Count  int    // fire this often and then no more; 0 is no bound. Needs a Start unless the times are listed
	Rule   Rule
	Region string // whose work calendar the rule asks; "" only with AsIs
}

// Check reports everything wrong with s as one Invalid error with a field for
// each: kind, times, cron, zone, start, end, count, rule, region.
func (s Spec) Check() error {
	_, fs := s.check()
	return moment.InvalidFields(fs)
}

// check also returns the expression, if there is one.
func (s Spec) check() (c Cron, fs []moment.Field) {
	add := func(path, message string) {
		if message != "" {
			fs = append(fs, moment.Field{Path: path, Message: message})
		}
	}
	switch s.Kind {
	case KindOnce:
		fs = append(fs, s.checkTimes(1, 1)...)
		if !s.Start.IsZero() || !s.End.IsZero() || s.Count != 0 {
			add("kind", "a single time takes no start, end or count")
		}
	case KindTimes:
		fs = append(fs, s.checkTimes(1, MaxTimes)...)
	case KindCron:
		var cfs []moment.Field
		c, cfs = parseCron(s.Cron)
		fs = append(fs, cfs...)
	default:
		add("kind", "must be once, times or cron")
	}
	if s.Kind == KindCron && len(s.Times) > 0 {
		add("times", "must be empty where there is a cron expression")
	}
	if s.Kind != KindCron && s.Cron != "" {
		add("cron", "must be empty where times are listed")
	}
	add("zone", moment.CheckZone(s.Zone))
	add("count", s.checkCount())
	add("region", s.checkRule(add))
	if s.checkBounds(add) && len(fs) == 0 {
		s.checkFires(c, add)
	}
	return c, fs
}

func (s Spec) checkTimes(least, most int) (fs []moment.Field) {
	if len(s.Times) < least || len(s.Times) > most {
		message := "must be one wall time"
		if most > 1 {
			message = fmt.Sprintf("must be 1 to %d wall times", most)
		}
		return []moment.Field{{Path: "times", Message: message}}
	}
	seen := make(map[Wall]bool, len(s.Times))
	for i, w := range s.Times {
		path := fmt.Sprintf("times[%d]", i)
		switch {
		case badWall(w):
			fs = append(fs, moment.Field{Path: path, Message: fmt.Sprintf("must be a wall time between the years %d and %d", minYear, maxYear)})
		case seen[w]:
			fs = append(fs, moment.Field{Path: path, Message: "stands there twice"})
		}
		seen[w] = true
	}
	return fs
}

func badWall(w Wall) bool {
	y := w.Date().Year()
	return w.again || y < minYear || y > maxYear
}

func (s Spec) checkCount() string {
	switch {
	case s.Count < 0 || s.Count > MaxCount:
		return fmt.Sprintf("must be between 0 (no limit) and %d", MaxCount)
	case s.Count > 0 && s.Kind == KindCron && s.Start.IsZero():
		return "needs a start, from which it is counted"
	}
	return ""
}

func (s Spec) checkRule(add func(path, message string)) (region string) {
	switch s.Rule {
	case AsIs:
		if s.Region == "" {
			return ""
		}
	case SkipHolidays, WorkingDays, NextWorkingDay:
	default:
		add("rule", "must be empty, skip_holidays, working_days or next_working_day")
	}
	return checkRegion(s.Region)
}

func (s Spec) checkBounds(add func(path, message string)) bool {
	ok := true
	for _, b := range []struct {
		path string
		wall Wall
	}{{"start", s.Start}, {"end", s.End}} {
		if !b.wall.IsZero() && badWall(b.wall) {
			add(b.path, fmt.Sprintf("must be a wall time between the years %d and %d", minYear, maxYear))
			ok = false
		}
	}
	if ok && !s.Start.IsZero() && !s.End.IsZero() && s.End.Compare(s.Start) < 0 {
		add("end", "lies before the start")
		ok = false
	}
	return ok
}

// checkFires refuses bounds between which there is no wall time at all. What a
// work calendar drops is another matter: calendars change.
func (s Spec) checkFires(c Cron, add func(path, message string)) {
	if s.Kind == KindTimes {
		if !slices.ContainsFunc(s.Times, s.within) {
			add("times", "none lies between the start and the end")
		}
		return
	}
	if s.Kind != KindCron || s.Start.IsZero() || s.End.IsZero() {
		return
	}
	w, ok := c.next(Wall{min: s.Start.min - 1})
	if !ok || s.End.Compare(w) < 0 {
		add("end", "the schedule never fires between the start and the end")
	}
}

// within reports whether a wall time lies between start and end, both included.
func (s Spec) within(w Wall) bool {
	return w.min >= s.Start.min && (s.End.IsZero() || w.min <= s.End.min)
}
