package api

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/danielgtaylor/huma/v2"

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

func (a *API) registerHolidays() {
	op := func(id, method, path, summary, description string, errs ...int) huma.Operation {
		return huma.Operation{OperationID: id, Method: method, Path: path, Summary: summary, Description: description, Tags: []string{"holidays"}, Errors: errs}
	}
	register(a, op("list-holidays", http.MethodGet, "/holidays", "List public holidays",
		"The days of a region that are not what their weekday says, by date, and the years whose holidays are known. Of other years nothing is guessed.",
		http.StatusNotFound), a.listHolidays)
	register(a, op("list-holiday-regions", http.MethodGet, "/holidays/regions", "List regions with holidays", "In the order of their names."), a.listRegions)
	register(a, op("change-holidays", http.MethodPost, "/holidays", "Change public holidays",
		"What the body does not name stays. Saying the same again changes nothing. A region that has none begins with an empty calendar.",
		http.StatusPreconditionFailed, http.StatusUnsupportedMediaType), a.changeHolidays)
	importOp := op("import-holidays", http.MethodPost, "/holidays/import", "Import public holidays",
		"From CSV (first line date, name, kind) or iCal. Years in which the file states a day off count as known. With dry_run nothing is stored.",
		http.StatusPreconditionFailed, http.StatusUnsupportedMediaType)
	importOp.MaxBodyBytes = maxBatch
	register(a, importOp, a.importHolidays)
}

// HolidayBody is one day that is not what its weekday says.
type HolidayBody struct {
	Date string `json:"date" doc:"YYYY-MM-DD, from 2000 to 2199." example:"2026-10-01"`
	Name string `json:"name" doc:"Of the holiday; at most 100 characters." example:"国庆节"`
	Kind string `json:"kind" enum:"off,work" doc:"off = holiday; work = a weekend day that is worked to make up for one."`
}

type listHolidaysInput struct {
	PageInput
	Region string `query:"region" default:"cn" doc:"In small letters, such as cn or de-by."`
	Year   int    `query:"year" doc:"Only this year's days. Not given = all."`
}

type listHolidaysOutput struct {
	ETag string `header:"ETag" doc:"The calendar's version; for If-Match."`
	Body struct {
		Items      []HolidayBody `json:"items"`
		NextCursor *string       `json:"next_cursor" doc:"Pass it as cursor for the next page; null on the last one."`
		Region     string        `json:"region"`
		Published  []int         `json:"published" doc:"Years whose holidays are known, whatever year was asked for."`
	} `nameHint:"HolidayList"`
}

func (a *API) listHolidays(ctx context.Context, in *listHolidaysInput) (*listHolidaysOutput, error) {
	p, err := in.place("holidays " + in.Region)
	if err != nil {
		return nil, err
	}
	c, err := a.store.WorkCalendar(ctx, in.Region)
	if err != nil {
		return nil, err
	}
	out := &listHolidaysOutput{ETag: etag(c.Version())}
	out.Body.Region, out.Body.Published, out.Body.Items = c.Region(), c.Years(), []HolidayBody{}
	var last schedule.Date
	for _, r := range c.Rows() {
		if in.Year != 0 && r.Date.Year() != in.Year || p != nil && int64(r.Date) <= p.ID {
			continue
		}
		if len(out.Body.Items) == in.Limit {
			out.Body.NextCursor = place{ID: int64(last)}.cursor("holidays " + in.Region)
			break
		}
		last = r.Date
		out.Body.Items = append(out.Body.Items, HolidayBody{r.Date.String(), r.Name, string(r.Kind)})
	}
	return out, nil
}

type listRegionsOutput struct {
	Body struct {
		Items []string `json:"items"`
	} `nameHint:"RegionList"`
}

func (a *API) listRegions(ctx context.Context, _ *struct{}) (*listRegionsOutput, error) {
	out := &listRegionsOutput{}
	var err error
	out.Body.Items, err = a.store.WorkCalendars(ctx)
	return out, err
}

type changeHolidaysInput struct {
	IfMatch string `header:"If-Match" doc:"The ETag of the calendar that was read. Not given = whatever it is now."`
	Body    struct {
		Region    string        `json:"region" example:"cn"`
		Days      []HolidayBody `json:"days,omitempty" doc:"Added, or put in place of what the day was."`
		Remove    []string      `json:"remove,omitempty" doc:"Dates that become ordinary days."`
		Publish   []int         `json:"publish,omitempty" doc:"Years whose holidays are all there from now on."`
		Unpublish []int         `json:"unpublish,omitempty" doc:"Years whose holidays are not known."`
	} `nameHint:"ChangeHolidaysBody"`
}

// HolidayEffect is what a change did, or would do.
type HolidayEffect struct {
	Region      string          `json:"region"`
	Added       int             `json:"added"`
	Altered     int             `json:"altered"`
	Removed     int             `json:"removed"`
	Published   []int           `json:"published" doc:"Years that became known."`
	Unpublished []int           `json:"unpublished"`
	Days        []HolidayChange `json:"days" doc:"Every day that is different, by date; at most 1000."`
	Warnings    []string        `json:"warnings" doc:"What of an iCal file was left out or joined."`
	Stored      bool            `json:"stored" doc:"false for a dry run."`
}

// HolidayChange is what becomes of one day.
type HolidayChange struct {
	Date string       `json:"date"`
	Was  *HolidayBody `json:"was" doc:"null = an ordinary day."`
	Is   *HolidayBody `json:"is" doc:"null = an ordinary day."`
}

