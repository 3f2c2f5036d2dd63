package web

import (
	"hash/fnv"
	"strings"
	"unicode/utf8"

	"momentcast/internal/lint"
	"momentcast/internal/moment"
)

// phoneCard is a post as a phone shows it among the moments; template "phone"
// draws it, and the page that does so loads phone.css.
type phoneCard struct {
	Name    string // of the account
	Initial string // in the place of its avatar
	Tint    int    // of the avatar, 0 to 5; the same for the same name
	Text    string // up to the fold
	Rest    string // below the fold; "" = nothing is folded
	Title   string
	Thumb   string // address of the picture; "" = a placeholder
	Host    string // where the card leads; "" = nowhere yet
	When    string // the time in words; "" = none yet
	Mode    moment.VisibilityMode
	Who     string // in one sentence, who sees it
	Comment string // the first one; "" = none
}

// phoneOf draws a post. when is its time in words, as catalogue.clock says it;
// the settings say where texts are folded.
func phoneOf(c catalogue, name string, p *moment.Post, when string, s moment.Settings) phoneCard {
	text, folded := lint.Fold(p.Card.Content, s.FoldLines, s.FoldChars)
	out := phoneCard{Name: name, Initial: initial(name), Tint: tint(name), Text: text, Title: p.Card.Title, Thumb: p.Card.ThumbURL,
		Host: hostOf(p.Card.URL), When: when, Mode: p.Visibility.Mode, Who: audience(c, p.Visibility, nil), Comment: p.FirstComment}
	if folded {
		out.Rest = p.Card.Content[len(text):]
	}
	return out
}

// PhoneOf draws a stored post.
func (f *Frame) PhoneOf(v *moment.PostView) phoneCard {
	when := ""
	if !v.DueAt.IsZero() {
		when = f.texts.clock(v.DueAt, f.Now, v.TimeZone, f.Zone)
	}
	return phoneOf(f.texts, nameOf(v.InstanceName, v.WcID), &v.Post, when, f.settings)
}

// initial is what stands for a name where its picture would be.
func initial(name string) string {
	r, _ := utf8.DecodeRuneInString(strings.TrimSpace(name))
	if r == utf8.RuneError {
		return ""
	}
	return strings.ToUpper(string(r))
}

// tints is how many colours avatars have.
const tints = 6

func tint(name string) int {
	h := fnv.New32a()
	_, _ = h.Write([]byte(name)) // never fails
	return int(h.Sum32() % tints)
}

// hostOf is the host of an address as people read it; "" if it is none.
func hostOf(link string) string {
	_, rest, ok := strings.Cut(link, "://")
	if !ok {
		return ""
	}
	if end := strings.IndexAny(rest, "/?#"); end >= 0 {
		rest = rest[:end]
	}
	return strings.TrimPrefix(strings.ToLower(rest), "www.")
}
