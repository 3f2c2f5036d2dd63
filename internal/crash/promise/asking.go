package promise

import (
	"fmt"
	"slices"
	"time"

	"momentcast/internal/moment"
)

// everyPostEnds: when all is over every post is sent, failed, cancelled, missed
// or unknown.
func everyPostEnds(r *Record) (found []Violation) {
	for i := range r.Posts {
		if p := &r.Posts[i]; !p.State.Terminal() {
			found = append(found, p.broken("never ended"))
		}
	}
	return found
}

// nothingIsLost: every post whose creation was acknowledged is there.
func nothingIsLost(r *Record) (found []Violation) {
	ix := r.index()
	for _, c := range r.Changes {
		c = r.asKept(c)
		if c.Action != "create" || c.Outcome != Done {
			continue
		}
		for i, id := range c.IDs {
			if p := ix.byID[id]; p == nil || p.Key != c.Keys[i] {
				found = append(found, Violation{Post: id, Text: fmt.Sprintf("(%s) was acknowledged at %s and is not there", c.Keys[i], c.End.Format(time.StampMicro))})
			}
		}
	}
	return found
}

// createdOnce: a creation that is repeated under its Idempotency-Key makes
// nothing new, and is answered as it was the first time.
func createdOnce(r *Record) (found []Violation) {
	ix := r.index()
	for key, posts := range ix.keys {
		if key == "" || key[0] != 'p' || len(posts) == 1 {
			continue
		}
		found = append(found, posts[0].broken("was created %d times", len(posts)))
	}
	first := map[string][]int64{}
	for _, c := range r.Changes {
		c = r.asKept(c)
		if c.Action != "create" || c.Outcome != Done {
			continue
		}
		if ids, ok := first[c.RequestID]; ok && !slices.Equal(ids, c.IDs) {
			found = append(found, Violation{Text: fmt.Sprintf("the creation %s was answered %v and %v", c.RequestID, ids, c.IDs)})
		}
		first[c.RequestID] = c.IDs
	}
	return found
}

// cancelHolds: what was cancelled is not sent, and stays cancelled.
func cancelHolds(r *Record) (found []Violation) {
	ix := r.index()
	for id, changes := range ix.changes {
		p := ix.byID[id]
		if p == nil {
			continue
		}
		for _, c := range changes {
			if c.Action != string(moment.ActCancel) || c.Outcome != Done {
				continue
			}
			if arrived := ix.arrivals[name(p.Account, p.Key)]; len(arrived) > 0 {
				found = append(found, p.broken("its cancelling was acknowledged at %s, and it arrived %v", c.End.Format(time.StampMicro), times(arrived)))
			}
			if p.State != moment.Cancelled {
				found = append(found, p.broken("its cancelling was acknowledged at %s", c.End.Format(time.StampMicro)))
			}
		}
	}
	return found
}

// sentAsEdited: what arrives is whole, one edit's and not parts of two, and no
// edit that was acknowledged before had replaced it.
func sentAsEdited(r *Record) (found []Violation) {
	ix := r.index()
	for _, a := range r.Arrivals {
		p := ix.posts[name(a.Account, a.Key)]
		if a.Mixed {
			found = append(found, Violation{Account: a.Account, Text: fmt.Sprintf("%s arrived as a mix of edits", a.Key)})
			continue
		}
		if p == nil {
			continue
		}
		var edits []Change
		sent := Change{Outcome: Done} // as created
		for _, c := range ix.changes[p.ID] {
			if c.Action != string(moment.ActEdit) {
				continue
			}
			if edits = append(edits, c); c.Rev == a.Rev {
				sent = c
			}
		}
		if sent.Rev != a.Rev || sent.Outcome == Refused {
			found = append(found, p.broken("arrived with edit %d, which was never taken", a.Rev))
			continue
		}
		for _, e := range edits {
			if e.Rev != a.Rev && e.Outcome == Done && e.End.Before(a.At) && replaces(e, sent) && !carriedBefore(ix, a, e) {
				found = append(found, p.broken("arrived at %s with edit %d, and edit %d was acknowledged at %s",
					a.At.Format(time.StampMicro), a.Rev, e.Rev, e.End.Format(time.StampMicro)))
			}
		}
	}
	return found
}

// replaces reports whether the acknowledged edit came after the other, so that
// the other cannot have been made on top of it.
func replaces(e, other Change) bool {
	if other.Outcome == Done && other.Version != 0 {
		return other.Version < e.Version && other.End.Before(e.Start) || other.Version <= e.IfVersion
	}
	return other.Outcome == Done && other.End.Before(e.Start) // of what was lost nobody knows when it was made
}

