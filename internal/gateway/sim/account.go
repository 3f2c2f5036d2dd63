package sim

import (
	"sort"
	"strconv"
	"sync"
	"time"
)

// account is one WeChat account with its feed. mu is the shard lock of the
// hot path: two accounts never wait for each other.
type account struct {
	wcID string

	mu           sync.Mutex
	name         string
	wID          string // also guarded by Sim.mu: read under either
	logins       int
	offline      bool
	reason       string // of being offline
	since        time.Time
	labels       []string
	contacts     int
	addressReady bool // initAddressList was called in this session
	lastContact  time.Time
	lastReason   time.Time

	moments []*moment         // ids ascend
	urls    map[string]uint32 // how often each url was accepted
	flights []*flight
	score   accountScore
}

// moment is one post. It is feed, truth and statistics in one, so that a run
// of a million posts fits into memory: no copy of it is kept elsewhere.
type moment struct {
	id    uint64
	seq   uint64
	at    int64 // arrival of the request, unix ns
	due   int64 // from the url's due=, unix ns; 0 = none
	wID   string
	req   SendRequest
	fault Fault
	extra *extra // nil until somebody reacts
	copy  uint32 // 1 = the first with this url on this account
	flags uint8
}

const (
	flagPrivate uint8 = 1 << iota
	flagDeleted
)

func (m *moment) is(flag uint8) bool { return m.flags&flag != 0 }

// created is the time the id itself tells.
func (m *moment) created() time.Time { return time.UnixMilli(int64(m.id >> 23)) }

func (m *moment) idString() string { return strconv.FormatUint(m.id, 10) }

// extra holds what others add to a moment; most have nothing.
type extra struct {
	likes    []like
	comments []comment
	lastID   int
}

type like struct {
	by, nick string
	at       int64 // unix s
}

type comment struct {
	id, replyTo       int
	by, nick, content string
	at                int64 // unix s
}

func (m *moment) reactions() *extra {
	if m.extra == nil {
		m.extra = &extra{}
	}
	return m.extra
}

// describe applies what the operator says about the account. mu is held.
func (a *account) describe(d Account, now time.Time) {
	a.name = d.Name
	if a.name == "" {
		a.name = a.wcID
	}
	a.since = now.Add(-d.OnlineFor)
	a.offline, a.reason = d.Offline, ""
	if d.Offline {
		a.reason = reasonOffline
	}
	a.labels = d.Labels
	if a.labels == nil {
		a.labels = []string{"老客户", "意向客户", "同事"}
	}
	a.contacts = d.Contacts
}

// find returns the moment with that id, nil when there is none or it was
// deleted. mu is held.
func (a *account) find(id uint64) *moment {
	i := sort.Search(len(a.moments), func(i int) bool { return a.moments[i].id >= id })
	if i == len(a.moments) || a.moments[i].id != id || a.moments[i].is(flagDeleted) {
		return nil
	}
	return a.moments[i]
}

// page returns up to n moments older than maxID (0 = from the newest), newest
// first, of those that keep wants. mu is held.
func (a *account) page(maxID uint64, n int, keep func(*moment) bool) []*moment {
	i := len(a.moments)
	if maxID > 0 {
		i = sort.Search(len(a.moments), func(i int) bool { return a.moments[i].id >= maxID })
	}
	var out []*moment
	for i--; i >= 0 && len(out) < n; i-- {
		if keep(a.moments[i]) {
			out = append(out, a.moments[i])
		}
	}
	return out
}

// add files a new moment and says which copy of its url it is. mu is held.
func (a *account) add(m *moment) {
	a.moments = append(a.moments, m)
	a.urls[m.req.URL]++
	m.copy = a.urls[m.req.URL]
	a.score.accepted(m)
}

// reset forgets posts and statistics; calls in flight stay counted.
func (a *account) reset() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.moments, a.urls, a.score = nil, map[string]uint32{}, accountScore{}
}
