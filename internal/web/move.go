package web

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"momentcast/internal/moment"
)

// movePage shows a post in short and gives it another time: whole, or as the
// block that the calendar puts into a box.
type movePage struct {
	Frame
	Post     *moment.PostView
	May      bool
	Due      string // as typed, in DueZone
	DueZone  string // of Due
	Back     string // where the calendar was
	Findings []finding
	Free     string // the next time at which nothing is in the way, as Due; "" = none
	FreeName string
	Edit     string // address of the composer; "" = there is none
	Clone    string
}

// finding is one rule that a move breaks.
type finding struct {
	Icon, Text string
}

// Phone is the post as the phone shows it.
func (p *movePage) Phone() phoneCard { return p.PhoneOf(p.Post) }

// Wanted is the typed time in words; "" where it is none.
func (p *movePage) Wanted() string {
	at := exactIn(p.Due, p.DueZone)
	if at.IsZero() {
		return p.Due
	}
	return p.texts.clock(at, p.Now, p.DueZone, p.Zone)
}

// movedPage says that a post was moved, and takes it back.
type movedPage struct {
	Frame
	Post *moment.Post
	Text string
	Was  string // its time before

	Back string
}

func (s *Web) askMove(w http.ResponseWriter, r *http.Request) error {
	id, err := pathID(r)
	if err != nil {
		return err
	}
	return s.movePage(w, r, id, &movePage{Back: r.URL.Query().Get("back")})
}

// movePage fills p with the post as it is now.
func (s *Web) movePage(w http.ResponseWriter, r *http.Request, id int64, p *movePage) error {
	post, err := s.store.Post(r.Context(), id)
	if err != nil {
		return err
	}
	k, err := s.known.get(r.Context())
	if err != nil {
		return err
	}
	p.Post, p.DueZone, p.Back = post, k.settings.TimeZone, backToCalendar(p.Back)
	p.May = movable(post.State) && userOf(r).May(moment.PermWrite)
	if p.Due == "" && !post.DueAt.IsZero() {
		p.Due = post.DueAt.In(location(p.DueZone)).Format(localTime)
	}
	if _, err := post.State.After(moment.ActEdit); err == nil && s.has("/posts/{id}/edit") && userOf(r).May(moment.PermWrite) {
		p.Edit = fmt.Sprintf("/posts/%d/edit", id)
	}
	if s.has("/posts/new") && userOf(r).May(moment.PermWrite) {
		p.Clone = fmt.Sprintf("/posts/new?from=%d", id)
	}
	return s.page(w, r, view{Status: statusFor(p.Problem), Page: "move", Block: "movebox", Data: p})
}

// backToCalendar is where a move leads back to: to a calendar or the queue.
func backToCalendar(path string) string {
	if path = localPath(path); strings.HasPrefix(path, "/calendar?") || strings.HasPrefix(path, "/queue") {
		return path
	}
	return "/calendar"
}

// move gives a post another time. What breaks a rule is asked about first,
// unless the form says that it is meant.
func (s *Web) move(w http.ResponseWriter, r *http.Request) error {
	id, err := pathID(r)
	if err != nil {
		return err
	}
	if err := parseForm(w, r); err != nil {
		return err
	}
	form := r.PostForm
	p := &movePage{Due: strings.TrimSpace(form.Get("due_at")), Back: form.Get("back")}
	post, err := s.store.Post(r.Context(), id)
	if err != nil {
		return err
	}
	after, err := s.tryMove(r, post, p)
	switch {
	case err == nil && after == nil:
		p.Problem = &problem{What: p.texts.get("move.broken"), Why: p.texts.get("move.broken.why"), status: http.StatusConflict}
		return s.movePage(w, r, id, p)
	case refused(err):
		p.Problem = explain(s.texts[langOf(r)], err)
		return s.movePage(w, r, id, p)
	case err != nil:
		return err
	}
	s.known.forget()
	s.engine.Wake()
	return s.moved(w, r, post, after, backToCalendar(p.Back))
}

// tryMove moves the post, or fills in what is in the way and returns nil.
func (s *Web) tryMove(r *http.Request, post *moment.PostView, p *movePage) (*moment.Post, error) {
	k, err := s.known.get(r.Context())
	if err != nil {
		return nil, err
	}
	version := number(r.PostForm.Get("version"))
	if version == 0 {
		return nil, moment.Errorf(moment.Invalid, "The form does not say which version of the post was seen.")
	}
	if version != post.Version {
		return nil, moment.Errorf(moment.Precondition, "Somebody has changed the post meanwhile; load it again and decide.")
	}
	if !movable(post.State) {
		return nil, moment.Errorf(moment.Conflict, "The post is past the point where the calendar moves it.")
	}
	p.DueZone, p.texts = k.settings.TimeZone, s.texts[langOf(r)]
	at := exactIn(p.Due, p.DueZone)
	if err := checkDue(at, "due_at"); err != nil {
		return nil, err
	}
	if r.PostForm.Get("anyway") == "" {
		if err := s.findings(r.Context(), p, post, at, k.settings.TimeZone); err != nil || len(p.Findings) > 0 {
			return nil, err
		}
	}
	return s.store.ActOnPost(r.Context(), post.ID, version, moment.Act{Action: moment.ActReschedule, DueAt: at}, origin(r))
}

