package schedule

import (
	"math/rand/v2"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
)

var seedExprs = []string{
	"0 9 * * *", "*/15 9-17 * * mon-fri", "0 0 29 2 *", "0 9 1,15 * *", "0 9 L * *", "0 9 15,L * 5", "30 2 * * 7", "0 9 13 * fri-sun",
	"* * * * *", "5/10 */6 ? jan-mar ?", "TZ=0", "CRON_TZ=UTC 0 9 * * *", "@every -1h", "@daily", "*/61 * * * *", "0 9 30 2 *", "TZ=UTC",
	"0,30 22-23 1-31/2 2,4 0-7/2", "59 23 31 12 6", "0 9 5-7 * 1-7",
}

// What is taken has one canonical form that fires alike, and a form in the editor
// that leads back to it.
func FuzzParse(f *testing.F) {
	for _, s := range seedExprs {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, expr string) {
		c, err := ParseCron(expr)
		if err != nil {
			paths(t, err)
			return
		}
		for _, text := range []string{c.String(), c.Canonical()} {
			again, err := ParseCron(text)
			if err != nil || !again.Same(c) {
				t.Fatalf("%q as %q: %v, same %v", expr, text, err, again.Same(c))
			}
		}
		if got := mustCron(t, c.Canonical()).Canonical(); got != c.Canonical() {
			t.Fatalf("%q: canonical %q, then %q", expr, c.Canonical(), got)
		}
		e := c.Editor()
		back, err := e.Cron()
		if err != nil || !back.Same(c) {
			t.Fatalf("%q: editor %+v: %v, %q", expr, e, err, back)
		}
		if d := cmp.Diff(e, back.Editor()); e.Mode != Advanced && d != "" {
			t.Fatalf("%q: editor of the editor's: %s", expr, d)
		}
	})
}

// Occurrences follow one another, from wherever one begins, in every zone.
func FuzzNext(f *testing.F) {
	for i, s := range seedExprs {
		f.Add(s, int64(1772900000), uint16(i*31), uint8(i), uint16(i))
	}
	zones := Zones()
	rules := []string{"", " rule=skip_holidays region=cn", " rule=working_days region=cn", " rule=next_working_day region=cn"}
	cal := Seed()
	f.Fuzz(func(t *testing.T, expr string, at int64, zone uint16, options uint8, count uint16) {
		text := "cron " + expr + " zone=" + zones[int(zone)%len(zones)] + rules[options%4]
		if options&4 != 0 {
			text += " start=2026-02-01T02:30"
			if options&8 != 0 {
				text += " end=2026-11-03T01:15"
			}
			if options&16 != 0 {
				text += " count=" + string('1'+rune(count%9))
			}
		}
		spec, err := ParseSpec(text)
		if err != nil {
			return
		}
		s, err := New(spec, cal)
		if err != nil {
			t.Fatalf("%q: %v", text, err)
		}
		from := time.Unix(946684800+(at&0x7fffffffffffffff)%(90*365*24*3600), 0)
		last, names, n := from, map[Wall]bool{}, 0
		for o := range s.After(from) {
			if !o.At.After(last) {
				t.Fatalf("%q: %v after %v", text, o.At, last)
			}
			for _, name := range append(o.Merged, o.Name) {
				if names[name] || !spec.within(name) || !s.cron.matches(name) {
					t.Fatalf("%q: %s comes twice, is out of bounds or does not match", text, name)
				}
				names[name] = true
			}
			if n == 0 {
				inBetween(t, s, from, o)
			}
			last = o.At
			if n++; n == 20 {
				break
			}
		}
	})
}

// matches is what a cron expression means, bit by bit.
func (c *Cron) matches(w Wall) bool {
	h, m := w.Clock()
	y, month, day := w.Time().Date()
	return c.minute>>m&1 != 0 && c.hour>>h&1 != 0 && c.month>>month&1 != 0 &&
		c.days.match(day, day == daysIn(y, month), w.Date().Weekday())
}

// inBetween asks from some instants between a start and its next.
func inBetween(t *testing.T, s *Schedule, from time.Time, want Occurrence) {
	gap := want.At.Unix() - from.Unix()
	for _, d := range []int64{gap / 3, gap - 1} {
		o, ok := s.Next(time.Unix(from.Unix()+d, 0))
		if !ok || !o.At.Equal(want.At) || o.Name != want.Name {
			t.Fatalf("%v: from %d s on %s %v, want %s %v", s.spec, d, o.Name, o.At, want.Name, want.At)
		}
	}
}

