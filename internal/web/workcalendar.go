package web

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"momentcast/internal/moment"
	"momentcast/internal/schedule"
)

// WorkCalendarStore keeps the public holidays of each region.
type WorkCalendarStore interface {
	WorkCalendar(ctx context.Context, region string) (*schedule.Calendar, error)
	WorkCalendars(ctx context.Context) (regions []string, err error)
	ChangeWorkCalendar(ctx context.Context, region string, ifVersion int64,
		change func(*schedule.Calendar) (schedule.Edit, error), by moment.Origin) (schedule.Effect, error)
}

// workCalendarRoutes are the pages of public holidays.
func (s *Web) workCalendarRoutes() []route {
	const view, admin = moment.PermView, moment.PermAdmin
	return []route{
		{"GET /settings/calendar", view, s.workCalendar},
		{"POST /settings/calendar/day", admin, s.changeDay},
		{"POST /settings/calendar/year", admin, s.changeYear},
		{"POST /settings/calendar/import", admin, s.readImport},
		{"POST /settings/calendar/import/save", admin, s.saveImport},
	}
}

// workCalendarPage shows a year of a region's holidays.
type workCalendarPage struct {
	Frame
	Region    string
	Regions   []string
	Year      int
	Years     []calendarYear
	Published bool
	Version   int64
	Months    []calendarMonth
	Day       dayForm
	Import    string // the region that a file is for, as typed
}

// calendarYear is one year to choose.
type calendarYear struct {
	Year            int
	Published, Here bool
}

// calendarMonth is a month as a grid of weeks that begin on Monday.
type calendarMonth struct {
	Month int
	Weeks [][7]dayCell
}

// dayCell is one day of a grid; the zero value is a place without a day.
type dayCell struct {
	schedule.Day
	Number int // of the day in its month; 0 = none
	Today  bool
}

// Off reports whether people rest.
func (d dayCell) Off() bool { return d.Number != 0 && !d.Working() }

// dayForm is the day that is being edited.
type dayForm struct {
	From, To string // YYYY-MM-DD
	Kind     string // "", "off" or "work"
	Name     string
}

func (s *Web) workCalendar(w http.ResponseWriter, r *http.Request) error {
	q := r.URL.Query()
	p := &workCalendarPage{Region: q.Get("region"), Year: int(number(q.Get("year"))), Day: dayForm{From: q.Get("day")}}
	return s.workCalendarPage(w, r, p)
}

// workCalendarPage fills p with its region's year as it is now.
func (s *Web) workCalendarPage(w http.ResponseWriter, r *http.Request, p *workCalendarPage) error {
	if p.Region == "" {
		p.Region = schedule.RegionCN
	}
	c, err := s.store.WorkCalendar(r.Context(), p.Region)
	if err != nil {
		return err
	}
	k, err := s.known.get(r.Context())
	if err != nil {
		return err
	}
	if p.Regions, err = s.store.WorkCalendars(r.Context()); err != nil {
		return err
	}
	today := schedule.NewDate(time.Now().In(location(k.settings.TimeZone)).Date())
	if p.Year < firstYear || p.Year > lastYear {
		p.Year = today.Year()
	}
	p.Years, p.Published, p.Version = yearsOf(c, p.Year, today.Year()), c.Published(p.Year), c.Version()
	for m := time.January; m <= time.December; m++ {
		p.Months = append(p.Months, calendarMonth{int(m), gridOf(c, p.Year, m, today)})
	}
	p.Day.complete(c)
	return s.page(w, r, view{Status: statusFor(p.Problem), Page: "workcalendar", Data: p})
}

// Years that a work calendar may speak of.
const firstYear, lastYear = 2000, 2199

// yearsOf are the years to choose from: those that are known, this one and the
// next two, whose dates are looked for first.
func yearsOf(c *schedule.Calendar, here, now int) []calendarYear {
	years := append(c.Years(), here, now, now+1, now+2)
	slices.Sort(years)
	var out []calendarYear
	for _, y := range slices.Compact(years) {
		out = append(out, calendarYear{y, c.Published(y), y == here})
	}
	return out
}

// gridOf lays a month out in weeks.
func gridOf(c *schedule.Calendar, year int, month time.Month, today schedule.Date) (weeks [][7]dayCell) {
	first := schedule.NewDate(year, month, 1)
	column := (int(first.Weekday()) + 6) % 7
	for d := first; d < schedule.NewDate(year, month+1, 1); d++ {
		at := column + int(d-first)
		if at/7 == len(weeks) {
			weeks = append(weeks, [7]dayCell{})
		}
		weeks[at/7][at%7] = dayCell{Day: c.Day(d), Number: int(d-first) + 1, Today: d == today}
	}
	return weeks
}

