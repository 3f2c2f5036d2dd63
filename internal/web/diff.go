package web

import (
	"slices"
	"unicode"
)

// piece is a run of a text that was kept, taken out or put in.
type piece struct {
	Kind string // "same", "del" or "ins"
	Text string
}

// diffMost bounds the work of one comparison, in pairs of tokens. Beyond it the
// old text is shown as taken out, the new one as put in.
const diffMost = 6_000_000

// diff compares two texts as people read them: Chinese by characters, other
// scripts by words. The pieces without the additions are was, without the
// deletions is.
func diff(was, is string) []piece {
	a, b := tokens(was), tokens(is)
	head := 0
	for head < len(a) && head < len(b) && a[head] == b[head] {
		head++
	}
	tail := 0
	for tail < len(a)-head && tail < len(b)-head && a[len(a)-1-tail] == b[len(b)-1-tail] {
		tail++
	}
	var out pieces
	out.add("same", a[:head]...)
	out.between(a[head:len(a)-tail], b[head:len(b)-tail])
	out.add("same", a[len(a)-tail:]...)
	return out
}

// tokens cuts a text into words, and into single characters where a script has
// no spaces between words.
func tokens(s string) []string {
	var out []string
	word := false
	for _, r := range s {
		joins := (unicode.IsLetter(r) || unicode.IsDigit(r) || r == '_') &&
			!unicode.In(r, unicode.Han, unicode.Hiragana, unicode.Katakana, unicode.Thai)
		if joins && word {
			out[len(out)-1] += string(r)
		} else {
			out = append(out, string(r))
		}
		word = joins
	}
	return out
}

type pieces []piece

// add appends tokens; those of one kind in a row are one piece.
func (p *pieces) add(kind string, tokens ...string) {
	for _, t := range tokens {
		if n := len(*p); n > 0 && (*p)[n-1].Kind == kind {
			(*p)[n-1].Text += t
			continue
		}
		*p = append(*p, piece{kind, t})
	}
}

// between adds the shortest way from a to b, found by their longest common
// subsequence.
func (p *pieces) between(a, b []string) {
	if len(a)*len(b) > diffMost {
		p.add("del", a...)
		p.add("ins", b...)
		return
	}
	width := len(b) + 1
	left := make([]uint16, (len(a)+1)*width) // length of the longest common subsequence of a[i:] and b[j:]
	for i := len(a) - 1; i >= 0; i-- {
		for j := len(b) - 1; j >= 0; j-- {
			if a[i] == b[j] {
				left[i*width+j] = left[(i+1)*width+j+1] + 1
			} else {
				left[i*width+j] = max(left[(i+1)*width+j], left[i*width+j+1])
			}
		}
	}
	i, j := 0, 0
	for i < len(a) || j < len(b) {
		switch {
		case i < len(a) && j < len(b) && a[i] == b[j]:
			p.add("same", a[i])
			i, j = i+1, j+1
		case i < len(a) && (j == len(b) || left[(i+1)*width+j] >= left[i*width+j+1]):
			p.add("del", a[i])
			i++
		default:
			p.add("ins", b[j])
			j++
		}
	}
}

// changedText reports whether a comparison found anything.
func changedText(d []piece) bool {
	return slices.ContainsFunc(d, func(p piece) bool { return p.Kind != "same" })
}
