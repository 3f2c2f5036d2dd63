package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"path/filepath"
	"strconv"
	"strings"

	"momentcast/internal/client"
)

// HolidayCmd works with the public holidays that schedules keep to.
type HolidayCmd struct {
	ClientFlags `embed:""`

	List    holidayListCmd    `cmd:"" help:"List a region's days that are not what their weekday says."`
	Regions holidayRegionsCmd `cmd:"" help:"List the regions that have holidays."`
	Set     holidaySetCmd     `cmd:"" help:"Say what days are: off, work, or ordinary again."`
	Publish holidayPublishCmd `cmd:"" help:"Say that a year's holidays are all there, or with --undo that they are not."`
	Import  holidayImportCmd  `cmd:"" help:"Take in a CSV or iCal file; with --dry-run only say what it would change."`
}

// RegionFlag names a region.
type RegionFlag struct {
	Region string `short:"r" default:"cn" help:"In small letters, such as cn or de-by."`
}

type holidayListCmd struct {
	RegionFlag
	Year   int    `short:"y" help:"Only this year's."`
	Limit  int    `short:"n" default:"200"`
	Cursor string `help:"Go on where the last page ended."`
}

// Run implements the command.
func (c *holidayListCmd) Run(ctx context.Context, out io.Writer, p *HolidayCmd) error {
	q := url.Values{"region": {c.Region}, "limit": {strconv.Itoa(c.Limit)}}
	if c.Year != 0 {
		q.Set("year", strconv.Itoa(c.Year))
	}
	if c.Cursor != "" {
		q.Set("cursor", c.Cursor)
	}
	return p.call(ctx, out, client.Request{Method: http.MethodGet, Path: "/holidays", Query: q}, show(func(out io.Writer, l *client.Holidays) error {
		err := table(out, func(row func(...any)) {
			for _, d := range l.Items {
				row(d.Date, d.Kind, plainText(d.Name, 100))
			}
		})
		if err == nil && l.NextCursor != nil {
			_, err = fmt.Fprintf(out, "more: --cursor=%s\n", *l.NextCursor)
		}
		if err == nil {
			_, err = fmt.Fprintf(out, "%s: the holidays of these years are known: %s\n", plainText(l.Region, 20), years(l.Published))
		}
		return err
	}))
}

// years writes "2025, 2026".
func years(list []int) string {
	if len(list) == 0 {
		return "none"
	}
	text := make([]string, len(list))
	for i, y := range list {
		text[i] = strconv.Itoa(y)
	}
	return strings.Join(text, ", ")
}

type holidayRegionsCmd struct{}

// Run implements the command.
func (c *holidayRegionsCmd) Run(ctx context.Context, out io.Writer, p *HolidayCmd) error {
	return p.call(ctx, out, client.Request{Method: http.MethodGet, Path: "/holidays/regions"}, show(func(out io.Writer, l *client.Page[string]) error {
		for _, r := range l.Items {
			if _, err := fmt.Fprintln(out, plainText(r, 20)); err != nil {
				return err
			}
		}
		return nil
	}))
}

type holidaySetCmd struct {
	RegionFlag
	Kind string   `arg:"" enum:"off,work,ordinary" help:"off = holiday; work = a weekend day that is worked; ordinary = as its weekday says."`
	Days []string `arg:"" name:"date" help:"YYYY-MM-DD."`
	Name string   `help:"Of the holiday, as the pages show it. Required but for ordinary days."`
}

// Run implements the command.
func (c *holidaySetCmd) Run(ctx context.Context, out io.Writer, p *HolidayCmd) error {
	body := map[string]any{"region": c.Region}
	if c.Kind == "ordinary" {
		body["remove"] = c.Days
	} else {
		days := make([]map[string]any, len(c.Days))
		for i, d := range c.Days {
			days[i] = map[string]any{"date": d, "name": c.Name, "kind": c.Kind}
		}
		body["days"] = days
	}
	return p.call(ctx, out, client.Request{Method: http.MethodPost, Path: "/holidays", Body: body}, show(showHolidayEffect))
}

type holidayPublishCmd struct {
	RegionFlag
	Years []int `arg:"" name:"year"`
	Undo  bool  `help:"They are not known (any more): nothing is guessed of them."`
}

// Run implements the command.
func (c *holidayPublishCmd) Run(ctx context.Context, out io.Writer, p *HolidayCmd) error {
	what := "publish"
	if c.Undo {
		what = "unpublish"
	}
	body := map[string]any{"region": c.Region, what: c.Years}
	return p.call(ctx, out, client.Request{Method: http.MethodPost, Path: "/holidays", Body: body}, show(showHolidayEffect))
}

type holidayImportCmd struct {
	RegionFlag
	File   string `arg:"" help:"CSV with the first line date, name, kind, or iCal; - is standard input."`
	Format string `enum:",csv,ical" default:"" help:"csv or ical. Default: as the file's name ends."`
	Whole  bool   `help:"The years in which the file states a day off become exactly what it says."`
	DryRun bool   `help:"Store nothing; say what would change."`
}

// Run implements the command.
func (c *holidayImportCmd) Run(ctx context.Context, out io.Writer, p *HolidayCmd) error {
	format := cmp.Or(c.Format, map[string]string{".csv": "csv", ".ics": "ical", ".ical": "ical"}[strings.ToLower(filepath.Ext(c.File))])
	if format == "" {
		return errors.New("say --format csv or --format ical: the file's name does not")
	}
	data, err := readFile(c.File)
	if err != nil {
		return err
	}
	body := map[string]any{"region": c.Region, "format": format, "content": string(data), "whole": c.Whole, "dry_run": c.DryRun}
	return p.call(ctx, out, client.Request{Method: http.MethodPost, Path: "/holidays/import", Body: body}, show(showHolidayEffect))
}

func showHolidayEffect(out io.Writer, e *client.HolidayEffect) error {
	did := "changed"
	if !e.Stored {
		did = "would change"
	}
	if _, err := fmt.Fprintf(out, "%s %s: %d days new, %d different, %d ordinary again\n", plainText(e.Region, 20), did, e.Added, e.Altered, e.Removed); err != nil {
		return err
	}
	err := table(out, func(row func(...any)) {
		for _, d := range e.Days {
			row(d.Date, dayText(d.Was), "->", dayText(d.Is))
		}
		if len(e.Published) > 0 {
			row("known", years(e.Published))
		}
		if len(e.Unpublished) > 0 {
			row("not known", years(e.Unpublished))
		}
	})
	for _, w := range e.Warnings {
		if err == nil {
			_, err = fmt.Fprintf(out, "note: %s\n", plainText(w, 300))
		}
	}
	return err
}

func dayText(d *client.Holiday) string {
	if d == nil {
		return "ordinary"
	}
	return d.Kind + " " + plainText(d.Name, 100)
}
