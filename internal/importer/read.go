// Package importer makes posts and campaigns of tables: CSV in the encodings that
// spreadsheet programs write, and XLSX. A file is read once into rows that the
// database keeps; checking and committing work on those, batch by batch, so
// that neither depends on the memory of a process.
package importer

import (
	"bytes"
	"fmt"
	"path"
	"strings"
	"unicode/utf8"

	"momentcast/internal/moment"
)

// maxCell is the longest cell that is kept, in bytes. No field takes as much.
const maxCell = 32 << 10

// sheet is what a file is, besides its rows.
type sheet struct {
	format, encoding string
	date1904         bool
	header           []string
	rows             int
}

// read reads a file and hands out its rows after the header, or all of a file
// without one. Its errors are about the file as a whole; what is wrong with
// single rows is found later.
func read(data []byte, headless bool, emit func(moment.ImportRow) error) (s sheet, err error) {
	keep := func(r moment.ImportRow) error {
		if s.header == nil {
			if err := s.head(r); err != nil || !headless || s.header == nil {
				return err
			}
			s.header = letters(len(s.header))
		}
		if empty(r.Cells) && len(r.Formulas) == 0 {
			return nil
		}
		if s.rows++; s.rows > moment.MaxImportRows {
			return tooMany()
		}
		return emit(tidy(r, len(s.header)))
	}
	switch {
	case len(data) == 0:
		return s, wrongFile("The file is empty.")
	case len(data) > moment.MaxImportBytes:
		return s, wrongFile("The file is larger than 32 MiB.")
	case bytes.HasPrefix(data, []byte("PK\x03\x04")):
		s.format = "xlsx"
		s.date1904, err = readXLSX(data, keep)
	case bytes.HasPrefix(data, []byte("\xd0\xcf\x11\xe0")):
		return s, wrongFile("This is an old .xls workbook, or one with a password; save it anew as .xlsx.")
	default:
		s.format = "csv"
		s.encoding, err = readCSV(data, keep)
	}
	if err != nil {
		return s, err
	}
	switch {
	case s.header == nil:
		return s, wrongFile("The file is empty.")
	case s.rows == 0:
		return s, wrongFile("The file has a header and no rows below it.")
	}
	return s, nil
}

// head takes the first row that is not empty as the header.
func (s *sheet) head(r moment.ImportRow) error {
	if empty(r.Cells) {
		return nil
	}
	cells := r.Cells
	for len(cells) > 0 && strings.TrimSpace(cells[len(cells)-1]) == "" {
		cells = cells[:len(cells)-1]
	}
	if len(cells) > moment.MaxImportColumns {
		return wrongFile(fmt.Sprintf("The file has more than %d columns.", moment.MaxImportColumns))
	}
	for _, c := range cells {
		s.header = append(s.header, cut(plain(c), 100))
	}
	return nil
}

// tidy cuts what no header names and what no field could take.
func tidy(r moment.ImportRow, columns int) moment.ImportRow {
	if len(r.Cells) > columns {
		r.Cells = r.Cells[:columns]
	}
	for i, c := range r.Cells {
		r.Cells[i] = cut(plain(c), maxCell)
	}
	return r
}

// plain is a cell as text: without the spaces around it, and what a database
// cannot hold.
func plain(s string) string {
	s = strings.ReplaceAll(strings.ToValidUTF8(s, "\uFFFD"), "\x00", "\uFFFD")
	return strings.Trim(strings.ReplaceAll(s, "\r\n", "\n"), " \t\r\n\u00a0\u3000\ufeff")
}

// cut cuts s to at most n bytes, between characters.
func cut(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n]
}

// fileName is the name of an uploaded file, without the folders that some
// browsers send along.
func fileName(name string) string {
	name = path.Base(strings.ReplaceAll(plain(name), `\`, "/"))
	if name == "." || name == "/" {
		return "import"
	}
	return cut(name, 200)
}

func wrongFile(message string) error {
	return moment.Errorf(moment.Invalid, "%s", message)
}

func tooMany() error {
	return wrongFile(fmt.Sprintf("The file has more than %d rows; divide it.", moment.MaxImportRows))
}
