package web

import (
	"context"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"momentcast/internal/moment"
)

// pageSize is how many rows a list shows.
const pageSize = 50

// filter is what a list shows, as its address says it.
type filter struct {
	State    string // one, or several with commas between them
	Instance int64
	Campaign int64
	Author   string
	Source   string
	Text     string
	Left     bool   // of the inbox: closed cases, in place of the open ones
	From, To string // days, YYYY-MM-DD, in the page's zone; To is included
}

// readFilter reads an address or a form. What makes no sense selects everything:
// an address that was mended by hand shows a list and no error.
func readFilter(v url.Values) filter {
	f := filter{State: readStates(v["state"]), Source: clean(v.Get("source")), Instance: number(v.Get("instance")), Campaign: number(v.Get("campaign")), Author: clean(v.Get("author")), Text: clean(v.Get("q")),
		From: v.Get("from"), To: v.Get("to"), Left: v.Get("left") == "1"}
	if dayIn(f.From, "UTC").IsZero() {
		f.From = ""
	}
	if dayIn(f.To, "UTC").IsZero() {
		f.To = ""
	}
	return f
}

// readStates reads states that people choose from, each once, in a steady order.
func readStates(names []string) string {
	names = strings.Split(strings.Join(names, ","), ",")
	var out []string
	for _, st := range shownStates {
		if slices.Contains(names, string(st)) {
			out = append(out, string(st))
		}
	}
	return strings.Join(out, ",")
}

// HasState reports whether the state was asked for.
func (f filter) HasState(st moment.State) bool {
	return slices.Contains(strings.Split(f.State, ","), string(st))
}

func clean(s string) string {
	s = strings.TrimSpace(strings.ReplaceAll(strings.ToValidUTF8(s, ""), "\x00", ""))
	if utf8.RuneCountInString(s) > 200 {
		s = strings.TrimSpace(string([]rune(s)[:200])) // it may be cut at a blank
	}
	return s
}

// query selects the posts of the filter among those in the given states.
func (f filter) query(zone string, states ...moment.State) moment.PostQuery {
	q := moment.PostQuery{States: states, InstanceID: f.Instance, CampaignID: f.Campaign, Author: f.Author, Source: f.Source, Text: f.Text, DueFrom: dayIn(f.From, zone)}
	if f.State != "" {
		q.States = nil
		for name := range strings.SplitSeq(f.State, ",") {
			states, _ := moment.ParseState(name) // was checked
			q.States = append(q.States, states...)
		}
	}
	if to := dayIn(f.To, zone); !to.IsZero() {
		q.DueTo = to.AddDate(0, 0, 1)
	}
	return q
}

// values is the filter as an address has it, without what is not set.
func (f filter) values() url.Values {
	v := url.Values{}
	set := func(name, value string) {
		if value != "" {
			v.Set(name, value)
		}
	}
	set("state", f.State)
	set("author", f.Author)
	set("source", f.Source)
	set("q", f.Text)
	set("from", f.From)
	set("to", f.To)
	if f.Left {
		v.Set("left", "1")
	}
	if f.Instance != 0 {
		v.Set("instance", strconv.FormatInt(f.Instance, 10))
	}
	if f.Campaign != 0 {
		v.Set("campaign", strconv.FormatInt(f.Campaign, 10))
	}
	return v
}

// Hidden is the filter as fields of a form.
func (f filter) Hidden() []hidden { return hiddenOf(f.values()) }

// Any reports whether the list is filtered at all.
func (f filter) Any() bool { return f != filter{} }

// at is the address of a list with this filter; more are further parameters.
func (f filter) at(path string, more ...string) string {
	v := f.values()
	for i := 0; i+1 < len(more); i += 2 {
		v.Set(more[i], more[i+1])
	}
	if len(v) == 0 {
		return path
	}
	return path + "?" + v.Encode()
}

// cursor is the place after a post, as an address has it.
func cursor(p *moment.PostView) string {
	if p.DueAt.IsZero() {
		return fmt.Sprintf("-_%d", p.ID)
	}
	return fmt.Sprintf("%d_%d", p.DueAt.UnixMicro(), p.ID)
}

// readCursor reads a place; nil is the beginning.
func readCursor(s string) *moment.PostCursor {
	due, id, ok := strings.Cut(s, "_")
	n := number(id)
	if !ok || n == 0 {
		return nil
	}
	if due == "-" {
		return &moment.PostCursor{ID: n}
	}
	micro, err := strconv.ParseInt(due, 10, 64)
	if err != nil {
		return nil
	}
	return &moment.PostCursor{DueAt: time.UnixMicro(micro), ID: n}
}

// option is one choice of a form.
type option struct {
	Value    int64
	Name     string
	Selected bool
}

// optionsMost is how many instances a list of choices holds.
const optionsMost = 500

// instanceOptions are the instances to choose from.
func (s *Web) instanceOptions(ctx context.Context, chosen int64) ([]option, error) {
	is, _, err := s.store.Instances(ctx, moment.InstanceQuery{Limit: optionsMost})
	if err != nil {
		return nil, err
	}
	var out []option
	found := chosen == 0
	for i := range is {
		out = append(out, option{is[i].ID, nameOf(is[i].Name, is[i].WcID), is[i].ID == chosen})
		found = found || is[i].ID == chosen
	}
	if !found {
		out = append(out, option{chosen, "#" + strconv.FormatInt(chosen, 10), true})
	}
	return out, nil
}

// shownStates are the states people choose from.
var shownStates = []moment.State{moment.Draft, moment.Pending, moment.Scheduled, moment.Sending, moment.Sent, moment.Failed,
	moment.Unknown, moment.Missed, moment.Cancelled}

// Back is the address of the list with this filter.
func (f filter) Back(path string) string { return f.at(path) }
