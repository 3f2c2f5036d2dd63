package schedule

import (
	"archive/zip"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"momentcast/internal/moment"
)

// sample is what every test run goes through; make zones takes all of them.
var sample = []string{
	"Asia/Shanghai", "America/New_York", "Africa/Cairo", "Asia/Beirut", "Australia/Lord_Howe",
	"America/Santiago", "America/Nuuk", "America/Havana", "Atlantic/Azores", "Africa/Casablanca", "Asia/Gaza", "Europe/London", "Antarctica/Troll",
}

// TestEveryZone holds every zone's schedules around every change of its clock
// from 2026 to 2031 against a clock that is read minute by minute.
func TestEveryZone(t *testing.T) {
	t.Parallel()
	zones := sample
	if os.Getenv("MOMENTCAST_ZONES") == "all" {
		zones = Zones()
	}
	var all oracle
	for _, z := range zones {
		o := oracle{zone: z}
		o.check(t)
		all.days, all.cases, all.wrong = all.days+o.days, all.cases+o.cases, all.wrong+o.wrong
	}
	t.Logf("%d zones, %d changes of the clock, %d cases, %d wrong", len(zones), all.days, all.cases, all.wrong)
	if all.days < 100 {
		t.Errorf("only %d changes of the clock were found", all.days)
	}
}

// oracle checks one zone.
type oracle struct {
	zone               string
	loc                *time.Location
	days, cases, wrong int
}

// minute is one minute of real time and what the wall shows then.
type minute struct {
	at    int64
	shown string // 2026-10-01T09:00, so that order of text is order of the clock
}

func (o *oracle) check(t *testing.T) {
	var err error
	if o.loc, err = time.LoadLocation(o.zone); err != nil {
		t.Fatal(err)
	}
	end := time.Date(2032, 1, 1, 0, 0, 0, 0, time.UTC)
	for u := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC); u.Before(end); u = u.Add(30 * time.Minute) {
		_, before := u.In(o.loc).Zone()
		_, after := u.Add(30 * time.Minute).In(o.loc).Zone()
		if before != after {
			o.days++
			o.around(t, u.Add(15*time.Minute))
		}
	}
}

// around checks the local days that touch a change of the clock.
func (o *oracle) around(t *testing.T, change time.Time) {
	from := change.Add(-52 * time.Hour).Truncate(time.Minute)
	var mins []minute
	for v := from; v.Before(from.Add(104 * time.Hour)); v = v.Add(time.Minute) {
		mins = append(mins, minute{v.Unix(), v.In(o.loc).Format(wallLayout)})
	}
	for _, at := range []time.Time{change.Add(-16 * time.Minute), change.Add(16 * time.Minute)} {
		day := at.In(o.loc).Format(time.DateOnly)
		for m := 0; m < minutesPerDay; m += 15 {
			o.pinned(t, mins, day, m)
		}
		o.several(t, mins, day, "*/15 0-22", func(hm string) bool { return hm < "23:00" && hm[3:] != "" && quarter(hm) })
		o.several(t, mins, day, "0,30 23,0-4", func(hm string) bool {
			return (hm < "05:00" || hm >= "23:00") && (hm[3:] == "00" || hm[3:] == "30")
		})
		o.elapsed(t, mins, day)
	}
}

func quarter(hm string) bool { return slices.Contains([]string{"00", "15", "30", "45"}, hm[3:]) }

// first is the definition: the first minute that shows a wall time or later.
func first(mins []minute, want string) int64 {
	for _, m := range mins {
		if m.shown >= want {
			return m.at
		}
	}
	return 0
}

func (o *oracle) compile(t *testing.T, clock, day string) *Schedule {
	return must(t, fmt.Sprintf("cron %s %s %s * zone=%s", clock, day[8:], day[5:7], o.zone))
}

// pinned checks one wall time: it fires exactly once, at the right instant.
func (o *oracle) pinned(t *testing.T, mins []minute, day string, m int) {
	s := o.compile(t, fmt.Sprintf("%d %d", m%60, m/60), day)
	o.compare(t, s, mins, day, []int64{first(mins, day+"T"+hhmm(m/60, m%60))})
}

// several checks many wall times of a day; those that share an instant are one.
func (o *oracle) several(t *testing.T, mins []minute, day, clock string, matches func(hm string) bool) {
	var want []int64
	for m := range minutesPerDay {
		if hm := hhmm(m/60, m%60); matches(hm) {
			want = append(want, first(mins, day+"T"+hm))
		}
	}
	o.compare(t, o.compile(t, clock, day), mins, day, slices.Compact(want))
}

// elapsed checks an unrestricted hour: every real minute that shows a match.
func (o *oracle) elapsed(t *testing.T, mins []minute, day string) {
	var want []int64
	for _, m := range mins {
		if m.shown[:10] == day && quarter(m.shown[11:]) {
			want = append(want, m.at)
		}
	}
	o.compare(t, o.compile(t, "*/15 *", day), mins, day, want)
}

// compare holds a schedule's occurrences of the whole window against want.
func (o *oracle) compare(t *testing.T, s *Schedule, mins []minute, day string, want []int64) {
	o.cases++
	var got []int64
	names := map[Wall]bool{}
	ok := true
	for occ := range s.Between(time.Unix(mins[0].at, 0), time.Unix(mins[len(mins)-1].at, 0)) {
		for _, n := range append(occ.Merged, occ.Name) {
			ok = ok && !names[n] && strings.HasPrefix(n.String(), day)
			names[n] = true
		}
		got = append(got, occ.At.Unix())
	}
	if !ok || !slices.Equal(got, want) {
		if o.wrong++; o.wrong < 5 {
			t.Errorf("%s %s %s: %v, want %v (names fine: %v)", o.zone, day, s.spec.Cron, got, want, ok)
		}
	}
}

// The list of zones is a copy of the toolchain's; a new toolchain may know more.
func TestZonesAreTheToolchains(t *testing.T) {
	t.Parallel()
	out, err := exec.CommandContext(t.Context(), "go", "env", "GOROOT").Output()
	if err != nil {
		t.Fatalf("go env: %v", err)
	}
	z, err := zip.OpenReader(filepath.Join(strings.TrimSpace(string(out)), "lib", "time", "zoneinfo.zip"))
	if err != nil {
		t.Skipf("this toolchain has no zoneinfo.zip: %v", err)
	}
	defer z.Close()
	var want []string
	for _, f := range z.File {
		if n := f.Name; n == "UTC" || strings.Contains(n, "/") && !strings.HasSuffix(n, "/") && !strings.HasPrefix(n, "Etc/") {
			want = append(want, n)
		}
	}
	slices.Sort(want)
	if got := Zones(); !slices.Equal(got, want) {
		t.Errorf("data/zones.txt has %d zones, the toolchain %d; write it anew", len(got), len(want))
	}
	for _, n := range Zones() {
		if m := moment.CheckZone(n); m != "" {
			t.Errorf("%s %s", n, m)
		}
	}
}
