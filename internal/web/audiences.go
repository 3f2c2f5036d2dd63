package web

import (
	"context"
	"errors"
	"net/http"
	"strconv"

	"momentcast/internal/moment"
)

// AudienceStore is the part of the database that changes audiences.
type AudienceStore interface {
	AudienceUse(ctx context.Context, id int64, limit int) (moment.AudienceUse, error)
	AddAudience(ctx context.Context, a *moment.Audience, by moment.Origin) (id int64, err error)
	ChangeAudience(ctx context.Context, id, ifVersion int64, what moment.AudienceChange, change func(*moment.Audience) error, by moment.Origin) (moment.Rewritten, error)
	DeleteAudience(ctx context.Context, id, ifVersion int64, by moment.Origin) error
}

// audiencesPage lists the audiences.
type audiencesPage struct {
	Frame
	Audiences []audienceRow
	Find      string
	More      bool
}

type audienceRow struct {
	moment.AudienceView
	Sentence string
}

func (s *Web) audiences(w http.ResponseWriter, r *http.Request) error {
	p := &audiencesPage{Find: clean(r.URL.Query().Get("q"))}
	list, more, err := s.store.Audiences(r.Context(), moment.AudienceQuery{Text: p.Find, Limit: presetsMost})
	if err != nil {
		return err
	}
	p.More = more
	var all moment.Visibility // the names of all of them are looked up at once
	for i := range list {
		all.Labels = append(all.Labels, list[i].Visibility.Labels...)
		if len(list[i].Visibility.Users) < namedMost { // more are counted, not named
			all.Users = append(all.Users, list[i].Visibility.Users...)
		}
	}
	names, err := s.store.NamesOf(r.Context(), nil, all)
	if err != nil {
		return err
	}
	for i := range list {
		p.Audiences = append(p.Audiences, audienceRow{list[i], audience(s.texts[langOf(r)], list[i].Visibility, names)})
	}
	return s.page(w, r, view{Page: "audiences", Block: "audiences", Data: p})
}

// usedMost is how many posts a page names that use an audience.
const usedMost = 50

// audiencePage shows one audience with what uses it.
type audiencePage struct {
	Frame
	Row           audienceRow
	Use           moment.AudienceUse
	Labels, Users map[string]string // names of the ids
	MoreUse       bool
	Names         []moment.AudienceCampaign // the first campaigns that use it
	Follow        int                       // campaigns that equal it
	FollowPosts   int64                     // and what waits of their posts
}

func (s *Web) audiencePage(w http.ResponseWriter, r *http.Request) error {
	id, err := pathID(r)
	if err != nil {
		return err
	}
	p := &audiencePage{}
	if err := s.loadAudience(r, id, p); err != nil {
		return err
	}
	return s.page(w, r, view{Page: "audience", Block: "audience", Data: p})
}

func (s *Web) loadAudience(r *http.Request, id int64, p *audiencePage) error {
	a, err := s.store.Audience(r.Context(), id)
	if err != nil {
		return err
	}
	names, err := s.store.NamesOf(r.Context(), nil, a.Visibility)
	if err != nil {
		return err
	}
	p.Row = audienceRow{*a, audience(s.texts[langOf(r)], a.Visibility, names)}
	p.Labels, p.Users = labelsOf(names), usersOf(names)
	p.Use, err = s.store.AudienceUse(r.Context(), id, usedMost)
	p.MoreUse = p.Use.Same > int64(len(p.Use.Posts))
	p.Names = p.Use.Campaigns[:min(len(p.Use.Campaigns), usedMost)]
	p.Follow, p.FollowPosts = p.Use.Follow()
	return err
}

// audienceForm makes or changes an audience.
type audienceForm struct {
	Frame
	ID      int64 // 0 = a new one
	Version int64 // that was seen
	Name    string
	Note    string
	Who     *visibilityForm
	Stored  *audienceRow // as somebody else left it meanwhile; nil = nobody did
}

func (s *Web) newAudience(w http.ResponseWriter, r *http.Request) error {
	f := &audienceForm{}
	ch := visibilityChoice{}
	if from := number(r.URL.Query().Get("from")); from != 0 {
		a, err := s.store.Audience(r.Context(), from)
		if err != nil {
			return err
		}
		f.Name, f.Note, ch = s.texts[langOf(r)].get("audience.copy", short(80, a.Name)), a.Note, choiceOf(a.Visibility)
	}
	return s.audienceForm(w, r, f, ch)
}

func (s *Web) editAudience(w http.ResponseWriter, r *http.Request) error {
	id, err := pathID(r)
	if err != nil {
		return err
	}
	a, err := s.store.Audience(r.Context(), id)
	if err != nil {
		return err
	}
	if a.Archived {
		return moment.Errorf(moment.NotFound, "There is no such audience.")
	}
	return s.audienceForm(w, r, &audienceForm{ID: id, Version: a.Version, Name: a.Name, Note: a.Note}, choiceOf(a.Visibility))
}

func (s *Web) audienceForm(w http.ResponseWriter, r *http.Request, f *audienceForm, ch visibilityChoice) (err error) {
	if f.Who, err = s.visibilityForm(r.Context(), s.texts[langOf(r)], ch, nil, f.Problem); err != nil {
		return err
	}
	f.Who.NoPresets = true
	return s.page(w, r, view{Status: statusFor(f.Problem), Page: "audience_form", Data: f})
}

