package moment

import (
	"errors"
	"strings"
	"testing"
	"time"
)

func contentPost() *Post {
	return &Post{
		InstanceID: 7, State: Scheduled, DueAt: time.Unix(1_800_000_000, 0), MaxLateness: time.Hour, ExternalKey: "k", Author: "ann", Version: 3,
		Card:         Card{Content: "正文", Title: "标题", Description: "描述", URL: "https://example.com/a", ThumbURL: "https://example.com/a.jpg"},
		Visibility:   Visibility{Mode: Allow, Users: []string{"a", "b"}, Labels: []string{"1", "2"}},
		FirstComment: "评论",
	}
}

func TestContentHashChangesWithWhatPeopleSee(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*Post){
		"instance":      func(p *Post) { p.InstanceID = 8 },
		"content":       func(p *Post) { p.Card.Content += "。" },
		"a space":       func(p *Post) { p.Card.Content += " " },
		"title":         func(p *Post) { p.Card.Title = "标題" },
		"description":   func(p *Post) { p.Card.Description = "" },
		"link":          func(p *Post) { p.Card.URL += "?x=1" },
		"thumbnail":     func(p *Post) { p.Card.ThumbURL += "?x=1" },
		"mode":          func(p *Post) { p.Visibility.Mode = Deny },
		"one user more": func(p *Post) { p.Visibility.Users = append(p.Visibility.Users, "c") },
		"user to label": func(p *Post) { p.Visibility.Users, p.Visibility.Labels = []string{"a", "b", "1"}, []string{"2"} },
		"comment":       func(p *Post) { p.FirstComment = "" },
		"moved text":    func(p *Post) { p.Card.Content, p.Card.Title = "正", "文标题" },
	} {
		p := contentPost()
		change(p)
		if p.ContentHash() == contentPost().ContentHash() || p.HasContent(contentPost().ContentHash()) {
			t.Errorf("%s: the hash is the same", name)
		}
	}
}

func TestContentHashKeepsWithWhatNobodySees(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*Post){
		"time":           func(p *Post) { p.DueAt = p.DueAt.Add(time.Hour) },
		"limit":          func(p *Post) { p.MaxLateness = 0 },
		"key":            func(p *Post) { p.ExternalKey = "" },
		"state":          func(p *Post) { p.State, p.Version, p.Attempt = Pending, 9, 2 },
		"order of users": func(p *Post) { p.Visibility.Users = []string{"b", "a"} },
		"twice the same": func(p *Post) { p.Visibility.Labels = []string{"2", "1", "2"} },
	} {
		p := contentPost()
		change(p)
		if p.ContentHash() != contentPost().ContentHash() {
			t.Errorf("%s: the hash is another", name)
		}
	}
	p := contentPost()
	p.Visibility = Visibility{Mode: Everyone}
	q := *p
	q.Visibility.Users, q.Visibility.Labels = []string{}, []string{}
	if p.ContentHash() != q.ContentHash() {
		t.Error("no list and an empty one differ")
	}
}

// What was approved before the program was brought up to date stays approved:
// this hash is stored in databases.
func TestContentHashOfVersionOneNeverChanges(t *testing.T) {
	t.Parallel()
	const stored = "1:e990b65411c7aca682e001f7425e83a4c7a43e395aefda0c3bbfd92ecdff9abf"
	if got := contentPost().Content().hash("1"); got != stored {
		t.Errorf("version 1 is %s now", got)
	}
	if !contentPost().HasContent(stored) {
		t.Error("a hash of version 1 is not taken for the post's")
	}
}

func TestUnknownHashesNameNoContent(t *testing.T) {
	t.Parallel()
	for _, h := range []string{"", ":", "1:", "2:" + strings.Repeat("0", 64), "x", "1:" + strings.Repeat("\x00", 32), strings.Repeat("1", 1<<16)} {
		if contentPost().HasContent(h) {
			t.Errorf("%.20q names the content", h)
		}
	}
}

func TestWhoMayApproveWhat(t *testing.T) {
	t.Parallel()
	lin := Approver{Origin: Origin{Actor: "Lin"}, Tokens: []string{"crm", "feeds"}}
	reviewer := Approver{Origin: Origin{Actor: "reviewer", Source: "api", Owner: "Lin"}} // another token of hers
	for name, tt := range map[string]struct {
		by      Approver
		author  string
		source  string
		editors []string
		want    hand
	}{
		"author":                     {by: lin, author: "lin", source: "web", want: wrote},
		"editor":                     {by: lin, author: "ann", source: "web", editors: []string{"bob", "LIN"}, want: edited},
		"neither":                    {by: lin, author: "ann", source: "web", editors: []string{"bob"}},
		"her token wrote":            {by: lin, author: "crm", source: "api", want: through},
		"her token by the CLI":       {by: lin, author: "crm", source: "cli", want: through},
		"a campaign of her token":    {by: lin, author: "crm", source: "campaign", want: through},
		"her token edited":           {by: lin, author: "ann", source: "web", editors: []string{"bob", "feeds"}, want: through},
		"somebody else's token":      {by: lin, author: "shop", source: "api", editors: []string{"till"}},
		"her token, for herself":     {by: reviewer, author: "lin", source: "web", want: wrote},
		"her token, after her edit":  {by: reviewer, author: "ann", source: "web", editors: []string{"lin"}, want: edited},
		"two tokens of hers":         {by: reviewer, author: "crm", source: "api", editors: []string{"feeds"}},
		"a token for what it wrote":  {by: reviewer, author: "reviewer", source: "api", want: wrote},
		"a token for what it edited": {by: reviewer, author: "ann", source: "web", editors: []string{"reviewer"}, want: edited},
	} {
		p, c := &Post{Author: tt.author, Source: tt.source, Editors: tt.editors}, &Campaign{Author: tt.author, Editors: tt.editors}
		if got := tt.by.handIn(tt.author, tt.source == "web", tt.editors); got != tt.want {
			t.Errorf("%s: %d, want %d", name, got, tt.want)
		}
		for what, err := range map[string]error{"post": p.MayApprove(tt.by), "campaign": c.MayApprove(tt.by)} {
			if (err == nil) != (tt.want == noHand) || err != nil && KindOf(err) != Forbidden {
				t.Errorf("%s, %s: %v", name, what, err)
			}
		}
		tt.by.Own = true
		if err := errors.Join(p.MayApprove(tt.by), c.MayApprove(tt.by)); err != nil {
			t.Errorf("%s, where one's own may be approved: %v", name, err)
		}
	}
	// Where it was written from is kept of posts: there a person is told from a
	// token of the same name.
	if err := (&Post{Author: "crm", Source: "web"}).MayApprove(lin); err != nil {
		t.Errorf("a person called like the token: %v", err)
	}
}
