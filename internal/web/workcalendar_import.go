package web

import (
	"bytes"
	"context"
	"encoding/csv"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"momentcast/internal/moment"
	"momentcast/internal/schedule"
)

// maxImport is how large a calendar file with its form may be, in bytes.
const maxImport = 5 << 20

// importPage says what a file would change before it does.
type importPage struct {
	Frame
	Region   string
	File     string // its name
	Rows     int
	CSV      string // the rows as read; what is saved
	Whole    bool
	Version  int64
	Effect   schedule.Effect
	Added    int
	Altered  int
	Removed  int
	Warnings []string // of the reader, in English
	Skipped  int
	Year     int // to go back to
}

// shownDays is how many changes the preview lists.
const shownDays = 400

// Days are the changes that are listed.
func (p *importPage) Days() []schedule.DayChange {
	return p.Effect.Days[:min(len(p.Effect.Days), shownDays)]
}

// Rest is how many more there are.
func (p *importPage) Rest() int { return len(p.Effect.Days) - len(p.Days()) }

// readImport reads a file and shows what it would change.
func (s *Web) readImport(w http.ResponseWriter, r *http.Request) error {
	r.Body = http.MaxBytesReader(w, r.Body, maxImport)
	if err := r.ParseMultipartForm(maxImport); err != nil { //nolint:gosec // the body is bounded above
		return &moment.Error{Kind: moment.Invalid, Message: "The form cannot be read, or is too large.", Err: err}
	}
	p := &importPage{Region: strings.ToLower(strings.TrimSpace(r.PostForm.Get("region"))), Whole: r.PostForm.Get("whole") != ""}
	err := p.read(r)
	var c *schedule.Calendar
	if err == nil {
		c, err = s.calendarOrNew(r.Context(), p.Region)
	}
	if err == nil {
		p.Version, err = c.Version(), p.preview(c)
	}
	if err != nil {
		return s.badImport(w, r, p, err)
	}
	return s.page(w, r, view{Page: "workcalendar_import", Data: p})
}

// calendarOrNew is the region's calendar; an empty one for a new region.
func (s *Web) calendarOrNew(ctx context.Context, region string) (*schedule.Calendar, error) {
	c, err := s.store.WorkCalendar(ctx, region)
	if moment.KindOf(err) == moment.NotFound {
		return schedule.Stored(region, nil, nil, 0)
	}
	return c, err
}

// read takes the rows of the file: an iCal file is known by its beginning.
func (p *importPage) read(r *http.Request) error {
	file, head, err := r.FormFile("file")
	if err != nil {
		return moment.InvalidFields([]moment.Field{{Path: "file", Message: "is required"}})
	}
	defer func() { _ = file.Close() }() // only read
	p.File = clean(head.Filename)
	var data bytes.Buffer
	if _, err := data.ReadFrom(file); err != nil {
		return moment.Errorf(moment.Invalid, "The form cannot be read, or is too large.")
	}
	var rows []schedule.Row
	if bytes.Contains(data.Bytes()[:min(data.Len(), 1024)], []byte("BEGIN:VCALENDAR")) {
		in, err := schedule.ReadICal(&data)
		if err != nil {
			return err
		}
		rows, p.Warnings, p.Skipped = in.Rows, in.Warnings, in.Skipped
	} else if rows, err = schedule.ReadRows(&data); err != nil {
		return err
	}
	if len(rows) == 0 {
		return moment.Errorf(moment.Invalid, "The file has no days in it.")
	}
	p.Rows, p.CSV = len(rows), writeRows(rows)
	return nil
}

// preview fills in what the rows would change of c.
func (p *importPage) preview(c *schedule.Calendar) error {
	rows, err := schedule.ReadRows(strings.NewReader(p.CSV))
	if err != nil {
		return err
	}
	_, p.Effect, err = c.Apply(c.Take(rows, p.Whole))
	if err != nil {
		return err
	}
	p.Added, p.Altered, p.Removed = p.Effect.Count()
	p.Year = rows[0].Date.Year()
	return nil
}

