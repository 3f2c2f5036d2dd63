package moment

import (
	"fmt"
	"slices"
	"strings"
)

// State is where a post stands in its life; docs/state_machine.md draws it.
type State string

// The states of a post. Claimed and Sending are both shown as "sending": the
// difference (has the call begun?) matters to the engine alone.
const (
	Draft     State = "draft"     // editable
	Pending   State = "pending"   // waits for approval
	Scheduled State = "scheduled" // will be sent at DueAt; may be held
	Claimed   State = "claimed"   // leased by a dispatcher, nothing sent yet
	Sending   State = "sending"   // the intent to call is committed; the call may have begun
	Sent      State = "sent"      // code 1000 and a moment id recorded
	Failed    State = "failed"    // the gateway refused, or the request provably never left
	Unknown   State = "unknown"   // the call began and its outcome is not known
	Missed    State = "missed"    // later than the post's lateness limit
	Cancelled State = "cancelled" // by a person or a stopped campaign
)

// States lists every state in the order a post passes through them.
var States = []State{Draft, Pending, Scheduled, Claimed, Sending, Sent, Failed, Unknown, Missed, Cancelled}

// Shown is the state as API, pages and files name it.
func (s State) Shown() State {
	if s == Claimed {
		return Sending
	}
	return s
}

// InFlight reports whether a dispatcher holds the post under a lease.
func (s State) InFlight() bool { return s == Claimed || s == Sending }

// Terminal reports whether the machine is done with the post: only a person,
// or for Unknown a read-back, can move it from here.
func (s State) Terminal() bool {
	return slices.Contains([]State{Sent, Failed, Unknown, Missed, Cancelled}, s)
}

// Action is what moves a post from one state to another.
type Action string

// Actions of people and programs.
const (
	ActSubmit     Action = "submit"     // a draft is complete
	ActApprove    Action = "approve"    // an approver releases it
	ActReject     Action = "reject"     // an approver gives it back
	ActCancel     Action = "cancel"     // it shall not be sent
	ActRetry      Action = "retry"      // try a failed post again
	ActSendNow    Action = "send-now"   // due at once, whatever its time was
	ActReschedule Action = "reschedule" // a new time
	ActRecall     Action = "recall"     // delete the moment or make it private
	ActFoundSent  Action = "found-sent" // resolve: a person saw it in the feed
	ActNotSent    Action = "not-sent"   // resolve: a person saw that it is not there; send again
	ActLeave      Action = "leave"      // resolve: a person closes the case as it is
	ActReopen     Action = "reopen"     // take a closed case up again
	ActEdit       Action = "edit"       // change the card or its time
	ActDelete     Action = "delete"     // remove a draft
)

// Actions of the machine.
const (
	ActClaim     Action = "claim"     // a dispatcher takes it
	ActBegin     Action = "begin"     // the intent to call is committed
	ActRelease   Action = "release"   // given back before the call
	ActLapse     Action = "lapse"     // the lease ran out before the call
	ActSucceed   Action = "succeed"   // the gateway took it and named the moment
	ActFail      Action = "fail"      // the gateway refused it
	ActDoubt     Action = "doubt"     // the outcome of a call that began is not known
	ActMiss      Action = "miss"      // its lateness limit has passed
	ActExpire    Action = "expire"    // its approval has grown too old
	ActReconcile Action = "reconcile" // read back from the account's own timeline
)

