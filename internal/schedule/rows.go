package schedule

import (
	"bytes"
	_ "embed"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"strings"

	"momentcast/internal/moment"
)

// seedCN is China's work calendar as the State Council's notices state it.
//
//go:embed data/cn-workdays.csv
var seedCN []byte

// RegionCN is the region that has a calendar built in.
const RegionCN = "cn"

// Seed is the calendar that is built in: China's public holidays and make-up
// days, as far as they were published. It is what the table is filled with first.
func Seed() *Calendar {
	rows, err := ReadRows(bytes.NewReader(seedCN))
	if err != nil {
		panic("schedule: the embedded calendar: " + err.Error())
	}
	c, err := NewCalendar(RegionCN, rows)
	if err != nil {
		panic("schedule: the embedded calendar: " + err.Error())
	}
	return c
}

// maxCalendarBytes is the largest calendar file that is read.
const maxCalendarBytes = 4 << 20

// ReadRows reads a calendar from CSV in UTF-8 (a byte order mark is fine) with
// the columns date, name and kind, named in the first line in any order. An
// error is a moment.Error with a field "rows[i].…" for every line that is wrong,
// i counting from 0 after the heading. Overlaps are for [NewCalendar] to find.
func ReadRows(r io.Reader) ([]Row, error) {
	data, err := readAll(r)
	if err != nil {
		return nil, err
	}
	cr := csv.NewReader(bytes.NewReader(bytes.TrimPrefix(data, []byte("\ufeff"))))
	cr.FieldsPerRecord = -1
	head, err := cr.Read()
	if err != nil {
		return nil, moment.Errorf(moment.Invalid, "The calendar is not a CSV file with a heading.")
	}
	date, name, kind := column(head, "date"), column(head, "name"), column(head, "kind")
	if date < 0 || name < 0 || kind < 0 {
		return nil, moment.Errorf(moment.Invalid, "The calendar's first line must name the columns date, name and kind.")
	}
	var rows []Row
	var fs []moment.Field
	for i := 0; ; i++ {
		rec, err := cr.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil || len(rec) <= max(date, name, kind) {
			fs = append(fs, moment.Field{Path: fmt.Sprintf("rows[%d]", i), Message: "has not the columns that the heading names"})
			break
		}
		if i >= MaxRows {
			return nil, moment.InvalidFields([]moment.Field{{Path: "rows", Message: fmt.Sprintf("at most %d", MaxRows)}})
		}
		row := Row{Name: strings.TrimSpace(rec[name]), Kind: DayKind(strings.ToLower(strings.TrimSpace(rec[kind])))}
		if row.Date, err = ParseDate(strings.TrimSpace(rec[date])); err != nil {
			fs = append(fs, moment.Field{Path: fmt.Sprintf("rows[%d].date", i), Message: err.Error()})
		} else {
			fs = append(fs, row.fields(i)...)
		}
		rows = append(rows, row)
	}
	if err := moment.InvalidFields(fs); err != nil {
		return nil, err
	}
	return rows, nil
}

func column(head []string, name string) int {
	for i, h := range head {
		if strings.EqualFold(strings.TrimSpace(h), name) {
			return i
		}
	}
	return -1
}

func readAll(r io.Reader) ([]byte, error) {
	data, err := io.ReadAll(io.LimitReader(r, maxCalendarBytes+1))
	if err != nil {
		return nil, fmt.Errorf("read calendar: %w", err)
	}
	if len(data) > maxCalendarBytes {
		return nil, moment.Errorf(moment.Invalid, "The calendar is larger than %d MiB.", maxCalendarBytes>>20)
	}
	return data, nil
}
