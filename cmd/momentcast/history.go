package main

import (
	"context"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
	"time"

	"momentcast/internal/client"
)

// HistoryCmd looks back.
type HistoryCmd struct {
	ClientFlags `embed:""`

	List   historyListCmd   `cmd:"" help:"List posts, latest first."`
	Export historyExportCmd `cmd:"" help:"Write posts to a file for spreadsheets: CSV or XLSX."`
	Days   historyDaysCmd   `cmd:"" help:"Count each day's posts by state, and how late they were."`
}

type historyListCmd struct {
	postListCmd `embed:""`
}

// Run implements the command.
func (c *historyListCmd) Run(ctx context.Context, out io.Writer, h *HistoryCmd) error {
	return c.list(ctx, out, &h.ClientFlags)
}

type historyExportCmd struct {
	postFilterFlags `embed:""`

	Format  string   `enum:",csv,xlsx" default:"" help:"csv or xlsx. Default: as the file is called, otherwise csv."`
	Columns []string `placeholder:"NAME,…" help:"Which columns, such as id,state,due_at,title. Default: all."`
	File    string   `short:"o" name:"output" placeholder:"FILE" help:"File to write; it must not exist. Default: standard output."`
}

// Run implements the command.
func (c *historyExportCmd) Run(ctx context.Context, out io.Writer, h *HistoryCmd) error {
	v, err := c.query(ctx, &h.ClientFlags)
	if err != nil {
		return err
	}
	format := c.Format
	if format == "" && strings.HasSuffix(strings.ToLower(c.File), ".xlsx") {
		format = "xlsx"
	}
	if format != "" {
		v.Set("format", format)
	}
	if len(c.Columns) > 0 {
		v.Set("columns", strings.Join(c.Columns, ","))
	}
	api, err := h.client()
	if err != nil {
		return err
	}
	q := client.Request{Method: http.MethodGet, Path: "/history/export", Query: v}
	if c.File == "" {
		return api.Download(ctx, q, out)
	}
	return writeNew(c.File, func(w io.Writer) error { return api.Download(ctx, q, w) })
}

// writeNew makes a file. One that did not become whole does not stay.
func writeNew(name string, write func(io.Writer) error) error {
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	err = write(f)
	if closed := f.Close(); err == nil {
		err = closed
	}
	if err != nil {
		_ = os.Remove(name) // the error before this one counts
	}
	return err
}

type historyDaysCmd struct {
	From     string `placeholder:"DAY" help:"First day, such as 2026-12-01. Default: a week."`
	To       string `placeholder:"DAY" help:"Last day. Default: today."`
	Instance string `short:"i" placeholder:"ID" help:"Instance: its id or its wcId."`
}

// Run implements the command.
func (c *historyDaysCmd) Run(ctx context.Context, out io.Writer, h *HistoryCmd) error {
	v := url.Values{}
	for name, day := range map[string]string{"from": c.From, "to": c.To} {
		if day != "" {
			v.Set(name, day)
		}
	}
	if c.Instance != "" {
		id, err := h.instanceID(ctx, c.Instance)
		if err != nil {
			return err
		}
		v.Set("instance_id", id)
	}
	return h.call(ctx, out, client.Request{Method: http.MethodGet, Path: "/stats/daily", Query: v}, show(showDays))
}

func showDays(out io.Writer, days *client.Days) error {
	return table(out, func(row func(...any)) {
		row("DAY", "POSTS", "LATE P50", "LATE P99")
		for _, d := range days.Items {
			var posts []string
			for _, state := range slices.Sorted(maps.Keys(d.Posts)) {
				posts = append(posts, fmt.Sprintf("%d %s", d.Posts[state], state))
			}
			p50, p99 := "-", "-"
			if d.Measured > 0 {
				p50, p99 = (time.Duration(d.P50) * time.Millisecond).String(), (time.Duration(d.P99) * time.Millisecond).String()
			}
			row(d.Day, plainText(strings.Join(posts, ", "), 200), p50, p99)
		}
	})
}
