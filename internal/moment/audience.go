package moment

import (
	"slices"
	"strings"
	"time"
)

// Audience is a named visibility, to be used again. A post made from one keeps
// a copy: what was approved is what is sent.
type Audience struct {
	ID         int64
	Name       string // unique, whatever its case
	Visibility Visibility
	Note       string
	Author     string
	Version    int64
	Archived   bool // deleted, and kept because finished posts name it
	CreatedAt  time.Time
	UpdatedAt  time.Time
}

// MaxNote is the longest note, in characters.
const MaxNote = 500

// Check reports everything wrong with an audience that is to be stored.
func (a *Audience) Check() error {
	var fs []Field
	if m := checkText(a.Name, true, MaxName); m != "" {
		fs = append(fs, Field{"name", m})
	} else if strings.ContainsAny(a.Name, "\n\r\t") {
		fs = append(fs, Field{"name", "must be one line"})
	}
	if m := checkText(a.Note, false, MaxNote); m != "" {
		fs = append(fs, Field{"note", m})
	}
	fs = append(fs, a.Visibility.fields()...)
	return InvalidFields(fs)
}

// AudienceView is an audience with how much it is used.
type AudienceView struct {
	Audience
	Waiting  int64 // posts made from it that are not sent yet: draft, pending or scheduled
	Finished int64 // and those that are past that
	Live     int64 // campaigns that have it and are not over
}

// AudienceQuery selects audiences for a list: in the order of their names, or of
// their ids where a list is read page by page.
type AudienceQuery struct {
	Text  string // part of the name or note
	ByID  bool
	After int64 // id, with ByID; everything up to it was seen
	Limit int
}

// AudienceUse is what uses an audience and is not sent yet. The posts of a
// campaign are counted with that.
type AudienceUse struct {
	Campaigns []AudienceCampaign // that have it and are not over, by id; at most MaxFollowers

	Same     int64      // posts that still equal it: a change may rewrite them
	Approved int64      // of those, the ones whose approval a change makes void
	Differs  int64      // posts that were given another visibility since; a change leaves them
	Posts    []PostView // the first of those that equal it, the earliest first
}

// Follow counts the campaigns that still equal the audience, and what waits of
// their posts: a change may rewrite them.
func (u *AudienceUse) Follow() (campaigns int, posts int64) {
	for _, c := range u.Campaigns {
		if c.Same {
			campaigns, posts = campaigns+1, posts+c.Posts
		}
	}
	return campaigns, posts
}

// AudienceCampaign is a campaign that uses an audience.
type AudienceCampaign struct {
	ID       int64
	Name     string
	State    CampaignState
	Same     bool      // it still equals the audience: a change may rewrite it
	Approved bool      // and that would make its approval void
	Posts    int64     // of it that wait and follow it
	Kept     int64     // of it that wait and were edited by hand or tried: it leaves them
	NextAt   time.Time // when the first of Posts is due; zero = none
}

// AudienceChange says what becomes of the posts and campaigns that were made
// from a preset and still equal it, when it changes.
type AudienceChange string

// The choices. There is no default: it is asked.
const (
	RewritePosts AudienceChange = "rewrite" // they get the new visibility; an approval of theirs is void
	LeavePosts   AudienceChange = "leave"   // they keep what they have
)

// Limits of one change of an audience: the instances of the posts are held up
// meanwhile, and the campaigns' expansion. The posts of campaigns do not count.
const (
	MaxRewritten = 5000 // posts
	MaxFollowers = 1000 // campaigns
)

// Rewritten is what a change of an audience has rewritten.
type Rewritten struct {
	Posts     int // by themselves
	Campaigns int // whose posts follow them
}

// Check reports everything wrong with v.
func (v Visibility) Check() error { return InvalidFields(v.fields()) }

// Equal reports whether v and o show a moment to the same people. The order of
// a list does not matter.
func (v Visibility) Equal(o Visibility) bool {
	return v.Mode == o.Mode && sameSet(v.Users, o.Users) && sameSet(v.Labels, o.Labels)
}

func sameSet(a, b []string) bool {
	a, b = slices.Clone(a), slices.Clone(b)
	slices.Sort(a)
	slices.Sort(b)
	return slices.Equal(slices.Compact(a), slices.Compact(b))
}
