// Package lint says what is wrong, risky or ugly about a card before it is sent.
// It is pure: it opens nothing, and what became of looking at the link and at
// the thumbnail is told to it.
package lint

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"momentcast/internal/moment"
)

// Severity orders findings.
type Severity string

// The severities.
const (
	Error Severity = "error" // it cannot be sent so, or will not work on a phone
	Warn  Severity = "warn"  // it can be sent, and somebody should look first
	Info  Severity = "info"  // worth knowing
)

// Finding is one thing about a card.
type Finding struct {
	Severity Severity `json:"severity"`
	Field    string   `json:"field"` // of the card, as in moment.Field: "title"
	Key      string   `json:"key"`   // which rule; stable, one of Keys
	ZH       string   `json:"zh"`
	EN       string   `json:"en"`
}

// Text returns the finding in a language: English for "en", else Chinese.
func (f Finding) Text(lang string) string {
	if lang == "en" {
		return f.EN
	}
	return f.ZH
}

// Settings are what a workspace may decide. Zero fields mean the defaults.
type Settings struct {
	FoldLines  int       // lines of the text that show before it is folded; default 6
	FoldChars  int       // characters likewise; default 100
	TitleLines int       // lines of the title that the card shows; default 2
	TitleWidth int       // Chinese characters in one of them; default 15
	MaxEmoji   int       // in one text; default 10, negative = any number
	ThumbBytes int64     // of a thumbnail; default 50 KiB, what the gateway asks of pictures elsewhere
	Absolute   *WordList // absolute claims; nil = the default list
	Sensitive  *WordList // nil = the default list
}

func (s Settings) withDefaults() Settings {
	s.FoldLines = cmp.Or(s.FoldLines, 6)
	s.FoldChars = cmp.Or(s.FoldChars, 100)
	s.TitleLines = cmp.Or(s.TitleLines, 2)
	s.TitleWidth = cmp.Or(s.TitleWidth, 15)
	s.MaxEmoji = cmp.Or(s.MaxEmoji, 10)
	s.ThumbBytes = cmp.Or(s.ThumbBytes, 50<<10)
	if s.Absolute == nil {
		s.Absolute = defaultAbsolute()
	}
	if s.Sensitive == nil {
		s.Sensitive = defaultSensitive()
	}
	return s
}

// Input is a card and what is known of it.
type Input struct {
	Card         moment.Card
	FirstComment string
	Variables    []string // names that are filled in before sending, such as "date"; any other {{…}} would be posted as it stands
	Link         *Look    // nil = nobody looked
	Thumb        *ThumbLook
}

// Look is what became of fetching an address.
type Look struct {
	Reason string // why it failed, in a word, as package linkcheck names it; "" = it did not
	Final  string // the address after redirects; "" = nothing was fetched
}

// ThumbLook is what became of fetching a thumbnail.
type ThumbLook struct {
	Look

	Type   string // such as "image/jpeg"; "" = not known
	Bytes  int64
	Width  int
	Height int
	Square bool
}

// linter collects findings about one card.
type linter struct {
	Input
	Settings

	found []Finding
}

// Check returns what there is to say about a card, the worst first, and within
// one severity in the order of the card. A card without an Error is one that
// moment.Post.Check accepts.
func Check(in Input, s Settings) []Finding {
	l := &linter{Input: in, Settings: s.withDefaults()}
	l.texts()
	l.link()
	l.thumb()
	l.domain()
	slices.SortStableFunc(l.found, func(a, b Finding) int {
		return cmp.Or(rank(severities, a.Severity)-rank(severities, b.Severity), rank(fields, a.Field)-rank(fields, b.Field))
	})
	return l.found
}

// Worst returns the worst severity among findings, "" for none.
func Worst(findings []Finding) Severity {
	for _, s := range severities {
		if slices.ContainsFunc(findings, func(f Finding) bool { return f.Severity == s }) {
			return s
		}
	}
	return ""
}

var (
	severities = []Severity{Error, Warn, Info}
	fields     = []string{"content", "title", "description", "url", "thumb_url", "first_comment"}
)

func rank[T comparable](order []T, v T) int { return slices.Index(order, v) }

// add records the finding of a rule, with the rule's own severity.
func (l *linter) add(field, key string, args ...any) {
	m := messages[key]
	l.found = append(l.found, Finding{m.severity, field, key, fmt.Sprintf(m.zh, args...), fmt.Sprintf(m.en, args...)})
}

// domain adds what the domain refuses and no rule above has named, so that the
// two never disagree about whether a card can be sent.
func (l *linter) domain() {
	now := time.Unix(0, 0)
	p := moment.Post{
		State: moment.Scheduled, Card: l.Card, FirstComment: l.FirstComment,
		DueAt: now, Visibility: moment.Visibility{Mode: moment.Everyone},
	}
	for _, f := range fieldsOf(p.Check(now)) {
		named := slices.ContainsFunc(l.found, func(g Finding) bool { return g.Field == f.Path && g.Severity == Error })
		if !named {
			l.add(f.Path, "invalid", f.Message)
		}
	}
}
