package schedule

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"momentcast/internal/moment"
)

// Mode is a form of the editor.
type Mode string

// The modes.
const (
	EveryDay Mode = "every_day"
	Weekdays Mode = "weekdays" // Monday to Friday, whatever the work calendar says
	Weekly   Mode = "weekly"
	Monthly  Mode = "monthly"
	Advanced Mode = "advanced" // an expression
)

// Editor is a cron expression as a person sees it in a form. Every form is an
// expression; an expression that is none of the simple forms is Advanced.
type Editor struct {
	Mode      Mode
	Times     []string // HH:MM, sorted; not in Advanced
	Weekdays  []int    // of Weekly: 1 is Monday, 7 Sunday
	MonthDays []int    // of Monthly: 1 to 31; a month without that day has no firing
	LastDay   bool     // of Monthly
	Expr      string   // of Advanced
}

// Editor is c as a form.
func (c Cron) Editor() Editor {
	e := Editor{Mode: Advanced, Expr: c.text}
	times, ok := c.clocks(maxEditorTimes)
	if !ok || c.month != allMonths || c.elapsed() {
		return e
	}
	switch d := c.days; {
	case d.any:
		return Editor{Mode: EveryDay, Times: times}
	case d.weekday == mondayToFriday && d.month == 0 && !d.last:
		return Editor{Mode: Weekdays, Times: times}
	case d.weekday == 0:
		return Editor{Mode: Monthly, Times: times, MonthDays: values(d.month), LastDay: d.last}
	case d.month == 0 && !d.last:
		return Editor{Mode: Weekly, Times: times, Weekdays: weekdays(d.weekday)}
	}
	return e
}

// maxEditorTimes is how many times of day a form holds.
const maxEditorTimes = 24

// Cron is the expression that e stands for. An error is a moment.Error of kind
// Invalid with a field for everything wrong: mode, times, weekdays, month_days,
// or cron for the expression of Advanced.
func (e Editor) Cron() (Cron, error) {
	if e.Mode == Advanced {
		return ParseCron(e.Expr)
	}
	var fs []moment.Field
	wrong := func(path, message string) { fs = append(fs, moment.Field{Path: path, Message: message}) }
	minutes, hours, problem := product(e.Times)
	if problem != "" {
		wrong("times", problem)
	}
	dom, dow := "*", "*"
	switch e.Mode {
	case EveryDay:
	case Weekdays:
		dow = "1-5"
	case Weekly:
		if dow = setText(e.weekdaySet(wrong), 0, 6, false); dow == "" {
			wrong("weekdays", "choose at least one")
		}
	case Monthly:
		if dom = monthDaysText(e.monthSet(wrong)); dom == "" {
			wrong("month_days", "choose at least one")
		}
	default:
		wrong("mode", "must be every_day, weekdays, weekly, monthly or advanced")
	}
	if err := moment.InvalidFields(fs); err != nil {
		return Cron{}, err
	}
	return ParseCron(strings.Join([]string{setText(minutes, 0, 59, true), setText(hours, 0, 23, true), dom, "*", dow}, " "))
}

func (e Editor) weekdaySet(wrong func(path, message string)) (set uint64) {
	for i, d := range e.Weekdays {
		if d < 1 || d > 7 {
			wrong("weekdays["+strconv.Itoa(i)+"]", "must be between 1 (Monday) and 7 (Sunday)")
			continue
		}
		set |= 1 << (d % 7)
	}
	return set
}

func (e Editor) monthSet(wrong func(path, message string)) days {
	var set uint64
	for i, d := range e.MonthDays {
		if d < 1 || d > 31 {
			wrong("month_days["+strconv.Itoa(i)+"]", "must be between 1 and 31")
			continue
		}
		set |= 1 << d
	}
	return days{month: set, last: e.LastDay}
}

// product reads times of day as the minutes and hours of an expression. Cron can
// only say every hour with every minute, so 09:00 and 18:30 are two schedules.
func product(times []string) (minutes, hours uint64, problem string) {
	if len(times) == 0 || len(times) > maxEditorTimes {
		return 0, 0, fmt.Sprintf("must be 1 to %d times written HH:MM", maxEditorTimes)
	}
	var given []string
	for _, t := range times {
		h, m, ok := parseClock(t)
		if !ok {
			return 0, 0, "must be written HH:MM, from 00:00 to 23:59"
		}
		minutes, hours = minutes|1<<m, hours|1<<h
		given = append(given, t)
	}
	slices.Sort(given)
	if len(slices.Compact(given)) != len(values(minutes))*len(values(hours)) {
		return 0, 0, "must share their minutes, such as 09:00 and 18:00; other times need a schedule of their own"
	}
	if hours == allHours {
		return 0, 0, "must leave out an hour of the day; for every hour use an expression"
	}
	return minutes, hours, ""
}

func parseClock(s string) (h, m int, ok bool) {
	if len(s) != len("09:00") || s[2] != ':' {
		return 0, 0, false
	}
	h, okH := number(s[:2])
	m, okM := number(s[3:])
	return h, m, okH && okM && h < 24 && m < 60
}
