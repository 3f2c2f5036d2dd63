package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const (
	stubCampaign = `{"id":5,"state":"active","name":"N\u001b[2J","schedule":"cron 0 9 * * * zone=Asia/Shanghai","audience_id":3,"card":{"content":"c","title":"t","url":"u"},
		"approval":{"needed":true,"expired":true,"until":"2027-01-01T00:00:00Z"}}`
	stubOccurrence = `{"id":9,"name":"2027-01-01T09:00","at":"2027-01-01T01:00:00Z","state":"edited","card":null}`
)

func TestCampaignCommands(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "campaign.json")
	if err := os.WriteFile(file, []byte(`{"name":"x","visibility":{"mode":"everyone"}}`), 0o600); err != nil {
		t.Fatal(err)
	}
	answers := map[string]string{
		"POST /campaigns": stubCampaign, "GET /campaigns/5": stubCampaign, "PATCH /campaigns/5": `{"campaign":` + stubCampaign + `}`, "POST /campaigns/5/clone": stubCampaign,
		"GET /campaigns/5/occurrences/9": stubOccurrence, "PATCH /campaigns/5/occurrences/9": stubOccurrence,
		"GET /campaigns/5/occurrences/8": strings.Replace(stubOccurrence, `"card":null`, `"card":{"title":"own"}`, 1), "PATCH /campaigns/5/occurrences/8": stubOccurrence,
	}
	const edit = `PATCH /campaigns/5/occurrences/9 {"action":"edit","card":`
	for name, tt := range map[string]struct {
		args  []string
		asked []string
		out   string
	}{
		"add":      {[]string{"campaign", "add", "-f", file, "--audience", "3"}, []string{`POST /campaigns {"audience_id":3,"name":"x"}`}, "audience  3"},
		"show":     {[]string{"campaign", "show", "5"}, []string{"GET /campaigns/5"}, "approval  ended"},
		"audience": {[]string{"campaign", "edit", "5", "--audience", "4"}, []string{`PATCH /campaigns/5 {"audience_id":4}`}, "campaign 5"},
		"own list": {[]string{"campaign", "edit", "5", "--deny", "wxid_a"}, []string{`PATCH /campaigns/5 {"visibility":{"labels":null,"mode":"deny","users":["wxid_a"]}}`}, "campaign 5"},
		"one field": {[]string{"campaign", "edit-occurrence", "5", "9", "--title", "new", "--reason", "why"},
			[]string{"GET /campaigns/5/occurrences/9", "GET /campaigns/5", edit + `{"content":"c","title":"new","url":"u"},"reason":"why"}`}, "edited"},
		"its own card": {[]string{"campaign", "edit-occurrence", "5", "8", "--content", ""},
			[]string{"GET /campaigns/5/occurrences/8", `PATCH /campaigns/5/occurrences/8 {"action":"edit","card":{"content":"","title":"own"}}`}, "edited"},
		"the whole card": {[]string{"campaign", "edit-occurrence", "5", "9", "-f", file}, []string{edit + `{"name":"x","visibility":{"mode":"everyone"}}}`}, "edited"},
		"follow again":   {[]string{"campaign", "edit-occurrence", "5", "9", "--follow"}, []string{`PATCH /campaigns/5/occurrences/9 {"action":"follow"}`}, "edited"},
		"skip":           {[]string{"campaign", "skip", "5", "9"}, []string{`PATCH /campaigns/5/occurrences/9 {"action":"skip"}`}, "edited"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newStub(t, answers)
			out, code := s.run(tt.args...)
			if code != 0 || !strings.Contains(out, tt.out) || strings.Contains(out, "\x1b") {
				t.Errorf("exit %d: %s", code, out)
			}
			if d := cmp.Diff(tt.asked, s.asked); d != "" {
				t.Error(d)
			}
		})
	}
	for _, args := range [][]string{
		{"campaign", "edit", "5"}, {"campaign", "edit", "5", "--audience", "3", "--everyone"}, {"campaign", "edit-occurrence", "5", "9"},
		{"campaign", "edit-occurrence", "5", "9", "--follow", "--title", "x"}, {"campaign", "edit-occurrence", "5", "9", "-f", file, "--title", "x"},
	} {
		s := newStub(t, answers)
		if out, code := s.run(args...); code == 0 || !strings.Contains(out, "say ") || len(s.asked) != 0 {
			t.Errorf("%q: exit %d, asked %q: %s", args, code, s.asked, out)
		}
	}
	s := newStub(t, answers)
	s.run("campaign", "add", "-f", file)
	s.run("campaign", "add", "-f", file, "--idempotency-key", "mine")
	s.run("campaign", "clone", "5", "--name", "x")
	if len(s.keys) != 3 || s.keys[0] == "" || s.keys[1] != "mine" || s.keys[2] == "" {
		t.Errorf("keys %q", s.keys)
	}
}

