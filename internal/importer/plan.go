package importer

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"momentcast/internal/lint"
	"momentcast/internal/moment"
)

// planner makes posts of rows. It opens nothing: instances and audiences are
// looked up before.
type planner struct {
	moment.ImportOptions
	header   []string
	date1904 bool
	now      time.Time
	lateness time.Duration // of rows that name none

	instances map[string][]moment.Instance // by id, wcId and folded name; a name may be that of several
	audiences map[string]*moment.Audience  // by lower-case name
	preset    *moment.Audience             // of rows that name nobody; nil = none
	labels    map[int64][]moment.Label     // by instance, as far as the address book knows them
	lint      lint.Settings
	by        moment.Origin
}

// planned is a row as a post, and everything there is to say about it.
type planned struct {
	row      int
	post     *moment.Post // nil = none can be made of it
	findings []moment.ImportFinding
}

func (p *planned) wrong() bool {
	return slices.ContainsFunc(p.findings, func(f moment.ImportFinding) bool { return f.Severity == "error" })
}

// rowReader reads one row.
type rowReader struct {
	*planner
	row moment.ImportRow
	out planned
}

// plan makes a post of a row.
func (p *planner) plan(row moment.ImportRow) planned {
	r := &rowReader{planner: p, row: row, out: planned{row: row.Number}}
	for _, c := range row.Formulas {
		if c < len(p.Columns) && p.Columns[c] != "" {
			r.wrong(p.Columns[c], "is a formula; copy the cell and paste its value")
		}
	}
	post := &moment.Post{State: moment.Scheduled, MaxLateness: p.lateness, FirstComment: r.cell("first_comment"), Author: p.by.Actor, Source: p.by.Source,
		Card: moment.Card{Content: r.cell("content"), Title: r.cell("title"), Description: r.cell("description"), URL: r.cell("url"), ThumbURL: r.cell("thumb_url")}}
	if p.Draft {
		post.State = moment.Draft
	}
	zone := r.instance(post)
	r.due(post, zone)
	r.audience(post)
	if s := r.cell("max_lateness"); s != "" {
		d, err := time.ParseDuration(s)
		if err != nil {
			r.wrong("max_lateness", "is not a span of time such as 90m, 2h or 1d")
		}
		post.MaxLateness = d
	}
	post.ExternalKey = r.cell("external_key")
	r.check(post)
	if post.ExternalKey == "" {
		post.ExternalKey = derivedKey(post)
	}
	if !r.out.wrong() {
		r.out.post = post
	}
	return r.out
}

// check is what the API asks of a post, and what lint has to say of a right one.
func (r *rowReader) check(post *moment.Post) {
	if e, ok := asError(post.Check(r.now)); ok {
		for _, f := range e.Fields {
			field, _, _ := strings.Cut(strings.TrimPrefix(f.Path, "visibility."), "[")
			switch field {
			case "due_at":
				field = "due"
			case "mode":
				field = "visibility"
			}
			if !r.said(field) {
				r.wrong(field, f.Message)
			}
		}
	}
	if r.out.wrong() {
		return
	}
	for _, f := range lint.Check(lint.Input{Card: post.Card, FirstComment: post.FirstComment}, r.lint) {
		if f.Severity != lint.Info {
			r.out.findings = append(r.out.findings, moment.ImportFinding{Row: r.row.Number, Column: r.heading(f.Field), Field: f.Field, Severity: "warn",
				Message: f.EN, Chinese: f.ZH})
		}
	}
}

// said reports whether something is wrong with the field already: one thing at
// a time is enough.
func (r *rowReader) said(field string) bool {
	return slices.ContainsFunc(r.out.findings, func(f moment.ImportFinding) bool {
		return f.Field == field || field == "due" && strings.HasPrefix(f.Field, "due") || (field == "users" || field == "labels") && f.Field == "visibility"
	})
}

func (r *rowReader) wrong(field, message string) {
	r.out.findings = append(r.out.findings, moment.ImportFinding{Row: r.row.Number, Column: r.heading(field), Field: field, Severity: "error", Message: message})
}

func (r *rowReader) heading(field string) string {
	if i := slices.Index(r.Columns, field); i >= 0 && i < len(r.header) {
		return r.header[i]
	}
	return ""
}

func (r *rowReader) cell(field string) string {
	i := slices.Index(r.Columns, field)
	if i < 0 || i >= len(r.row.Cells) {
		return ""
	}
	return r.row.Cells[i]
}

// instance finds the account of the row and returns the zone of its times.
func (r *rowReader) instance(post *moment.Post) string {
	name := r.cell("instance")
	if name == "" && r.Instance != 0 {
		name = strconv.FormatInt(r.Instance, 10)
	}
	found := r.instances[name]
	if len(found) == 0 {
		found = r.instances["="+fold(name)]
	}
	switch {
	case name == "":
		r.wrong("instance", "is required: the account's wcId, its name, or its number here")
	case len(found) == 0:
		r.wrong("instance", "names no account that is known here; write its wcId, its name, or its number")
	case len(found) > 1:
		r.wrong("instance", "is the name of several accounts; write the wcId")
	default:
		post.InstanceID = found[0].ID
		if r.Zone == "" {
			return found[0].TimeZone
		}
	}
	return r.Zone
}

func (r *rowReader) due(post *moment.Post, zone string) {
	text, field := r.cell("due"), "due"
	if text == "" {
		if text = r.cell("due_date"); text != "" {
			text, field = joinTime(text, r.cell("due_time")), "due_date"
		}
	}
	if text == "" {
		return // Check says whether it is needed
	}
	loc, err := time.LoadLocation(zone)
	if err != nil {
		loc = time.UTC
	}
	t, problem := parseTime(text, loc, r.date1904)
	if problem != "" {
		r.wrong(field, problem)
	}
	post.DueAt = t
}

