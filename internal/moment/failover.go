package moment

import (
	"cmp"
	"slices"
	"time"
)

// HistoryMove is what a replica found out about the database's history: that of a
// promoted standby or of a restored backup does not know everything that was
// sent. See docs/failover.md.
type HistoryMove struct {
	Moved    bool      // since this replica last asked; what it remembers has to be told again
	Why      MoveCause // "" = it never moved
	At       time.Time // when it was found
	From     time.Time // entries from then to At may be missing
	Accounts int       // that have to be read before they go on; of the replica that found it
	Paused   bool      // a person has to resume, likewise
}

// MoveCause is how a move of the history was noticed.
type MoveCause string

// The causes, in the words of API and pages.
const (
	MovedTimeline MoveCause = "timeline"  // the server writes another timeline: a standby was promoted, or a backup recovered
	MovedBack     MoveCause = "went_back" // the database does not have what a living replica has seen in it
	MovedRestart  MoveCause = "restart"   // the server was started anew while no replica lived: it may be an older copy
)

const (
	// MoveMargin widens the span that may be missing: clocks of two servers differ.
	MoveMargin = 10 * time.Minute
	// MoveSkew is how far ahead a post may be due that the old server may have
	// thought due.
	MoveSkew = time.Minute
	// MovePause is the age of the last sign of life from which a moved history
	// waits for a person: that is no failover, but an old backup.
	MovePause = 15 * time.Minute
)

// Failover is what is left to do after a move.
type Failover struct {
	Why      MoveCause // "" = the history never moved
	At       time.Time
	From     time.Time
	Unread   int64 // accounts that still have to be read
	Stuck    int64 // of these, online accounts that could not be read at the last try
	Told     bool  // the server tells its timeline
	HeldFrom time.Time
}

// Unread is an account whose timeline has to be read before more is sent.
type Unread struct {
	InstanceID int64
	WcID       string
	WID        string
	Since      time.Time // moments made before this do not count
	Now        time.Time // the database's clock
	Posts      []UnreadPost
}

// UnreadPost is one post that a moment of the span may be of, in the order in
// which they would have been sent.
type UnreadPost struct {
	ID    int64
	State State // Scheduled or Missed: to be settled; Sending or Unknown: settled by its own read-back
	Card  Card
}

// Credit says which moment is which post's.
type Credit struct {
	PostID int64
	Moment StoredMoment
}

// Match credits the moments that nobody has yet to the posts. The earliest post
// gets the earliest moment. What belongs to a post that is in doubt anyway is
// left to its own read-back.
func (u Unread) Match(free []StoredMoment) []Credit {
	moments := slices.Clone(free)
	slices.SortStableFunc(moments, func(a, b StoredMoment) int {
		return cmp.Or(a.CreatedAt.Compare(b.CreatedAt), cmp.Compare(a.ID, b.ID))
	})
	var out []Credit
	for _, p := range u.Posts {
		d := Doubt{WcID: u.WcID, Card: p.Card, IntentAt: u.Since, CallUntil: u.Now}
		i := slices.IndexFunc(moments, func(m StoredMoment) bool { _, ok := m.Against(d); return ok })
		if i < 0 {
			continue
		}
		if p.State == Scheduled || p.State == Missed {
			out = append(out, Credit{p.ID, moments[i]})
		}
		moments = slices.Delete(moments, i, i+1)
	}
	return out
}
