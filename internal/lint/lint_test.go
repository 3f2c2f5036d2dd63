package lint

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"momentcast/internal/moment"
)

// good is a card about which there is nothing to say.
func good() Input {
	return Input{
		Card: moment.Card{
			Content: "周末来店里坐坐，新豆子到了。", Title: "秋季新品到店", Description: "埃塞俄比亚水洗",
			URL: "https://example.com/a?utm_source=wechat", ThumbURL: "https://example.com/a.jpg",
		},
		Link:  &Look{Final: "https://example.com/b"},
		Thumb: &ThumbLook{Type: "image/jpeg", Bytes: 40 << 10, Width: 200, Height: 200, Square: true},
	}
}

// keys writes findings as "severity field key".
func keys(fs []Finding) []string {
	var out []string
	for _, f := range fs {
		out = append(out, fmt.Sprintf("%s %s %s", f.Severity, f.Field, f.Key))
	}
	return out
}

func TestRules(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("长", 3000)
	tests := map[string]struct {
		change func(*Input)
		want   []string
	}{
		"nothing":       {func(*Input) {}, nil},
		"nobody looked": {func(in *Input) { in.Link, in.Thumb = nil, nil }, nil},
		"an empty card": {func(in *Input) { *in = Input{} }, []string{"error content missing", "error title missing", "error url missing", "error thumb_url missing"}},
		"too long": {func(in *Input) {
			in.Card.Content, in.Card.Title, in.Card.Description, in.FirstComment = long, long, long, long
		}, []string{
			"error content too_long", "error title too_long", "error description too_long", "error first_comment too_long",
			"warn content content.folds", "warn title title.lines",
		}},
		"folds by lines":       {func(in *Input) { in.Card.Content = "1\n2\n3\n4\n5\n6\n7" }, []string{"warn content content.folds"}},
		"six lines do not":     {func(in *Input) { in.Card.Content = "1\n2\n3\n4\n5\n6" }, nil},
		"folds by characters":  {func(in *Input) { in.Card.Content = strings.Repeat("字", 101) }, []string{"warn content content.folds"}},
		"hundred do not":       {func(in *Input) { in.Card.Content = strings.Repeat("字", 100) }, nil},
		"two lines of title":   {func(in *Input) { in.Card.Title = strings.Repeat("字", 30) }, nil},
		"three lines of title": {func(in *Input) { in.Card.Title = strings.Repeat("字", 31) }, []string{"warn title title.lines"}},
		"latin is narrower":    {func(in *Input) { in.Card.Title = strings.Repeat("ab cd ", 10) + "." }, []string{"warn title title.lines"}},
		"a break in the title": {func(in *Input) { in.Card.Title = "上\n下" }, []string{"warn title title.break"}},
		"control characters":   {func(in *Input) { in.Card.Title = "a\x07b" }, []string{"error title invalid"}},
		"broken UTF-8":         {func(in *Input) { in.Card.Description = "a\xff" }, []string{"error description invalid", "warn description hidden"}},
		"no https":             {func(in *Input) { in.Card.URL, in.Card.ThumbURL = "http://a.example.com/", "HTTP://a.example.com/" }, []string{"warn url http", "warn thumb_url http"}},
		"no address":           {func(in *Input) { in.Card.URL, in.Card.ThumbURL = "example.com", "https://u:p@example.com/" }, []string{"error url invalid", "error thumb_url invalid"}},
		"spaces in an address": {func(in *Input) { in.Card.URL = "https://example.com/ " }, []string{"error url invalid"}},
		"variables":            {func(in *Input) { in.Card.Title, in.Card.URL = "{{date}}", "https://example.com/{{n" }, []string{"error title variable", "error url variable"}},
		"variables to be filled in": {func(in *Input) {
			in.Variables = []string{"date", "instance.name"}
			in.Card.Title, in.Card.Content, in.Card.Description = "{{date}} {{ instance.name }}", "{{date}} {{what}}", "{{date"
		}, []string{"error content variable", "error description variable"}},
		"spaces":              {func(in *Input) { in.Card.Content, in.Card.Title, in.Card.Description = " a", "a\u3000", "a \nb" }, []string{"info content spaces", "info title spaces", "info description spaces"}},
		"breaks of two bytes": {func(in *Input) { in.Card.Content = "a\r\nb" }, nil},
		"empty lines":         {func(in *Input) { in.Card.Content = "a\r\n\r\n\r\nb" }, []string{"info content blank_lines"}},
		"an empty line":       {func(in *Input) { in.Card.Content = "a\n\nb" }, nil},
		"hidden":              {func(in *Input) { in.Card.Content = "第\u200b一家" }, []string{"warn content hidden"}},
		"emoji":               {func(in *Input) { in.Card.Content = strings.Repeat("👨‍👩‍👧", 11) }, []string{"info content emoji"}},
		"ten emoji":           {func(in *Input) { in.Card.Content = strings.Repeat("🇨🇳👍🏽", 5) }, nil},
		"words": {func(in *Input) {
			in.Card.Content, in.Card.Title, in.FirstComment = "全网最低，稳赚", "国家级品质", "集赞送礼"
		}, []string{"warn content absolute", "warn content sensitive", "warn title absolute", "warn first_comment sensitive"}},
		"tracked twice": {func(in *Input) { in.Card.URL = "https://example.com/?utm_source=a&id=1&id=2&UTM_source=b&spm=1&spm=2" }, []string{"warn url tracking_twice"}},
		"tracked once": {func(in *Input) {
			in.Card.URL = "https://example.com/?utm_source=a&utm_medium=a&id=1&id=2#?utm_source=a"
		}, nil},
		"forwards to http":      {func(in *Input) { in.Link = &Look{Final: "http://example.com/"} }, []string{"warn url link.downgrade"}},
		"dead addresses":        {func(in *Input) { in.Link, in.Thumb = &Look{Reason: "gone"}, &ThumbLook{Look: Look{Reason: "denied"}} }, []string{"error url reach.gone", "error thumb_url thumb.reach.denied"}},
		"reasons of the future": {func(in *Input) { in.Link, in.Thumb = &Look{Reason: "x"}, &ThumbLook{Look: Look{Reason: "x"}} }, []string{"warn url reach.other", "warn thumb_url reach.other"}},
		"a large, broad WebP": {func(in *Input) { in.Thumb = &ThumbLook{Type: "image/webp", Bytes: 50<<10 + 1, Width: 300, Height: 50} }, []string{
			"warn thumb_url thumb.type", "warn thumb_url thumb.bytes", "warn thumb_url thumb.square", "info thumb_url thumb.small",
		}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			in := good()
			tt.change(&in)
			got := Check(in, Settings{})
			if diff := cmp.Diff(tt.want, keys(got)); diff != "" {
				t.Error(diff)
			}
			for _, f := range got {
				if strings.Contains(f.ZH+f.EN, "%!") || f.ZH == "" || f.Text("en") != f.EN || f.Text("zh-CN") != f.ZH {
					t.Errorf("%+v", f)
				}
			}
		})
	}
}

