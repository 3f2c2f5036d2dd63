package moment

import "time"

// How long somebody stays signed in.
const (
	SessionIdle  = 12 * time.Hour      // without a request
	SessionLimit = 14 * 24 * time.Hour // in any case
)

// Session is one browser that somebody is signed in with, or is about to be.
type Session struct {
	ID         int64
	Hash       [32]byte // of the cookie's value, which is stored nowhere
	UserID     int64    // 0 = nobody yet
	Data       []byte
	IP         string
	UserAgent  string
	CreatedAt  time.Time
	LastSeenAt time.Time // to the minute
	ExpiresAt  time.Time
}

// Credential is what is known of a name that somebody signs in with.
type Credential struct {
	User User   // zero if nobody has that name
	Hash string // of the password; "" if there is none to compare with

	Failures int // in a row under the name, the one that this try may become included
}

// SignIn is somebody who has proven who they are, and the session they get.
type SignIn struct {
	UserID  int64
	Hash    string // of the password they proved; it must still be theirs. "" = proven otherwise
	Session Session
}

// freeTries is how many wrong passwords in a row cost nothing: people mistype.
const freeTries = 5

// LockAfter is how long nobody may sign in under a name after so many failures
// in a row: 4 s after the fifth, doubled with each one, at most 15 minutes. The
// limit leaves some hundred guesses a day, and whoever is locked out by
// somebody else's guesses a quarter of an hour to wait.
func LockAfter(failures int) time.Duration {
	if failures < freeTries {
		return 0
	}
	return min(4*time.Second<<min(failures-freeTries, 16), 15*time.Minute)
}

// EventQuery selects lines of the audit trail, newest first. Zero fields select
// everything.
type EventQuery struct {
	Actor   string
	Action  string
	Source  string
	PostID  int64
	From    time.Time // at or after
	To      time.Time // before
	Machine bool      // also what the service did by itself
	Before  int64     // id; everything from it on was seen
	Limit   int
}
