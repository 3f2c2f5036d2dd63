package importer

import (
	"archive/zip"
	"bytes"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/xuri/excelize/v2"
	"golang.org/x/text/encoding/simplifiedchinese"

	"momentcast/internal/moment"
)

// rowsOf reads a file whole.
func rowsOf(data []byte) (s sheet, rows []moment.ImportRow, err error) {
	s, err = read(data, false, func(r moment.ImportRow) error { rows = append(rows, r); return nil })
	return s, rows, err
}

func gbk(t *testing.T, s string) []byte {
	t.Helper()
	b, err := simplifiedchinese.GBK.NewEncoder().Bytes([]byte(s))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestTextFilesInTheirEncodings(t *testing.T) {
	t.Parallel()
	const text = "账号,标题\n甲,春茶\n\n乙,\"两行\n的标题\"\n丙,x\n"
	utf16le := []byte("\xff\xfe")
	for _, r := range text {
		utf16le = append(utf16le, byte(r), byte(r>>8))
	}
	want := []moment.ImportRow{{Number: 2, Cells: []string{"甲", "春茶"}}, {Number: 4, Cells: []string{"乙", "两行\n的标题"}}, {Number: 5, Cells: []string{"丙", "x"}}}
	for name, tt := range map[string]struct {
		data     []byte
		encoding string
	}{
		"UTF-8": {[]byte(text), "UTF-8"}, "UTF-8 with BOM": {[]byte("\ufeff" + text), "UTF-8"}, "GBK": {gbk(t, text), "GBK"}, "UTF-16": {utf16le, "UTF-16"},
		"semicolons": {[]byte(strings.ReplaceAll(text, ",", ";")), "UTF-8"}, "tabs in GBK": {gbk(t, strings.ReplaceAll(text, ",", "\t")), "GBK"},
		"lines of another system": {[]byte(strings.ReplaceAll(text, "\n", "\r\n")), "UTF-8"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, rows, err := rowsOf(tt.data)
			if err != nil || s.encoding != tt.encoding {
				t.Fatalf("%+v, %v", s, err)
			}
			if d := cmp.Diff([]string{"账号", "标题"}, s.header); d != "" {
				t.Error(d)
			}
			// A blank line is a row of a spreadsheet; a line break inside quotes is none.
			if d := cmp.Diff(want, rows); d != "" {
				t.Error(d)
			}
		})
	}
}

func TestFilesThatAreNoTablesAreRefused(t *testing.T) {
	t.Parallel()
	for name, data := range map[string]string{
		"empty": "", "only a header": "a,b\n", "blank": "\n\n \n", "an old workbook": "\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "a picture": "\x89PNG\r\n\x1a\n\x00\x00\x00",
		"a broken archive": "PK\x03\x04garbage", "an open quotation": "a,b\n\"x,y\n", "many columns": strings.Repeat("a,", 101) + "a\nx\n",
		"many rows": "a\n" + strings.Repeat("x\n", moment.MaxImportRows+1), "not its encoding": "\xef\xbb\xbfa\n\xff\xfe\n",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if _, _, err := rowsOf([]byte(data)); moment.KindOf(err) != moment.Invalid {
				t.Errorf("%v", err)
			}
		})
	}
}

