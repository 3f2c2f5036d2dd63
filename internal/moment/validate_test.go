package moment

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestPostCheckNamesEveryField(t *testing.T) {
	t.Parallel()
	now := shanghai("2026-11-23 12:00")
	good := func() *Post {
		return &Post{State: Scheduled, DueAt: now, MaxLateness: time.Hour, Visibility: Visibility{Mode: Everyone},
			Card: Card{Content: "文字\n第二行 👍", Title: "标题", URL: "https://example.com/a?b=c#d", ThumbURL: "http://10.0.0.1/t.jpg"}}
	}
	for _, tc := range []struct {
		name   string
		change func(*Post)
		fields []string
	}{
		{"good", func(*Post) {}, nil},
		{"empty", func(p *Post) { *p = Post{State: Scheduled} }, []string{"content", "title", "url", "thumb_url", "visibility.mode", "due_at"}},
		{"a draft may be empty", func(p *Post) { *p = Post{State: Draft} }, nil},
		{"a draft holds nothing broken", func(p *Post) {
			*p = Post{State: Draft, Card: Card{URL: "ftp://x"}, Visibility: Visibility{Users: []string{"a"}}}
		}, []string{"url", "visibility.mode"}},
		{"control characters", func(p *Post) { p.Card.Title = "a\x00b"; p.Card.Content = "a\u202eb"; p.FirstComment = "\x1b[1m" }, []string{"content", "title", "first_comment"}},
		{"broken UTF-8", func(p *Post) { p.Card.Title = "\xff" }, []string{"title"}},
		{"too long", func(p *Post) { p.Card.Content = strings.Repeat("字", MaxContent+1) }, []string{"content"}},
		{"as long as allowed", func(p *Post) { p.Card.Content = strings.Repeat("字", MaxContent) }, nil},
		{"schemes", func(p *Post) { p.Card.URL, p.Card.ThumbURL = "javascript:alert(1)", "//example.com/a" }, []string{"url", "thumb_url"}},
		{"password in link", func(p *Post) { p.Card.URL = "https://a:b@example.com" }, []string{"url"}},
		{"space in link", func(p *Post) { p.Card.URL = "https://example.com/a b" }, []string{"url"}},
		{"no host", func(p *Post) { p.Card.URL = "https:///a" }, []string{"url"}},
		{"last week", func(p *Post) { p.DueAt = now.Add(-7 * 24 * time.Hour) }, []string{"due_at"}},
		{"in ten years", func(p *Post) { p.DueAt = now.AddDate(10, 0, 0) }, []string{"due_at"}},
		{"lateness", func(p *Post) { p.MaxLateness = -1 }, []string{"max_lateness"}},
		{"everyone and a list", func(p *Post) { p.Visibility.Users = []string{"wxid_1"} }, []string{"visibility.mode"}},
		{"empty allow list", func(p *Post) { p.Visibility.Mode = Allow }, []string{"visibility.users"}},
		{"a comma makes two", func(p *Post) {
			p.Visibility = Visibility{Mode: Deny, Users: []string{"ok", "a,b"}, Labels: []string{"3", "x"}}
		}, []string{"visibility.users[1]", "visibility.labels[1]"}},
		{"no such mode", func(p *Post) { p.Visibility.Mode = "some" }, []string{"visibility.mode"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			p := good()
			tc.change(p)
			err := p.Check(now)
			var got []string
			if e := (*Error)(nil); errors.As(err, &e) {
				for _, f := range e.Fields {
					got = append(got, f.Path)
				}
			}
			if !slices.Equal(got, tc.fields) {
				t.Errorf("wrong are %v, want %v", got, tc.fields)
			}
		})
	}
}

// Whatever is submitted, a message never repeats it.
func FuzzCheckDoesNotEcho(f *testing.F) {
	f.Add("a\x00b", "javascript:x", "a,b")
	f.Fuzz(func(t *testing.T, text, link, user string) {
		const marker = "MARKER-7f3a"
		p := &Post{State: Scheduled, DueAt: time.Now(), Card: Card{Content: text + marker, Title: marker, URL: link + marker, ThumbURL: link},
			Visibility: Visibility{Mode: Allow, Users: []string{user + marker}}}
		if err := p.Check(time.Now()); err != nil && strings.Contains(err.Error(), marker) {
			t.Errorf("%v", err)
		}
	})
}

func TestCheckZone(t *testing.T) {
	t.Parallel()
	for zone, ok := range map[string]bool{"Asia/Shanghai": true, "UTC": true, "": false, "Local": false, "Mars/Base": false, "../etc/passwd": false} {
		if m := CheckZone(zone); (m == "") != ok {
			t.Errorf("%q: %q", zone, m)
		}
	}
}
