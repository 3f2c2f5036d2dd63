package importer

import (
	"math"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// What is wrong with a time, as it is told.
const (
	notATime   = "is not a date and time such as 2026-12-01 09:00"
	noClock    = "names a day and no time of day; write both, or add a column with the time"
	twoWays    = "can be read in two ways; write the year first, such as 2026-12-01 09:00"
	skippedOne = "does not exist in this time zone: the clocks go forward over it"
)

// moments are how people write dates and times, once marks are made alike.
var moments = regexp.MustCompile(`^(\d{4})-(\d{1,2})-(\d{1,2})(?:[ T]+(?:(AM|PM) ?)?(\d{1,2}):(\d{1,2})(?::(\d{1,2})(?:\.\d+)?)?(?: ?(AM|PM))?)?$`)

// compact are dates without marks: 20261201 0900.
var compact = regexp.MustCompile(`^(\d{4})(\d{2})(\d{2})(?: ?(\d{2}):?(\d{2}))?$`)

// slashed are dates with the year last, whose day and month nobody can tell.
var slashed = regexp.MustCompile(`^\d{1,2}-\d{1,2}-\d{2,4}\b`)

var alike = strings.NewReplacer("年", "-", "月", "-", "日", " ", "号", " ", "/", "-", ".", "-", "：", ":", "时", ":", "点", ":", "分", "", "秒", "",
	"上午", " AM ", "早上", " AM ", "凌晨", " AM ", "下午", " PM ", "晚上", " PM ", "中午", " PM ", "　", " ", "am", " AM", "pm", " PM")

// parseTime reads a cell as a time in the zone.
func parseTime(s string, zone *time.Location, date1904 bool) (t time.Time, problem string) {
	t, day, problem := readTime(s, zone, date1904)
	if day && problem == "" {
		return time.Time{}, noClock
	}
	return t, problem
}

// readTime reads a cell as a time in the zone, or as a day, then midnight of it
// in UTC: RFC 3339 with its own offset, the ways people write dates, or the
// number that spreadsheets keep.
func readTime(s string, zone *time.Location, date1904 bool) (t time.Time, day bool, problem string) {
	s = strings.TrimSpace(s)
	if t, err := time.Parse(time.RFC3339, s); err == nil {
		return t, false, ""
	}
	if days, err := strconv.ParseFloat(s, 64); err == nil && len(s) != 8 && days > 1 && days < 120_000 {
		return fromSerial(days, zone, date1904)
	}
	s = strings.Join(strings.Fields(alike.Replace(strings.ToLower(s))), " ")
	s = strings.ToUpper(strings.TrimSuffix(strings.ReplaceAll(s, ": ", ":"), "-"))
	// 9点 is nine o'clock, 9点半 half past.
	s = strings.Replace(s, ":半", ":30", 1)
	if strings.HasSuffix(s, ":") {
		s += "00"
	}
	if m := compact.FindStringSubmatch(s); m != nil {
		s = m[1] + "-" + m[2] + "-" + m[3]
		if m[4] != "" {
			s += " " + m[4] + ":" + m[5]
		}
	}
	m := moments.FindStringSubmatch(s)
	switch {
	case m == nil && slashed.MatchString(s):
		return time.Time{}, false, twoWays
	case m == nil:
		return time.Time{}, false, notATime
	}
	n := func(i int) int { v, _ := strconv.Atoi(m[i]); return v } // digits, or nothing
	hour, half := n(5), m[4]+m[8]
	switch {
	case half == "PM" && hour < 12:
		hour += 12
	case half == "AM" && hour == 12:
		hour = 0
	}
	if m[5] == "" {
		t, problem = wall(n(1), n(2), n(3), 0, 0, 0, time.UTC)
		return t, true, problem
	}
	t, problem = wall(n(1), n(2), n(3), hour, n(6), n(7), zone)
	return t, false, problem
}

// wall is a time on the clocks of the zone; one that is not on them is refused,
// where the standard library would take another.
func wall(year, month, day, hour, minute, second int, zone *time.Location) (time.Time, string) {
	t := time.Date(year, time.Month(month), day, hour, minute, second, 0, zone)
	same := t.Year() == year && int(t.Month()) == month && t.Day() == day
	switch {
	case same && t.Hour() == hour && t.Minute() == minute && t.Second() == second:
		return t, ""
	case same && hour < 24 && minute < 60 && second < 60:
		return time.Time{}, skippedOne
	}
	return time.Time{}, notATime
}

// fromSerial reads the number of days that spreadsheets keep.
func fromSerial(days float64, zone *time.Location, date1904 bool) (t time.Time, day bool, problem string) {
	if day = days == math.Trunc(days); day && days < 20_000 {
		return time.Time{}, false, notATime // a number that is no date of our time
	}
	epoch := time.Date(1899, 12, 30, 0, 0, 0, 0, time.UTC)
	if date1904 {
		epoch = time.Date(1904, 1, 1, 0, 0, 0, 0, time.UTC)
	}
	t = epoch.Add(time.Duration(math.Round(days*86400)) * time.Second)
	switch {
	case t.Year() < 1970:
		return time.Time{}, false, notATime
	case day:
		return t, true, ""
	}
	t, problem = wall(t.Year(), int(t.Month()), t.Day(), t.Hour(), t.Minute(), t.Second(), zone)
	return t, false, problem
}

// joinTime puts the cells of a day and a time of day together.
func joinTime(day, clock string, date1904 bool) string {
	if clock == "" {
		return day
	}
	if t, whole, problem := readTime(day, time.UTC, date1904); whole && problem == "" {
		day = t.Format(time.DateOnly)
	}
	if c, err := strconv.ParseFloat(clock, 64); err == nil && c >= 0 && c < 1 { // as spreadsheets keep it
		clock = time.Time{}.Add(time.Duration(math.Round(c*86400)) * time.Second).Format("15:04:05")
	}
	return day + " " + clock
}
