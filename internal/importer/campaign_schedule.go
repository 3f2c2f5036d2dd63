package importer

import (
	"cmp"
	"context"
	"regexp"
	"strings"

	"momentcast/internal/moment"
	"momentcast/internal/schedule"
)

// maxSchedules is how many schedules of a file are remembered at once.
const maxSchedules = 1000

func newCampaignPlanner(ctx context.Context, b *book) (planner, error) {
	p := &campaignPlanner{book: b, calendars: make(map[string]*schedule.Calendar), schedules: make(map[string]when)}
	regions, err := b.store.WorkCalendars(ctx)
	if err != nil {
		return nil, err
	}
	for _, region := range regions {
		if p.calendars[region], err = b.store.WorkCalendar(ctx, region); err != nil {
			return nil, err
		}
	}
	return p, nil
}

// when is what a row says of its schedule: the text of a schedule.Spec, and what
// is wrong with it.
type when struct {
	text     string
	findings []moment.ImportFinding
}

var scheduleFields = []string{"schedule", "zone", "start", "end", "count", "rule", "region"}

// when reads the schedule of the row.
func (p *campaignPlanner) when(r *rowReader) string {
	var cells strings.Builder
	for _, f := range scheduleFields {
		cells.WriteString(r.cell(f) + "\x00")
	}
	w, ok := p.schedules[cells.String()]
	if !ok {
		s := &whenReader{rowReader: &rowReader{book: r.book, row: r.row}, calendars: p.calendars}
		s.read()
		w = when{s.spec.String(), s.findings}
		if r.cell("schedule") == "" {
			w.text = ""
		}
		if len(p.schedules) >= maxSchedules {
			clear(p.schedules)
		}
		p.schedules[cells.String()] = w
	}
	for _, f := range w.findings {
		if f.Row = r.row.Number; !r.said(f.Field) {
			r.findings = append(r.findings, f)
		}
	}
	return w.text
}

// whenReader makes a schedule of the cells of a row.
type whenReader struct {
	*rowReader
	calendars map[string]*schedule.Calendar
	spec      schedule.Spec
}

func (s *whenReader) read() {
	s.spec.Zone = cmp.Or(s.cell("zone"), s.Zone, s.settings.TimeZone)
	if message := moment.CheckZone(s.spec.Zone); message != "" {
		s.wrong("zone", message)
	}
	s.spec.Start = s.bound("start", schedule.ParseStart)
	s.spec.End = s.bound("end", schedule.ParseEnd)
	s.spec.Count = s.number("count")
	s.spec.Rule = choice(s.rowReader, "rule", rules, "must be empty, skip_holidays, working_days or next_working_day")
	switch text := s.cell("schedule"); {
	case text == "" && !s.Draft:
		s.wrong("schedule", "is required")
	case text != "":
		s.days(text)
	}
	if s.spec.Rule != schedule.AsIs {
		s.spec.Region = cmp.Or(s.cell("region"), schedule.RegionCN)
	}
	if s.cell("schedule") != "" && !s.isWrong() {
		s.whole()
	}
}

// bound reads the first or the last day, or time, of a schedule.
func (s *whenReader) bound(field string, parse func(string) (schedule.Wall, error)) (w schedule.Wall) {
	text := s.cell(field)
	if text == "" {
		return w
	}
	t, day, problem := readTime(text, location(s.spec.Zone), s.date1904)
	if problem != "" {
		s.wrong(field, problem)
		return w
	}
	layout := "2006-01-02T15:04"
	if day {
		layout = "2006-01-02"
	} else {
		t = t.In(location(s.spec.Zone))
	}
	w, err := parse(t.Format(layout))
	if err != nil {
		s.wrong(field, err.Error())
	}
	return w
}

// cronLike is what nobody writes in words: five fields, or their marks.
var cronLike = regexp.MustCompile(`[*@=]|^[0-9][-0-9,/]* +[0-9][-0-9,/]* +\S+ +\S+ +\S+$`)

// days reads when it fires: wall times, a cron expression, or words.
func (s *whenReader) days(text string) {
	if cronLike.MatchString(text) {
		_, err := schedule.ParseCron(text)
		s.spec.Kind, s.spec.Cron = schedule.KindCron, text
		s.take(err)
		return
	}
	if times, ok := s.times(text); ok {
		s.spec.Kind, s.spec.Times = schedule.KindTimes, times
		if len(times) == 1 {
			s.spec.Kind = schedule.KindOnce
		}
		return
	}
	if s.isWrong() {
		return
	}
	p, err := schedule.ParsePhrase(text)
	s.spec.Kind, s.spec.Cron = schedule.KindCron, p.Cron.String()
	s.take(err)
	switch {
	case p.Rule == schedule.AsIs:
	case s.cell("rule") == "":
		s.spec.Rule = p.Rule
	case s.spec.Rule != p.Rule:
		s.wrong("rule", "says otherwise than the schedule, which names working days")
	}
}

// times reads a list of wall times; not ok if the text is none.
func (s *whenReader) times(text string) (list []schedule.Wall, ok bool) {
	parts := split(text, ",;|，；、\n")
	for n, part := range parts {
		t, day, problem := readTime(part, location(s.spec.Zone), s.date1904)
		switch {
		case problem == notATime && n == 0:
			return nil, false
		case day && problem == "":
			problem = noClock
		}
		if problem != "" {
			if !s.said("schedule") {
				s.wrong("schedule", problem)
			}
			continue
		}
		list = append(list, schedule.WallOf(t.In(location(s.spec.Zone))))
	}
	return list, len(parts) > 0
}

// whole checks what was read as one schedule, and that it is not over.
func (s *whenReader) whole() {
	ready, err := schedule.New(s.spec, s.calendars[s.spec.Region])
	if err != nil {
		s.take(err)
		return
	}
	s.spec = ready.Spec()
	if _, ok := ready.Next(s.now); !ok {
		s.wrong("schedule", "never fires from now on: what it names lies in the past, or the work calendar drops it")
	}
}

// take tells the fields of an error as columns; what is about days and times of
// day is about the schedule.
func (s *whenReader) take(err error) {
	e, ok := asError(err)
	if !ok {
		return
	}
	for _, f := range e.Fields {
		field, _, _ := strings.Cut(f.Path, "[")
		switch field {
		case "zone", "start", "end", "count", "rule", "region":
		default:
			field = "schedule"
		}
		if !s.said(field) {
			s.wrong(field, f.Message)
		}
	}
}
