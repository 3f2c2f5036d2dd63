package promise

import (
	"cmp"
	"regexp"
	"slices"
	"strconv"
	"time"

	"momentcast/internal/moment"
)

// Record is everything that is known of a run.
type Record struct {
	Gap         time.Duration // least time between two posts of an instance
	CallTimeout time.Duration // of one call, counted from before its intent
	Settle      time.Duration // longest time from the start of a change's transaction to its commit, plus a claim's lease

	Arrivals  []Arrival
	Posts     []Post
	Attempts  []Attempt
	Events    []Event
	Changes   []Change
	Campaigns []Campaign
	// Losses are the times in which the database forgot what it had acknowledged:
	// the last commits before a failover to an asynchronous standby.
	Losses []Loss

	ix *index
}

// Arrival is one post that the gateway has accepted, whatever it answered.
type Arrival struct {
	At       time.Time // when its request arrived
	Account  string    // wcId
	MomentID string
	Fault    string // how the call ended; "" = properly
	Tag
}

// Tag is what a card says about itself. Every field of a card of the run
// carries its post's key and the number of the edit that wrote it.
type Tag struct {
	Key   string // "p17", or "c3-9" for the ninth tick of campaign 3
	Rev   int    // 0 = as created
	Mixed bool   // its fields are not of one edit
}

var tagged = regexp.MustCompile(`\b([pc][0-9]+(?:-[0-9]+)?)[ /]r([0-9]+)\b`)

// ReadTag reads the tags of a card's fields.
func ReadTag(fields ...string) (t Tag) {
	for i, f := range fields {
		m := tagged.FindStringSubmatch(f)
		if m == nil {
			t.Mixed = true
			continue
		}
		rev, _ := strconv.Atoi(m[2])
		if i > 0 && (m[1] != t.Key || rev != t.Rev) {
			t.Mixed = true
		}
		t.Key, t.Rev = m[1], rev
	}
	return t
}

// Post is a row of the database when all was over.
type Post struct {
	ID       int64
	Account  string
	Key      string
	State    moment.State
	DueAt    time.Time
	Attempt  int
	MomentID string
	Version  int64
	Left     bool // a person closed the case of its unknown outcome
}

// Attempt is one call of the gateway, as recorded.
type Attempt struct {
	Post      int64
	Number    int
	StartedAt time.Time // of its intent
	Duration  time.Duration
	Replica   string
	Verdict   moment.Verdict
	Cause     string
}

// Event is a line of the audit trail.
type Event struct {
	ID       int64
	Post     int64 // 0 = of everything
	At       time.Time
	Action   string
	From, To string
	Actor    string
	Source   string
}

// Change is something that was asked for through the API.
type Change struct {
	Key       string // of the post; "" = of everything, or of many posts
	Post      int64  // 0 = of everything, or not known
	Action    string // as the audit trail names it
	Start     time.Time
	End       time.Time // when the answer was there, or given up
	Outcome   Outcome
	IfVersion int64   // that it was bound to; 0 = none
	Version   int64   // of the post as it was answered
	Rev       int     // of an edit
	Perhaps   bool    // there may have been nothing left to change
	RequestID string  // the Idempotency-Key of a creation
	IDs       []int64 // what a creation answered, in the order of Keys
	Keys      []string
}

// Outcome is how a change was answered.
type Outcome int

// The outcomes. Of what was lost nobody knows whether it was done, nor when.
const (
	Lost Outcome = iota
	Done
	Refused
)

// Loss is a time in which acknowledged commits may have been lost.
type Loss struct{ From, To time.Time }

// Campaign is a campaign with its ticks.
type Campaign struct {
	ID      int64
	Targets int
	Whole   bool     // it was never stopped, and everything up to Until is planned
	Want    []string // wall times that the schedule fires, up to there
	Ticks   []Tick
}

// Tick is an occurrence as stored.
type Tick struct {
	Wall, State, Reason string
	Posts               int
}

// index is the record sorted by what the promises look for.
type index struct {
	arrivals map[string][]Arrival // by account and key, in order
	accounts map[string][]Arrival // by account, in order
	posts    map[string]*Post     // by account and key
	byID     map[int64]*Post
	keys     map[string][]*Post
	attempts map[int64][]Attempt // by post, in order of their start
	events   map[int64][]Event   // by post, in order
	changes  map[int64][]Change  // by post, in order of their start
}

func name(account, key string) string { return account + " " + key }

func (r *Record) index() *index {
	if r.ix != nil {
		return r.ix
	}
	ix := &index{
		arrivals: map[string][]Arrival{}, accounts: map[string][]Arrival{}, posts: map[string]*Post{}, byID: map[int64]*Post{}, keys: map[string][]*Post{},
		attempts: map[int64][]Attempt{}, events: map[int64][]Event{}, changes: map[int64][]Change{},
	}
	slices.SortStableFunc(r.Arrivals, func(a, b Arrival) int { return a.At.Compare(b.At) })
	slices.SortStableFunc(r.Attempts, func(a, b Attempt) int { return a.StartedAt.Compare(b.StartedAt) })
	slices.SortStableFunc(r.Events, func(a, b Event) int { return cmp.Compare(a.ID, b.ID) })
	slices.SortStableFunc(r.Changes, func(a, b Change) int { return a.Start.Compare(b.Start) })
	for _, a := range r.Arrivals {
		ix.arrivals[name(a.Account, a.Key)] = append(ix.arrivals[name(a.Account, a.Key)], a)
		ix.accounts[a.Account] = append(ix.accounts[a.Account], a)
	}
	for i := range r.Posts {
		p := &r.Posts[i]
		ix.posts[name(p.Account, p.Key)] = p
		ix.byID[p.ID] = p
		ix.keys[p.Key] = append(ix.keys[p.Key], p)
	}
	for _, a := range r.Attempts {
		ix.attempts[a.Post] = append(ix.attempts[a.Post], a)
	}
	for _, e := range r.Events {
		ix.events[e.Post] = append(ix.events[e.Post], e)
	}
	for _, c := range r.Changes {
		ix.changes[c.Post] = append(ix.changes[c.Post], r.asKept(c))
	}
	r.ix = ix
	return ix
}

// asKept is the change as the database has to remember it: what was
// acknowledged while commits were being lost may or may not be there.
func (r *Record) asKept(c Change) Change {
	if c.Outcome == Done && r.lost(c.Start, c.End) {
		c.Outcome = Lost
	}
	return c
}

// lost reports whether something committed between the two instants may be gone.
func (r *Record) lost(start, end time.Time) bool {
	for _, l := range r.Losses {
		if end.After(l.From) && start.Before(l.To) {
			return true
		}
	}
	return false
}

// forgotten reports whether the database may not know of the arrival's call, nor
// what the post was like then.
func (r *Record) forgotten(a Arrival) bool { return r.lost(a.At.Add(-r.CallTimeout), a.At) }

// intent is the call that the arrival belongs to: the last one that was begun
// before it.
func (ix *index) intent(a Arrival) (Attempt, bool) {
	p := ix.posts[name(a.Account, a.Key)]
	if p == nil {
		return Attempt{}, false
	}
	var found *Attempt
	for i := range ix.attempts[p.ID] {
		if t := &ix.attempts[p.ID][i]; !t.StartedAt.After(a.At) {
			found = t
		}
	}
	if found == nil {
		return Attempt{}, false
	}
	return *found, true
}
