package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"

	"momentcast/internal/client"
)

// PostCmd works with posts.
type PostCmd struct {
	ClientFlags `embed:""`

	Add        postAddCmd        `cmd:"" help:"Queue a link card, or store a draft."`
	Check      postCheckCmd      `cmd:"" help:"Say what a post would collide with and when it would really leave; store nothing."`
	List       postListCmd       `cmd:"" help:"List the queue and the history."`
	Show       postShowCmd       `cmd:"" help:"Show everything about a post."`
	Approve    postApproveCmd    `cmd:"" help:"Release a pending post, after a look at it."`
	Reject     postRejectCmd     `cmd:"" help:"Give a pending post back to its author."`
	Cancel     postCancelCmd     `cmd:"" help:"Cancel posts."`
	Retry      postRetryCmd      `cmd:"" help:"Try failed posts again, now."`
	SendNow    postSendNowCmd    `cmd:"" help:"Make posts due at once."`
	Reschedule postRescheduleCmd `cmd:"" help:"Give a post a new time."`
	Resolve    postResolveCmd    `cmd:"" help:"Settle a post of unknown outcome, after a look at the feed."`
	Recall     postRecallCmd     `cmd:"" help:"Take a sent post back: delete it or make it private."`
}

type postAddCmd struct {
	visibilityFlags `embed:""`

	Audience     int64  `placeholder:"ID" help:"Who may see it: a copy of this audience."`
	Instance     string `short:"i" placeholder:"ID" help:"Instance: its id or its wcId."`
	Content      string `short:"c" help:"The text above the link."`
	Title        string `short:"t" help:"Title of the link card."`
	Description  string `help:"Below the title."`
	URL          string `short:"u" help:"Where the card leads."`
	ThumbURL     string `help:"The square picture; it must stay hosted."`
	Due          string `short:"d" placeholder:"TIME" help:"RFC 3339 with offset, now, or +90m."`
	MaxLateness  string `placeholder:"30m" help:"Later than this it is missed; 0s = no limit. Default as in the settings."`
	FirstComment string `help:"Posted below the moment after it is sent."`
	ExternalKey  string `placeholder:"KEY" help:"Your own name for it, unique among all posts."`
	Draft        bool   `help:"Store it as it is; submit it later."`
	Key          string `name:"idempotency-key" placeholder:"KEY" help:"Repeating the command with the same key creates nothing twice. Default: a new one."`
	File         string `short:"f" placeholder:"FILE" help:"Take the post, or a list of posts, from a JSON file in the API's form; - is standard input."`
}

// Run implements the command.
func (c *postAddCmd) Run(ctx context.Context, out io.Writer, p *PostCmd) error {
	q := client.Request{Method: http.MethodPost, Path: "/posts", Key: c.Key}
	if q.Key == "" {
		q.Key = newKey()
	}
	if c.File != "" {
		body, batch, err := readPosts(c.File)
		if err != nil {
			return err
		}
		if q.Body = body; batch {
			q.Path = "/posts/batch"
			return p.call(ctx, out, q, showIDs)
		}
		return p.call(ctx, out, q, showAdded)
	}
	body, err := c.body()
	if err != nil {
		return err
	}
	q.Body = body
	return p.call(ctx, out, q, showAdded)
}

// body is the post as the API takes it. What is missing in it, the API says.
func (c *postAddCmd) body() (map[string]any, error) {
	b := map[string]any{}
	put := func(name, value string) {
		if value != "" {
			b[name] = value
		}
	}
	if id, err := strconv.ParseInt(c.Instance, 10, 64); err == nil {
		b["instance_id"] = id
	} else {
		put("wc_id", c.Instance)
	}
	put("content", c.Content)
	put("title", c.Title)
	put("description", c.Description)
	put("url", c.URL)
	put("thumb_url", c.ThumbURL)
	put("max_lateness", c.MaxLateness)
	put("first_comment", c.FirstComment)
	put("external_key", c.ExternalKey)
	if c.Draft {
		b["draft"] = true
	}
	if c.Due != "" {
		due, err := parseTime(c.Due)
		if err != nil {
			return nil, fmt.Errorf("--due: %w", err)
		}
		b["due_at"] = due
	}
	if c.Audience != 0 {
		b["audience_id"] = c.Audience
	}
	v, err := c.visibility()
	if v != nil {
		b["visibility"] = v
	}
	return b, err
}

