package web

import (
	"context"
	"net/http"
	"time"

	"momentcast/internal/moment"
)

// countMost is how far matches are counted.
const countMost = 10_000

// queuePage shows what is to be sent, in the order of time.
type queuePage struct {
	Frame
	Filter    filter
	Campaign  *campaignFilter // nil = not filtered by one
	Instances []option
	Posts     []moment.PostView
	Total     int
	Many      bool // Total is where counting ended
	First     bool
	Next      string // address of the next page; "" = this is the last
	Top       string // address of the first page
	Paused    bool
	Fresh     bool                       // there is no instance yet
	Checks    map[int64]moment.PostCheck // of the scheduled ones, by id
}

// waitingStates are those that the queue shows.
var waitingStates = []moment.State{moment.Scheduled, moment.Claimed, moment.Sending}

func (s *Web) queue(w http.ResponseWriter, r *http.Request) error {
	ctx := r.Context()
	k, err := s.known.get(ctx)
	if err != nil {
		return err
	}
	f := readFilter(r.URL.Query())
	f.State = ""
	q := f.query(k.settings.TimeZone, waitingStates...)
	q.Ascending, q.Limit, q.After = true, pageSize, readCursor(r.URL.Query().Get("after"))
	p := &queuePage{Filter: f, First: q.After == nil, Top: f.at("/queue"), Paused: k.status.Paused, Fresh: k.status.Instances.Total == 0}
	var more bool
	if p.Posts, more, err = s.store.Posts(ctx, q); err != nil {
		return err
	}
	if more {
		p.Next = f.at("/queue", "after", cursor(&p.Posts[len(p.Posts)-1]))
	}
	if p.Total, err = s.store.CountPosts(ctx, q, countMost); err != nil {
		return err
	}
	p.Many = p.Total == countMost
	if p.Instances, err = s.instanceOptions(ctx, f.Instance); err != nil {
		return err
	}
	if p.Campaign, err = s.ofCampaign(ctx, f.Campaign); err != nil {
		return err
	}
	if p.Checks, err = s.checkQueue(ctx, p.Posts); err != nil {
		return err
	}
	return s.page(w, r, view{Page: "queue", Block: "list", Data: p})
}

// checkQueue tells of the scheduled posts when each will really leave behind the
// others, and what it collides with.
func (s *Web) checkQueue(ctx context.Context, posts []moment.PostView) (map[int64]moment.PostCheck, error) {
	var planned []*moment.Post
	for i := range posts {
		if posts[i].State == moment.Scheduled {
			planned = append(planned, &posts[i].Post)
		}
	}
	if len(planned) == 0 {
		return nil, nil
	}
	checks, err := s.store.CheckPosts(ctx, planned)
	if err != nil {
		return nil, err
	}
	out := make(map[int64]moment.PostCheck, len(checks))
	for _, c := range checks {
		out[c.ID] = c
	}
	return out, nil
}

// queueCheck is what a row says of its post beyond the hold.
type queueCheck struct {
	moment.PostCheck
	Late bool // it will leave later than it is due, for the others' sake or a rule's
}

// Check is what there is to say of a row.
func (p *queuePage) Check(v moment.PostView) queueCheck {
	c := p.Checks[v.ID]
	return queueCheck{c, c.Late() >= time.Minute}
}
