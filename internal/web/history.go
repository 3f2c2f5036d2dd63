package web

import (
	"net/http"

	"momentcast/internal/moment"
)

// historyPage shows every post, latest first.
type historyPage struct {
	Frame
	Filter    filter
	States    []moment.State
	Instances []option
	Posts     []moment.PostView
	First     bool
	Next, Top string
	Export    string // address of the same as a file
}

func (s *Web) history(w http.ResponseWriter, r *http.Request) error {
	ctx := r.Context()
	k, err := s.known.get(ctx)
	if err != nil {
		return err
	}
	f := readFilter(r.URL.Query())
	q := f.query(k.settings.TimeZone)
	q.Limit, q.After = pageSize, readCursor(r.URL.Query().Get("after"))
	p := &historyPage{Filter: f, States: shownStates, First: q.After == nil, Top: f.at("/history"), Export: f.at("/history/export")}
	var more bool
	if p.Posts, more, err = s.store.Posts(ctx, q); err != nil {
		return err
	}
	if more {
		p.Next = f.at("/history", "after", cursor(&p.Posts[len(p.Posts)-1]))
	}
	if p.Instances, err = s.instanceOptions(ctx, f.Instance); err != nil {
		return err
	}
	return s.page(w, r, view{Page: "history", Block: "list", Data: p})
}
