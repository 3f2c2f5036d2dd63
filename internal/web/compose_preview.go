package web

import (
	"context"
	"fmt"
	"hash/fnv"
	"time"

	"momentcast/internal/lint"
	"momentcast/internal/moment"
)

// departuresShown is how many instances' times are listed; the rest is counted.
const departuresShown = 40

// clashesShown is how many collisions are warned of by themselves.
const clashesShown = 8

// composePreview is what will become of the form: the card on the phone, what
// there is to say about it, and when it will really leave.
type composePreview struct {
	Phone      phoneCard
	Missing    []string // what is to be filled in yet, by name
	Findings   []findingLine
	Link       string // where the card leads, if that is not what was typed
	Thumb      *moment.ThumbLook
	Departures []departureLine
	More       int // that are not listed
	Count      int // posts that the form makes
	OnTime     int
	Later      int
	Missed     int
	Nobody     int      // of which nobody knows when
	Approval   bool     // they wait for approval before all that
	Warnings   []string // to be agreed to before it is submitted
	Agree      string   // names these very warnings
	Agreed     bool
}

// findingLine is one finding about the card.
type findingLine struct {
	Kind  string // "error", "warn" or "info"
	Field string // its name in words
	Text  string
}

// departureLine says when the post of one instance will leave.
type departureLine struct {
	Instance int64
	Name     string
	Zone     string
	Kind     string // "ok", "later", "missed" or "nobody"
	Due      time.Time
	At       time.Time // zero = nobody knows
	Why      string    // why not at its time
}

// Icon is the sign of how the post will leave.
func (d departureLine) Icon() string {
	return map[string]string{"ok": "circle-check", "later": "clock", "missed": "clock-x", "nobody": "help-circle"}[d.Kind]
}

// Icon is the sign of the finding.
func (f findingLine) Icon() string {
	return map[string]string{"error": "circle-x", "warn": "alert-triangle", "info": "info-circle"}[f.Kind]
}

// previewing is what a preview is made from.
type previewing struct {
	form     *composing
	settings moment.Settings
	outlook  *moment.Outlook
	posts    []planned
	checks   []moment.PostCheck // of those posts that have an instance and a time
	seen     visibilitySeen
	c        catalogue
}

func (s *Web) preview(in previewing) *composePreview {
	p := &composePreview{Approval: in.settings.RequireApproval}
	first := in.posts[0]
	name, when := in.c.get("compose.you"), ""
	if first.Instance != nil {
		name = nameOf(first.Instance.Name, first.Instance.WcID)
		p.Count = len(in.posts)
	}
	if !first.Post.DueAt.IsZero() {
		when = in.c.clock(first.Post.DueAt, in.outlook.Situation.Now, in.zone(first), in.settings.TimeZone)
	}
	p.Phone = phoneOf(in.c, name, first.Post, when, in.settings)
	p.Phone.Who = in.seen.Sentence
	if link := first.Post.Card.URL; link != in.form.URL {
		p.Link = link
	}
	warn := newWarnings(in.c)
	s.judge(in, p, warn)
	depart(in, p, warn)
	for _, gap := range in.seen.Gaps {
		warn.say("gap", gap)
	}
	p.Warnings, p.Agree = warn.texts, warn.key()
	p.Agreed = p.Agree != "" && p.Agree == in.form.Agreed
	return p
}

func (in previewing) zone(p planned) string {
	if p.Instance == nil {
		return in.settings.TimeZone
	}
	return p.Instance.TimeZone
}

// judge adds what lint has to say. What is empty yet is listed by itself: a form
// that somebody is filling in is not wrong.
func (s *Web) judge(in previewing, p *composePreview, warn *warnings) {
	post := in.posts[0].Post
	card := lint.Input{Card: post.Card, FirstComment: post.FirstComment}
	card.Link, card.Thumb = s.knownLooks(in.form.URL, post.Card.ThumbURL)
	if s.links != nil {
		if t, ok := s.links.KnownThumb(post.Card.ThumbURL); ok && t.Reason == "" {
			p.Thumb = &t
		}
	}
	for _, f := range lint.Check(card, lint.Of(in.settings)) {
		field := in.c.get("field." + f.Field)
		if f.Key == "missing" {
			p.Missing = append(p.Missing, field)
			continue
		}
		p.Findings = append(p.Findings, findingLine{string(f.Severity), field, f.Text(in.c["lang"])})
		if f.Severity == lint.Error && f.Key != "too_long" && f.Key != "invalid" {
			warn.say(f.Field+"."+f.Key, in.c.get("compose.finding", field, f.Text(in.c["lang"])))
		}
	}
	switch {
	case in.posts[0].Instance == nil:
		p.Missing = append([]string{in.c.get("field.instance")}, p.Missing...)
	}
	if post.Visibility.Mode == "" {
		p.Missing = append(p.Missing, in.c.get("field.visibility"))
	}
	if post.DueAt.IsZero() {
		p.Missing = append(p.Missing, in.c.get("field.due_at"))
	}
}

