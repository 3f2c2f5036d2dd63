package web

import (
	"context"
	"crypto/rand"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"momentcast/internal/moment"
)

// ComposeStore is the part of the database that the composer needs.
type ComposeStore interface {
	AddPosts(ctx context.Context, posts []*moment.Post, key moment.RequestKey) (ids []int64, replayed bool, err error)
	Answered(ctx context.Context, key moment.RequestKey) ([]int64, error)
	PostsOf(ctx context.Context, actor, key string) ([]moment.PostView, error)
	EditPost(ctx context.Context, id, ifVersion int64, change func(*moment.Post) error, by moment.Origin) error
	Outlook(ctx context.Context, instances []int64) (*moment.Outlook, error)
	CheckPosts(ctx context.Context, posts []*moment.Post) ([]moment.PostCheck, error)

	SaveTyped(ctx context.Context, actor, form string, typed map[string][]string) error
	Typed(ctx context.Context, actor, form string) (*moment.Autosave, error)
	ForgetTyped(ctx context.Context, actor, form, key string) error
}

// composeRoutes are the pages on which posts are written.
func (s *Web) composeRoutes() []route {
	const write = moment.PermWrite
	return []route{
		{"GET /posts/new", write, s.compose},
		{"POST /posts/new", write, s.composed},
		{"GET /posts/{id}/edit", write, s.edit},
		{"POST /posts/{id}/edit", write, s.edited},
		{"POST /posts/new/preview", write, s.composePreview},
		{"POST /posts/new/look", write, s.look},
		{"POST /posts/new/autosave", write, s.autosave},
		{"POST /posts/new/discard", write, s.discard},
		{"GET /posts/new/made/{key}", write, s.made},
		{"POST /posts/new/made/{key}/undo", write, s.undo},
	}
}

// composePage is the composer: the form at the left, what becomes of it at the
// right.
type composePage struct {
	Frame
	Typed      composing
	Action     string // where the form goes
	Chooses    bool   // instances can be chosen; false = a post is edited
	Instances  []composeInstance
	Groups     []composeGroup
	Zones      []string // of the instances, where there are several
	Lateness   []latenessOption
	Chips      []dueChip
	Visibility *visibilityForm
	Preview    *composePreview
	Approval   bool
	Post       *moment.PostView // that is edited; nil = new ones
	Cloned     int64            // whose copy it is
	Saved      time.Time        // when what is shown was kept by itself; zero = it was not
	Clean      string           // address of the form without that
	Theirs     []differing      // what somebody else has made of it meanwhile
	Found      *pageFound       // what the page at the link calls itself
	Looks      bool             // addresses can be looked at
	Draft      bool             // it can be kept as a draft
}

// composeInstance is one account to choose.
type composeInstance struct {
	instanceRow
	Chosen bool
	Text   string // what a search finds it by
}

// composeGroup is a group of instances, and whether all of it is chosen.
type composeGroup struct {
	Name  string
	Count int
	All   bool
}

// latenessOption is one limit to choose.
type latenessOption struct {
	Value    string
	Span     time.Duration // 0 = none
	Standard bool          // as in the settings
	Chosen   bool
}

// dueChip is a time that people often mean.
type dueChip struct {
	Value string
	At    time.Time
}

// pageFound is what the page at the link calls itself, where that is not what
// was typed.
type pageFound struct{ Title, Description, Image string }

func (s *Web) compose(w http.ResponseWriter, r *http.Request) error {
	f, saved, err := s.begin(r)
	if err != nil {
		return err
	}
	p := &composePage{Typed: f, Saved: saved}
	return s.composePage(w, r, p)
}

// begin is the form as it opens: what was left in it, a copy of a post, or
// nothing; with the time and the instance that the address names.
func (s *Web) begin(r *http.Request) (f composing, saved time.Time, err error) {
	q := r.URL.Query()
	form, from := newForm, number(q.Get("from"))
	if from != 0 {
		form = cloneForm + strconv.FormatInt(from, 10)
	}
	left, err := s.store.Typed(r.Context(), userOf(r).Name, form)
	switch {
	case err != nil:
		return f, saved, err
	case left != nil:
		f, saved = readComposing(left.Typed), left.UpdatedAt
	case from != 0:
		p, err := s.store.Post(r.Context(), from)
		if err != nil {
			return f, saved, err
		}
		f = composingOf(p)
		f.Due, f.Version = "", 0
	}
	f.Form = form
	if f.Key == "" {
		f.Key = rand.Text()
	}
	if chosen := q["instance"]; len(chosen) > 0 {
		f.Instances = readComposing(url.Values{"instance": chosen}).Instances
	}
	if due := q.Get("due"); due != "" {
		if err := s.dueFrom(r.Context(), &f, due); err != nil {
			return f, saved, err
		}
	}
	return f, saved, nil
}

