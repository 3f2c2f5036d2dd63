package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"

	"momentcast/internal/client"
)

// CampaignCmd works with campaigns.
type CampaignCmd struct {
	ClientFlags `embed:""`

	Add         campaignAddCmd         `cmd:"" help:"Store a campaign as a draft, from a JSON file in the API's form."`
	List        campaignListCmd        `cmd:"" help:"List campaigns, newest first."`
	Show        campaignShowCmd        `cmd:"" help:"Show a campaign."`
	Edit        campaignEditCmd        `cmd:"" help:"Change a campaign, or say what that would do."`
	Activate    campaignActivateCmd    `cmd:"" help:"Plan a draft."`
	Approve     campaignApproveCmd     `cmd:"" help:"Release a campaign as it is now."`
	Reject      campaignRejectCmd      `cmd:"" help:"Give a campaign back."`
	Pause       campaignPauseCmd       `cmd:"" help:"Let nothing of it leave until it is resumed."`
	Resume      campaignResumeCmd      `cmd:"" help:"End its pause."`
	Stop        campaignStopCmd        `cmd:"" help:"Cancel what has not left, for good."`
	Clone       campaignCloneCmd       `cmd:"" help:"Store a copy as a draft."`
	Preview     campaignPreviewCmd     `cmd:"" help:"Say when a schedule fires."`
	DryRun      campaignDryRunCmd      `cmd:"" help:"Simulate what is planned, under the real gates."`
	Occurrences campaignOccurrencesCmd `cmd:"" help:"List a campaign's occurrences."`
	Skip        campaignSkipCmd        `cmd:"" help:"Skip one occurrence, or undo that."`
	Move        campaignMoveCmd        `cmd:"" help:"Move one occurrence."`

	EditOccurrence campaignEditOccurrenceCmd `cmd:"" help:"Give one occurrence a card of its own, or let it follow the campaign again."`
}

func campaignPath(id int64, more ...string) string {
	return "/campaigns/" + strconv.FormatInt(id, 10) + strings.Join(more, "")
}

type campaignAddCmd struct {
	visibilityFlags `embed:""`
	File            string `short:"f" required:"" placeholder:"FILE" help:"JSON in the API's form; - is standard input."`
	Audience        int64  `placeholder:"ID" help:"Who may see it: an audience, which the campaign follows."`
	IdempotencyKey  string `placeholder:"KEY" help:"The same key again answers the campaign that was made first. Default: a new one."`
}

// Run implements the command.
func (c *campaignAddCmd) Run(ctx context.Context, out io.Writer, p *CampaignCmd) error {
	body, err := readObject(c.File)
	if err != nil {
		return err
	}
	if err := c.setAudience(body, c.Audience); err != nil {
		return err
	}
	q := client.Request{Method: http.MethodPost, Path: "/campaigns", Body: body, Key: cmp.Or(c.IdempotencyKey, newKey())}
	return p.call(ctx, out, q, show(showCampaign))
}

// setAudience puts who may see it into a campaign's body, where flags say so.
func (f *visibilityFlags) setAudience(body map[string]any, audience int64) error {
	v, err := f.visibility()
	switch {
	case err != nil:
		return err
	case v != nil && audience != 0:
		return errors.New("say --audience, or who may see it, not both")
	case audience != 0:
		delete(body, "visibility")
		body["audience_id"] = audience
	case v != nil:
		delete(body, "audience_id")
		body["visibility"] = v
	}
	return nil
}

// readObject reads a JSON object.
func readObject(name string) (body map[string]any, err error) {
	in := os.Stdin
	if name != "-" {
		if in, err = os.Open(name); err != nil {
			return nil, err
		}
		defer func() { _ = in.Close() }()
	}
	d := json.NewDecoder(in)
	d.UseNumber()
	if err := d.Decode(&body); err != nil {
		return nil, fmt.Errorf("%s is not a JSON object: %w", name, err)
	}
	return body, nil
}

type campaignListCmd struct {
	State  string `short:"s" help:"draft, pending, active, paused, stopped or ended."`
	Text   string `short:"q" help:"Part of the name."`
	Limit  int    `short:"n" default:"50"`
	Cursor string `help:"Go on where the last page ended."`
}

