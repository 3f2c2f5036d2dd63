package schedule

// Rule says what becomes of an occurrence on a day on which people do not work.
// "" is AsIs.
type Rule string

// The rules.
const (
	AsIs           Rule = ""                 // every day is like any other
	SkipHolidays   Rule = "skip_holidays"    // dropped on public holidays; weekends fire
	WorkingDays    Rule = "working_days"     // dropped on every day off; make-up Saturdays fire
	NextWorkingDay Rule = "next_working_day" // from a day off to the next working day, at the same time of day
)

// Reason says why an occurrence was dropped, or moved.
type Reason string

// The reasons. "" is an occurrence that fires as planned.
const (
	ReasonHoliday      Reason = "holiday"        // a public holiday
	ReasonWeekend      Reason = "weekend"        // the week's day of rest
	ReasonPastEnd      Reason = "past_end"       // the day it would move to lies after the schedule's end
	ReasonNoWorkingDay Reason = "no_working_day" // none within the next 62 days
)

// maxMove is how many days an occurrence may move before it is dropped instead.
const maxMove = 62

// placed is where a rule puts a day.
type placed struct {
	date      Date   // equal to the planned one unless moved
	reason    Reason // why moved or dropped
	dropped   bool
	unsettled bool // rests on a day whose year is not published
}

// place applies a rule to a day.
func (r Rule) place(cal *Calendar, d Date) placed {
	day := cal.Day(d)
	p := placed{date: d, unsettled: !day.Published}
	why := ReasonHoliday
	if day.Kind == "" {
		why = ReasonWeekend
	}
	switch {
	case r == AsIs || day.Working():
		return p
	case r == SkipHolidays && day.Kind != Off:
		return p
	case r != NextWorkingDay:
		p.reason, p.dropped = why, true
		return p
	}
	for to := d + 1; to <= d+maxMove && to <= lastDate; to++ {
		next := cal.Day(to)
		p.unsettled = p.unsettled || !next.Published
		if next.Working() {
			p.date, p.reason = to, why
			return p
		}
	}
	p.reason, p.dropped = ReasonNoWorkingDay, true
	return p
}

// reaches is the earliest day from which a rule may move an occurrence to d or
// later. It is d itself unless d follows days off.
func (r Rule) reaches(cal *Calendar, d Date) Date {
	if r != NextWorkingDay {
		return d
	}
	for n := 0; n < maxMove && !cal.Day(d-1).Working(); n++ {
		d--
	}
	return d
}
