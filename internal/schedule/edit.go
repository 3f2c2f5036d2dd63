package schedule

import (
	"cmp"
	"fmt"
	"maps"
	"slices"

	"momentcast/internal/moment"
)

// Stored is the calendar as a table holds it: years are all whose holidays are
// known, none if there are none, and version counts the table's changes.
func Stored(region string, rows []Row, years []int, version int64) (*Calendar, error) {
	c, err := NewCalendar(region, rows)
	if err != nil {
		return nil, err
	}
	c.version, c.years = version, make(map[int]bool, len(years))
	for _, y := range years {
		c.years[y] = true
	}
	return c, nil
}

// Version counts the changes of a stored calendar; 0 for one that is not stored.
func (c *Calendar) Version() int64 { return c.version }

// Edit is what is to become of a stored calendar. What it does not name stays.
type Edit struct {
	Put                []Row  // by day: added, or in place of what the day was
	Remove             []Date // become ordinary days; those that are it already stay
	Publish, Unpublish []int  // years
}

// Effect is what an edit does, days by date and years in order. Days and years
// that already are what they are to be are not in it.
type Effect struct {
	Days        []DayChange
	Published   []int
	Unpublished []int
}

// None reports whether nothing changes.
func (e Effect) None() bool { return len(e.Days)+len(e.Published)+len(e.Unpublished) == 0 }

// Count is how many days are added, altered and taken away.
func (e Effect) Count() (added, altered, removed int) {
	for _, d := range e.Days {
		switch {
		case d.Was.Kind == "":
			added++
		case d.Is.Kind == "":
			removed++
		default:
			altered++
		}
	}
	return added, altered, removed
}

// DayChange is what becomes of one day. A Row without a Kind is an ordinary day.
type DayChange struct {
	Date    Date
	Was, Is Row
}

// Apply returns c after the edit, one version on, and what it does. The error
// is a moment.Error with a field for everything that is not right: rows that
// share a day, or a day that is put and removed at once.
func (c *Calendar) Apply(ed Edit) (*Calendar, Effect, error) {
	if _, err := NewCalendar(c.region, ed.Put); err != nil {
		return nil, Effect{}, err
	}
	if err := ed.check(); err != nil {
		return nil, Effect{}, err
	}
	o := *c
	o.version, o.rows, o.years = c.version+1, maps.Clone(c.rows), maps.Clone(c.years)
	for _, r := range ed.Put {
		o.rows[r.Date] = r
	}
	for _, d := range ed.Remove {
		delete(o.rows, d)
	}
	if len(o.rows) > MaxRows {
		return nil, Effect{}, moment.InvalidFields([]moment.Field{{Path: "rows", Message: fmt.Sprintf("at most %d", MaxRows)}})
	}
	for _, y := range ed.Publish {
		o.years[y] = true
	}
	for _, y := range ed.Unpublish {
		delete(o.years, y)
	}
	return &o, c.effect(&o), nil
}

func (ed Edit) check() error {
	var fs []moment.Field
	for i, d := range ed.Remove {
		if slices.ContainsFunc(ed.Put, func(r Row) bool { return r.Date == d }) {
			fs = append(fs, moment.Field{Path: fmt.Sprintf("remove[%d]", i), Message: "is put and removed at once"})
		}
	}
	for name, years := range map[string][]int{"publish": ed.Publish, "unpublish": ed.Unpublish} {
		for i, y := range years {
			if y < minYear || y > maxYear {
				fs = append(fs, moment.Field{Path: fmt.Sprintf("%s[%d]", name, i), Message: fmt.Sprintf("must lie between the years %d and %d", minYear, maxYear)})
			}
		}
	}
	return moment.InvalidFields(fs)
}

// effect is what is different in o.
func (c *Calendar) effect(o *Calendar) (e Effect) {
	for d, is := range o.rows {
		if was := c.rows[d]; was != is {
			e.Days = append(e.Days, DayChange{d, was, is})
		}
	}
	for d, was := range c.rows {
		if _, kept := o.rows[d]; !kept {
			e.Days = append(e.Days, DayChange{Date: d, Was: was})
		}
	}
	slices.SortFunc(e.Days, func(a, b DayChange) int { return cmp.Compare(a.Date, b.Date) })
	for _, y := range o.Years() {
		if !c.years[y] {
			e.Published = append(e.Published, y)
		}
	}
	for _, y := range c.Years() {
		if !o.years[y] {
			e.Unpublished = append(e.Unpublished, y)
		}
	}
	return e
}

// Take is the edit that an imported file asks for: its days are put, and the
// years in which it states a holiday count as known. With whole, those years
// become exactly what the file says.
func (c *Calendar) Take(rows []Row, whole bool) Edit {
	ed := Edit{Put: rows}
	stated := map[Date]bool{}
	for _, r := range rows {
		stated[r.Date] = true
		if y := r.Date.Year(); r.Kind == Off && !slices.Contains(ed.Publish, y) {
			ed.Publish = append(ed.Publish, y)
		}
	}
	slices.Sort(ed.Publish)
	if !whole {
		return ed
	}
	for _, r := range c.Rows() {
		if slices.Contains(ed.Publish, r.Date.Year()) && !stated[r.Date] {
			ed.Remove = append(ed.Remove, r.Date)
		}
	}
	return ed
}