// dueFrom takes over a time from an address: RFC 3339, or as a clock shows it,
// or a day. What is none of these is not heeded.
func (s *Web) dueFrom(ctx context.Context, f *composing, due string) error {
	if at, err := time.Parse(time.RFC3339, due); err == nil {
		k, err := s.known.get(ctx)
		if err != nil {
			return err
		}
		zone := k.settings.TimeZone
		if len(f.Instances) > 0 {
			o, err := s.outlookOf(ctx, f.Instances[:1])
			if err != nil {
				return err
			}
			if p, ok := o.Instances[f.Instances[0]]; ok {
				zone = p.Instance.TimeZone
			}
		}
		f.Due = at.In(location(zone)).Format(localTime)
		return nil
	}
	if !inZone(due, "UTC").IsZero() {
		f.Due = due
	} else if !dayIn(due, "UTC").IsZero() {
		f.Due = due + "T09:00"
	}
	return nil
}

// composePage completes the page around what is typed, and answers with it: the
// preview alone, or the texts of the card alone, where those are asked for.
func (s *Web) composePage(w http.ResponseWriter, r *http.Request, p *composePage) error {
	if err := s.completeCompose(r, p); err != nil {
		return err
	}
	return s.page(w, r, view{Status: statusFor(p.Problem), Page: "compose", Data: p})
}

func (s *Web) completeCompose(r *http.Request, p *composePage) error {
	ctx := r.Context()
	k, err := s.known.get(ctx)
	if err != nil {
		return err
	}
	f := &p.Typed
	p.Action, p.Chooses, p.Looks, p.Approval, p.Draft = "/posts/new", f.Edits() == 0, s.links != nil, k.settings.RequireApproval, true
	p.Cloned = f.postIn(cloneForm)
	p.Clean = p.Action
	if p.Cloned != 0 {
		p.Clean += "?from=" + strconv.FormatInt(p.Cloned, 10)
	}
	if id := f.Edits(); id != 0 {
		if p.Post, err = s.store.Post(ctx, id); err != nil {
			return err
		}
		p.Action, f.Instances = editPath(id), []int64{p.Post.InstanceID}
		p.Clean, p.Draft = p.Action, p.Post.State == moment.Draft
	} else if err := s.offerInstances(ctx, p); err != nil {
		return err
	}
	p.Lateness = latenessOptions(f.Lateness, k.settings.MaxLateness)
	p.Chips = dueChips(time.Now(), k.settings.TimeZone)
	if p.Visibility, err = s.visibilityForm(ctx, s.texts[langOf(r)], f.Visible, f.Instances, p.Problem); err != nil {
		return err
	}
	p.Preview, err = s.previewOf(ctx, r, f, k.settings)
	return err
}

// previewOf makes the preview of what is typed.
func (s *Web) previewOf(ctx context.Context, r *http.Request, f *composing, settings moment.Settings) (*composePreview, error) {
	c := s.texts[langOf(r)]
	o, err := s.outlookOf(ctx, f.Instances)
	if err != nil {
		return nil, err
	}
	v, _, err := s.chosenVisibility(ctx, f.Visible)
	if err != nil && moment.KindOf(err) != moment.Invalid {
		return nil, err
	}
	seen, err := s.seen(ctx, c, f.Visible, f.Instances)
	if err != nil {
		return nil, err
	}
	posts, _ := f.plan(o, v, settings.MaxLateness, moment.Scheduled) // what is wrong is said when it is submitted
	checks, err := s.checks(ctx, posts)
	if err != nil {
		return nil, err
	}
	return s.preview(previewing{form: f, settings: settings, outlook: o, posts: posts, checks: checks, seen: seen, c: c}), nil
}

// instancesMost is how many accounts the composer offers.
const instancesMost = 5000

// offerInstances lists the accounts to choose from. Where there is one only, it
// is chosen.
func (s *Web) offerInstances(ctx context.Context, p *composePage) error {
	q := moment.InstanceQuery{Limit: optionsMost}
	zones, groups := make(map[string]bool), make(map[string]*composeGroup)
	for more := true; more && len(p.Instances) < instancesMost; {
		page, next, err := s.store.Instances(ctx, q)
		if err != nil {
			return err
		}
		for i := range page {
			p.Instances = append(p.Instances, composeInstance{instanceRow: rowOf(page[i])})
		}
		if more = next; more {
			q.After = page[len(page)-1].ID
		}
	}
	if len(p.Instances) == 1 {
		p.Typed.Instances = []int64{p.Instances[0].ID}
	}
	for k := range p.Instances {
		i := &p.Instances[k]
		i.Chosen = p.Typed.Has(i.ID)
		i.Text = strings.ToLower(i.Name + " " + i.WcID + " " + strings.Join(i.Groups, " "))
		zones[i.TimeZone] = true
		for _, name := range i.Groups {
			g := groups[name]
			if g == nil {
				g = &composeGroup{Name: name, All: true}
				groups[name] = g
			}
			g.Count++
			g.All = g.All && i.Chosen
		}
	}
	for _, g := range groups {
		p.Groups = append(p.Groups, *g)
	}
	slices.SortFunc(p.Groups, func(a, b composeGroup) int { return strings.Compare(a.Name, b.Name) })
	if len(zones) > 1 {
		for zone := range zones {
			p.Zones = append(p.Zones, zone)
		}
		slices.Sort(p.Zones)
	}
	return nil
}

