package moment

import (
	"cmp"
	"slices"
	"time"
	"unicode/utf8"
)

// SeenMost is how many moments of a timeline are kept of one read-back: those
// nearest to the call.
const SeenMost = 20

// ReadBack is one look at an account's timeline for the moment of a doubtful
// call: the evidence for whoever has to decide.
type ReadBack struct {
	Attempt int // the call in doubt
	Round   int // from 1
	At      time.Time
	Problem string // why the timeline could not be read: ReadOffline or a Kind; "" = it was read
	Message string // what was said about that, in English
	Found   string // id of the moment that settled the doubt; "" = none did
	Seen    []Seen // newest first; at most SeenMost
	More    int    // moments that were on the timeline beside Seen
}

// Counts reports whether the look was a round: one that could not be made is
// made again. A timeline that the gateway refuses to show counts, for asking
// again and again would not help, but shows nothing.
func (r ReadBack) Counts() bool { return r.Problem == "" || r.Problem == string(Refused) }

// ReadOffline is the problem of an account that was offline.
const ReadOffline = "offline"

// Seen is one moment of the timeline and how it compares with what was asked
// for. Its texts are shortened.
type Seen struct {
	ID          string    `json:"id"`
	CreatedAt   time.Time `json:"created_at"`
	Content     string    `json:"content,omitempty"`
	Title       string    `json:"title,omitempty"`
	Description string    `json:"description,omitempty"`
	URL         string    `json:"url,omitempty"`
	ThumbURL    string    `json:"thumb_url,omitempty"`
	Private     bool      `json:"private,omitempty"`
	Differs     []string  `json:"differs"`           // Differs… words, in that order
	Match       bool      `json:"match"`             // it is what the call would have made
	PostID      int64     `json:"post_id,omitempty"` // the post that has it, 0 = none; read with the rest, not stored
}

// What can differ between a moment and what a call would have made of a card.
const (
	DiffersUnreadable = "unreadable" // its content could not be read: nothing else was compared
	DiffersAccount    = "account"    // somebody else's
	DiffersTime       = "time"       // made at another time
	DiffersKind       = "kind"       // no link card
	DiffersURL        = "url"
	DiffersTitle      = "title"
	DiffersContent    = "content"
)

// Against compares the moment with what the doubtful call would have made.
// Where title and text both came out differently it is another post with the
// same link; one of them alone is what WeChat may have changed.
func (m StoredMoment) Against(d Doubt) (differs []string, match bool) {
	add := func(is bool, what string) {
		if is {
			differs = append(differs, what)
		}
	}
	add(m.WcID != d.WcID, DiffersAccount)
	add(m.CreatedAt.Before(d.IntentAt.Add(-WindowMargin)) || m.CreatedAt.After(d.CallUntil.Add(WindowMargin)), DiffersTime)
	if m.Proof == nil {
		return append(differs, DiffersUnreadable), false
	}
	p := m.Proof
	add(p.Style != LinkStyle, DiffersKind)
	add(!SameLink(d.Card.URL, p.URL), DiffersURL)
	decided := len(differs) > 0
	title, content := trimText(p.Title) != trimText(d.Card.Title), trimText(p.Content) != trimText(d.Card.Content)
	add(title, DiffersTitle)
	add(content, DiffersContent)
	return differs, !decided && !(title && content)
}

// SeenFor keeps of a timeline what is near the doubtful call.
func SeenFor(d Doubt, timeline []StoredMoment) (seen []Seen, more int) {
	near := slices.Clone(timeline)
	slices.SortStableFunc(near, func(a, b StoredMoment) int {
		return cmp.Compare(a.CreatedAt.Sub(d.IntentAt).Abs(), b.CreatedAt.Sub(d.IntentAt).Abs())
	})
	if more = len(near) - SeenMost; more > 0 {
		near = near[:SeenMost]
	}
	for _, m := range near {
		seen = append(seen, m.seen(d))
	}
	slices.SortStableFunc(seen, func(a, b Seen) int { return b.CreatedAt.Compare(a.CreatedAt) })
	return seen, max(more, 0)
}

func (m StoredMoment) seen(d Doubt) Seen {
	s := Seen{ID: m.ID, CreatedAt: m.CreatedAt.UTC()}
	s.Differs, s.Match = m.Against(d)
	if p := m.Proof; p != nil {
		s.Content, s.Title, s.Description = shorten(p.Content, 200), shorten(p.Title, 100), shorten(p.Description, 100)
		s.URL, s.ThumbURL, s.Private = shorten(p.URL, 400), shorten(p.ThumbURL, 400), p.Private
	}
	return s
}

// shorten cuts s after n characters and marks the cut.
func shorten(s string, n int) string {
	if utf8.RuneCountInString(s) <= n {
		return s
	}
	return string([]rune(s)[:n-1]) + "…"
}
