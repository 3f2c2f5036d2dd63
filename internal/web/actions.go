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

// doing is what pages offer of an action on one post.
type doing struct {
	action moment.Action
	needs  moment.Permission
	danger bool // its button warns
}

// doings are the actions on a post that have a page to confirm them. What is
// not here is offered by other pages (editing, approval).
var doings = []doing{
	{moment.ActSubmit, moment.PermWrite, false},
	{moment.ActReschedule, moment.PermWrite, false},
	{moment.ActSendNow, moment.PermOperate, false},
	{moment.ActRetry, moment.PermOperate, false},
	{moment.ActFoundSent, moment.PermOperate, false},
	{moment.ActNotSent, moment.PermOperate, true},
	{moment.ActLeave, moment.PermOperate, false},
	{moment.ActReopen, moment.PermOperate, false},
	{moment.ActRecall, moment.PermOperate, true},
	{moment.ActCancel, moment.PermWrite, true},
	{moment.ActDelete, moment.PermWrite, true},
}

// actionRoutes asks and does, for every action.
func (s *Web) actionRoutes() []route {
	var out []route
	for _, d := range doings {
		path := "/posts/{id}/" + string(d.action)
		out = append(out, route{"GET " + path, d.needs, s.askAction(d)}, route{"POST " + path, d.needs, s.doAction(d)})
	}
	return out
}

// review is the way to where an approver releases a post or gives it back:
// neither is done without a look at the card.
func review(id int64) step {
	return step{Action: moment.ActApprove, Path: fmt.Sprintf("/approvals?post=%d", id), Main: true}
}

// steps are the actions that the state and the user's roles allow, what is
// usually right first.
func steps(p *moment.Post, u moment.User) []step {
	var out []step
	id, state := p.ID, p.State
	if state == moment.Pending && u.May(moment.PermApprove) {
		out = append(out, review(id))
	}
	for _, d := range doings {
		if _, err := p.After(d.action); err != nil || !u.May(d.needs) {
			continue
		}
		main := d.action == usual[state]
		out = append(out, step{Action: d.action, Path: fmt.Sprintf("/posts/%d/%s", id, d.action), Main: main})
		if last := len(out) - 1; main {
			copy(out[1:], out[:last])
			out[0] = step{Action: d.action, Path: fmt.Sprintf("/posts/%d/%s", id, d.action), Main: true}
		}
	}
	return out
}

// usual is what is most often right in a state.
var usual = map[moment.State]moment.Action{
	moment.Draft: moment.ActSubmit, moment.Failed: moment.ActRetry, moment.Missed: moment.ActReschedule, moment.Unknown: moment.ActFoundSent,
}

// actionPage says what an action will do, and asks for what it needs.
type actionPage struct {
	Frame
	Action   moment.Action
	Danger   bool
	Post     *moment.PostView
	Allowed  bool // the state allows it
	Version  int64
	Due      string
	Reason   string
	MomentID string
	Mode     string
}

func (s *Web) askAction(d doing) handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		id, err := pathID(r)
		if err != nil {
			return err
		}
		p := &actionPage{Mode: "delete"}
		if m := r.URL.Query().Get("moment_id"); momentTime(m) != (time.Time{}) { // one that a read-back saw
			p.MomentID = m
		}
		return s.actionPage(w, r, d, id, p)
	}
}

// actionPage fills p with the post as it is now.
func (s *Web) actionPage(w http.ResponseWriter, r *http.Request, d doing, id int64, p *actionPage) error {
	post, err := s.store.Post(r.Context(), id)
	if err != nil {
		return err
	}
	_, refusal := post.After(d.action)
	p.Action, p.Danger, p.Post, p.Allowed, p.Version = d.action, d.danger, post, refusal == nil, post.Version
	if p.Due == "" && d.action == moment.ActReschedule && !post.DueAt.IsZero() {
		p.Due = post.DueAt.In(location(post.TimeZone)).Format(localTime)
	}
	return s.page(w, r, view{Status: statusFor(p.Problem), Page: "action", Data: p})
}

func (s *Web) doAction(d doing) handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		id, err := pathID(r)
		if err != nil {
			return err
		}
		if err := parseForm(w, r); err != nil {
			return err
		}
		err = s.act(r, d.action, id)
		if refused(err) {
			p := &actionPage{Due: r.PostForm.Get("due_at"), Reason: r.PostForm.Get("reason"), MomentID: r.PostForm.Get("moment_id"), Mode: r.PostForm.Get("mode")}
			p.Problem = explain(s.texts[langOf(r)], err)
			return s.actionPage(w, r, d, id, p)
		}
		if err != nil {
			return err
		}
		s.known.forget()
		s.engine.Wake()
		say(w, r, "done."+string(d.action), strconv.FormatInt(id, 10))
		if d.action == moment.ActDelete {
			return seeOther(w, r, "/queue")
		}
		return seeOther(w, r, "/posts/"+strconv.FormatInt(id, 10))
	}
}

// act does it, on the version of the post that was seen. A form that is sent
// twice names a version that is gone by then.
func (s *Web) act(r *http.Request, action moment.Action, id int64) error {
	ctx, form := r.Context(), r.PostForm
	version := number(form.Get("version"))
	if version == 0 {
		return moment.Errorf(moment.Invalid, "The form does not say which version of the post was seen.")
	}
	if action == moment.ActDelete {
		return s.store.DeletePost(ctx, id, version, origin(r))
	}
	p, err := s.store.Post(ctx, id)
	if err != nil {
		return err
	}
	a, err := readAct(r, action, p)
	if err != nil {
		return err
	}
	if action == moment.ActRecall {
		if err := s.takeBack(ctx, p, version, a.Recall); err != nil {
			return err
		}
		// The moment is gone by now: that is recorded even if the visitor does not wait for it.
		ctx = context.WithoutCancel(ctx)
	}
	_, err = s.store.ActOnPost(ctx, id, version, a, origin(r))
	return err
}

// readAct reads what the action needs from the form.
func readAct(r *http.Request, action moment.Action, p *moment.PostView) (moment.Act, error) {
	form := r.PostForm
	a := moment.Act{Action: action, Reason: strings.TrimSpace(form.Get("reason"))}
	if m := moment.CheckText(a.Reason, false, maxReason); m != "" {
		return a, moment.InvalidFields([]moment.Field{{Path: "reason", Message: m}})
	}
	switch action {
	case moment.ActReschedule:
		a.DueAt = inZone(form.Get("due_at"), p.TimeZone)
		return a, checkDue(a.DueAt, "due_at")
	case moment.ActFoundSent:
		a.MomentID = strings.TrimSpace(form.Get("moment_id"))
		if a.Created = momentTime(a.MomentID); a.Created.IsZero() {
			return a, moment.InvalidFields([]moment.Field{{Path: "moment_id", Message: "is a number, as the gateway's list shows it"}})
		}
	case moment.ActRecall:
		a.Recall = moment.RecallMode(form.Get("mode"))
		if a.Recall != moment.RecallDelete && a.Recall != moment.RecallPrivate {
			return a, moment.InvalidFields([]moment.Field{{Path: "mode", Message: "is required"}})
		}
	}
	return a, nil
}

// momentTime is when the moment was made: the id carries it. Zero for what is
// no id.
func momentTime(momentID string) time.Time {
	id, err := strconv.ParseUint(momentID, 10, 64)
	if err != nil || id == 0 || strconv.FormatUint(id, 10) != momentID {
		return time.Time{}
	}
	return time.UnixMilli(int64(id >> 23))
}
