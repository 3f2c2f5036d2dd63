package importer

import (
	"archive/zip"
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"path"
	"strings"

	"github.com/xuri/excelize/v2"

	"momentcast/internal/moment"
)

// Limits on what a workbook may unfold to, in bytes: a few kilobytes can claim
// to be gigabytes.
const (
	maxUnzipped = 512 << 20
	maxSheet    = 16 << 20 // more than this of a sheet goes through a temporary file
	maxFormulas = 10_000
)

// readXLSX reads the first sheet. Numbers come as they are stored, so that a
// date is a number whatever it looks like; nothing is computed.
func readXLSX(data []byte, emit func(moment.ImportRow) error) (date1904 bool, err error) {
	formulas, date1904, err := formulasOf(data)
	if err != nil {
		return false, err
	}
	f, err := excelize.OpenReader(bytes.NewReader(data), excelize.Options{RawCellValue: true, UnzipSizeLimit: maxUnzipped, UnzipXMLSizeLimit: maxSheet})
	if err != nil {
		return false, notAWorkbook(err)
	}
	defer func() { _ = f.Close() }() // removes its temporary files
	sheets := f.GetSheetList()
	if len(sheets) == 0 {
		return false, wrongFile("The workbook has no sheet.")
	}
	rows, err := f.Rows(sheets[0])
	if err != nil {
		return false, notAWorkbook(err)
	}
	defer func() { _ = rows.Close() }() // only read
	for number := 1; rows.Next(); number++ {
		cells, err := rows.Columns()
		if err != nil {
			return false, notAWorkbook(err)
		}
		row := moment.ImportRow{Number: number, Cells: cells, Formulas: formulas[number]}
		if empty(cells) && len(row.Formulas) == 0 {
			if number > moment.MaxImportRows*2 {
				return false, tooMany()
			}
			continue
		}
		if err := emit(row); err != nil {
			return false, err
		}
	}
	if err := rows.Error(); err != nil {
		return false, notAWorkbook(err)
	}
	return date1904, nil
}

func notAWorkbook(err error) error {
	return &moment.Error{Kind: moment.Invalid, Message: "The file is not a workbook that can be read: it is damaged, protected by a password, or too large when unpacked.", Err: err}
}

func empty(cells []string) bool {
	for _, c := range cells {
		if strings.TrimSpace(c) != "" {
			return false
		}
	}
	return true
}

// formulasOf finds the cells of the first sheet that compute their value, by
// row: what they show is whatever some program last made of them.
func formulasOf(data []byte) (found map[int][]int, date1904 bool, err error) {
	z, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		return nil, false, notAWorkbook(err)
	}
	var size uint64
	for _, f := range z.File {
		if size += f.UncompressedSize64; size > maxUnzipped || f.UncompressedSize64 > maxUnzipped {
			return nil, false, notAWorkbook(errors.New("unpacked it is too large"))
		}
	}
	sheet, date1904, err := firstSheet(z)
	if err != nil || sheet == "" {
		return nil, date1904, err
	}
	found, n := make(map[int][]int), 0
	column, row := 0, 0
	err = tokens(z, sheet, func(e xml.StartElement) error {
		switch e.Name.Local {
		case "c":
			if c, r, err := excelize.CellNameToCoordinates(attr(e, "r")); err == nil {
				column, row = c-1, r
			}
		case "f":
			if n++; n > maxFormulas {
				return wrongFile("The file has more than 10000 formula cells; copy them and paste their values.")
			}
			found[row] = append(found[row], column)
		}
		return nil
	})
	return found, date1904, err
}

// firstSheet is the part of the workbook that holds its first sheet.
func firstSheet(z *zip.Reader) (name string, date1904 bool, err error) {
	id := ""
	err = tokens(z, "xl/workbook.xml", func(e xml.StartElement) error {
		switch e.Name.Local {
		case "sheet":
			if id == "" {
				id = attr(e, "id")
			}
		case "workbookPr":
			date1904 = attr(e, "date1904") == "1" || attr(e, "date1904") == "true"
		}
		return nil
	})
	if err != nil {
		return "", false, err
	}
	err = tokens(z, "xl/_rels/workbook.xml.rels", func(e xml.StartElement) error {
		if e.Name.Local == "Relationship" && attr(e, "Id") == id && name == "" {
			name = path.Join("xl", attr(e, "Target"))
			if strings.HasPrefix(attr(e, "Target"), "/") {
				name = strings.TrimPrefix(attr(e, "Target"), "/")
			}
		}
		return nil
	})
	return name, date1904, err
}

// tokens calls do for every element that begins in a part of the workbook; a
// part that is not there has none.
func tokens(z *zip.Reader, name string, do func(xml.StartElement) error) error {
	f, err := z.Open(name)
	if err != nil {
		return nil // not there
	}
	defer func() { _ = f.Close() }() // only read
	d := xml.NewDecoder(io.LimitReader(f, maxUnzipped))
	for {
		t, err := d.RawToken()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return notAWorkbook(err)
		}
		if e, ok := t.(xml.StartElement); ok {
			if err := do(e); err != nil {
				return err
			}
		}
	}
}

// attr is an attribute by its local name.
func attr(e xml.StartElement, name string) string {
	for _, a := range e.Attr {
		if a.Name.Local == name {
			return a.Value
		}
	}
	return ""
}
