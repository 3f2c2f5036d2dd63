package schedule

import (
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/robfig/cron/v3"
)

func TestParseCronRefuses(t *testing.T) {
	t.Parallel()
	for expr, says := range map[string]string{
		"":                             "five fields",
		"0 9 * *":                      "five fields",
		"0 0 9 * * *":                  "five fields",
		"TZ=UTC":                       "time zone",
		"TZ=UTC 0 9 * * *":             "time zone",
		"CRON_TZ=UTC 0 9 * * *":        "time zone",
		"TZ=":                          "time zone",
		"@daily":                       "shortcuts",
		"@every -1h":                   "shortcuts",
		"@reboot":                      "shortcuts",
		"*/61 * * * *":                 "minute: the step",
		"*/60 * * * *":                 "minute: the step",
		"*/0 * * * *":                  "minute: the step",
		"0 */24 * * *":                 "hour: the step",
		"*/-1 * * * *":                 "minute: the step",
		"60 * * * *":                   "minute: takes",
		"0 24 * * *":                   "hour: takes",
		"0 9 0 * *":                    "day of month: takes",
		"0 9 32 * *":                   "day of month: takes",
		"0 9 * 13 *":                   "month: takes",
		"0 9 * * 8":                    "weekday: takes",
		"0 9 * * funday":               "weekday: takes",
		"+5 9 * * *":                   "minute: takes",
		"5, 9 * * *":                   "minute: takes",
		", 9 * * *":                    "minute: takes",
		"*-5 9 * * *":                  "minute: takes",
		"? 9 * * *":                    "minute: takes",
		"1-2-3 9 * * *":                "minute: takes",
		"1/2/3 9 * * *":                "minute: the step",
		"30-10 9 * * *":                "backwards",
		"0 9 * * sat-mon":              "backwards",
		"0 9 L-3 * *":                  "day of month: takes",
		"0 9 LW * *":                   "day of month: takes",
		"0 9 * * 5L":                   "weekday: takes",
		"0 9 30 2 *":                   "never fires",
		"0 9 30,31 feb *":              "never fires",
		"0 9 31 4,6,9,11 *":            "never fires",
		"０ 9 * * *":                    "minute: takes",
		strings.Repeat("1", 501):       "longer",
		"61 25 * * *":                  "hour: takes",
		"0 9 * *\u00a0*":               "five fields",
		"18446744073709551617 * * * *": "minute: takes",
	} {
		_, err := ParseCron(expr)
		if got := paths(t, err); len(got) != 1 || got[0] != "cron" {
			t.Errorf("%q: fields %v", expr, got)
		} else if !strings.Contains(err.Error(), says) {
			t.Errorf("%q: %v, want something about %q", expr, err, says)
		}
	}
}

func TestCronCanonical(t *testing.T) {
	t.Parallel()
	for expr, want := range map[string]string{
		"0 9 * * *":              "0 9 * * *",
		"00 09 * * ?":            "0 9 * * *",
		"0,15,30,45 * * * *":     "*/15 * * * *",
		"0 0-23 * * *":           "0 * * * *",
		"0 9 * * MON-FRI":        "0 9 * * 1-5",
		"0 9 * * 7":              "0 9 * * 0",
		"0 9 * * 5-7":            "0 9 * * 0,5,6",
		"0 9 * * fri-sun":        "0 9 * * 0,5,6",
		"0 9 * * 1-7":            "0 9 * * *",
		"0 9 1-31 * 1":           "0 9 * * *", // either day field suffices, and one always does
		"0 9 13 * 5":             "0 9 13 * 5",
		"0 9 L * *":              "0 9 L * *",
		"0 9 15,l * *":           "0 9 15,L * *",
		"0 9 1 jan,JUL *":        "0 9 1 1,7 *",
		"5/10 9 * * *":           "5,15,25,35,45,55 9 * * *",
		"0 9 */2 * *":            "0 9 */2 * *",
		"\t0  9 *   * 1,2,3,4,5": "0 9 * * 1-5",
		"0 9 29 2 *":             "0 9 29 2 *",
	} {
		c := mustCron(t, expr)
		if got := c.Canonical(); got != want {
			t.Errorf("%q: canonical %q, want %q", expr, got, want)
		}
		if !mustCron(t, want).Same(c) {
			t.Errorf("%q and %q differ", expr, want)
		}
	}
}

func TestLastDayOfMonth(t *testing.T) {
	t.Parallel()
	s := must(t, "cron 0 9 15,L * * zone=Asia/Shanghai")
	got := strings.Join(local(s, instant(t, "2028-01-20T00:00", "Asia/Shanghai"), 5), " ")
	want := "2028-01-31T09:00+08:00 2028-02-15T09:00+08:00 2028-02-29T09:00+08:00 2028-03-15T09:00+08:00 2028-03-31T09:00+08:00"
	if got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

// robfig/cron's own evaluation is right in UTC, within its five years: ours has
// to agree.
func TestNextAgreesWithRobfigInUTC(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(1, 2))
	cases := 0
	for range 3000 {
		expr := randomExpr(rng, false)
		c, err := ParseCron(expr)
		if err != nil {
			continue
		}
		ref, err := cron.ParseStandard(expr)
		if err != nil {
			t.Fatalf("%q: robfig refuses: %v", expr, err)
		}
		at := time.Unix(1767225600+rng.Int64N(5*365*24*3600), 0).UTC()
		for range 20 {
			want := ref.Next(at)
			w, ok := c.next(WallOf(at))
			if want.IsZero() {
				break // more than five years ahead
			}
			if cases++; !ok || !w.Time().Equal(want) {
				t.Fatalf("%q after %v: %v, robfig %v", expr, at, w, want)
			}
			at = want
		}
	}
	t.Logf("%d cases", cases)
	if cases < 10_000 {
		t.Errorf("only %d cases", cases)
	}
}

// randomExpr makes an expression that mostly parses; ours adds weekday 7 and L.
func randomExpr(rng *rand.Rand, ours bool) string {
	top := 6
	if ours {
		top = 7
	}
	dom := randomField(rng, 1, 31)
	if ours && rng.IntN(5) == 0 {
		dom += ",L"
	}
	return strings.Join([]string{
		randomField(rng, 0, 59), randomField(rng, 0, 23), dom, randomField(rng, 1, 12), randomField(rng, 0, top),
	}, " ")
}

func randomField(rng *rand.Rand, lo, hi int) string {
	one := func() int { return lo + rng.IntN(hi-lo+1) }
	n := strconv.Itoa
	switch rng.IntN(8) {
	case 0, 1, 2:
		return "*"
	case 3:
		return "*/" + n(1+rng.IntN(hi-lo-1))
	case 4:
		a, b := one(), one()
		return n(min(a, b)) + "-" + n(max(a, b))
	case 5:
		return n(one()) + "," + n(one()) + "," + n(one())
	}
	return n(one())
}
