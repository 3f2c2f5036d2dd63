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
}

// AudienceQuery selects audiences for a list: in the order of their names, or of
// their ids where a list is read page by page.
type AudienceQuery struct {
	Text  string // part of the name or note
	ByID  bool
	After int64 // id, with ByID; everything up to it was seen
	Limit int
}

// AudienceUse is what uses an audience and is not sent yet.
type AudienceUse struct {
	Same     int64      // posts that still equal it: a change may rewrite them
	Approved int64      // of those, the ones whose approval a change makes void
	Differs  int64      // posts that were given another visibility since; a change leaves them
	Posts    []PostView // the first of those that equal it, the earliest first
}

// AudienceChange says what becomes of the posts that were made from a preset
// and still equal it, when it changes.
type AudienceChange string

// The choices. There is no default: it is asked.
const (
	RewritePosts AudienceChange = "rewrite" // they get the new visibility; an approval of theirs is void
	LeavePosts   AudienceChange = "leave"   // they keep what they have
)

// MaxRewritten is how many posts one change of an audience may rewrite: their
// instances are held up meanwhile.
const MaxRewritten = 5000

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
