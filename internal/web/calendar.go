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

// CalendarStore is the part of the database that the calendar needs.
type CalendarStore interface {
	Calendar(ctx context.Context, q moment.CalendarQuery) ([]moment.CalendarDay, error)
	InstanceGroups(ctx context.Context) ([]string, error)
	Outlook(ctx context.Context, instances []int64) (*moment.Outlook, error)
}

// calendarRoutes are the calendar and what moves posts in it.
func (s *Web) calendarRoutes() []route {
	const view, write = moment.PermView, moment.PermWrite
	return []route{
		{"GET /calendar", view, s.calendar},
		{"GET /calendar/feed", view, s.calendarFeed},
		{"GET /posts/{id}/move", view, s.askMove},
		{"POST /posts/{id}/move", write, s.move},
	}
}

// calendarView is how much of time a calendar shows.
type calendarView string

// The views, and how many posts of a day each lists.
const (
	monthView calendarView = "month"
	weekView  calendarView = "week"
	dayView   calendarView = "day"
)

var calendarViews = []calendarView{monthView, weekView, dayView}

var postsPerDay = map[calendarView]int{monthView: 4, weekView: 50, dayView: 200}

// calendarFilter is what a calendar shows, as its address says it.
type calendarFilter struct {
	View     calendarView
	Date     schedule.Date
	Instance int64
	Campaign int64
	Group    string
	State    string
}

// readCalendarFilter reads an address; what makes no sense is today's month of
// everything.
func readCalendarFilter(v url.Values, today schedule.Date) calendarFilter {
	f := calendarFilter{View: calendarView(v.Get("view")), Instance: number(v.Get("instance")), Campaign: number(v.Get("campaign")), Group: clean(v.Get("group")), State: v.Get("state")}
	if !slices.Contains(calendarViews, f.View) {
		f.View = monthView
	}
	d, err := schedule.ParseDate(v.Get("date"))
	if err != nil || d.Year() <= firstYear || d.Year() >= lastYear {
		d = today
	}
	f.Date = d
	if _, err := moment.ParseState(f.State); err != nil {
		f.State = ""
	}
	return f
}

// at is the address of the calendar with this filter.
func (f calendarFilter) at(path string, view calendarView, date schedule.Date) string {
	v := url.Values{"view": {string(view)}, "date": {date.String()}}
	if f.Instance != 0 {
		v.Set("instance", strconv.FormatInt(f.Instance, 10))
	}
	if f.Campaign != 0 {
		v.Set("campaign", strconv.FormatInt(f.Campaign, 10))
	}
	if f.Group != "" {
		v.Set("group", f.Group)
	}
	if f.State != "" {
		v.Set("state", f.State)
	}
	return path + "?" + v.Encode()
}

// Any reports whether posts are filtered at all.
func (f calendarFilter) Any() bool {
	return f.Instance != 0 || f.Campaign != 0 || f.Group != "" || f.State != ""
}

// span is the days that the view shows, the last one excluded.
func (f calendarFilter) span() (from, to schedule.Date) {
	switch f.View {
	case dayView:
		return f.Date, f.Date + 1
	case weekView:
		from = monday(f.Date)
		return from, from + 7
	}
	first, last := f.month()
	return monday(first), monday(last) + 7
}

// month is the first and the last day of the date's month.
func (f calendarFilter) month() (first, last schedule.Date) {
	t := f.Date.Time()
	return schedule.NewDate(t.Year(), t.Month(), 1), schedule.NewDate(t.Year(), t.Month()+1, 0)
}

// step is the date one view on, or back.
func (f calendarFilter) step(n int) schedule.Date {
	switch f.View {
	case dayView:
		return f.Date + schedule.Date(n)
	case weekView:
		return f.Date + schedule.Date(7*n)
	}
	t := f.Date.Time()
	return schedule.NewDate(t.Year(), t.Month()+time.Month(n), 1)
}

func monday(d schedule.Date) schedule.Date { return d - schedule.Date((int(d.Weekday())+6)%7) }

