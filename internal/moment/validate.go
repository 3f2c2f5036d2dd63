package moment

import (
	"fmt"
	"net/url"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// Limits of a card, in characters. The gateway documents none; these are what
// the WeChat app itself can take in, with room to spare.
const (
	MaxContent     = 2000
	MaxTitle       = 200
	MaxDescription = 500
	MaxURL         = 2048 // bytes
	MaxComment     = 500
	MaxKey         = 200
	MaxName        = 100
)

// PastTolerance is how far in the past a new due time may lie: clocks differ
// and requests take time, but a time of last week is a mistake.
const PastTolerance = 24 * time.Hour

// FutureLimit is how far ahead a post may be due.
const FutureLimit = 5 * 365 * 24 * time.Hour

// Check reports everything wrong with p as a person or program submitted it at
// now, as one Invalid error with a field for each. A draft may be incomplete
// but holds no broken values.
func (p *Post) Check(now time.Time) error {
	var fs []Field
	draft := p.State == Draft
	text := func(path, s string, required bool, limit int) {
		if m := checkText(s, required && !draft, limit); m != "" {
			fs = append(fs, Field{path, m})
		}
	}
	text("content", p.Card.Content, true, MaxContent)
	text("title", p.Card.Title, true, MaxTitle)
	text("description", p.Card.Description, false, MaxDescription)
	text("first_comment", p.FirstComment, false, MaxComment)
	text("external_key", p.ExternalKey, false, MaxKey)
	for _, u := range []struct{ path, value string }{{"url", p.Card.URL}, {"thumb_url", p.Card.ThumbURL}} {
		if u.value == "" && draft {
			continue
		}
		if m := checkURL(u.value); m != "" {
			fs = append(fs, Field{u.path, m})
		}
	}
	if !draft || p.Visibility.Mode != "" || len(p.Visibility.Users)+len(p.Visibility.Labels) > 0 {
		fs = append(fs, p.Visibility.fields()...)
	}
	if m := checkDue(p.DueAt, now); m != "" && !(draft && p.DueAt.IsZero()) {
		fs = append(fs, Field{"due_at", m})
	}
	if p.MaxLateness < 0 || p.MaxLateness > 30*24*time.Hour {
		fs = append(fs, Field{"max_lateness", "must be between 0 (no limit) and 720h"})
	}
	return InvalidFields(fs)
}

// CheckDue says what is wrong with a new due time.
func CheckDue(due, now time.Time) error {
	if m := checkDue(due, now); m != "" {
		return InvalidFields([]Field{{"due_at", m}})
	}
	return nil
}

func checkDue(due, now time.Time) string {
	switch {
	case due.IsZero():
		return "is required: RFC 3339 with offset, such as 2026-12-01T09:00:00+08:00"
	case due.Before(now.Add(-PastTolerance)):
		return "lies more than a day in the past"
	case due.After(now.Add(FutureLimit)):
		return "lies more than five years ahead"
	}
	return ""
}

func checkText(s string, required bool, limit int) string {
	switch {
	case required && strings.TrimSpace(s) == "":
		return "is required"
	case !utf8.ValidString(s):
		return "is not valid UTF-8"
	case utf8.RuneCountInString(s) > limit:
		return fmt.Sprintf("is longer than %d characters", limit)
	case strings.ContainsFunc(s, forbiddenRune):
		return "has control characters; only line breaks and tabs are allowed"
	}
	return ""
}

// forbiddenRune reports runes that no card needs: control characters, which
// XML and PostgreSQL refuse or terminals obey, and the overrides of writing
// direction, which make a text read other than it is.
func forbiddenRune(r rune) bool {
	if r == '\n' || r == '\t' || r == '\r' {
		return false
	}
	return unicode.IsControl(r) || (r >= 0x202A && r <= 0x202E) || (r >= 0x2066 && r <= 0x2069) || r == 0xFFFE || r == 0xFFFF
}

func checkURL(s string) string {
	if s == "" {
		return "is required"
	}
	if len(s) > MaxURL {
		return fmt.Sprintf("is longer than %d bytes", MaxURL)
	}
	if !utf8.ValidString(s) || strings.ContainsFunc(s, func(r rune) bool { return unicode.IsControl(r) || unicode.IsSpace(r) || forbiddenRune(r) }) {
		return "has spaces or control characters; escape them"
	}
	u, err := url.Parse(s)
	if err != nil {
		return "is not a URL"
	}
	if u.Scheme != "http" && u.Scheme != "https" {
		return "must begin with http:// or https://"
	}
	if u.Hostname() == "" {
		return "names no host"
	}
	if u.User != nil {
		return "must not carry a user name or password"
	}
	return ""
}