func TestHolidayCommands(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	csv, ics, odd := filepath.Join(dir, "days.CSV"), filepath.Join(dir, "days.ics"), filepath.Join(dir, "days.txt")
	for _, f := range []string{csv, ics, odd} {
		if err := os.WriteFile(f, []byte("date,name,kind\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	const effect = `{"region":"cn","added":1,"published":[2027],"days":[{"date":"2027-01-01","was":null,"is":{"date":"2027-01-01","name":"New\u001b[2J Year","kind":"off"}}],"warnings":["left out"],"stored":true}`
	answers := map[string]string{
		"GET /holidays": `{"items":[{"date":"2027-01-01","name":"New Year","kind":"off"}],"next_cursor":"NEXT","region":"cn","published":[2026,2027]}`, "GET /holidays/regions": `{"items":["cn","de-by"]}`,
		"POST /holidays": effect, "POST /holidays/import": effect,
	}
	for name, tt := range map[string]struct {
		args       []string
		asked, out string
	}{
		"list":      {[]string{"holiday", "list", "-y", "2027"}, "GET /holidays limit=200&region=cn&year=2027", "are known: 2026, 2027"},
		"regions":   {[]string{"holiday", "regions"}, "GET /holidays/regions", "cn\nde-by\n"},
		"set":       {[]string{"holiday", "set", "off", "2027-01-01", "2027-01-02", "--name", "New Year"}, `POST /holidays {"days":[{"date":"2027-01-01","kind":"off","name":"New Year"},{"date":"2027-01-02","kind":"off","name":"New Year"}],"region":"cn"}`, "1 days new"},
		"ordinary":  {[]string{"holiday", "set", "ordinary", "2027-01-01", "-r", "de-by"}, `POST /holidays {"region":"de-by","remove":["2027-01-01"]}`, "known  "},
		"publish":   {[]string{"holiday", "publish", "2027"}, `POST /holidays {"publish":[2027],"region":"cn"}`, "cn changed"},
		"unpublish": {[]string{"holiday", "publish", "2027", "--undo"}, `POST /holidays {"region":"cn","unpublish":[2027]}`, "cn changed"},
		"csv":       {[]string{"holiday", "import", csv, "--dry-run"}, `POST /holidays/import {"content":"date,name,kind\n","dry_run":true,"format":"csv","region":"cn","whole":false}`, "note: left out"},
		"ical":      {[]string{"holiday", "import", ics, "--whole"}, `POST /holidays/import {"content":"date,name,kind\n","dry_run":false,"format":"ical","region":"cn","whole":true}`, "ordinary  ->  off New"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newStub(t, answers)
			out, code := s.run(tt.args...)
			if code != 0 || !strings.Contains(out, tt.out) || strings.Contains(out, "\x1b") {
				t.Errorf("exit %d: %s", code, out)
			}
			if d := cmp.Diff([]string{tt.asked}, s.asked); d != "" {
				t.Error(d)
			}
		})
	}
	for _, args := range [][]string{{"holiday", "set", "maybe", "2027-01-01"}, {"holiday", "import", odd}, {"holiday", "import", filepath.Join(dir, "none.csv")}} {
		s := newStub(t, answers)
		if out, code := s.run(args...); code == 0 || len(s.asked) != 0 {
			t.Errorf("%q: exit %d, asked %q: %s", args, code, s.asked, out)
		}
	}
}
