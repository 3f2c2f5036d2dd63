package web

import (
	"net/http"
	"reflect"
	"strconv"
	"time"

	"momentcast/internal/moment"
)

// edit opens the composer on a post that can be edited.
func (s *Web) edit(w http.ResponseWriter, r *http.Request) error {
	id, err := pathID(r)
	if err != nil {
		return err
	}
	post, err := s.store.Post(r.Context(), id)
	if err != nil {
		return err
	}
	if _, err := post.State.After(moment.ActEdit); err != nil {
		return err
	}
	p := &composePage{Typed: composingOf(post)}
	form := editForm + strconv.FormatInt(id, 10)
	left, err := s.store.Typed(r.Context(), userOf(r).Name, form)
	if err != nil {
		return err
	}
	if left != nil {
		p.Typed, p.Saved = readComposing(left.Typed), left.UpdatedAt
		if p.Typed.Version != post.Version {
			p.Problem = explain(s.texts[langOf(r)], staleEdit())
			s.compareEdit(r, p, post)
		}
	}
	p.Typed.Form, p.Typed.Key = form, "edit"
	return s.composePage(w, r, p)
}

// edited stores what the form makes of the post.
func (s *Web) edited(w http.ResponseWriter, r *http.Request) error {
	id, err := pathID(r)
	if err != nil {
		return err
	}
	if err := parseForm(w, r); err != nil {
		return err
	}
	post, err := s.store.Post(r.Context(), id)
	if err != nil {
		return err
	}
	p := &composePage{Typed: readComposing(r.PostForm)}
	p.Typed.Form, p.Typed.Key = editForm+strconv.FormatInt(id, 10), "edit"
	p.Typed.Instances = []int64{post.InstanceID}
	if take := r.PostForm.Get("take"); take != "" {
		if err := p.Typed.take(take, composingOf(post)); err != nil {
			return err
		}
		s.compareEdit(r, p, post)
		return s.composePage(w, r, p)
	}
	if do := r.PostForm.Get("do"); do != "save" && do != "submit" {
		_, err := s.again(w, r, p)
		return err
	}
	if p.Typed.Version == 0 {
		return moment.Errorf(moment.Invalid, "The form does not say which version of the post was seen.")
	}
	err = s.saveEdit(r, p, post)
	if refused(err) {
		p.Problem = explain(s.texts[langOf(r)], err)
		if moment.KindOf(err) == moment.Precondition {
			if post, err = s.store.Post(r.Context(), id); err != nil {
				return err
			}
			s.compareEdit(r, p, post)
		}
		return s.composePage(w, r, p)
	}
	if err != nil {
		return err
	}
	s.known.forget()
	s.engine.Wake()
	if err := s.store.ForgetTyped(r.Context(), userOf(r).Name, p.Typed.Form, ""); err != nil {
		s.log.Warn().Err(err).Msg("an autosave of what was submitted stays")
	}
	say(w, r, "done.edit", strconv.FormatInt(id, 10))
	return seeOther(w, r, "/posts/"+strconv.FormatInt(id, 10))
}

// saveEdit stores the form in the version that was seen, and submits a draft
// where that was asked for.
func (s *Web) saveEdit(r *http.Request, p *composePage, post *moment.PostView) error {
	ctx, submits := r.Context(), r.PostForm.Get("do") == "submit" && post.State == moment.Draft
	state := post.State
	if submits {
		state = moment.Scheduled
	}
	if post.Version != p.Typed.Version {
		return staleEdit()
	}
	posts, err := s.checkedEdit(r, p, post, state)
	if err != nil {
		return err
	}
	next, changed := posts[0].Post, false
	err = s.store.EditPost(ctx, post.ID, p.Typed.Version, func(is *moment.Post) error {
		was := *is
		is.Card, is.FirstComment, is.MaxLateness = next.Card, next.FirstComment, next.MaxLateness
		// What means the same stays as it was written: it is no change, and makes no version.
		if !next.Visibility.Equal(was.Visibility) {
			is.Visibility = next.Visibility
		}
		if !next.DueAt.Equal(was.DueAt) {
			is.DueAt = next.DueAt
		}
		if next.AudienceID != 0 || !next.Visibility.Equal(was.Visibility) { // the form does not name the preset of what it leaves as it is
			is.AudienceID = next.AudienceID
		}
		changed = !reflect.DeepEqual(was, *is)
		return nil
	}, origin(r))
	if err != nil || !submits {
		return err
	}
	version := p.Typed.Version
	if changed {
		version++
	}
	_, err = s.store.ActOnPost(ctx, post.ID, version, moment.Act{Action: moment.ActSubmit}, origin(r))
	return err
}

// checkedEdit is checked for a post that is there: a time that it has already
// may be older than a new one may be, and seconds that the form does not show stay.
func (s *Web) checkedEdit(r *http.Request, p *composePage, post *moment.PostView, state moment.State) ([]planned, error) {
	if p.Typed.Due == composingOf(post).Due && !post.DueAt.IsZero() {
		p.Typed.dueIs = post.DueAt
	}
	return s.checked(r.Context(), r, p, state)
}

func staleEdit() error {
	return moment.Errorf(moment.Precondition, "Somebody has changed this post since you opened it.")
}

// differing is one field in which what was typed is not what the post is now.
type differing struct {
	compared
	Take string // names the field, to take what is there now
}

// take puts one field as it is now in the place of what was typed.
func (f *composing) take(field string, now composing) error {
	switch field {
	case "content":
		f.Content = now.Content
	case "title":
		f.Title = now.Title
	case "description":
		f.Description = now.Description
	case "url":
		f.URL, f.Source, f.Medium, f.Campaign = now.URL, now.Source, now.Medium, now.Campaign
	case "thumb_url":
		f.ThumbURL = now.ThumbURL
	case "first_comment":
		f.FirstComment = now.FirstComment
	case "visibility":
		f.Visible = now.Visible
	case "due_at":
		f.Due, f.Zone = now.Due, now.Zone
	case "max_lateness":
		f.Lateness = now.Lateness
	default:
		return moment.Errorf(moment.Invalid, "The form does not say which field is meant.")
	}
	return nil
}

// compareEdit puts beside what was typed what the post is now, where the two
// differ, and lets the form be sent once more on the version that is shown.
func (s *Web) compareEdit(r *http.Request, p *composePage, post *moment.PostView) {
	c, f := s.texts[langOf(r)], &p.Typed
	card, _ := f.card()
	line := func(field, yours, theirs string) {
		if yours != theirs {
			p.Theirs = append(p.Theirs, differing{compared{c.get("field." + field), yours, theirs, true}, field})
		}
	}
	was := composingOf(post)
	line("content", card.Content, post.Card.Content)
	line("title", card.Title, post.Card.Title)
	line("description", card.Description, post.Card.Description)
	line("url", card.URL, post.Card.URL)
	line("thumb_url", card.ThumbURL, post.Card.ThumbURL)
	line("first_comment", f.FirstComment, post.FirstComment)
	line("visibility", audience(c, f.Visible.typed(), nil), audience(c, post.Visibility, nil))
	at := func(due string) string {
		t := inZone(due, post.TimeZone)
		if t.IsZero() {
			return c.get("time.none")
		}
		return c.clock(t, time.Now(), post.TimeZone, post.TimeZone)
	}
	line("due_at", at(f.Due), at(was.Due))
	line("max_lateness", f.Lateness, was.Lateness)
	f.Version = post.Version
}