// pickGroup chooses all instances of a group, or none if all of them are.
func (p *composePage) pickGroup(name string) {
	var members []int64
	for _, i := range p.Instances {
		if slices.Contains(i.Groups, name) {
			members = append(members, i.ID)
		}
	}
	all := !slices.ContainsFunc(members, func(id int64) bool { return !p.Typed.Has(id) })
	p.Typed.Instances = slices.DeleteFunc(p.Typed.Instances, func(id int64) bool { return slices.Contains(members, id) })
	if !all {
		p.Typed.Instances = append(p.Typed.Instances, members...)
	}
}

// latenessOptions are the limits to choose; one that was typed elsewhere is
// among them.
func latenessOptions(chosen string, standard time.Duration) []latenessOption {
	out := []latenessOption{{Span: standard, Standard: true, Chosen: chosen == ""}}
	known := chosen == ""
	for _, d := range []time.Duration{10 * time.Minute, 30 * time.Minute, time.Hour, 2 * time.Hour, 6 * time.Hour, 24 * time.Hour, 0} {
		o := latenessOption{Value: exactly(d), Span: d}
		o.Chosen = o.Value == chosen
		known = known || o.Chosen
		out = append(out, o)
	}
	if d, err := parseSpan(chosen); !known && err == nil {
		out = append(out, latenessOption{Value: chosen, Span: d, Chosen: true})
	}
	return out
}

// dueChips are times that people often mean, on the clock of the zone.
func dueChips(now time.Time, zone string) (out []dueChip) {
	l := now.In(location(zone))
	for _, c := range []struct{ days, hour, minute int }{{0, 12, 0}, {0, 20, 0}, {1, 9, 0}, {1, 12, 30}, {1, 20, 0}, {2, 9, 0}} {
		at := time.Date(l.Year(), l.Month(), l.Day()+c.days, c.hour, c.minute, 0, 0, l.Location())
		if at.After(now.Add(10*time.Minute)) && len(out) < 4 {
			out = append(out, dueChip{at.Format(localTime), at})
		}
	}
	return out
}

// composePreview answers the form, while somebody types, with what becomes of it.
func (s *Web) composePreview(w http.ResponseWriter, r *http.Request) error {
	if err := parseForm(w, r); err != nil {
		return err
	}
	p := &composePage{Typed: readComposing(r.PostForm)}
	if !fragment(r) {
		return s.composePage(w, r, p)
	}
	if id := p.Typed.Edits(); id != 0 { // the account of a post that is edited is no field
		post, err := s.store.Post(r.Context(), id)
		if err != nil {
			return err
		}
		p.Typed.Instances = []int64{post.InstanceID}
	}
	k, err := s.known.get(r.Context())
	if err != nil {
		return err
	}
	if p.Preview, err = s.previewOf(r.Context(), r, &p.Typed, k.settings); err != nil {
		return err
	}
	return s.page(w, r, view{Page: "compose", Block: "composePreview", Data: p})
}

// formPath says where a form is found again.
func formPath(form string) (string, error) {
	f := composing{Form: form}
	switch {
	case form == newForm:
		return "/posts/new", nil
	case f.postIn(cloneForm) != 0:
		return fmt.Sprintf("/posts/new?from=%d", f.postIn(cloneForm)), nil
	case f.Edits() != 0:
		return editPath(f.Edits()), nil
	}
	return "", moment.Errorf(moment.Invalid, "The form does not say which one it is.")
}

// KB writes a size as people do.
func (p *composePage) KB(bytes int64) int64 { return (bytes + 1023) / 1024 }

// Short says a time near now in few words: its day and hour.
func (p *composePage) Short(at time.Time) string {
	days := int(at.Sub(dayIn(p.Now.In(at.Location()).Format(time.DateOnly), at.Location().String())).Hours()) / 24
	return p.texts.get("compose.day."+strconv.Itoa(days), at.Format("15:04"))
}
