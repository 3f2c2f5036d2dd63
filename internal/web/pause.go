package web

import (
	"net/http"

	"momentcast/internal/moment"
)

// maxReason is how long a reason may be, in characters.
const maxReason = 500

// pausePage asks for the reason of a pause, and says what a pause does.
type pausePage struct {
	Frame
	Reason string
	Status moment.Status
}

func (s *Web) askPause(w http.ResponseWriter, r *http.Request) error {
	return s.pausePage(w, r, "", nil)
}

func (s *Web) pausePage(w http.ResponseWriter, r *http.Request, reason string, problem *problem) error {
	k, err := s.known.get(r.Context())
	if err != nil {
		return err
	}
	p := &pausePage{Reason: reason, Status: k.status}
	p.Problem = problem
	return s.page(w, r, view{Status: statusFor(problem), Page: "pause", Data: p})
}

func (s *Web) pause(w http.ResponseWriter, r *http.Request) error {
	if err := parseForm(w, r); err != nil {
		return err
	}
	reason := r.PostForm.Get("reason")
	if m := moment.CheckText(reason, true, maxReason); m != "" {
		return s.pausePage(w, r, reason, explain(s.texts[langOf(r)], moment.InvalidFields([]moment.Field{{Path: "reason", Message: m}})))
	}
	if err := s.store.Pause(r.Context(), reason, origin(r)); err != nil {
		return err
	}
	s.known.forget()
	say(w, r, "done.paused")
	return seeOther(w, r, "/queue")
}

// resumePage asks what becomes of the posts that are late by now.
type resumePage struct {
	Frame
	Status moment.Status
}

func (s *Web) askResume(w http.ResponseWriter, r *http.Request) error {
	s.known.forget()
	k, err := s.known.get(r.Context())
	if err != nil {
		return err
	}
	return s.page(w, r, view{Page: "resume", Data: &resumePage{Status: k.status}})
}

func (s *Web) resume(w http.ResponseWriter, r *http.Request) error {
	if err := parseForm(w, r); err != nil {
		return err
	}
	overdue := moment.Overdue(r.PostForm.Get("overdue"))
	switch overdue {
	case moment.OverdueByLimit, moment.OverdueSend, moment.OverdueMiss:
	default:
		return moment.Errorf(moment.Invalid, "There is no such choice.")
	}
	if err := s.store.Resume(r.Context(), overdue, origin(r)); err != nil {
		return err
	}
	s.known.forget()
	s.engine.Wake()
	say(w, r, "done.resumed")
	return seeOther(w, r, "/queue")
}

// statusFor is the status of a page that shows a form again.
func statusFor(p *problem) int {
	switch {
	case p == nil:
		return http.StatusOK
	case p.status != 0:
		return p.status
	}
	return http.StatusUnprocessableEntity
}
