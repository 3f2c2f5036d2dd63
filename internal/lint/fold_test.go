package lint

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestFold(t *testing.T) {
	t.Parallel()
	tests := []struct {
		in     string
		lines  int
		chars  int
		shown  string
		folded bool
	}{
		{"", 6, 100, "", false},
		{"abc", 6, 3, "abc", false},
		{"abcd", 6, 3, "abc", true},
		{"a\nb\nc", 2, 100, "a\nb", true},
		{"a\nb\n", 2, 100, "a\nb", false},
		{"a\r\nb\r\nc", 2, 100, "a\r\nb", true},
		{"👨‍👩‍👧👨‍👩‍👧", 6, 1, "👨‍👩‍👧", true},
		{"🇨🇳🇨🇳x", 6, 2, "🇨🇳🇨🇳", true},
		{"\n\n\nabc", 2, 100, "\n", true},
	}
	for _, tt := range tests {
		if shown, folded := Fold(tt.in, tt.lines, tt.chars); shown != tt.shown || folded != tt.folded {
			t.Errorf("%q: %q, %v", tt.in, shown, folded)
		}
	}
}

func TestCharacters(t *testing.T) {
	t.Parallel()
	for in, want := range map[string][]string{
		"ab":       {"a", "b"},
		"e\u0301x": {"e\u0301", "x"},
		"👍🏽👍":      {"👍🏽", "👍"},
		"🇨🇳🇯🇵🇨":    {"🇨🇳", "🇯🇵", "🇨"},
		"1️⃣2":     {"1️⃣", "2"},
		"\r\n\n":   {"\r\n", "\n"},
		"👩\u200d💻": {"👩\u200d💻"},
		"\u0301":   {"\u0301"},
		"\xff\xfe": {"\xff", "\xfe"},
		"中\u200d":  {"中\u200d"},
	} {
		if diff := cmp.Diff(want, slices.Collect(characters(in))); diff != "" {
			t.Errorf("%q: %s", in, diff)
		}
	}
	for in, want := range map[string]int{"": 0, "中文 abc 123": 0, "👍🏽🇨🇳👩\u200d💻": 3, "❤️☀": 2, "1️⃣": 1} {
		if got := emoji(in); got != want {
			t.Errorf("%q: %d", in, got)
		}
	}
	for range characters("ab") {
		break // whoever has seen enough may stop
	}
}
