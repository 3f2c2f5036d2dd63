package web

import (
	"encoding/csv"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"time"

	"momentcast/internal/moment"
	"momentcast/internal/sheet"
)

// auditFilter is what the audit trail shows, as its address says it.
type auditFilter struct {
	Actor, Action, Source string
	Post                  int64
	From, To              string // days, YYYY-MM-DD, in the page's zone; To is included
	Machine               bool
}

// auditSources are where changes come from.
var auditSources = []string{"web", "api", "cli", "import", "system"}

func readAuditFilter(v url.Values) auditFilter {
	f := auditFilter{Actor: clean(v.Get("actor")), Action: clean(v.Get("action")), Source: v.Get("source"), Post: number(v.Get("post")),
		From: v.Get("from"), To: v.Get("to"), Machine: v.Get("machine") != ""}
	if !slices.Contains(auditSources, f.Source) {
		f.Source = ""
	}
	if dayIn(f.From, "UTC").IsZero() {
		f.From = ""
	}
	if dayIn(f.To, "UTC").IsZero() {
		f.To = ""
	}
	return f
}

// Any reports whether anything is filtered.
func (f auditFilter) Any() bool { return f != auditFilter{} }

func (f auditFilter) query(zone string) moment.EventQuery {
	q := moment.EventQuery{Actor: f.Actor, Action: f.Action, Source: f.Source, PostID: f.Post, From: dayIn(f.From, zone), Machine: f.Machine}
	if to := dayIn(f.To, zone); !to.IsZero() {
		q.To = to.AddDate(0, 0, 1)
	}
	return q
}

// at is the address of the audit trail with this filter, from a place on.
func (f auditFilter) at(path string, before int64) string {
	v := url.Values{}
	post, from := "", ""
	if f.Post != 0 {
		post = strconv.FormatInt(f.Post, 10)
	}
	if before != 0 {
		from = strconv.FormatInt(before, 10)
	}
	machine := ""
	if f.Machine {
		machine = "1"
	}
	for _, p := range [][2]string{{"actor", f.Actor}, {"action", f.Action}, {"source", f.Source}, {"post", post}, {"from", f.From},
		{"to", f.To}, {"machine", machine}, {"before", from}} {
		if p[1] != "" {
			v.Set(p[0], p[1])
		}
	}
	if len(v) == 0 {
		return path
	}
	return path + "?" + v.Encode()
}

// auditPage shows who did what, latest first.
type auditPage struct {
	Frame
	Filter    auditFilter
	Sources   []string
	Actions   []string
	Lines     []auditLine
	First     bool
	Next, Top string
	Export    string
}

// auditLine is one line, with everything it tells.
type auditLine struct {
	eventLine
	Facts []fact
}

// fact is one thing that an event tells, beside what changed.
type fact struct{ What, Value string }

func (s *Web) audit(w http.ResponseWriter, r *http.Request) error {
	k, err := s.known.get(r.Context())
	if err != nil {
		return err
	}
	f := readAuditFilter(r.URL.Query())
	q := f.query(k.settings.TimeZone)
	q.Limit, q.Before = pageSize, number(r.URL.Query().Get("before"))
	p := &auditPage{Filter: f, Sources: auditSources, First: q.Before == 0, Top: f.at("/audit", 0), Export: f.at("/audit/export", 0)}
	events, more, err := s.peopleStore.Audit(r.Context(), q)
	if err != nil {
		return err
	}
	c := s.texts[langOf(r)]
	for _, e := range events {
		p.Lines = append(p.Lines, auditLine{lineOf(c, e), factsOf(c, e)})
	}
	if more {
		p.Next = f.at("/audit", events[len(events)-1].ID)
	}
	if p.Actions, err = s.peopleStore.AuditActions(r.Context()); err != nil {
		return err
	}
	return s.page(w, r, view{Page: "audit", Block: "list", Data: p})
}

