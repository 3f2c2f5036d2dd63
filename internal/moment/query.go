package moment

import "time"

// PostQuery selects posts for a list. Zero fields select everything.
type PostQuery struct {
	States      []State
	InstanceID  int64
	Author      string
	CampaignID  int64  // of a campaign's posts; 0 = all
	Ruling      bool   // without those that wait for their campaign and for no ruling of their own
	Source      string // "web", "api", …
	Text        string // words (see Words), each of which is part of the title, the content, the description or the link
	ExternalKey string
	Left        *bool     // only posts of unknown outcome whose case was closed, or none of them
	DueFrom     time.Time // due at or after
	DueTo       time.Time // due before
	Ascending   bool      // earliest first; posts without a time come last
	After       *PostCursor
	Limit       int
}

// PostCursor is a place in a list of posts: everything up to this post was seen.
type PostCursor struct {
	DueAt time.Time // zero = among the posts without a time
	ID    int64
}

// PostView is a post with what is needed to say where it stands.
type PostView struct {
	Post
	WcID         string
	InstanceName string
	TimeZone     string // of the instance
	Hold         *Hold  // nil = nothing holds it
	CommentState string // of the first comment: "waiting", "due", "sending", "sent", "failed", "unknown"; "" = there is none
	CommentError string
	Membership
}

// PostDetail is everything that is known of a post.
type PostDetail struct {
	PostView
	Attempts []Attempt
	Events   []Event // latest last; the latest 500 of them

	Approvals []Approval // latest last; the latest 100 of them
	ReadBacks []ReadBack // latest last; the latest 100 of them
}

// InstanceQuery selects instances for a list, in the order of their ids.
type InstanceQuery struct {
	WcID   string
	Group  string
	Online *bool
	Paused *bool
	After  int64 // id
	Limit  int
}

// InstanceView is an instance with the defaults it follows and what its posts
// are up to.
type InstanceView struct {
	Instance
	Defaults Pacing
	Now      time.Time       // the database's clock
	Counts   map[State]int64 // scheduled, sending, sent (at most SentMost), failed, unknown, missed; nil where not asked for
}

// SentMost is how far an instance's sent posts are counted.
const SentMost = 1000

// Pace is the pacing that holds for the instance.
func (v *InstanceView) Pace() Pacing { return v.Pacing.Over(v.Defaults) }

// SentToday is how many of the day's posts are used up, by the instance's own day.
func (v *InstanceView) SentToday() int {
	if v.SentOn != v.Now.In(v.zone()).Format(time.DateOnly) {
		return 0
	}
	return v.SentCount
}

// InstanceRef names an instance both ways.
type InstanceRef struct {
	ID   int64
	WcID string
}

// Replica is one process of the service.
type Replica struct {
	Name      string
	Version   string
	StartedAt time.Time
	Age       time.Duration // of its last heartbeat, by the database's clock
	InFlight  int
}

// Status is the whole picture.
type Status struct {
	Now          time.Time
	Paused       bool
	PausedReason string
	PausedBy     string
	PausedAt     time.Time
	Gateway      GatewayStatus
	Replicas     []Replica
	Posts        map[State]int64      // scheduled, sending, pending, failed, unknown, missed: the states that do not grow with history
	Due          int64                // scheduled posts whose time has come
	DueHeld      map[HoldReason]int64 // those of them that are held, by reason
	NextDue      time.Time            // earliest scheduled post that is not due yet; zero = none
	Instances    InstanceCounts
	Failover     Failover
}

// InstanceCounts counts instances.
type InstanceCounts struct {
	Total    int64
	Online   int64
	Offline  int64
	Maturing int64 // online, and not for long enough yet
	Paused   int64
}

// CheckText says what is wrong with a text that a person or program submitted;
// "" if nothing is. limit counts characters.
func CheckText(s string, required bool, limit int) string { return checkText(s, required, limit) }
