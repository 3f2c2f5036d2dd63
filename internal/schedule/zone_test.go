package schedule

import (
	"testing"
	"time"
)

// Go's ZoneBounds stands still on the last day of leap years from 2040 on; a
// search that goes from period to period must not.
func TestPeriodsFollowOneAnother(t *testing.T) {
	t.Parallel()
	for _, z := range Zones() {
		loc, err := time.LoadLocation(z)
		if err != nil {
			t.Fatal(err)
		}
		c := newClock(loc)
		at := time.Date(2025, 1, 1, 0, 0, 0, 0, time.UTC).Unix()
		for n := 0; at < time.Date(2100, 1, 1, 0, 0, 0, 0, time.UTC).Unix(); n++ {
			c.load(at)
			if c.start > at || c.end <= at || n > 1000 {
				t.Fatalf("%s at %v: period %d %d", z, time.Unix(at, 0).UTC(), c.start, c.end)
			}
			at = c.end
		}
	}
}

func TestLastDayOfALeapYear(t *testing.T) {
	t.Parallel()
	for _, spec := range []string{"cron 0 9 31 12 * zone=America/New_York", "cron 0 * 31 12 * zone=Africa/Cairo"} {
		s := must(t, spec)
		o, ok := s.Next(time.Date(2040, 6, 1, 0, 0, 0, 0, time.UTC))
		if !ok || o.Name.Date() != NewDate(2040, 12, 31) {
			t.Errorf("%s: %v %v", spec, o, ok)
		}
	}
}
