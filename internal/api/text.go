package api

import (
	"fmt"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"momentcast/internal/moment"
)

// fields collects what is wrong with a request.
type fields []moment.Field

func (fs *fields) add(path, message string) {
	*fs = append(*fs, moment.Field{Path: path, Message: message})
}

// text checks a text that is stored or searched for as it is.
func (fs *fields) text(path, s string, required bool, limit int) {
	if m := moment.CheckText(s, required, limit); m != "" {
		fs.add(path, m)
	}
}

// time reads a time with offset; "" is the zero time. In a query an unescaped +
// arrives as a space.
func (fs *fields) time(path, s string) time.Time {
	if s == "" {
		return time.Time{}
	}
	t, err := time.Parse(time.RFC3339, strings.Replace(s, " ", "+", 1))
	if err != nil || t.Year() < 1970 || t.Year() > 9999 {
		fs.add(path, needTime)
		return time.Time{}
	}
	return t
}

// duration reads a duration as Go writes them.
func (fs *fields) duration(path, s string) time.Duration {
	d, err := time.ParseDuration(s)
	if err != nil {
		fs.add(path, "must be a duration such as 90s, 15m or 72h")
	}
	return d
}

// under makes them errors of the part of the request that is at prefix.
func (fs fields) under(prefix *huma.PathBuffer) []error {
	errs := make([]error, len(fs))
	for i, f := range fs {
		errs[i] = &huma.ErrorDetail{Location: prefix.String() + "." + f.Path, Message: f.Message}
	}
	return errs
}

func (fs *fields) err() error { return moment.InvalidFields(*fs) }

// at is t as the API writes it: in UTC, null for the zero time.
func at(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	t = t.UTC()
	return &t
}

// brief writes a duration without the zero parts that Go appends: 72h, not 72h0m0s.
func brief(d time.Duration) string {
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}

// sprintTime puts an instant into a sentence, by the clock of the zone.
func sprintTime(form string, t time.Time, zone string) string {
	return fmt.Sprintf(form, t.In(zoneOf(zone)).Format(time.RFC3339))
}

// zoneOf is the zone of that name; UTC if there is none.
func zoneOf(name string) *time.Location {
	if zone, err := time.LoadLocation(name); err == nil {
		return zone
	}
	return time.UTC
}

// list is s, never null.
func list[T any](s []T) []T {
	if s == nil {
		return []T{}
	}
	return s
}

// orNil is nil for the zero value.
func orNil[T comparable](v T) *T {
	var zero T
	if v == zero {
		return nil
	}
	return &v
}
