package schedule

import (
	"fmt"
	"time"
)

// Years that a date or wall time may lie in. Before 2000 nothing is scheduled,
// and the upper end keeps every search finite.
const (
	minYear = 2000
	maxYear = 2199
)

var lastDate = NewDate(maxYear, time.December, 31)

// Date is a day of the calendar in no particular zone, counted in days since
// 1970-01-01. The zero Date means none.
type Date int32

// NewDate returns the date of y, m, d; values out of range carry over, as with
// [time.Date].
func NewDate(y int, m time.Month, d int) Date {
	return Date(floorDiv(time.Date(y, m, d, 0, 0, 0, 0, time.UTC).Unix(), 24*60*60))
}

// ParseDate reads a date written 2006-01-02, from 2000 to 2199.
func ParseDate(s string) (Date, error) {
	t, err := time.Parse(time.DateOnly, s)
	if err != nil || len(s) != len(time.DateOnly) {
		return 0, fmt.Errorf("is not a date written YYYY-MM-DD")
	}
	if t.Year() < minYear || t.Year() > maxYear {
		return 0, fmt.Errorf("must lie between the years %d and %d", minYear, maxYear)
	}
	return NewDate(t.Date()), nil
}

// Time is midnight of d in UTC, for a column of type date.
func (d Date) Time() time.Time { return time.Unix(int64(d)*24*60*60, 0).UTC() }

// Year is d's year.
func (d Date) Year() int { return d.Time().Year() }

// Weekday is d's day of the week. 1970-01-01 was a Thursday.
func (d Date) Weekday() time.Weekday { return time.Weekday(((int64(d)+4)%7 + 7) % 7) }

// String is d written 2006-01-02, "" for the zero Date.
func (d Date) String() string {
	if d == 0 {
		return ""
	}
	return d.Time().Format(time.DateOnly)
}

// MarshalText writes d as String does.
func (d Date) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// UnmarshalText reads what MarshalText writes; empty is the zero Date.
func (d *Date) UnmarshalText(b []byte) (err error) {
	if *d = 0; len(b) == 0 {
		return nil
	}
	*d, err = ParseDate(string(b))
	return err
}

// At is the wall time of that hour and minute on d.
func (d Date) At(hour, minute int) Wall { return d.minute(hour*60 + minute) }

// minute is the wall time that many minutes after d began.
func (d Date) minute(m int) Wall { return Wall{min: int64(d)*minutesPerDay + int64(m)} }

func floorDiv(a, b int64) int64 {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}
