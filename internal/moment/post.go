// Package moment is the domain: instances, posts, the states a post moves
// through, why a due post is held, and the errors all of it can end in. It
// decides and does nothing else: no database, no network, the standard library
// only. docs/state_machine.md describes what is here.
package moment

import "time"

// Card is what WeChat shows: a text and a link with its title, description and
// thumbnail. All fields but Description are required by the gateway.
type Card struct {
	Content     string `json:"content"`     // the text above the link
	Title       string `json:"title"`       // first lines of the link card
	Description string `json:"description"` // below the title
	URL         string `json:"url"`         // where the card leads; http or https
	ThumbURL    string `json:"thumb_url"`   // the square picture; embedded as given, so it must stay hosted
}

// Post is one link card for one instance at one due time.
type Post struct {
	ID         int64
	InstanceID int64
	Card       Card
	Visibility Visibility
	AudienceID int64 // the preset that Visibility was copied from; 0 = none
	State      State

	DueAt       time.Time     // never sent before this instant
	MaxLateness time.Duration // past DueAt by more than this the post is missed; 0 = no limit

	FirstComment string // posted below the moment after it is sent; "" = none
	ExternalKey  string // the caller's own name for it, unique where set
	Author       string // who created it
	Source       string // from where: "api", "web", "import", "system"
	Version      int64  // grows with every change; the ETag

	Editors       []string  // who else has changed its content since it was last approved
	ApprovedHash  string    // of the content that an approver released; "" = none, or void by now
	ApprovedUntil time.Time // from then on that approval is void; zero = never

	Attempt    int       // calls begun or about to begin, counting the one in flight
	ClaimedBy  string    // the replica that sends or sent it
	LeaseUntil time.Time // zero unless in flight
	IntentAt   time.Time // when the last call was committed to; zero if none was
	FinishedAt time.Time // when the last attempt's outcome was recorded

	HeldFor HoldReason // what last held it, kept as the explanation of its lateness

	MomentID        string    // as the gateway named it: decimal, larger than int64
	MomentCreatedAt time.Time // from the moment id
	Proof           *Proof    // what a read-back found stored; nil if none was needed: then the reply of the delivered attempt tells
	Error           string    // the last problem in plain words; "" = none

	RecallMode RecallMode // "" unless recalled
	RecalledAt time.Time

	LeftAt time.Time // Unknown only: when a person closed the case as it is; zero = it is open

	CreatedAt time.Time
	UpdatedAt time.Time
}

// RecallMode is how a sent moment is taken back.
type RecallMode string

// The ways to take a moment back.
const (
	RecallDelete  RecallMode = "delete"  // removed from the feed
	RecallPrivate RecallMode = "private" // only the account itself still sees it
)

// MissAt is the instant from which the post may no longer be sent; zero = never.
func (p *Post) MissAt() time.Time {
	if p.MaxLateness == 0 {
		return time.Time{}
	}
	return p.DueAt.Add(p.MaxLateness)
}

// Lateness is how long after DueAt the call began; zero before it does.
func (p *Post) Lateness() time.Duration {
	if p.IntentAt.IsZero() {
		return 0
	}
	return p.IntentAt.Sub(p.DueAt)
}