// carriedBefore reports whether the call had begun before the edit was asked
// for: an edit of what is being sent is refused, unless the call never left.
func carriedBefore(ix *index, a Arrival, e Change) bool {
	call, ok := ix.intent(a)
	return ok && call.StartedAt.After(a.At) && e.Start.After(call.StartedAt)
}

// pauseHolds: between the answer to a pause and the request to resume no call
// begins.
func pauseHolds(r *Record) (found []Violation) {
	ix := r.index()
	var pause *Change
	for _, c := range ix.changes[0] {
		switch {
		case c.Action == "pause" && c.Outcome == Done:
			pause = &c
		case c.Action == "resume" && pause != nil:
			for _, t := range r.Attempts {
				if t.StartedAt.After(pause.End) && t.StartedAt.Before(c.Start) {
					found = append(found, Violation{Post: t.Post, Text: fmt.Sprintf("was called at %s; the pause was acknowledged at %s and ended at %s",
						t.StartedAt.Format(time.StampMicro), pause.End.Format(time.StampMicro), c.Start.Format(time.StampMicro))})
				}
			}
			pause = nil
		}
	}
	return found
}

// staleIsRefused: a change that was bound to a version is made to that version
// or not at all.
func staleIsRefused(r *Record) (found []Violation) {
	ix := r.index()
	for id, changes := range ix.changes {
		for i, c := range changes {
			if id == 0 || c.Outcome != Done || c.IfVersion == 0 {
				continue
			}
			for j, o := range changes {
				switch {
				case i == j || o.Outcome != Done:
				case o.End.Before(c.Start) && o.Version > c.IfVersion:
					found = append(found, Violation{Post: id, Text: fmt.Sprintf("%s was taken for version %d, after %s had been answered with version %d",
						c.Action, c.IfVersion, o.Action, o.Version)})
				case i < j && o.IfVersion == c.IfVersion:
					found = append(found, Violation{Post: id, Text: fmt.Sprintf("both %s and %s were taken for version %d", c.Action, o.Action, c.IfVersion)})
				}
			}
		}
	}
	return found
}

// ticksOnce: each wall time of a schedule is one occurrence, with one post an
// account if it fires and a reason if it does not.
func ticksOnce(r *Record) (found []Violation) {
	for _, c := range r.Campaigns {
		bad := func(format string, args ...any) {
			found = append(found, Violation{Text: fmt.Sprintf("campaign %d: ", c.ID) + fmt.Sprintf(format, args...)})
		}
		var got []string
		for _, t := range c.Ticks {
			if slices.Contains(got, t.Wall) {
				bad("%s is there twice", t.Wall)
			}
			got = append(got, t.Wall)
			silent := t.State == "missed" || t.State == "skipped" || t.State == "merged"
			switch {
			case silent && (t.Reason == "" || t.Posts > 0):
				bad("%s is %s for %q with %d posts", t.Wall, t.State, t.Reason, t.Posts)
			case !silent && (t.Posts > c.Targets || c.Whole && t.Posts < c.Targets):
				bad("%s has %d posts for %d accounts", t.Wall, t.Posts, c.Targets)
			}
		}
		if c.Whole && !slices.Equal(c.Want, got) {
			bad("stored %v, scheduled %v", got, c.Want)
		}
	}
	return found
}

// audited: every change that was acknowledged has its line in the audit trail,
// and none has more lines than were asked for.
func audited(r *Record) (found []Violation) {
	ix := r.index()
	for id, changes := range ix.changes {
		type tally struct{ done, lost, lines int }
		by := map[string]*tally{}
		of := func(action string) *tally {
			if by[action] == nil {
				by[action] = &tally{}
			}
			return by[action]
		}
		for _, c := range changes {
			switch {
			case c.Action == "create":
			case c.Outcome == Lost, c.Outcome == Done && c.Perhaps:
				of(c.Action).lost++
			case c.Outcome == Done:
				of(c.Action).done++
			}
		}
		for _, e := range ix.events[id] {
			if e.Source != "system" {
				of(e.Action).lines++
			}
		}
		for action, t := range by {
			if action != "create" && (t.lines < t.done || t.lines > t.done+t.lost) {
				found = append(found, Violation{Post: id, Text: fmt.Sprintf("%s was acknowledged %d times and perhaps done %d times more; the audit trail has it %d times", action, t.done, t.lost, t.lines)})
			}
		}
	}
	for i := range r.Posts {
		p := &r.Posts[i]
		made := 0
		for _, e := range ix.events[p.ID] {
			if e.Action == "create" {
				made++
			}
		}
		if p.Key != "" && p.Key[0] == 'p' && made != 1 {
			found = append(found, p.broken("the audit trail has its creation %d times", made))
		}
	}
	return found
}
