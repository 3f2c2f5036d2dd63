package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"time"

	"momentcast/internal/client"
)

// postCheckCmd takes what add takes, for any number of instances.
type postCheckCmd struct {
	postAddCmd `embed:""`

	Also    []int64 `placeholder:"ID,…" help:"More instances, by their ids."`
	Stagger string  `placeholder:"2m" help:"Time from one instance to the next."`
}

// checked is what the API answers to a check.
type checked struct {
	OK       bool
	Findings []struct{ Severity, Field, EN string }

	Departures []struct {
		WcID     string     `json:"wc_id"`
		DueAt    *time.Time `json:"due_at"`
		LeavesAt *time.Time `json:"leaves_at"`
		Why      string
		Missed   bool
		Clashes  []struct {
			Kind   string
			PostID int64 `json:"post_id"`
			At     *time.Time
			Count  int
			Limit  int
		}
	}
}

// Run implements the command. Like add it fails where the post would be
// refused, so that a script can ask before it adds.
func (c *postCheckCmd) Run(ctx context.Context, out io.Writer, p *PostCmd) error {
	q := client.Request{Method: http.MethodPost, Path: "/posts/check"}
	if c.File != "" {
		body, batch, err := readPosts(c.File)
		if err != nil {
			return err
		}
		if batch {
			return fmt.Errorf("%s: check takes one post", c.File)
		}
		q.Body = body
		return p.call(ctx, out, q, showChecked)
	}
	body, err := c.body()
	if err != nil {
		return err
	}
	if len(c.Also) > 0 {
		body["instance_ids"] = c.Also
	}
	if c.Stagger != "" {
		body["stagger"] = c.Stagger
	}
	q.Body = body
	return p.call(ctx, out, q, showChecked)
}

var showChecked = show(func(out io.Writer, v *checked) error {
	refused := 0
	for _, f := range v.Findings {
		fmt.Fprintf(out, "%-5s %s: %s\n", f.Severity, f.Field, f.EN)
		if f.Severity == "error" {
			refused++
		}
	}
	for _, d := range v.Departures {
		line := fmt.Sprintf("%s: due %s, ", d.WcID, when(d.DueAt))
		switch {
		case d.Missed:
			line += "would be missed"
		case d.LeavesAt == nil:
			line += "nobody can say when it leaves"
		default:
			line += "leaves " + when(d.LeavesAt)
		}
		if d.Why != "" {
			line += " (" + d.Why + ")"
		}
		fmt.Fprintln(out, line)
		for _, x := range d.Clashes {
			switch x.Kind {
			case "daily_cap":
				fmt.Fprintf(out, "      %d posts on that day, the cap is %d\n", x.Count, x.Limit)
			case "duplicate":
				fmt.Fprintf(out, "      the same link as post %d of %s\n", x.PostID, when(x.At))
			default:
				fmt.Fprintf(out, "      nearer than the gap to post %d, due %s\n", x.PostID, when(x.At))
			}
		}
	}
	if refused > 0 {
		return fmt.Errorf("%d findings would have it refused", refused)
	}
	return nil
})
