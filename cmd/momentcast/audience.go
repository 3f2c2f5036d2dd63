package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"

	"momentcast/internal/client"
)

// AudienceCmd works with audiences.
type AudienceCmd struct {
	ClientFlags `embed:""`

	Add    audienceAddCmd    `cmd:"" help:"Make an audience: a named list of who may see a post."`
	List   audienceListCmd   `cmd:"" help:"List the audiences."`
	Show   audienceShowCmd   `cmd:"" help:"Show an audience and what a change of it would touch."`
	Set    audienceSetCmd    `cmd:"" help:"Change an audience."`
	Delete audienceDeleteCmd `cmd:"" help:"Delete an audience that no campaign and no waiting post uses."`
}

// visibilityFlags say who may see a post.
type visibilityFlags struct {
	Everyone   bool     `help:"Everyone may see it. There is no default: say this, or whom to allow or to deny."`
	Allow      []string `placeholder:"WXID,…" help:"Only these may see it."`
	AllowLabel []string `placeholder:"ID,…" help:"Only contacts with these labels may see it."`
	Deny       []string `placeholder:"WXID,…" help:"All but these may see it."`
	DenyLabel  []string `placeholder:"ID,…" help:"All but contacts with these labels may see it."`
}

// visibility is it as the API takes it; nil = none was given.
func (f *visibilityFlags) visibility() (map[string]any, error) {
	allow, deny := len(f.Allow)+len(f.AllowLabel) > 0, len(f.Deny)+len(f.DenyLabel) > 0
	switch {
	case f.Everyone && (allow || deny), allow && deny:
		return nil, errors.New("say one of --everyone, --allow/--allow-label, --deny/--deny-label")
	case f.Everyone:
		return map[string]any{"mode": "everyone"}, nil
	case allow:
		return map[string]any{"mode": "allow", "users": f.Allow, "labels": f.AllowLabel}, nil
	case deny:
		return map[string]any{"mode": "deny", "users": f.Deny, "labels": f.DenyLabel}, nil
	}
	return nil, nil
}

type audienceAddCmd struct {
	visibilityFlags `embed:""`
	Name            string `arg:"" help:"Its name."`
	Note            string `help:"What it is for."`
}

// Run implements the command.
func (c *audienceAddCmd) Run(ctx context.Context, out io.Writer, p *AudienceCmd) error {
	v, err := c.visibility()
	if err != nil {
		return err
	}
	body := map[string]any{"name": c.Name, "note": c.Note}
	if v != nil {
		body["visibility"] = v
	}
	return p.call(ctx, out, client.Request{Method: http.MethodPost, Path: "/audiences", Body: body}, show(showAudience))
}

type audienceListCmd struct {
	Query  string `short:"q" help:"Part of the name or the note."`
	Limit  int    `short:"n" default:"50" help:"How many."`
	Cursor string `help:"Where the page before ended."`
}

// Run implements the command.
func (c *audienceListCmd) Run(ctx context.Context, out io.Writer, p *AudienceCmd) error {
	v := url.Values{"limit": {strconv.Itoa(c.Limit)}}
	for name, value := range map[string]string{"q": c.Query, "cursor": c.Cursor} {
		if value != "" {
			v.Set(name, value)
		}
	}
	return p.call(ctx, out, client.Request{Method: http.MethodGet, Path: "/audiences", Query: v}, show(func(out io.Writer, l *client.Page[client.Audience]) error {
		err := table(out, func(row func(...any)) {
			row("ID", "NAME", "WHO", "CAMPAIGNS", "WAITING", "FINISHED")
			for i := range l.Items {
				a := &l.Items[i]
				row(a.ID, plainText(a.Name, 40), whoSees(a), a.Campaigns, a.Waiting, a.Finished)
			}
		})
		if err == nil && l.NextCursor != nil {
			_, err = fmt.Fprintf(out, "more: --cursor %s\n", *l.NextCursor)
		}
		return err
	}))
}

// whoSees is a visibility in a few words.
func whoSees(a *client.Audience) string {
	if a.Visibility.Mode == "everyone" {
		return a.Visibility.Mode
	}
	return fmt.Sprintf("%s %d labels, %d contacts", a.Visibility.Mode, len(a.Visibility.Labels), len(a.Visibility.Users))
}

func showAudience(out io.Writer, a *client.Audience) error {
	return table(out, func(row func(...any)) {
		row("audience", a.ID)
		row("name", plainText(a.Name, 100))
		row("who", whoSees(a))
		row("labels", a.Visibility.Labels)
		row("contacts", a.Visibility.Users)
		row("note", plainText(a.Note, 500))
		row("posts", fmt.Sprintf("%d waiting (%d equal it, %d were given another visibility since), %d finished", a.Waiting, a.Use.Same, a.Use.Differs, a.Finished))
		for _, c := range a.Use.Campaigns {
			follows := fmt.Sprintf("%d posts follow it", c.Posts)
			if !c.Same {
				follows = "was given another visibility since"
			}
			row("campaign", fmt.Sprintf("%d %s, %s: %s", c.ID, plainText(c.Name, 60), c.State, follows))
		}
		if a.Rewritten+a.RewrittenCampaigns > 0 {
			row("rewritten", fmt.Sprintf("%d posts, %d campaigns", a.Rewritten, a.RewrittenCampaigns))
		}
	})
}

// audienceArg names an audience on the command line.
type audienceArg struct {
	ID int64 `arg:"" help:"Its id."`
}

func (a audienceArg) path() string { return fmt.Sprintf("/audiences/%d", a.ID) }

type audienceShowCmd struct {
	audienceArg `embed:""`
}

// Run implements the command.
func (c *audienceShowCmd) Run(ctx context.Context, out io.Writer, p *AudienceCmd) error {
	return p.call(ctx, out, client.Request{Method: http.MethodGet, Path: c.path()}, show(showAudience))
}

type audienceSetCmd struct {
	audienceArg     `embed:""`
	visibilityFlags `embed:""`
	Name            string `help:"A new name."`
	Note            string `help:"A new note."`
	Posts           string `placeholder:"WHAT" help:"What becomes of campaigns that are not over, and posts that are not sent yet, that equal it: rewrite, or leave. Asked for where there are any."`
}

// Run implements the command.
func (c *audienceSetCmd) Run(ctx context.Context, out io.Writer, p *AudienceCmd) error {
	body := map[string]any{}
	for name, value := range map[string]string{"name": c.Name, "note": c.Note, "posts": c.Posts} {
		if value != "" {
			body[name] = value
		}
	}
	v, err := c.visibility()
	if err != nil {
		return err
	}
	if v != nil {
		body["visibility"] = v
	}
	return p.call(ctx, out, client.Request{Method: http.MethodPatch, Path: c.path(), Match: "*", Body: body}, show(showAudience))
}

type audienceDeleteCmd struct {
	audienceArg `embed:""`
}

// Run implements the command.
func (c *audienceDeleteCmd) Run(ctx context.Context, out io.Writer, p *AudienceCmd) error {
	_, err := p.do(ctx, client.Request{Method: http.MethodDelete, Path: c.path()})
	if err == nil {
		_, err = fmt.Fprintf(out, "audience %d is deleted\n", c.ID)
	}
	return err
}

// newKey names a request that is made once.
func newKey() string { return "cli-" + rand.Text() }
