package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"momentcast/internal/client"
)

// InstanceCmd works with instances.
type InstanceCmd struct {
	ClientFlags `embed:""`

	Add     instanceAddCmd     `cmd:"" help:"Register an account."`
	List    instanceListCmd    `cmd:"" help:"List the instances."`
	Show    instanceShowCmd    `cmd:"" help:"Show an instance."`
	Pause   instancePauseCmd   `cmd:"" help:"Send nothing from an instance."`
	Resume  instanceResumeCmd  `cmd:"" help:"End an instance's pause."`
	Release instanceReleaseCmd `cmd:"" help:"Let an instance go on that is held after a failover: you have looked at its feed."`
	Set     instanceSetCmd     `cmd:"" help:"Change an instance."`
	Sync    instanceSyncCmd    `cmd:"" help:"Adopt what the gateway lists online."`
}

// instanceID is the id of the instance that is named by its id or its wcId.
func (f *ClientFlags) instanceID(ctx context.Context, name string) (string, error) {
	if _, err := strconv.ParseInt(name, 10, 64); err == nil {
		return name, nil
	}
	a, err := f.do(ctx, client.Request{Method: http.MethodGet, Path: "/instances", Query: url.Values{"wc_id": {name}}})
	if err != nil {
		return "", err
	}
	var page client.Page[client.Instance]
	if err := a.Decode(&page); err != nil {
		return "", err
	}
	if len(page.Items) == 0 {
		return "", fmt.Errorf("there is no instance %s", name)
	}
	return strconv.FormatInt(page.Items[0].ID, 10), nil
}

// instanceFlags are what may be said of an instance.
type instanceFlags struct {
	Name       *string  `help:"What to call it."`
	Group      []string `placeholder:"TAG,…" help:"Its tags."`
	TimeZone   *string  `placeholder:"ZONE" help:"IANA name, such as Asia/Shanghai."`
	WID        *string  `name:"w-id" placeholder:"ID" help:"Its login session, if known."`
	Online     *string  `name:"online-since" placeholder:"TIME" help:"Known to be online since then."`
	MinGap     *string  `placeholder:"15m" help:"Between two posts."`
	DailyCap   *string  `placeholder:"N" help:"Posts a day; 0 = no cap."`
	QuietHours *string  `placeholder:"23:00-07:00" help:"Hours without posts; empty = none."`
	OnlineAge  *string  `placeholder:"72h" help:"Time online before the first post."`
}

// body is what was said, in the API's form; "default" goes back to the settings.
func (o *instanceFlags) body() (map[string]any, error) {
	b := map[string]any{}
	for name, s := range map[string]*string{"name": o.Name, "time_zone": o.TimeZone, "w_id": o.WID} {
		if s != nil {
			b[name] = *s
		}
	}
	for name, s := range map[string]*string{"min_gap": o.MinGap, "quiet_hours": o.QuietHours, "online_age": o.OnlineAge} {
		switch {
		case s != nil && *s == "default":
			b[name] = nil
		case s != nil:
			b[name] = *s
		}
	}
	if o.Group != nil {
		b["groups"] = o.Group
	}
	if o.Online != nil {
		t, err := parseTime(*o.Online)
		if err != nil {
			return nil, fmt.Errorf("--online-since: %w", err)
		}
		b["online_since"] = t
	}
	if o.DailyCap != nil {
		b["daily_cap"] = nil
		if *o.DailyCap != "default" {
			n, err := strconv.Atoi(*o.DailyCap)
			if err != nil {
				return nil, fmt.Errorf("--daily-cap: a number, or default")
			}
			b["daily_cap"] = n
		}
	}
	return b, nil
}

type instanceAddCmd struct {
	WcID          string `arg:"" name:"wcid" help:"The account."`
	instanceFlags `embed:""`
}

// Run implements the command.
func (c *instanceAddCmd) Run(ctx context.Context, out io.Writer, p *InstanceCmd) error {
	body, err := c.body()
	if err != nil {
		return err
	}
	body["wc_id"] = c.WcID
	return p.call(ctx, out, client.Request{Method: http.MethodPost, Path: "/instances", Body: body}, show(showInstance))
}

type instanceListCmd struct {
	Group  string `placeholder:"TAG" help:"Those with this tag."`
	Online string `enum:",true,false" default:"" placeholder:"true|false" help:"Those that are online, or are not."`
	Paused string `enum:",true,false" default:"" placeholder:"true|false" help:"Those that are paused, or are not."`
	Limit  int    `short:"n" default:"200" help:"How many."`
	Cursor string `help:"Where the page before ended."`
}

// Run implements the command.
func (c *instanceListCmd) Run(ctx context.Context, out io.Writer, p *InstanceCmd) error {
	v := url.Values{"limit": {strconv.Itoa(c.Limit)}}
	for name, s := range map[string]string{"group": c.Group, "online": c.Online, "paused": c.Paused, "cursor": c.Cursor} {
		if s != "" {
			v.Set(name, s)
		}
	}
	return p.call(ctx, out, client.Request{Method: http.MethodGet, Path: "/instances", Query: v}, show(showInstances))
}

