package schedule

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// The week of the National Day of 2026: the 1st (a Thursday) to the 7th are off,
// Saturday the 10th is worked, and so was Sunday the 20th of September.
func TestNationalDayWeek(t *testing.T) {
	t.Parallel()
	for rule, want := range map[string]string{
		"":                                 "09-30 10-01 10-02 10-03 10-04 10-05 10-06 10-07 10-08 10-09 10-10 10-11 10-12",
		" rule=skip_holidays region=cn":    "09-30 10-08 10-09 10-10 10-11 10-12",
		" rule=working_days region=cn":     "09-30 10-08 10-09 10-10 10-12",
		" rule=next_working_day region=cn": "09-30 10-08 10-09 10-10 10-12",
	} {
		s := must(t, "cron 0 9 * * * zone=Asia/Shanghai start=2026-09-30 end=2026-10-12"+rule)
		var got []string
		for o := range s.After(instant(t, "2026-09-01T00:00", "Asia/Shanghai")) {
			got = append(got, o.At.In(s.loc).Format("01-02"))
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%s: %v, want %s", rule, got, want)
		}
	}
}

// lines writes a preview as a person reads it.
func lines(p Preview, lang Lang) []string {
	var out []string
	for _, e := range p.Entries {
		state := "fires"
		if e.Dropped {
			state = "drops"
		}
		out = append(out, strings.Join(strings.Fields(fmt.Sprintf("%s %s %s %s %s%s %s",
			state, e.Local.Format("01-02 15:04"), e.Weekday.String()[:3], e.Zone, e.Day.Mark(), e.Day.Name, e.Why(lang))), " "))
	}
	return out
}

func TestPreviewOfNationalDay(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		spec string
		n    int
		lang Lang
		want []string
	}{
		"working days": {"cron 0 9 * * 4-6 zone=Asia/Shanghai rule=working_days region=cn", 3, English, []string{
			"drops 10-01 09:00 Thu CST 休国庆节 dropped: holiday 国庆节",
			"drops 10-02 09:00 Fri CST 休国庆节 dropped: holiday 国庆节",
			"drops 10-03 09:00 Sat CST 休国庆节 dropped: holiday 国庆节",
			"fires 10-08 09:00 Thu CST",
			"fires 10-09 09:00 Fri CST",
			"fires 10-10 09:00 Sat CST 班国庆节",
		}},
		"skip holidays": {"cron 0 9 * * 3,0 zone=Asia/Shanghai rule=skip_holidays region=cn", 2, Chinese, []string{
			"drops 10-04 09:00 Sun CST 休国庆节 国庆节，跳过",
			"drops 10-07 09:00 Wed CST 休国庆节 国庆节，跳过",
			"fires 10-11 09:00 Sun CST",
			"fires 10-14 09:00 Wed CST",
		}},
		"moved": {"cron 0 9 2,9 * * zone=Asia/Shanghai rule=next_working_day region=cn", 3, English, []string{
			"fires 10-08 09:00 Thu CST moved from Friday 2026-10-02: holiday 国庆节",
			"fires 10-09 09:00 Fri CST",
			"fires 11-02 09:00 Mon CST",
		}},
		"moved and merged": {"cron 0 9 1,5,8,11 * * zone=Asia/Shanghai rule=next_working_day region=cn", 3, Chinese, []string{
			"fires 10-08 09:00 Thu CST 合并了 2 个落在同一时刻的计划",
			"fires 10-12 09:00 Mon CST 由 2026-10-11 周日 顺延（周日）",
			"fires 11-02 09:00 Mon CST 由 2026-11-01 周日 顺延（周日）",
		}},
		"as is, marked": {"cron 0 9 1,10 * * zone=Asia/Shanghai", 2, English, []string{
			"fires 10-01 09:00 Thu CST 休国庆节",
			"fires 10-10 09:00 Sat CST 班国庆节",
		}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := must(t, tt.spec).Preview(instant(t, "2026-09-30T12:00", "Asia/Shanghai"), tt.n)
			if d := cmp.Diff(tt.want, lines(p, tt.lang)); d != "" {
				t.Error(d)
			}
			if len(p.Unpublished) > 0 || p.Ended {
				t.Errorf("unpublished %v, ended %v", p.Unpublished, p.Ended)
			}
		})
	}
}

