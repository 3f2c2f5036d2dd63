package schedule

import (
	"math/rand/v2"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestPhrases(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"weekly on 1,3 at 09:30":               "30 9 * * 1,3",
		"Every Monday and Wednesday at 9:30":   "30 9 * * 1,3",
		"mon, wed 09:30":                       "30 9 * * 1,3",
		"mon-fri 18:00":                        "0 18 * * 1-5",
		"Weekdays at 09:00 and 18:00":          "0 9,18 * * 1-5",
		"每周一、三 9:30":                           "30 9 * * 1,3",
		"每周一三五 9点半":                            "30 9 * * 1,3,5",
		"每周1，3 09:30":                          "30 9 * * 1,3",
		"周一至周五 ９：００":                           "0 9 * * 1-5",
		"星期日 20点15分":                           "15 20 * * 0",
		"每天 09:00、18:00":                       "0 9,18 * * *",
		"daily at 07:05":                       "5 7 * * *",
		"每月1日、15号、最后一天 9点":                     "0 9 1,15,L * *",
		"monthly on the 1st, 15th at 09:00":    "0 9 1,15 * *",
		"monthly on 1-3 and last day at 09:00": "0 9 1-3,L * *",
		"每个工作日 09:00":                          "0 9 * * * working_days",
		"working days at 09:00":                "0 9 * * * working_days",
	} {
		p, err := ParsePhrase(text)
		if err != nil {
			t.Errorf("%q: %v", text, err)
			continue
		}
		c, err := ParseCron(strings.Join(strings.Fields(want)[:5], " "))
		if err != nil {
			t.Fatal(err)
		}
		if !p.Cron.Same(c) || (p.Rule == WorkingDays) != strings.HasSuffix(want, "working_days") {
			t.Errorf("%q is %s %s, want %s", text, p.Cron, p.Rule, want)
		}
	}
}

func TestPhrasesThatAreRefused(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"", "09:00", "every day", "weekly at 09:00", "weekly on 8 at 09:00", "monthly on 32 at 09:00", "monthly at 09:00", "每月周一 09:00", "每天 周一 09:00", "每周一至 09:00",
		"fri-mon 09:00", "1,15 at 09:00", "every day at 25:00", "every day at 9 pm", "每天下午3点", "每天 09:00、18:30", "TZ=UTC daily 09:00", "@daily", "daily weekly on 1 at 09:00",
		"every other monday 09:00", "第二个周一 09:00", "weekdays on 6 at 09:00", "最后一天 09:00", strings.Repeat("每天", 500) + "09:00", "monday\x00 09:00",
	} {
		if p, err := ParsePhrase(text); err == nil {
			t.Errorf("%q is %s", text, p.Cron)
		} else {
			paths(t, err)
		}
	}
}

// What the service tells of a simple schedule is read as that schedule.
func TestPhrasesAreWhatWordsTell(t *testing.T) {
	t.Parallel()
	rng, simple := rand.New(rand.NewPCG(5, 6)), 0
	for range 30_000 {
		c, err := ParseCron(randomExpr(rng, true))
		if err != nil || c.Editor().Mode == Advanced {
			continue
		}
		if _, ok := c.clocks(maxClocks); !ok || c.frequencyKind() == everyNthHour {
			continue // told as a frequency
		}
		simple++
		for _, l := range []Lang{Chinese, English} {
			p, err := ParsePhrase(c.Words(l))
			if err != nil || !p.Cron.Same(c) || p.Rule != AsIs {
				t.Fatalf("%q is told as %q and read as %q: %v", c, c.Words(l), p.Cron, err)
			}
		}
	}
	if simple < 500 {
		t.Fatalf("%d simple schedules only", simple)
	}
}

func FuzzPhrase(f *testing.F) {
	for _, s := range []string{"weekly on 1,3 at 09:30", "每周一三五 9点半", "每月1日、最后一天 9点", "working days at 09:00", "mon-fri 18:00"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		p, err := ParsePhrase(text)
		if err != nil {
			paths(t, err)
			return
		}
		if !utf8.ValidString(p.Cron.String()) {
			t.Fatalf("%q is %q", text, p.Cron)
		}
		again, err := ParseCron(p.Cron.String())
		if err != nil || !again.Same(p.Cron) || p.Cron.Editor().Mode == Advanced {
			t.Fatalf("%q is %q: %v", text, p.Cron, err)
		}
	})
}
