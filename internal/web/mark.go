package web

import (
	"html/template"
	"strings"
	"unicode"
)

// Mark shows a text with the searched words marked.
func (p *historyPage) Mark(text string) template.HTML {
	r, hit := []rune(text), found([]rune(text), p.Words)
	var b strings.Builder
	for i := 0; i < len(r); {
		j := i
		for j < len(r) && hit[j] == hit[i] {
			j++
		}
		part := template.HTMLEscapeString(string(r[i:j]))
		if hit[i] {
			part = "<mark>" + part + "</mark>"
		}
		b.WriteString(part)
		i = j
	}
	return template.HTML(b.String()) //nolint:gosec // every part is escaped
}

// Snippet is the piece around the first searched word that is in one of the
// texts; "" when the first text, which is shown anyway, has it.
func (p *historyPage) Snippet(shown string, others ...string) template.HTML {
	for _, text := range append([]string{shown}, others...) {
		r := []rune(strings.Join(strings.Fields(text), " "))
		hit := found(r, p.Words)
		for i := range hit {
			if !hit[i] {
				continue
			}
			if text == shown {
				return ""
			}
			from, to := max(0, i-16), min(len(r), i+40)
			out := p.Mark(string(r[from:to]))
			if from > 0 {
				out = "…" + out
			}
			if to < len(r) {
				out += "…"
			}
			return out
		}
	}
	return ""
}

// found tells for each character whether it is part of one of the words, small
// and capital letters alike.
func found(text []rune, words []string) []bool {
	hit := make([]bool, len(text))
	for _, word := range words {
		w := []rune(word)
		for i := 0; i+len(w) <= len(text); i++ {
			j := 0
			for j < len(w) && unicode.ToLower(text[i+j]) == unicode.ToLower(w[j]) {
				j++
			}
			if j == len(w) {
				for k := range w {
					hit[i+k] = true
				}
			}
		}
	}
	return hit
}
