package web

import (
	"cmp"
	"fmt"
	"html/template"
	"net/url"
	"slices"
	"strings"
	"time"

	"momentcast/internal/moment"
)

// lookback is what the account's timeline showed of a doubtful call: the
// evidence for whoever has to decide about the post.
type lookback struct {
	Open   bool // the post is still in doubt
	Last   *lookLine
	Rest   []lookLine // earlier rounds, the latest first
	Count  int        // of all rounds
	Decide []step     // what a person can decide, once there is something to go by
}

// lookLine is one look at the timeline.
type lookLine struct {
	moment.ReadBack
	When    template.HTML
	Kind    string // "found", "near", "none" or "unread"
	Summary string
	Moments []seenLine
}

// seenLine is one moment that was seen, beside what was asked for.
type seenLine struct {
	moment.Seen
	Name string // what tells it from the others
	Near bool   // it may be the post's
	Own  bool   // it is this post's
	Use  string // address where it is named as the post's; "" = it cannot be
	Rows []compared
}

// Lookback is nil for a post that never was in doubt.
func (p *postPage) Lookback() *lookback {
	f, d := &p.Frame, p.Post
	if d.State != moment.Unknown && len(d.ReadBacks) == 0 {
		return nil
	}
	out := &lookback{Open: d.State == moment.Unknown, Count: len(d.ReadBacks)}
	_, err := d.After(moment.ActFoundSent)
	may := err == nil && p.May(moment.PermOperate)
	for _, look := range slices.Backward(d.ReadBacks) {
		l := lookLine{ReadBack: look, When: f.When(look.At, d.TimeZone)}
		near := 0
		for _, m := range look.Seen {
			s := seenLineOf(f, d, look.Attempt, m)
			if may && m.PostID == 0 && !slices.Contains(m.Differs, moment.DiffersAccount) {
				s.Use = fmt.Sprintf("/posts/%d/%s?moment_id=%s", d.ID, moment.ActFoundSent, url.QueryEscape(m.ID))
			}
			if s.Near {
				near++
			}
			l.Moments = append(l.Moments, s)
		}
		// What may be the post's own stands first.
		slices.SortStableFunc(l.Moments, func(a, b seenLine) int { return rank(a) - rank(b) })
		l.Kind, l.Summary = summaryOf(f.texts, look, near)
		if out.Last == nil {
			out.Last = &l
		} else {
			out.Rest = append(out.Rest, l)
		}
	}
	for _, s := range p.Steps {
		if out.Open && (s.Action == moment.ActFoundSent || s.Action == moment.ActNotSent || s.Action == moment.ActLeave) {
			out.Decide = append(out.Decide, s)
		}
	}
	return out
}

func rank(s seenLine) int {
	switch {
	case s.Match:
		return 0
	case s.Near:
		return 1
	}
	return 2
}

// summaryOf says in a sentence what came of a look.
func summaryOf(c catalogue, look moment.ReadBack, near int) (kind, text string) {
	switch {
	case look.Problem != "":
		text = c.or("look.problem."+look.Problem, c.get("look.problem.other"))
		if said := c.saidFor(look.Message); said != "" {
			text += c.get("look.because", said)
		}
		return "unread", text
	case look.Found != "":
		return "found", c.get("look.found", look.Found)
	case near > 0:
		return "near", c.get("look.near", len(look.Seen)+look.More, near)
	case len(look.Seen) > 0:
		return "none", c.get("look.others", len(look.Seen)+look.More)
	}
	return "none", c.get("look.nothing")
}

// seenLineOf puts what was seen beside what was asked for. The time is compared
// with the call's; of an earlier call than the last it is not known any more.
func seenLineOf(f *Frame, d *moment.PostDetail, attempt int, m moment.Seen) seenLine {
	c := f.texts
	differs := func(what string) bool { return slices.Contains(m.Differs, what) }
	s := seenLine{Seen: m, Own: m.PostID == d.ID, Name: f.clockSeconds(m.CreatedAt, d.TimeZone)}
	if what := short(40, cmp.Or(m.Title, m.Content)); what != "" {
		s.Name += " · " + what
	}
	free := m.PostID == 0 || s.Own
	s.Match = m.Match && free // that of another post is not this one's, however like it
	began := ""
	if attempt == d.Attempt && !d.IntentAt.IsZero() {
		began = c.get("look.began", f.clockSeconds(d.IntentAt, d.TimeZone))
	}
	add := func(field, asked, found string, differs bool) {
		s.Rows = append(s.Rows, compared{c.get(field), asked, found, differs})
	}
	add("look.made", began, f.clockSeconds(m.CreatedAt, d.TimeZone), differs(moment.DiffersTime))
	if differs(moment.DiffersAccount) {
		add("field.instance", nameOf(d.InstanceName, d.WcID), c.get("look.stranger"), true)
	}
	if differs(moment.DiffersUnreadable) {
		add("field.content", d.Card.Content, c.get("look.unreadable"), true)
		s.Near = !differs(moment.DiffersAccount) && !differs(moment.DiffersTime) && free
		return s
	}
	if differs(moment.DiffersKind) {
		add("look.kind", c.get("look.kind.link"), c.get("look.kind.other"), true)
	}
	add("field.url", d.Card.URL, m.URL, differs(moment.DiffersURL))
	add("field.title", d.Card.Title, m.Title, differs(moment.DiffersTitle))
	add("field.content", d.Card.Content, m.Content, differs(moment.DiffersContent))
	same := (!differs(moment.DiffersURL) && m.URL != "") || (!differs(moment.DiffersTitle) && m.Title != "") || (!differs(moment.DiffersContent) && m.Content != "")
	s.Near = s.Match || same && free && !differs(moment.DiffersAccount)
	return s
}

// clockSeconds is Clock with the seconds: moments of one minute are told apart.
func (f *Frame) clockSeconds(t time.Time, zone string) string {
	if t.IsZero() {
		return f.texts.get("time.none")
	}
	l := t.In(location(zone))
	return strings.Replace(f.Clock(t, zone), l.Format("15:04"), l.Format("15:04:05"), 1)
}
