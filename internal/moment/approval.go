package moment

import (
	"time"
)

// Ruling is what an approver decided about a post.
type Ruling string

// The rulings.
const (
	RuledApproved Ruling = "approved"
	RuledRejected Ruling = "rejected"
)

// Approval is one ruling on a post. A post may have many: an edit, or time,
// makes the last approval void.
type Approval struct {
	ID        int64
	PostID    int64
	Ruling    Ruling
	Hash      string    // of the content ruled on
	Content   Content   // as it was ruled on
	Reason    string    // why it was rejected
	By        string    // who ruled
	Source    string    // from where
	At        time.Time // when
	ExpiresAt time.Time // zero = never, or rejected
}

// DefaultApprovalExpires is how long an approval holds where nothing else was
// set: as far ahead as recurring posts are planned.
const DefaultApprovalExpires = 30 * 24 * time.Hour

// MaxApprovalExpires bounds the setting.
const MaxApprovalExpires = 366 * 24 * time.Hour

// MayApprove says why the post may not be approved by them, nil if it may. Two
// pairs of eyes are meant: neither who wrote it nor who edited it since its
// last approval counts as the second, unless own approvals are allowed.
func MayApprove(p *Post, by Origin, own bool) error {
	switch {
	case own:
		return nil
	case by.isAmong(p.Author):
		return Errorf(Forbidden, "You wrote this post; somebody else has to approve it.")
	case by.isAmong(p.Editors...):
		return Errorf(Forbidden, "You edited this post since it was last approved; somebody else has to approve it.")
	}
	return nil
}