// modes are what people write for who may see it.
var modes = map[string]moment.VisibilityMode{
	"everyone": moment.Everyone, "all": moment.Everyone, "public": moment.Everyone, "所有人": moment.Everyone, "公开": moment.Everyone, "全部": moment.Everyone, "所有好友": moment.Everyone,
	"allow": moment.Allow, "only": moment.Allow, "部分可见": moment.Allow, "仅": moment.Allow, "可见": moment.Allow, "谁可以看": moment.Allow,
	"deny": moment.Deny, "except": moment.Deny, "不给谁看": moment.Deny, "不可见": moment.Deny, "除外": moment.Deny, "屏蔽": moment.Deny,
}

// audience reads who may see it. A row that names nobody is never for everyone,
// unless that was chosen for such rows.
func (r *rowReader) audience(post *moment.Post) {
	name, mode := r.cell("audience"), r.cell("visibility")
	users, labels := split(r.cell("users"), " ,;|，；、\n\t"), r.cell("labels")
	switch {
	case name != "":
		a := r.audiences[strings.ToLower(name)]
		if a == nil {
			r.wrong("audience", "is not the name of an audience; make it first, or correct the name")
			return
		}
		if mode != "" || len(users) > 0 || labels != "" {
			r.wrong("audience", "stands beside a visibility of the row's own; leave one of them empty")
		}
		post.Visibility, post.AudienceID = a.Visibility, a.ID
	case mode != "":
		m, ok := modes[fold(mode)]
		if !ok {
			r.wrong("visibility", "must be everyone, allow or deny")
			return
		}
		post.Visibility = moment.Visibility{Mode: m, Users: users, Labels: r.labelIDs(post.InstanceID, labels)}
	case len(users) > 0 || labels != "":
		r.wrong("visibility", "does not say whether the labels and contacts are to see it or not; write allow or deny")
	case r.preset != nil:
		post.Visibility, post.AudienceID = r.preset.Visibility, r.preset.ID
	case r.Visibility == moment.Everyone:
		post.Visibility.Mode = moment.Everyone
	}
}

// labelIDs reads labels that are written by number, or by name as far as the
// address book knows it: another account has another number for the same name.
func (r *rowReader) labelIDs(instance int64, cell string) (ids []string) {
	add := func(id string) {
		if !slices.Contains(ids, id) {
			ids = append(ids, id)
		}
	}
	for _, part := range split(cell, ",;|，；、\n\t") {
		if id, ok := r.label(instance, part); ok {
			add(id)
			continue
		}
		for _, word := range strings.Fields(part) { // spaces part labels, unless one has a space in its name
			id, ok := r.label(instance, word)
			if !ok && !r.said("labels") {
				r.wrong("labels", "names no label that is known of this account; open its contacts to read them anew, or write the label's number")
			}
			add(id)
		}
	}
	return ids
}

// label finds a label of the account. Where the account is wrong already, so is
// the row, and nothing is said of its labels.
func (r *rowReader) label(instance int64, name string) (id string, ok bool) {
	if strings.Trim(name, "0123456789") == "" {
		return name, true
	}
	if instance == 0 {
		return "0", true
	}
	for _, same := range []func(moment.Label) bool{
		func(l moment.Label) bool { return l.Name == name },
		func(l moment.Label) bool { return fold(name) != "" && fold(l.Name) == fold(name) },
	} {
		if i := slices.IndexFunc(r.planner.labels[instance], same); i >= 0 {
			return r.planner.labels[instance][i].ID, true
		}
	}
	return name, false
}

// split reads a cell with several values, each once.
func split(s, marks string) (out []string) {
	for _, v := range strings.FieldsFunc(s, func(r rune) bool { return strings.ContainsRune(marks, r) }) {
		if v = strings.TrimSpace(v); v != "" && !slices.Contains(out, v) {
			out = append(out, v)
		}
	}
	return out
}

// derivedKey names a post by its content, for rows that have no key of their
// own: the same row again is the same post, and a changed one is another.
func derivedKey(p *moment.Post) string {
	h := sha256.New()
	for _, s := range []string{strconv.FormatInt(p.InstanceID, 10), p.DueAt.UTC().Format(time.RFC3339), p.Card.Content, p.Card.Title, p.Card.Description,
		p.Card.URL, p.Card.ThumbURL, p.FirstComment} {
		fmt.Fprintf(h, "%d:%s", len(s), s)
	}
	return "import-" + hex.EncodeToString(h.Sum(nil))[:24]
}

// differences are the fields in which a post that is there differs from what
// the row would make.
func differences(there, row *moment.Post) (out []string) {
	for _, f := range []struct {
		name string
		same bool
	}{
		{"instance", there.InstanceID == row.InstanceID}, {"due", there.DueAt.Equal(row.DueAt)},
		{"content", there.Card.Content == row.Card.Content}, {"title", there.Card.Title == row.Card.Title},
		{"description", there.Card.Description == row.Card.Description}, {"url", there.Card.URL == row.Card.URL},
		{"thumb_url", there.Card.ThumbURL == row.Card.ThumbURL}, {"visibility", there.Visibility.Equal(row.Visibility)},
		{"first_comment", there.FirstComment == row.FirstComment},
	} {
		if !f.same {
			out = append(out, f.name)
		}
	}
	return out
}
