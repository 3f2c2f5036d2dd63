package sim

import (
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
)

// The calls that Truth lists.
const (
	callSend    = "snsSendUrl"
	callComment = "snsComment"
)

// Accepted is one thing that was really done on an account, whatever the
// client was told about it. It is also a line of the journal.
type Accepted struct {
	Seq      uint64      `json:"seq"` // order of acceptance; gaps are possible
	At       time.Time   `json:"at"`  // arrival of the request
	Call     string      `json:"call"`
	WcID     string      `json:"wc_id"`
	WID      string      `json:"w_id"`
	MomentID string      `json:"moment_id"`
	Request  SendRequest `json:"request,omitzero"` // of snsSendUrl
	Copy     int         `json:"copy,omitempty"`   // of snsSendUrl: 1 = first with this url on this account, more = a double
	Fault    Fault       `json:"fault,omitempty"`  // how the call ended; "" = properly

	Comment   string `json:"comment,omitempty"` // of snsComment
	CommentID int    `json:"comment_id,omitempty"`
	ReplyTo   int    `json:"reply_to,omitempty"`
}

func (m *moment) accepted(wcID string) Accepted {
	return Accepted{
		Seq: m.seq, At: time.Unix(0, m.at), Call: callSend, WcID: wcID, WID: m.wID, MomentID: m.idString(),
		Request: m.req, Copy: int(m.copy), Fault: m.fault,
	}
}

// Truth returns every snsSendUrl and snsComment that was accepted, in order.
// Posts deleted later are still in it.
func (s *Sim) Truth() []Accepted { return s.truthAfter(0) }

func (s *Sim) truthAfter(seq uint64) []Accepted {
	all := []Accepted{}
	for _, acc := range s.accounts() {
		acc.mu.Lock()
		for _, m := range acc.moments {
			if m.seq > seq {
				all = append(all, m.accepted(acc.wcID))
			}
		}
		acc.mu.Unlock()
	}
	for _, a := range s.comments.all() {
		if a.Seq > seq {
			all = append(all, a)
		}
	}
	slices.SortFunc(all, func(x, y Accepted) int {
		if x.Seq < y.Seq {
			return -1
		}
		return 1
	})
	return all
}

// commentLog has every comment made by a client, deleted ones too.
type commentLog struct {
	mu   sync.Mutex
	list []Accepted
}

func (l *commentLog) add(a Accepted) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.list = append(l.list, a)
}

func (l *commentLog) all() []Accepted {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.list)
}

func (l *commentLog) reset() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.list = nil
}

// Call is one request as it came over the wire, for assertions on it.
type Call struct {
	At            time.Time   `json:"at"`
	Method        string      `json:"method"`
	Path          string      `json:"path"`
	Authorization string      `json:"authorization"`
	Header        http.Header `json:"header"`
	Body          string      `json:"body"` // its first 16 KiB
}

const (
	ringSize = 1024
	ringBody = 16 << 10
)

// callRing keeps the latest calls. It refers to headers and bodies without
// copying them: nobody changes them after the request was read.
type callRing struct {
	mu    sync.Mutex
	slots [ringSize]rawCall
	n     uint64
}

type rawCall struct {
	at           time.Time
	method, path string
	header       http.Header
	body         []byte
}

func (r *callRing) add(c *call) {
	body := c.body
	if len(body) > ringBody {
		body = body[:ringBody:ringBody]
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.slots[r.n%ringSize] = rawCall{c.at, c.r.Method, c.r.URL.Path, c.r.Header, body}
	r.n++
}

func (r *callRing) reset() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.slots, r.n = [ringSize]rawCall{}, 0
}

// Calls returns the latest calls of the gateway's protocol, oldest first, at
// most 1024. Control calls are not among them.
func (s *Sim) Calls() []Call {
	r := &s.calls
	r.mu.Lock()
	defer r.mu.Unlock()
	calls := []Call{}
	for i := r.n - min(r.n, ringSize); i < r.n; i++ {
		c := r.slots[i%ringSize]
		calls = append(calls, Call{c.at, c.method, c.path, c.header.Get("Authorization"), maps.Clone(c.header), strings.ToValidUTF8(string(c.body), "\uFFFD")})
	}
	return calls
}
