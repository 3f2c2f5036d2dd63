package importer

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"golang.org/x/text/encoding/simplifiedchinese"

	"momentcast/internal/moment"
)

// decode makes UTF-8 of a text file and says what it was. Chinese spreadsheet
// programs write GBK without saying so; GB 18030 contains it.
func decode(data []byte) (text []byte, encoding string, err error) {
	switch {
	case bytes.HasPrefix(data, []byte("\xef\xbb\xbf")):
		data = data[3:]
		if !utf8.Valid(data) {
			return nil, "", wrongFile("The file says it is UTF-8 and is not; save it anew as CSV UTF-8.")
		}
		return data, "UTF-8", nil
	case bytes.HasPrefix(data, []byte("\xff\xfe")):
		return fromUTF16(data[2:], false), "UTF-16", nil
	case bytes.HasPrefix(data, []byte("\xfe\xff")):
		return fromUTF16(data[2:], true), "UTF-16", nil
	case utf8.Valid(data):
		return data, "UTF-8", nil
	}
	text, err = simplifiedchinese.GB18030.NewDecoder().Bytes(data)
	if err != nil || bytes.ContainsRune(text, utf8.RuneError) {
		return nil, "", wrongFile("The file's encoding is neither UTF-8 nor GBK; save it anew as CSV UTF-8.")
	}
	return text, "GBK", nil
}

func fromUTF16(data []byte, bigEndian bool) []byte {
	units := make([]uint16, len(data)/2)
	for i := range units {
		a, b := uint16(data[2*i]), uint16(data[2*i+1])
		if bigEndian {
			a, b = b, a
		}
		units[i] = a | b<<8
	}
	return []byte(string(utf16.Decode(units)))
}

// delimiters are tried in this order; the one that yields most columns in the
// first lines, and the same number in each, is it.
var delimiters = []rune{',', '\t', ';', '|', '，'}

func delimiterOf(text []byte) rune {
	best, most := ',', 1
	for _, d := range delimiters {
		r := csv.NewReader(bytes.NewReader(text[:min(len(text), 64<<10)]))
		r.Comma, r.FieldsPerRecord, r.LazyQuotes = d, -1, true
		columns, steady := 0, true
		for line := range 5 {
			rec, err := r.Read()
			if err != nil {
				break
			}
			if line == 0 {
				columns = len(rec)
			}
			steady = steady && len(rec) == columns
		}
		if columns > most && (steady || most == 1) {
			best, most = d, columns
		}
	}
	return best
}

// readCSV reads a text file. Quoted cells may hold line breaks; rows are
// numbered as a spreadsheet program shows them, empty lines included.
func readCSV(data []byte, emit func(moment.ImportRow) error) (encoding string, err error) {
	text, encoding, err := decode(data)
	if err != nil {
		return "", err
	}
	if bytes.IndexByte(text, 0) >= 0 {
		return "", wrongFile("The file is not a table: it is neither CSV nor XLSX.")
	}
	r := csv.NewReader(bytes.NewReader(text))
	r.Comma, r.FieldsPerRecord, r.ReuseRecord = delimiterOf(text), -1, true
	number, next := 0, 1 // next: the line after the last record
	for {
		rec, err := r.Read()
		if errors.Is(err, io.EOF) {
			return encoding, nil
		}
		if pe, ok := errors.AsType[*csv.ParseError](err); ok {
			return "", wrongFile(fmt.Sprintf("Line %d has a quotation mark that is not closed or stands alone; quote the whole cell and double the marks in it.", pe.Line))
		}
		if err != nil {
			return "", err
		}
		start, _ := r.FieldPos(0)
		end, _ := r.FieldPos(len(rec) - 1)
		number += 1 + max(start-next, 0)
		next = end + strings.Count(rec[len(rec)-1], "\n") + 1
		if err := emit(moment.ImportRow{Number: number, Cells: append([]string(nil), rec...)}); err != nil {
			return "", err
		}
	}
}
