package promise

import (
	"fmt"
)

// Violation is one promise broken once.
type Violation struct {
	Promise string
	Post    int64 // 0 = none in particular
	Account string
	Text    string
}

func (v Violation) String() string {
	s := v.Promise + ": "
	if v.Post != 0 {
		s += fmt.Sprintf("post %d", v.Post)
	}
	if v.Account != "" {
		s += " on " + v.Account + ": "
	}
	return s + v.Text
}

// Promise is one thing that holds whatever happens.
type Promise struct {
	Name  string
	Check func(*Record) []Violation
}

// SentOnce holds at any moment.
var SentOnce = Promise{"sent once", sentOnce}

// All are the promises, in the order of docs/chaos.md.
var All = []Promise{
	SentOnce,
	{"no attempt after one in doubt", noAttemptAfterDoubt},
	{"intent before the call", intentBeforeCall},
	{"every post ends", everyPostEnds},
	{"nothing is lost", nothingIsLost},
	{"sent is what was accepted", sentIsAccepted},
	{"one in flight", oneInFlight},
	{"the gap is kept", gapIsKept},
	{"never early", neverEarly},
	{"in order", inOrder},
	{"cancelled stays unsent", cancelHolds},
	{"sent as last edited", sentAsEdited},
	{"a pause holds", pauseHolds},
	{"a stale change is refused", staleIsRefused},
	{"a creation happens once", createdOnce},
	{"ticks once", ticksOnce},
	{"every change is in the audit trail", audited},
}

// Check proves the promises and returns what is broken. Some hold only when all
// is over.
func Check(r *Record, promises ...Promise) []Violation {
	var all []Violation
	for _, p := range promises {
		for _, v := range p.Check(r) {
			v.Promise = p.Name
			all = append(all, v)
		}
	}
	return all
}

func (p *Post) broken(format string, args ...any) Violation {
	return Violation{Post: p.ID, Account: p.Account, Text: fmt.Sprintf("(%s, %s) ", p.Key, p.State) + fmt.Sprintf(format, args...)}
}