// readPosts reads a post or a list of them.
func readPosts(name string) (body any, batch bool, err error) {
	in := os.Stdin
	if name != "-" {
		if in, err = os.Open(name); err != nil {
			return nil, false, err
		}
		defer func() { _ = in.Close() }() // only read
	}
	b, err := io.ReadAll(io.LimitReader(in, 16<<20))
	if err != nil {
		return nil, false, err
	}
	b = bytes.TrimSpace(b)
	var shape struct {
		Posts json.RawMessage `json:"posts"`
	}
	switch {
	case !json.Valid(b):
		return nil, false, fmt.Errorf("%s is not JSON", name)
	case b[0] == '[':
		return map[string]any{"posts": json.RawMessage(b)}, true, nil
	case json.Unmarshal(b, &shape) == nil && shape.Posts != nil:
		return json.RawMessage(b), true, nil
	}
	return json.RawMessage(b), false, nil
}

func showIDs(out io.Writer, a *client.Answer) error {
	var v struct {
		IDs []int64 `json:"ids"`
	}
	if err := a.Decode(&v); err != nil {
		return err
	}
	for _, id := range v.IDs {
		fmt.Fprintln(out, id)
	}
	return nil
}

func showAdded(out io.Writer, a *client.Answer) error {
	if a.Replayed {
		fmt.Fprintln(out, "This was created before, under the same key:")
	}
	return showLine(out, a)
}

var showLine = show(func(out io.Writer, p *client.Post) error {
	line := fmt.Sprintf("post %d is %s", p.ID, p.State)
	if p.DueAt != nil && p.State == "scheduled" {
		line += ", due " + when(p.DueAt)
	}
	if p.Hold != nil {
		line += "; " + p.Hold.Message
	}
	_, err := fmt.Fprintln(out, line)
	return err
})

type postListCmd struct {
	postFilterFlags `embed:""`

	Limit  int    `short:"n" default:"50" help:"How many."`
	Cursor string `help:"Where the page before ended."`
}

// Run implements the command.
func (c *postListCmd) Run(ctx context.Context, out io.Writer, p *PostCmd) error {
	return c.list(ctx, out, &p.ClientFlags)
}

func (c *postListCmd) list(ctx context.Context, out io.Writer, f *ClientFlags) error {
	v, err := c.query(ctx, f)
	if err != nil {
		return err
	}
	if c.Cursor != "" {
		v.Set("cursor", c.Cursor)
	}
	v.Set("limit", strconv.Itoa(c.Limit))
	return f.call(ctx, out, client.Request{Method: http.MethodGet, Path: "/posts", Query: v}, show(showPosts))
}

// postFilterFlags select posts.
type postFilterFlags struct {
	State       []string `short:"s" placeholder:"STATE,…" help:"draft, pending, scheduled, sending, sent, failed, unknown, missed, cancelled."`
	Instance    string   `short:"i" placeholder:"ID" help:"Instance: its id or its wcId."`
	Campaign    int64    `placeholder:"ID" help:"Campaign that planned it."`
	Author      string   `help:"Who created it."`
	Source      string   `help:"What it came through: web, api, cli, import, campaign."`
	Query       string   `short:"q" help:"Words in the text, the title or the link."`
	ExternalKey string   `placeholder:"KEY" help:"Your own name for it."`
	From        string   `placeholder:"TIME" help:"Due at or after."`
	To          string   `placeholder:"TIME" help:"Due before."`
	Asc         bool     `help:"Earliest first."`
}

