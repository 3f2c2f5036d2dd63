package sheet

import (
	"archive/zip"
	"bufio"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

const (
	sheetRows = 1_000_000 // of one sheet, its head included; programs read 1 048 576
	cellMost  = 32_767    // characters of a cell that programs read

	styleHead, styleTime = "1", "2"

	mainNS = `xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"`
	relNS  = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
	header = `<?xml version="1.0" encoding="UTF-8" standalone="yes"?>` + "\n"
)

// xlsxRows writes a workbook (ECMA-376) whose sheets come first and whose table
// of contents comes last, when it is known how many there are.
type xlsxRows struct {
	zip   *zip.Writer
	sheet *bufio.Writer
	head  []string
	cols  []Column
	rows  int // of the sheet under way
	count int // sheets
}

func openXLSX(w io.Writer, cols []Column, t Texts) (*xlsxRows, error) {
	x := &xlsxRows{zip: zip.NewWriter(w), cols: cols}
	for i := range cols {
		x.head = append(x.head, t("csv."+cols[i].Name))
	}
	return x, x.begin()
}

// begin begins a sheet: its head stays in sight.
func (x *xlsxRows) begin() error {
	x.count++
	part, err := x.zip.Create(fmt.Sprintf("xl/worksheets/sheet%d.xml", x.count))
	if err != nil {
		return err
	}
	x.sheet, x.rows = bufio.NewWriterSize(part, 32<<10), 1
	x.put(header, `<worksheet `, mainNS, `><sheetViews><sheetView workbookViewId="0"><pane ySplit="1" topLeftCell="A2" activePane="bottomLeft" state="frozen"/></sheetView></sheetViews><cols>`)
	for i, c := range x.cols {
		n := strconv.Itoa(i + 1)
		x.put(`<col min="`, n, `" max="`, n, `" width="`, strconv.Itoa(c.width), `" customWidth="1"/>`)
	}
	x.put(`</cols><sheetData><row>`)
	for _, h := range x.head {
		x.text(h, styleHead)
	}
	_, err = x.sheet.WriteString(`</row>`)
	return err
}

// put writes to the sheet; its buffer keeps the first error for flush.
func (x *xlsxRows) put(parts ...string) {
	for _, p := range parts {
		_, _ = x.sheet.WriteString(p) // told by the next write or flush
	}
}

func (x *xlsxRows) row(cells []any) error {
	if x.rows == sheetRows {
		if err := x.end(); err != nil {
			return err
		}
		if err := x.begin(); err != nil {
			return err
		}
	}
	x.rows++
	x.put(`<row>`)
	for _, cell := range cells {
		switch v := cell.(type) {
		case int64:
			x.put(`<c><v>`, strconv.FormatInt(v, 10), `</v></c>`)
		case float64:
			x.put(`<c><v>`, strconv.FormatFloat(v, 'f', -1, 64), `</v></c>`)
		case time.Time:
			x.put(`<c s="`, styleTime, `"><v>`, serial(v), `</v></c>`)
		case string:
			x.text(v, "")
		default:
			x.put(`<c/>`)
		}
	}
	_, err := x.sheet.WriteString(`</row>`)
	return err
}

// text writes a cell that is text whatever it looks like, never a formula.
func (x *xlsxRows) text(s, style string) {
	if s == "" {
		x.put(`<c/>`)
		return
	}
	x.put(`<c t="inlineStr"`)
	if style != "" {
		x.put(` s="`, style, `"`)
	}
	x.put(`><is><t xml:space="preserve">`, escape(s), `</t></is></c>`)
}

var entities = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", "\r\n", "\n", "\r", "\n")

// escape writes a text as XML takes it; characters that XML does not know are
// left out.
func escape(s string) string {
	if utf8.RuneCountInString(s) > cellMost {
		s = string([]rune(s)[:cellMost])
	}
	return entities.Replace(strings.Map(func(r rune) rune {
		if r < 0x20 && r != '\t' && r != '\n' && r != '\r' || r == utf8.RuneError || r == 0xFFFE || r == 0xFFFF {
			return -1
		}
		return r
	}, s))
}

// serial is what the clock on the wall shows, as spreadsheets count: days since
// the end of 1899, without a zone.
func serial(t time.Time) string {
	y, m, d := t.Date()
	wall := time.Date(y, m, d, t.Hour(), t.Minute(), t.Second(), 0, time.UTC)
	return strconv.FormatFloat(wall.Sub(time.Date(1899, 12, 30, 0, 0, 0, 0, time.UTC)).Seconds()/86400, 'f', 8, 64)
}

func (x *xlsxRows) end() error {
	x.put(`</sheetData></worksheet>`)
	return x.sheet.Flush()
}

func (x *xlsxRows) flush() error {
	if err := x.sheet.Flush(); err != nil {
		return err
	}
	return x.zip.Flush()
}

// close writes what holds the sheets together.
func (x *xlsxRows) close() error {
	if err := x.end(); err != nil {
		return err
	}
	var sheets, rels, types strings.Builder
	for n := 1; n <= x.count; n++ {
		fmt.Fprintf(&sheets, `<sheet name="momentcast %d" sheetId="%d" r:id="rId%d"/>`, n, n, n)
		fmt.Fprintf(&rels, `<Relationship Id="rId%d" Type="%s/worksheet" Target="worksheets/sheet%d.xml"/>`, n, relNS, n)
		fmt.Fprintf(&types, `<Override PartName="/xl/worksheets/sheet%d.xml" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.worksheet+xml"/>`, n)
	}
	const packageNS = "http://schemas.openxmlformats.org/package/2006/"
	for _, part := range [][2]string{
		{"xl/workbook.xml", `<workbook ` + mainNS + ` xmlns:r="` + relNS + `"><sheets>` + sheets.String() + `</sheets></workbook>`},
		{"xl/_rels/workbook.xml.rels", `<Relationships xmlns="` + packageNS + `relationships">` + rels.String() +
			`<Relationship Id="styles" Type="` + relNS + `/styles" Target="styles.xml"/></Relationships>`},
		{"xl/styles.xml", styles},
		{"_rels/.rels", `<Relationships xmlns="` + packageNS + `relationships"><Relationship Id="rId1" Type="` + relNS + `/officeDocument" Target="xl/workbook.xml"/></Relationships>`},
		{"[Content_Types].xml", `<Types xmlns="` + packageNS + `content-types"><Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>` +
			`<Default Extension="xml" ContentType="application/xml"/><Override PartName="/xl/workbook.xml" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"/>` +
			`<Override PartName="/xl/styles.xml" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.styles+xml"/>` + types.String() + `</Types>`},
	} {
		w, err := x.zip.Create(part[0])
		if err != nil {
			return err
		}
		if _, err := io.WriteString(w, header+part[1]); err != nil {
			return err
		}
	}
	return x.zip.Close()
}

// styles: as it is, a bold head, a date with its time.
const styles = `<styleSheet ` + mainNS + `><numFmts count="1"><numFmt numFmtId="164" formatCode="yyyy\-mm\-dd\ hh:mm:ss"/></numFmts>` +
	`<fonts count="2"><font><sz val="11"/><name val="Calibri"/></font><font><b/><sz val="11"/><name val="Calibri"/></font></fonts>` +
	`<fills count="2"><fill><patternFill patternType="none"/></fill><fill><patternFill patternType="gray125"/></fill></fills>` +
	`<borders count="1"><border/></borders><cellStyleXfs count="1"><xf/></cellStyleXfs><cellXfs count="3"><xf/>` +
	`<xf fontId="1" applyFont="1"/><xf numFmtId="164" applyNumberFormat="1"/></cellXfs></styleSheet>`
