package web

import (
	"net/http"

	"momentcast/internal/moment"
)

// autosave keeps what somebody types, without a word.
func (s *Web) autosave(w http.ResponseWriter, r *http.Request) error {
	if err := parseForm(w, r); err != nil {
		return err
	}
	form := r.PostForm.Get("form")
	if _, err := formPath(form); err != nil {
		return err
	}
	if len(form) > 40 {
		return moment.Errorf(moment.Invalid, "The form does not say which one it is.")
	}
	if err := s.store.SaveTyped(r.Context(), userOf(r).Name, form, kept(r.PostForm)); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// discard forgets what was kept, and opens the form without it.
func (s *Web) discard(w http.ResponseWriter, r *http.Request) error {
	if err := parseForm(w, r); err != nil {
		return err
	}
	form := r.PostForm.Get("form")
	path, err := formPath(form)
	if err != nil {
		return err
	}
	if err := s.store.ForgetTyped(r.Context(), userOf(r).Name, form, ""); err != nil {
		return err
	}
	say(w, r, "compose.discarded")
	return seeOther(w, r, path)
}
