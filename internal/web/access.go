package web

import (
	"context"
	"net/http"
	"net/url"
	"strings"

	"momentcast/internal/moment"
)

type userKey struct{}

// userOf is who makes the request; the zero User for nobody.
func userOf(r *http.Request) moment.User {
	u, _ := r.Context().Value(userKey{}).(moment.User)
	return u
}

// guard is the one place where it is decided who may do what.
func (s *Web) guard(rt route) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if s.chooseLang(w, r) {
			return
		}
		u, known := s.session.Current(r)
		if known {
			r = r.WithContext(context.WithValue(r.Context(), userKey{}, u))
		}
		handle := rt.handle
		switch {
		case rt.needs == open:
		case !known:
			handle = s.toLogin
		case rt.needs == "" || !u.May(rt.needs):
			handle = s.forbidden
		}
		if err := handle(w, r); err != nil {
			s.fail(w, r, err)
		}
	})
}

// toLogin sends a visitor to the login page and remembers where to. What was
// being submitted is kept in a page of its own; a block that refreshes itself
// is refused, so that the page around it stays as it is.
func (s *Web) toLogin(w http.ResponseWriter, r *http.Request) error {
	// With the database away nobody is known; that is not theirs to mend.
	if _, err := s.known.get(r.Context()); err != nil {
		return err
	}
	w.Header().Set("Cache-Control", "no-store")
	switch {
	case r.Method != http.MethodGet && r.Method != http.MethodHead:
		return s.expired(w, r)
	case fragment(r):
		w.WriteHeader(http.StatusUnauthorized)
		return nil
	}
	http.Redirect(w, r, "/login?next="+url.QueryEscape(localPath(r.URL.RequestURI())), http.StatusSeeOther)
	return nil
}

// localPath returns next if it leads to a page of ours, and / otherwise.
// Browsers read // and /\ as the beginning of another site's address.
func localPath(next string) string {
	u, err := url.Parse(next)
	if err != nil || !strings.HasPrefix(next, "/") || strings.HasPrefix(next, "//") || strings.ContainsAny(next, "\\\r\n\t") ||
		u.Host != "" || u.Scheme != "" {
		return "/"
	}
	return next
}

// expiredPage asks to log in again without losing what was submitted.
type expiredPage struct {
	Frame
	Kept *carried // nil = it cannot be carried along
}

func (s *Web) expired(w http.ResponseWriter, r *http.Request) error {
	return s.page(w, r, view{Status: http.StatusUnauthorized, Page: "expired", Data: &expiredPage{Kept: carry(w, r, "expired.again")}})
}