// calendarPage shows what leaves when.
type calendarPage struct {
	Frame
	Filter      calendarFilter
	Period      string
	Prev, Next  string
	Today       string
	Views       []calendarLink
	Instances   []option
	Groups      []string
	Weeks       [][]calendarCell // of the month; nil in other views
	Days        []calendarCell   // of the week or day; nil in the month
	Feed        feed             // the same, for the script
	FeedAt      string
	Campaign    *campaignFilter    // nil = not filtered by one
	Legend      []legendLine       // the campaigns in view, by name
	Holidays    map[string]holiday // by date
	Unpublished []int              // years that are in view and not published
	Region      string
	Fresh       bool // there is no instance yet
}

type calendarLink struct {
	View calendarView
	At   string
	Here bool
}

// calendarCell is one day with its first posts.
type calendarCell struct {
	dayCell
	Posts   []moment.PostView
	Total   int
	Outside bool   // of another month
	At      string // address of the day
	New     string // address of the composer; "" = the day is over
}

// More is how many posts of the day are not listed.
func (c calendarCell) More() int { return c.Total - len(c.Posts) }

func (s *Web) calendar(w http.ResponseWriter, r *http.Request) error {
	ctx := r.Context()
	k, err := s.known.get(ctx)
	if err != nil {
		return err
	}
	c := s.texts[langOf(r)]
	today := schedule.NewDate(time.Now().In(location(k.settings.TimeZone)).Date())
	f := readCalendarFilter(r.URL.Query(), today)
	p := &calendarPage{Filter: f, Period: periodOf(c, f), Region: schedule.RegionCN, Fresh: k.status.Instances.Total == 0,
		Prev: f.at("/calendar", f.View, f.step(-1)), Next: f.at("/calendar", f.View, f.step(1)), Today: f.at("/calendar", f.View, today)}
	for _, v := range calendarViews {
		p.Views = append(p.Views, calendarLink{v, f.at("/calendar", v, f.Date), v == f.View})
	}
	cal, err := s.store.WorkCalendar(ctx, p.Region)
	if err != nil {
		return err
	}
	from, to := f.span()
	days, err := s.store.Calendar(ctx, f.query(from, to, postsPerDay[f.View], k.settings.TimeZone))
	if err != nil {
		return err
	}
	p.fill(cal, days, from, today, s.has("/posts/new"))
	p.Holidays = holidaysOf(c, cal, from, to)
	p.Feed = s.feedOf(c, userOf(r), f, from, days, k.settings.TimeZone)
	p.Legend = legendOf(f, days)
	if p.Campaign, err = s.ofCampaign(ctx, f.Campaign); err != nil {
		return err
	}
	p.FeedAt = f.at("/calendar/feed", f.View, f.Date)
	if p.Instances, err = s.instanceOptions(ctx, f.Instance); err != nil {
		return err
	}
	if p.Groups, err = s.store.InstanceGroups(ctx); err != nil {
		return err
	}
	if f.Group != "" && !slices.Contains(p.Groups, f.Group) {
		p.Groups = append(p.Groups, f.Group)
	}
	w.Header().Set("Content-Security-Policy", calendarPolicy)
	return s.page(w, r, view{Page: "calendar", Data: p})
}

// calendarPolicy lets FullCalendar make the style element into which it inserts
// its rules: the hash is that of nothing, so the element is empty when it is
// made, and styles that anybody writes into the page stay refused.
var calendarPolicy = strings.Replace(policy, "style-src 'self'", "style-src 'self' 'sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU='", 1)

// query selects the posts of the days in the zone.
func (f calendarFilter) query(from, to schedule.Date, perDay int, zone string) moment.CalendarQuery {
	q := moment.CalendarQuery{InstanceID: f.Instance, CampaignID: f.Campaign, Group: f.Group, PerDay: perDay}
	if f.State != "" {
		q.States, _ = moment.ParseState(f.State) // was checked
	}
	for d := from; d <= to; d++ {
		q.Days = append(q.Days, startOf(d, zone))
	}
	return q
}

