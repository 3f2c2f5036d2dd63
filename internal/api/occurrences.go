package api

import (
	"context"
	"fmt"

	"momentcast/internal/moment"
)

type listOccurrencesInput struct {
	CampaignInput
	PageInput
	From string `query:"from" format:"date-time" doc:"At or after."`
	To   string `query:"to" format:"date-time" doc:"Before."`
}

type listOccurrencesOutput struct {
	Body pageBody[occurrenceBody]
}

func (a *API) listOccurrences(ctx context.Context, in *listOccurrencesInput) (*listOccurrencesOutput, error) {
	var fs fields
	q := moment.OccurrenceQuery{CampaignID: in.ID, From: fs.time("query.from", in.From), To: fs.time("query.to", in.To), Limit: in.Limit}
	if len(fs) > 0 {
		return nil, fs.err()
	}
	name := fmt.Sprintf("occurrences %d %q %q", in.ID, in.From, in.To)
	p, err := in.place(name)
	if err != nil {
		return nil, err
	}
	if p != nil && p.At != nil {
		q.AfterAt, q.AfterID = *p.At, p.ID
	}
	if _, err := a.store.Campaign(ctx, in.ID); err != nil {
		return nil, err
	}
	views, more, err := a.store.Occurrences(ctx, q)
	if err != nil {
		return nil, err
	}
	out := &listOccurrencesOutput{pageBody[occurrenceBody]{Items: make([]occurrenceBody, len(views))}}
	for i := range views {
		out.Body.Items[i] = showOccurrence(&views[i])
	}
	if more {
		last := views[len(views)-1]
		out.Body.NextCursor = place{At: &last.At, ID: last.ID}.cursor(name)
	}
	return out, nil
}

// OccurrenceInput names an occurrence of a campaign.
type OccurrenceInput struct {
	CampaignInput
	Occurrence int64 `path:"occurrence" doc:"The occurrence's id."`
}

func (a *API) getOccurrence(ctx context.Context, in *OccurrenceInput) (*occurrenceOutput, error) {
	return a.showOccurrence(ctx, *in)
}

func (a *API) showOccurrence(ctx context.Context, in OccurrenceInput) (*occurrenceOutput, error) {
	o, err := a.store.Occurrence(ctx, in.ID, in.Occurrence)
	if err != nil {
		return nil, err
	}
	return &occurrenceOutput{etag(o.Version), showOccurrence(o)}, nil
}

type changeOccurrenceInput struct {
	OccurrenceInput
	IfMatchInput
	Body occurrenceActBody
}

type occurrenceActBody struct {
	Action string    `json:"action" enum:"skip,revive,move,edit,follow" doc:"skip; revive: undo a skip; move to at; edit: a card of its own; follow: give up its own card and time."`
	At     string    `json:"at,omitempty" doc:"Of move: a wall time in the campaign's zone." example:"2026-10-08T09:30"`
	Card   *cardBody `json:"card,omitempty" doc:"Of edit. Variables may be used."`
	Reason string    `json:"reason,omitempty" doc:"For the audit trail."`
}

type occurrenceOutput struct {
	ETag string `header:"ETag" doc:"The version; for If-Match."`
	Body occurrenceBody
}

func (a *API) changeOccurrence(ctx context.Context, in *changeOccurrenceInput) (*occurrenceOutput, error) {
	v, err := version(in.IfMatch)
	if err != nil {
		return nil, err
	}
	act := moment.OccurrenceAct{Reason: in.Body.Reason}
	var fs fields
	fs.text("reason", in.Body.Reason, false, maxReason)
	switch in.Body.Action {
	case "skip":
		act.Skip = true
	case "revive":
		act.Revive = true
	case "follow":
		act.Follow = true
	case "move":
		if act.Move = in.Body.At; act.Move == "" {
			fs.add("at", "is required")
		}
	case "edit":
		if in.Body.Card == nil {
			fs.add("card", "is required")
		} else {
			card := moment.Card(*in.Body.Card)
			act.Card = &card
		}
	}
	if len(fs) > 0 {
		return nil, fs.err()
	}
	if err := a.store.ChangeOccurrence(ctx, in.ID, in.Occurrence, v, act, origin(ctx)); err != nil {
		return nil, err
	}
	a.engine.Wake()
	return a.showOccurrence(ctx, in.OccurrenceInput)
}