// Run implements the command.
func (c *campaignListCmd) Run(ctx context.Context, out io.Writer, p *CampaignCmd) error {
	q := url.Values{"limit": {strconv.Itoa(c.Limit)}}
	for name, value := range map[string]string{"state": c.State, "q": c.Text, "cursor": c.Cursor} {
		if value != "" {
			q.Set(name, value)
		}
	}
	return p.call(ctx, out, client.Request{Method: http.MethodGet, Path: "/campaigns", Query: q}, show(func(out io.Writer, page *client.Page[client.Campaign]) error {
		err := table(out, func(row func(...any)) {
			row("ID", "STATE", "NEXT RUN", "POSTS", "NAME")
			for _, v := range page.Items {
				row(v.ID, v.State, when(v.NextFireAt), tally(v.Posts), plainText(v.Name, 60))
			}
		})
		if err == nil && page.NextCursor != nil {
			_, err = fmt.Fprintf(out, "more: --cursor=%s\n", *page.NextCursor)
		}
		return err
	}))
}

// tally writes "3 sent, 20 scheduled".
func tally[N int | int64](n map[string]N) string {
	var parts []string
	for _, k := range slices.Sorted(maps.Keys(n)) {
		parts = append(parts, fmt.Sprintf("%d %s", n[k], k))
	}
	if len(parts) == 0 {
		return "-"
	}
	return strings.Join(parts, ", ")
}

func showCampaign(out io.Writer, c *client.Campaign) error {
	_, err := fmt.Fprintf(out, "campaign %d  %s  %s\nschedule  %s\nnext run  %s\nposts     %s\n",
		c.ID, c.State, plainText(c.Name, 100), plainText(c.Schedule, 500), when(c.NextFireAt), tally(c.Posts))
	if err == nil && c.AudienceID != nil {
		_, err = fmt.Fprintf(out, "audience  %d\n", *c.AudienceID)
	}
	if a := c.Approval; err == nil && a.Needed && a.Until != nil {
		word := "until"
		if a.Expired {
			word = "ended"
		}
		_, err = fmt.Fprintf(out, "approval  %s %s\n", word, when(a.Until))
	}
	if err == nil && c.Reason != nil {
		_, err = fmt.Fprintf(out, "reason    %s\n", plainText(*c.Reason, 500))
	}
	if err == nil && c.Problems > 0 {
		_, err = fmt.Fprintf(out, "problems  %d occurrences have posts that could not be made; see momentcast campaign occurrences %d\n", c.Problems, c.ID)
	}
	return err
}

// CampaignArg names a campaign.
type CampaignArg struct {
	ID int64 `arg:"" help:"The campaign's id."`
}

type campaignShowCmd struct{ CampaignArg }

// Run implements the command.
func (c *campaignShowCmd) Run(ctx context.Context, out io.Writer, p *CampaignCmd) error {
	return p.call(ctx, out, client.Request{Method: http.MethodGet, Path: campaignPath(c.ID)}, show(showCampaign))
}

type campaignEditCmd struct {
	CampaignArg
	visibilityFlags `embed:""`

	File       string `short:"f" placeholder:"FILE" help:"JSON with the fields to change; - is standard input."`
	Audience   int64  `placeholder:"ID" help:"Who may see it: an audience, as it is now, which the campaign follows."`
	From       int64  `placeholder:"OCCURRENCE" help:"Change this occurrence and the following ones only: a new campaign continues."`
	Difference bool   `help:"Change nothing; say what would happen to the posts."`
}

// Run implements the command.
func (c *campaignEditCmd) Run(ctx context.Context, out io.Writer, p *CampaignCmd) error {
	body, err := map[string]any{}, error(nil)
	if c.File != "" {
		if body, err = readObject(c.File); err != nil {
			return err
		}
	}
	if err := c.setAudience(body, c.Audience); err != nil {
		return err
	}
	if len(body) == 0 {
		return errors.New("say what to change: --file, --audience or who may see it")
	}
	q := client.Request{Method: http.MethodPatch, Path: campaignPath(c.ID), Body: body, Match: "*", Query: url.Values{}}
	if c.From != 0 {
		q.Query.Set("from_occurrence", strconv.FormatInt(c.From, 10))
	}
	if c.Difference {
		q.Query.Set("difference", "true")
	}
	return p.call(ctx, out, q, show(func(out io.Writer, e *client.Edited) error {
		if e.Campaign != nil {
			return showCampaign(out, e.Campaign)
		}
		_, err := fmt.Fprintf(out, "posts: %s\n", tally(e.Difference.Counts))
		return err
	}))
}

// act takes an action on the campaign.
func (p *CampaignCmd) act(ctx context.Context, out io.Writer, id int64, action, match string, body map[string]any) error {
	q := client.Request{Method: http.MethodPost, Path: campaignPath(id, "/", action), Match: match}
	if action == "clone" {
		q.Key = newKey()
	}
	for k, v := range body {
		if v == "" {
			delete(body, k)
		}
	}
	if len(body) > 0 {
		q.Body = body
	}
	return p.call(ctx, out, q, show(showCampaign))
}

