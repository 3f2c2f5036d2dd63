package moment

import "time"

// Settings is what holds for the whole service.
type Settings struct {
	Pacing       Pacing
	ReloginKeeps time.Duration // a re-login within this keeps the age clock; 0 = it never does
	MaxLateness  time.Duration // of posts that name none; 0 = no limit
	TimeZone     string        // of instances that name none
	AutoResend   bool          // send again what the read-backs did not find, after a quarantine

	RequireApproval bool          // submitted posts wait for somebody to release them
	OwnApproval     bool          // who wrote or edited a post may release it too
	ApprovalExpires time.Duration // how long an approval holds; 0 = for ever

	FoldLines   int    // lines of a text that show before WeChat folds it
	FoldChars   int    // characters likewise
	LintWords   string // words to warn of beside those built in, one a line
	LintAllowed string // words not to warn of, though built in, one a line

	DuplicateDays int // the same link on one account within this many days is warned of; 0 = never

	Version int64 // grows with every change but a pause

	Paused       bool
	PausedReason string
	PausedBy     string
	PausedAt     time.Time

	CallbackSecret string // unguessable part of the callback's path
}

// Overdue says what becomes of posts that are past their lateness limit when a
// pause ends.
type Overdue string

// The choices. The zero value lets each post's own limit decide.
const (
	OverdueByLimit Overdue = ""     // past its limit: missed; else sent
	OverdueSend    Overdue = "send" // all are sent; their limits count from the resume
	OverdueMiss    Overdue = "miss" // all that are due are missed
)

// GatewayStatus is what the replicas know of the gateway.
type GatewayStatus struct {
	ObservedAt time.Time // last successful look at who is online; zero = never
	DownSince  time.Time // zero = the last look succeeded
	Error      string
}
