package lint

import (
	_ "embed" // the default lists
	"fmt"
	"slices"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"

	"momentcast/internal/moment"
)

//go:embed words/absolute.txt
var absoluteText string

//go:embed words/sensitive.txt
var sensitiveText string

var (
	defaultAbsolute  = sync.OnceValue(func() *WordList { return mustParse(absoluteText) })
	defaultSensitive = sync.OnceValue(func() *WordList { return mustParse(sensitiveText) })
)

// DefaultAbsolute returns the text of the list of absolute claims that holds
// where no other is set; a person edits a copy of it.
func DefaultAbsolute() string { return absoluteText }

// DefaultSensitive does so for the list of sensitive words.
func DefaultSensitive() string { return sensitiveText }

func mustParse(text string) *WordList {
	l, err := ParseWords(text)
	if err != nil {
		panic(err) // an embedded list, and tested
	}
	return l
}

// Limits of a list. A card is linted on every pause in typing.
const (
	maxWords    = 5000
	maxWordSize = 50 // characters
)

// WordList finds words in texts. A nil list finds nothing.
type WordList struct {
	words []word
}

type word struct {
	shown  string   // as it was written in the list
	text   string   // folded
	except []string // folded phrases that contain text and are no finding
}

// ParseWords reads a list: a word or phrase a line, "#" begins a comment, and
// phrases behind "!" on the same line contain the word and are meant to be left
// alone. Case, full and half width do not matter.
func ParseWords(text string) (*WordList, error) {
	var l WordList
	var problems []moment.Field
	n := 0
	for line := range strings.Lines(text) {
		n++
		line, _, _ = strings.Cut(line, "#")
		if strings.TrimSpace(line) == "" {
			continue
		}
		w, problem := parseWord(line)
		if problem != "" && len(problems) < 20 {
			problems = append(problems, moment.Field{Path: fmt.Sprintf("line %d", n), Message: problem})
		}
		l.words = append(l.words, w)
	}
	if len(l.words) > maxWords {
		problems = append(problems, moment.Field{Path: "list", Message: fmt.Sprintf("has more than %d words", maxWords)})
	}
	if err := moment.InvalidFields(problems); err != nil {
		return nil, err
	}
	return &l, nil
}

func parseWord(line string) (w word, problem string) {
	parts := strings.Split(line, "!")
	w.shown = strings.TrimSpace(parts[0])
	w.text = fold(w.shown)
	if w.text == "" {
		return w, "has no word before the first exclamation mark"
	}
	for _, p := range parts {
		p = fold(strings.TrimSpace(p))
		switch {
		case utf8.RuneCountInString(p) > maxWordSize:
			return w, fmt.Sprintf("is longer than %d characters", maxWordSize)
		case p != w.text && !strings.Contains(p, w.text):
			return w, "has an exception that does not contain the word"
		case p != w.text:
			w.except = append(w.except, p)
		}
	}
	return w, ""
}

// fold makes texts comparable: lower case, and half width where there is one.
func fold(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r >= 0xFF01 && r <= 0xFF5E:
			r -= 0xFEE0
		case r == 0x3000:
			r = ' '
		}
		return unicode.ToLower(r)
	}, s)
}

// span is where a word was found.
type span struct {
	from, to int
	shown    string
}

// Find returns the words of the list that s contains, each once, in the order of
// the text. Of words that overlap in one place it returns the longest: whoever
// reads "最高级" need not be told of "最高" too.
func (l *WordList) Find(s string) []string {
	if l == nil {
		return nil
	}
	s = fold(s)
	var spans []span
	for _, w := range l.words {
		spans = append(spans, w.find(s)...)
	}
	slices.SortStableFunc(spans, func(a, b span) int {
		if a.from != b.from {
			return a.from - b.from
		}
		return b.to - a.to
	})
	var found []string
	end := 0
	for _, p := range spans {
		if p.to <= end {
			continue
		}
		end = p.to
		if !slices.Contains(found, p.shown) {
			found = append(found, p.shown)
		}
	}
	return found
}

func (w word) find(s string) []span {
	var spans []span
	for at := 0; ; {
		i := strings.Index(s[at:], w.text)
		if i < 0 {
			return spans
		}
		i += at
		at = i + len(w.text)
		if !w.excepted(s, i) && alone(s, i, at) {
			spans = append(spans, span{i, at, w.shown})
		}
	}
}

// excepted reports whether the word at i is part of one of its exceptions.
func (w word) excepted(s string, i int) bool {
	return slices.ContainsFunc(w.except, func(e string) bool {
		for k := 0; ; k++ {
			j := strings.Index(e[k:], w.text)
			if j < 0 {
				return false
			}
			k += j
			if i >= k && strings.HasPrefix(s[i-k:], e) {
				return true
			}
		}
	})
}

// alone reports whether s[i:j] is no part of a longer word or number of the Latin
// script: "no1" is not in "no10". Chinese has no such borders.
func alone(s string, i, j int) bool {
	return !(i > 0 && alnum(s[i-1]) && alnum(s[i])) && !(j < len(s) && alnum(s[j]) && alnum(s[j-1]))
}

func alnum(b byte) bool {
	return (b >= 'a' && b <= 'z') || (b >= '0' && b <= '9')
}
