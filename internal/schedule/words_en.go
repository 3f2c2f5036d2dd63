package schedule

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// english tells schedules in English.
type english struct{}

func (english) days(d days, months []int) string {
	in := ""
	if months != nil {
		in = englishList(months, func(m int) string { return time.Month(m).String() })
	}
	monthly, weekly := englishMonthDays(d), englishWeekdays(d.weekday)
	switch {
	case d.any && in == "":
		return "every day"
	case d.any:
		return "every day in " + in
	case monthly == "" && in == "":
		return weekly
	case monthly == "":
		return weekly + " in " + in
	case weekly == "" && in == "":
		return "monthly on the " + monthly
	case weekly == "":
		return "on the " + monthly + " of " + in
	case in == "":
		return "monthly on the " + monthly + ", and also " + weekly
	}
	return "on the " + monthly + " and also " + weekly + ", in " + in
}

func englishMonthDays(d days) string {
	list := values(d.month)
	if d.last {
		list = append(list, 0)
	}
	return englishList(list, func(n int) string {
		if n == 0 {
			return "last day"
		}
		return ordinal(n)
	})
}

func ordinal(n int) string {
	suffix := "th"
	if n/10 != 1 {
		switch n % 10 {
		case 1:
			suffix = "st"
		case 2:
			suffix = "nd"
		case 3:
			suffix = "rd"
		}
	}
	return strconv.Itoa(n) + suffix
}

const mondayToFriday = 0b0111110

func englishWeekdays(set uint64) string {
	switch set {
	case 0:
		return ""
	case mondayToFriday:
		return "on weekdays (Monday to Friday)"
	}
	return "every " + englishList(weekdays(set), func(d int) string { return time.Weekday(d % 7).String() })
}

// weekdays lists a set of weekdays from Monday to Sunday, which is 7.
func weekdays(set uint64) []int {
	if set&1 != 0 {
		set = set&^1 | 1<<7
	}
	return values(set)
}

func englishList(list []int, word func(int) string) string {
	words := make([]string, len(list))
	for i, n := range list {
		words[i] = word(n)
	}
	return englishJoin(words)
}

func englishJoin(words []string) string {
	if len(words) < 2 {
		return strings.Join(words, "")
	}
	return strings.Join(words[:len(words)-1], ", ") + " and " + words[len(words)-1]
}

func (english) clocks(clocks []string) string { return "at " + englishJoin(clocks) }

func (english) frequency(f frequency) string {
	span := " from " + f.from + " to " + f.to
	if f.allDay {
		span = ""
	}
	switch f.kind {
	case everyNthMinute:
		return englishEvery(f.step, "minute") + span
	case everyNthHour:
		// The hours it begins at say the minute too.
		return englishEvery(f.step, "hour") + " from " + f.from + " to " + f.to
	}
	minutes := "at minute " + strconv.Itoa(f.minutes[0])
	if len(f.minutes) > 1 {
		minutes = "at the minutes " + englishList(f.minutes, strconv.Itoa)
	}
	switch len(f.hours) {
	case 0:
		return minutes + " of every hour"
	case 1:
		return minutes + " of hour " + strconv.Itoa(f.hours[0])
	}
	return minutes + " of the hours " + englishList(f.hours, strconv.Itoa)
}

func englishEvery(n int, unit string) string {
	if n == 1 {
		return "every " + unit
	}
	return fmt.Sprintf("every %d %ss", n, unit)
}

func (english) join(days, times string, often bool) string {
	switch {
	case !often:
		return days + " " + times
	case days == "every day":
		return times
	}
	return times + ", " + days
}

func (english) bounds(start, end string, count int) string {
	var b strings.Builder
	if start != "" {
		b.WriteString(", from " + start)
	}
	if end != "" {
		b.WriteString(", until " + end)
	}
	switch {
	case count == 1:
		b.WriteString(", once")
	case count > 1:
		fmt.Fprintf(&b, ", %d times", count)
	}
	return b.String()
}

func (english) rule(r Rule) string {
	switch r {
	case SkipHolidays:
		return "; not on public holidays"
	case WorkingDays:
		return "; only on working days, make-up days included"
	case NextWorkingDay:
		return "; on days off moved to the next working day"
	}
	return ""
}

func (english) once(w Wall) string {
	return "once, on " + w.Date().Weekday().String() + " " + spaced(w)
}

func (english) list(n int, shown []Wall) string {
	words := make([]string, len(shown))
	for i, w := range shown {
		words[i] = spaced(w)
	}
	if more := n - len(shown); more > 0 {
		words = append(words, strconv.Itoa(more)+" more")
	}
	if n == 1 {
		return "1 time: " + englishJoin(words)
	}
	return strconv.Itoa(n) + " times: " + englishJoin(words)
}

func (english) zone(z string) string { return " (" + z + ")" }
