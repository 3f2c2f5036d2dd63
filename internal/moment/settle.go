package moment

import (
	"errors"
	"slices"
	"time"
)

// CampaignPost is a post of an occurrence as it is stored.
type CampaignPost struct {
	Post
	ByHand bool // a person has changed it since it was made
	Held   bool // the campaign holds it back: it is pending for no reason of its own
}

// Touchable reports whether the campaign may still do anything to the post: it
// has never been tried and waits for its time.
func (p *CampaignPost) Touchable() bool {
	return (p.State == Scheduled || p.State == Pending) && p.Attempt == 0
}

// SettleWhat is what becomes of one post of an occurrence.
type SettleWhat string

// What settling does to a post.
const (
	SettleCreate  SettleWhat = "create"
	SettleRewrite SettleWhat = "rewrite" // text, audience or time follow the campaign
	SettleHold    SettleWhat = "hold"    // scheduled → pending, until the campaign may send
	SettleRelease SettleWhat = "release" // and back
	SettleRenew   SettleWhat = "renew"   // it is to be sent as before, and the approval for that ends at another time
	SettleRemove  SettleWhat = "remove"  // it is no longer planned
	SettleCancel  SettleWhat = "cancel"  // it shall not be sent, and that shall be seen
	SettleKeep    SettleWhat = "keep"    // differs from the plan, and stays: edited by hand
	SettleLeft    SettleWhat = "left"    // it has left, or was tried: nothing touches it
	SettleSame    SettleWhat = "same"
)

// PostChange is one step of settling an occurrence.
type PostChange struct {
	What SettleWhat
	Was  *CampaignPost // nil for SettleCreate
	Post *Post         // as it shall be; nil where nothing is left
	Held bool          // it shall wait for the campaign
}

// Settle compares the posts of an occurrence with what the campaign wants for
// the members: targets and instances that have a post already. member reports
// who is a target now.
func (c *Campaign) Settle(o *Occurrence, members []Target, member func(int64) bool, existing []*CampaignPost, now time.Time) ([]PostChange, []RenderProblem) {
	have := make(map[int64]*CampaignPost, len(existing))
	for _, p := range existing {
		have[p.InstanceID] = p
	}
	var changes []PostChange
	var problems []RenderProblem
	for _, t := range members {
		ch, problem := c.settleOne(o, t, member(t.ID), have[t.ID], now)
		if problem != nil {
			problems = append(problems, *problem)
		}
		if ch.What != "" {
			changes = append(changes, ch)
		}
	}
	return changes, problems
}

func (c *Campaign) settleOne(o *Occurrence, t Target, member bool, was *CampaignPost, now time.Time) (PostChange, *RenderProblem) {
	switch {
	case was == nil:
		return c.settleNew(o, t, member, now)
	case !(was.State == Scheduled || was.State == Pending):
		return PostChange{What: SettleLeft, Was: was}, nil
	case c.State == CampaignStopped:
		return PostChange{What: SettleCancel, Was: was}, nil
	case !c.State.Planned():
		return PostChange{What: SettleSame, Was: was}, nil
	}
	if !was.Touchable() || was.ByHand {
		return settleKept(was, c.State != CampaignActive), nil
	}
	switch {
	case o.State == OccurrenceMissed && was.DueAt.After(now): // its place in the spread is still to come
	case o.State == OccurrenceMissed:
		return PostChange{What: SettleCancel, Was: was}, nil
	case !member || !o.Fires():
		return PostChange{What: SettleRemove, Was: was}, nil
	}
	next, err := c.Post(o, t)
	if err != nil {
		return PostChange{What: SettleRemove, Was: was}, problemOf(t, err)
	}
	return c.compare(was, next, c.holds(o)), nil
}

