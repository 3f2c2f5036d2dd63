package schedule

import (
	"cmp"
	"errors"
	"strings"
	"time"
)

const (
	minutesPerDay = 24 * 60
	wallLayout    = "2006-01-02T15:04"
	againMark     = "#2"
)

// Wall is what a wall clock shows: a date and a time of day to the minute, in no
// particular zone. It names an occurrence. The zero Wall means none. Walls are
// comparable with ==.
type Wall struct {
	min   int64 // minutes since 1970-01-01T00:00 on the same clock
	again bool  // the second time that the clock shows it, after being put back
}

// WallOf is what t's own clock shows; seconds are cut.
func WallOf(t time.Time) Wall {
	_, off := t.Zone()
	return Wall{min: floorDiv(t.Unix()+int64(off), 60)}
}

// ParseWall reads a wall time written 2006-01-02T15:04; a space may stand for
// the T, and "#2" at the end marks the second copy of a repeated time. An error
// is a phrase fit for moment.Field.
func ParseWall(s string) (Wall, error) {
	text, again := strings.CutSuffix(s, againMark)
	if len(text) == len(wallLayout) && text[10] == ' ' {
		text = text[:10] + "T" + text[11:]
	}
	t, err := time.Parse(wallLayout, text)
	if err != nil || len(text) != len(wallLayout) {
		return Wall{}, errors.New("is not a wall time written YYYY-MM-DDTHH:MM, without zone and seconds")
	}
	if _, err := ParseDate(text[:10]); err != nil {
		return Wall{}, err
	}
	w := WallOf(t)
	w.again = again
	return w, nil
}

// ParseStart reads the start of a schedule: a wall time, or a date for its first
// minute.
func ParseStart(s string) (Wall, error) { return parseBound(s, 0) }

// ParseEnd reads the end of a schedule: a wall time, or a date for its last
// minute.
func ParseEnd(s string) (Wall, error) { return parseBound(s, minutesPerDay-1) }

func parseBound(s string, minute int) (Wall, error) {
	if len(s) == len(time.DateOnly) {
		d, err := ParseDate(s)
		if err != nil {
			return Wall{}, err
		}
		return d.minute(minute), nil
	}
	w, err := ParseWall(s)
	if err == nil && w.again {
		err = errors.New("is not a wall time written YYYY-MM-DDTHH:MM, without zone and seconds")
	}
	if err != nil {
		return Wall{}, err
	}
	return w, nil
}

// IsZero reports whether w is none.
func (w Wall) IsZero() bool { return w == Wall{} }

// Date is w's day.
func (w Wall) Date() Date { return Date(floorDiv(w.min, minutesPerDay)) }

// Clock is w's time of day.
func (w Wall) Clock() (hour, minute int) {
	m := w.minuteOfDay()
	return m / 60, m % 60
}

func (w Wall) minuteOfDay() int { return int(w.min - int64(w.Date())*minutesPerDay) }

// Again reports whether w is the second copy of a repeated time. Only schedules
// that follow elapsed time have those.
func (w Wall) Again() bool { return w.again }

// Time is w read as UTC, for a column of type timestamp. It loses Again.
func (w Wall) Time() time.Time { return time.Unix(w.min*60, 0).UTC() }

// Compare orders by what the clock shows. In a repeated hour that is not the
// order of time: sort occurrences by their instants.
func (w Wall) Compare(o Wall) int {
	if c := cmp.Compare(w.min, o.min); c != 0 || w.again == o.again {
		return c
	}
	if o.again {
		return -1
	}
	return 1
}

// String is w written 2006-01-02T15:04, with "#2" for a second copy; "" for the
// zero Wall.
func (w Wall) String() string {
	switch {
	case w.IsZero():
		return ""
	case w.again:
		return w.Time().Format(wallLayout) + againMark
	}
	return w.Time().Format(wallLayout)
}

// MarshalText writes w as String does.
func (w Wall) MarshalText() ([]byte, error) { return []byte(w.String()), nil }

// UnmarshalText reads what MarshalText writes; empty is the zero Wall.
func (w *Wall) UnmarshalText(b []byte) (err error) {
	if *w = (Wall{}); len(b) == 0 {
		return nil
	}
	*w, err = ParseWall(string(b))
	return err
}