func TestSettings(t *testing.T) {
	t.Parallel()
	words, err := ParseWords("周末\n豆子")
	if err != nil {
		t.Fatal(err)
	}
	in := good()
	in.Card.Content += "😀"
	in.Thumb.Bytes = 2000
	got := Check(in, Settings{FoldChars: 5, TitleLines: 1, TitleWidth: 3, MaxEmoji: -1, ThumbBytes: 1000, Absolute: words, Sensitive: &WordList{}})
	want := []string{"warn content absolute", "warn content content.folds", "warn title title.lines", "warn thumb_url thumb.bytes"}
	if diff := cmp.Diff(want, keys(got)); diff != "" {
		t.Error(diff)
	}
	if i := slices.IndexFunc(got, func(f Finding) bool { return f.Key == "absolute" }); !strings.HasSuffix(got[i].ZH, "：周末、豆子。") {
		t.Error(got[i].ZH)
	}
	if Worst(got) != Warn || Worst(nil) != "" || Worst([]Finding{{Severity: Info}, {Severity: Error}}) != Error {
		t.Error("worst")
	}
}

var verb = regexp.MustCompile(`%(\[\d+\])?[a-z%]`)

// TestMessages: every key has both texts, they take the same arguments, and the
// code uses no key that is not there.
func TestMessages(t *testing.T) {
	t.Parallel()
	for key, m := range messages {
		if !slices.Contains(severities, m.severity) || !strings.HasSuffix(m.zh, "。") || !strings.HasSuffix(m.en, ".") {
			t.Errorf("%s: %+v", key, m)
		}
		if zh, en := verb.FindAllString(m.zh, -1), verb.FindAllString(m.en, -1); !slices.Equal(zh, en) {
			t.Errorf("%s: %v and %v", key, zh, en)
		}
		if _, ok := messages[strings.TrimPrefix(key, "thumb.")]; strings.HasPrefix(key, "thumb.reach.") && !ok {
			t.Errorf("%s has no counterpart for links", key)
		}
	}
	if !slices.Equal(Keys(), slices.Sorted(maps.Keys(messages))) {
		t.Error("keys")
	}
}

// FuzzCheck: lint and the domain agree about what can be sent, and lint says
// nothing that it has no words for.
func FuzzCheck(f *testing.F) {
	f.Add("内容", "标题", "", "https://example.com/?a=1&a=2", "https://example.com/a.jpg")
	f.Add("{{a}} 第一\u200b👨‍👩‍👧🇨🇳\r\n\n\n", " ", "\xff\x00", "http://[::1", "javascript:x")
	f.Fuzz(func(t *testing.T, content, title, description, link, thumb string) {
		now := time.Now()
		c := moment.Card{Content: content, Title: title, Description: description, URL: link, ThumbURL: thumb}
		p := moment.Post{State: moment.Scheduled, Card: c, DueAt: now, Visibility: moment.Visibility{Mode: moment.Everyone}}
		found := Check(Input{Card: c, Link: &Look{Reason: content}, Thumb: &ThumbLook{}}, Settings{})
		if err := p.Check(now); err != nil && Worst(found) != Error {
			t.Errorf("%v, and lint found %v", err, keys(found))
		}
		for _, x := range found {
			if x.ZH == "" || x.EN == "" || !slices.Contains(fields, x.Field) {
				t.Errorf("%+v", x)
			}
		}
		if shown, folded := Fold(content, 6, 100); !strings.HasPrefix(content, shown) || (!folded && strings.TrimSpace(content[len(shown):]) != "") {
			t.Errorf("%q of %q", shown, content)
		}
		if got := strings.Join(slices.Collect(characters(content)), ""); got != content {
			t.Errorf("%q became %q", content, got)
		}
	})
}

func BenchmarkCheck(b *testing.B) {
	in := good()
	in.Card.Content = strings.Repeat("这是第一次来，最好的咖啡。", 150)
	b.ReportAllocs()
	for b.Loop() {
		_ = Check(in, Settings{})
	}
}
