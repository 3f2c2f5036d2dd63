package schedule

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestSpecText(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"once 2026-10-01T09:00 zone=Asia/Shanghai":                                          "",
		"times 2026-10-08T09:00 2026-10-01T09:00 zone=UTC":                                  "times 2026-10-01T09:00 2026-10-08T09:00 zone=UTC",
		"cron  0 9 * * MON-FRI zone=Asia/Shanghai start=2026-10-01 end=2026-12-31 count=10": "cron 0 9 * * mon-fri zone=Asia/Shanghai start=2026-10-01T00:00 end=2026-12-31T23:59 count=10",
		"cron 0 9 l * * zone=Asia/Shanghai rule=next_working_day region=cn":                 "cron 0 9 L * * zone=Asia/Shanghai rule=next_working_day region=cn",
	} {
		if want == "" {
			want = in
		}
		s, err := ParseSpec(in)
		if err != nil {
			t.Errorf("%q: %v", in, err)
			continue
		}
		if got := s.String(); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
		again, err := ParseSpec(s.String())
		if d := cmp.Diff(s, again, cmp.AllowUnexported(Wall{})); err != nil || d != "" {
			t.Errorf("%q: read back: %v %s", in, err, d)
		}
	}
}

func TestSpecRefuses(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"":                               "kind zone",
		"hourly zone=UTC":                "kind",
		"once zone=UTC":                  "times",
		"once 2026-02-30T09:00 zone=UTC": "times[0]",
		"once 2026-10-01T09:00 2026-10-02T09:00 zone=UTC":  "times",
		"once 2026-10-01T09:00 zone=UTC count=2":           "kind",
		"once 1999-10-01T09:00 zone=UTC":                   "times[0]",
		"once 2026-10-01T09:00:30 zone=UTC":                "times[0]",
		"once 2026-10-01T09:00#2 zone=UTC":                 "times[0]",
		"times 2026-10-01T09:00 2026-10-01T09:00 zone=UTC": "times[1]",
		"times 2026-10-01T09:00 zone=UTC start=2027-01-01": "times",
		"cron 0 9 * * *":                                                      "zone",
		"cron 0 9 * * * zone=":                                                "zone",
		"cron 0 9 * * * zone=Local":                                           "zone",
		"cron 0 9 * * * zone=localtime":                                       "zone",
		"cron 0 9 * * * zone=Factory":                                         "zone",
		"cron 0 9 * * * zone=right/UTC":                                       "zone",
		"cron 0 9 * * * zone=Asia/Peking":                                     "zone",
		"cron 0 9 * * * zone=../etc/passwd":                                   "zone",
		"cron 0 9 * * * zone=/usr/share/zoneinfo/UTC":                         "zone",
		"cron TZ=UTC 0 9 * * * zone=UTC":                                      "schedule",
		"cron CRON_TZ=UTC 0 9 * * * zone=UTC":                                 "schedule",
		"cron @every -1h zone=UTC":                                            "cron",
		"cron */61 25 * * * zone=Mars/Olympus":                                "cron zone",
		"cron 0 9 30 2 * zone=UTC":                                            "cron",
		"cron 0 9 * * * zone=UTC start=2026-10-02 end=2026-10-01":             "end",
		"cron 0 9 29 2 * zone=UTC start=2026-03-01 end=2028-02-28":            "end",
		"cron 0 9 * * * zone=UTC start=2026-10-01T09:01 end=2026-10-02T08:59": "end",
		"cron 0 9 * * * zone=UTC count=3":                                     "count",
		"cron 0 9 * * * zone=UTC start=2026-10-01 count=-1":                   "count",
		"cron 0 9 * * * zone=UTC start=2026-10-01 count=10001":                "count",
		"cron 0 9 * * * zone=UTC start=2026-10-01 count=many":                 "count",
		"cron 0 9 * * * zone=UTC rule=working_days":                           "region",
		"cron 0 9 * * * zone=UTC rule=someday region=cn":                      "rule",
		"cron 0 9 * * * zone=UTC region=CHINA":                                "region",
		"cron 0 9 * * * zone=UTC zone=UTC":                                    "schedule",
		"cron 0 9 * * * zone=UTC colour=red":                                  "schedule",
		"cron 0 9 * * * zone=UTC start=yesterday":                             "start",
	} {
		_, err := ParseSpec(text)
		if got := strings.Join(paths(t, err), " "); got != want {
			t.Errorf("%q: fields %q, want %q (%v)", text, got, want, err)
		}
	}
}

func TestSpecFieldsOfAnotherKind(t *testing.T) {
	t.Parallel()
	w := wall(t, "2026-10-01T09:00")
	for want, s := range map[string]Spec{
		"times": {Kind: KindCron, Cron: "0 9 * * *", Zone: "UTC", Times: []Wall{w}},
		"cron":  {Kind: KindOnce, Cron: "0 9 * * *", Zone: "UTC", Times: []Wall{w}},
		"start": {Kind: KindCron, Cron: "0 9 * * *", Zone: "UTC", Start: Wall{min: 1}},
	} {
		if got := strings.Join(paths(t, s.Check()), " "); got != want {
			t.Errorf("fields %q, want %q", got, want)
		}
	}
}

func TestRegionNeedsItsCalendar(t *testing.T) {
	t.Parallel()
	spec, err := ParseSpec("cron 0 9 * * * zone=Europe/Berlin rule=skip_holidays region=de")
	if err != nil {
		t.Fatal(err)
	}
	for _, cal := range []*Calendar{nil, Seed()} {
		if _, err := New(spec, cal); strings.Join(paths(t, err), " ") != "region" {
			t.Errorf("calendar %v: %v", cal, err)
		}
	}
}
