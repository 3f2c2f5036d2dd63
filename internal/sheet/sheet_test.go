package sheet

import (
	"bytes"
	"context"
	"encoding/csv"
	"strings"
	"testing"
	"time"

	"github.com/xuri/excelize/v2"

	"momentcast/internal/moment"
)

func file(t *testing.T, f Format, cols []Column, batches ...[]moment.PostView) []byte {
	t.Helper()
	var out bytes.Buffer
	var told int
	next := func(context.Context) (b []moment.PostView, err error) {
		if len(batches) > 0 {
			b, batches = batches[0], batches[1:]
		}
		return b, nil
	}
	err := Write(t.Context(), &out, f, cols, func(key string) string { return "<" + key + ">" }, next, func(n int) error { told = n; return nil })
	if err != nil {
		t.Fatal(err)
	}
	if told == 0 {
		t.Error("no progress was told")
	}
	return out.Bytes()
}

func post() moment.PostView {
	due := time.Date(2026, 11, 22, 16, 30, 5, 0, time.UTC)
	return moment.PostView{TimeZone: "Asia/Shanghai", InstanceName: "+门店", Post: moment.Post{
		ID: 7, State: moment.Sent, DueAt: due, IntentAt: due.Add(1250 * time.Millisecond), MomentID: "14888888888888888888",
		Card: moment.Card{Title: `=HYPERLINK("http://evil")`, Content: "two\nlines & <b>, \x01🎉"},
	}}
}

func TestXLSXIsReadAsItWasMeant(t *testing.T) {
	t.Parallel()
	cols := Pick([]string{"id", "instance", "due_at", "sent_at", "lateness_s", "title", "content", "moment_id", "recalled", "nonsense"})
	book, err := excelize.OpenReader(bytes.NewReader(file(t, XLSX, cols, []moment.PostView{post()}, []moment.PostView{post()})))
	if err != nil {
		t.Fatal(err)
	}
	defer book.Close()
	const sheet = "momentcast 1"
	want := map[string]string{
		"A1": "<csv.id>", "A2": "7", "B2": "+门店", "C2": "2026-11-23 00:30:05", "D2": "2026-11-23 00:30:06", "E2": "1.25",
		"F2": `=HYPERLINK("http://evil")`, "G2": "two\nlines & <b>, 🎉", "H2": "14888888888888888888", "I2": "", "A3": "7", "A4": "",
	}
	for cell, text := range want {
		if got, err := book.GetCellValue(sheet, cell); err != nil || got != text {
			t.Errorf("%s: %q, want %q, %v", cell, got, text, err)
		}
	}
	if f, _ := book.GetCellFormula(sheet, "F2"); f != "" {
		t.Errorf("a text became the formula %q", f)
	}
	if kind, _ := book.GetCellType(sheet, "H2"); kind != excelize.CellTypeInlineString {
		t.Errorf("the moment's id is of type %v: as a number it loses its last digits", kind)
	}
	if raw, _ := book.GetCellValue(sheet, "C2", excelize.Options{RawCellValue: true}); !strings.HasPrefix(raw, "46349.02") {
		t.Errorf("the time is stored as %q, not as a date", raw)
	}
	if panes, err := book.GetPanes(sheet); err != nil || !panes.Freeze || panes.YSplit != 1 {
		t.Errorf("the head does not stay: %+v, %v", panes, err)
	}
	if w, _ := book.GetColWidth(sheet, "G"); w != 60 {
		t.Errorf("width %v", w)
	}
}

func TestCSVIsInert(t *testing.T) {
	t.Parallel()
	got := string(file(t, CSV, Columns, []moment.PostView{post()}))
	if !strings.HasPrefix(got, "\uFEFF") {
		t.Errorf("it begins with %q", got[:10])
	}
	lines, err := csv.NewReader(strings.NewReader(strings.TrimPrefix(got, "\uFEFF"))).ReadAll()
	if err != nil || len(lines) != 2 || len(lines[1]) != len(Columns) {
		t.Fatalf("%d lines, %v", len(lines), err)
	}
	if lines[1][8] != `'=HYPERLINK("http://evil")` || lines[1][1] != "'+门店" || lines[1][4] != "2026-11-23 00:30:05" || lines[1][6] != "1.250" {
		t.Errorf("%q", lines[1])
	}
}