// saveAudience stores a new audience or a change of one.
func (s *Web) saveAudience(w http.ResponseWriter, r *http.Request) error {
	var id int64
	if r.PathValue("id") != "" {
		var err error
		if id, err = pathID(r); err != nil {
			return err
		}
	}
	if err := parseForm(w, r); err != nil {
		return err
	}
	ch := readVisibility(r.PostForm)
	f := &audienceForm{ID: id, Version: number(r.PostForm.Get("version")), Name: clean(r.PostForm.Get("name")), Note: r.PostForm.Get("note")}
	var rewritten moment.Rewritten
	var err error
	switch {
	case id == 0:
		id, err = s.store.AddAudience(r.Context(), &moment.Audience{Name: f.Name, Note: f.Note, Visibility: ch.typed()}, origin(r))
	case f.Version == 0:
		return moment.Errorf(moment.Invalid, "The form does not say which version was seen.")
	default:
		rewritten, err = s.store.ChangeAudience(r.Context(), id, f.Version, moment.AudienceChange(r.PostForm.Get("posts")), func(a *moment.Audience) error {
			a.Name, a.Note, a.Visibility = f.Name, f.Note, ch.typed()
			return nil
		}, origin(r))
	}
	switch {
	case err == nil:
	case asksForPosts(err):
		return s.askAudience(w, r, f, ch)
	case refused(err):
		return s.refusedAudience(w, r, f, ch, err)
	default:
		return err
	}
	if rewritten == (moment.Rewritten{}) {
		say(w, r, "done.audience", f.Name)
		return seeOther(w, r, "/audiences/"+strconv.FormatInt(id, 10))
	}
	s.engine.Wake()
	say(w, r, "done.audience.rewritten", f.Name, strconv.Itoa(rewritten.Campaigns), strconv.Itoa(rewritten.Posts))
	return seeOther(w, r, "/audiences/"+strconv.FormatInt(id, 10))
}

// refusedAudience shows the form as it was typed, what is wrong with it, and
// what somebody else has made of the audience.
func (s *Web) refusedAudience(w http.ResponseWriter, r *http.Request, f *audienceForm, ch visibilityChoice, err error) error {
	c := s.texts[langOf(r)]
	f.Problem = explain(c, err)
	if moment.KindOf(err) == moment.Precondition {
		stored := &audiencePage{}
		if err := s.loadAudience(r, f.ID, stored); err != nil {
			return err
		}
		f.Stored, f.Version = &stored.Row, stored.Row.Version // who saves now has seen it
	}
	return s.audienceForm(w, r, f, ch)
}

// asksForPosts reports whether the change is right, but for a word on the posts
// that use the audience.
func asksForPosts(err error) bool {
	e, ok := errors.AsType[*moment.Error](err)
	return ok && len(e.Fields) == 1 && e.Fields[0].Path == "posts"
}

// audienceChangePage asks what becomes of the posts that use an audience.
type audienceChangePage struct {
	audiencePage
	ID      int64
	Was, Is string // in one sentence
	Voids   int64  // approvals that end
	Touches int64  // posts that are not sent yet, in all
	Typed   []hidden
}

func (s *Web) askAudience(w http.ResponseWriter, r *http.Request, f *audienceForm, ch visibilityChoice) error {
	p := &audienceChangePage{ID: f.ID, Typed: hiddenOf(r.PostForm, "posts")}
	if err := s.loadAudience(r, f.ID, &p.audiencePage); err != nil {
		return err
	}
	seen, err := s.seen(r.Context(), s.texts[langOf(r)], ch, nil)
	if err != nil {
		return err
	}
	p.Was, p.Is, p.Voids, p.Touches = p.Row.Sentence, seen.Sentence, p.Use.Approved, p.Use.Same+p.FollowPosts
	for _, c := range p.Use.Campaigns {
		if c.Approved {
			p.Voids++
		}
	}
	return s.page(w, r, view{Page: "audience_change", Data: p})
}

func (s *Web) askDeleteAudience(w http.ResponseWriter, r *http.Request) error {
	id, err := pathID(r)
	if err != nil {
		return err
	}
	return s.deletePage(w, r, id, nil)
}

// audienceDeletePage says what deleting an audience leaves behind.
type audienceDeletePage struct{ audiencePage }

func (s *Web) deletePage(w http.ResponseWriter, r *http.Request, id int64, p *problem) error {
	page := &audienceDeletePage{}
	if err := s.loadAudience(r, id, &page.audiencePage); err != nil {
		return err
	}
	page.Problem = p
	return s.page(w, r, view{Status: statusFor(p), Page: "audience_delete", Data: page})
}

func (s *Web) deleteAudience(w http.ResponseWriter, r *http.Request) error {
	id, err := pathID(r)
	if err != nil {
		return err
	}
	if err := parseForm(w, r); err != nil {
		return err
	}
	a, err := s.store.Audience(r.Context(), id)
	if err != nil {
		return err
	}
	err = s.store.DeleteAudience(r.Context(), id, number(r.PostForm.Get("version")), origin(r))
	if refused(err) {
		return s.deletePage(w, r, id, explain(s.texts[langOf(r)], err))
	}
	if err != nil {
		return err
	}
	say(w, r, "done.audience.deleted", a.Name)
	return seeOther(w, r, "/audiences")
}
