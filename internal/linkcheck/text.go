package linkcheck

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// oneLine returns s as one line of at most limit characters, with single spaces,
// and without what cannot be seen: a title that shows other than it is stored
// would be approved as one thing and posted as another. A cut text ends in "…".
func oneLine(s string, limit int) string {
	var b strings.Builder
	n, gap := 0, false
	for _, r := range s {
		if unicode.IsSpace(r) {
			gap = n > 0
			continue
		}
		if invisible(r) {
			continue
		}
		need := 1
		if gap {
			need = 2
		}
		if n+need > limit {
			return shorten(b.String(), limit)
		}
		if gap {
			b.WriteByte(' ')
		}
		gap = false
		b.WriteRune(r)
		n += need
	}
	return b.String()
}

// shorten makes room for the mark of a cut, and leaves no half of a joined emoji.
func shorten(s string, limit int) string {
	for utf8.RuneCountInString(s) >= limit {
		_, size := utf8.DecodeLastRuneInString(s)
		s = s[:len(s)-size]
	}
	return strings.TrimRight(s, " \u200d") + "…"
}

// invisible reports control characters, overrides of the writing direction,
// spaces of no width, tags, noncharacters and bytes that were no character. The
// joiner stays: emoji are made with it.
func invisible(r rune) bool {
	switch {
	case r == 0x200D:
		return false
	case unicode.IsControl(r), unicode.Is(unicode.Cf, r), unicode.Is(unicode.Noncharacter_Code_Point, r), r == utf8.RuneError:
		return true
	}
	return r == 0x115F || r == 0x1160 || r == 0x3164 || r == 0xFFA0 // letters that show nothing
}
