package web

import (
	"fmt"
	"strings"
	"testing"
)

func shown(d []piece) string {
	var b strings.Builder
	for _, p := range d {
		switch p.Kind {
		case "del":
			fmt.Fprintf(&b, "[-%s-]", p.Text)
		case "ins":
			fmt.Fprintf(&b, "[+%s+]", p.Text)
		default:
			b.WriteString(p.Text)
		}
	}
	return b.String()
}

func TestDiff(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ was, is, want string }{
		{"", "", ""},
		{"同", "同", "同"},
		{"", "新", "[+新+]"},
		{"旧", "", "[-旧-]"},
		{"秋茶上新", "秋茶已上新", "秋茶[+已+]上新"},
		{"the old link", "the new link", "the [-old-][+new+] link"},
		{"买1送1", "买2送1", "买[-1-][+2+]送1"},
		{"茶New tea茶", "茶New teas茶", "茶New [-tea-][+teas+]茶"},
		{"🍵茶", "茶🍵", "[-🍵-]茶[+🍵+]"},
		{"a\nb", "a\n\nb", "a\n[+\n+]b"},
	} {
		if got := shown(diff(tt.was, tt.is)); got != tt.want {
			t.Errorf("%q → %q: %s, want %s", tt.was, tt.is, got, tt.want)
		}
	}
}

// Whatever is compared, what was and what is can be read off the pieces.
func FuzzDiff(f *testing.F) {
	f.Add("秋茶上新", "春茶 上新")
	f.Add("", "x")
	f.Add(strings.Repeat("ab ", 300), strings.Repeat("b a", 300))
	f.Fuzz(func(t *testing.T, was, is string) {
		var a, b strings.Builder
		for _, p := range diff(was, is) {
			if p.Kind != "ins" {
				a.WriteString(p.Text)
			}
			if p.Kind != "del" {
				b.WriteString(p.Text)
			}
		}
		if a.String() != strings.ToValidUTF8(was, "") && strings.ToValidUTF8(was, "") == was {
			t.Errorf("was %q, reads %q", was, a.String())
		}
		if b.String() != is && strings.ToValidUTF8(is, "") == is {
			t.Errorf("is %q, reads %q", is, b.String())
		}
	})
}

// The longest texts there are, with nothing in common, cost no more than a moment.
func TestDiffOfTheLongestTexts(t *testing.T) {
	t.Parallel()
	if d := diff(strings.Repeat("甲", 2000), strings.Repeat("乙", 2000)); len(d) != 2 {
		t.Errorf("%d pieces", len(d))
	}
	if d := diff(strings.Repeat("甲", 20_000), strings.Repeat("乙", 20_000)); len(d) != 2 {
		t.Errorf("%d pieces", len(d))
	}
}
