package lint

import (
	"errors"
	"net/url"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"momentcast/internal/moment"
)

func fieldsOf(err error) []moment.Field {
	if e, ok := errors.AsType[*moment.Error](err); ok {
		return e.Fields
	}
	return nil
}

// texts are the rules about what people read.
func (l *linter) texts() {
	c := l.Card
	l.required("content", c.Content)
	l.required("title", c.Title)
	for _, t := range []struct {
		field, text string
		limit       int
	}{
		{"content", c.Content, moment.MaxContent}, {"title", c.Title, moment.MaxTitle},
		{"description", c.Description, moment.MaxDescription}, {"first_comment", l.FirstComment, moment.MaxComment},
	} {
		l.length(t.field, t.text, t.limit)
		l.appearance(t.field, t.text)
		l.wording(t.field, t.text)
		l.variables(t.field, t.text)
	}
	if _, folded := Fold(c.Content, l.FoldLines, l.FoldChars); folded {
		l.add("content", "content.folds", l.FoldLines, l.FoldChars)
	}
	if strings.ContainsAny(strings.TrimSpace(c.Title), "\r\n") {
		l.add("title", "title.break")
	} else if titleLines(c.Title, l.TitleWidth) > l.TitleLines {
		l.add("title", "title.lines", l.TitleLines, l.TitleLines*l.TitleWidth)
	}
}

func (l *linter) required(field, s string) {
	if strings.TrimSpace(s) == "" {
		l.add(field, "missing")
	}
}

func (l *linter) length(field, s string, limit int) {
	if n := utf8.RuneCountInString(s); n > limit {
		l.add(field, "too_long", limit, n)
	}
}

// appearance is about what shows other than it was meant.
func (l *linter) appearance(field, s string) {
	if s != "" && (strings.TrimSpace(s) != s || spaceBeforeBreak(s)) {
		l.add(field, "spaces")
	}
	if strings.Contains(strings.ReplaceAll(strings.TrimSpace(s), "\r\n", "\n"), "\n\n\n") {
		l.add(field, "blank_lines")
	}
	if strings.ContainsFunc(s, hidden) {
		l.add(field, "hidden")
	}
	if n := emoji(s); l.MaxEmoji >= 0 && n > l.MaxEmoji {
		l.add(field, "emoji", n, l.MaxEmoji)
	}
}

func spaceBeforeBreak(s string) bool {
	for line := range strings.Lines(s) {
		line = strings.TrimRight(line, "\r\n")
		if strings.TrimRightFunc(line, unicode.IsSpace) != line {
			return true
		}
	}
	return false
}

// hidden reports characters that take no room: they come along when text is
// copied, and split words for whoever searches. Emoji are joined with U+200D.
func hidden(r rune) bool {
	return r == 0x200B || r == 0x200C || r == 0x2060 || r == 0xFEFF || r == 0x00AD || r == 0x180E || r == utf8.RuneError
}

func (l *linter) wording(field, s string) {
	if found := l.Absolute.Find(s); len(found) > 0 {
		l.add(field, "absolute", list(found))
	}
	if found := l.Sensitive.Find(s); len(found) > 0 {
		l.add(field, "sensitive", list(found))
	}
}

// list names a few of many.
func list(words []string) string {
	const most = 8
	if len(words) > most {
		return strings.Join(words[:most], "、") + "…"
	}
	return strings.Join(words, "、")
}

// variables finds what would be posted as "{{…}}". One that is not closed counts
// as well: it will not be filled in either.
func (l *linter) variables(field, s string) {
	for rest := s; ; {
		_, after, open := strings.Cut(rest, "{{")
		if !open {
			return
		}
		name, behind, closed := strings.Cut(after, "}}")
		if !closed || !slices.Contains(l.Variables, strings.TrimSpace(name)) {
			l.add(field, "variable")
			return
		}
		rest = behind
	}
}

// link is about where the card leads.
func (l *linter) link() {
	l.address("url", l.Card.URL)
	if twice := trackedTwice(l.Card.URL); len(twice) > 0 {
		l.add("url", "tracking_twice", list(twice))
	}
	if l.Link == nil {
		return
	}
	l.reach("url", *l.Link)
	if strings.HasPrefix(l.Link.Final, "http://") && strings.HasPrefix(l.Card.URL, "https://") {
		l.add("url", "link.downgrade")
	}
}

// thumb is about the picture.
func (l *linter) thumb() {
	l.address("thumb_url", l.Card.ThumbURL)
	if l.Thumb == nil {
		return
	}
	t := *l.Thumb
	l.reach("thumb_url", t.Look)
	if t.Reason != "" {
		return
	}
	if t.Type != "image/jpeg" && t.Type != "image/png" {
		l.add("thumb_url", "thumb.type", strings.ToUpper(strings.TrimPrefix(t.Type, "image/")))
	}
	if t.Bytes > l.ThumbBytes {
		l.add("thumb_url", "thumb.bytes", (t.Bytes+1023)/1024, l.ThumbBytes/1024)
	}
	if !t.Square {
		l.add("thumb_url", "thumb.square", t.Width, t.Height)
	}
	if min(t.Width, t.Height) < smallest {
		l.add("thumb_url", "thumb.small", t.Width, t.Height, smallest)
	}
}

// smallest is the side, in pixels, below which a thumbnail looks blurred on the
// phones of today.
const smallest = 100

func (l *linter) address(field, s string) {
	if s == "" {
		l.add(field, "missing")
		return
	}
	if strings.HasPrefix(strings.ToLower(s), "http://") {
		l.add(field, "http")
	}
	l.variables(field, s)
}

// reach turns the reason of a failed look into a finding of the field's severity.
func (l *linter) reach(field string, look Look) {
	if look.Reason == "" {
		return
	}
	key := "reach." + look.Reason
	if field == "thumb_url" {
		key = "thumb.reach." + look.Reason
	}
	if _, known := messages[key]; !known {
		key = "reach.other"
	}
	l.add(field, key)
}

// tracking are the parameters, besides utm_…, that count visits.
var tracking = []string{"spm", "scm", "gclid", "fbclid", "msclkid", "yclid", "bd_vid", "qz_gdt", "gdt_vid", "clickid", "from", "channel", "share_token", "isappinstalled"}

// trackedTwice returns tracking parameters that a link has more than once: which
// of them the site counts is its secret.
func trackedTwice(link string) []string {
	u, err := url.Parse(link)
	if err != nil {
		return nil
	}
	seen := map[string]int{}
	var twice []string
	for _, name := range moment.ParamNames(u.RawQuery) {
		if seen[name]++; seen[name] == 2 && (strings.HasPrefix(name, "utm_") || slices.Contains(tracking, name)) {
			twice = append(twice, name)
		}
	}
	return twice
}