// factsOf says what an event tells beside what changed, in a steady order.
func factsOf(c catalogue, e moment.Event) []fact {
	var out []fact
	for _, what := range slices.Sorted(maps.Keys(e.Detail)) {
		if v := plain(e.Detail[what]); what != "changed" && v != "" {
			out = append(out, fact{c.or("field."+what, what), v})
		}
	}
	return out
}

func stateName(c catalogue, s moment.State) string {
	if s == "" {
		return ""
	}
	return c.or("state."+string(s.Shown()), string(s))
}

const (
	auditRows  = 1000             // lines read at a time: what an export holds in memory
	auditWrite = 30 * time.Second // for one of those to reach the client
)

// exportAudit streams the audit trail of the filter as a file for
// spreadsheets. Its memory does not grow with it.
func (s *Web) exportAudit(w http.ResponseWriter, r *http.Request) error {
	k, err := s.known.get(r.Context())
	if err != nil {
		return err
	}
	zone := location(k.settings.TimeZone)
	q := readAuditFilter(r.URL.Query()).query(k.settings.TimeZone)
	q.Limit = auditRows
	events, more, err := s.peopleStore.Audit(r.Context(), q)
	if err != nil {
		return err
	}
	h := w.Header()
	h.Set("Content-Type", "text/csv; charset=utf-8")
	h.Set("Content-Disposition", fmt.Sprintf(`attachment; filename="momentcast-audit-%s.csv"`, time.Now().In(zone).Format("20060102-1504")))
	h.Set("Cache-Control", "no-store")
	if r.Method == http.MethodHead {
		return nil
	}
	if err := s.streamAudit(w, r, q, events, more, zone); err != nil {
		// The file has begun. Cutting the connection is all that tells that it is not whole.
		s.log.Warn().Err(err).Msg("export of the audit trail broke off")
		panic(http.ErrAbortHandler)
	}
	return nil
}

// auditColumns are the columns of the file, each with a text of the catalogue.
var auditColumns = []string{"id", "at", "actor", "source", "action", "post", "from", "to", "detail"}

func (s *Web) streamAudit(w http.ResponseWriter, r *http.Request, q moment.EventQuery, events []moment.Event, more bool, zone *time.Location) error {
	c, rc := s.texts[langOf(r)], http.NewResponseController(w)
	if _, err := io.WriteString(w, "\uFEFF"); err != nil { // spreadsheets take the file for their local encoding without
		return err
	}
	out := csv.NewWriter(w)
	out.UseCRLF = true
	head := make([]string, len(auditColumns))
	for i, name := range auditColumns {
		head[i] = c.get("audit.csv." + name)
	}
	if err := out.Write(head); err != nil {
		return err
	}
	for {
		_ = rc.SetWriteDeadline(time.Now().Add(auditWrite)) // not every writer has one
		for _, e := range events {
			if err := out.Write(auditRow(c, e, zone)); err != nil {
				return err
			}
		}
		if out.Flush(); out.Error() != nil {
			return out.Error()
		}
		if !more {
			return nil
		}
		q.Before = events[len(events)-1].ID
		var err error
		if events, more, err = s.peopleStore.Audit(r.Context(), q); err != nil {
			return err
		}
	}
}

func auditRow(c catalogue, e moment.Event, zone *time.Location) []string {
	post := ""
	if e.PostID != 0 {
		post = strconv.FormatInt(e.PostID, 10)
	}
	detail := ""
	if len(e.Detail) > 0 {
		detail = plain(e.Detail)
	}
	row := []string{strconv.FormatInt(e.ID, 10), e.At.In(zone).Format("2006-01-02 15:04:05"), e.Actor, c.or("source."+e.Source, e.Source),
		c.or("event."+e.Action, e.Action), post, stateName(c, e.From), stateName(c, e.To), detail}
	for i := range row {
		row[i] = sheet.Inert(row[i])
	}
	return row
}