type campaignActivateCmd struct{ CampaignArg }

// Run implements the command.
func (c *campaignActivateCmd) Run(ctx context.Context, out io.Writer, p *CampaignCmd) error {
	return p.act(ctx, out, c.ID, "activate", "", nil)
}

type campaignApproveCmd struct {
	CampaignArg
	Version int64  `required:"" help:"The version that you have read: an approval is of that and of no other."`
	Missed  string `enum:",skip,latest,all" default:"" help:"What becomes of what passed meanwhile: skip, latest or all."`
}

// Run implements the command.
func (c *campaignApproveCmd) Run(ctx context.Context, out io.Writer, p *CampaignCmd) error {
	return p.act(ctx, out, c.ID, "approve", strconv.Quote(strconv.FormatInt(c.Version, 10)), map[string]any{"missed": c.Missed})
}

type campaignRejectCmd struct {
	CampaignArg
	Reason string `required:"" help:"Why; its author is told."`
}

// Run implements the command.
func (c *campaignRejectCmd) Run(ctx context.Context, out io.Writer, p *CampaignCmd) error {
	return p.act(ctx, out, c.ID, "reject", "", map[string]any{"reason": c.Reason})
}

type campaignPauseCmd struct {
	CampaignArg
	Reason string `required:"" help:"Why; everybody sees it."`
}

// Run implements the command.
func (c *campaignPauseCmd) Run(ctx context.Context, out io.Writer, p *CampaignCmd) error {
	return p.act(ctx, out, c.ID, "pause", "", map[string]any{"reason": c.Reason})
}

type campaignResumeCmd struct {
	CampaignArg
	Missed string `enum:",skip,latest,all" default:"" help:"What becomes of what passed meanwhile: skip, latest or all. Default: the campaign's own policy."`
}

// Run implements the command.
func (c *campaignResumeCmd) Run(ctx context.Context, out io.Writer, p *CampaignCmd) error {
	return p.act(ctx, out, c.ID, "resume", "", map[string]any{"missed": c.Missed})
}

type campaignStopCmd struct {
	CampaignArg
	Reason string `required:"" help:"Why; everybody sees it."`
}

// Run implements the command.
func (c *campaignStopCmd) Run(ctx context.Context, out io.Writer, p *CampaignCmd) error {
	return p.act(ctx, out, c.ID, "stop", "", map[string]any{"reason": c.Reason})
}

type campaignCloneCmd struct {
	CampaignArg
	Name string `required:"" help:"Of the copy."`
}

// Run implements the command.
func (c *campaignCloneCmd) Run(ctx context.Context, out io.Writer, p *CampaignCmd) error {
	return p.act(ctx, out, c.ID, "clone", "", map[string]any{"name": c.Name})
}

type campaignPreviewCmd struct {
	Schedule string `arg:"" help:"A schedule in quotes, or a campaign's id."`
	N        int    `short:"n" default:"10" help:"How many firings."`
	From     string `placeholder:"YYYY-MM-DD" help:"The day to begin with, which may be past. Now if left out."`
	Lang     string `enum:"zh-CN,en" default:"en"`
}

// Run implements the command.
func (c *campaignPreviewCmd) Run(ctx context.Context, out io.Writer, p *CampaignCmd) error {
	q := client.Request{Method: http.MethodPost, Path: "/campaigns/preview", Body: map[string]any{"schedule": c.Schedule}}
	if id, err := strconv.ParseInt(c.Schedule, 10, 64); err == nil {
		q = client.Request{Method: http.MethodGet, Path: campaignPath(id, "/preview")}
	}
	q.Query = url.Values{"n": {strconv.Itoa(c.N)}, "lang": {c.Lang}}
	if c.From != "" {
		q.Query.Set("from", c.From)
	}
	return p.call(ctx, out, q, show(func(out io.Writer, v *client.Preview) error {
		if _, err := fmt.Fprintln(out, plainText(v.Words, 500)); err != nil {
			return err
		}
		err := table(out, func(row func(...any)) {
			for _, e := range v.Entries {
				mark := e.Mark
				if e.Dropped {
					mark += " dropped"
				}
				row(e.Local, e.Weekday, mark, plainText(e.Why, 200))
			}
		})
		if err == nil && v.Ended {
			_, err = fmt.Fprintln(out, "Nothing after these.")
		}
		for _, year := range v.Unpublished {
			if err == nil {
				_, err = fmt.Fprintf(out, "The holidays of %d are not published yet.\n", year)
			}
		}
		return err
	}))
}

