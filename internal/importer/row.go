package importer

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"momentcast/internal/lint"
	"momentcast/internal/moment"
)

// rowReader reads one row.
type rowReader struct {
	*book
	row      moment.ImportRow
	findings []moment.ImportFinding
}

// planned is a row as what it becomes, and everything there is to say about it.
type planned struct {
	row      int
	thing    thing // nil = none can be made of it
	findings []moment.ImportFinding
}

// plan makes a thing of a row.
func (b *book) plan(p planner, row moment.ImportRow) planned {
	r := &rowReader{book: b, row: row}
	for _, c := range row.Formulas {
		if c < len(b.Columns) && b.Columns[c] != "" {
			r.wrong(b.Columns[c], "is a formula; copy the cell and paste its value")
		}
	}
	t := p.plan(r)
	if r.isWrong() {
		t = nil
	}
	return planned{row.Number, t, r.findings}
}

// heading is what the file calls the column of a field; "" = it has none.
func (b *book) heading(field string) string {
	if i := slices.Index(b.Columns, field); i >= 0 && i < len(b.header) {
		return b.header[i]
	}
	return ""
}

func (r *rowReader) cell(field string) string {
	i := slices.Index(r.Columns, field)
	if i < 0 || i >= len(r.row.Cells) {
		return ""
	}
	return r.row.Cells[i]
}

func (r *rowReader) card() moment.Card {
	return moment.Card{Content: r.cell("content"), Title: r.cell("title"), Description: r.cell("description"), URL: r.cell("url"), ThumbURL: r.cell("thumb_url")}
}

func (r *rowReader) wrong(field, message string) {
	r.findings = append(r.findings, moment.ImportFinding{Row: r.row.Number, Column: r.heading(field), Field: field, Severity: "error", Message: message})
}

func (r *rowReader) isWrong() bool {
	return slices.ContainsFunc(r.findings, func(f moment.ImportFinding) bool { return f.Severity == "error" })
}

// said reports whether something is wrong with one of the fields already: one
// thing at a time is enough.
func (r *rowReader) said(fields ...string) bool {
	return slices.ContainsFunc(r.findings, func(f moment.ImportFinding) bool { return slices.Contains(fields, f.Field) })
}

// looks adds what lint has to say of a card that is right.
func (r *rowReader) looks(in lint.Input, field func(string) string) {
	for _, f := range lint.Check(in, r.lint) {
		at := field(f.Field)
		if f.Severity != lint.Info && !r.said(at) {
			r.findings = append(r.findings, moment.ImportFinding{Row: r.row.Number, Column: r.heading(at), Field: at, Severity: "warn", Message: f.EN, Chinese: f.ZH})
		}
	}
}

// account finds an account by its number, its wcId or its name; 0 = it is wrong.
func (r *rowReader) account(field, name string) *moment.Instance {
	found := r.named(name)
	switch len(found) {
	case 0:
		r.wrong(field, "names no account that is known here; write its wcId, its name, or its number")
	case 1:
		return &found[0]
	default:
		r.wrong(field, "is the name of several accounts; write the wcId")
	}
	return nil
}

// spans are the units of a span of time.
var spans = map[string]time.Duration{
	"s": time.Second, "sec": time.Second, "秒": time.Second, "秒钟": time.Second, "m": time.Minute, "min": time.Minute, "分": time.Minute, "分钟": time.Minute,
	"h": time.Hour, "小时": time.Hour, "时": time.Hour, "个小时": time.Hour, "d": 24 * time.Hour, "day": 24 * time.Hour, "days": 24 * time.Hour, "天": 24 * time.Hour, "日": 24 * time.Hour,
}

var spanPart = regexp.MustCompile(`^(\d{1,9}) ?([a-z]+|[\x{4e00}-\x{9fff}]+) ?`)

// parseSpan reads 90m, 1h30m, 2d, 30 分钟, or 0.
func parseSpan(s string) (sum time.Duration, ok bool) {
	s = strings.ToLower(strings.TrimSpace(s))
	if s == "0" {
		return 0, true
	}
	for s != "" {
		m := spanPart.FindStringSubmatch(s)
		if len(m) == 0 || spans[m[2]] == 0 {
			return 0, false
		}
		n, _ := strconv.Atoi(m[1]) // nine digits
		one := time.Duration(n) * spans[m[2]]
		if one/spans[m[2]] != time.Duration(n) || sum+one < sum {
			return 0, false
		}
		sum, s = sum+one, s[len(m[0]):]
	}
	return sum, sum > 0
}

// span reads a span of time; an empty cell is other.
func (r *rowReader) span(field string, other time.Duration) time.Duration {
	s := r.cell(field)
	if s == "" {
		return other
	}
	d, ok := parseSpan(s)
	if !ok {
		r.wrong(field, "is not a span of time such as 90m, 2h or 1d")
	}
	return d
}

// number reads a whole number; an empty cell is 0.
func (r *rowReader) number(field string) int {
	s := r.cell(field)
	if s == "" {
		return 0
	}
	n, err := strconv.Atoi(s)
	if err != nil || n < 1 || n > 1_000_000 {
		r.wrong(field, "must be a whole number from 1 on")
	}
	return n
}

// choice reads a cell with one of several words; an empty cell is the zero value.
func choice[T ~string](r *rowReader, field string, words map[string]T, message string) (v T) {
	s := r.cell(field)
	if s == "" {
		return v
	}
	v, ok := words[fold(s)]
	if !ok {
		r.wrong(field, message)
	}
	return v
}

// split reads a cell with several values, each once.
func split(s, marks string) (out []string) {
	for _, v := range strings.FieldsFunc(s, func(r rune) bool { return strings.ContainsRune(marks, r) }) {
		if v = strings.TrimSpace(v); v != "" && !slices.Contains(out, v) {
			out = append(out, v)
		}
	}
	return out
}
