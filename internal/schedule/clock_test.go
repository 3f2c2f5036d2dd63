package schedule

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestClockChanges(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		spec, from string
		want       string
	}{
		"New York, skipped": {
			"cron 30 2 * * * zone=America/New_York", "2026-03-07T00:00",
			"2026-03-07T02:30-05:00 2026-03-08T03:00-04:00 2026-03-09T02:30-04:00",
		},
		"New York, repeated": {
			"cron 30 1 * * * zone=America/New_York", "2026-10-31T00:00",
			"2026-10-31T01:30-04:00 2026-11-01T01:30-04:00 2026-11-02T01:30-05:00",
		},
		"New York, every half hour, skipped": {
			"cron */30 * 8 3 * zone=America/New_York", "2026-03-08T00:59",
			"2026-03-08T01:00-05:00 2026-03-08T01:30-05:00 2026-03-08T03:00-04:00 2026-03-08T03:30-04:00",
		},
		"New York, every half hour, repeated": {
			"cron */30 * 1 11 * zone=America/New_York", "2026-11-01T00:31",
			"2026-11-01T01:00-04:00 2026-11-01T01:30-04:00 2026-11-01T01:00-05:00 2026-11-01T01:30-05:00 2026-11-01T02:00-05:00",
		},
		"New York, three of a gap are one": {
			"cron 0,30 2-3 * * * zone=America/New_York", "2026-03-08T00:00",
			"2026-03-08T03:00-04:00 2026-03-08T03:30-04:00 2026-03-09T02:00-04:00",
		},
		"Cairo, no midnight": {
			"cron 0 0 * * * zone=Africa/Cairo", "2026-04-22T12:00",
			"2026-04-23T00:00+02:00 2026-04-24T01:00+03:00 2026-04-25T00:00+03:00",
		},
		"Cairo, the day without midnight is not missed": {
			"cron 0 9 * * * zone=Africa/Cairo", "2026-04-23T00:00",
			"2026-04-23T09:00+02:00 2026-04-24T09:00+03:00 2026-04-25T09:00+03:00",
		},
		"Cairo, 23:30 twice": {
			"cron 30 23 * * * zone=Africa/Cairo", "2026-10-29T12:00",
			"2026-10-29T23:30+03:00 2026-10-30T23:30+02:00",
		},
		"Beirut, no midnight": {
			"cron 0,30 0 * * * zone=Asia/Beirut", "2026-03-28T12:00",
			"2026-03-29T01:00+03:00 2026-03-30T00:00+03:00 2026-03-30T00:30+03:00",
		},
		"Lord Howe, half an hour skipped": {
			"cron 15 2 * * * zone=Australia/Lord_Howe", "2026-10-03T00:00",
			"2026-10-03T02:15+10:30 2026-10-04T02:30+11:00 2026-10-05T02:15+11:00",
		},
		"Lord Howe, half an hour repeated": {
			"cron 45 1 * * * zone=Australia/Lord_Howe", "2026-04-04T00:00",
			"2026-04-04T01:45+11:00 2026-04-05T01:45+11:00 2026-04-06T01:45+10:30",
		},
		"Santiago, no midnight": {
			"cron 0 0 * * * zone=America/Santiago", "2026-09-05T00:00",
			"2026-09-06T01:00-03:00 2026-09-07T00:00-03:00",
		},
		"Santiago, 23:00 twice": {
			"cron 0 23 * * * zone=America/Santiago", "2026-04-03T12:00",
			"2026-04-03T23:00-03:00 2026-04-04T23:00-03:00 2026-04-05T23:00-04:00",
		},
		"a list of times too": {
			"times 2026-03-08T02:15 2026-03-08T03:00 2026-11-01T01:15 zone=America/New_York", "2026-01-01T00:00",
			"2026-03-08T03:00-04:00 2026-11-01T01:15-04:00",
		},
		"once, skipped": {
			"once 2026-03-08T02:15 zone=America/New_York", "2026-01-01T00:00", "2026-03-08T03:00-04:00",
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := must(t, tt.spec)
			want := strings.Fields(tt.want)
			got := local(s, instant(t, tt.from, s.spec.Zone), len(want))
			if !slices.Equal(got, want) {
				t.Errorf("got  %v\nwant %v", got, want)
			}
		})
	}
}