// complete fills the form with the day that was chosen, unless it was typed.
func (f *dayForm) complete(c *schedule.Calendar) {
	d, err := schedule.ParseDate(f.From)
	if err != nil || f.Kind != "" || f.Name != "" {
		return
	}
	day := c.Day(d)
	f.Kind, f.Name = string(day.Kind), day.Name
}

// spanMost is how many days one form changes at once.
const spanMost = 62

// edit reads the form: every day from From to To becomes what it says.
func (f dayForm) edit() (ed schedule.Edit, err error) {
	var fs []moment.Field
	from, err := schedule.ParseDate(f.From)
	if err != nil {
		fs = append(fs, moment.Field{Path: "from", Message: err.Error()})
	}
	to := from
	if f.To != "" {
		if to, err = schedule.ParseDate(f.To); err != nil {
			fs = append(fs, moment.Field{Path: "to", Message: err.Error()})
		}
	}
	switch {
	case len(fs) > 0:
	case to < from:
		fs = append(fs, moment.Field{Path: "to", Message: "lies before the first day"})
	case to-from >= spanMost:
		fs = append(fs, moment.Field{Path: "to", Message: "is more than two months after the first day"})
	}
	if m := moment.CheckText(f.Name, f.Kind != "", schedule.MaxDayName); m != "" {
		fs = append(fs, moment.Field{Path: "name", Message: m})
	}
	if f.Kind != "" && f.Kind != string(schedule.Off) && f.Kind != string(schedule.Work) {
		fs = append(fs, moment.Field{Path: "kind", Message: "must be off (holiday) or work (working day)"})
	}
	if len(fs) > 0 {
		return ed, moment.InvalidFields(fs)
	}
	for d := from; d <= to; d++ {
		if f.Kind == "" {
			ed.Remove = append(ed.Remove, d)
			continue
		}
		ed.Put = append(ed.Put, schedule.Row{Date: d, Name: f.Name, Kind: schedule.DayKind(f.Kind)})
	}
	return ed, nil
}

func (s *Web) changeDay(w http.ResponseWriter, r *http.Request) error {
	if err := parseForm(w, r); err != nil {
		return err
	}
	form := r.PostForm
	f := dayForm{From: form.Get("from"), To: form.Get("to"), Kind: form.Get("kind"), Name: strings.TrimSpace(form.Get("name"))}
	ed, err := f.edit()
	if err == nil {
		err = s.changeWorkCalendar(r, ed)
	}
	return s.afterWorkCalendar(w, r, err, f, "done.workcalendar_day")
}

// changeYear says that a year's holidays are known, or are not.
func (s *Web) changeYear(w http.ResponseWriter, r *http.Request) error {
	if err := parseForm(w, r); err != nil {
		return err
	}
	year := []int{int(number(r.PostForm.Get("year")))}
	ed, done := schedule.Edit{Unpublish: year}, "done.workcalendar_unpublish"
	if r.PostForm.Get("published") == "1" {
		ed, done = schedule.Edit{Publish: year}, "done.workcalendar_publish"
	}
	return s.afterWorkCalendar(w, r, s.changeWorkCalendar(r, ed), dayForm{}, done)
}

// changeWorkCalendar makes an edit of the version that was seen.
func (s *Web) changeWorkCalendar(r *http.Request, ed schedule.Edit) error {
	version := number(r.PostForm.Get("version"))
	if version == 0 {
		return moment.Errorf(moment.Invalid, "The form does not say which version of the work calendar was seen.")
	}
	_, err := s.store.ChangeWorkCalendar(r.Context(), r.PostForm.Get("region"), version,
		func(*schedule.Calendar) (schedule.Edit, error) { return ed, nil }, origin(r))
	return err
}

// afterWorkCalendar leads back to the year, or shows why nothing was changed
// beside the calendar as it is.
func (s *Web) afterWorkCalendar(w http.ResponseWriter, r *http.Request, err error, typed dayForm, done string) error {
	p := &workCalendarPage{Region: r.PostForm.Get("region"), Year: int(number(r.PostForm.Get("year"))), Day: typed}
	switch {
	case err == nil:
		say(w, r, done)
		return seeOther(w, r, workCalendarAt(p.Region, p.Year))
	case refused(err):
		p.Problem = explain(s.texts[langOf(r)], err)
		return s.workCalendarPage(w, r, p)
	}
	return err
}

func workCalendarAt(region string, year int) string {
	v := url.Values{"region": {region}}
	if year != 0 {
		v.Set("year", strconv.Itoa(year))
	}
	return "/settings/calendar?" + v.Encode()
}
