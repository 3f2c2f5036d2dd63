package schedule

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestEditor(t *testing.T) {
	t.Parallel()
	for expr, want := range map[string]Editor{
		"0 9 * * *":       {Mode: EveryDay, Times: []string{"09:00"}},
		"0,30 9,18 * * *": {Mode: EveryDay, Times: []string{"09:00", "09:30", "18:00", "18:30"}},
		"0 9 * * 1-5":     {Mode: Weekdays, Times: []string{"09:00"}},
		"0 9 * * 0,3":     {Mode: Weekly, Times: []string{"09:00"}, Weekdays: []int{3, 7}},
		"0 9 1,15,L * *":  {Mode: Monthly, Times: []string{"09:00"}, MonthDays: []int{1, 15}, LastDay: true},
		"0 9 L * *":       {Mode: Monthly, Times: []string{"09:00"}, MonthDays: []int{}, LastDay: true},
		"0 * * * *":       {Mode: Advanced, Expr: "0 * * * *"},
		"0 9 13 * 5":      {Mode: Advanced, Expr: "0 9 13 * 5"},
		"0 9 1 1 *":       {Mode: Advanced, Expr: "0 9 1 1 *"},
		"*/5 9-18 * * *":  {Mode: Advanced, Expr: "*/5 9-18 * * *"},
	} {
		c := mustCron(t, expr)
		if d := cmp.Diff(want, c.Editor()); d != "" {
			t.Errorf("%q: %s", expr, d)
		}
		back, err := want.Cron()
		if err != nil || back.String() != expr {
			t.Errorf("%+v: %q %v, want %q", want, back, err, expr)
		}
	}
}

func TestEditorRefuses(t *testing.T) {
	t.Parallel()
	nine := []string{"09:00"}
	for want, e := range map[string]Editor{
		"mode":          {Mode: "yearly", Times: nine},
		"times":         {Mode: EveryDay},
		"times ":        {Mode: EveryDay, Times: []string{"09:00", "18:30"}},
		"times  ":       {Mode: EveryDay, Times: []string{"9:00"}},
		"times   ":      {Mode: EveryDay, Times: []string{"24:00"}},
		"weekdays":      {Mode: Weekly, Times: nine},
		"weekdays[0]":   {Mode: Weekly, Times: nine, Weekdays: []int{0, 1}},
		"month_days":    {Mode: Monthly, Times: nine},
		"month_days[1]": {Mode: Monthly, Times: nine, MonthDays: []int{1, 32}},
		"cron":          {Mode: Advanced, Expr: "@daily"},
		"cron ":         {Mode: Monthly, Times: nine, MonthDays: []int{31}, Expr: "ignored"},
	} {
		_, err := e.Cron()
		if want == "cron " {
			want = "" // nothing wrong: what another mode needs is not looked at
		}
		if got := strings.Join(paths(t, err), " "); got != strings.TrimSpace(want) {
			t.Errorf("%+v: fields %q, want %q", e, got, want)
		}
	}
}
