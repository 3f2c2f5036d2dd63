package lint

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"momentcast/internal/moment"
)

func TestDefaultLists(t *testing.T) {
	t.Parallel()
	for text, want := range map[string][]string{
		"全国最佳、国家级、顶级享受": {"最佳", "国家级", "顶级"},
		"销量第一":              {"销量第一"},
		"第一，第一，还是第一":        {"第一"},
		"第一次来，第一时间到":        nil,
		"第一次来就成了第一":         {"第一"},
		"最高级的材料":            {"最高级"},
		"最高级别会议、最高气温":       nil,
		"ＮＯ．１ 之选":           {"NO.1"},
		"no.10 号店":          nil,
		"piano1 NO1x TOP10": nil,
		"Top1 口碑，１００％ 正品":   {"TOP1", "100%"},
		"2100% 和 100%纯棉":    nil,
		"最好提前预约":            nil,
		"最后一天，最近上新，最爱这一口":   nil,
		"": nil,
	} {
		if diff := cmp.Diff(want, defaultAbsolute().Find(text)); diff != "" {
			t.Errorf("%s: %s", text, diff)
		}
	}
	if got := defaultSensitive().Find("集赞换礼，稳赚不赔"); !slices.Equal(got, []string{"集赞", "稳赚"}) {
		t.Error(got)
	}
	if DefaultAbsolute() != absoluteText || DefaultSensitive() != sensitiveText {
		t.Error("the defaults are not what is shown as such")
	}
	seen := map[string]bool{}
	for _, w := range append(defaultAbsolute().words, defaultSensitive().words...) {
		if seen[w.text] {
			t.Errorf("%s is there twice", w.shown)
		}
		seen[w.text] = true
	}
}

func TestExceptionsCoverTheWordWhereverItStands(t *testing.T) {
	t.Parallel()
	l, err := ParseWords("赞 !点赞 !赞赞赞叹\n")
	if err != nil {
		t.Fatal(err)
	}
	for text, want := range map[string]int{"赞": 1, "点赞": 0, "点赞赞": 1, "赞赞赞叹": 0, "赞叹": 1, "点赞，赞": 1} {
		if got := l.Find(text); len(got) != want {
			t.Errorf("%s: %v", text, got)
		}
	}
	if (*WordList)(nil).Find("赞") != nil {
		t.Error("no list finds nothing")
	}
}

func TestListsThatCannotBeRead(t *testing.T) {
	t.Parallel()
	for text, where := range map[string]string{
		"好\n!好词":                         "line 2",
		"好 !坏":                           "line 1",
		strings.Repeat("长", 51):          "line 1",
		"好 !好" + strings.Repeat("长", 50): "line 1",
		strings.Repeat("字\n", 5001):      "list",
	} {
		_, err := ParseWords(text)
		e, ok := errors.AsType[*moment.Error](err)
		if !ok || e.Kind != moment.Invalid || e.Fields[0].Path != where {
			t.Errorf("%.20q: %v", text, err)
		}
	}
	l, err := ParseWords("# nothing\n\n   \n 好 # because\n")
	if err != nil || len(l.words) != 1 || l.words[0].shown != "好" {
		t.Errorf("%+v, %v", l, err)
	}
}
