package moment

import (
	"strings"
	"testing"
)

// The whole state machine, written down a second time, from docs: every action
// from every state. "." is a refusal.
func TestTransitions(t *testing.T) {
	t.Parallel()
	columns := []State{Draft, Pending, Scheduled, Claimed, Sending, Sent, Failed, Unknown, Missed, Cancelled}
	letters := map[string]State{"D": Draft, "P": Pending, "S": Scheduled, "C": Claimed, "G": Sending, "T": Sent, "F": Failed, "U": Unknown, "M": Missed, "X": Cancelled}
	table := map[Action]string{
		//             D P S C G T F U M X
		ActEdit:       "D P S . . . . . . .",
		ActSubmit:     "S . . . . . . . . .",
		ActApprove:    ". S . . . . . . . .",
		ActReject:     ". D . . . . . . . .",
		ActCancel:     "X X X . . . X . X .",
		ActDelete:     "D . . . . . . . . .",
		ActReschedule: "D P S . . . S . S .",
		ActSendNow:    ". . S . . . S . S .",
		ActRetry:      ". . . . . . S . . .",
		ActRecall:     ". . . . . T . . . .",
		ActFoundSent:  ". . . . . . . T . .",
		ActNotSent:    ". . . . . . . S . .",
		ActLeave:      ". . . . . . . U . .",
		ActReopen:     ". . . . . . . U . .",
		ActClaim:      ". . C . . . . . . .",
		ActBegin:      ". . . G . . . . . .",
		ActRelease:    ". . . S S . . . . .",
		ActLapse:      ". . . S . . . . . .",
		ActSucceed:    ". T T . T . . T T .",
		ActFail:       ". . . . F . . . . .",
		ActDoubt:      ". . . . U . . . . .",
		ActMiss:       ". . M . . . . . . .",
		ActExpire:     ". . P . . . . . . .",
		ActReconcile:  ". . T . . . . T T .",
	}
	if len(table) != len(transitions) {
		t.Errorf("%d actions here, %d in the machine", len(table), len(transitions))
	}
	for action, row := range table {
		for i, cell := range strings.Fields(row) {
			from := columns[i]
			got, err := from.After(action)
			want, allowed := letters[cell]
			switch {
			case allowed != (err == nil), allowed && got != want:
				t.Errorf("%s from %s: %s, %v; want %q", action, from, got, err, cell)
			case !allowed && (KindOf(err) != Conflict || got != from):
				t.Errorf("%s from %s is refused with %v and leaves %s", action, from, err, got)
			}
		}
	}
}

// Nothing is ever sent from unknown by the machine.
func TestMachineNeverSendsFromATerminalState(t *testing.T) {
	t.Parallel()
	machine := []Action{ActClaim, ActBegin, ActRelease, ActLapse, ActFail, ActDoubt, ActMiss, ActSucceed, ActReconcile}
	for _, a := range machine {
		for _, s := range a.From() {
			to, err := s.After(a)
			if s.Terminal() && (to != Sent || err != nil) {
				t.Errorf("%s leads from %s to %s", a, s, to)
			}
		}
	}
}

func TestRefusalSaysWhichStatesAllowIt(t *testing.T) {
	t.Parallel()
	_, err := Sent.After(ActRetry)
	if m := MessageOf(err); !strings.Contains(m, "sent") || !strings.Contains(m, "failed") {
		t.Errorf("%q does not say what is and what would have to be", m)
	}
}

func TestActionsOffered(t *testing.T) {
	t.Parallel()
	for _, s := range States {
		for _, a := range s.Actions() {
			if _, err := s.After(a); err != nil {
				t.Errorf("%s offers %s, which is refused", s, a)
			}
		}
	}
	if n := len(Cancelled.Actions()); n != 0 {
		t.Errorf("a cancelled post offers %d actions", n)
	}
}

func TestStatesAsOutsidersNameThem(t *testing.T) {
	t.Parallel()
	if got, err := ParseState("sending"); err != nil || len(got) != 2 {
		t.Errorf("sending: %v, %v", got, err)
	}
	if got, err := ParseState(" sent "); err != nil || len(got) != 1 || got[0] != Sent {
		t.Errorf("sent: %v, %v", got, err)
	}
	for _, bad := range []string{"claimed", "", "SENT", "x"} {
		if _, err := ParseState(bad); err == nil || strings.Contains(err.Error(), "claimed") {
			t.Errorf("%q: %v", bad, err)
		}
	}
}