// query is the filter as the API takes it.
func (c *postFilterFlags) query(ctx context.Context, f *ClientFlags) (url.Values, error) {
	v := url.Values{}
	for name, value := range map[string]string{"state": strings.Join(c.State, ","), "author": c.Author, "source": c.Source, "q": c.Query, "external_key": c.ExternalKey} {
		if value != "" {
			v.Set(name, value)
		}
	}
	if c.Campaign != 0 {
		v.Set("campaign_id", strconv.FormatInt(c.Campaign, 10))
	}
	if c.Asc {
		v.Set("order", "due_asc")
	}
	for name, t := range map[string]string{"due_from": c.From, "due_to": c.To} {
		if t == "" {
			continue
		}
		parsed, err := parseTime(t)
		if err != nil {
			return nil, err
		}
		v.Set(name, parsed)
	}
	if c.Instance != "" {
		id, err := f.instanceID(ctx, c.Instance)
		if err != nil {
			return nil, err
		}
		v.Set("instance_id", id)
	}
	return v, nil
}

func showPosts(out io.Writer, page *client.Page[client.Post]) error {
	err := table(out, func(row func(...any)) {
		row("ID", "STATE", "DUE", "INSTANCE", "TITLE", "NOTE")
		for _, p := range page.Items {
			note := text(p.Error)
			if p.Hold != nil {
				note = p.Hold.Message
			}
			row(p.ID, p.State, when(p.DueAt), p.WcID, plainText(p.Title, 40), plainText(note, 100))
		}
	})
	if err == nil && page.NextCursor != nil {
		_, err = fmt.Fprintf(out, "more: --cursor=%s\n", *page.NextCursor)
	}
	return err
}

type postShowCmd struct {
	ID int64 `arg:"" help:"The post's id."`
}

// Run implements the command.
func (c *postShowCmd) Run(ctx context.Context, out io.Writer, p *PostCmd) error {
	return p.call(ctx, out, client.Request{Method: http.MethodGet, Path: postPath(c.ID)}, show(showPost))
}

func showPost(out io.Writer, p *client.Post) error {
	return table(out, func(row func(...any)) {
		opt := func(name string, s *string) {
			if s != nil {
				row(name, plainText(*s, 500))
			}
		}
		row("post", p.ID)
		row("state", p.State)
		if p.Hold != nil {
			row("hold", p.Hold.Message)
		}
		row("instance", p.WcID)
		row("due", when(p.DueAt))
		row("title", plainText(p.Title, 200))
		row("text", plainText(p.Content, 200))
		row("link", plainText(p.URL, 300))
		if v := p.Visibility; v != nil {
			row("seen by", strings.TrimSpace(fmt.Sprintf("%s %s %s", v.Mode, strings.Join(v.Users, ","), strings.Join(v.Labels, ","))))
		}
		opt("key", p.ExternalKey)
		row("author", plainText(p.Author, 100))
		if p.SentAt != nil {
			row("sent", fmt.Sprintf("%s, %d ms late", when(p.SentAt), *p.LatenessMS))
		}
		opt("moment", p.MomentID)
		if p.Proof != nil {
			row("proof", map[bool]string{true: "WeChat stored what was asked for", false: "differs in " + strings.Join(p.Proof.Differences, ", ")}[p.Proof.Matches])
		}
		opt("recalled", p.RecallMode)
		opt("error", p.Error)
		row("content hash", p.ContentHash)
		for _, a := range p.Approvals {
			note := text(a.Reason)
			if a.ExpiresAt != nil {
				note = "until " + when(a.ExpiresAt)
			}
			if a.Ruling == "approved" && !a.Holds {
				note = "void by now"
			}
			row(a.Ruling, fmt.Sprintf("%s by %s; %s", when(&a.At), plainText(a.By, 100), plainText(note, 500)))
		}
		for _, a := range p.Attempts {
			row("attempt", fmt.Sprintf("%d at %s, %d ms: %s %s", a.Number, when(&a.StartedAt), a.DurationMS, a.Verdict, plainText(a.Message, 200)))
		}
		for _, b := range p.ReadBacks {
			row("read back", fmt.Sprintf("call %d, round %d at %s: %s", b.Attempt, b.Round, when(&b.At), b.Came()))
			for _, m := range b.Seen {
				row("", fmt.Sprintf("%s %s: %s", m.ID, plainText(m.Title, 100), m.Compared()))
			}
		}
		for _, e := range p.Events {
			row("event", fmt.Sprintf("%s %s %s by %s (%s)", when(&e.At), e.Action, text(e.ToState), plainText(e.Actor, 100), e.Source))
		}
		row("possible", strings.Join(p.Actions, ", "))
	})
}

