package importer

import (
	"bytes"
	"encoding/csv"
	"slices"

	"github.com/xuri/excelize/v2"

	"momentcast/internal/moment"
)

// templateFields are the columns of the template: those that most files need.
var templateFields = []string{"instance", "due", "content", "title", "description", "url", "thumb_url", "audience", "visibility", "labels", "users", "first_comment", "external_key"}

// examples are a row that shows how cells are written.
var examples = map[string][2]string{ // Chinese, English
	"instance": {"wxid_gia1nwcgpobz22", "wxid_gia1nwcgpobz22"}, "due": {"2026-12-01 09:00", "2026-12-01 09:00"},
	"content": {"今年的明前龙井到了，老朋友先挑", "New in: autumn 2026"}, "title": {"2026 明前龙井 · 首批开售", "Autumn collection"},
	"description": {"狮峰核心产区，手工辉锅", "Twelve looks"}, "url": {"https://example.com/tea", "https://example.com/autumn"},
	"thumb_url": {"https://example.com/tea.jpg", "https://example.com/autumn.jpg"}, "visibility": {"部分可见", "allow"}, "labels": {"3", "3"},
	"users": {"wxid_a1b2c3,wxid_d4e5f6", "wxid_a1b2c3,wxid_d4e5f6"}, "first_comment": {"下单备注「朋友圈」有礼", ""}, "external_key": {"tea-001", "autumn-001"},
}

// Template is an example file to fill in, as "csv" or "xlsx", headed in Chinese
// or English.
func (*Importer) Template(format string, chinese bool) ([]byte, error) {
	rows := make([][]string, 2)
	for _, f := range templateFields {
		if chinese {
			rows[0], rows[1] = append(rows[0], headers[f][0]), append(rows[1], examples[f][0])
			continue
		}
		i := slices.IndexFunc(headers[f], func(h string) bool { return h[0] < 0x80 })
		rows[0], rows[1] = append(rows[0], headers[f][i]), append(rows[1], examples[f][1])
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
	return nil, moment.Errorf(moment.NotFound, "There is no such template.")
}

func workbook(rows [][]string) ([]byte, error) {
	f := excelize.NewFile()
	defer func() { _ = f.Close() }()                     // nothing is on disk
	text, err := f.NewStyle(&excelize.Style{NumFmt: 49}) // cells stay as they are typed
	if err != nil {
		return nil, err
	}
	sheet := f.GetSheetName(0)
	if err := f.SetColStyle(sheet, "A:Z", text); err != nil {
		return nil, err
	}
	if err := f.SetColWidth(sheet, "A", "Z", 22); err != nil {
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
