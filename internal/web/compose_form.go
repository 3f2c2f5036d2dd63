package web

import (
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"momentcast/internal/moment"
)

const (
	composeMost = 1000           // posts that one form makes
	spreadMost  = 7 * 24 * 60    // minutes that they may be spread over
	sameInstant = "instant"      // of Order: all at once
	inOrder     = "listed"       // as the instances are listed
	shuffled    = "shuffled"     // in an order of its own for every form
	utmMost     = 100            // characters of an UTM parameter
	pageZone    = ""             // of Zone: each instance's own clock
	hiddenField = "book,find,do" // fields of the form that say nothing of the post
	newForm     = "new"          // of Form
	cloneForm   = "clone:"       // followed by a post's id
	editForm    = "edit:"        // likewise
)

// composing is what the composer's form holds, as it was typed.
type composing struct {
	Form      string // which form it is: "new", "clone:7", "edit:7"
	Key       string // made with the form: however often it is sent, it makes its posts once
	Version   int64  // of the post that is edited
	Instances []int64

	Content, Title, Description, URL, ThumbURL, FirstComment string
	Source, Medium, Campaign                                 string // UTM

	Due      string // on a clock
	Zone     string // of that clock; "" = of each instance's own
	Spread   string // minutes
	Order    string
	Lateness string // a span; "" = as in the settings, "0" = none
	Visible  visibilityChoice
	Agreed   string // to which warnings

	dueIs time.Time // the time that the edited post has, if it is left as it is; zero = Due says it
}

// readComposing reads the form. Whatever was sent is kept as it is: what is
// wrong with it is said when it is used.
func readComposing(form url.Values) composing {
	f := composing{
		Form: form.Get("form"), Key: form.Get("key"), Version: number(form.Get("version")),
		Content: unbroken(form.Get("content")), Title: form.Get("title"), Description: form.Get("description"),
		URL: strings.TrimSpace(form.Get("url")), ThumbURL: strings.TrimSpace(form.Get("thumb_url")), FirstComment: unbroken(form.Get("first_comment")),
		Source: strings.TrimSpace(form.Get("utm_source")), Medium: strings.TrimSpace(form.Get("utm_medium")), Campaign: strings.TrimSpace(form.Get("utm_campaign")),
		Due: form.Get("due_at"), Zone: form.Get("zone"), Spread: strings.TrimSpace(form.Get("spread")), Order: form.Get("order"),
		Lateness: strings.TrimSpace(form.Get("max_lateness")), Visible: readVisibility(form), Agreed: form.Get("agreed"),
	}
	seen := make(map[int64]bool)
	for _, s := range form["instance"] {
		if id := number(s); id != 0 && !seen[id] {
			seen[id] = true
			f.Instances = append(f.Instances, id)
		}
	}
	return f
}

// unbroken undoes what browsers do to line breaks.
func unbroken(s string) string { return strings.ReplaceAll(s, "\r\n", "\n") }

// composingOf is the form of a post that is there.
func composingOf(p *moment.PostView) composing {
	f := composing{
		Instances: []int64{p.InstanceID}, Version: p.Version,
		Content: p.Card.Content, Title: p.Card.Title, Description: p.Card.Description, URL: p.Card.URL, ThumbURL: p.Card.ThumbURL,
		FirstComment: p.FirstComment, Lateness: exactly(p.MaxLateness), Visible: choiceOf(p.Visibility),
	}
	if !p.DueAt.IsZero() {
		f.Due = p.DueAt.In(location(p.TimeZone)).Format(localTime)
	}
	return f
}

// Edits is the post that the form edits; 0 = it makes new ones.
func (f *composing) Edits() int64 { return f.postIn(editForm) }

func (f *composing) postIn(kind string) int64 {
	id, ok := strings.CutPrefix(f.Form, kind)
	if !ok {
		return 0
	}
	return number(id)
}

// Has reports whether the instance was chosen.
func (f *composing) Has(id int64) bool { return slices.Contains(f.Instances, id) }

func (f *composing) utm() moment.UTM {
	return moment.UTM{Source: f.Source, Medium: f.Medium, Campaign: f.Campaign}
}

// link is where the card will lead: the address as typed with its parameters.
func (f *composing) link() (string, []moment.Field) {
	var fs []moment.Field
	for _, p := range []struct{ path, value string }{{"utm_source", f.Source}, {"utm_medium", f.Medium}, {"utm_campaign", f.Campaign}} {
		if m := moment.CheckText(p.value, false, utmMost); m != "" {
			fs = append(fs, moment.Field{Path: p.path, Message: m})
		}
	}
	if len(fs) > 0 || f.utm() == (moment.UTM{}) || f.URL == "" {
		return f.URL, fs
	}
	link, err := f.utm().AddTo(f.URL)
	if err != nil {
		return f.URL, nil // the address itself is not right; the post's own check says how
	}
	return link, nil
}

// card is the card as it will be sent.
func (f *composing) card() (moment.Card, []moment.Field) {
	link, fs := f.link()
	return moment.Card{Content: f.Content, Title: f.Title, Description: f.Description, URL: link, ThumbURL: f.ThumbURL}, fs
}