// transitions is the whole state machine: from where an action leads where. A
// pair that is not here is refused. Where the target equals the source the
// action leaves the state as it is.
var transitions = map[Action]map[State]State{
	ActSubmit:     {Draft: Scheduled}, // or Pending, where posts need approval: see After
	ActApprove:    {Pending: Scheduled},
	ActReject:     {Pending: Draft},
	ActCancel:     {Draft: Cancelled, Pending: Cancelled, Scheduled: Cancelled, Failed: Cancelled, Missed: Cancelled},
	ActRetry:      {Failed: Scheduled},
	ActSendNow:    {Scheduled: Scheduled, Missed: Scheduled, Failed: Scheduled},
	ActReschedule: {Draft: Draft, Pending: Pending, Scheduled: Scheduled, Missed: Scheduled, Failed: Scheduled},
	ActRecall:     {Sent: Sent},
	ActFoundSent:  {Unknown: Sent},
	ActNotSent:    {Unknown: Scheduled},
	ActLeave:      {Unknown: Unknown},
	ActReopen:     {Unknown: Unknown},                                     // only where it was left
	ActEdit:       {Draft: Draft, Pending: Pending, Scheduled: Scheduled}, // or Pending, where it makes an approval void
	ActDelete:     {Draft: Draft},

	ActClaim:   {Scheduled: Claimed},
	ActBegin:   {Claimed: Sending},
	ActRelease: {Claimed: Scheduled, Sending: Scheduled}, // from Sending only where the call provably never left
	ActLapse:   {Claimed: Scheduled},
	// A late success settles the doubt; and where a person has just scheduled the post once more, or it
	// waits for a new approval, it keeps that second call from being made.
	ActSucceed: {Sending: Sent, Unknown: Sent, Scheduled: Sent, Pending: Sent, Missed: Sent},
	ActFail:    {Sending: Failed},
	ActDoubt:   {Sending: Unknown},
	ActMiss:    {Scheduled: Missed},
	ActExpire:  {Scheduled: Pending},
	// The database of a promoted standby may think a post still to be sent that was.
	ActReconcile: {Unknown: Sent, Scheduled: Sent, Missed: Sent},
}

// personal lists what people and programs may do, in the order shown to them.
var personal = []Action{
	ActEdit, ActSubmit, ActApprove, ActReject, ActReschedule, ActSendNow, ActRetry,
	ActFoundSent, ActNotSent, ActLeave, ActReopen, ActRecall, ActCancel, ActDelete,
}

// After returns the state that action leads to from s, or a Conflict error
// that says which states allow it.
func (s State) After(action Action) (State, error) {
	if to, ok := transitions[action][s]; ok {
		return to, nil
	}
	return s, Errorf(Conflict, "A post that is %s cannot take the action %q; it is possible for posts that are %s.",
		s.Shown(), action, names(action.From()))
}

// After is State.After for this very post: what only makes sense once, or in
// answer to something, is refused where it does not.
func (p *Post) After(action Action) (State, error) {
	to, err := p.State.After(action)
	switch {
	case err != nil:
		return to, err
	case action == ActLeave && !p.LeftAt.IsZero():
		return p.State, Errorf(Conflict, "The case of this post is closed already.")
	case action == ActReopen && p.LeftAt.IsZero():
		return p.State, Errorf(Conflict, "The case of this post is open.")
	}
	return to, nil
}

// Actions lists what a person or program may do with this very post.
func (p *Post) Actions() []Action {
	return slices.DeleteFunc(p.State.Actions(), func(a Action) bool {
		_, err := p.After(a)
		return err != nil
	})
}

// From lists the states that allow the action.
func (a Action) From() []State {
	var out []State
	for _, s := range States {
		if _, ok := transitions[a][s]; ok {
			out = append(out, s)
		}
	}
	return out
}

// Actions lists what a person or program may do with a post in state s.
func (s State) Actions() []Action {
	var out []Action
	for _, a := range personal {
		if _, ok := transitions[a][s]; ok {
			out = append(out, a)
		}
	}
	return out
}

// ParseState reads a state as outsiders write it: "sending" covers Claimed too.
func ParseState(s string) ([]State, error) {
	switch st := State(strings.TrimSpace(s)); {
	case st == Sending:
		return []State{Claimed, Sending}, nil
	case st != Claimed && slices.Contains(States, st):
		return []State{st}, nil
	}
	return nil, fmt.Errorf("no such state; the states are %s", names(States))
}

func names(states []State) string {
	var out []string
	for _, s := range states {
		if n := string(s.Shown()); !slices.Contains(out, n) {
			out = append(out, n)
		}
	}
	return strings.Join(out, ", ")
}
