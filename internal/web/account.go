package web

import (
	"net/http"

	"momentcast/internal/moment"
)

// accountPage is what people see and change of themselves.
type accountPage struct {
	Frame
	Sessions []moment.Session
	Current  [32]byte // the hash of the session that this page was asked from
}

// IsHere reports whether a session is the one that the page was asked from.
func (p *accountPage) IsHere(s moment.Session) bool { return s.Hash == p.Current }

func (s *Web) account(w http.ResponseWriter, r *http.Request) error {
	return s.accountPage(w, r, nil)
}

func (s *Web) accountPage(w http.ResponseWriter, r *http.Request, problem *problem) error {
	list, err := s.people.Sessions(r)
	if err != nil {
		return err
	}
	p := &accountPage{Sessions: list, Current: s.people.Here(r).Hash}
	p.Problem = problem
	return s.page(w, r, view{Status: statusFor(problem), Page: "account", Data: p})
}

func (s *Web) changePassword(w http.ResponseWriter, r *http.Request) error {
	if err := parseForm(w, r); err != nil {
		return err
	}
	var err error
	if r.PostForm.Get("password") != r.PostForm.Get("again") {
		err = differ()
	} else {
		err = s.people.ChangePassword(w, r, r.PostForm.Get("old"), r.PostForm.Get("password"))
	}
	switch {
	case err == nil:
		say(w, r, "done.password")
		return seeOther(w, r, "/account")
	case refused(err), moment.KindOf(err) == moment.Limited:
		return s.accountPage(w, r, explain(s.texts[langOf(r)], err))
	}
	return err
}

func (s *Web) endSession(w http.ResponseWriter, r *http.Request) error {
	id, err := pathID(r)
	if err != nil {
		return err
	}
	if err := s.people.EndSession(r, id); err != nil {
		return err
	}
	say(w, r, "done.session_end")
	return seeOther(w, r, "/account")
}

func (s *Web) endSessions(w http.ResponseWriter, r *http.Request) error {
	if err := s.people.EndSessions(w, r); err != nil {
		return err
	}
	say(w, r, "done.sessions_end")
	return seeOther(w, r, "/login")
}
