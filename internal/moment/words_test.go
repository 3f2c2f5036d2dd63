package moment

import (
	"slices"
	"testing"
)

func TestWords(t *testing.T) {
	t.Parallel()
	for text, want := range map[string][]string{
		"":                  nil,
		" \t　":              nil,
		"龙井":                {"龙井"},
		"春茶　上新":             {"春茶", "上新"},
		`say "get one" now`: {"say", "get one", "now"},
		`"open end`:         {"open end"},
		`""`:                nil,
	} {
		if got := Words(text); !slices.Equal(got, want) {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}
