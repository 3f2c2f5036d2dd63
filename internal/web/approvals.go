package web

import (
	"context"
	"crypto/rand"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"momentcast/internal/lint"
	"momentcast/internal/moment"
)

// ApprovalStore tells what an approver may not release.
type ApprovalStore interface {
	Approver(ctx context.Context, by moment.Origin) (moment.Approver, error)
}

// approvalRoutes are the pages of those who release posts.
func (s *Web) approvalRoutes() []route {
	const approve = moment.PermApprove
	return []route{
		{"GET /approvals", approve, s.approvals},
		{"POST /approvals/bulk", approve, s.approveMany},
		{"POST /approvals/{id}/approve", approve, s.ruleOn(moment.ActApprove)},
		{"POST /approvals/{id}/reject", approve, s.ruleOn(moment.ActReject)},
	}
}

// approvalsPage lists what waits for approval, one of it opened.
type approvalsPage struct {
	Frame
	Campaigns []moment.CampaignView // that wait as a whole, newest first
	Rows      []approvalRow
	Open      *approvalCase // nil = nothing waits
	Gone      int64         // the post that was asked for and does not wait (any more); 0 = none
	Reason    string        // as typed
	Key       string        // makes a bulk form one job
	Total     int
	First     bool
	Next, Top string
}

// approvalRow is one post that waits.
type approvalRow struct {
	moment.PostView
	Own      string // why this approver may not release it; "" = they may
	Urgency  string // "past", "soon" or ""
	Findings []lint.Finding
	Here     bool
}

// approvalCase is what an approver looks at.
type approvalCase struct {
	approvalRow
	Last      *moment.Approval // the last ruling; nil = this is the first
	Compared  []comparison     // since then
	Until     time.Time        // how long an approval given now holds; zero = for ever
	Short     bool             // that is over before the post is due
	After     int64            // the post to look at next; 0 = none
	Names     []moment.Names   // of labels and contacts, as far as known
	Lang      string
	MissedNow bool // approved now, it is missed at once
}

// comparison is one field as it was ruled on and as it is.
type comparison struct {
	Field  string
	Pieces []piece
}

// Phone draws the open post, its audience by names.
func (p *approvalsPage) Phone() phoneCard {
	card := p.PhoneOf(&p.Open.PostView)
	card.Who = audience(p.texts, p.Open.Visibility, p.Open.Names)
	return card
}

// campaignsShown is how many waiting campaigns stand above the posts.
const campaignsShown = 20

// soon is how near a due time must be to be marked.
const soon = 2 * time.Hour

func (s *Web) approvals(w http.ResponseWriter, r *http.Request) error {
	return s.approvalsPage(w, r, number(r.URL.Query().Get("post")), &approvalsPage{})
}

// approvalsPage fills p with what waits now; open = 0 opens the first.
func (s *Web) approvalsPage(w http.ResponseWriter, r *http.Request, open int64, p *approvalsPage) error {
	ctx := r.Context()
	k, err := s.known.get(ctx)
	if err != nil {
		return err
	}
	q := moment.PostQuery{States: []moment.State{moment.Pending}, Ruling: true, Ascending: true, Limit: pageSize, After: readCursor(r.URL.Query().Get("after"))}
	posts, more, err := s.store.Posts(ctx, q)
	if err != nil {
		return err
	}
	p.First, p.Top, p.Key = q.After == nil, "/approvals", rand.Text()
	if more {
		p.Next = "/approvals?after=" + cursor(&posts[len(posts)-1])
	}
	if p.Total, err = s.store.CountPosts(ctx, q, countMost); err != nil {
		return err
	}
	if p.First {
		if p.Campaigns, _, err = s.store.Campaigns(ctx, moment.CampaignQuery{States: []moment.CampaignState{moment.CampaignPending}, Limit: campaignsShown}); err != nil {
			return err
		}
	}
	who, err := s.store.Approver(ctx, origin(r))
	if err != nil {
		return err
	}
	for _, v := range posts {
		p.Rows = append(p.Rows, s.approvalRow(r, v, who, k))
	}
	if open == 0 && len(p.Rows) > 0 {
		open = p.Rows[0].ID
	}
	if open != 0 {
		if err := s.openCase(r, p, open, who, k); err != nil {
			return err
		}
	}
	return s.page(w, r, view{Status: statusFor(p.Problem), Page: "approvals", Block: "approvals", Data: p})
}

func (s *Web) approvalRow(r *http.Request, v moment.PostView, who moment.Approver, k picture) approvalRow {
	row := approvalRow{PostView: v, Findings: lint.Check(lint.Input{Card: v.Card, FirstComment: v.FirstComment}, lint.Of(k.settings))}
	if err := v.MayApprove(who); err != nil {
		row.Own = explain(s.texts[langOf(r)], err).Why
	}
	switch left := v.DueAt.Sub(k.status.Now); {
	case left <= 0:
		row.Urgency = "past"
	case left < soon:
		row.Urgency = "soon"
	}
	return row
}