// spread is over how long the posts are spread.
func (f *composing) spread() (time.Duration, []moment.Field) {
	if f.Spread == "" || f.Order == sameInstant {
		return 0, nil
	}
	n, err := strconv.Atoi(f.Spread)
	if err != nil || n < 0 || n > spreadMost {
		return 0, []moment.Field{{Path: "spread", Message: "is not a number of minutes up to a week"}}
	}
	return time.Duration(n) * time.Minute, nil
}

// lateness is the limit of the posts; standard is that of the settings.
func (f *composing) lateness(standard time.Duration) (time.Duration, []moment.Field) {
	if f.Lateness == "" {
		return standard, nil
	}
	d, err := parseSpan(f.Lateness)
	if err != nil {
		return standard, []moment.Field{{Path: "max_lateness", Message: "is not a span of time such as 90m, 2h or 1d"}}
	}
	return d, nil
}

// order is the instances in the order in which they post.
func (f *composing) order() []int64 {
	out := slices.Clone(f.Instances)
	if f.Order == shuffled {
		seed := fnv.New64a()
		_, _ = seed.Write([]byte(f.Key)) // never fails
		r := rand.New(rand.NewPCG(seed.Sum64(), 0))
		slices.Sort(out)
		r.Shuffle(len(out), func(i, j int) { out[i], out[j] = out[j], out[i] })
	}
	return out
}

// planned is one post that the form makes, and the instance it is for.
type planned struct {
	Post     *moment.Post
	Instance *moment.Instance
}

// plan makes the posts of the form, in the order in which they are due, and
// says everything that is wrong with them. The outlook has the instances.
func (f *composing) plan(o *moment.Outlook, v moment.Visibility, standard time.Duration, state moment.State) ([]planned, error) {
	card, fs := f.card()
	spread, more := f.spread()
	fs = append(fs, more...)
	limit, more := f.lateness(standard)
	fs = append(fs, more...)
	switch {
	case len(f.Instances) == 0:
		fs = append(fs, moment.Field{Path: "instances", Message: "choose at least one instance"})
	case len(f.Instances) > composeMost:
		fs = append(fs, moment.Field{Path: "instances", Message: "choose at most 1000 instances"})
	}
	if f.Due != "" && inZone(f.Due, "UTC").IsZero() {
		fs = append(fs, moment.Field{Path: "due_at", Message: "is not a day and time"})
	}
	if f.Zone != pageZone && moment.CheckZone(f.Zone) != "" {
		fs = append(fs, moment.Field{Path: "zone", Message: "is not a known IANA time zone"})
	}
	var out []planned
	ids := f.order()
	for k, id := range ids {
		p, ok := o.Instances[id]
		if !ok {
			fs = append(fs, moment.Field{Path: "instances", Message: "one of the chosen instances does not exist any more"})
			continue
		}
		post := &moment.Post{ID: f.Edits(), InstanceID: id, State: state, Card: card, Visibility: v, MaxLateness: limit, FirstComment: f.FirstComment, DueAt: f.due(p.Instance.TimeZone)}
		if !post.DueAt.IsZero() && len(ids) > 1 {
			post.DueAt = post.DueAt.Add(spread * time.Duration(k) / time.Duration(len(ids)-1)).Truncate(time.Second)
		}
		out = append(out, planned{post, &p.Instance})
	}
	if len(out) == 0 { // what is wrong with the card is said before an instance is chosen
		due := f.due("UTC")
		out = append(out, planned{Post: &moment.Post{State: state, Card: card, Visibility: v, MaxLateness: limit, FirstComment: f.FirstComment, DueAt: due}})
	}
	more = wrong(out, o.Situation.Now)
	more = slices.DeleteFunc(more, func(w moment.Field) bool {
		said := slices.ContainsFunc(fs, func(f moment.Field) bool { return f.Path == w.Path })
		return said || w.Path == "due_at" && !f.dueIs.IsZero() // a post that waits may be older than a new one may be
	})
	fs = append(fs, more...)
	return out, moment.InvalidFields(fs)
}

func (f *composing) due(zone string) time.Time {
	if !f.dueIs.IsZero() {
		return f.dueIs
	}
	if f.Zone != pageZone {
		zone = f.Zone
	}
	return inZone(f.Due, zone)
}

// wrong is what the domain refuses of the posts, each thing once.
func wrong(posts []planned, now time.Time) (fs []moment.Field) {
	seen := make(map[string]bool)
	for _, p := range posts {
		e, ok := asDomain(p.Post.Check(now))
		if !ok {
			continue
		}
		for _, f := range e.Fields {
			if f.Path == "due_at" && p.Post.DueAt.IsZero() {
				f.Message = "is required"
			}
			if !seen[f.Path] {
				seen[f.Path] = true
				fs = append(fs, f)
			}
		}
	}
	return fs
}

// kept is what of a form is worth keeping.
func kept(form url.Values) map[string][]string {
	out := make(map[string][]string, len(form))
	for name, values := range form {
		if !slices.Contains(strings.Split(hiddenField, ","), name) {
			out[name] = values
		}
	}
	return out
}

// editPath is where a post is edited.
func editPath(id int64) string { return fmt.Sprintf("/posts/%d/edit", id) }
