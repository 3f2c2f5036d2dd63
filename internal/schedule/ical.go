package schedule

import (
	"bytes"
	"cmp"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"momentcast/internal/moment"
)

// Limits of an iCal file, so that none can fill memory or a table.
const (
	maxEvents    = 10_000
	maxEventDays = 62
	maxWarnings  = 100
)

// Import is what an iCal file gave.
type Import struct {
	Rows     []Row    // by date, each day once
	Warnings []string // what was left out or joined, in English, at most a hundred
	Skipped  int      // events that gave no row
}

// ReadICal reads the whole-day events of an iCalendar file (RFC 5545) as days
// off, the form in which countries' holidays are published. An event whose
// summary says 补班, 调休上班 or (班) is a working day. Events with a time of day
// and cancelled ones are skipped, repetitions are not expanded and days that two
// events share are joined, each with a warning. The error is a moment.Error when
// it is no iCal file or a limit is passed.
func ReadICal(r io.Reader) (Import, error) {
	data, err := readAll(r)
	if err != nil {
		return Import{}, err
	}
	p := icalReader{byDate: map[Date]Row{}}
	for line := range unfold(data) {
		if err := p.line(line); err != nil {
			return Import{}, err
		}
	}
	if !p.seen {
		return Import{}, moment.Errorf(moment.Invalid, "The file is not an iCal calendar: it has no BEGIN:VCALENDAR.")
	}
	for _, row := range p.byDate {
		p.out.Rows = append(p.out.Rows, row)
	}
	slices.SortFunc(p.out.Rows, func(a, b Row) int { return cmp.Compare(a.Date, b.Date) })
	return p.out, nil
}

// unfold yields the logical lines: one that begins with a space or tab continues
// the one before it.
func unfold(data []byte) func(yield func(string) bool) {
	data = bytes.TrimPrefix(data, []byte("\ufeff"))
	return func(yield func(string) bool) {
		var cur []byte
		for raw := range bytes.Lines(data) {
			raw = bytes.TrimRight(raw, "\r\n")
			if len(raw) > 0 && (raw[0] == ' ' || raw[0] == '\t') {
				cur = append(cur, raw[1:]...)
				continue
			}
			if len(cur) > 0 && !yield(string(cur)) {
				return
			}
			cur = append(cur[:0], raw...)
		}
		if len(cur) > 0 {
			yield(string(cur))
		}
	}
}

// icalReader collects events line by line.
type icalReader struct {
	out    Import
	byDate map[Date]Row
	seen   bool // a VCALENDAR
	events int
	event  *icalEvent
	inner  int // depth of components inside the event, alarms for one
}

type icalEvent struct {
	summary                    string
	start, end                 Date
	days                       int // from DURATION
	timed, cancelled, repeated bool
}

func (p *icalReader) line(line string) error {
	head, value, ok := cutProperty(line)
	if !ok {
		return nil
	}
	name, params, _ := strings.Cut(strings.ToUpper(head), ";")
	switch component := strings.ToUpper(strings.TrimSpace(value)); {
	case name == "BEGIN" && component == "VCALENDAR":
		p.seen = true
	case name == "BEGIN" && p.event != nil:
		p.inner++
	case name == "BEGIN" && component == "VEVENT":
		if p.events++; p.events > maxEvents {
			return moment.Errorf(moment.Invalid, "The calendar has more than %d events.", maxEvents)
		}
		p.event = &icalEvent{}
	case name == "END" && p.inner > 0:
		p.inner--
	case name == "END" && component == "VEVENT" && p.event != nil:
		e := p.event
		p.event = nil
		return p.add(e)
	case p.event != nil && p.inner == 0:
		p.event.property(name, params, value)
	}
	return nil
}

// cutProperty splits a line at its first colon that no quotes enclose: a
// parameter may hold an address.
func cutProperty(line string) (head, value string, ok bool) {
	quoted := false
	for i, c := range []byte(line) {
		switch {
		case c == '"':
			quoted = !quoted
		case c == ':' && !quoted:
			return line[:i], line[i+1:], true
		}
	}
	return "", "", false
}