// checks asks when each of the posts that have an instance and a time will
// leave, and what they collide with.
func (s *Web) checks(ctx context.Context, posts []planned) ([]moment.PostCheck, error) {
	var timed []*moment.Post
	for _, p := range posts {
		if p.Instance != nil && !p.Post.DueAt.IsZero() {
			timed = append(timed, p.Post)
		}
	}
	if len(timed) == 0 {
		return nil, nil
	}
	return s.store.CheckPosts(ctx, timed)
}

// depart says when each post will leave, by the gates of the engine, and warns
// of what they collide with.
func depart(in previewing, p *composePreview, warn *warnings) {
	of := make(map[int64]*moment.Instance, len(in.posts))
	for _, one := range in.posts {
		of[one.Post.InstanceID] = one.Instance
	}
	var clashes []string
	for k := range in.checks {
		check := &in.checks[k]
		line := in.departure(check, of[check.InstanceID])
		p.count(line)
		for _, x := range check.Clashes {
			clashes = append(clashes, in.c.get("compose.finding", line.Name, in.clash(x, line.Zone)))
		}
	}
	if p.Missed > 0 {
		warn.say("missed", in.c.get("compose.missed", p.Missed))
	}
	if more := len(clashes) - clashesShown; more > 0 {
		clashes = append(clashes[:clashesShown], in.c.get("compose.clash.more", more))
	}
	for _, text := range clashes {
		warn.say("clash", text)
	}
}

// count adds one post to what the preview sums up, and lists it if there is room.
func (p *composePreview) count(line departureLine) {
	switch line.Kind {
	case "ok":
		p.OnTime++
	case "later":
		p.Later++
	case "missed":
		p.Missed++
	default:
		p.Nobody++
	}
	if len(p.Departures) < departuresShown {
		p.Departures = append(p.Departures, line)
	} else {
		p.More++
	}
}

// departure is when one post will leave if it is scheduled now.
func (in previewing) departure(check *moment.PostCheck, i *moment.Instance) departureLine {
	line := departureLine{Instance: i.ID, Name: nameOf(i.Name, i.WcID), Zone: i.TimeZone, Due: check.DueAt, At: check.At, Kind: "nobody"}
	switch {
	case check.Missed:
		line.Kind = "missed"
	case check.At.IsZero():
	case check.Late() < time.Second:
		line.Kind = "ok"
		return line
	default:
		line.Kind = "later"
	}
	if check.Why == "" {
		line.Why = in.c.get("compose.far")
		return line
	}
	line.Why = in.c.get("hold." + string(check.Why))
	for _, x := range check.Clashes {
		if x.Kind == moment.ClashGap && check.Why == moment.HeldGap && !x.At.After(check.DueAt) {
			line.Why = in.c.get("compose.because", line.Why, x.Post)
		}
	}
	return line
}

// clash says what a post collides with.
func (in previewing) clash(x moment.Clash, zone string) string {
	at := in.c.clock(x.At, in.outlook.Situation.Now, zone, in.settings.TimeZone)
	switch x.Kind {
	case moment.ClashCap:
		return in.c.get("compose.clash.cap", x.Count, x.Limit)
	case moment.ClashLink:
		return in.c.get("compose.clash.link", x.Limit, x.Post, in.c.get("state."+string(x.State.Shown())), at)
	}
	return in.c.get("compose.clash.gap", x.Post, at)
}

// warnings are what somebody has to agree to.
type warnings struct {
	c     catalogue
	keys  []string
	texts []string
}

func newWarnings(c catalogue) *warnings { return &warnings{c: c} }

func (w *warnings) say(key, text string) {
	w.keys, w.texts = append(w.keys, key), append(w.texts, text)
}

// key names these warnings: who agreed to some has not agreed to others.
func (w *warnings) key() string {
	if len(w.texts) == 0 {
		return ""
	}
	h := fnv.New64a()
	for i := range w.keys {
		_, _ = fmt.Fprintf(h, "%s\x00%s\x00", w.keys[i], w.texts[i]) // never fails
	}
	return fmt.Sprintf("%016x", h.Sum64())
}

// outlookOf reads what a preview needs of the instances.
func (s *Web) outlookOf(ctx context.Context, instances []int64) (*moment.Outlook, error) {
	return s.store.Outlook(ctx, instances[:min(len(instances), composeMost+1)])
}
