package schedule

import (
	"errors"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"momentcast/internal/moment"
)

func day(t *testing.T, s string) Date {
	t.Helper()
	d, err := ParseDate(s)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func stored(t *testing.T, years []int, rows ...Row) *Calendar {
	t.Helper()
	c, err := Stored("cn", rows, years, 7)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// A table that states days of a year does not make the year known.
func TestStoredYearsAreWhatTheTableSays(t *testing.T) {
	t.Parallel()
	c := stored(t, nil, Row{day(t, "2027-01-01"), "元旦", Off})
	if c.Published(2027) || len(c.Years()) != 0 || c.Version() != 7 {
		t.Errorf("years %v, version %d", c.Years(), c.Version())
	}
}

func TestApplyLeavesTheCalendarAsItWas(t *testing.T) {
	t.Parallel()
	newYear := Row{day(t, "2027-01-01"), "元旦", Off}
	c := stored(t, []int{2026}, newYear)
	is, e, err := c.Apply(Edit{
		Put:     []Row{{newYear.Date, "New Year", Off}, {day(t, "2027-01-02"), "元旦", Work}},
		Publish: []int{2027, 2026}, Unpublish: []int{2031},
	})
	if err != nil {
		t.Fatal(err)
	}
	want := Effect{
		Days: []DayChange{
			{newYear.Date, newYear, Row{newYear.Date, "New Year", Off}},
			{day(t, "2027-01-02"), Row{}, Row{day(t, "2027-01-02"), "元旦", Work}},
		},
		Published: []int{2027},
	}
	if d := cmp.Diff(want, e); d != "" {
		t.Error(d)
	}
	if got := c.Day(newYear.Date).Name; got != "元旦" || c.Published(2027) || c.Version() != 7 {
		t.Errorf("the old one is %q now", got)
	}
	if got := is.Day(newYear.Date).Name; got != "New Year" || !is.Published(2027) || is.Version() != 8 {
		t.Errorf("the new one is %q", got)
	}
	if _, again, err := is.Apply(Edit{Put: is.Rows(), Publish: []int{2027}}); err != nil || !again.None() {
		t.Errorf("the same again does %+v, %v", again, err)
	}
}

func TestApplyRefusesOverlaps(t *testing.T) {
	t.Parallel()
	c, d := stored(t, nil), day(t, "2027-01-01")
	for name, ed := range map[string]Edit{
		"rows[1].date": {Put: []Row{{d, "a", Off}, {d, "b", Work}}},
		"remove[0]":    {Put: []Row{{d, "a", Off}}, Remove: []Date{d}},
		"publish[0]":   {Publish: []int{1999}},
		"rows[0].name": {Put: []Row{{d, "", Off}}},
		"rows[0].kind": {Put: []Row{{d, "a", "holiday"}}},
	} {
		_, _, err := c.Apply(ed)
		e, ok := errors.AsType[*moment.Error](err)
		if !ok || !slices.ContainsFunc(e.Fields, func(f moment.Field) bool { return f.Path == name }) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestTakeWholeYears(t *testing.T) {
	t.Parallel()
	gone, other, makeUp := day(t, "2027-05-03"), day(t, "2026-05-03"), day(t, "2028-01-03")
	c := stored(t, []int{2026}, Row{gone, "劳动节", Off}, Row{other, "劳动节", Off})
	rows := []Row{{day(t, "2027-05-01"), "劳动节", Off}, {makeUp, "元旦", Work}}
	if d := cmp.Diff(Edit{Put: rows, Publish: []int{2027}}, c.Take(rows, false)); d != "" {
		t.Error(d)
	}
	// 2028 is only touched by a make-up day: the file is not about that year.
	if d := cmp.Diff(Edit{Put: rows, Publish: []int{2027}, Remove: []Date{gone}}, c.Take(rows, true)); d != "" {
		t.Error(d)
	}
}
