package web

import (
	"net/http"

	"momentcast/internal/moment"
)

// loginPage asks who somebody is. What they were about to see comes after.
type loginPage struct {
	Frame
	Next, Name string
	Provider   string // what the identity provider is called; "" = none
}

func (s *Web) askLogin(w http.ResponseWriter, r *http.Request) error {
	next := localPath(r.URL.Query().Get("next"))
	if userOf(r).Name != "" {
		return seeOther(w, r, next)
	}
	empty, err := s.people.NeedsSetUp(r.Context())
	if err != nil {
		return err
	}
	if empty {
		return seeOther(w, r, "/setup")
	}
	return s.loginPage(w, r, loginPage{Next: next}, nil)
}

func (s *Web) loginPage(w http.ResponseWriter, r *http.Request, p loginPage, err error) error {
	p.Provider = s.people.Provider()
	if err != nil {
		p.Problem = explain(s.texts[langOf(r)], err)
		if moment.KindOf(err) == moment.Unauthenticated {
			c := s.texts[langOf(r)]
			p.Problem.What, p.Problem.Why, p.Problem.Next = c.get("login.wrong"), c.get("login.wrong.why"), c.get("login.wrong.next")
		}
	}
	return s.page(w, r, view{Status: statusFor(p.Problem), Page: "login", Data: &p})
}

func (s *Web) login(w http.ResponseWriter, r *http.Request) error {
	if err := parseForm(w, r); err != nil {
		return err
	}
	p := loginPage{Next: localPath(r.PostForm.Get("next")), Name: clean(r.PostForm.Get("name"))}
	_, err := s.people.Login(w, r, p.Name, r.PostForm.Get("password"))
	switch moment.KindOf(err) {
	case "":
		return seeOther(w, r, p.Next)
	case moment.Unauthenticated, moment.Limited:
		return s.loginPage(w, r, p, err)
	}
	return err
}

func (s *Web) logout(w http.ResponseWriter, r *http.Request) error {
	if err := s.people.Logout(w, r); err != nil {
		return err
	}
	say(w, r, "done.logout")
	return seeOther(w, r, "/login")
}

func (s *Web) toProvider(w http.ResponseWriter, r *http.Request) error {
	return s.people.BeginOIDC(w, r, localPath(r.URL.Query().Get("next")))
}

func (s *Web) fromProvider(w http.ResponseWriter, r *http.Request) error {
	next, err := s.people.FinishOIDC(w, r)
	switch moment.KindOf(err) {
	case "":
		return seeOther(w, r, next)
	case moment.Unauthenticated, moment.Forbidden, moment.Limited:
		p := loginPage{Next: "/", Provider: s.people.Provider()}
		p.Problem = explain(s.texts[langOf(r)], err)
		return s.page(w, r, view{Status: statusFor(p.Problem), Page: "login", Data: &p})
	}
	return err
}

// setupPage makes the first person.
type setupPage struct {
	Frame
	Name string
}

func (s *Web) askSetup(w http.ResponseWriter, r *http.Request) error {
	empty, err := s.people.NeedsSetUp(r.Context())
	if err != nil {
		return err
	}
	if !empty {
		return seeOther(w, r, "/login")
	}
	return s.page(w, r, view{Page: "setup", Data: &setupPage{}})
}

func (s *Web) setup(w http.ResponseWriter, r *http.Request) error {
	if err := parseForm(w, r); err != nil {
		return err
	}
	p := &setupPage{Name: clean(r.PostForm.Get("name"))}
	var err error
	if r.PostForm.Get("password") != r.PostForm.Get("again") {
		err = differ()
	} else {
		_, err = s.people.SetUp(w, r, r.PostForm.Get("secret"), p.Name, r.PostForm.Get("password"))
	}
	switch moment.KindOf(err) {
	case "":
		return seeOther(w, r, "/")
	case moment.Conflict: // somebody else was first
		return seeOther(w, r, "/login")
	case moment.Invalid, moment.Limited:
		p.Problem = explain(s.texts[langOf(r)], err)
		return s.page(w, r, view{Status: statusFor(p.Problem), Page: "setup", Data: p})
	}
	return err
}

// differ says that the password was typed in two ways.
func differ() error {
	return moment.InvalidFields([]moment.Field{{Path: "again", Message: "is not the same as above"}})
}
