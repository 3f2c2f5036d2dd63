package web

import (
	"net/http"
	"strings"
	"sync"

	"momentcast/internal/lint"
	"momentcast/internal/moment"
)

// look has the addresses of the form looked at, for the preview that follows.
func (s *Web) look(w http.ResponseWriter, r *http.Request) error {
	if err := parseForm(w, r); err != nil {
		return err
	}
	f := readComposing(r.PostForm)
	if s.lookAt(r, f.URL, f.ThumbURL) {
		w.Header().Set("HX-Trigger", "looked")
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// lookAt looks at a card's addresses, both at once. It reports whether there
// was anything to look at.
func (s *Web) lookAt(r *http.Request, link, thumb string) bool {
	if s.links == nil || link == "" && thumb == "" {
		return false
	}
	who := userOf(r).Name
	var wg sync.WaitGroup
	// Who looks too often is told by the button; the preview only knows less.
	if link != "" {
		wg.Go(func() { _, _ = s.links.Page(r.Context(), who, link) })
	}
	if thumb != "" {
		wg.Go(func() { _, _ = s.links.Thumb(r.Context(), who, thumb) })
	}
	wg.Wait()
	return true
}

// fill takes the card's texts and picture from the page that it leads to: those
// that are empty, or all where that is asked for.
func (s *Web) fill(w http.ResponseWriter, r *http.Request, p *composePage) error {
	if err := s.fillFrom(r, p, r.PostForm.Get("do") == "refill"); err != nil {
		p.Problem = explain(s.texts[langOf(r)], err)
	}
	if !fragment(r) {
		return s.composePage(w, r, p)
	}
	if err := s.completeCompose(r, p); err != nil {
		return err
	}
	return s.page(w, r, view{Page: "compose", Block: "composeCard", Data: p})
}

func (s *Web) fillFrom(r *http.Request, p *composePage, all bool) error {
	f := &p.Typed
	if s.links == nil || f.URL == "" {
		return moment.InvalidFields([]moment.Field{{Path: "url", Message: "is required"}})
	}
	found, err := s.links.Page(r.Context(), userOf(r).Name, f.URL)
	if err != nil {
		return err
	}
	if found.Reason != "" {
		return moment.InvalidFields([]moment.Field{{Path: "url", Message: s.whyNot(langOf(r), f.URL, found.Reason)}})
	}
	if found.Title == "" && found.Description == "" && found.Image == "" {
		return moment.InvalidFields([]moment.Field{{Path: "url", Message: "the page does not say what it is called"}})
	}
	p.Found = &pageFound{}
	take := func(typed *string, page string, other *string) {
		switch {
		case page == "" || page == *typed:
		case *typed == "" || all:
			*typed = page
		default:
			*other = page
		}
	}
	take(&f.Title, found.Title, &p.Found.Title)
	take(&f.Description, found.Description, &p.Found.Description)
	take(&f.ThumbURL, found.Image, &p.Found.Image)
	if f.ThumbURL != "" {
		s.lookAt(r, "", f.ThumbURL)
	}
	return nil
}

// whyNot says in words why a page could not be looked at.
func (s *Web) whyNot(lang, link, reason string) string {
	for _, f := range lint.Check(lint.Input{Card: moment.Card{URL: link}, Link: &lint.Look{Reason: reason}}, lint.Settings{}) {
		if strings.HasPrefix(f.Key, "reach.") {
			return f.Text(lang)
		}
	}
	return reason
}