// startOf is the instant at which the day begins in the zone.
func startOf(d schedule.Date, zone string) time.Time {
	t := d.Time()
	return time.Date(t.Year(), t.Month(), t.Day(), 0, 0, 0, 0, location(zone))
}

// fill lays the days out.
func (p *calendarPage) fill(c *schedule.Calendar, days []moment.CalendarDay, from, today schedule.Date, composer bool) {
	first, last := p.Filter.month()
	var cells []calendarCell
	for n, day := range days {
		d := from + schedule.Date(n)
		cell := calendarCell{dayCell: dayCell{Day: c.Day(d), Number: d.Time().Day(), Today: d == today}, Posts: day.Posts, Total: day.Total,
			Outside: p.Filter.View == monthView && (d < first || d > last), At: p.Filter.at("/calendar", dayView, d)}
		if composer && d >= today {
			cell.New = "/posts/new?due=" + d.String() + "T10:00"
		}
		if y := d.Year(); !c.Published(y) && !cell.Outside && !slices.Contains(p.Unpublished, y) {
			p.Unpublished = append(p.Unpublished, y)
		}
		cells = append(cells, cell)
	}
	if p.Filter.View != monthView {
		p.Days = cells
		return
	}
	for week := range slices.Chunk(cells, 7) {
		p.Weeks = append(p.Weeks, week)
	}
}

// periodOf says what the calendar shows.
func periodOf(c catalogue, f calendarFilter) string {
	t := f.Date.Time()
	if f.View == monthView {
		return c.get("calendar.month.of", t.Year(), int(t.Month()), c.get("time.month."+strconv.Itoa(int(t.Month()))))
	}
	from, to := f.span()
	said := dayName(c, from)
	if to -= 1; to > from {
		said = c.get("calendar.span", said, dayName(c, to))
	}
	return said
}

// dayName is a day with its year and weekday.
func dayName(c catalogue, d schedule.Date) string {
	t := d.Time()
	date := c.get("time.date", int(t.Month()), t.Day(), c.get("time.month."+strconv.Itoa(int(t.Month()))))
	return c.get("time.dated", t.Year(), date) + " " + c.get("weekday."+strconv.Itoa(int(t.Weekday())))
}

// Named is the date with its weekday, for those who hear the page.
func (p *calendarPage) Named(c calendarCell) string { return dayName(p.texts, c.Date) }

// Clock is the time of day in the page's zone.
func (p *calendarPage) Clock(t time.Time) string { return t.In(location(p.Zone)).Format("15:04") }

// Elsewhere is the time where the instance is, if its clock shows another.
func (p *calendarPage) Elsewhere(v moment.PostView) string {
	return elsewhere(v.DueAt, v.TimeZone, p.Zone)
}

func elsewhere(t time.Time, zone, here string) string {
	if offsetOf(t, zone) == offsetOf(t, here) {
		return ""
	}
	return t.In(location(zone)).Format("15:04 MST")
}

// States are those to choose from.
func (p *calendarPage) States() []moment.State { return shownStates }

// cellOf is a cell with the page around it, for the template of one cell.
type cellOf struct {
	Page *calendarPage
	Cell calendarCell
}

// Whole is where all posts of the day are.
func (p *calendarPage) Whole(c calendarCell) string { return p.Filter.whole(c.Date) }

// MoreLabel says how many posts are not listed.
func (p *calendarPage) MoreLabel(c calendarCell) string { return moreLabel(p.texts, c.Total, c.More()) }

// holiday is what the script shows of a day that is not what its weekday says.
type holiday struct {
	Kind string `json:"kind"`
	Mark string `json:"mark"`
	Name string `json:"name"`
}

func holidaysOf(c catalogue, cal *schedule.Calendar, from, to schedule.Date) map[string]holiday {
	out := make(map[string]holiday)
	for d := from; d < to; d++ {
		if day := cal.Day(d); day.Kind != "" {
			out[d.String()] = holiday{string(day.Kind), c.get("workcalendar." + string(day.Kind) + ".mark"), day.Name}
		}
	}
	return out
}