type holidayEffectOutput struct {
	Body HolidayEffect
}

// toldDays is how many days an answer lists.
const toldDays = 1000

func showEffect(region string, e schedule.Effect, stored bool) *holidayEffectOutput {
	b := HolidayEffect{Region: region, Published: append([]int{}, e.Published...), Unpublished: append([]int{}, e.Unpublished...),
		Days: []HolidayChange{}, Warnings: []string{}, Stored: stored}
	b.Added, b.Altered, b.Removed = e.Count()
	for _, d := range e.Days[:min(len(e.Days), toldDays)] {
		b.Days = append(b.Days, HolidayChange{d.Date.String(), showHoliday(d.Was), showHoliday(d.Is)})
	}
	return &holidayEffectOutput{b}
}

func showHoliday(r schedule.Row) *HolidayBody {
	if r.Kind == "" {
		return nil
	}
	return &HolidayBody{r.Date.String(), r.Name, string(r.Kind)}
}

func (a *API) changeHolidays(ctx context.Context, in *changeHolidaysInput) (*holidayEffectOutput, error) {
	ifVersion, err := version(in.IfMatch)
	if err != nil {
		return nil, err
	}
	var fs fields
	ed := schedule.Edit{Publish: in.Body.Publish, Unpublish: in.Body.Unpublish}
	for i, d := range in.Body.Days {
		date, err := schedule.ParseDate(d.Date)
		if err != nil {
			fs.add(fmt.Sprintf("days[%d].date", i), err.Error())
		}
		ed.Put = append(ed.Put, schedule.Row{Date: date, Name: d.Name, Kind: schedule.DayKind(d.Kind)})
	}
	for i, s := range in.Body.Remove {
		date, err := schedule.ParseDate(s)
		if err != nil {
			fs.add(fmt.Sprintf("remove[%d]", i), err.Error())
		}
		ed.Remove = append(ed.Remove, date)
	}
	if len(fs) > 0 {
		return nil, fs.err()
	}
	e, err := a.store.ChangeWorkCalendar(ctx, in.Body.Region, ifVersion,
		func(*schedule.Calendar) (schedule.Edit, error) { return ed, nil }, origin(ctx))
	if err != nil {
		return nil, renamed(err, "rows[", "days[")
	}
	return showEffect(in.Body.Region, e, true), nil
}

type importHolidaysInput struct {
	IfMatch string `header:"If-Match" doc:"The ETag of the calendar that was read. Not given = whatever it is now."`
	Body    struct {
		Region  string `json:"region" example:"de-by"`
		Format  string `json:"format" enum:"csv,ical"`
		Content string `json:"content" doc:"The file, as UTF-8 text; at most 4 MiB."`
		Whole   bool   `json:"whole,omitempty" doc:"The years in which the file states a day off become exactly what it says."`
		DryRun  bool   `json:"dry_run,omitempty" doc:"Answer what would change, and store nothing."`
	} `nameHint:"ImportHolidaysBody"`
}

func (a *API) importHolidays(ctx context.Context, in *importHolidaysInput) (*holidayEffectOutput, error) {
	ifVersion, err := version(in.IfMatch)
	if err != nil {
		return nil, err
	}
	read := schedule.Import{}
	if in.Body.Format == "ical" {
		read, err = schedule.ReadICal(strings.NewReader(in.Body.Content))
	} else {
		read.Rows, err = schedule.ReadRows(strings.NewReader(in.Body.Content))
	}
	if err != nil {
		return nil, err
	}
	var e schedule.Effect
	if in.Body.DryRun {
		e, err = a.tryImport(ctx, in.Body.Region, ifVersion, read.Rows, in.Body.Whole)
	} else {
		e, err = a.store.ChangeWorkCalendar(ctx, in.Body.Region, ifVersion,
			func(c *schedule.Calendar) (schedule.Edit, error) { return c.Take(read.Rows, in.Body.Whole), nil }, origin(ctx))
	}
	if err != nil {
		return nil, err
	}
	out := showEffect(in.Body.Region, e, !in.Body.DryRun)
	out.Body.Warnings = append(out.Body.Warnings, read.Warnings...)
	return out, nil
}

// tryImport is what an import would do to the calendar as it is.
func (a *API) tryImport(ctx context.Context, region string, ifVersion int64, rows []schedule.Row, whole bool) (schedule.Effect, error) {
	c, err := a.store.WorkCalendar(ctx, region)
	if moment.KindOf(err) == moment.NotFound {
		c, err = schedule.Stored(region, nil, nil, 0)
	}
	if err != nil {
		return schedule.Effect{}, err
	}
	if ifVersion != 0 && ifVersion != c.Version() {
		return schedule.Effect{}, moment.Errorf(moment.Precondition, "Somebody has changed the work calendar meanwhile; load it again and decide.")
	}
	_, e, err := c.Apply(c.Take(rows, whole))
	return e, err
}

// renamed calls the fields of an error what the body calls them.
func renamed(err error, old, name string) error {
	e, ok := errors.AsType[*moment.Error](err)
	if !ok {
		return err
	}
	same := *e
	same.Fields = slices.Clone(e.Fields)
	for i, f := range same.Fields {
		if rest, ok := strings.CutPrefix(f.Path, old); ok {
			same.Fields[i].Path = name + rest
		}
		same.Fields[i].Message = strings.ReplaceAll(same.Fields[i].Message, old, name)
	}
	return &same
}
