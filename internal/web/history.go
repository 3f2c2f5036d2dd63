package web

import (
	"net/http"
	"net/url"
	"slices"
	"strings"

	"momentcast/internal/moment"
)

// searchedMost is how far the matches of a filter are counted.
const searchedMost = 1000

// historyPage shows every post, latest first.
type historyPage struct {
	Frame
	Filter    filter
	Campaign  *campaignFilter // nil = not filtered by one
	States    []moment.State
	Sources   []string
	Instances []option
	Columns   []string // shown, in the order of historyColumns
	Choices   []choice
	Posts     []moment.PostView
	Total     int
	Many      bool // Total is where counting ended
	First     bool
	Prev      string // address of the page before; "" = this is the first
	Next, Top string
	CSV, XLSX string // addresses of the same as files
	Views     []moment.View
	Query     string // of this list, to be saved
	Words     []string
}

// choice is a column to choose or not.
type choice struct {
	Name  string
	Shown bool
}

// historyColumns are the columns there are, in their order.
var historyColumns = []string{"id", "due_at", "instance", "title", "state", "what", "author", "source", "sent_at", "content", "url", "moment_id",
	"external_key", "error"}

// usualColumns are shown to who has not chosen.
var usualColumns = []string{"due_at", "instance", "title", "state", "what", "author"}

// knownSources are what posts come through.
var knownSources = []string{"web", "api", "cli", "import", "campaign", "system"}

// readColumns reads a choice of columns; nil for none.
func readColumns(names []string) (out []string) {
	names = strings.Split(strings.Join(names, ","), ",")
	for _, c := range historyColumns {
		if slices.Contains(names, c) {
			out = append(out, c)
		}
	}
	return out
}

func (s *Web) history(w http.ResponseWriter, r *http.Request) error {
	ctx, v := r.Context(), r.URL.Query()
	k, err := s.known.get(ctx)
	if err != nil {
		return err
	}
	p := &historyPage{Filter: readFilter(v), States: shownStates, Sources: knownSources}
	if p.Views, err = s.store.Views(ctx, userOf(r).ID); err != nil {
		return err
	}
	if i := slices.IndexFunc(p.Views, func(v moment.View) bool { return v.Standard }); i >= 0 && r.URL.RawQuery == "" && !fragment(r) {
		return seeOther(w, r, "/history?"+p.Views[i].Query)
	}
	columns := readColumns(v["cols"])
	if p.Columns = columns; columns == nil {
		if p.Columns, err = s.columnsOf(r); err != nil {
			return err
		}
	}
	for _, c := range historyColumns {
		p.Choices = append(p.Choices, choice{c, slices.Contains(p.Columns, c)})
	}
	if p.Campaign, err = s.ofCampaign(ctx, p.Filter.Campaign); err != nil {
		return err
	}
	if err := s.historyRows(r, p, p.Filter.query(k.settings.TimeZone), columns); err != nil {
		return err
	}
	if p.Instances, err = s.instanceOptions(ctx, p.Filter.Instance); err != nil {
		return err
	}
	return s.page(w, r, view{Page: "history", Block: "list", Data: p})
}

// historyRows reads the page and where it leads. Towards newer posts the list
// is read the other way round.
func (s *Web) historyRows(r *http.Request, p *historyPage, q moment.PostQuery, columns []string) (err error) {
	f, v := p.Filter, r.URL.Query()
	var cols []string // carried along in every address
	if columns != nil {
		cols = []string{"cols", strings.Join(columns, ",")}
	}
	at := func(path string, more ...string) string { return f.at(path, append(more, cols...)...) }
	before := readCursor(v.Get("before"))
	q.Limit, q.After = pageSize, readCursor(v.Get("after"))
	if before != nil {
		q.Ascending, q.After = true, before
	}
	var more bool
	if p.Posts, more, err = s.store.Posts(r.Context(), q); err != nil {
		return err
	}
	p.First = q.After == nil
	if before != nil {
		slices.Reverse(p.Posts)
		p.First = !more
	}
	if n := len(p.Posts); n > 0 {
		if !p.First {
			p.Prev = at("/history", "before", cursor(&p.Posts[0]))
		}
		if more || before != nil {
			p.Next = at("/history", "after", cursor(&p.Posts[n-1]))
		}
	}
	limit := countMost
	if f.Any() {
		limit = searchedMost
	}
	q.Ascending = false
	if p.Total, err = s.store.CountPosts(r.Context(), q, limit); err != nil {
		return err
	}
	p.Many, p.Top, p.Words = p.Total == limit, at("/history", "all", "1"), moment.Words(f.Text)
	p.CSV, p.XLSX = at("/history/export"), at("/history/export", "format", "xlsx")
	_, p.Query, _ = strings.Cut(at("/history"), "?")
	return nil
}

func (s *Web) columnsOf(r *http.Request) ([]string, error) {
	kept, err := s.store.UserColumns(r.Context(), userOf(r).ID)
	if err != nil {
		return nil, err
	}
	if kept = readColumns(kept); kept != nil {
		return kept, nil
	}
	return usualColumns, nil
}

// keepColumns remembers the ticked columns and goes on with the list.
func (s *Web) keepColumns(w http.ResponseWriter, r *http.Request) error {
	if err := parseForm(w, r); err != nil {
		return err
	}
	if columns := readColumns(r.PostForm["cols"]); columns != nil {
		if err := s.store.KeepColumns(r.Context(), userOf(r).ID, columns); err != nil {
			return err
		}
	}
	say(w, r, "history.columns.kept")
	return seeOther(w, r, readFilter(r.PostForm).at("/history", "all", "1"))
}

// saveView keeps the list's filter and columns under a name.
func (s *Web) saveView(w http.ResponseWriter, r *http.Request) error {
	if err := parseForm(w, r); err != nil {
		return err
	}
	form := r.PostForm
	asked, err := url.ParseQuery(form.Get("query"))
	if err != nil {
		return moment.Errorf(moment.Invalid, "There is no such list.")
	}
	// What is kept is what such an address means, and nothing else of what was sent.
	query := readFilter(asked).values()
	if cols := readColumns(asked["cols"]); cols != nil {
		query.Set("cols", strings.Join(cols, ","))
	}
	query.Set("all", "1")
	u := userOf(r)
	v := moment.View{UserID: u.ID, Name: clean(form.Get("name")), Query: query.Encode(), Shared: form.Get("shared") != "", Standard: form.Get("standard") != ""}
	switch {
	case moment.CheckText(v.Name, true, 80) != "":
		return moment.Errorf(moment.Invalid, "A view needs a name of at most 80 characters.")
	case v.Shared && !u.May(moment.PermWrite):
		return moment.Errorf(moment.Forbidden, "Your roles do not include this.")
	}
	if err := s.store.SaveView(r.Context(), v); err != nil {
		return err
	}
	say(w, r, "view.saved", v.Name)
	return seeOther(w, r, "/history?"+v.Query)
}

func (s *Web) deleteView(w http.ResponseWriter, r *http.Request) error {
	id, err := pathID(r)
	if err != nil {
		return err
	}
	if err := s.store.DeleteView(r.Context(), userOf(r).ID, id); err != nil {
		return err
	}
	say(w, r, "view.deleted")
	return seeOther(w, r, "/history?all=1")
}
