package promise

import (
	"fmt"
	"slices"
	"time"

	"momentcast/internal/moment"
)

// sentOnce: no post arrives twice, whatever became of its calls. What was in
// doubt is sent again only after somebody has seen that it is not there.
func sentOnce(r *Record) (found []Violation) {
	ix := r.index()
	for _, a := range r.Arrivals {
		same := ix.arrivals[name(a.Account, a.Key)]
		if len(same) < 2 || same[0].MomentID != a.MomentID {
			continue // reported with the first
		}
		v := Violation{Account: a.Account, Text: fmt.Sprintf("%s arrived %d times: %v", a.Key, len(same), times(same))}
		if p := ix.posts[name(a.Account, a.Key)]; p != nil {
			v = p.broken("arrived %d times: %v", len(same), times(same))
		}
		found = append(found, v)
	}
	return found
}

func times(arrivals []Arrival) (out []string) {
	for _, a := range arrivals {
		out = append(out, a.At.Format(time.StampMicro)+" as "+a.MomentID+" "+a.Fault)
	}
	return out
}

// noAttemptAfterDoubt: an attempt begins only when the one before it is known
// not to have been delivered, by its own verdict or by a person.
func noAttemptAfterDoubt(r *Record) (found []Violation) {
	ix := r.index()
	for id, tries := range ix.attempts {
		for i := 1; i < len(tries); i++ {
			was, now := tries[i-1], tries[i]
			switch was.Verdict {
			case moment.Rejected, moment.NeverLeft:
				continue
			case moment.InDoubt:
				if slices.ContainsFunc(ix.events[id], func(e Event) bool {
					return e.Action == string(moment.ActNotSent) && e.At.After(was.StartedAt) && !e.At.After(now.StartedAt)
				}) {
					continue
				}
			}
			found = append(found, Violation{Post: id, Text: fmt.Sprintf("call %d at %s follows call %d, whose outcome was %s (%s)",
				now.Number, now.StartedAt.Format(time.StampMicro), was.Number, was.Verdict, was.Cause)})
		}
	}
	return found
}

// intentBeforeCall: whatever arrives was begun by a committed intent.
func intentBeforeCall(r *Record) (found []Violation) {
	ix := r.index()
	for _, a := range r.Arrivals {
		if _, ok := ix.intent(a); ok {
			continue
		}
		p := ix.posts[name(a.Account, a.Key)]
		switch {
		case r.forgotten(a):
		case p == nil:
			found = append(found, Violation{Account: a.Account, Text: fmt.Sprintf("%s arrived at %s, and there is no such post", a.Key, a.At.Format(time.StampMicro))})
		default:
			found = append(found, p.broken("arrived at %s, and no call had begun", a.At.Format(time.StampMicro)))
		}
	}
	return found
}

// sentIsAccepted: a post is sent if and only if the gateway has accepted it, as
// the moment that is written down. A case that a person has closed is theirs.
func sentIsAccepted(r *Record) (found []Violation) {
	ix := r.index()
	for i := range r.Posts {
		p := &r.Posts[i]
		arrived := ix.arrivals[name(p.Account, p.Key)]
		switch {
		case p.State == moment.Sent && !slices.ContainsFunc(arrived, func(a Arrival) bool { return a.MomentID == p.MomentID }):
			found = append(found, p.broken("is said to be moment %s, and the gateway has accepted %v", p.MomentID, times(arrived)))
		case p.State != moment.Sent && len(arrived) > 0 && !p.Left:
			found = append(found, p.broken("is on the timeline since %v", times(arrived)))
		}
	}
	return found
}

// oneInFlight: no call of an instance begins while another one is under way. A
// call whose outcome nobody recorded ends, for the engine, with its lease.
func oneInFlight(r *Record) (found []Violation) {
	ix := r.index()
	last := map[string]Attempt{} // by account: the call that ends last
	for _, now := range r.Attempts {
		p := ix.byID[now.Post]
		if p == nil {
			continue
		}
		was, ok := last[p.Account]
		if ok && was.Post != now.Post && now.StartedAt.Before(was.StartedAt.Add(was.Duration)) {
			found = append(found, p.broken("was called at %s, while post %d was being sent from %s for %v",
				now.StartedAt.Format(time.StampMicro), was.Post, was.StartedAt.Format(time.StampMicro), was.Duration))
		}
		if !ok || now.StartedAt.Add(now.Duration).After(was.StartedAt.Add(was.Duration)) {
			last[p.Account] = now
		}
	}
	return found
}

// gapIsKept: between two posts of an instance there is the gap, by the
// referee's clock. A request that the network carried until after its call had
// been given up is nobody's to pace.
func gapIsKept(r *Record) (found []Violation) {
	ix := r.index()
	for _, arrived := range ix.accounts {
		for i := 1; i < len(arrived); i++ {
			was, now := arrived[i-1], arrived[i]
			if gap := now.At.Sub(was.At); gap < r.Gap && !ix.carried(r, was) && !ix.carried(r, now) && !r.forgotten(was) && !r.forgotten(now) {
				found = append(found, Violation{Account: now.Account, Text: fmt.Sprintf("%s arrived at %s, %v after %s; the gap is %v",
					now.Key, now.At.Format(time.StampMicro), gap, was.Key, r.Gap)})
			}
		}
	}
	return found
}

// carried reports whether the request was on its way for longer than its call.
func (ix *index) carried(r *Record, a Arrival) bool {
	t, ok := ix.intent(a)
	return ok && a.At.Sub(t.StartedAt) > r.CallTimeout
}

// neverEarly: nothing arrives before it is due, by the referee's clock.
func neverEarly(r *Record) (found []Violation) {
	ix := r.index()
	for _, a := range r.Arrivals {
		if p := ix.posts[name(a.Account, a.Key)]; p != nil && a.At.Before(p.DueAt) && !r.forgotten(a) {
			found = append(found, p.broken("arrived %v before it was due", p.DueAt.Sub(a.At)))
		}
	}
	return found
}

// inOrder: of the posts of an instance that wait, the one with the earliest due
// time goes first, and of those the one with the smallest id.
func inOrder(r *Record) (found []Violation) {
	ix := r.index()
	type sent struct {
		post  *Post
		begun time.Time
		still time.Time // it had been waiting as it was from here on
	}
	accounts := map[string][]sent{}
	for i := range r.Posts {
		p := &r.Posts[i]
		arrived := ix.arrivals[name(p.Account, p.Key)]
		if len(arrived) != 1 {
			continue
		}
		call, ok := ix.intent(arrived[0])
		if !ok {
			continue
		}
		s := sent{post: p, begun: call.StartedAt}
		for _, e := range ix.events[p.ID] {
			if e.At.Before(call.StartedAt) && e.At.Add(r.Settle).After(s.still) {
				s.still = e.At.Add(r.Settle)
			}
		}
		accounts[p.Account] = append(accounts[p.Account], s)
	}
	for _, all := range accounts {
		slices.SortFunc(all, func(a, b sent) int { return a.begun.Compare(b.begun) })
		for i, later := range all {
			for _, first := range all[:i] {
				if before(later.post, first.post) && later.still.Before(first.begun) {
					found = append(found, later.post.broken("due %s waited, and post %d, due %s, went first",
						later.post.DueAt.Format(time.StampMicro), first.post.ID, first.post.DueAt.Format(time.StampMicro)))
				}
			}
		}
	}
	return found
}

func before(a, b *Post) bool {
	if !a.DueAt.Equal(b.DueAt) {
		return a.DueAt.Before(b.DueAt)
	}
	return a.ID < b.ID
}
