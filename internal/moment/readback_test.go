package moment

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"
)

var began = time.Date(2026, 5, 1, 9, 0, 0, 0, time.UTC)

func doubtOf(c Card) Doubt {
	return Doubt{WcID: "me", Card: c, IntentAt: began, CallUntil: began.Add(time.Minute)}
}

func TestMomentAgainstDoubt(t *testing.T) {
	t.Parallel()
	d := doubtOf(Card{Content: "text", Title: "title", URL: "https://example.com/a"})
	for _, tc := range []struct {
		name    string
		change  func(*StoredMoment)
		differs []string
		match   bool
	}{
		{"the same", func(*StoredMoment) {}, nil, true},
		{"a minute early", func(m *StoredMoment) { m.CreatedAt = began.Add(-WindowMargin) }, nil, true},
		{"earlier", func(m *StoredMoment) { m.CreatedAt = began.Add(-WindowMargin - 1) }, []string{"time"}, false},
		{"after the call", func(m *StoredMoment) { m.CreatedAt = began.Add(2*time.Minute + 1) }, []string{"time"}, false},
		{"text rewritten", func(m *StoredMoment) { m.Proof.Content = "x" }, []string{"content"}, true},
		{"title rewritten", func(m *StoredMoment) { m.Proof.Title = "x" }, []string{"title"}, true},
		{"another card", func(m *StoredMoment) { m.Proof.Title, m.Proof.Content = "x", "y" }, []string{"title", "content"}, false},
		{"another link and title", func(m *StoredMoment) { m.Proof.URL, m.Proof.Title = "https://example.com/b", "x" }, []string{"url", "title"}, false},
		{"a picture", func(m *StoredMoment) { m.Proof.Style = 1 }, []string{"kind"}, false},
		{"somebody else's", func(m *StoredMoment) { m.WcID = "you" }, []string{"account"}, false},
		{"unreadable", func(m *StoredMoment) { m.Proof = nil }, []string{"unreadable"}, false},
	} {
		m := StoredMoment{ID: "5", WcID: "me", CreatedAt: began, Proof: &Proof{Content: "text", Title: "title", URL: "https://example.com/a?from=timeline", Style: LinkStyle}}
		tc.change(&m)
		if differs, match := m.Against(d); !slices.Equal(differs, tc.differs) || match != tc.match {
			t.Errorf("%s: %v, %v; want %v, %v", tc.name, differs, match, tc.differs, tc.match)
		}
	}
}

// However long a timeline is, what is kept of it is bounded, and is what lies
// nearest to the call.
func TestSeenIsBounded(t *testing.T) {
	t.Parallel()
	huge := strings.Repeat("文", 100_000)
	var timeline []StoredMoment
	for n := range 50 { // newest first, the call amid them
		timeline = append(timeline, StoredMoment{ID: fmt.Sprint(100 - n), WcID: "me", CreatedAt: began.Add(time.Duration(40-n) * time.Minute),
			Proof: &Proof{Title: huge, Content: huge, Description: huge, URL: huge, ThumbURL: huge}})
	}
	seen, more := SeenFor(doubtOf(Card{}), timeline)
	if len(seen) != SeenMost || more != 30 {
		t.Fatalf("%d and %d more", len(seen), more)
	}
	for i, s := range seen {
		if i > 0 && s.CreatedAt.After(seen[i-1].CreatedAt) {
			t.Errorf("%s stands below an older one", s.ID)
		}
		if s.CreatedAt.Sub(began).Abs() > 10*time.Minute+time.Minute {
			t.Errorf("%s is far from the call", s.ID)
		}
		if n := utf8.RuneCountInString(s.Title + s.Content + s.Description + s.URL + s.ThumbURL); n > 1200 || !utf8.ValidString(s.Title) {
			t.Errorf("%d characters of %s", n, s.ID)
		}
	}
	if timeline[0].ID != "100" {
		t.Error("the timeline was turned round")
	}
	if seen, more := SeenFor(doubtOf(Card{}), nil); len(seen) != 0 || more != 0 {
		t.Errorf("of nothing %v, %d", seen, more)
	}
}
