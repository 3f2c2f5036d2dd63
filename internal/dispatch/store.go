package dispatch

import (
	"context"
	"time"

	"momentcast/internal/moment"
)

// Store is the part of the database the dispatcher needs.
type Store interface {
	// Claim takes up to n due posts, each the earliest of its instance, leased
	// for lease. looked is how many instances seemed ready: where it is as many
	// as could be looked at, more may be waiting.
	Claim(ctx context.Context, n int, token int64, replica string, lease time.Duration) (claims []moment.Claim, looked int, err error)
	// Begin commits the intent to call and returns what may be called.
	Begin(ctx context.Context, refs []moment.Ref, callFor, lease time.Duration) ([]moment.Begun, error)
	// BegunAlready tells which intents are committed, after a Begin whose own
	// outcome is not known.
	BegunAlready(ctx context.Context, refs []moment.Ref) ([]moment.Begun, error)
	// Release gives claims back that were not begun.
	Release(ctx context.Context, claims []moment.Claim) error
	// Record writes outcomes; it may be repeated. It returns the ids that were
	// no longer ours to settle.
	Record(ctx context.Context, outcomes []moment.Outcome) (stale []int64, err error)
	// NextReady tells how long until an instance may send; not ok = none will.
	NextReady(ctx context.Context) (wait time.Duration, ok bool, err error)
	// Listen calls woken when somebody may have made an instance ready.
	Listen(ctx context.Context, woken func()) error

	// Observe takes over what the gateway lists as online.
	Observe(ctx context.Context, logins []moment.Login, replica string) ([]moment.Change, error)
	// GatewayDown says that a look at the gateway failed.
	GatewayDown(ctx context.Context, why string) error
	// SetOfflineReason keeps what the gateway says about a lost login.
	SetOfflineReason(ctx context.Context, wcID, reason string) error

	// Reap settles posts whose lease has run out.
	Reap(ctx context.Context, replica string) (lapsed, doubted int, err error)
	// Miss settles scheduled posts past their lateness limit.
	Miss(ctx context.Context, replica string) (missed int, err error)
	// ExpireApprovals sends scheduled posts back whose approval is too old.
	ExpireApprovals(ctx context.Context, replica string) (expired int, err error)
	// TakeDoubts lends posts of unknown outcome whose read-back is due.
	TakeDoubts(ctx context.Context, n int, lease time.Duration) ([]moment.Doubt, error)
	// Unclaimed returns those moment ids that no post of the instance has.
	Unclaimed(ctx context.Context, instance int64, ids []string) ([]string, error)
	// FoundDoubt settles a doubt: the moment is on the timeline. This and the
	// next two keep the look that they follow from.
	FoundDoubt(ctx context.Context, d moment.Doubt, m moment.StoredMoment, look moment.ReadBack, replica string) error
	// KeepDoubt leaves the doubt; next = 0 ends the read-backs.
	KeepDoubt(ctx context.Context, d moment.Doubt, look moment.ReadBack, next time.Duration, replica string) error
	// Resend schedules a post once more that the read-backs did not find, if
	// the setting allows it and the quarantine since its call is over.
	Resend(ctx context.Context, d moment.Doubt, look moment.ReadBack, quarantine time.Duration, replica string) (bool, error)

	// Stand tells whether the database is still the one that we worked on. If
	// not, the accounts that may have sent what it does not know of are held
	// until they are read, no earlier than settle from now.
	Stand(ctx context.Context, replica string, settle time.Duration) (moment.HistoryMove, error)
	// Restore tells of outcomes that the database may have lost.
	Restore(ctx context.Context, outcomes []moment.Outcome) (restored int, err error)
	// TakeUnread lends accounts whose timeline has to be read.
	TakeUnread(ctx context.Context, n int, lease time.Duration) ([]moment.Unread, error)
	// SettleUnread lets an account go on that was read.
	SettleUnread(ctx context.Context, u moment.Unread, found []moment.Credit, replica string) error
	// KeepUnread keeps one held that could not be read.
	KeepUnread(ctx context.Context, u moment.Unread, problem, message string) error

	// TakeComments commits the intent to post due first comments.
	TakeComments(ctx context.Context, n int, lease time.Duration) ([]moment.CommentTask, error)
	// RecordComment writes how a comment's call ended.
	RecordComment(ctx context.Context, t moment.CommentTask, r moment.Result, replica string) error

	// Expand plans ahead for one campaign, a bounded step; more = there may be
	// another to do now, until = the campaign has its posts up to then (zero =
	// not known).
	Expand(ctx context.Context, replica string) (until time.Time, more bool, err error)

	// Heartbeat says that the replica's dispatcher turns.
	Heartbeat(ctx context.Context, replica, version string, inFlight int) error
	// Goodbye says that the replica ends.
	Goodbye(ctx context.Context, replica string) error
	// Tidy does what has to be done once in a while.
	Tidy(ctx context.Context) error
}

// Gateway is the part of the gateway the dispatcher needs.
type Gateway interface {
	// Publish makes the one call. It never repeats it.
	Publish(ctx context.Context, wID string, card moment.Card, vis moment.Visibility) moment.Result
	// Comment posts a comment below a moment, once.
	Comment(ctx context.Context, wID, momentID, content string) moment.Result
	// Logins lists the accounts that are online.
	Logins(ctx context.Context) ([]moment.Login, error)
	// OfflineReason tells why an account went offline, as far as known.
	OfflineReason(ctx context.Context, wcID string) (string, error)
	// OwnTimeline returns the account's own moments back to since, newest
	// first, with their proofs.
	OwnTimeline(ctx context.Context, wID, wcID string, since time.Time) ([]moment.StoredMoment, error)
}

// Meter counts what happens. A nil Meter is not allowed; use NoMeter.
type Meter interface {
	// Claimed counts claims by how long after their due time they were taken.
	Claimed(lateness time.Duration)
	// Called counts calls by verdict and cause, with their duration.
	Called(v moment.Verdict, cause string, took time.Duration)
	// Stale counts outcomes that could no longer be recorded.
	Stale()
	// InFlight follows the number of posts between claim and record.
	InFlight(n int)
}

// NoMeter counts nothing.
type NoMeter struct{}

// Claimed implements Meter.
func (NoMeter) Claimed(time.Duration) {}

// Called implements Meter.
func (NoMeter) Called(moment.Verdict, string, time.Duration) {}

// Stale implements Meter.
func (NoMeter) Stale() {}

// InFlight implements Meter.
func (NoMeter) InFlight(int) {}