// openCase opens the post, if it (still) waits.
func (s *Web) openCase(r *http.Request, p *approvalsPage, id int64, who moment.Approver, k picture) error {
	d, err := s.store.PostDetail(r.Context(), id)
	if moment.KindOf(err) == moment.NotFound || err == nil && d.State != moment.Pending {
		p.Gone = id
		if len(p.Rows) == 0 || p.Rows[0].ID == id {
			return nil
		}
		d, err = s.store.PostDetail(r.Context(), p.Rows[0].ID)
	}
	if err != nil {
		return err
	}
	c := &approvalCase{approvalRow: s.approvalRow(r, d.PostView, who, k), Lang: langOf(r)}
	if c.Names, err = s.store.NamesOf(r.Context(), []int64{d.InstanceID}, d.Visibility); err != nil {
		return err
	}
	now := k.status.Now
	c.MissedNow = !d.MissAt().IsZero() && !d.MissAt().After(now)
	if e := k.settings.ApprovalExpires; e > 0 {
		c.Until = now.Add(e)
		c.Short = d.DueAt.After(c.Until)
	}
	if n := len(d.Approvals); n > 0 {
		c.Last = &d.Approvals[n-1]
		c.Compared = compareContent(s.texts[langOf(r)], c.Last.Content, d.Content(), c.Names)
	}
	at := slices.IndexFunc(p.Rows, func(row approvalRow) bool { return row.ID == d.ID })
	if at >= 0 {
		p.Rows[at].Here = true
	}
	switch {
	case at+1 < len(p.Rows):
		c.After = p.Rows[at+1].ID
	case at > 0:
		c.After = p.Rows[0].ID
	}
	p.Open = c
	return nil
}

// compareContent says what is different, field by field.
func compareContent(c catalogue, was, is moment.Content, names []moment.Names) []comparison {
	var out []comparison
	add := func(field, a, b string) {
		if d := diff(a, b); changedText(d) {
			out = append(out, comparison{c.get("field." + field), d})
		}
	}
	add("content", was.Card.Content, is.Card.Content)
	add("title", was.Card.Title, is.Card.Title)
	add("description", was.Card.Description, is.Card.Description)
	add("url", was.Card.URL, is.Card.URL)
	add("thumb_url", was.Card.ThumbURL, is.Card.ThumbURL)
	add("visibility", namedAudience(c, was.Visibility, names), namedAudience(c, is.Visibility, names))
	add("first_comment", was.FirstComment, is.FirstComment)
	return out
}

// namedAudience is an audience with everybody it names.
func namedAudience(c catalogue, v moment.Visibility, names []moment.Names) string {
	text := audience(c, v, names)
	for _, list := range [][]string{v.Users, v.Labels} {
		if len(list) > 0 {
			text += "\n" + strings.Join(slices.Sorted(slices.Values(list)), " ")
		}
	}
	return text
}

// ruleOn approves or rejects what was seen, and leads to the next post.
func (s *Web) ruleOn(action moment.Action) handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		id, err := pathID(r)
		if err != nil {
			return err
		}
		if err := parseForm(w, r); err != nil {
			return err
		}
		act := moment.Act{Action: action, Hash: r.PostForm.Get("hash"), Reason: strings.TrimSpace(r.PostForm.Get("reason"))}
		if err = checkRuling(act, number(r.PostForm.Get("version"))); err == nil {
			_, err = s.store.ActOnPost(r.Context(), id, number(r.PostForm.Get("version")), act, origin(r))
		}
		switch {
		case err == nil:
		case refused(err), moment.KindOf(err) == moment.Forbidden:
			p := &approvalsPage{Reason: r.PostForm.Get("reason")}
			p.Problem = explain(s.texts[langOf(r)], err)
			return s.approvalsPage(w, r, id, p)
		default:
			return err
		}
		s.known.forget()
		s.engine.Wake()
		say(w, r, "done."+string(action), strconv.FormatInt(id, 10))
		if next := number(r.PostForm.Get("next")); next != 0 {
			return seeOther(w, r, "/approvals?post="+strconv.FormatInt(next, 10))
		}
		return seeOther(w, r, "/approvals")
	}
}

func checkRuling(a moment.Act, version int64) error {
	if version == 0 || a.Action == moment.ActApprove && a.Hash == "" {
		return moment.Errorf(moment.Invalid, "The form does not say which version of the post was seen.")
	}
	if a.Action != moment.ActReject {
		return nil
	}
	if m := moment.CheckText(a.Reason, true, maxReason); m != "" {
		return moment.InvalidFields([]moment.Field{{Path: "reason", Message: m}})
	}
	return nil
}

// approveMany releases what was ticked, each post as it was seen.
func (s *Web) approveMany(w http.ResponseWriter, r *http.Request) error {
	if err := parseForm(w, r); err != nil {
		return err
	}
	ids, key := r.PostForm["id"], r.PostForm.Get("key")
	if len(ids) == 0 {
		say(w, r, "bulk.none")
		return seeOther(w, r, "/approvals")
	}
	if len(ids) > selectedMost || len(key) < 20 || len(key) > 64 {
		return moment.Errorf(moment.Invalid, "There is no such bulk change.")
	}
	items := make([]moment.JobItem, len(ids))
	for i, seen := range ids {
		name, hash, _ := strings.Cut(seen, ".")
		if hash == "" {
			hash = "unseen" // is no content's: without one, whatever the post says by now would be released
		}
		items[i] = moment.JobItem{PostID: number(name), Hash: hash}
	}
	job := moment.Job{Key: jobKey(r), Kind: "approve", Back: "/approvals"}
	if err := s.startJob(r, job, items); err != nil {
		return err
	}
	return seeOther(w, r, "/jobs/"+job.Key)
}
