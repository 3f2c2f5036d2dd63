package web

import (
	"strings"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"momentcast/internal/moment"
)

func TestPhoneShowsThePostAsItIs(t *testing.T) {
	t.Parallel()
	s := newSite(zerolog.Nop(), "test")
	c := s.texts[en]
	f := &Frame{Lang: en, Now: time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC), Zone: "Asia/Shanghai", texts: c, settings: moment.Settings{FoldLines: 6, FoldChars: 100}}
	draw := func(p moment.Post) (phoneCard, string) {
		v := &moment.PostView{Post: p, InstanceName: "林晓雯", WcID: "wxid_a", TimeZone: "Asia/Shanghai"}
		card := f.PhoneOf(v)
		var b strings.Builder
		if err := s.sets[en]["post"]().ExecuteTemplate(&b, "phone", card); err != nil {
			t.Fatal(err)
		}
		return card, b.String()
	}
	card, out := draw(moment.Post{
		Card:  moment.Card{Content: strings.Repeat("茶", 120), Title: `<script>alert(1)</script>`, URL: "https://www.Mall.example.com/a?b", ThumbURL: "https://example.com/a.jpg"},
		DueAt: time.Date(2026, 11, 24, 1, 5, 0, 0, time.UTC), Visibility: moment.Visibility{Mode: moment.Allow, Labels: []string{"1"}}, FirstComment: "see the shop",
	})
	if card.Text != strings.Repeat("茶", 100) || card.Rest != strings.Repeat("茶", 20) {
		t.Errorf("folds after %q", card.Text)
	}
	if card.Initial != "林" || card.Host != "mall.example.com" {
		t.Errorf("%+v", card)
	}
	for _, want := range []string{"Nov 24 Tue 09:05", "More", "see the shop", `src="https://example.com/a.jpg"`, "Only label “1” can see it", "&lt;script&gt;"} {
		if !strings.Contains(out, want) {
			t.Errorf("the phone lacks %q: %s", want, out)
		}
	}
	if strings.Contains(out, "<script>") {
		t.Error("markup of a title is live")
	}
	if _, out = draw(moment.Post{}); !strings.Contains(out, "The title appears here") || strings.Contains(out, "<img") || strings.Contains(out, "<details") {
		t.Errorf("an empty card: %s", out)
	}
	if _, out = draw(moment.Post{Card: moment.Card{ThumbURL: "javascript:alert(1)"}}); strings.Contains(out, "javascript:") {
		t.Errorf("a script as picture: %s", out)
	}
}
