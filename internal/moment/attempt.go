package moment

import (
	"slices"
	"strings"
	"time"
)

// Verdict is what one call of the gateway proves about the post.
type Verdict string

// The verdicts. Only what is proven is Delivered or Rejected; all else about a
// request that may have been written is InDoubt, because a second call is a
// second post.
const (
	Delivered Verdict = "delivered"  // code 1000 and a moment id
	Rejected  Verdict = "rejected"   // the gateway answered no (code 1001, or our token was not accepted)
	NeverLeft Verdict = "never_left" // the request was provably not written: refused dial, DNS, TLS, our own stop
	InDoubt   Verdict = "in_doubt"   // anything else
)

// Result is how one call of the gateway ended.
type Result struct {
	Verdict  Verdict
	Auth     bool      // Rejected because of our token, not because of the post
	Cause    string    // short machine word: "timeout", "refused_dial", "http_500", "code_1001", …
	Message  string    // one plain sentence for people
	MomentID string    // Delivered only
	Created  time.Time // from the reply or the moment id; zero if it said none

	Request  string // body as sent
	Reply    string // body as received, at most 64 KiB; "" if none
	Status   int    // HTTP status; 0 if no answer came
	Duration time.Duration
}

// Attempt is one call of the gateway for a post, as history keeps it.
type Attempt struct {
	PostID    int64
	Number    int
	StartedAt time.Time // when the intent was committed
	Duration  time.Duration
	Replica   string
	WID       string // login session used
	Verdict   Verdict
	Cause     string
	Message   string
	Request   string
	Reply     string
	Status    int
}

// BackoffAfter is the wait after the nth call that never left: 2 s, 4 s, 8 s …
// at most two minutes, well below the default lateness limit.
func BackoffAfter(n int) time.Duration {
	return min(time.Second<<min(max(n, 1), 7), 2*time.Minute)
}

// Next decides what follows an attempt that ended with r: the action to take
// and, for ActRelease, how long the instance waits before the next one.
func (p *Post) Next(r Result) (Action, time.Duration) {
	switch r.Verdict {
	case Delivered:
		return ActSucceed, 0
	case Rejected:
		return ActFail, 0
	case NeverLeft:
		return ActRelease, BackoffAfter(p.Attempt)
	default:
		return ActDoubt, 0
	}
}

// Event is one line of the audit trail.
type Event struct {
	ID         int64
	At         time.Time
	PostID     int64 // 0 = not about a post
	InstanceID int64 // 0 = not about an instance
	Action     string
	From, To   State          // "" where no state is concerned
	Actor      string         // user, token or replica
	Source     string         // "web", "api", "cli", "import", "system"
	Detail     map[string]any // old → new, reason, and the like
}

// Origin says who does something and from where; it goes into the audit trail.
type Origin struct {
	Actor  string
	Source string
	IP     string // "" = not known, or of no interest
	Owner  string // of a token: who made it; "" = a person, or the service itself
}

// Who are the people behind it: what a token does is done by whoever made it,
// too.
func (o Origin) Who() []string {
	if o.Owner == "" {
		return []string{o.Actor}
	}
	return []string{o.Actor, o.Owner}
}

// isAmong reports whether one of the people behind it is among the names.
func (o Origin) isAmong(names ...string) bool { return isAmong(o.Who(), names...) }

func isAmong(them []string, names ...string) bool {
	return slices.ContainsFunc(them, func(one string) bool {
		return slices.ContainsFunc(names, func(name string) bool { return strings.EqualFold(name, one) })
	})
}

// System is the origin of what the service does by itself.
func System(replica string) Origin { return Origin{Actor: replica, Source: "system"} }

// ReconcileWaits are the waits before each read-back of a post in doubt. The
// later ones reach past the call deadline and the longest pause allowed, so
// that even a call that was frozen on its way is found.
var ReconcileWaits = []time.Duration{
	2 * time.Second, 10 * time.Second, 30 * time.Second, 2 * time.Minute, 5 * time.Minute, 12 * time.Minute, 30 * time.Minute,
}
