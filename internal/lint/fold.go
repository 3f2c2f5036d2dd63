package lint

import (
	"iter"
	"strings"
	"unicode"
)

// Fold returns the part of a moment's text that the phone shows before it is
// opened, and whether there is more: at most so many lines and characters, where
// a joined emoji is one character. WeChat publishes neither number, and its
// versions differ; hence both are settings.
func Fold(content string, lines, chars int) (shown string, folded bool) {
	at, n, line := 0, 0, 1
	for c := range characters(content) {
		if strings.HasSuffix(c, "\n") {
			if line++; line > lines {
				return content[:at], strings.TrimSpace(content[at:]) != ""
			}
		} else if n++; n > chars {
			return content[:at], true
		}
		at += len(c)
	}
	return content, false
}

// titleLines returns how many lines of the card a title takes, where a line
// holds width characters of full width, and Latin ones are half as wide.
func titleLines(title string, width int) int {
	lines, column := 1, 0
	for c := range characters(title) {
		w := 2
		if c[0] < 0x80 {
			w = 1
		}
		if column+w > 2*width {
			lines, column = lines+1, 0
		}
		column += w
	}
	return lines
}

// emoji counts the pictures in s; flags, families and skin tones are one each.
func emoji(s string) int {
	n := 0
	for c := range characters(s) {
		if strings.ContainsFunc(c, isEmoji) {
			n++
		}
	}
	return n
}

func isEmoji(r rune) bool {
	return (r >= 0x1F000 && r <= 0x1FAFF) || (r >= 0x2600 && r <= 0x27BF) || r == 0x2B50 || r == 0x2B55 || r == 0xFE0F
}

// characters yields what a reader counts as one: a letter with its marks, a flag,
// a joined emoji, a line break of two bytes. Less than Unicode's own rules for
// it, and enough not to cut an emoji in half.
func characters(s string) iter.Seq[string] {
	return func(yield func(string) bool) {
		start := 0
		var last rune // 0 = the beginning
		flag := false // the character so far is the first half of a flag
		for i, r := range s {
			switch {
			case last == 0:
			case extends(r), last == joiner, last == '\r' && r == '\n':
			case flag && regional(r):
				flag, last = false, r
				continue
			default:
				if !yield(s[start:i]) {
					return
				}
				start = i
			}
			if start == i {
				flag = regional(r)
			}
			last = r
		}
		if start < len(s) {
			yield(s[start:])
		}
	}
}

const joiner = 0x200D

func regional(r rune) bool { return r >= 0x1F1E6 && r <= 0x1F1FF }

func extends(r rune) bool {
	return r == joiner || unicode.In(r, unicode.Mn, unicode.Me) || (r >= 0x1F3FB && r <= 0x1F3FF) || (r >= 0xE0020 && r <= 0xE007F)
}
