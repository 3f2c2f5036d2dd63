package web

import (
	"net/http"
	"net/url"

	"momentcast/internal/moment"
)

// madePage shows what a form has made, as it is now.
type madePage struct {
	Frame
	Key     string
	Posts   []moment.PostView
	Waiting int // of them that can be cancelled
	First   *moment.PostView
}

func (s *Web) made(w http.ResponseWriter, r *http.Request) error {
	posts, err := s.madeBy(r)
	if err != nil {
		return err
	}
	p := &madePage{Key: r.PathValue("key"), Posts: posts}
	for i := range posts {
		if _, err := posts[i].State.After(moment.ActCancel); err == nil {
			p.Waiting++
		}
		if p.First == nil && !posts[i].DueAt.IsZero() {
			p.First = &posts[i]
		}
	}
	return s.page(w, r, view{Page: "made", Block: "list", Data: p})
}

func (s *Web) madeBy(r *http.Request) ([]moment.PostView, error) {
	posts, err := s.store.PostsOf(r.Context(), composerOf(userOf(r).Name), r.PathValue("key"))
	if err != nil {
		return nil, err
	}
	if len(posts) == 0 {
		return nil, moment.Errorf(moment.NotFound, "What this form has made is not known here any more; the queue and the history have it.")
	}
	return posts, nil
}

// undo cancels what a form has made, as far as it has not left.
func (s *Web) undo(w http.ResponseWriter, r *http.Request) error {
	posts, err := s.madeBy(r)
	if err != nil {
		return err
	}
	var items []moment.JobItem
	for i := range posts {
		if _, err := posts[i].State.After(moment.ActCancel); err == nil {
			items = append(items, moment.JobItem{PostID: posts[i].ID})
		}
	}
	key := jobKey(r)
	reason := s.texts[langOf(r)].get("compose.undone")
	err = s.startJob(r, moment.Job{Key: key, Kind: "cancel", Spec: moment.JobSpec{Reason: reason},
		Back: "/posts/new/made/" + url.PathEscape(r.PathValue("key"))}, items)
	if err != nil {
		return err
	}
	return seeOther(w, r, "/jobs/"+key)
}
