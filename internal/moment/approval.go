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

// Approver is who would release a text, with what the rule about the second
// pair of eyes asks of them.
type Approver struct {
	Origin
	Tokens []string // names of the tokens that this person set up, whatever became of those; none for a token
	Own    bool     // approving what is one's own is allowed
}

// hand is what an approver had to do with a text.
type hand int

const (
	noHand  hand = iota
	wrote        // they, or who is behind this token
	edited       // since it was last approved
	through      // a token of theirs did the one or the other
)

// handIn tells it. Two pairs of eyes are meant: neither who wrote a text nor who
// edited it counts as the second, nor does a token for who set it up, nor who
// set up the token that wrote. Two tokens are two programs, whoever set them up.
//
// Who edited is kept by name alone: one that a person and a token share counts
// as the token's. person says that the author is none.
func (a Approver) handIn(author string, person bool, editors []string) hand {
	switch {
	case a.Own:
		return noHand
	case a.isAmong(author):
		return wrote
	case a.isAmong(editors...):
		return edited
	case !person && isAmong(a.Tokens, author), isAmong(a.Tokens, editors...):
		return through
	}
	return noHand
}

// MayApprove says why the post may not be approved by them, nil if it may.
func (p *Post) MayApprove(a Approver) error {
	switch a.handIn(p.Author, p.Source == "web", p.Editors) {
	case wrote:
		return Errorf(Forbidden, "You wrote this post; somebody else has to approve it.")
	case edited:
		return Errorf(Forbidden, "You edited this post since it was last approved; somebody else has to approve it.")
	case through:
		return Errorf(Forbidden, "A token that you set up wrote or edited this post; somebody else has to approve it.")
	default:
		return nil
	}
}

// MayApprove says why the campaign may not be approved by them, nil if it may.
// Where it was written from is not kept: its author may be a token.
func (c *Campaign) MayApprove(a Approver) error {
	switch a.handIn(c.Author, false, c.Editors) {
	case wrote:
		return Errorf(Forbidden, "You wrote this campaign; somebody else has to approve it.")
	case edited:
		return Errorf(Forbidden, "You edited this campaign since it was last approved; somebody else has to approve it.")
	case through:
		return Errorf(Forbidden, "A token that you set up wrote or edited this campaign; somebody else has to approve it.")
	default:
		return nil
	}
}