type campaignDryRunCmd struct {
	ID   int64 `arg:"" optional:"" help:"A campaign that takes part as if it were activated now."`
	Days int   `default:"30"`
}

// Run implements the command.
func (c *campaignDryRunCmd) Run(ctx context.Context, out io.Writer, p *CampaignCmd) error {
	path := "/campaigns/dry-run"
	if c.ID != 0 {
		path = campaignPath(c.ID, "/dry-run")
	}
	q := client.Request{Method: http.MethodGet, Path: path, Query: url.Values{"days": {strconv.Itoa(c.Days)}}}
	return p.call(ctx, out, q, show(showDryRun))
}

func showDryRun(out io.Writer, v *client.DryRun) error {
	_, err := fmt.Fprintf(out, "%d posts: %d on time, %d late, %d missed, %d nobody can say (%s)\n", v.Posts, v.OnTime, v.Late, v.Missed, v.Unknown, tally(v.Reasons))
	if err != nil {
		return err
	}
	if d := v.Density; d != nil && d.Breaks {
		if _, err := fmt.Fprintf(out, "The schedule asks for %d posts a day; the daily caps allow %d.\n", d.Posts, d.Allowed); err != nil {
			return err
		}
	}
	if v.Partial {
		if _, err := fmt.Fprintln(out, "There are more posts than were looked at."); err != nil {
			return err
		}
	}
	return table(out, func(row func(...any)) {
		for _, l := range v.Worst {
			fate := when(l.LeavesAt)
			if l.Missed {
				fate = "missed"
			}
			row(when(l.DueAt), fate, l.Why, l.WcID, plainText(l.Title, 40))
		}
	})
}

type campaignOccurrencesCmd struct {
	CampaignArg
	Limit  int    `short:"n" default:"50"`
	Cursor string `help:"Go on where the last page ended."`
}

// Run implements the command.
func (c *campaignOccurrencesCmd) Run(ctx context.Context, out io.Writer, p *CampaignCmd) error {
	q := url.Values{"limit": {strconv.Itoa(c.Limit)}}
	if c.Cursor != "" {
		q.Set("cursor", c.Cursor)
	}
	return p.call(ctx, out, client.Request{Method: http.MethodGet, Path: campaignPath(c.ID, "/occurrences"), Query: q},
		show(func(out io.Writer, page *client.Page[client.Occurrence]) error {
			err := table(out, func(row func(...any)) {
				row("ID", "NAME", "AT", "STATE", "POSTS")
				for _, o := range page.Items {
					state := o.State
					if o.Reason != nil {
						state += " (" + plainText(*o.Reason, 60) + ")"
					}
					row(o.ID, o.Name, when(o.At), state, tally(o.Posts))
				}
			})
			if err == nil && page.NextCursor != nil {
				_, err = fmt.Fprintf(out, "more: --cursor=%s\n", *page.NextCursor)
			}
			return err
		}))
}

// OccurrenceArg names an occurrence.
type OccurrenceArg struct {
	CampaignArg
	Occurrence int64 `arg:"" help:"The occurrence's id."`
}

func (p *CampaignCmd) occurrence(ctx context.Context, out io.Writer, a OccurrenceArg, match string, body map[string]any) error {
	q := client.Request{Method: http.MethodPatch, Path: a.path(), Match: match, Body: body}
	return p.call(ctx, out, q, show(func(out io.Writer, o *client.Occurrence) error {
		_, err := fmt.Fprintf(out, "occurrence %d  %s  %s  %s\n", o.ID, o.Name, o.State, when(o.At))
		return err
	}))
}

type campaignSkipCmd struct {
	OccurrenceArg
	Undo bool `help:"Let it fire after all."`
}

// Run implements the command.
func (c *campaignSkipCmd) Run(ctx context.Context, out io.Writer, p *CampaignCmd) error {
	action := "skip"
	if c.Undo {
		action = "revive"
	}
	return p.occurrence(ctx, out, c.OccurrenceArg, "", map[string]any{"action": action})
}

type campaignMoveCmd struct {
	OccurrenceArg
	To string `arg:"" help:"Wall time in the campaign's zone: 2026-10-08T09:30."`
}

// Run implements the command.
func (c *campaignMoveCmd) Run(ctx context.Context, out io.Writer, p *CampaignCmd) error {
	return p.occurrence(ctx, out, c.OccurrenceArg, "", map[string]any{"action": "move", "at": c.To})
}
