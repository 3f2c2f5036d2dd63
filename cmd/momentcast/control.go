package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"momentcast/internal/app"
	"momentcast/internal/client"
)

// ClientFlags are what every client of the API takes.
type ClientFlags struct {
	Server string     `env:"MOMENTCAST_SERVER" default:"http://127.0.0.1:8080" placeholder:"URL" help:"Address of the service."`
	Token  app.Secret `env:"MOMENTCAST_TOKEN" placeholder:"TOKEN" help:"API token; also from the file that MOMENTCAST_TOKEN_FILE names."`
	JSON   bool       `name:"json" help:"Print what the API answers."`
}

// call makes one call and shows the answer: as it is, or as show writes it.
func (f *ClientFlags) call(ctx context.Context, out io.Writer, q client.Request, show func(io.Writer, *client.Answer) error) error {
	a, err := f.do(ctx, q)
	if err != nil {
		return err
	}
	if f.JSON {
		return printJSON(out, a.Body)
	}
	return show(out, a)
}

func (f *ClientFlags) do(ctx context.Context, q client.Request) (*client.Answer, error) {
	c, err := f.client()
	if err != nil {
		return nil, err
	}
	return c.Do(ctx, q)
}

func (f *ClientFlags) client() (*client.Client, error) {
	if f.Token.Reveal() == "" {
		return nil, errors.New("an API token is needed: --token, MOMENTCAST_TOKEN or MOMENTCAST_TOKEN_FILE")
	}
	return client.New(f.Server, f.Token.Reveal(), version)
}

func printJSON(out io.Writer, body json.RawMessage) error {
	if len(body) == 0 {
		return nil
	}
	var b bytes.Buffer
	if err := json.Indent(&b, bytes.TrimSpace(body), "", "  "); err != nil {
		return fmt.Errorf("the service's answer cannot be read: %w", err)
	}
	_, err := fmt.Fprintf(out, "%s\n", &b)
	return err
}

// show decodes an answer for a function that writes it for people.
func show[T any](write func(io.Writer, *T) error) func(io.Writer, *client.Answer) error {
	return func(out io.Writer, a *client.Answer) error {
		var v T
		if err := a.Decode(&v); err != nil {
			return err
		}
		return write(out, &v)
	}
}

// table writes rows in columns.
func table(out io.Writer, rows func(row func(cells ...any))) error {
	w := tabwriter.NewWriter(out, 0, 8, 2, ' ', 0)
	rows(func(cells ...any) {
		for i, c := range cells {
			if i > 0 {
				fmt.Fprint(w, "\t")
			}
			fmt.Fprint(w, c)
		}
		fmt.Fprintln(w)
	})
	return w.Flush()
}

// when is an instant for people at this machine.
func when(t *time.Time) string {
	if t == nil {
		return "-"
	}
	return t.Local().Format("2006-01-02 15:04:05 Mon")
}

// plainText keeps what others wrote from steering the terminal, and to one line.
func plainText(s string, limit int) string {
	s = strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f || (r >= 0x80 && r < 0xa0) {
			return ' '
		}
		return r
	}, s)
	if r := []rune(s); len(r) > limit {
		return string(r[:limit-1]) + "…"
	}
	return s
}

func text(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

// parseTime reads a time as people give it: RFC 3339 with offset, now, or from
// now on: +90m.
func parseTime(s string) (string, error) {
	if s == "now" {
		s = "+0s"
	}
	if after, ok := strings.CutPrefix(s, "+"); ok {
		d, err := time.ParseDuration(after)
		if err != nil {
			return "", errors.New("a time from now on is written +90m or +24h")
		}
		return time.Now().Add(d).Format(time.RFC3339), nil
	}
	if _, err := time.Parse(time.RFC3339, s); err != nil {
		return "", errors.New("a time is written in RFC 3339 with offset (2026-12-01T09:00:00+08:00), as now, or as +90m")
	}
	return s, nil
}

// PauseCmd pauses everything.
type PauseCmd struct {
	ClientFlags `embed:""`
	Reason      string `arg:"" help:"Why; everybody sees it."`
}

// Run implements the command.
func (c *PauseCmd) Run(ctx context.Context, out io.Writer) error {
	q := client.Request{Method: http.MethodPost, Path: "/pause", Body: map[string]string{"reason": c.Reason}}
	return c.call(ctx, out, q, show(showPaused))
}

// ResumeCmd ends the pause.
type ResumeCmd struct {
	ClientFlags `embed:""`
	Overdue     string `enum:",send,miss" default:"" help:"What becomes of posts whose time has come meanwhile: send all, miss all; otherwise each one's own lateness limit decides."`
}

// Run implements the command.
func (c *ResumeCmd) Run(ctx context.Context, out io.Writer) error {
	body := map[string]string{}
	if c.Overdue != "" {
		body["overdue"] = c.Overdue
	}
	return c.call(ctx, out, client.Request{Method: http.MethodPost, Path: "/resume", Body: body}, show(showPaused))
}

func showPaused(out io.Writer, p *client.Paused) error {
	if !p.Paused {
		_, err := fmt.Fprintln(out, "Posts are sent.")
		return err
	}
	_, err := fmt.Fprintf(out, "Everything is paused since %s by %s: %s\n", when(p.Since), plainText(text(p.By), 100), plainText(text(p.Reason), 500))
	return err
}

// StatusCmd shows the whole picture.
type StatusCmd struct {
	ClientFlags `embed:""`
}

// Run implements the command.
func (c *StatusCmd) Run(ctx context.Context, out io.Writer) error {
	return c.call(ctx, out, client.Request{Method: http.MethodGet, Path: "/status"}, show(showStatus))
}

func showStatus(out io.Writer, s *client.Status) error {
	if err := showPaused(out, &s.Paused); err != nil {
		return err
	}
	return table(out, func(row func(...any)) {
		gateway := "last seen " + when(s.Gateway.ObservedAt)
		if s.Gateway.DownSince != nil {
			gateway = "down since " + when(s.Gateway.DownSince) + ": " + plainText(text(s.Gateway.Error), 200)
		}
		row("gateway", gateway)
		for _, r := range s.Replicas {
			row("replica", fmt.Sprintf("%s %s, heard of %s ago, %d in flight", r.Name, r.Version,
				(time.Duration(r.HeartbeatAgeMS)*time.Millisecond).Round(100*time.Millisecond), r.InFlight))
		}
		row("instances", counts(s.Instances))
		row("posts", counts(s.Posts))
		row("overdue", s.Overdue)
		if len(s.DueHeld) > 0 {
			row("held", counts(s.DueHeld))
		}
		row("next due", when(s.NextDue))
	})
}

func counts(m map[string]int64) string {
	var parts []string
	for _, k := range slices.Sorted(maps.Keys(m)) {
		parts = append(parts, fmt.Sprintf("%d %s", m[k], k))
	}
	return strings.Join(parts, ", ")
}
