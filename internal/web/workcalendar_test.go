package web_test

import (
	"bytes"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"momentcast/internal/moment"
	"momentcast/internal/schedule"
)

// upload submits a file with the fields beside it.
func (s *site) upload(roles, path, name, content string, fields ...string) page {
	s.t.Helper()
	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	for i := 0; i < len(fields); i += 2 {
		if err := form.WriteField(fields[i], fields[i+1]); err != nil {
			s.t.Fatal(err)
		}
	}
	if name != "" {
		f, err := form.CreateFormFile("file", name)
		if err != nil {
			s.t.Fatal(err)
		}
		_, _ = f.Write([]byte(content))
	}
	if err := form.Close(); err != nil {
		s.t.Fatal(err)
	}
	r := httptest.NewRequestWithContext(s.t.Context(), http.MethodPost, path, &body)
	r.Header.Set("Content-Type", form.FormDataContentType())
	r.Header.Set("Accept-Language", "en")
	r.AddCookie(&http.Cookie{Name: "roles", Value: roles})
	w := httptest.NewRecorder()
	s.people().Handler(s.web).ServeHTTP(w, r)
	return page{s.t, w.Code, w.Result().Header, w.Body.String()}
}

// area is what stands between the tags of the page's text area.
func (p page) area(name string) string {
	p.t.Helper()
	_, rest, ok := strings.Cut(p.body, `<textarea name="`+name+`" hidden>`+"\n")
	if !ok {
		p.t.Fatalf("there is no %s: %s", name, p.body)
	}
	text, _, _ := strings.Cut(rest, "</textarea>")
	return text
}

func (s *site) calendar(region string) *schedule.Calendar {
	s.t.Helper()
	c, err := s.db.WorkCalendar(s.t.Context(), region)
	if err != nil {
		s.t.Fatal(err)
	}
	return c
}

func (s *site) day(region, date string) schedule.Day {
	s.t.Helper()
	d, err := schedule.ParseDate(date)
	if err != nil {
		s.t.Fatal(err)
	}
	return s.calendar(region).Day(d)
}

func TestHolidaysAreEditedByDayAndYear(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	p := s.get("/settings/calendar?region=cn&year=2027&day=2027-10-01").want(http.StatusOK).has("2027 is not published yet", `value="2027-10-01"`)
	version := p.field("version")
	s.submit("/settings/calendar/day", "region", "cn", "year", "2027", "version", version, "from", "2027-10-01", "to", "2027-10-03",
		"kind", "off", "name", "国庆节").to("/settings/calendar?region=cn&year=2027")
	if d := s.day("cn", "2027-10-03"); d.Kind != schedule.Off || d.Name != "国庆节" || s.calendar("cn").Published(2027) {
		t.Errorf("%+v", d)
	}
	// The form that was left open elsewhere changes nothing and loses nothing.
	s.submit("/settings/calendar/day", "region", "cn", "year", "2027", "version", version, "from", "2027-10-02", "kind", "work", "name", "typed here").
		want(http.StatusConflict).has("Somebody has changed the work calendar", "typed here", "国庆节")
	version = s.get("/settings/calendar?year=2027").field("version")
	s.submit("/settings/calendar/year", "region", "cn", "year", "2027", "version", version, "published", "1").to("/settings/calendar?region=cn&year=2027")
	if !s.calendar("cn").Published(2027) {
		t.Error("2027 is not published")
	}
	s.get("/settings/calendar?year=2027").lacks("2027 is not published yet")
	version = s.get("/settings/calendar?year=2027").field("version")
	s.submit("/settings/calendar/day", "region", "cn", "year", "2027", "version", version, "from", "2027-10-02", "kind", "").to("/settings/calendar?region=cn&year=2027")
	if d := s.day("cn", "2027-10-02"); d.Kind != "" {
		t.Errorf("%+v", d)
	}
	if n := s.text(`SELECT count(*)::text FROM events WHERE action = 'workcalendar' AND actor = 'lin' AND source = 'web'`); n != "3" {
		t.Errorf("%s lines in the audit trail", n)
	}
}

func TestHolidayFormsRefuseWhatMakesNoSense(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	version := s.get("/settings/calendar").field("version")
	for name, fields := range map[string][]string{
		"is not a date written":      {"from", "2027-02-30", "kind", "off", "name", "a"},
		"lies before the first day":  {"from", "2027-02-02", "to", "2027-02-01", "kind", "off", "name", "a"},
		"more than two months":       {"from", "2027-02-02", "to", "2028-02-02", "kind", "off", "name", "a"},
		"Please fill this in":        {"from", "2027-02-02", "kind", "off", "name", " "},
		"must be off":                {"from", "2027-02-02", "kind", "party", "name", "a"},
		"Has control characters":     {"from", "2027-02-02", "kind", "off", "name", "a\x00b"},
		"Longer than 100 characters": {"from", "2027-02-02", "kind", "off", "name", strings.Repeat("节", 101)},
	} {
		s.submit("/settings/calendar/day", append(fields, "region", "cn", "version", version)...).want(http.StatusUnprocessableEntity).has(name)
	}
	s.submit("/settings/calendar/day", "from", "2027-02-02", "kind", "off", "name", "a", "region", "cn").want(http.StatusUnprocessableEntity)
	s.submit("/settings/calendar/year", "region", "cn", "version", version, "year", "99999", "published", "1").want(http.StatusUnprocessableEntity)
	s.get("/settings/calendar?region=zz").want(http.StatusNotFound)
	s.get("/settings/calendar?region=" + "%27%3B--" + "&year=abc&day=<script>").want(http.StatusNotFound)
	s.get("/settings/calendar?year=-5&day=%3Cscript%3Ealert(1)").want(http.StatusOK).lacks("<script>alert")
	if c := s.calendar("cn"); len(c.Rows()) != len(schedule.Seed().Rows()) {
		t.Error("something was changed")
	}
	s.do("operator", http.MethodGet, "/settings/calendar", nil).want(http.StatusOK).lacks("/settings/calendar/day", "/settings/calendar/import")
}