func (e *icalEvent) property(name, params, value string) {
	value = strings.TrimSpace(value)
	switch name {
	case "SUMMARY":
		e.summary = unescape.Replace(value)
	case "DTSTART":
		var whole bool
		e.start, whole = icalDate(value)
		e.timed = !whole || strings.Contains(params, "VALUE=DATE-TIME")
	case "DTEND":
		e.end, _ = icalDate(value)
	case "DURATION":
		e.days = icalDays(value)
	case "STATUS":
		e.cancelled = strings.EqualFold(value, "CANCELLED")
	case "RRULE", "RDATE":
		e.repeated = true
	}
}

var unescape = strings.NewReplacer(`\n`, " ", `\N`, " ", `\,`, ",", `\;`, ";", `\\`, `\`)

// icalDate reads 20261001; whole is false where a time follows.
func icalDate(s string) (d Date, whole bool) {
	if len(s) < 8 {
		return 0, false
	}
	t, err := time.Parse("20060102", s[:8])
	if err != nil || t.Year() < minYear || t.Year() > maxYear {
		return 0, false
	}
	return NewDate(t.Date()), len(s) == 8
}

// icalDays reads P3D or P1W; anything else is one day.
func icalDays(s string) int {
	if len(s) < 3 || s[0] != 'P' {
		return 1
	}
	n, err := strconv.Atoi(s[1 : len(s)-1])
	switch {
	case err != nil || n < 1 || n > maxEventDays:
		return 1
	case s[len(s)-1] == 'W':
		return n * 7
	}
	return n
}

// add turns an event into rows.
func (p *icalReader) add(e *icalEvent) error {
	name := cleanName(e.summary)
	switch {
	case e.timed || e.start == 0:
		p.skip("%q is not an event of whole days between %d and %d", name, minYear, maxYear)
		return nil
	case e.cancelled:
		p.skip("%q on %s is cancelled", name, e.start)
		return nil
	case e.repeated:
		p.warn("%q on %s repeats; only its first day was taken", name, e.start)
	}
	last := e.start + Date(max(e.days, 1)) - 1
	if e.end > e.start {
		last = e.end - 1 // DTEND is the day after
	}
	if last-e.start >= maxEventDays || last > lastDate {
		p.skip("%q on %s is longer than %d days", name, e.start, maxEventDays)
		return nil
	}
	kind := Off
	if isMakeUp(name) {
		kind = Work
	}
	for d := e.start; d <= last; d++ {
		if err := p.put(Row{Date: d, Name: name, Kind: kind}); err != nil {
			return err
		}
	}
	return nil
}

func isMakeUp(name string) bool {
	for _, mark := range []string{"补班", "上班", "(班)", "（班）"} {
		if strings.Contains(name, mark) {
			return true
		}
	}
	return false
}

// put keeps one row a day. The first event wins; a second name is added to it.
func (p *icalReader) put(row Row) error {
	old, double := p.byDate[row.Date]
	switch {
	case !double && len(p.byDate) >= MaxRows:
		return moment.Errorf(moment.Invalid, "The calendar has more than %d days.", MaxRows)
	case double && old.Kind != row.Kind:
		p.warn("%s is both a day off and a working day; it is kept as %s", row.Date, old.Kind)
		return nil
	case double && old.Name != row.Name:
		p.warn("%s has two events, which were joined", row.Date)
		row.Name = cleanName(old.Name + " / " + row.Name)
	}
	p.byDate[row.Date] = row
	return nil
}

func (p *icalReader) skip(format string, args ...any) {
	p.out.Skipped++
	p.warn(format, args...)
}

func (p *icalReader) warn(format string, args ...any) {
	if len(p.out.Warnings) < maxWarnings {
		p.out.Warnings = append(p.out.Warnings, fmt.Sprintf(format, args...))
	}
}
