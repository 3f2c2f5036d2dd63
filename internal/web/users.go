package web

import (
	"net/http"
	"slices"
	"strconv"

	"momentcast/internal/moment"
)

// usersPage lists everybody and takes somebody new.
type usersPage struct {
	Frame
	Users []moment.User
	New   moment.User // as typed
	Roles []moment.Role
}

// Has reports whether the new person is to have a role.
func (p *usersPage) Has(role moment.Role) bool { return slices.Contains(p.New.Roles, role) }

func (s *Web) users(w http.ResponseWriter, r *http.Request) error {
	return s.usersPage(w, r, moment.User{Roles: []moment.Role{moment.RoleViewer}}, nil)
}

func (s *Web) usersPage(w http.ResponseWriter, r *http.Request, typed moment.User, problem *problem) error {
	list, err := s.peopleStore.Users(r.Context())
	if err != nil {
		return err
	}
	p := &usersPage{Users: list, New: typed, Roles: moment.Roles}
	p.Problem = problem
	return s.page(w, r, view{Status: statusFor(problem), Page: "users", Data: p})
}

// rolesOf reads the ticked roles.
func rolesOf(r *http.Request) []moment.Role {
	var out []moment.Role
	for _, v := range r.PostForm["role"] {
		out = append(out, moment.Role(v))
	}
	return out
}

func (s *Web) addUser(w http.ResponseWriter, r *http.Request) error {
	if err := parseForm(w, r); err != nil {
		return err
	}
	u := moment.User{Name: clean(r.PostForm.Get("name")), Display: clean(r.PostForm.Get("display")), Roles: rolesOf(r)}
	made, err := s.people.AddUser(r.Context(), u, r.PostForm.Get("password"), s.by(r))
	switch {
	case err == nil:
		say(w, r, "done.user_add", made.Name)
		return seeOther(w, r, "/settings/users")
	case refused(err), moment.KindOf(err) == moment.Limited:
		return s.usersPage(w, r, u, explain(s.texts[langOf(r)], err))
	}
	return err
}

// userPage is one person, with what can be done to them.
type userPage struct {
	Frame
	Person moment.User
	Roles  []moment.Role
}

// Has reports whether the person has a role.
func (p *userPage) Has(role moment.Role) bool { return slices.Contains(p.Person.Roles, role) }

func (s *Web) user(w http.ResponseWriter, r *http.Request) error {
	id, err := pathID(r)
	if err != nil {
		return err
	}
	return s.userPage(w, r, id, nil, nil)
}

// userPage shows the person as stored, or as typed where that was refused.
func (s *Web) userPage(w http.ResponseWriter, r *http.Request, id int64, typed *moment.User, problem *problem) error {
	u, err := s.peopleStore.UserByID(r.Context(), id)
	if err != nil {
		return err
	}
	if typed != nil {
		u.Display, u.Roles = typed.Display, typed.Roles
	}
	p := &userPage{Person: u, Roles: moment.Roles}
	p.Problem = problem
	return s.page(w, r, view{Status: statusFor(problem), Page: "user", Data: p})
}

func (s *Web) changeUser(w http.ResponseWriter, r *http.Request) error {
	id, err := pathID(r)
	if err != nil {
		return err
	}
	if err := parseForm(w, r); err != nil {
		return err
	}
	typed := &moment.User{Display: clean(r.PostForm.Get("display")), Roles: rolesOf(r)}
	err = s.peopleStore.ChangeUser(r.Context(), id, number(r.PostForm.Get("version")), func(u *moment.User) error {
		u.Display, u.Roles = typed.Display, typed.Roles
		return nil
	}, s.by(r))
	return s.afterUser(w, r, id, err, typed, "done.user_change")
}

// setDisabled shuts somebody out, or lets them in again.
func (s *Web) setDisabled(disabled bool) handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		id, err := pathID(r)
		if err != nil {
			return err
		}
		err = s.peopleStore.ChangeUser(r.Context(), id, 0, func(u *moment.User) error { u.Disabled = disabled; return nil }, s.by(r))
		done := "done.user_enable"
		if disabled {
			done = "done.user_disable"
		}
		return s.afterUser(w, r, id, err, nil, done)
	}
}

func (s *Web) resetPassword(w http.ResponseWriter, r *http.Request) error {
	id, err := pathID(r)
	if err != nil {
		return err
	}
	if err := parseForm(w, r); err != nil {
		return err
	}
	err = s.people.ResetPassword(r.Context(), id, r.PostForm.Get("password"), s.by(r))
	return s.afterUser(w, r, id, err, nil, "done.user_password")
}

// afterUser leads back to the person, or shows why nothing was changed.
func (s *Web) afterUser(w http.ResponseWriter, r *http.Request, id int64, err error, typed *moment.User, done string) error {
	switch {
	case err == nil:
		say(w, r, done)
		return seeOther(w, r, "/settings/users/"+strconv.FormatInt(id, 10))
	case refused(err), moment.KindOf(err) == moment.Limited:
		return s.userPage(w, r, id, typed, explain(s.texts[langOf(r)], err))
	}
	return err
}