func showInstances(out io.Writer, page *client.Page[client.Instance]) error {
	err := table(out, func(row func(...any)) {
		row("ID", "WCID", "NAME", "STATE", "TODAY", "NEXT SLOT", "HOLD")
		for _, i := range page.Items {
			hold := ""
			if i.Hold != nil {
				hold = i.Hold.Message
			}
			row(i.ID, i.WcID, plainText(i.Name, 30), stateOf(&i), today(&i), when(i.NextSlotAt), hold)
		}
	})
	if err == nil && page.NextCursor != nil {
		_, err = fmt.Fprintf(out, "more: --cursor=%s\n", *page.NextCursor)
	}
	return err
}

func stateOf(i *client.Instance) string {
	switch {
	case i.Paused:
		return "paused"
	case i.Unread:
		return "held after a failover"
	case i.Online:
		return "online"
	}
	return "offline"
}

func today(i *client.Instance) string {
	if i.Pacing.DailyCap == 0 {
		return strconv.Itoa(i.SentToday)
	}
	return fmt.Sprintf("%d/%d", i.SentToday, i.Pacing.DailyCap)
}

func showInstance(out io.Writer, i *client.Instance) error {
	return table(out, func(row func(...any)) {
		row("instance", i.ID)
		row("account", i.WcID)
		row("name", plainText(i.Name, 100))
		row("groups", plainText(strings.Join(i.Groups, ", "), 200))
		row("time zone", i.TimeZone)
		row("state", stateOf(i))
		if i.Paused {
			row("paused for", plainText(text(i.PausedReason), 500))
		}
		row("session", text(i.WID))
		row("online since", when(i.OnlineSince))
		row("matured at", when(i.MaturedAt))
		row("sent today", today(i))
		row("next slot", when(i.NextSlotAt))
		if i.Hold != nil {
			row("hold", i.Hold.Message)
		}
		row("pacing", fmt.Sprintf("gap %s, cap %d a day, quiet %q, online age %s", i.Pacing.MinGap, i.Pacing.DailyCap, i.Pacing.QuietHours, i.Pacing.OnlineAge))
		if i.Counts != nil {
			row("posts", counts(i.Counts))
		}
	})
}

// instanceArg names an instance on the command line.
type instanceArg struct {
	Instance string `arg:"" help:"Its id or its wcId."`
}

// change changes the instance.
func (a instanceArg) change(ctx context.Context, out io.Writer, p *InstanceCmd, body map[string]any) error {
	id, err := p.instanceID(ctx, a.Instance)
	if err != nil {
		return err
	}
	return p.call(ctx, out, client.Request{Method: http.MethodPatch, Path: "/instances/" + id, Body: body}, show(showInstance))
}

type instanceShowCmd struct {
	instanceArg `embed:""`
}

// Run implements the command.
func (c *instanceShowCmd) Run(ctx context.Context, out io.Writer, p *InstanceCmd) error {
	id, err := p.instanceID(ctx, c.Instance)
	if err != nil {
		return err
	}
	return p.call(ctx, out, client.Request{Method: http.MethodGet, Path: "/instances/" + id}, show(showInstance))
}

type instancePauseCmd struct {
	instanceArg `embed:""`
	Reason      string `arg:"" help:"Why; everybody sees it."`
}

// Run implements the command.
func (c *instancePauseCmd) Run(ctx context.Context, out io.Writer, p *InstanceCmd) error {
	return c.change(ctx, out, p, map[string]any{"paused": true, "paused_reason": c.Reason})
}

type instanceResumeCmd struct {
	instanceArg `embed:""`
}

// Run implements the command.
func (c *instanceResumeCmd) Run(ctx context.Context, out io.Writer, p *InstanceCmd) error {
	return c.change(ctx, out, p, map[string]any{"paused": false})
}

type instanceReleaseCmd struct {
	instanceArg `embed:""`
	Looked      bool `required:"" name:"i-have-looked" help:"You have seen that nothing that is scheduled is on its timeline already."`
}

// Run implements the command.
func (c *instanceReleaseCmd) Run(ctx context.Context, out io.Writer, p *InstanceCmd) error {
	return c.change(ctx, out, p, map[string]any{"unread": false})
}

type instanceSetCmd struct {
	instanceArg   `embed:""`
	instanceFlags `embed:""`
	MaturedAt     string `placeholder:"TIME" help:"From then on it counts as online for long enough: RFC 3339, now, or +24h; default = as its online age says."`
}

// Run implements the command.
func (c *instanceSetCmd) Run(ctx context.Context, out io.Writer, p *InstanceCmd) error {
	body, err := c.body()
	if err != nil {
		return err
	}
	switch c.MaturedAt {
	case "":
	case "default":
		body["matured_at"] = nil
	default:
		t, err := parseTime(c.MaturedAt)
		if err != nil {
			return fmt.Errorf("--matured-at: %w", err)
		}
		body["matured_at"] = t
	}
	return c.change(ctx, out, p, body)
}

type instanceSyncCmd struct{}

// Run implements the command.
func (c *instanceSyncCmd) Run(ctx context.Context, out io.Writer, p *InstanceCmd) error {
	return p.call(ctx, out, client.Request{Method: http.MethodPost, Path: "/instances/sync"}, func(out io.Writer, a *client.Answer) error {
		var n struct{ Online, Added int }
		if err := a.Decode(&n); err != nil {
			return err
		}
		_, err := fmt.Fprintf(out, "The gateway lists %d accounts online; %d are new.\n", n.Online, n.Added)
		return err
	})
}
