package web

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/json"
	"net/http"
	"net/url"
	"strconv"

	"momentcast/internal/moment"
)

// composed takes the form: it looks at it again, or makes its posts.
func (s *Web) composed(w http.ResponseWriter, r *http.Request) error {
	if err := parseForm(w, r); err != nil {
		return err
	}
	p := &composePage{Typed: readComposing(r.PostForm)}
	if _, err := formPath(p.Typed.Form); err != nil || p.Typed.Edits() != 0 {
		p.Typed.Form = newForm
	}
	if len(p.Typed.Key) < 20 || len(p.Typed.Key) > 64 {
		p.Typed.Key = rand.Text()
	}
	if answered, err := s.again(w, r, p); answered || err != nil {
		return err
	}
	state := moment.Scheduled
	if r.PostForm.Get("do") == "draft" {
		state = moment.Draft
	}
	ids, err := s.create(r, p, state)
	switch {
	case moment.KindOf(err) == moment.Conflict:
		p.Problem = explain(s.texts[langOf(r)], moment.Errorf(moment.Conflict, "This form was submitted already, and has changed since."))
		p.Typed.Key = rand.Text() // once more is meant now
		return s.composePage(w, r, p)
	case refused(err):
		p.Problem = explain(s.texts[langOf(r)], err)
		return s.composePage(w, r, p)
	case err != nil:
		return err
	}
	return s.wasMade(w, r, p, ids)
}

// again answers what only changes the form: a check, a group of instances, the
// texts of the page.
func (s *Web) again(w http.ResponseWriter, r *http.Request, p *composePage) (answered bool, err error) {
	if group := r.PostForm.Get("group"); group != "" {
		if err := s.offerInstances(r.Context(), p); err != nil {
			return true, err
		}
		p.pickGroup(group)
		p.Instances, p.Groups, p.Zones = nil, nil, nil
		return true, s.composePage(w, r, p)
	}
	switch r.PostForm.Get("do") {
	case "check":
		s.lookAt(r, p.Typed.URL, p.Typed.ThumbURL)
		return true, s.composePage(w, r, p)
	case "fill", "refill":
		return true, s.fill(w, r, p)
	case "draft", "submit":
		return false, nil
	}
	return true, s.composePage(w, r, p)
}

// create makes the posts of the form, each once.
func (s *Web) create(r *http.Request, p *composePage, state moment.State) ([]int64, error) {
	ctx, f := r.Context(), &p.Typed
	key, err := requestKey(userOf(r).Name, f, state)
	if err != nil {
		return nil, err
	}
	// Before anything else: what was right then may be out of date by now.
	if ids, err := s.store.Answered(ctx, key); err != nil || ids != nil {
		return ids, err
	}
	posts, err := s.checked(ctx, r, p, state)
	if err != nil {
		// What is in the way may be what the same form, sent twice, has just made.
		if ids, again := s.store.Answered(ctx, key); again == nil && ids != nil {
			return ids, nil
		}
		return nil, err
	}
	by := origin(r)
	add := make([]*moment.Post, len(posts))
	for i := range posts {
		add[i] = posts[i].Post
		add[i].Author, add[i].Source = by.Actor, by.Source
	}
	ids, _, err := s.store.AddPosts(ctx, add, key)
	return ids, err
}

// checked is the posts of the form, if nothing is wrong with them and all
// warnings were agreed to. A draft warns of nothing: it is not sent.
func (s *Web) checked(ctx context.Context, r *http.Request, p *composePage, state moment.State) ([]planned, error) {
	k, err := s.known.get(ctx)
	if err != nil {
		return nil, err
	}
	o, err := s.outlookOf(ctx, p.Typed.Instances)
	if err != nil {
		return nil, err
	}
	v, preset, err := s.chosenVisibility(ctx, p.Typed.Visible)
	if err != nil && moment.KindOf(err) != moment.Invalid {
		return nil, err
	}
	posts, wrong := p.Typed.plan(o, v, k.settings.MaxLateness, state)
	for _, one := range posts {
		one.Post.AudienceID = preset
	}
	if wrong = bothWrong(wrong, err); wrong != nil || state == moment.Draft {
		return posts, wrong
	}
	seen, err := s.seen(ctx, s.texts[langOf(r)], p.Typed.Visible, p.Typed.Instances)
	if err != nil {
		return nil, err
	}
	checks, err := s.checks(ctx, posts)
	if err != nil {
		return nil, err
	}
	preview := s.preview(previewing{form: &p.Typed, settings: k.settings, outlook: o, posts: posts, checks: checks, seen: seen, c: s.texts[langOf(r)]})
	if len(preview.Warnings) > 0 && !preview.Agreed {
		return nil, &moment.Error{Kind: moment.Invalid, Message: "There are warnings to be agreed to first.",
			Fields: []moment.Field{{Path: "agreed", Message: "read the warnings and tick that you want this"}}}
	}
	return posts, nil
}

// bothWrong is what is wrong in both.
func bothWrong(errs ...error) error {
	var fs []moment.Field
	for _, err := range errs {
		if e, ok := asDomain(err); ok {
			fs = append(fs, e.Fields...)
		}
	}
	return moment.InvalidFields(fs)
}

// requestKey names the form and what it asks for.
func requestKey(actor string, f *composing, state moment.State) (moment.RequestKey, error) {
	asked := *f
	asked.Agreed = ""
	b, err := json.Marshal([]any{asked, state})
	if err != nil {
		return moment.RequestKey{}, err
	}
	return moment.RequestKey{Actor: composerOf(actor), Key: f.Key, Hash: sha256.Sum256(b)}, nil
}

// composerOf keeps the keys of forms apart from those of tokens.
func composerOf(actor string) string { return "web:" + actor }

// wasMade leads on from a form whose posts are there.
func (s *Web) wasMade(w http.ResponseWriter, r *http.Request, p *composePage, ids []int64) error {
	s.known.forget()
	s.engine.Wake()
	// The posts are there: what was typed is kept no longer, and if that fails now it is not lost either.
	if err := s.store.ForgetTyped(context.WithoutCancel(r.Context()), userOf(r).Name, p.Typed.Form, p.Typed.Key); err != nil {
		s.log.Warn().Err(err).Msg("an autosave of what was submitted stays")
	}
	if len(ids) == 1 {
		say(w, r, "compose.made.one", strconv.FormatInt(ids[0], 10))
		return seeOther(w, r, "/posts/"+strconv.FormatInt(ids[0], 10))
	}
	return seeOther(w, r, "/posts/new/made/"+url.PathEscape(p.Typed.Key))
}
