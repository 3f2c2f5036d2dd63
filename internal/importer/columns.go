package importer

import (
	"maps"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"momentcast/internal/moment"
)

// column is something that a column of a file can be read as.
type column struct {
	field   string
	headers []string  // what people call it, folded: without spaces, marks and capital letters; the first heads the template in Chinese
	example [2]string // a cell that shows how it is written, in Chinese and English
	rare    bool      // the template leaves it out: few files need it
}

// english is the header of the template in English; fold makes one of headers
// of it.
func (c *column) english() string { return strings.ReplaceAll(c.field, "_", " ") }

// fold makes headers comparable.
func fold(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			return unicode.ToLower(r)
		}
		return -1
	}, s)
}

// guess says for each header as which field it is read; "" = none. No field is
// taken twice: the first column that bears its name has it.
func (k kind) guess(header []string) []string {
	out := make([]string, len(header))
	for i, h := range header {
		// What stands in brackets is a remark: "发送时间（北京时间）".
		name, _, _ := strings.Cut(strings.ReplaceAll(h, "（", "("), "(")
		name = fold(name)
		for _, c := range k.columns {
			if name != "" && slices.Contains(c.headers, name) && !slices.Contains(out, c.field) {
				out[i] = c.field
				break
			}
		}
	}
	return out
}

// known makes columns what they may be: as many as the header has, each field
// once at most.
func (k kind) known(columns, header []string) []string {
	out := make([]string, len(header))
	for i := range out {
		if i < len(columns) && k.column(columns[i]) != nil && !slices.Contains(out, columns[i]) {
			out[i] = columns[i]
		}
	}
	return out
}

// mapped changes columns to what somebody says of them by header.
func (k kind) mapped(columns, header []string, by map[string]string) error {
	var wrong []moment.Field
	for _, name := range slices.Sorted(maps.Keys(by)) {
		field := by[name]
		i := slices.IndexFunc(header, func(h string) bool { return h == name || fold(name) != "" && fold(h) == fold(name) })
		switch {
		case i < 0:
			wrong = append(wrong, moment.Field{Path: "map", Message: "names a column that the file does not have: " + strconv.Quote(cut(name, 100))})
			continue
		case field != "" && k.column(field) == nil:
			wrong = append(wrong, moment.Field{Path: "map", Message: "names no field that a column can be read as; there are " + strings.Join(k.fields(), ", ")})
			continue
		}
		if was := slices.Index(columns, field); field != "" && was >= 0 {
			columns[was] = ""
		}
		columns[i] = field
	}
	return moment.InvalidFields(wrong)
}

// letters names n columns as spreadsheets do: A … Z, AA, AB …
func letters(n int) []string {
	out := make([]string, n)
	for i := range out {
		for k := i; k >= 0; k = k/26 - 1 {
			out[i] = string(rune('A'+k%26)) + out[i]
		}
	}
	return out
}