func TestNamesStayUniqueInARepeatedHour(t *testing.T) {
	t.Parallel()
	s := must(t, "cron 0,30 * * * * zone=America/New_York")
	var got []string
	from := instant(t, "2026-11-01T00:59", s.spec.Zone)
	for o := range s.Between(from, from.Add(2*time.Hour+2*time.Minute)) {
		got = append(got, o.Name.String()+" "+string(o.Shift))
		if f, ok := s.Find(o.Name); !ok || !f.At.Equal(o.At) {
			t.Errorf("Find(%s) = %v %v", o.Name, f.At, ok)
		}
	}
	want := []string{"2026-11-01T01:00 repeat", "2026-11-01T01:30 repeat", "2026-11-01T01:00#2 again", "2026-11-01T01:30#2 again", "2026-11-01T02:00 "}
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestMergedTakesTheLatestName(t *testing.T) {
	t.Parallel()
	s := must(t, "cron 0,30 2-3 * * * zone=America/New_York")
	o, _ := s.Next(instant(t, "2026-03-08T00:00", s.spec.Zone))
	if o.Name != wall(t, "2026-03-08T03:00") || !slices.Equal(o.Merged, []Wall{wall(t, "2026-03-08T02:00"), wall(t, "2026-03-08T02:30")}) {
		t.Errorf("%v, merged %v", o.Name, o.Merged)
	}
	if f, ok := s.Find(wall(t, "2026-03-08T02:30")); !ok || f.Name != o.Name {
		t.Errorf("a merged name finds %v", f.Name)
	}
}

func TestBounds(t *testing.T) {
	t.Parallel()
	for spec, want := range map[string]string{
		"cron 0 9 * * * zone=Asia/Shanghai start=2026-10-03 end=2026-10-04":                                                 "2026-10-03 2026-10-04",
		"cron 0 9 * * * zone=Asia/Shanghai start=2026-10-03T09:00 end=2026-10-05T08:59":                                     "2026-10-03 2026-10-04",
		"cron 0 9 * * * zone=Asia/Shanghai start=2026-10-03T09:01 count=3":                                                  "2026-10-04 2026-10-05 2026-10-06",
		"cron 0 9 * * * zone=Asia/Shanghai start=2026-10-01 count=3 rule=skip_holidays region=cn":                           "2026-10-08 2026-10-09 2026-10-10",
		"cron 0 9 * * * zone=Asia/Shanghai start=2026-10-01 count=2 rule=next_working_day region=cn":                        "2026-10-08 2026-10-09",
		"cron 0 9 1,5 * * zone=Asia/Shanghai start=2026-10-01 end=2026-10-07 rule=next_working_day region=cn":               "",
		"times 2026-10-01T09:00 2026-10-02T09:00 2026-10-03T09:00 zone=Asia/Shanghai count=2":                               "2026-10-01 2026-10-02",
		"times 2026-10-01T09:00 2026-10-02T09:00 2026-10-09T09:00 zone=Asia/Shanghai rule=next_working_day region=cn":       "2026-10-08 2026-10-09",
		"times 2026-10-01T09:00 2026-10-02T09:00 2026-10-03T09:00 zone=Asia/Shanghai start=2026-10-02 end=2026-10-02T09:00": "2026-10-02",
	} {
		s := must(t, spec)
		var got []string
		for o := range s.After(instant(t, "2026-09-15T00:00", "Asia/Shanghai")) {
			got = append(got, o.At.In(s.loc).Format(time.DateOnly))
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%s\ngot  %v\nwant %s", spec, got, want)
		}
		// Asked from the middle, the rest is the same: what came before is counted.
		for i, d := range got {
			rest := local(s, instant(t, d+"T12:00", "Asia/Shanghai"), 100)
			if len(rest) != len(got)-i-1 {
				t.Errorf("%s: after %s %d occurrences, want %d", spec, d, len(rest), len(got)-i-1)
			}
		}
	}
}

// Every instant between a start and its next has the same next.
func TestStartToNext(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(7, 7))
	zones := Zones()
	rules := []string{"", " rule=skip_holidays region=cn", " rule=working_days region=cn", " rule=next_working_day region=cn"}
	cases := 0
	for range 1500 {
		expr := randomExpr(rng, true)
		if _, err := ParseCron(expr); err != nil {
			continue
		}
		s := must(t, "cron "+expr+" zone="+zones[rng.IntN(len(zones))]+rules[rng.IntN(len(rules))])
		start := time.Unix(1767225600+rng.Int64N(2*365*24*3600), 0)
		next, ok := s.Next(start)
		if !ok {
			continue
		}
		gap := next.At.Unix() - start.Unix()
		for i := range int64(12) {
			at := start.Add(time.Duration(rng.Int64N(gap)) * time.Second)
			switch i {
			case 0:
				at = next.At.Add(-1)
			case 1:
				at = next.At.Add(-time.Second)
			}
			o, ok := s.Next(at)
			if cases++; !ok || !o.At.Equal(next.At) || o.Name != next.Name {
				t.Fatalf("%v: after %v %s %v, but after %v %s %v", s.spec, start.UTC(), next.Name, next.At, at.UTC(), o.Name, o.At)
			}
		}
	}
	t.Logf("%d cases", cases)
}
