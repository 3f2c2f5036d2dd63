package web

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"momentcast/internal/moment"
)

// postPage shows everything that is known of a post.
type postPage struct {
	Frame
	Post     *moment.PostDetail
	Events   []eventLine
	Compared []compared
	Differs  bool
	Audience string
	Steps    []step
	Rulings  []ruling
	Firing   *firing // of its campaign; nil = it is of none
	// Rejection is why a draft was given back; nil if it was not.
	Rejection *moment.Approval
	Edit      string // address of the composer; "" = there is none, or not now
	Clone     string // address of the composer with a copy; "" = not for this visitor
}

// eventLine is one line of the audit trail in words.
type eventLine struct {
	moment.Event
	What    string
	Changes []change
	Note    string
}

// change is one field that an edit changed.
type change struct{ Field, Was, Is string }

// compared is one field as it was asked for and as WeChat stored it.
type compared struct {
	Field, Asked, Stored string
	Differs              bool
}

func (s *Web) post(w http.ResponseWriter, r *http.Request) error {
	id, err := pathID(r)
	if err != nil {
		return err
	}
	d, err := s.store.PostDetail(r.Context(), id)
	if err != nil {
		return err
	}
	c, user := s.texts[langOf(r)], userOf(r)
	names, err := s.store.NamesOf(r.Context(), []int64{d.InstanceID}, d.Visibility)
	if err != nil {
		return err
	}
	p := &postPage{Post: d, Audience: audience(c, d.Visibility, names), Steps: steps(&d.Post, user)}
	for i := len(d.Events) - 1; i >= 0; i-- {
		p.Events = append(p.Events, lineOf(c, d.Events[i]))
	}
	if d.Proof != nil {
		p.Compared = compare(c, d.Card, d.Proof)
		p.Differs = slices.ContainsFunc(p.Compared, func(c compared) bool { return c.Differs })
	}
	if p.Firing, err = s.firingOf(r.Context(), &d.Membership); err != nil {
		return err
	}
	p.Rulings, p.Rejection = rulingsOf(d), rejectionOf(d)
	if _, err := d.State.After(moment.ActEdit); err == nil && user.May(moment.PermWrite) && s.has("/posts/{id}/edit") {
		p.Edit = fmt.Sprintf("/posts/%d/edit", id)
	}
	if user.May(moment.PermWrite) {
		p.Clone = fmt.Sprintf("/posts/new?from=%d", id)
	}
	return s.page(w, r, view{Page: "post", Block: "post", Data: p})
}

// Phone is the post as the phone shows it.
func (p *postPage) Phone() phoneCard { return p.PhoneOf(&p.Post.PostView) }

// Reversed are the attempts, the latest first.
func (p *postPage) Reversed() []moment.Attempt {
	as := slices.Clone(p.Post.Attempts)
	slices.Reverse(as)
	return as
}

// Cause is the plain text for what ended an attempt.
func (p *postPage) Cause(word string) string { return causeWord(p.texts, word) }

// Pretty is a body as people read it: JSON is indented, all else left as it is.
func (p *postPage) Pretty(body string) string {
	var v any
	d := json.NewDecoder(strings.NewReader(body))
	d.UseNumber() // moment ids are larger than a float holds
	if d.Decode(&v) != nil {
		return body
	}
	var b strings.Builder
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false) // the template escapes
	e.SetIndent("", "  ")
	if e.Encode(v) != nil {
		return body
	}
	return strings.TrimSpace(b.String())
}

func compare(c catalogue, asked moment.Card, stored *moment.Proof) []compared {
	differs := stored.Differences(asked)
	line := func(field, a, b string) compared {
		return compared{c.get("field." + field), a, b, slices.Contains(differs, field)}
	}
	return []compared{
		line("content", asked.Content, stored.Content), line("title", asked.Title, stored.Title),
		line("description", asked.Description, stored.Description), line("url", asked.URL, stored.URL),
	}
}

// lineOf puts a line of the audit trail into words.
func lineOf(c catalogue, e moment.Event) eventLine {
	l := eventLine{Event: e, What: c.or("event."+e.Action, e.Action)}
	if changed, ok := e.Detail["changed"].(map[string]any); ok {
		for field, v := range changed {
			pair, _ := v.([]any)
			if len(pair) == 2 {
				l.Changes = append(l.Changes, change{c.or("field."+field, field), plain(pair[0]), plain(pair[1])})
			}
		}
		slices.SortFunc(l.Changes, func(a, b change) int { return strings.Compare(a.Field, b.Field) })
	}
	var notes []string
	for _, key := range []string{"reason", "message", "mode", "overdue", "moment_id", "cause"} {
		if v, ok := e.Detail[key]; ok && plain(v) != "" {
			notes = append(notes, plain(v))
		}
	}
	l.Note = strings.Join(notes, " · ")
	return l
}

// plain writes a value of the audit trail's JSON on one line.
func plain(v any) string {
	switch v := v.(type) {
	case nil:
		return ""
	case string:
		if t, err := time.Parse(time.RFC3339Nano, v); err == nil {
			return t.UTC().Format("2006-01-02 15:04 UTC")
		}
		return v
	}
	b, err := json.Marshal(v)
	if err != nil {
		return fmt.Sprint(v)
	}
	return string(b)
}