// findings fills in which rules the post would break at that time.
func (s *Web) findings(ctx context.Context, p *movePage, post *moment.PostView, at time.Time, zone string) error {
	o, err := s.store.Outlook(ctx, []int64{post.InstanceID})
	if err != nil {
		return err
	}
	d := moment.Due{ID: post.ID, DueAt: at}
	if post.MaxLateness > 0 {
		d.MissAt = at.Add(post.MaxLateness)
	}
	m := o.Move(post.InstanceID, d)
	inst, ok := o.Instances[post.InstanceID]
	if !ok {
		return moment.Errorf(moment.NotFound, "There is no such instance.")
	}
	say := sayer{p.texts, o.Situation.Now, post.TimeZone, zone, inst.Instance.Pacing.Over(o.Defaults)}
	p.Findings = say.move(&m, post)
	planned := post.Post
	planned.DueAt = at
	checks, err := s.store.CheckPosts(ctx, []*moment.Post{&planned})
	if err != nil {
		return err
	}
	for _, c := range checks[0].Clashes {
		if c.Kind == moment.ClashLink { // the others are told with what they do
			p.Findings = append(p.Findings, finding{"link", p.texts.get("move.twin", c.Limit, c.Post, say.clock(c.At), p.texts.get("state."+string(c.State.Shown())))})
		}
	}
	if !m.Fits() && !m.Free.IsZero() {
		p.Free, p.FreeName = m.Free.In(location(zone)).Format(localTime), say.clock(m.Free)
	}
	return nil
}

// sayer says what a move would do, in the visitor's words.
type sayer struct {
	c           catalogue
	now         time.Time
	zone, usual string
	pace        moment.Pacing
}

func (s sayer) clock(t time.Time) string { return s.c.clock(t, s.now, s.zone, s.usual) }

// delaysMost is how many posts that a move delays are named.
const delaysMost = 5

func (s sayer) move(m *moment.Move, post *moment.PostView) (out []finding) {
	if m.Past {
		out = append(out, finding{"clock-x", s.c.get("move.past")})
	}
	if d := m.Departure; d.Why != "" && !d.At.IsZero() {
		out = append(out, finding{"lock", s.held(d)})
	}
	if m.Departure.Missed {
		out = append(out, finding{"clock-x", s.c.get("move.missed", s.c.span(post.MaxLateness))})
	}
	for _, d := range m.Delayed[:min(len(m.Delayed), delaysMost)] {
		text := s.c.get("move.delays", d.Is.ID, s.clock(d.Was.At), s.clock(d.Is.At))
		if d.Is.Missed {
			text = s.c.get("move.misses", d.Is.ID, s.clock(d.Was.At))
		}
		out = append(out, finding{"calendar-time", text})
	}
	if more := len(m.Delayed) - delaysMost; more > 0 {
		out = append(out, finding{"calendar-time", s.c.get("move.delays.more", more)})
	}
	return out
}

// held says what keeps a post from its time, with the rule.
func (s sayer) held(d moment.Departure) string {
	switch d.Why {
	case moment.HeldGap:
		return s.c.get("move.gap", s.c.span(s.pace.MinGap), s.clock(d.At))
	case moment.HeldDailyCap:
		return s.c.get("move.cap", s.pace.DailyCap, s.clock(d.At))
	case moment.HeldQuietHours:
		return s.c.get("move.quiet", string(s.pace.QuietHours), s.clock(d.At))
	case moment.HeldOnlineAge:
		return s.c.get("move.age", s.c.span(s.pace.OnlineAge), s.clock(d.At))
	}
	return s.c.get("move.held", s.c.get("hold."+string(d.Why)), s.clock(d.At))
}

// exactTime is a local time to the part of a second: an undo must bring back the
// time that was.
const exactTime = "2006-01-02T15:04:05.999999999"

// exactIn reads a local time in the zone, to the minute or closer; zero if it is
// none.
func exactIn(s, zone string) time.Time {
	if t, err := time.ParseInLocation(exactTime, s, location(zone)); err == nil {
		return t
	}
	return inZone(s, zone)
}

// moved answers a move that was made.
func (s *Web) moved(w http.ResponseWriter, r *http.Request, was *moment.PostView, is *moment.Post, back string) error {
	k, err := s.known.get(r.Context())
	if err != nil {
		return err
	}
	c, zone := s.texts[langOf(r)], k.settings.TimeZone
	at := c.clock(is.DueAt, time.Now(), was.TimeZone, zone)
	if !fragment(r) {
		say(w, r, "done.moved", strconv.FormatInt(is.ID, 10), at)
		return seeOther(w, r, back)
	}
	p := &movedPage{Post: is, Back: back, Text: c.get("done.moved", strconv.FormatInt(is.ID, 10), at),
		Was: was.DueAt.In(location(zone)).Format(exactTime)}
	return s.page(w, r, view{Page: "move", Block: "toastbody", Data: p})
}