func writeRows(rows []schedule.Row) string {
	var b strings.Builder
	out := csv.NewWriter(&b)
	_ = out.Write([]string{"date", "name", "kind"}) // to memory
	for _, r := range rows {
		_ = out.Write([]string{r.Date.String(), r.Name, string(r.Kind)})
	}
	out.Flush()
	return b.String()
}

// saveImport stores what the preview showed, if the calendar is still the one
// that it was compared with.
func (s *Web) saveImport(w http.ResponseWriter, r *http.Request) error {
	r.Body = http.MaxBytesReader(w, r.Body, 3*maxImport) // letters beyond ASCII are sent as three each
	if err := r.ParseForm(); err != nil {
		return &moment.Error{Kind: moment.Invalid, Message: "The form cannot be read, or is too large.", Err: err}
	}
	form := r.PostForm
	p := &importPage{Region: form.Get("region"), CSV: form.Get("rows"), Whole: form.Get("whole") != "", Version: number(form.Get("version"))}
	rows, err := schedule.ReadRows(strings.NewReader(p.CSV))
	if err == nil && len(rows) == 0 {
		err = moment.Errorf(moment.Invalid, "The file has no days in it.")
	}
	if err != nil {
		return s.badImport(w, r, p, err)
	}
	e, err := s.store.ChangeWorkCalendar(r.Context(), p.Region, p.Version, func(c *schedule.Calendar) (schedule.Edit, error) {
		if p.Version != c.Version() {
			return schedule.Edit{}, moment.Errorf(moment.Precondition, "Somebody has changed the work calendar meanwhile; load it again and decide.")
		}
		return c.Take(rows, p.Whole), nil
	}, origin(r))
	if err != nil {
		return s.badImport(w, r, p, err)
	}
	added, altered, removed := e.Count()
	say(w, r, "done.workcalendar_import", strconv.Itoa(added), strconv.Itoa(altered), strconv.Itoa(removed))
	return seeOther(w, r, workCalendarAt(p.Region, rows[0].Date.Year()))
}

// badImport shows the year again and what is wrong with the file.
func (s *Web) badImport(w http.ResponseWriter, r *http.Request, p *importPage, err error) error {
	if !refused(err) {
		return err
	}
	c := s.texts[langOf(r)]
	back := &workCalendarPage{Import: p.Region}
	if e, ok := asDomain(err); ok && len(e.Fields) > 0 {
		wrong := *e
		wrong.Fields = append(slices.Clone(e.Fields), moment.Field{Path: "file", Message: wrongLines(c, e.Fields)})
		err = &wrong
	}
	back.Problem = explain(c, err)
	if _, err := s.store.WorkCalendar(r.Context(), p.Region); err == nil {
		back.Region = p.Region
	}
	return s.workCalendarPage(w, r, back)
}

var rowField = regexp.MustCompile(`^rows\[(\d+)\]`)
var sameRow = regexp.MustCompile(`^is the day of rows\[(\d+)\] too`)

// wrongLines says which lines of a file are wrong, the first ten of them.
func wrongLines(c catalogue, fs []moment.Field) string {
	var out []string
	for _, f := range fs[:min(len(fs), 10)] {
		said := c.saidOr(f.Message)
		if m := sameRow.FindStringSubmatch(f.Message); m != nil {
			said = c.get("workcalendar.same", lineOfRow(m[1]))
		}
		if m := rowField.FindStringSubmatch(f.Path); m != nil {
			said = c.get("workcalendar.line", lineOfRow(m[1]), said)
		}
		out = append(out, said)
	}
	if more := len(fs) - len(out); more > 0 {
		out = append(out, c.get("workcalendar.morewrong", more))
	}
	return strings.Join(out, c.get("semicolon"))
}

// lineOfRow is the line of a file that a row's index stands for: the heading is
// the first.
func lineOfRow(index string) string {
	n, err := strconv.Atoi(index)
	if err != nil {
		return index
	}
	return fmt.Sprint(n + 2)
}
