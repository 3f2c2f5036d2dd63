package schedule

import (
	"fmt"
	"strings"
)

// Lang is a language of the interface.
type Lang string

// The languages. Any other is read as English.
const (
	Chinese Lang = "zh-CN"
	English Lang = "en"
)

// language is what differs between the languages in which schedules are told.
type language interface {
	days(days, []int) string    // "every day", "每天"; months nil for all
	clocks([]string) string     // "at 09:00 and 18:00"
	frequency(frequency) string // "every 15 minutes from 09:00 to 17:45"
	join(days, times string, often bool) string
	bounds(start, end string, count int) string
	rule(Rule) string
	once(Wall) string
	list(n int, shown []Wall) string
	zone(string) string
}

func (l Lang) language() language {
	if l == Chinese {
		return chinese{}
	}
	return english{}
}

// Words tells when c fires, in words: "every day at 09:00", "每天 09:00". What has
// no idiom is described field by field. Two expressions that are told alike fire
// alike.
func (c Cron) Words(lang Lang) string {
	l := lang.language()
	var months []int
	if c.month != allMonths {
		months = values(c.month)
	}
	d := l.days(c.days, months)
	if clocks, ok := c.clocks(maxClocks); ok && c.frequencyKind() != everyNthHour {
		return l.join(d, l.clocks(clocks), false)
	}
	return l.join(d, l.frequency(c.frequency()), true)
}

// Words tells the whole schedule: when, in which zone, from when until when, how
// often and by which rule.
func (s Spec) Words(lang Lang) string {
	l := lang.language()
	var b strings.Builder
	switch s.Kind {
	case KindOnce:
		if len(s.Times) == 1 {
			b.WriteString(l.once(s.Times[0]))
		}
	case KindTimes:
		b.WriteString(l.list(len(s.Times), s.Times[:min(len(s.Times), maxListed)]))
	case KindCron:
		if c, err := ParseCron(s.Cron); err == nil {
			b.WriteString(c.Words(lang))
		}
	}
	b.WriteString(l.zone(s.Zone))
	b.WriteString(l.bounds(boundText(s.Start, 0), boundText(s.End, minutesPerDay-1), s.Count))
	b.WriteString(l.rule(s.Rule))
	return b.String()
}

const (
	maxClocks = 8 // times of day that are told one by one
	maxListed = 5 // wall times of a list that are
)

// boundText leaves out the time of day where the bound is a whole day's.
func boundText(w Wall, plain int) string {
	switch {
	case w.IsZero():
		return ""
	case w.minuteOfDay() == plain:
		return w.Date().String()
	}
	return spaced(w)
}

// spaced is w as people write it.
func spaced(w Wall) string { return strings.Replace(w.String(), "T", " ", 1) }

// clocks lists the times of day as HH:MM, if there are at most limit of them.
func (c *Cron) clocks(limit int) ([]string, bool) {
	hours, minutes := values(c.hour), values(c.minute)
	if len(hours)*len(minutes) > limit {
		return nil, false
	}
	var all []string
	for _, h := range hours {
		for _, m := range minutes {
			all = append(all, hhmm(h, m))
		}
	}
	return all, true
}

func hhmm(h, m int) string { return fmt.Sprintf("%02d:%02d", h, m) }

// frequency is how often something fires within a day.
type frequency struct {
	kind     frequencyKind
	step     int    // minutes or hours
	allDay   bool   // at every hour
	from, to string // of everyNthMinute and everyNthHour, unless allDay
	minutes  []int  // of atMinutes
	hours    []int  // of atMinutes, nil for all
}

type frequencyKind int

const (
	atMinutes      frequencyKind = iota // at the minutes a, b of the hours c, d
	everyNthMinute                      // every n minutes, over neighbouring hours
	everyNthHour                        // every n hours at one minute
)

func (c *Cron) frequencyKind() frequencyKind {
	minute, hour := everyNth(c.minute, 0, 59), everyNth(c.hour, 0, 23)
	single := len(values(c.minute)) == 1
	switch {
	case single && hour > 1 && 24%hour == 0 && hour <= 6:
		return everyNthHour
	case single && !c.elapsed() && len(runs(c.hour)) == 1 && len(values(c.hour)) > maxClocks:
		return everyNthHour
	case minute > 0 && 60%minute == 0 && len(runs(c.hour)) == 1:
		return everyNthMinute
	case c.minute == setOf(0, 30) && len(runs(c.hour)) == 1:
		return everyNthMinute
	}
	return atMinutes
}

func (c *Cron) frequency() frequency {
	f := frequency{kind: c.frequencyKind(), allDay: c.elapsed()}
	minutes, hours := values(c.minute), values(c.hour)
	f.from = hhmm(hours[0], minutes[0])
	f.to = hhmm(hours[len(hours)-1], minutes[len(minutes)-1])
	switch f.kind {
	case everyNthMinute:
		f.step = minutes[1] - minutes[0]
	case everyNthHour:
		f.step = hours[1] - hours[0]
	default:
		f.minutes = minutes
		if !f.allDay {
			f.hours = hours
		}
	}
	return f
}
