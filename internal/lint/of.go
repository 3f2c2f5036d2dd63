package lint

import (
	"slices"
	"strings"

	"momentcast/internal/moment"
)

// Of returns what the workspace has decided: where texts fold, words of its
// own, and built-in words that it allows.
func Of(s moment.Settings) Settings {
	allowed := make(map[string]bool)
	for line := range strings.Lines(s.LintAllowed) {
		allowed[fold(strings.TrimSpace(line))] = true
	}
	sensitive := defaultSensitive().without(allowed)
	if own, err := ParseWords(s.LintWords); err == nil { // checked before it was stored
		sensitive.words = append(sensitive.words, own.words...)
	}
	return Settings{FoldLines: s.FoldLines, FoldChars: s.FoldChars, Absolute: defaultAbsolute().without(allowed), Sensitive: sensitive}
}

// without is a copy of the list that lacks the words, which are folded.
func (l *WordList) without(words map[string]bool) *WordList {
	return &WordList{slices.DeleteFunc(slices.Clone(l.words), func(w word) bool { return words[w.text] })}
}
