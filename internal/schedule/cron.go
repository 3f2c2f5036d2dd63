package schedule

import (
	"fmt"
	"math/bits"
	"strings"
	"time"

	"github.com/robfig/cron/v3"

	"momentcast/internal/moment"
)

// maxExpr is the longest expression in bytes: every minute listed is 169.
const maxExpr = 500

// Cron is a cron expression without a zone: five fields, minute hour
// day-of-month month weekday. Weekday 7 is Sunday as 0 is, names are taken, and L
// is the last day of the month. Where both the day of month and the weekday are
// restricted, a day fires that matches either of them, as cron has always had it.
// The zero Cron never fires; get one from [ParseCron].
type Cron struct {
	text         string
	minute, hour uint64 // bit n for value n
	month        uint64
	days         days
}

// days is which days of a month fire: any, or those in one of the sets.
type days struct {
	any     bool
	month   uint64 // days of the month
	last    bool   // the month's last day
	weekday uint64 // bit 0 is Sunday
}

// ParseCron reads an expression. An error is a moment.Error of kind Invalid with
// a field "cron" for everything that is wrong, an expression that never fires
// among them.
func ParseCron(expr string) (Cron, error) {
	c, fs := parseCron(expr)
	if err := moment.InvalidFields(fs); err != nil {
		return Cron{}, err
	}
	return c, nil
}

func parseCron(expr string) (Cron, []moment.Field) {
	wrong := func(format string, args ...any) []moment.Field {
		return []moment.Field{{Path: "cron", Message: fmt.Sprintf(format, args...)}}
	}
	parts := strings.FieldsFunc(expr, func(r rune) bool { return r == ' ' || r == '\t' })
	switch {
	case len(expr) > maxExpr:
		return Cron{}, wrong("is longer than %d bytes", maxExpr)
	case strings.Contains(expr, "="):
		return Cron{}, wrong("must not name a time zone: the zone is a field of its own")
	case strings.Contains(expr, "@"):
		return Cron{}, wrong("takes five fields and no shortcuts such as @daily")
	case len(parts) != len(cronFields):
		return Cron{}, wrong("takes five fields separated by spaces: minute, hour, day of month, month, weekday; there are %d", len(parts))
	}
	plain := make([]string, len(parts))
	var last bool
	var fs []moment.Field
	for i, f := range cronFields {
		p, l, problem := f.plain(parts[i])
		if problem != "" {
			fs = append(fs, wrong("%s: %s", f.name, problem)...)
		}
		plain[i], last = p, last || l
	}
	if len(fs) > 0 {
		return Cron{}, fs
	}
	c, err := compile(plain, last)
	if err != nil {
		return Cron{}, wrong("is not understood")
	}
	c.text = strings.ToLower(strings.Join(parts, " "))
	if last {
		c.text = strings.ToLower(strings.Join(parts[:2], " ")) + " " + strings.ToUpper(parts[2]) + " " + strings.ToLower(strings.Join(parts[3:], " "))
	}
	if _, ok := c.next(NewDate(minYear, time.January, 1).minute(-1)); !ok {
		return Cron{}, wrong("never fires: no month it names has that day")
	}
	return c, nil
}

// compile has robfig/cron read fields that are known to be in its language. It
// panics on some input; none is known that gets here, and none may stop us.
func compile(fields []string, last bool) (c Cron, err error) {
	defer func() {
		if e := recover(); e != nil {
			c, err = Cron{}, fmt.Errorf("cron parser: %v", e)
		}
	}()
	onlyLast := last && fields[2] == ""
	if onlyLast {
		fields[2] = "1" // robfig needs something; taken away again below
	}
	p := cron.NewParser(cron.Minute | cron.Hour | cron.Dom | cron.Month | cron.Dow)
	parsed, err := p.Parse(strings.Join(fields, " "))
	if err != nil {
		return Cron{}, err
	}
	s, ok := parsed.(*cron.SpecSchedule)
	if !ok {
		return Cron{}, fmt.Errorf("cron parser: %T", parsed)
	}
	dom := s.Dom
	if onlyLast {
		dom = 0
	}
	const star = 1 << 63
	return Cron{
		minute: s.Minute &^ star, hour: s.Hour &^ star, month: s.Month &^ star,
		days: newDays(dom, s.Dow, last, dom&star != 0, s.Dow&star != 0),
	}, nil
}

const (
	allMinutes  = 1<<60 - 1
	allHours    = 1<<24 - 1
	allDays     = (1<<32 - 1) &^ 1
	allMonths   = (1<<13 - 1) &^ 1
	allWeekdays = 1<<7 - 1
)

// newDays applies cron's rule of the two day fields: where one of them begins
// with * without a step the other decides, otherwise either suffices.
func newDays(dom, dow uint64, last, domStar, dowStar bool) days {
	dom, dow = dom&allDays, dow&allWeekdays
	full := dom == allDays
	switch {
	case domStar && dowStar, domStar && dow == allWeekdays, dowStar && full:
		return days{any: true}
	case domStar:
		return days{weekday: dow}
	case dowStar:
		return days{month: dom, last: last}
	case full || dow == allWeekdays:
		return days{any: true}
	}
	return days{month: dom, last: last, weekday: dow}
}

func (d days) match(day int, last bool, weekday time.Weekday) bool {
	return d.any || d.month>>day&1 != 0 || d.last && last || d.weekday>>weekday&1 != 0
}

// String is the expression as it was written, in one case and with single spaces.
func (c Cron) String() string { return c.text }

// Same reports whether c and o fire at the same wall times, however written.
func (c Cron) Same(o Cron) bool {
	c.text, o.text = "", ""
	return c == o
}

// elapsed reports whether the hour is unrestricted, so that c means "every so
// many minutes" and follows elapsed time.
func (c *Cron) elapsed() bool { return c.hour == allHours }

// searchYears is how far ahead c is looked for. 29 February comes after eight
// years at the latest, over 2100.
const searchYears = 9

// next is the first wall time after w that c matches, false if there is none.
func (c *Cron) next(w Wall) (Wall, bool) {
	d := w.Date()
	minute := w.minuteOfDay() + 1
	y, m, day := d.Time().Date()
	end := daysIn(y, m)
	for stop := min(d+searchYears*366, lastDate); d <= stop; minute = 0 {
		if c.month>>m&1 == 0 { // to the next month's first
			d += Date(end - day)
			day = end
		} else if c.days.match(day, day == end, d.Weekday()) {
			if at, ok := c.nextMinute(minute); ok {
				return d.minute(at), true
			}
		}
		d++
		if day++; day > end {
			day = 1
			if m++; m > time.December {
				y, m = y+1, time.January
			}
			end = daysIn(y, m)
		}
	}
	return Wall{}, false
}

// nextMinute is the first minute of the day from m on that c matches.
func (c *Cron) nextMinute(m int) (int, bool) {
	if m >= minutesPerDay {
		return 0, false
	}
	h := m / 60
	if c.hour>>h&1 != 0 {
		if rest := c.minute >> (m % 60); rest != 0 {
			return m + bits.TrailingZeros64(rest), true
		}
	}
	hours := c.hour >> (h + 1)
	if hours == 0 || c.minute == 0 {
		return 0, false
	}
	return (h+1+bits.TrailingZeros64(hours))*60 + bits.TrailingZeros64(c.minute), true
}

func daysIn(y int, m time.Month) int {
	switch m {
	case time.February:
		if y%4 == 0 && (y%100 != 0 || y%400 == 0) {
			return 29
		}
		return 28
	case time.April, time.June, time.September, time.November:
		return 30
	}
	return 31
}