// Words exist for everything, in both languages, and two expressions with the
// same words fire alike: each of the fields of one takes the place of the
// other's in turn, so that they differ little.
func FuzzWords(f *testing.F) {
	for i, s := range seedExprs {
		f.Add(s, seedExprs[(i+1)%len(seedExprs)])
	}
	f.Fuzz(func(t *testing.T, a, b string) {
		ca, err := ParseCron(a)
		if err != nil {
			return
		}
		tell(t, ca)
		fa, fb := strings.Fields(a), strings.Fields(b)
		if len(fb) != 5 {
			return
		}
		for i := range fa {
			mixed := append([]string{}, fa...)
			mixed[i] = fb[i]
			if cb, err := ParseCron(strings.Join(mixed, " ")); err == nil {
				sameWordsFireAlike(t, ca, cb)
			}
		}
	})
}

func tell(t *testing.T, c Cron) {
	for _, l := range []Lang{Chinese, English} {
		w := c.Words(l)
		if w == "" || !utf8.ValidString(w) || strings.Contains(w, "%!") || strings.Contains(w, "  ") || w != strings.TrimSpace(w) {
			t.Fatalf("%q: words %q", c, w)
		}
	}
}

func sameWordsFireAlike(t *testing.T, a, b Cron) {
	for _, l := range []Lang{Chinese, English} {
		if w := a.Words(l); w == b.Words(l) && !a.Same(b) {
			t.Fatalf("%q and %q are both %q", a, b, w)
		}
	}
}

// The text form reads back as what it was written from.
func FuzzRoundTrip(f *testing.F) {
	for _, s := range []string{
		"once 2026-10-01T09:00 zone=Asia/Shanghai",
		"times 2026-10-08T09:00 2026-10-01T09:00 zone=UTC count=1",
		"cron 0 9 15,L * MON-FRI zone=Asia/Shanghai start=2026-10-01 end=2026-12-31T12:30 count=10 rule=working_days region=cn",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		s, err := ParseSpec(text)
		if err != nil {
			paths(t, err)
			return
		}
		if err := s.Check(); err != nil {
			t.Fatalf("%q: read, but %v", text, err)
		}
		again, err := ParseSpec(s.String())
		if d := cmp.Diff(s, again, cmp.AllowUnexported(Wall{})); err != nil || d != "" || again.String() != s.String() {
			t.Fatalf("%q as %q: %v %s", text, s, err, d)
		}
		for _, l := range []Lang{Chinese, English} {
			if w := s.Words(l); !utf8.ValidString(w) || strings.Contains(w, "%!") {
				t.Fatalf("%q: words %q", text, w)
			}
		}
	})
}

// Whatever the file, the rows are good enough for a calendar.
func FuzzICal(f *testing.F) {
	f.Add([]byte(germanHolidays))
	f.Add([]byte(chineseHolidays))
	f.Add([]byte("BEGIN:VCALENDAR\nBEGIN:VEVENT\nDTSTART:20261001\nDURATION:P2W\nEND:VEVENT"))
	f.Fuzz(func(t *testing.T, data []byte) {
		in, err := ReadICal(strings.NewReader(string(data)))
		if err != nil {
			return
		}
		c, err := NewCalendar("xx", in.Rows)
		if err != nil {
			t.Fatalf("%q: %v", data, err)
		}
		if len(c.Rows()) != len(in.Rows) || len(in.Warnings) > maxWarnings {
			t.Fatalf("%q: %d rows, %d kept", data, len(in.Rows), len(c.Rows()))
		}
	})
}

// Words of many random expressions never mean two things.
func TestWordsAreUnambiguous(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(3, 4))
	told := map[string]Cron{}
	n := 0
	for range 60_000 {
		c, err := ParseCron(randomExpr(rng, true))
		if err != nil {
			continue
		}
		n++
		for _, l := range []Lang{Chinese, English} {
			w := c.Words(l)
			if other, ok := told[w]; ok && !other.Same(c) {
				t.Fatalf("%q and %q are both %q", c, other, w)
			}
			told[w] = c
		}
	}
	t.Logf("%d expressions, %d texts", n, len(told))
}