// A few kilobytes that claim to be gigabytes are refused before they are unpacked.
func TestZipBombIsRefused(t *testing.T) {
	t.Parallel()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for _, name := range []string{"[Content_Types].xml", "xl/workbook.xml", "xl/worksheets/sheet1.xml"} {
		w, err := z.Create(name)
		if err != nil {
			t.Fatal(err)
		}
		chunk := bytes.Repeat([]byte(" "), 1<<20)
		for range 200 {
			if _, err := w.Write(chunk); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	if _, _, err := rowsOf(b.Bytes()); b.Len() > 2<<20 || moment.KindOf(err) != moment.Invalid {
		t.Errorf("%d bytes: %v", b.Len(), err)
	}
}

func TestWorkbooksGiveValuesAndNameFormulas(t *testing.T) {
	t.Parallel()
	f := excelize.NewFile()
	set := func(cell string, v any) {
		if err := f.SetCellValue("Sheet1", cell, v); err != nil {
			t.Fatal(err)
		}
	}
	set("A1", "账号")
	set("B1", "发送时间")
	set("A2", "wxid_a")
	set("B2", time.Date(2026, 12, 1, 9, 30, 0, 0, time.UTC))
	set("A4", "wxid_b")
	if err := f.SetCellFormula("Sheet1", "B4", "=NOW()"); err != nil {
		t.Fatal(err)
	}
	b, err := f.WriteToBuffer()
	if err != nil {
		t.Fatal(err)
	}
	s, rows, err := rowsOf(b.Bytes())
	if err != nil || s.format != "xlsx" || len(rows) != 2 {
		t.Fatalf("%+v, %+v, %v", s, rows, err)
	}
	if at, problem := parseTime(rows[0].Cells[1], time.UTC, false); problem != "" || !at.Equal(time.Date(2026, 12, 1, 9, 30, 0, 0, time.UTC)) {
		t.Errorf("%q is %s, %s", rows[0].Cells[1], at, problem)
	}
	if rows[1].Number != 4 || len(rows[1].Formulas) != 1 || rows[1].Formulas[0] != 1 {
		t.Errorf("%+v", rows[1])
	}
}

func kindNamed(t *testing.T, name moment.ImportKind) kind {
	t.Helper()
	k, ok := kindOf(name)
	if !ok {
		t.Fatal(name)
	}
	return k
}

func TestTemplatesAreReadAsTheyAreMeant(t *testing.T) {
	t.Parallel()
	for _, name := range moment.ImportKinds {
		k := kindNamed(t, name)
		var want []string
		for _, c := range k.columns {
			if !c.rare {
				want = append(want, c.field)
			}
		}
		for _, format := range []string{"csv", "xlsx"} {
			for _, chinese := range []bool{true, false} {
				b, err := (*Importer)(nil).Template(name, format, chinese)
				if err != nil {
					t.Fatal(err)
				}
				s, rows, err := rowsOf(b)
				if err != nil || len(rows) != 1 {
					t.Fatalf("%s: %d rows, %v", format, len(rows), err)
				}
				if d := cmp.Diff(want, k.guess(s.header)); d != "" {
					t.Errorf("%s, %s, Chinese %v: %s", name, format, chinese, d)
				}
			}
		}
	}
	if _, err := (*Importer)(nil).Template("x", "csv", true); moment.KindOf(err) != moment.NotFound {
		t.Error(err)
	}
}

// Every name of a column is that of one column, as it is looked for.
func TestColumnsHaveTheirOwnNames(t *testing.T) {
	t.Parallel()
	for _, name := range moment.ImportKinds {
		k, of := kindNamed(t, name), make(map[string]string)
		for _, c := range k.columns {
			for _, h := range append([]string{c.english(), c.field}, c.headers...) {
				h = fold(h)
				if was := of[h]; was != "" && was != c.field {
					t.Errorf("%s: %q is %s and %s", name, h, was, c.field)
				}
				if of[h] = c.field; !slices.Contains(c.headers, h) {
					t.Errorf("%s: %q is no header of %s", name, h, c.field)
				}
			}
		}
	}
}

func TestHeadersAreGuessed(t *testing.T) {
	t.Parallel()
	header := []string{"微信号", "发送时间（北京时间）", "Thumb URL", "First-Comment", "", "标题", "标题", "备注"}
	want := []string{"instance", "due", "thumb_url", "first_comment", "", "title", "", ""}
	k := kindNamed(t, moment.ImportPosts)
	if d := cmp.Diff(want, k.guess(header)); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff([]string{"due", "", ""}, k.known([]string{"due", "due", "nonsense", "title"}, []string{"a", "b", "c"})); d != "" {
		t.Error(d)
	}
}

func TestColumnsAreNamedBySomebody(t *testing.T) {
	t.Parallel()
	header := []string{"Account", "When", "Heading", "title"}
	k := kindNamed(t, moment.ImportPosts)
	columns := k.guess(header)
	if err := k.mapped(columns, header, map[string]string{"when": "due", "Heading": "title", "Account": ""}); err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff([]string{"", "due", "title", ""}, columns); d != "" {
		t.Error(d)
	}
	e, ok := asError(k.mapped(columns, header, map[string]string{"Nobody": "due", "When": "nonsense"}))
	if !ok || len(e.Fields) != 2 || e.Fields[0].Message != `names a column that the file does not have: "Nobody"` {
		t.Errorf("%+v", e)
	}
	names := letters(703)
	if names[0] != "A" || names[25] != "Z" || names[26] != "AA" || names[701] != "ZZ" || names[702] != "AAA" {
		t.Errorf("%s %s %s %s %s", names[0], names[25], names[26], names[701], names[702])
	}
}

func TestFilesWithoutAHeader(t *testing.T) {
	t.Parallel()
	for name, data := range map[string][]byte{"csv": []byte("\nwxid_a,2026-12-01 09:00,x\nwxid_b,2026-12-02 09:00,y\n"), "xlsx": xlsx(t, [][]string{{"wxid_a", "2026-12-01 09:00", "x"}, {"wxid_b", "2026-12-02 09:00", "y"}})} {
		var rows []moment.ImportRow
		s, err := read(data, true, func(r moment.ImportRow) error { rows = append(rows, r); return nil })
		if err != nil || s.rows != 2 || len(rows) != 2 || rows[0].Cells[0] != "wxid_a" || rows[1].Cells[2] != "y" {
			t.Errorf("%s: %+v, %+v, %v", name, s, rows, err)
		}
		if d := cmp.Diff([]string{"A", "B", "C"}, s.header); d != "" {
			t.Error(d)
		}
	}
}

func xlsx(t *testing.T, rows [][]string) []byte {
	t.Helper()
	b, err := workbook(rows)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestTimesInManyShapes(t *testing.T) {
	t.Parallel()
	shanghai, err := time.LoadLocation("Asia/Shanghai")
	if err != nil {
		t.Fatal(err)
	}
	newYork, err := time.LoadLocation("America/New_York")
	if err != nil {
		t.Fatal(err)
	}
	nine := time.Date(2026, 12, 1, 9, 0, 0, 0, shanghai)
	for text, want := range map[string]time.Time{
		"2026-12-01 09:00": nine, "2026/12/1 9:00": nine, "2026.12.1 9:00:00": nine, "2026年12月1日 9:00": nine, "2026年12月1日9点": nine, "2026年12月1日 上午9点00分": nine,
		"2026-12-01T09:00": nine, "20261201 0900": nine, "2026-12-01T01:00:00Z": nine, "46357.375": nine, "2026/12/1 9:00 AM": nine,
		"2026年12月1日 下午3点半": nine.Add(6*time.Hour + 30*time.Minute), "2026-12-01 3:30 PM": nine.Add(6*time.Hour + 30*time.Minute), "2026-12-01 晚上9:05": nine.Add(12*time.Hour + 5*time.Minute),
		"2026-12-01 12:00 AM": nine.Add(-9 * time.Hour), "２０": {},
	} {
		got, problem := parseTime(text, shanghai, false)
		if !got.Equal(want) || (problem == "") == want.IsZero() {
			t.Errorf("%q is %s (%s), want %s", text, got, problem, want)
		}
	}
	for text, want := range map[string]string{
		"2026-12-01": noClock, "12/1/2026 9:00": twoWays, "1/12/26 9:00": twoWays, "tomorrow": notATime, "2026-02-30 09:00": notATime, "2026-13-01 09:00": notATime,
		"2026-12-01 25:00": notATime, "9:00": notATime, "42": notATime, "-1": notATime, "1e400": notATime, "NaN": notATime, "46357": noClock,
	} {
		if got, problem := parseTime(text, shanghai, false); problem != want {
			t.Errorf("%q is %s, %q, want %q", text, got, problem, want)
		}
	}
	if _, problem := parseTime("2026-03-08 02:30", newYork, false); problem != skippedOne {
		t.Errorf("a time that the clocks skip: %q", problem)
	}
	if at, problem := parseTime("44895.375", shanghai, true); problem != "" || !at.Equal(nine) {
		t.Errorf("days since 1904: %s, %s", at, problem)
	}
	for _, tt := range [][3]string{{"2026-12-01", "09:00", "2026-12-01 09:00"}, {"46357", "0.375", "2026-12-01 09:00:00"}, {"46357", "9:00", "2026-12-01 9:00"}, {"2026-12-01", "0.375", "2026-12-01 09:00:00"}, {"2026-12-01", "", "2026-12-01"}} {
		if got := joinTime(tt[0], tt[1], false); got != tt[2] {
			t.Errorf("%s and %s are %s, want %s", tt[0], tt[1], got, tt[2])
		}
	}
}

// Whatever bytes are read, there is an answer, within the limits.
func FuzzRead(f *testing.F) {
	f.Add([]byte("a,b\n1,2\n"))
	f.Add([]byte("\xff\xfea\x00,\x00"))
	f.Add([]byte("\"a\"\"b\";c\n\n\n;x"))
	if b, err := workbook([][]string{{"a", "b"}, {"1", "2"}}); err == nil {
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if whole, err := read(data, true, func(moment.ImportRow) error { return nil }); err == nil && (whole.rows == 0 || len(whole.header) == 0) {
			t.Fatalf("a file without a header has %d rows, %d columns", whole.rows, len(whole.header))
		}
		s, rows, err := rowsOf(data)
		if err != nil {
			if moment.KindOf(err) != moment.Invalid {
				t.Fatalf("an error that says nothing: %v", err)
			}
			return
		}
		last := 1
		for _, r := range rows {
			if r.Number <= last && last > 1 || len(r.Cells) > len(s.header) {
				t.Fatalf("row %d after %d: %q", r.Number, last, r.Cells)
			}
			last = r.Number
		}
	})
}

func FuzzParseTime(f *testing.F) {
	for _, s := range []string{"2026-12-01 09:00", "46357.375", "2026年12月1日 下午3点半", "20261201 0900"} {
		f.Add(s)
	}
	zone, err := time.LoadLocation("America/New_York")
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, s string) {
		at, problem := parseTime(s, zone, false)
		if (problem == "") == at.IsZero() {
			t.Fatalf("%q: %s, %q", s, at, problem)
		}
	})
}
