package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"

	"momentcast/internal/client"
)

type campaignEditOccurrenceCmd struct {
	OccurrenceArg
	File        string  `short:"f" placeholder:"FILE" help:"The whole card as JSON; - is standard input."`
	Content     *string `short:"c" help:"The text above the link. Variables may be used, here and below."`
	Title       *string `short:"t" help:"The card's title."`
	Description *string `help:"Below the title."`
	URL         *string `name:"url" short:"u" help:"Where the card leads."`
	ThumbURL    *string `name:"thumb-url" help:"The square picture."`
	Follow      bool    `help:"Give up its own card and time, and follow the campaign again."`
	Reason      string  `help:"Why; for the audit trail."`
}

// Run implements the command. What is not given stays as the occurrence, or
// else its campaign, has it: the card that was read is the one that is changed,
// or nothing is.
func (c *campaignEditOccurrenceCmd) Run(ctx context.Context, out io.Writer, p *CampaignCmd) error {
	body := map[string]any{"action": "edit"}
	if c.Reason != "" {
		body["reason"] = c.Reason
	}
	fields := map[string]*string{"content": c.Content, "title": c.Title, "description": c.Description, "url": c.URL, "thumb_url": c.ThumbURL}
	given := 0
	for _, v := range fields {
		if v != nil {
			given++
		}
	}
	match := ""
	switch {
	case c.Follow && (given > 0 || c.File != ""), given > 0 && c.File != "", !c.Follow && given == 0 && c.File == "":
		return errors.New("say what to change (--title, --content, …), or --file with the whole card, or --follow")
	case c.Follow:
		body["action"] = "follow"
	case c.File != "":
		card, err := readObject(c.File)
		if err != nil {
			return err
		}
		body["card"] = card
	default:
		card, etag, err := p.card(ctx, c.OccurrenceArg)
		if err != nil {
			return err
		}
		for name, v := range fields {
			if v != nil {
				card[name] = *v
			}
		}
		body["card"], match = card, etag
	}
	return p.occurrence(ctx, out, c.OccurrenceArg, match, body)
}

func (a OccurrenceArg) path() string {
	return campaignPath(a.ID, "/occurrences/", strconv.FormatInt(a.Occurrence, 10))
}

// card is what the occurrence goes out with, and the version that says so.
func (p *CampaignCmd) card(ctx context.Context, arg OccurrenceArg) (card map[string]string, etag string, err error) {
	var o, c struct {
		Card map[string]string `json:"card"`
	}
	a, err := p.do(ctx, client.Request{Method: http.MethodGet, Path: arg.path()})
	if err != nil {
		return nil, "", err
	}
	if err := a.Decode(&o); err != nil || o.Card != nil {
		return o.Card, a.ETag, err
	}
	of, err := p.do(ctx, client.Request{Method: http.MethodGet, Path: campaignPath(arg.ID)})
	if err != nil {
		return nil, "", err
	}
	if err := of.Decode(&c); err != nil {
		return nil, "", err
	}
	if c.Card == nil {
		return nil, "", fmt.Errorf("the service did not say what campaign %d looks like", arg.ID)
	}
	return c.Card, a.ETag, nil
}
