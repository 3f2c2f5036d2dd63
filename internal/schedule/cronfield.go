package schedule

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// field is one of the five fields of an expression.
type field struct {
	name     string
	min, max int
	names    []string // of the values from first on
	first    int
}

var (
	minuteField  = field{name: "minute", max: 59}
	hourField    = field{name: "hour", max: 23}
	dayField     = field{name: "day of month", min: 1, max: 31}
	monthField   = field{name: "month", min: 1, max: 12, names: []string{"jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"}, first: 1}
	weekdayField = field{name: "weekday", max: 7, names: []string{"sun", "mon", "tue", "wed", "thu", "fri", "sat"}}

	cronFields = []*field{&minuteField, &hourField, &dayField, &monthField, &weekdayField}
)

// plain rewrites one field into what robfig/cron reads: numbers only, weekday 7
// as 0, no L. It is stricter than robfig, which accepts steps that never come
// round, "*-5", "+3" and empty items. last reports an L. problem is "" or says
// what is wrong, without repeating the value.
func (f *field) plain(text string) (out string, last bool, problem string) {
	var items []string
	for item := range strings.SplitSeq(strings.ToLower(text), ",") {
		if f == &dayField && item == "l" {
			last = true
			continue
		}
		p, problem := f.item(item)
		if problem != "" {
			return "", false, problem
		}
		items = append(items, p)
	}
	return strings.Join(items, ","), last, ""
}

// item rewrites one element of a list: value, range or *, and perhaps a step.
func (f *field) item(item string) (out, problem string) {
	body, stepText, stepped := strings.Cut(item, "/")
	step := 1
	if stepped {
		var ok bool
		if step, ok = number(stepText); !ok || step < 1 || step > f.span() {
			return "", fmt.Sprintf("the step after / must be between 1 and %d, or it never comes round", f.span())
		}
	}
	if body == "*" || body == "?" && (f == &dayField || f == &weekdayField) {
		return "*" + stepSuffix(stepped, step), ""
	}
	lo, hi, problem := f.bounds(body)
	if problem != "" {
		return "", problem
	}
	if stepped && !strings.Contains(body, "-") {
		hi = f.min + f.span() // "5/10" means from 5 on
	}
	if f == &weekdayField { // written out, as a range to 7 goes round the week's end
		return weekdayList(lo, hi, step), ""
	}
	if lo == hi {
		return strconv.Itoa(lo), ""
	}
	return fmt.Sprintf("%d-%d%s", lo, hi, stepSuffix(stepped, step)), ""
}

// bounds reads "3" or "3-5" or "mon-fri".
func (f *field) bounds(body string) (lo, hi int, problem string) {
	from, to, isRange := strings.Cut(body, "-")
	lo, ok := f.value(from)
	if !ok {
		return 0, 0, f.mistaken()
	}
	if !isRange {
		return lo, lo, ""
	}
	if hi, ok = f.value(to); !ok {
		return 0, 0, f.mistaken()
	}
	if f == &weekdayField && hi == 0 && lo > 0 {
		hi = 7 // fri-sun
	}
	if lo > hi {
		return 0, 0, "a range must not run backwards; write it as two"
	}
	return lo, hi, ""
}

func (f *field) value(s string) (int, bool) {
	if i := slices.Index(f.names, s); i >= 0 {
		return f.first + i, true
	}
	n, ok := number(s)
	return n, ok && n >= f.min && n <= f.max
}

// span is the largest sensible step. The week has seven days under eight numbers.
func (f *field) span() int {
	if f == &weekdayField {
		return 6
	}
	return f.max - f.min
}

func (f *field) mistaken() string {
	switch f {
	case &dayField:
		return "takes * or numbers from 1 to 31, or L for the last day, such as 1,15 or 1-5 or */2"
	case &monthField:
		return "takes * or numbers from 1 to 12 or names from jan to dec, such as 1,7 or mar-may"
	case &weekdayField:
		return "takes * or numbers from 0 to 7 (0 and 7 are Sunday) or names from sun to sat, such as 1-5 or mon,thu"
	}
	return fmt.Sprintf("takes * or numbers from 0 to %d, such as 5 or 0,30 or 9-17 or */2", f.max)
}

// number reads one or two digits and nothing else: no sign, no other script.
func number(s string) (int, bool) {
	if len(s) < 1 || len(s) > 2 {
		return 0, false
	}
	n := 0
	for _, c := range []byte(s) {
		if c < '0' || c > '9' {
			return 0, false
		}
		n = n*10 + int(c-'0')
	}
	return n, true
}

func stepSuffix(stepped bool, step int) string {
	if !stepped {
		return ""
	}
	return "/" + strconv.Itoa(step)
}

func weekdayList(lo, hi, step int) string {
	var days []string
	for d := lo; d <= hi; d += step {
		days = append(days, strconv.Itoa(d%7))
	}
	return strings.Join(days, ",")
}