// Times of a day that others move to come in the order of the day, not in that of
// the days they come from.
func TestMovedOnesAreInOrder(t *testing.T) {
	t.Parallel()
	s := must(t, "times 2026-10-01T18:00 2026-10-02T09:00 2026-10-05T18:00 2026-10-08T12:00 zone=Asia/Shanghai rule=next_working_day region=cn")
	got := strings.Join(local(s, time.Unix(0, 0), 10), " ")
	if want := "2026-10-08T09:00+08:00 2026-10-08T12:00+08:00 2026-10-08T18:00+08:00"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestYearWithoutData(t *testing.T) {
	t.Parallel()
	s := must(t, "cron 0 9 31 12 * zone=Asia/Shanghai rule=working_days region=cn start=2026-01-01 end=2027-12-31")
	p := s.Preview(instant(t, "2026-01-01T00:00", "Asia/Shanghai"), 5)
	want := []string{
		"fires 12-31 09:00 Thu CST",
		"fires 12-31 09:00 Fri CST 2027 年的节假日安排尚未公布",
	}
	if d := cmp.Diff(want, lines(p, Chinese)); d != "" {
		t.Error(d)
	}
	if !slices.Equal(p.Unpublished, []int{2027}) || !p.Ended {
		t.Errorf("unpublished %v, ended %v", p.Unpublished, p.Ended)
	}
	if o, _ := s.Next(instant(t, "2027-01-01T00:00", "Asia/Shanghai")); !o.Unpublished {
		t.Error("an occurrence in a year without data is not marked")
	}
}

// A move that looks into a year without data rests on it.
func TestMoveIntoAYearWithoutData(t *testing.T) {
	t.Parallel()
	cal, err := NewCalendar("cn", []Row{{NewDate(2026, 12, 31), "假日", Off}})
	if err != nil {
		t.Fatal(err)
	}
	spec, err := ParseSpec("cron 0 9 31 12 * zone=Asia/Shanghai rule=next_working_day region=cn")
	if err != nil {
		t.Fatal(err)
	}
	s, err := New(spec, cal)
	if err != nil {
		t.Fatal(err)
	}
	p := s.Preview(instant(t, "2026-12-01T00:00", "Asia/Shanghai"), 1)
	if e := p.Entries[0]; e.Local.Format(time.DateOnly) != "2027-01-01" || !e.Unpublished || !slices.Equal(p.Unpublished, []int{2027}) {
		t.Errorf("%v unpublished %v %v", e.Local, e.Unpublished, p.Unpublished)
	}
}

func TestCalendarRefuses(t *testing.T) {
	t.Parallel()
	d := NewDate(2026, 10, 1)
	for want, rows := range map[string][]Row{
		"rows[1].date": {{d, "国庆节", Off}, {d, "国庆节", Work}},
		"rows[0].kind": {{d, "国庆节", "maybe"}},
		"rows[0].name": {{d, "", Off}},
		"rows[0].date": {{0, "国庆节", Off}},
		"rows":         make([]Row, MaxRows+1),
	} {
		if _, err := NewCalendar("cn", rows); strings.Join(paths(t, err), " ") != want {
			t.Errorf("want %s: %v", want, err)
		}
	}
	if _, err := NewCalendar("China", nil); strings.Join(paths(t, err), " ") != "region" {
		t.Error("a region's name is not checked")
	}
}

func TestSeed(t *testing.T) {
	t.Parallel()
	c := Seed()
	if got := c.Years(); !slices.Equal(got, []int{2024, 2025, 2026}) {
		t.Errorf("years %v", got)
	}
	for s, want := range map[string]string{"2026-10-01": "休国庆节", "2026-10-10": "班国庆节", "2026-10-11": "", "2026-02-14": "班春节", "2024-02-10": "休春节"} {
		d, err := ParseDate(s)
		if err != nil {
			t.Fatal(err)
		}
		if day := c.Day(d); day.Mark()+day.Name != want {
			t.Errorf("%s: %s%s, want %s", s, day.Mark(), day.Name, want)
		}
	}
	again, err := NewCalendar("cn", c.Rows(), c.Years()...)
	if err != nil || !slices.Equal(again.Rows(), c.Rows()) {
		t.Errorf("rows don't read back: %v", err)
	}
	if len(c.Rows()) != strings.Count(string(seedCN), "\n")-1 {
		t.Errorf("%d rows", len(c.Rows()))
	}
}

func TestReadRows(t *testing.T) {
	t.Parallel()
	rows, err := ReadRows(strings.NewReader("\ufeffKind,date,name,note\r\noff,2027-01-01,元旦,x\r\nwork , 2027-01-03 ,元旦,\r\n"))
	want := []Row{{NewDate(2027, 1, 1), "元旦", Off}, {NewDate(2027, 1, 3), "元旦", Work}}
	if err != nil || !slices.Equal(rows, want) {
		t.Errorf("%v %v", rows, err)
	}
	for in, want := range map[string]string{
		"date,name,kind\n2027-13-01,元旦,off\n2027-01-02,,off\n": "rows[0].date rows[1].name",
		"date,name,kind\n2027-01-01\n":                         "rows[0]",
	} {
		if _, err := ReadRows(strings.NewReader(in)); strings.Join(paths(t, err), " ") != want {
			t.Errorf("%q: %v", in, err)
		}
	}
	for _, in := range []string{"", "day,what\n", strings.Repeat("x", maxCalendarBytes+1)} {
		if _, err := ReadRows(strings.NewReader(in)); err == nil {
			t.Errorf("%.20q is taken", in)
		}
	}
}

func TestWeekendOfAnotherRegion(t *testing.T) {
	t.Parallel()
	c, err := NewCalendar("il", nil, 2026)
	if err != nil {
		t.Fatal(err)
	}
	c = c.WithWeekend(time.Friday, time.Saturday)
	if c.Day(NewDate(2026, 10, 2)).Working() || !c.Day(NewDate(2026, 10, 4)).Working() {
		t.Error("Friday is worked, or Sunday is not")
	}
}
