package moment

import (
	"html"
	"net/url"
	"slices"
	"strings"
	"time"
)

// Login is one account that the gateway lists as online.
type Login struct {
	WcID string
	WID  string
}

// Label is a contact label of an instance.
type Label struct {
	ID   string
	Name string
}

// Contact is a contact of an instance.
type Contact struct {
	WxID     string
	Nickname string
	Remark   string
	Alias    string
	Avatar   string
	Labels   []string // label ids
}

// StoredMoment is one moment of an account's own timeline, as read back.
type StoredMoment struct {
	ID        string
	WcID      string    // whose moment it is
	CreatedAt time.Time // to the second
	XML       string    // decoded objectDesc; "" where the list left it out
	Proof     *Proof    // read from XML; nil if there is none to read
	Likes     []Like
	Comments  []Comment
}

// Like is one like of a moment.
type Like struct {
	WcID, Nickname string
	At             time.Time
}

// Comment is one comment below a moment.
type Comment struct {
	ID, ReplyTo    string
	WcID, Nickname string
	Content        string
	At             time.Time
}

// Proof is what WeChat stored of a link card, decoded from its XML.
type Proof struct {
	Content     string    `json:"content"` // text above the card
	Title       string    `json:"title"`
	Description string    `json:"description"`
	URL         string    `json:"url"`
	ThumbURL    string    `json:"thumb_url"`
	Style       int       `json:"style"` // 3 = link
	Private     bool      `json:"private"`
	CreatedAt   time.Time `json:"created_at"`
}

// LinkStyle is the contentStyle of a link card.
const LinkStyle = 3

// Differences names the fields in which what WeChat stored is not what was
// asked for. WeChat may append query parameters to the link.
func (p Proof) Differences(c Card) []string {
	var out []string
	if trimText(p.Content) != trimText(c.Content) {
		out = append(out, "content")
	}
	if trimText(p.Title) != trimText(c.Title) {
		out = append(out, "title")
	}
	if !SameLink(c.URL, p.URL) {
		out = append(out, "url")
	}
	return out
}

// WindowMargin widens the span in which a moment of a doubtful call may have
// been created: clocks differ, and moment times are whole seconds.
const WindowMargin = time.Minute

// SameLink reports whether stored is the asked link after unescaping, with at
// most query parameters added.
func SameLink(asked, stored string) bool {
	if asked == stored || html.UnescapeString(stored) == asked {
		return true
	}
	a, errA := url.Parse(asked)
	s, errS := url.Parse(html.UnescapeString(stored))
	if errA != nil || errS != nil || a.Scheme != s.Scheme || !strings.EqualFold(a.Host, s.Host) ||
		a.Path != s.Path || (a.Fragment != s.Fragment && s.Fragment != "") {
		return false
	}
	have := s.Query()
	for k, want := range a.Query() {
		if !slices.Equal(have[k], want) {
			return false
		}
	}
	return true
}

// trimText evens out what a round trip through WeChat may change in a text.
func trimText(s string) string {
	return strings.TrimSpace(strings.ReplaceAll(s, "\r\n", "\n"))
}