const germany = "BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nSUMMARY:Neujahr\r\nDTSTART;VALUE=DATE:20270101\r\nEND:VEVENT\r\n" +
	"BEGIN:VEVENT\r\nSUMMARY:Meeting\r\nDTSTART:20270102T100000Z\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"

func TestImportShowsBeforeItSaves(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	p := s.upload("admin", "/settings/calendar/import", "de.ics", germany, "region", "de").want(http.StatusOK).
		has("1 days added, 0 changed, 0 taken away", "Neujahr", "1 events were left out", "2027-01-01 Fri")
	if _, err := s.db.WorkCalendar(t.Context(), "de"); moment.KindOf(err) != moment.NotFound {
		t.Fatalf("the preview stored it: %v", err)
	}
	save := []string{"region", "de", "version", p.field("version"), "rows", p.area("rows")}
	s.submit("/settings/calendar/import/save", save...).to("/settings/calendar?region=de&year=2027")
	if d := s.day("de", "2027-01-01"); d.Kind != schedule.Off || d.Name != "Neujahr" || !d.Published {
		t.Errorf("%+v", d)
	}
	// Sent twice: the second names a version that is gone.
	s.submit("/settings/calendar/import/save", save...).want(http.StatusConflict)
	s.upload("admin", "/settings/calendar/import", "de.ics", germany, "region", "de").has("nothing would change").lacks("Save these changes")
}

func TestImportOfWholeYears(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	file := "date,name,kind\n2026-10-01,国庆节,off\n2026-10-02,\"a, \"\"b\"\"</textarea><script>alert(1)</script>\",off\n"
	p := s.upload("admin", "/settings/calendar/import", "cn.csv", "\ufeff"+file, "region", "CN", "whole", "1").want(http.StatusOK).has("0 days added, 1 changed").lacks("<script>alert")
	s.do("editor", http.MethodPost, "/settings/calendar/import/save", nil).want(http.StatusForbidden)
	s.submit("/settings/calendar/import/save", "region", "cn", "whole", "1", "version", p.field("version"), "rows", file).to("/settings/calendar?region=cn&year=2026")
	c := s.calendar("cn")
	n := 0
	for _, r := range c.Rows() {
		if r.Date.Year() == 2026 {
			n++
		}
	}
	if n != 2 || s.day("cn", "2025-10-01").Kind != schedule.Off {
		t.Errorf("%d days of 2026 are left", n)
	}
	s.get("/settings/calendar?year=2026").want(http.StatusOK).lacks("<script>alert")
}

func TestFilesThatAreNoCalendars(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	for name, content := range map[string]string{
		"line 3 is the same day as line 2":                "date,name,kind\n2027-01-01,a,off\n2027-01-01,b,work\n",
		"line 2 is not a date":                            "date,name,kind\n01/02/2027,a,off\n",
		"line 2 must be off":                              "date,name,kind\n2027-01-01,a,closed\n",
		"must name the columns date":                      "datum,name,art\n",
		"The file has no days in it":                      "date,name,kind\n",
		"not a CSV file":                                  "",
		"is not valid UTF-8":                              "date,name,kind\n2027-01-01,\xd4\xaa\xb5\xa9,off\n",
		"line 2 Has control characters":                   "date,name,kind\n2027-01-01,a\x00b,off\n",
		"has not the columns that the heading names":      "date,name,kind\n2027-01-01\n",
		"line 2 must lie between the years 2000 and 2199": "date,name,kind\n1027-01-01,a,off\n",
		"at most 20000":                                   "date,name,kind\n" + strings.Repeat("2027-01-01,a,off\n", 20_001),
		"1 more":                                          "date,name,kind\n" + strings.Repeat("x,a,off\n", 11),
		"The calendar is larger than 4 MiB.":              strings.Repeat("x", 4<<20+1),
		"The form cannot be read, or is too large.":       strings.Repeat("x", 6<<20),
	} {
		s.upload("admin", "/settings/calendar/import", "x.csv", content, "region", "cn").want(http.StatusUnprocessableEntity).has(name)
	}
	s.upload("admin", "/settings/calendar/import", "", "", "region", "cn").want(http.StatusUnprocessableEntity).has("Please fill this in")
	s.upload("admin", "/settings/calendar/import", "x.csv", "date,name,kind\n2027-01-01,a,off\n", "region", "../x").
		want(http.StatusUnprocessableEntity).has("must be a region in small letters", "../x")
	s.upload("operator", "/settings/calendar/import", "x.csv", "date,name,kind\n", "region", "cn").want(http.StatusForbidden)
}
