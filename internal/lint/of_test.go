package lint

import (
	"slices"
	"testing"

	"momentcast/internal/moment"
)

func TestWorkspaceWords(t *testing.T) {
	t.Parallel()
	keys := func(s moment.Settings, title string) (out []string) {
		in := Input{Card: moment.Card{Content: "好茶", Title: title, URL: "https://example.com/a", ThumbURL: "https://example.com/a.jpg"}}
		for _, f := range Check(in, Of(s)) {
			if f.Field == "title" {
				out = append(out, f.Key)
			}
		}
		return out
	}
	if got := keys(moment.Settings{}, "最好的茶"); len(got) == 0 {
		t.Error("the built-in words are not there")
	}
	if got := keys(moment.Settings{LintAllowed: "  最好 \n最好的\r\n"}, "最好的茶"); len(got) != 0 {
		t.Errorf("allowed, and still: %v", got)
	}
	if got := keys(moment.Settings{LintWords: "竞品茶\n"}, "像竞品茶一样"); !slices.Contains(got, "sensitive") {
		t.Errorf("the own word is not found: %v", got)
	}
	if got := keys(moment.Settings{LintWords: "!broken"}, "最好的茶"); len(got) == 0 {
		t.Error("a list that cannot be read hides the built-in one")
	}
}