func postPath(id int64) string { return "/posts/" + strconv.FormatInt(id, 10) }

// act does the same to each of the posts, and goes on after one that cannot
// take it.
func (p *PostCmd) act(ctx context.Context, out io.Writer, action string, body any, ids ...int64) error {
	var failed []error
	for _, id := range ids {
		q := client.Request{Method: http.MethodPost, Path: postPath(id) + "/" + action, Body: body}
		if err := p.call(ctx, out, q, showLine); err != nil {
			failed = append(failed, fmt.Errorf("post %d: %w", id, err))
		}
	}
	return errors.Join(failed...)
}

type postCancelCmd struct {
	ID     []int64 `arg:"" help:"The posts' ids."`
	Reason string  `help:"Why."`
}

// Run implements the command.
func (c *postCancelCmd) Run(ctx context.Context, out io.Writer, p *PostCmd) error {
	return p.act(ctx, out, "cancel", map[string]string{"reason": c.Reason}, c.ID...)
}

type postApproveCmd struct {
	ID          int64  `arg:"" help:"The post's id."`
	ContentHash string `arg:"" help:"What was looked at, as post show names it: nobody releases a text that has changed since."`
}

// Run implements the command.
func (c *postApproveCmd) Run(ctx context.Context, out io.Writer, p *PostCmd) error {
	return p.act(ctx, out, "approve", map[string]string{"content_hash": c.ContentHash}, c.ID)
}

type postRejectCmd struct {
	ID     []int64 `arg:"" help:"The posts' ids."`
	Reason string  `required:"" help:"Why; the author is told."`
}

// Run implements the command.
func (c *postRejectCmd) Run(ctx context.Context, out io.Writer, p *PostCmd) error {
	return p.act(ctx, out, "reject", map[string]string{"reason": c.Reason}, c.ID...)
}

type postRetryCmd struct {
	ID []int64 `arg:"" help:"The posts' ids."`
}

// Run implements the command.
func (c *postRetryCmd) Run(ctx context.Context, out io.Writer, p *PostCmd) error {
	return p.act(ctx, out, "retry", nil, c.ID...)
}

type postSendNowCmd struct {
	ID []int64 `arg:"" help:"The posts' ids."`
}

// Run implements the command.
func (c *postSendNowCmd) Run(ctx context.Context, out io.Writer, p *PostCmd) error {
	return p.act(ctx, out, "send-now", nil, c.ID...)
}

type postRescheduleCmd struct {
	ID  int64  `arg:"" help:"The post's id."`
	Due string `arg:"" help:"RFC 3339 with offset, or +90m."`
}

// Run implements the command.
func (c *postRescheduleCmd) Run(ctx context.Context, out io.Writer, p *PostCmd) error {
	due, err := parseTime(c.Due)
	if err != nil {
		return err
	}
	return p.act(ctx, out, "reschedule", map[string]string{"due_at": due}, c.ID)
}

type postResolveCmd struct {
	ID       int64  `arg:"" help:"The post's id."`
	Outcome  string `arg:"" enum:"sent,not_sent,leave,reopen" help:"sent: it is in the feed; not_sent: it is not, send it again; leave: close the case as it is; reopen: take a closed case up again."`
	MomentID string `placeholder:"ID" help:"With sent: the moment's id."`
	Note     string `help:"For the audit trail."`
}

// Run implements the command.
func (c *postResolveCmd) Run(ctx context.Context, out io.Writer, p *PostCmd) error {
	body := map[string]string{"outcome": c.Outcome}
	if c.MomentID != "" {
		body["moment_id"] = c.MomentID
	}
	if c.Note != "" {
		body["note"] = c.Note
	}
	return p.act(ctx, out, "resolve", body, c.ID)
}

type postRecallCmd struct {
	ID   int64  `arg:"" help:"The post's id."`
	Mode string `arg:"" enum:"delete,private" help:"delete: remove it from the feed; private: only the account still sees it."`
}

// Run implements the command.
func (c *postRecallCmd) Run(ctx context.Context, out io.Writer, p *PostCmd) error {
	return p.act(ctx, out, "recall", map[string]string{"mode": c.Mode}, c.ID)
}
