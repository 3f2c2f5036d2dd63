package importer

import (
	"bytes"
	"encoding/csv"

	"github.com/xuri/excelize/v2"

	"momentcast/internal/moment"
)

// Template is an example file of a kind to fill in, as "csv" or "xlsx", headed
// in Chinese or English.
func (*Importer) Template(name moment.ImportKind, format string, chinese bool) ([]byte, error) {
	none := moment.Errorf(moment.NotFound, "There is no such template.")
	k, ok := kindOf(name)
	if !ok {
		return nil, none
	}
	rows := make([][]string, 2)
	for _, c := range k.columns {
		switch {
		case c.rare:
		case chinese:
			rows[0], rows[1] = append(rows[0], c.headers[0]), append(rows[1], c.example[0])
		default:
			rows[0], rows[1] = append(rows[0], c.english()), append(rows[1], c.example[1])
		}
	}
	var out bytes.Buffer
	switch format {
	case "csv":
		out.WriteString("\ufeff") // spreadsheet programs take it for their own encoding otherwise
		w := csv.NewWriter(&out)
		err := w.WriteAll(rows)
		return out.Bytes(), err
	case "xlsx":
		return workbook(rows)
	}
	return nil, none
}

func workbook(rows [][]string) ([]byte, error) {
	f := excelize.NewFile()
	defer func() { _ = f.Close() }()                     // nothing is on disk
	text, err := f.NewStyle(&excelize.Style{NumFmt: 49}) // cells stay as they are typed
	if err != nil {
		return nil, err
	}
	sheet := f.GetSheetName(0)
	if err := f.SetColStyle(sheet, "A:AZ", text); err != nil {
		return nil, err
	}
	if err := f.SetColWidth(sheet, "A", "AZ", 22); err != nil {
		return nil, err
	}
	for i, row := range rows {
		for j, cell := range row {
			name, err := excelize.CoordinatesToCellName(j+1, i+1)
			if err != nil {
				return nil, err
			}
			if err := f.SetCellStr(sheet, name, cell); err != nil {
				return nil, err
			}
		}
	}
	b, err := f.WriteToBuffer()
	if err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}
