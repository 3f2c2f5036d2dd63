package postgres

import (
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"momentcast/internal/moment"
	"momentcast/internal/schedule"
)

var lin = moment.Origin{Actor: "lin", Source: "web"}

func edit(ed schedule.Edit) func(*schedule.Calendar) (schedule.Edit, error) {
	return func(*schedule.Calendar) (schedule.Edit, error) { return ed, nil }
}

func TestWorkCalendarIsFilledOnce(t *testing.T) {
	t.Parallel()
	db := openFresh(t)
	var replicas sync.WaitGroup
	for range 4 {
		replicas.Go(func() {
			if _, err := db.WorkCalendar(t.Context(), "cn"); err != nil {
				t.Error(err)
			}
		})
	}
	replicas.Wait()
	c, err := db.WorkCalendar(t.Context(), "cn")
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(schedule.Seed().Rows(), c.Rows()); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff(schedule.Seed().Years(), c.Years()); d != "" {
		t.Error(d)
	}
	// What was taken away stays away.
	if _, err := db.ChangeWorkCalendar(t.Context(), "cn", c.Version(), func(c *schedule.Calendar) (ed schedule.Edit, _ error) {
		for _, r := range c.Rows() {
			ed.Remove = append(ed.Remove, r.Date)
		}
		ed.Unpublish = c.Years()
		return ed, nil
	}, lin); err != nil {
		t.Fatal(err)
	}
	if c, err = db.WorkCalendar(t.Context(), "cn"); err != nil || len(c.Rows())+len(c.Years()) != 0 {
		t.Errorf("%d days, %d years, %v", len(c.Rows()), len(c.Years()), err)
	}
}

func TestChangeWorkCalendar(t *testing.T) {
	t.Parallel()
	db := openFresh(t)
	day := schedule.NewDate(2027, time.January, 1)
	ed := schedule.Edit{Put: []schedule.Row{{Date: day, Name: "Neujahr", Kind: schedule.Off}}, Publish: []int{2027}}
	if _, err := db.WorkCalendar(t.Context(), "de"); moment.KindOf(err) != moment.NotFound {
		t.Errorf("a region nobody named: %v", err)
	}
	e, err := db.ChangeWorkCalendar(t.Context(), "de", 0, edit(ed), lin)
	if err != nil || len(e.Days) != 1 {
		t.Fatalf("%+v, %v", e, err)
	}
	c, err := db.WorkCalendar(t.Context(), "de")
	if err != nil || c.Day(day).Name != "Neujahr" || !c.Published(2027) || c.Version() != 1 {
		t.Fatalf("%+v, %v", c.Day(day), err)
	}
	// The same once more is no change, and nothing to tell.
	if e, err = db.ChangeWorkCalendar(t.Context(), "de", 1, edit(ed), lin); err != nil || !e.None() {
		t.Errorf("%+v, %v", e, err)
	}
	if _, err = db.ChangeWorkCalendar(t.Context(), "de", 4, edit(schedule.Edit{Remove: []schedule.Date{day}}), lin); moment.KindOf(err) != moment.Precondition {
		t.Errorf("a stale version: %v", err)
	}
	twice := schedule.Edit{Put: []schedule.Row{{Date: day, Name: "a", Kind: schedule.Off}, {Date: day, Name: "b", Kind: schedule.Work}}}
	if _, err = db.ChangeWorkCalendar(t.Context(), "de", 0, edit(twice), lin); moment.KindOf(err) != moment.Invalid {
		t.Errorf("rows that overlap: %v", err)
	}
	if _, err = db.ChangeWorkCalendar(t.Context(), "../etc", 0, edit(ed), lin); moment.KindOf(err) != moment.Invalid {
		t.Errorf("no region: %v", err)
	}
	if _, err = db.ChangeWorkCalendar(t.Context(), "de", 1, edit(schedule.Edit{Remove: []schedule.Date{day}, Unpublish: []int{2027}}), lin); err != nil {
		t.Fatal(err)
	}
	if c, err = db.WorkCalendar(t.Context(), "de"); err != nil || c.Day(day).Kind != "" || c.Published(2027) || c.Version() != 2 {
		t.Errorf("%+v, %v", c, err)
	}
	regions, err := db.WorkCalendars(t.Context())
	if d := cmp.Diff([]string{"cn", "de"}, regions); d != "" || err != nil {
		t.Error(d, err)
	}
	events, _, err := db.Audit(t.Context(), moment.EventQuery{Limit: 10, Action: "workcalendar"})
	if err != nil || len(events) != 2 || events[0].Actor != "lin" {
		t.Fatalf("%+v, %v", events, err)
	}
	if got := events[0].Detail["changed"].(map[string]any)["2027-01-01"].([]any); got[0] != "off Neujahr" || got[1] != nil {
		t.Errorf("%v", got)
	}
}

// A large file is stored whole, and told in short.
func TestImportOfManyYears(t *testing.T) {
	t.Parallel()
	db := openFresh(t)
	var ed schedule.Edit
	for y := 2000; y < 2050; y++ {
		for n := range 20 {
			ed.Put = append(ed.Put, schedule.Row{Date: schedule.NewDate(y, time.March, 1+n), Name: strings.Repeat("节", 100), Kind: schedule.Off})
		}
	}
	if _, err := db.ChangeWorkCalendar(t.Context(), "fr", 0, edit(ed), lin); err != nil {
		t.Fatal(err)
	}
	c, err := db.WorkCalendar(t.Context(), "fr")
	if err != nil || len(c.Rows()) != 1000 {
		t.Fatalf("%v", err)
	}
	events, _, err := db.Audit(t.Context(), moment.EventQuery{Limit: 1, Action: "workcalendar"})
	if err != nil || len(events[0].Detail["changed"].(map[string]any)) != toldDays || events[0].Detail["added"] != 1000.0 {
		t.Errorf("%v, %v", events[0].Detail["added"], err)
	}
}
