package schedule

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"momentcast/internal/moment"
)

// DayKind is what a work calendar says about a day. "" is an ordinary day, on
// which the week decides.
type DayKind string

// The kinds of day that a row may state.
const (
	Off  DayKind = "off"  // 休: a public holiday
	Work DayKind = "work" // 班: a weekend day that is worked to make up for a holiday
)

// Row is one line of a work calendar.
type Row struct {
	Date Date
	Name string // of the holiday, for people: 国庆节
	Kind DayKind
}

// Limits of a calendar.
const (
	MaxRows    = 20_000
	MaxDayName = 100 // characters
)

// Calendar is the work calendar of a region. It is immutable and safe for
// concurrent use.
type Calendar struct {
	region  string
	rows    map[Date]Row
	years   map[int]bool
	weekend [7]bool
	version int64
}

var regionRE = regexp.MustCompile(`^[a-z]{2}(-[a-z0-9]{1,8})?$`)

func checkRegion(s string) string {
	if !regionRE.MatchString(s) {
		return "must be a region in small letters such as cn or de-by"
	}
	return ""
}

// NewCalendar returns the calendar of a region ("cn", "de-by"). published names
// the years whose holidays are known; without any, they are the years in which
// rows state a holiday. Rows that overlap or are not right are refused with a
// field "rows[i].…" for each.
func NewCalendar(region string, rows []Row, published ...int) (*Calendar, error) {
	c := &Calendar{region: region, rows: make(map[Date]Row, len(rows)), years: map[int]bool{}}
	c.weekend[time.Saturday], c.weekend[time.Sunday] = true, true
	var fs []moment.Field
	if m := checkRegion(region); m != "" {
		fs = append(fs, moment.Field{Path: "region", Message: m})
	}
	if len(rows) > MaxRows {
		return nil, moment.InvalidFields(append(fs, moment.Field{Path: "rows", Message: fmt.Sprintf("at most %d", MaxRows)}))
	}
	at := make(map[Date]int, len(rows))
	for i, r := range rows {
		fs = append(fs, r.fields(i)...)
		if j, double := at[r.Date]; double {
			fs = append(fs, moment.Field{Path: fmt.Sprintf("rows[%d].date", i), Message: fmt.Sprintf("is the day of rows[%d] too; a day has one row", j)})
			continue
		}
		at[r.Date] = i
		c.rows[r.Date] = r
		if len(published) == 0 && r.Kind == Off {
			c.years[r.Date.Year()] = true
		}
	}
	for _, y := range published {
		c.years[y] = true
	}
	if err := moment.InvalidFields(fs); err != nil {
		return nil, err
	}
	return c, nil
}

func (r Row) fields(i int) (fs []moment.Field) {
	wrong := func(column, message string) {
		fs = append(fs, moment.Field{Path: fmt.Sprintf("rows[%d].%s", i, column), Message: message})
	}
	if y := r.Date.Year(); y < minYear || y > maxYear {
		wrong("date", fmt.Sprintf("must lie between the years %d and %d", minYear, maxYear))
	}
	if m := moment.CheckText(r.Name, true, MaxDayName); m != "" {
		wrong("name", m)
	}
	if r.Kind != Off && r.Kind != Work {
		wrong("kind", "must be off (holiday) or work (working day)")
	}
	return fs
}

// WithWeekend is c with other days of rest than Saturday and Sunday.
func (c *Calendar) WithWeekend(days ...time.Weekday) *Calendar {
	o := *c
	o.weekend = [7]bool{}
	for _, d := range days {
		o.weekend[d%7] = true
	}
	return &o
}

// Region is the region that c is of.
func (c *Calendar) Region() string { return c.region }

// Rows lists the rows by date.
func (c *Calendar) Rows() []Row {
	rows := make([]Row, 0, len(c.rows))
	for _, r := range c.rows {
		rows = append(rows, r)
	}
	slices.SortFunc(rows, func(a, b Row) int { return cmp.Compare(a.Date, b.Date) })
	return rows
}

// Published reports whether the holidays of a year are known.
func (c *Calendar) Published(year int) bool { return c.years[year] }

// Years lists the years whose holidays are known.
func (c *Calendar) Years() []int {
	years := make([]int, 0, len(c.years))
	for y, known := range c.years {
		if known {
			years = append(years, y)
		}
	}
	slices.Sort(years)
	return years
}

// Day is what a calendar says about a date.
type Day struct {
	Date      Date
	Kind      DayKind // "" where no row says anything
	Name      string  // of the holiday that Kind comes from
	Weekend   bool    // the week's own day of rest, whatever Kind says
	Published bool    // false: the year's holidays are not known, and Kind says nothing
}

// Day looks a date up. A nil calendar knows no holidays of any year.
func (c *Calendar) Day(d Date) Day {
	if c == nil {
		wd := d.Weekday()
		return Day{Date: d, Weekend: wd == time.Saturday || wd == time.Sunday}
	}
	r := c.rows[d]
	return Day{
		Date: d, Kind: r.Kind, Name: r.Name,
		Weekend:   c.weekend[d.Weekday()],
		Published: r.Kind != "" || c.years[d.Year()],
	}
}

// Working reports whether people work on d, as far as is known.
func (d Day) Working() bool { return d.Kind == Work || d.Kind == "" && !d.Weekend }

// Mark is 休 or 班, "" for an ordinary day.
func (d Day) Mark() string {
	switch d.Kind {
	case Off:
		return "休"
	case Work:
		return "班"
	}
	return ""
}

// cleanName makes a holiday's name fit for a row: one line, no longer than is
// kept.
func cleanName(s string) string {
	s = strings.Join(strings.Fields(strings.ToValidUTF8(s, "")), " ")
	if r := []rune(s); len(r) > MaxDayName {
		s = string(r[:MaxDayName])
	}
	if moment.CheckText(s, true, MaxDayName) != "" {
		return "holiday"
	}
	return s
}
