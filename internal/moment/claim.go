package moment

import "time"

// Ref names one claim of one post. The token is new with every claim, so that
// whoever held an earlier one can no longer speak for the post.
type Ref struct {
	ID    int64
	Token int64
}

// Claim is a post that a dispatcher holds under a lease, with all it needs to
// make the call but the login session: that is read at the last moment.
type Claim struct {
	Ref
	InstanceID   int64
	WcID         string
	Attempt      int // number of the call that is about to begin
	DueAt        time.Time
	Card         Card
	Visibility   Visibility
	FirstComment bool // a comment waits for the post to be sent
	Lateness     time.Duration
}

// Begun is a claim whose intent is committed: it may be sent, once.
type Begun struct {
	ID  int64
	WID string // login session to send through
}

// Outcome is what became of one begun claim.
type Outcome struct {
	Claim   Claim
	WID     string
	Action  Action        // ActSucceed, ActFail, ActRelease or ActDoubt
	Backoff time.Duration // for ActRelease
	Result  Result
	Begun   time.Time // by this process's clock: only how long ago it is counts
}

// Doubt is a post of unknown outcome that is to be read back now.
type Doubt struct {
	Ref
	InstanceID int64
	WcID       string
	WID        string // "" while the instance is offline
	Card       Card
	IntentAt   time.Time // the call began after this
	CallUntil  time.Time // and before this
	Round      int       // read-backs already done
}

// Change is what a look at the gateway's list changed about an instance.
type Change struct {
	WcID string
	What string // "online", "offline", "login", "missing", "found", "new"
	WID  string
}

// CommentTask is a first comment that is to be posted now.
type CommentTask struct {
	PostID   int64
	Attempt  int
	MomentID string
	WcID     string
	WID      string
	Content  string
}

// Act is what a person or program does to a post, with what the action needs.
type Act struct {
	Action   Action
	DueAt    time.Time  // ActReschedule
	Reason   string     // any; required for ActReject and ActCancel
	MomentID string     // ActFoundSent
	Created  time.Time  // ActFoundSent: from the moment id
	Recall   RecallMode // ActRecall
	Hash     string     // ActApprove: of the content that was seen; "" = not said
}

// RequestKey makes a creation repeatable: the same key and the same request
// give the same answer.
type RequestKey struct {
	Actor string   // whose key it is
	Key   string   // "" = none
	Hash  [32]byte // of the request
}
