package web

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"momentcast/internal/moment"
)

// presetMode is the choice of a form besides the modes of moment.Visibility.
const presetMode = "preset"

// visibilityChoice is who may see a post as a form says it. The zero value is
// that nothing was chosen yet, which is never read as everyone.
type visibilityChoice struct {
	Mode          string // "preset", "everyone", "allow" or "deny"; "" = none was chosen
	Preset        int64  // the audience's id, where Mode is "preset"
	Users, Labels string // as typed, an id a line; they count where Mode is "allow" or "deny"
}

// readVisibility reads the fields of the template visibilityFields.
func readVisibility(form url.Values) visibilityChoice {
	ch := visibilityChoice{Mode: form.Get("visibility"), Preset: number(form.Get("audience")),
		Users: form.Get("visible_users"), Labels: form.Get("visible_labels")}
	if !slices.Contains([]string{presetMode, string(moment.Everyone), string(moment.Allow), string(moment.Deny)}, ch.Mode) {
		ch.Mode = ""
	}
	return ch
}

// choiceOf is what a form shows of a visibility that is stored: the friends and
// labels themselves, and not the preset they may be a copy of, which may have
// changed since: saving the form would change who sees the post.
func choiceOf(v moment.Visibility) visibilityChoice {
	return visibilityChoice{Mode: string(v.Mode), Users: strings.Join(v.Users, "\n"), Labels: strings.Join(v.Labels, "\n")}
}

// ids reads a field with an id a line; commas and spaces separate as well.
func ids(text string) (out []string) {
	apart := func(r rune) bool { return unicode.IsSpace(r) || strings.ContainsRune(",;，；、\x00", r) }
	seen := make(map[string]bool)
	for _, id := range strings.FieldsFunc(strings.ToValidUTF8(text, "\uFFFD"), apart) {
		if !seen[id] {
			seen[id] = true
			out = append(out, id)
		}
	}
	return out
}

// typed is the choice as a visibility, where it names no preset. It is not
// checked: a post and an audience check their own.
func (ch visibilityChoice) typed() moment.Visibility {
	v := moment.Visibility{Mode: moment.VisibilityMode(ch.Mode)}
	if v.Mode == moment.Allow || v.Mode == moment.Deny {
		v.Users, v.Labels = ids(ch.Users), ids(ch.Labels)
	}
	return v
}

// chosenVisibility is the visibility that was chosen, and the preset it is a
// copy of (0 = none). Nothing chosen is the zero Visibility, as drafts may have.
func (s *Web) chosenVisibility(ctx context.Context, ch visibilityChoice) (moment.Visibility, int64, error) {
	if ch.Mode != presetMode {
		return ch.typed(), 0, nil
	}
	bad := func(message string) error {
		return moment.InvalidFields([]moment.Field{{Path: "visibility.audience", Message: message}})
	}
	if ch.Preset == 0 {
		return moment.Visibility{}, 0, bad("is required")
	}
	a, err := s.store.Audience(ctx, ch.Preset)
	switch {
	case moment.KindOf(err) == moment.NotFound || err == nil && a.Archived:
		return moment.Visibility{}, 0, bad("there is no such audience any more")
	case err != nil:
		return moment.Visibility{}, 0, err
	}
	return a.Visibility, a.ID, nil
}

// visibilityForm is what the template visibilityFields shows.
type visibilityForm struct {
	visibilityChoice
	NoPresets bool // the form makes a preset itself
	Presets   []presetOption
	Instances []option // whose address books can be looked into
	Seen      visibilitySeen
	Known     string // JSON: id → name of what is typed, for the picker

	problem *problem
}

type presetOption struct {
	ID       int64
	Name     string
	Selected bool
}

// visibilitySeen says who will see the post, and on which instances something
// of that does not exist.
type visibilitySeen struct {
	Mode     moment.VisibilityMode
	Sentence string
	Gaps     []string
}

// presetsMost is how many presets a form lists.
const presetsMost = 500

// visibilityForm fills the form. instances are those that the post is for (nil
// = all that are known); p is what was wrong with it, nil = nothing.
func (s *Web) visibilityForm(ctx context.Context, c catalogue, ch visibilityChoice, instances []int64, p *problem) (*visibilityForm, error) {
	f := &visibilityForm{visibilityChoice: ch, problem: p}
	presets, _, err := s.store.Audiences(ctx, moment.AudienceQuery{Limit: presetsMost})
	if err != nil {
		return nil, err
	}
	for i := range presets {
		f.Presets = append(f.Presets, presetOption{presets[i].ID, presets[i].Name, presets[i].ID == ch.Preset})
	}
	all, err := s.instanceOptions(ctx, 0)
	if err != nil {
		return nil, err
	}
	for _, o := range all {
		if len(instances) == 0 || slices.Contains(instances, o.Value) {
			f.Instances = append(f.Instances, o)
		}
	}
	typed := moment.Visibility{Users: ids(ch.Users), Labels: ids(ch.Labels)}
	names, err := s.store.NamesOf(ctx, instances, typed)
	if err != nil {
		return nil, err
	}
	known, err := json.Marshal(map[string]map[string]string{"users": usersOf(names), "labels": labelsOf(names)})
	if err != nil {
		return nil, err
	}
	f.Known = string(known)
	f.Seen, err = s.seen(ctx, c, ch, instances)
	return f, err
}

// seen says who will see a post with this choice.
func (s *Web) seen(ctx context.Context, c catalogue, ch visibilityChoice, instances []int64) (visibilitySeen, error) {
	v, _, err := s.chosenVisibility(ctx, ch)
	if moment.KindOf(err) == moment.Invalid {
		v, err = moment.Visibility{}, nil
	}
	if err != nil {
		return visibilitySeen{}, err
	}
	if n := len(v.Users) + len(v.Labels); n == 0 && v.Mode != moment.Everyone {
		return visibilitySeen{Sentence: c.get("audience.none")}, nil
	}
	names, err := s.store.NamesOf(ctx, instances, v)
	if err != nil {
		return visibilitySeen{}, err
	}
	seen := visibilitySeen{Mode: v.Mode, Sentence: audience(c, v, names)}
	if len(instances) > 0 {
		seen.Gaps = gaps(c, v, names)
	}
	return seen, nil
}

// Wrong is what is wrong with a field of the form: "mode", "audience", "users"
// or "labels". What is wrong with a single id says which one.
func (f *visibilityForm) Wrong(field string) string {
	if f.problem == nil {
		return ""
	}
	path := "visibility." + field
	if m := f.problem.Fields[path]; m != "" {
		return m
	}
	list := ids(f.Users)
	if field == "labels" {
		list = ids(f.Labels)
	}
	for i, id := range list {
		if m := f.problem.Fields[path+"["+strconv.Itoa(i)+"]"]; m != "" {
			return short(40, id) + " · " + m
		}
	}
	return ""
}

// visibilityPage answers a form that asks, while somebody types, who will see
// the post.
type visibilityPage struct {
	Frame
	Seen visibilitySeen
}

func (s *Web) previewVisibility(w http.ResponseWriter, r *http.Request) error {
	if err := parseForm(w, r); err != nil {
		return err
	}
	var instances []int64
	for _, id := range r.PostForm["instance"] {
		if n := number(id); n != 0 && len(instances) < optionsMost {
			instances = append(instances, n)
		}
	}
	seen, err := s.seen(r.Context(), s.texts[langOf(r)], readVisibility(r.PostForm), instances)
	if err != nil {
		return err
	}
	return s.page(w, r, view{Page: "visibility", Block: "visibilitySeen", Data: &visibilityPage{Seen: seen}})
}
