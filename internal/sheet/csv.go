package sheet

import (
	"encoding/csv"
	"io"
	"strconv"
	"strings"
	"time"
)

type csvRows struct {
	w    *csv.Writer
	line []string
}

func openCSV(w io.Writer, cols []Column, t Texts) (*csvRows, error) {
	if _, err := io.WriteString(w, "\uFEFF"); err != nil { // without it spreadsheets take the file for their local encoding
		return nil, err
	}
	c := &csvRows{w: csv.NewWriter(w), line: make([]string, len(cols))}
	c.w.UseCRLF = true
	for i := range cols {
		c.line[i] = t("csv." + cols[i].Name)
	}
	return c, c.w.Write(c.line)
}

func (c *csvRows) row(cells []any) error {
	for i, cell := range cells {
		switch v := cell.(type) {
		case nil:
			c.line[i] = ""
		case int64:
			c.line[i] = strconv.FormatInt(v, 10)
		case float64:
			c.line[i] = strconv.FormatFloat(v, 'f', 3, 64)
		case time.Time:
			c.line[i] = v.Format("2006-01-02 15:04:05")
		case string:
			c.line[i] = Inert(v)
		}
	}
	return c.w.Write(c.line)
}

func (c *csvRows) flush() error { c.w.Flush(); return c.w.Error() }
func (c *csvRows) close() error { return c.flush() }

// Inert keeps a spreadsheet from taking a cell for a formula.
func Inert(cell string) string {
	if cell != "" && strings.ContainsRune("=+-@\t\r", rune(cell[0])) {
		return "'" + cell
	}
	return cell
}
