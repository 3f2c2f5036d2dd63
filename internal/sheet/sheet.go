// Package sheet writes posts as files for spreadsheets, CSV and XLSX, row by
// row: what it holds in memory does not grow with the file. XLSX is written
// here and not with a library, because those keep the sheet somewhere until it
// is whole, and the first byte would come with the last row.
package sheet

import (
	"context"
	"io"
	"slices"
	"time"

	"momentcast/internal/moment"
)

// Format is a kind of file.
type Format string

// The formats.
const (
	CSV  Format = "csv"
	XLSX Format = "xlsx"
)

// Type is the media type of the format.
func (f Format) Type() string {
	if f == XLSX {
		return "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
	}
	return "text/csv; charset=utf-8"
}

// Texts gives the word for a key: "csv.title" for the head of a column,
// "state.sent" and "visibility.everyone" for values.
type Texts func(key string) string

// Column is one column of a file.
type Column struct {
	Name  string
	width int // in characters
	cell  func(p *moment.PostView, t Texts) any
}

// Columns are all that there are. A cell is a string, an int64, a float64, a
// time.Time in the zone it is shown in, or nil.
var Columns = []Column{
	{"id", 10, func(p *moment.PostView, _ Texts) any { return p.ID }},
	{"instance", 20, func(p *moment.PostView, _ Texts) any { return p.InstanceName }},
	{"wc_id", 20, func(p *moment.PostView, _ Texts) any { return p.WcID }},
	{"state", 10, func(p *moment.PostView, t Texts) any { return t("state." + string(p.State.Shown())) }},
	{"due_at", 19, func(p *moment.PostView, _ Texts) any { return at(p, p.DueAt) }},
	{"sent_at", 19, func(p *moment.PostView, _ Texts) any {
		if p.State != moment.Sent {
			return nil
		}
		return at(p, p.IntentAt)
	}},
	{"lateness_s", 11, func(p *moment.PostView, _ Texts) any {
		if p.State != moment.Sent {
			return nil
		}
		return float64(p.Lateness().Milliseconds()) / 1000
	}},
	{"time_zone", 15, func(p *moment.PostView, _ Texts) any { return p.TimeZone }},
	{"title", 36, func(p *moment.PostView, _ Texts) any { return p.Card.Title }},
	{"content", 60, func(p *moment.PostView, _ Texts) any { return p.Card.Content }},
	{"description", 36, func(p *moment.PostView, _ Texts) any { return p.Card.Description }},
	{"url", 36, func(p *moment.PostView, _ Texts) any { return p.Card.URL }},
	{"thumb_url", 24, func(p *moment.PostView, _ Texts) any { return p.Card.ThumbURL }},
	{"visibility", 12, func(p *moment.PostView, t Texts) any { return t("visibility." + string(p.Visibility.Mode)) }},
	{"moment_id", 24, func(p *moment.PostView, _ Texts) any { return p.MomentID }}, // twenty digits: no number of a spreadsheet has them
	{"error", 36, func(p *moment.PostView, _ Texts) any { return p.Error }},
	{"author", 14, func(p *moment.PostView, _ Texts) any { return p.Author }},
	{"source", 10, func(p *moment.PostView, _ Texts) any { return p.Source }},
	{"external_key", 20, func(p *moment.PostView, _ Texts) any { return p.ExternalKey }},
	{"recalled", 19, func(p *moment.PostView, _ Texts) any { return at(p, p.RecalledAt) }},
}

// Pick returns the named columns in the order of Columns; all for no names.
// Names that are none are left out.
func Pick(names []string) []Column {
	if len(names) == 0 {
		return Columns
	}
	picked := slices.DeleteFunc(slices.Clone(Columns), func(c Column) bool { return !slices.Contains(names, c.Name) })
	if len(picked) == 0 {
		return Columns
	}
	return picked
}

// at is the time as people at the instance read it.
func at(p *moment.PostView, t time.Time) any {
	if t.IsZero() {
		return nil
	}
	zone, err := time.LoadLocation(p.TimeZone)
	if err != nil {
		zone = time.UTC
	}
	return t.In(zone)
}

// rows takes the rows of a file.
type rows interface {
	row(cells []any) error
	flush() error
	close() error
}

// Next returns the next posts; none at the end.
type Next func(ctx context.Context) ([]moment.PostView, error)

// Write writes all that next returns. It calls told after every batch that has
// been handed to w, with the number of rows so far.
func Write(ctx context.Context, w io.Writer, f Format, cols []Column, t Texts, next Next, told func(n int) error) error {
	out, err := open(w, f, cols, t)
	if err != nil {
		return err
	}
	cells := make([]any, len(cols))
	for n := 0; ; {
		posts, err := next(ctx)
		if err != nil {
			return err
		}
		if len(posts) == 0 {
			return out.close()
		}
		for i := range posts {
			for c := range cols {
				cells[c] = cols[c].cell(&posts[i], t)
			}
			if err := out.row(cells); err != nil {
				return err
			}
		}
		if err := out.flush(); err != nil {
			return err
		}
		n += len(posts)
		if err := told(n); err != nil {
			return err
		}
	}
}

func open(w io.Writer, f Format, cols []Column, t Texts) (rows, error) {
	if f == XLSX {
		return openXLSX(w, cols, t)
	}
	return openCSV(w, cols, t)
}
