package schedule

import (
	"slices"
	"testing"
	"time"
)

// New zone data is played by another zone: New York after it gave up daylight
// saving time is Panama, and the other way round.
func TestRecomputeKeepsWallTime(t *testing.T) {
	t.Parallel()
	s := must(t, "cron 0,30 2-3 * * * zone=America/Panama")
	var planned []Planned
	for o := range s.Between(instant(t, "2026-03-07T12:00", "UTC"), instant(t, "2026-03-08T12:00", "UTC")) {
		planned = append(planned, Planned{o.Name, o.Wall, o.At})
	}
	if len(s.Recompute(planned)) != 0 {
		t.Fatal("nothing changed, and changes are reported")
	}
	now := must(t, "cron 0,30 2-3 * * * zone=America/New_York").Recompute(planned)
	var got []string
	for _, c := range now {
		got = append(got, c.Name.String()[11:]+" "+c.At.UTC().Format("15:04")+" "+c.Now.Format("15:04")+" "+c.Merge.String())
	}
	want := []string{
		"02:00 07:00 07:00 2026-03-08T03:00",
		"02:30 07:30 07:00 2026-03-08T03:00",
		"03:00 08:00 07:00 ",
		"03:30 08:30 07:30 ",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got %q\nwant %q", got, want)
	}
}

func TestRecomputeKnowsWhatIsGone(t *testing.T) {
	t.Parallel()
	s := must(t, "cron 30 * * * * zone=America/New_York")
	var planned []Planned
	from := instant(t, "2026-11-01T00:45", "America/New_York")
	for o := range s.Between(from, from.Add(3*time.Hour)) {
		planned = append(planned, Planned{o.Name, o.Wall, o.At})
	}
	now := must(t, "cron 30 * * * * zone=America/Panama").Recompute(planned)
	gone := 0
	for _, c := range now {
		if c.Gone {
			gone++
			if !c.Name.Again() {
				t.Errorf("%s is gone", c.Name)
			}
		}
	}
	if gone != 1 || len(now) != 2 { // 02:30 was in winter time already
		t.Errorf("%d gone of %+v", gone, now)
	}
}