// settleNew makes a post where there is none. An occurrence that has fired
// makes no posts for those who join later.
func (c *Campaign) settleNew(o *Occurrence, t Target, member bool, now time.Time) (PostChange, *RenderProblem) {
	if !member || !o.Fires() || !c.State.Planned() || o.Settled != 0 && !o.At.After(now) {
		return PostChange{}, nil
	}
	p, err := c.Post(o, t)
	if err != nil {
		return PostChange{}, problemOf(t, err)
	}
	held := c.holds(o)
	if held {
		p.State = Pending
	}
	return PostChange{What: SettleCreate, Post: p, Held: held}, nil
}

// settleKept is for posts that a person has edited, or that were tried: they
// keep what they are and only wait with their campaign.
func settleKept(was *CampaignPost, held bool) PostChange {
	keep := was.Post
	switch {
	case held && was.State == Scheduled:
		return PostChange{What: SettleHold, Was: was, Post: &keep, Held: true}
	case !held && was.State == Pending && was.Held:
		return PostChange{What: SettleRelease, Was: was, Post: &keep}
	case !was.ByHand:
		return PostChange{What: SettleLeft, Was: was}
	}
	return PostChange{What: SettleKeep, Was: was}
}

// holds reports whether the occurrence's posts must wait for a person.
func (c *Campaign) holds(o *Occurrence) bool {
	return c.State != CampaignActive || o.Card != nil && !o.Approved
}

func (c *Campaign) compare(was *CampaignPost, next *Post, held bool) PostChange {
	next.ID, next.Version = was.ID, was.Version
	next.State = Scheduled
	if held {
		next.State = Pending
	}
	ch := PostChange{What: SettleSame, Was: was, Post: next, Held: held}
	switch {
	case was.Card != next.Card || was.FirstComment != next.FirstComment || !was.DueAt.Equal(next.DueAt) ||
		was.MaxLateness != next.MaxLateness || !was.Visibility.equal(next.Visibility):
		ch.What = SettleRewrite
	case was.State == Scheduled && held:
		ch.What = SettleHold
	case was.State == Pending && !held && was.Held:
		ch.What = SettleRelease
	case was.State == Scheduled && c.RequireApproval && !was.ApprovedUntil.Equal(c.ApprovedUntil):
		ch.What = SettleRenew
	}
	if ch.What == SettleRewrite && was.State == Pending && !was.Held { // it waits for an approval of its own
		next.State, ch.Held = Pending, false
	}
	return ch
}

func (v Visibility) equal(o Visibility) bool {
	return v.Mode == o.Mode && slices.Equal(v.Users, o.Users) && slices.Equal(v.Labels, o.Labels)
}

func problemOf(t Target, err error) *RenderProblem {
	p := &RenderProblem{InstanceID: t.ID, Message: MessageOf(err)}
	if e, ok := errors.AsType[*Error](err); ok && len(e.Fields) > 0 {
		p.Field, p.Message = e.Fields[0].Path, e.Fields[0].Message
	}
	return p
}

// Difference is what a change of a campaign would do to its posts.
type Difference struct {
	Counts  map[SettleWhat]int
	List    []DifferenceLine // the first of them, by time
	Partial bool             // there are more posts than were looked at
}

// DifferenceLine is one post that a change would touch, or would not.
type DifferenceLine struct {
	What       SettleWhat
	PostID     int64 // 0 = to be made
	InstanceID int64
	DueAt      time.Time // as it shall be, or is
	DueWas     time.Time // zero for a new one
	Title      string
	TitleWas   string
}

// Line tells a change to people.
func (ch PostChange) Line() DifferenceLine {
	l := DifferenceLine{What: ch.What}
	if ch.Was != nil {
		l.PostID, l.InstanceID, l.DueAt, l.DueWas, l.Title, l.TitleWas = ch.Was.ID, ch.Was.InstanceID, ch.Was.DueAt, ch.Was.DueAt, ch.Was.Card.Title, ch.Was.Card.Title
	}
	if ch.Post != nil {
		l.InstanceID, l.DueAt, l.Title = ch.Post.InstanceID, ch.Post.DueAt, ch.Post.Card.Title
	}
	return l
}
