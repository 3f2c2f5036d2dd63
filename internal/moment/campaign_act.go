package moment

import (
	"fmt"
	"slices"
	"time"
)

// CampaignAction is what moves a campaign from one state to another.
type CampaignAction string

// Actions on campaigns.
const (
	CampaignActivate CampaignAction = "activate" // a draft is complete
	CampaignApprove  CampaignAction = "approve"  // an approver releases the plan as it is
	CampaignReject   CampaignAction = "reject"   // an approver gives it back
	CampaignPause    CampaignAction = "pause"
	CampaignResume   CampaignAction = "resume"
	CampaignStop     CampaignAction = "stop"
	CampaignEdit     CampaignAction = "edit"
	CampaignDelete   CampaignAction = "delete" // a draft
)

// campaignFrom lists the states that allow an action.
var campaignFrom = map[CampaignAction][]CampaignState{
	CampaignActivate: {CampaignDraft},
	CampaignApprove:  {CampaignPending, CampaignActive}, // active: occurrences with a card of their own wait
	CampaignReject:   {CampaignPending},
	CampaignPause:    {CampaignPending, CampaignActive},
	CampaignResume:   {CampaignPaused},
	CampaignStop:     {CampaignPending, CampaignActive, CampaignPaused},
	CampaignEdit:     {CampaignDraft, CampaignPending, CampaignActive, CampaignPaused, CampaignEnded},
	CampaignDelete:   {CampaignDraft},
}

// CampaignActions lists what may be done with a campaign in state s.
func (s CampaignState) CampaignActions() []CampaignAction {
	var out []CampaignAction
	for _, a := range []CampaignAction{CampaignEdit, CampaignActivate, CampaignApprove, CampaignReject, CampaignPause, CampaignResume, CampaignStop, CampaignDelete} {
		if slices.Contains(campaignFrom[a], s) {
			out = append(out, a)
		}
	}
	return out
}

// CampaignAct is an action with what it needs.
type CampaignAct struct {
	Action CampaignAction
	Reason string       // required for reject, pause and stop
	Missed MissedPolicy // resume and approve: what becomes of what passed meanwhile; "" = the campaign's own policy
}

// MaxReason is how long a reason may be, in characters.
const MaxReason = 500

// Act moves the campaign. What approval is asked for is in c.RequireApproval.
func (c *Campaign) Act(a CampaignAct, by Approver, now time.Time) error {
	if from := campaignFrom[a.Action]; !slices.Contains(from, c.State) {
		return Errorf(Conflict, "A campaign that is %s cannot take the action %q.", c.State, a.Action)
	}
	needsReason := a.Action == CampaignReject || a.Action == CampaignPause || a.Action == CampaignStop
	if m := checkText(a.Reason, needsReason, MaxReason); m != "" {
		return InvalidFields([]Field{{"reason", m}})
	}
	if a.Missed != "" && a.Missed != MissedSkip && a.Missed != MissedLatest && a.Missed != MissedAll {
		return InvalidFields([]Field{{"missed", "must be skip, latest or all"}})
	}
	switch a.Action {
	case CampaignActivate:
		whole := *c
		whole.State = CampaignPending
		if err := whole.Check(); err != nil {
			return err
		}
		c.State, c.ExpandedUntil = c.released(), now
	case CampaignApprove:
		if err := c.MayApprove(by); err != nil {
			return err
		}
		c.Editors = []string{}
		c.ApprovedHash, c.ApprovedBy, c.ApprovedAt, c.Rejected = c.Plan.Hash(), by.Actor, now, ""
		c.ApprovedUntil, c.ApprovalOver = time.Time{}, false
		if c.ApprovalExpires > 0 {
			c.ApprovedUntil = now.Add(c.ApprovalExpires)
		}
		c.State = CampaignActive
	case CampaignReject:
		c.State, c.Rejected = CampaignPaused, a.Reason
		c.Reason = a.Reason
	case CampaignPause:
		c.State, c.Reason = CampaignPaused, a.Reason
	case CampaignResume:
		c.State, c.Reason = c.released(), ""
	case CampaignStop:
		c.State, c.Reason = CampaignStopped, a.Reason
	default:
		return fmt.Errorf("act on campaign %d: action %q is not one of these", c.ID, a.Action)
	}
	return nil
}

// released is the state of a campaign that nothing but an approval may keep
// from sending.
func (c *Campaign) released() CampaignState {
	if c.RequireApproval && !c.Approved() {
		return CampaignPending
	}
	return CampaignActive
}

// Edited takes the campaign from what it was to what it is after an edit: one
// that may send loses that where the new plan is not the approved one.
func (c *Campaign) Edited(was *Campaign, by string, now time.Time) {
	if c.Plan.Hash() == was.Plan.Hash() {
		return
	}
	c.EditedBy(by)
	switch c.State {
	case CampaignActive, CampaignPending:
		c.State = c.released()
	case CampaignEnded: // it has a schedule again
		c.State, c.ExpandedUntil = c.released(), now
	}
}

// EditedBy remembers who changed what an approver reads: the plan, or a card of
// an occurrence's own.
func (c *Campaign) EditedBy(by string) {
	if by != c.Author && !slices.Contains(c.Editors, by) {
		c.Editors = append(slices.Clone(c.Editors), by)
	}
}

// FollowAudience gives the campaign what its audience has become, if it equals
// what that was, as an edit of its own would; false = it goes its own way.
func (c *Campaign) FollowAudience(was, is Visibility, by string, now time.Time) bool {
	if !c.FollowsAudiences() || !c.Plan.Visibility.Equal(was) {
		return false
	}
	before := *c
	c.Plan.Visibility = is
	c.Edited(&before, by, now)
	return true
}

// FollowsAudiences reports whether a change of its audience may still make a
// difference to the campaign.
func (c *Campaign) FollowsAudiences() bool { return c.State == CampaignDraft || c.State.Planned() }

// CampaignView is a campaign with what its posts are up to.
type CampaignView struct {
	Campaign
	Counts   map[State]int64 // of its posts
	Waiting  int64           // occurrences whose own card waits for approval
	Problems int64           // occurrences to come with posts that could not be made
	LastAt   time.Time       // its last occurrence; zero = none yet
}

// CampaignQuery selects campaigns for a list, newest first.
type CampaignQuery struct {
	States []CampaignState
	Text   string // part of the name
	Before int64  // id; everything from it on was seen
	Limit  int
}

// OccurrenceQuery selects occurrences of a campaign, by time.
type OccurrenceQuery struct {
	CampaignID int64
	From       time.Time // at or after; zero = from the first
	To         time.Time // before; zero = to the last
	AfterAt    time.Time // together with AfterID: where the page before ended
	AfterID    int64
	Descending bool
	Limit      int
}

// OccurrenceView is an occurrence with what its posts are up to.
type OccurrenceView struct {
	Occurrence
	Counts map[State]int64
}

// OccurrenceAct is what a person does to one occurrence.
type OccurrenceAct struct {
	Skip   bool
	Revive bool // undo a skip
	Move   string
	Card   *Card // a card of its own
	Follow bool  // give up its own card and time
	Reason string
}

// MatrixCell is one post of the matrix occurrence × instance.
type MatrixCell struct {
	OccurrenceID int64
	InstanceID   int64
	PostID       int64
	State        State
	DueAt        time.Time
	ByHand       bool
}
