package api

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"momentcast/internal/moment"
)

type listPostsInput struct {
	PageInput
	PostFilterInput
}

// PostFilterInput selects posts.
type PostFilterInput struct {
	State       []string `query:"state,explode" doc:"One or more of draft, pending, scheduled, sending, sent, failed, unknown, missed, cancelled; repeated or separated by commas." example:"[\"failed\",\"unknown\"]"`
	InstanceID  int64    `query:"instance_id" minimum:"1"`
	CampaignID  int64    `query:"campaign_id" minimum:"1"`
	Author      string   `query:"author" doc:"Who created it; exactly."`
	Source      string   `query:"source" doc:"What it came through, such as web, api, cli, import; exactly."`
	Q           string   `query:"q" doc:"Words separated by blanks, each of which is part of the title, the content, the description or the link; blanks between quotation marks are part of a word. Small and capital letters are alike." example:"春茶 上新"`
	ExternalKey string   `query:"external_key" doc:"Exactly."`
	DueFrom     string   `query:"due_from" doc:"Due at or after this time." example:"2026-12-01T00:00:00+08:00"`
	DueTo       string   `query:"due_to" doc:"Due before this time." example:"2026-12-02T00:00:00+08:00"`
	Order       string   `query:"order" enum:"due_asc,due_desc" default:"due_desc"`
}

// query reads the filters; list names the list that they make, for its cursors.
func (in *listPostsInput) query() (q moment.PostQuery, list string, err error) {
	if q, err = in.filter(); err != nil {
		return q, "", err
	}
	q.Limit = in.Limit
	list = fmt.Sprintf("posts %q %d %d %q %q %q %q %d %d %t", q.States, q.InstanceID, q.CampaignID, q.Author, q.Source, q.Text, q.ExternalKey,
		q.DueFrom.UnixNano(), q.DueTo.UnixNano(), q.Ascending)
	p, err := in.place(list)
	q.After = p.post()
	return q, list, err
}

// filter reads the filters.
func (in *PostFilterInput) filter() (q moment.PostQuery, err error) {
	var fs fields
	q = moment.PostQuery{
		InstanceID: in.InstanceID, CampaignID: in.CampaignID, Author: in.Author, Source: in.Source, Text: in.Q, ExternalKey: in.ExternalKey,
		DueFrom: fs.time("query.due_from", in.DueFrom), DueTo: fs.time("query.due_to", in.DueTo),
		Ascending: in.Order == "due_asc",
	}
	fs.text("query.author", in.Author, false, moment.MaxName)
	fs.text("query.source", in.Source, false, moment.MaxName)
	fs.text("query.q", in.Q, false, 200)
	fs.text("query.external_key", in.ExternalKey, false, moment.MaxKey)
	for _, s := range strings.Split(strings.Join(in.State, ","), ",") {
		if s == "" {
			continue
		}
		states, err := moment.ParseState(s)
		if err != nil {
			fs.add("query.state", err.Error())
			break
		}
		for _, st := range states {
			if !slices.Contains(q.States, st) {
				q.States = append(q.States, st)
			}
		}
	}
	slices.Sort(q.States)
	return q, fs.err()
}

type listPostsOutput struct {
	Body pageBody[PostBody]
}

func (a *API) listPosts(ctx context.Context, in *listPostsInput) (*listPostsOutput, error) {
	q, name, err := in.query()
	if err != nil {
		return nil, err
	}
	views, more, err := a.store.Posts(ctx, q)
	if err != nil {
		return nil, err
	}
	out := &listPostsOutput{pageBody[PostBody]{Items: make([]PostBody, len(views))}}
	for i := range views {
		out.Body.Items[i] = showPost(&views[i])
	}
	if more {
		last := &views[len(views)-1]
		out.Body.NextCursor = place{at(last.DueAt), last.ID}.cursor(name)
	}
	return out, nil
}
