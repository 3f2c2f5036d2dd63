package web

import (
	"net/http"
	"slices"
	"strings"

	"momentcast/internal/moment"
)

// inboxPage shows what did not go as planned, and what to do about it.
type inboxPage struct {
	Frame
	Filter    filter
	States    []moment.State
	Instances []option
	Cases     []inboxCase
	Counts    map[moment.State]int64
	Retryable int
	First     bool
	Next, Top string
}

// inboxCase is one post that a person has to look at.
type inboxCase struct {
	moment.PostView
	Cause    string         // in plain words
	Evidence string         // what shows it
	Attempt  moment.Attempt // the last call; Number is 0 without one
	Steps    []step
}

// step is one thing that can be done.
type step struct {
	Action moment.Action
	Path   string
	Main   bool // what is usually right
}

// inboxStates are the states that wait for a person.
var inboxStates = []moment.State{moment.Unknown, moment.Failed, moment.Missed}

func (s *Web) inbox(w http.ResponseWriter, r *http.Request) error {
	ctx := r.Context()
	k, err := s.known.get(ctx)
	if err != nil {
		return err
	}
	f := readFilter(r.URL.Query())
	if !slices.Contains(inboxStates, moment.State(f.State)) {
		f.State = ""
	}
	q := f.query(k.settings.TimeZone, inboxStates...)
	q.Left = new(f.Left)
	q.Limit, q.After = pageSize, readCursor(r.URL.Query().Get("after"))
	posts, more, err := s.store.Posts(ctx, q)
	if err != nil {
		return err
	}
	p := &inboxPage{Filter: f, States: inboxStates, Counts: k.status.Posts, First: q.After == nil, Top: f.at("/inbox")}
	if more {
		p.Next = f.at("/inbox", "after", cursor(&posts[len(posts)-1]))
	}
	if p.Cases, err = s.cases(r, posts); err != nil {
		return err
	}
	q.States = []moment.State{moment.Failed}
	if p.Retryable, err = s.store.CountPosts(ctx, q, countMost); err != nil {
		return err
	}
	if p.Instances, err = s.instanceOptions(ctx, f.Instance); err != nil {
		return err
	}
	return s.page(w, r, view{Page: "inbox", Block: "list", Data: p})
}

func (s *Web) cases(r *http.Request, posts []moment.PostView) ([]inboxCase, error) {
	ids := make([]int64, len(posts))
	for i := range posts {
		ids[i] = posts[i].ID
	}
	last, err := s.store.LastAttempts(r.Context(), ids)
	if err != nil {
		return nil, err
	}
	c, user := s.texts[langOf(r)], userOf(r)
	out := make([]inboxCase, len(posts))
	for i := range posts {
		p := &posts[i]
		a := last[p.ID]
		out[i] = inboxCase{PostView: *p, Attempt: a, Cause: cause(c, p, a), Evidence: evidence(c, a), Steps: steps(&p.Post, user)}
	}
	return out, nil
}

// cause says in plain words why the post is where it is.
func cause(c catalogue, p *moment.PostView, a moment.Attempt) string {
	switch p.State {
	case moment.Missed:
		if p.HeldFor != "" {
			return c.get("case.missed.held", c.span(p.MaxLateness), c.get("hold."+string(p.HeldFor)))
		}
		return c.get("case.missed", c.span(p.MaxLateness))
	case moment.Unknown:
		return c.get("case.unknown", causeWord(c, a.Cause))
	}
	if a.Verdict == moment.NeverLeft {
		return c.get("case.neverleft", causeWord(c, a.Cause))
	}
	return causeWord(c, a.Cause)
}

// causeWord is the plain text for the short word that the engine keeps.
func causeWord(c catalogue, word string) string {
	if status, ok := strings.CutPrefix(word, "http_"); ok {
		return c.get("cause.http", status)
	}
	return c.or("cause."+word, c.get("cause.other"))
}

// evidence is what was seen of the last call.
func evidence(c catalogue, a moment.Attempt) string {
	if a.Number == 0 {
		return c.get("evidence.none")
	}
	if a.Status == 0 {
		return c.get("evidence.noreply", a.Number, c.span(a.Duration))
	}
	return c.get("evidence.reply", a.Number, a.Status, c.span(a.Duration))
}
