package schedule

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"momentcast/internal/moment"
)

const germanHolidays = "\ufeffBEGIN:VCALENDAR\r\nVERSION:2.0\r\nBEGIN:VEVENT\r\nUID:1\r\nDTSTART;VALUE=DATE:20261003\r\nDTEND;VALUE=DATE:20261004\r\n" +
	"SUMMARY;LANGUAGE=de;ALTREP=\"http://example.com/a:b\":Tag der Deutschen\r\n  Einheit\\, bundesweit\r\nBEGIN:VALARM\r\nSUMMARY:Alarm\r\nDTSTART:20200101\r\nEND:VALARM\r\nEND:VEVENT\r\n" +
	"BEGIN:VEVENT\r\nDTSTART;VALUE=DATE:20261225\r\nDTEND;VALUE=DATE:20261227\r\nSUMMARY:Weihnachten\r\nEND:VEVENT\r\n" +
	"BEGIN:VEVENT\r\nDTSTART:20261226\r\nSUMMARY:Stephanstag\r\nEND:VEVENT\r\n" +
	"BEGIN:VEVENT\r\nDTSTART:20261224T180000Z\r\nSUMMARY:Bescherung\r\nEND:VEVENT\r\n" +
	"BEGIN:VEVENT\r\nDTSTART:20261231\r\nSTATUS:CANCELLED\r\nSUMMARY:Silvester\r\nEND:VEVENT\r\n" +
	"BEGIN:VEVENT\r\nDTSTART:20270101\r\nRRULE:FREQ=YEARLY\r\nSUMMARY:Neujahr\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"

const chineseHolidays = "BEGIN:VCALENDAR\nBEGIN:VEVENT\nDTSTART;VALUE=DATE:20270101\nDURATION:P3D\nSUMMARY:元旦 假期\nEND:VEVENT\n" +
	"BEGIN:VEVENT\nDTSTART;VALUE=DATE:20270109\nSUMMARY:元旦 补班 第1天/共1天\nEND:VEVENT\nEND:VCALENDAR"

func TestReadICal(t *testing.T) {
	t.Parallel()
	got, err := ReadICal(strings.NewReader(germanHolidays))
	if err != nil {
		t.Fatal(err)
	}
	want := Import{
		Rows: []Row{
			{NewDate(2026, 10, 3), "Tag der Deutschen Einheit, bundesweit", Off},
			{NewDate(2026, 12, 25), "Weihnachten", Off},
			{NewDate(2026, 12, 26), "Weihnachten / Stephanstag", Off},
			{NewDate(2027, 1, 1), "Neujahr", Off},
		},
		Warnings: []string{
			"2026-12-26 has two events, which were joined",
			`"Bescherung" is not an event of whole days between 2000 and 2199`,
			`"Silvester" on 2026-12-31 is cancelled`,
			`"Neujahr" on 2027-01-01 repeats; only its first day was taken`,
		},
		Skipped: 2,
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

func TestReadICalMakeUpDays(t *testing.T) {
	t.Parallel()
	got, err := ReadICal(strings.NewReader(chineseHolidays))
	want := []Row{
		{NewDate(2027, 1, 1), "元旦 假期", Off}, {NewDate(2027, 1, 2), "元旦 假期", Off}, {NewDate(2027, 1, 3), "元旦 假期", Off},
		{NewDate(2027, 1, 9), "元旦 补班 第1天/共1天", Work},
	}
	if d := cmp.Diff(want, got.Rows); err != nil || d != "" {
		t.Error(err, d)
	}
}

func TestReadICalRefuses(t *testing.T) {
	t.Parallel()
	event := func(i int) string {
		return fmt.Sprintf("BEGIN:VEVENT\nDTSTART:%d0101\nSUMMARY:x\nEND:VEVENT\n", 2000+i%200)
	}
	var many strings.Builder
	many.WriteString("BEGIN:VCALENDAR\n")
	for i := range maxEvents + 1 {
		many.WriteString(event(i))
	}
	for name, in := range map[string]string{
		"empty":      "",
		"a page":     "<html><body>Sign in: please</body></html>",
		"too many":   many.String(),
		"too large":  "BEGIN:VCALENDAR\n" + strings.Repeat("X", maxCalendarBytes),
		"only parts": event(1),
	} {
		if _, err := ReadICal(strings.NewReader(in)); moment.KindOf(err) != moment.Invalid {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestReadICalSkipsOverlongEvents(t *testing.T) {
	t.Parallel()
	got, err := ReadICal(strings.NewReader("BEGIN:VCALENDAR\nBEGIN:VEVENT\nDTSTART:20260101\nDTEND:20270101\nSUMMARY:all year\nEND:VEVENT\n"))
	if err != nil || len(got.Rows) != 0 || got.Skipped != 1 {
		t.Errorf("%+v %v", got, err)
	}
}
