package web

import (
	"context"
	"crypto/rand"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"momentcast/internal/moment"
)

// selectedMost is how many posts can be ticked one by one.
const selectedMost = 1000

// bulk is a change of many posts: which ones, and what is to become of them.
type bulk struct {
	Do     string // "cancel", "reschedule" or "retry"
	All    bool   // all that the filter selects, not those that were ticked
	IDs    []string
	Filter filter
	Shown  int64 // when they were counted, unix ms: what came later was not meant

	Reason string
	Shift  string // "2h", "1d"; "" = to At
	At     string
}

func readBulk(form url.Values) bulk {
	b := bulk{Do: form.Get("do"), All: form.Get("all") != "", IDs: form["id"], Filter: readFilter(form), Shown: number(form.Get("shown")),
		Reason: form.Get("reason"), Shift: strings.TrimSpace(form.Get("shift")), At: form.Get("at")}
	b.Filter.State = ""
	return b
}

// bulkPage says what a bulk change will do before it is done.
type bulkPage struct {
	Frame
	bulk
	Path   string // of the list
	Key    string // makes the form one job, however often it is sent
	Count  int
	Many   bool
	Sample []moment.PostView // of those that were ticked or match, at most five
}

// bulkList is a list whose posts can be changed together.
type bulkList struct {
	path   string
	states []moment.State
	does   []string
}

var (
	queueBulk = bulkList{"/queue", []moment.State{moment.Scheduled}, []string{"cancel", "reschedule"}}
	inboxBulk = bulkList{"/inbox", []moment.State{moment.Failed}, []string{"retry"}}
)

// ask shows what the change will do.
func (s *Web) ask(l bulkList) handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		if err := parseForm(w, r); err != nil {
			return err
		}
		b := readBulk(r.PostForm)
		b.Shown = time.Now().UnixMilli()
		return s.askBulk(w, r, l, b, rand.Text(), nil)
	}
}

func (s *Web) askBulk(w http.ResponseWriter, r *http.Request, l bulkList, b bulk, key string, problem *problem) error {
	if !slices.Contains(l.does, b.Do) || len(b.IDs) > selectedMost {
		return moment.Errorf(moment.Invalid, "There is no such bulk change.")
	}
	if !b.All && len(b.IDs) == 0 {
		say(w, r, "bulk.none")
		return seeOther(w, r, b.Filter.at(l.path))
	}
	k, err := s.known.get(r.Context())
	if err != nil {
		return err
	}
	p := &bulkPage{bulk: b, Path: l.path, Key: key, Count: len(b.IDs)}
	p.Problem = problem
	q := b.Filter.query(k.settings.TimeZone, l.states...)
	q.Ascending, q.Limit = true, 5
	if b.All {
		if p.Count, err = s.store.CountPosts(r.Context(), q, countMost); err != nil {
			return err
		}
		p.Many = p.Count == countMost
		if p.Sample, _, err = s.store.Posts(r.Context(), q); err != nil {
			return err
		}
	} else if p.Sample, err = s.sample(r.Context(), b.IDs); err != nil {
		return err
	}
	return s.page(w, r, view{Status: statusFor(problem), Page: "bulk", Data: p})
}

func (s *Web) sample(ctx context.Context, ids []string) (out []moment.PostView, err error) {
	for _, ticked := range ids[:min(len(ids), 5)] {
		id, _ := parseTicked(ticked)
		p, err := s.store.Post(ctx, id)
		switch {
		case moment.KindOf(err) == moment.NotFound:
		case err != nil:
			return nil, err
		default:
			out = append(out, *p)
		}
	}
	return out, nil
}

// run makes the change, as a job that goes on when its page is left.
func (s *Web) run(l bulkList) handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		if err := parseForm(w, r); err != nil {
			return err
		}
		b, key := readBulk(r.PostForm), r.PostForm.Get("key")
		if !slices.Contains(l.does, b.Do) || len(b.IDs) > selectedMost || !b.All && len(b.IDs) == 0 || len(key) < 20 || len(key) > 64 {
			return moment.Errorf(moment.Invalid, "There is no such bulk change.")
		}
		k, err := s.known.get(r.Context())
		if err != nil {
			return err
		}
		spec, err := b.spec(k.settings.TimeZone)
		if err != nil {
			return s.askBulk(w, r, l, b, key, explain(s.texts[langOf(r)], err))
		}
		job := moment.Job{Key: jobKey(r), Kind: b.Do, Spec: spec, Back: b.Filter.at(l.path)}
		if b.All {
			err = s.startJobOn(r, job, b.Filter.query(k.settings.TimeZone, l.states...), time.UnixMilli(b.Shown))
		} else {
			err = s.startTicked(r, job, ticked(b.IDs))
		}
		if err != nil {
			return err
		}
		return seeOther(w, r, "/jobs/"+job.Key)
	}
}

// startTicked starts the job on what was ticked.
func (s *Web) startTicked(r *http.Request, j moment.Job, items []moment.JobItem) error {
	if j.Kind == "reschedule" && j.Spec.Shift != 0 {
		if err := s.addDue(r.Context(), items); err != nil {
			return err
		}
	}
	return s.startJob(r, j, items)
}

// spec is what is done to each post.
func (b *bulk) spec(zone string) (spec moment.JobSpec, err error) {
	switch {
	case b.Do == "retry":
	case b.Do == "cancel":
		if m := moment.CheckText(b.Reason, false, maxReason); m != "" {
			return spec, moment.InvalidFields([]moment.Field{{Path: "reason", Message: m}})
		}
		spec.Reason = b.Reason
	case b.Shift != "":
		spec.Shift, err = parseShift(b.Shift)
	default:
		spec.At = inZone(b.At, zone)
		err = checkDue(spec.At, "at")
	}
	return spec, err
}

// checkDue says what is wrong with a new time.
func checkDue(at time.Time, field string) error {
	if at.IsZero() {
		return moment.InvalidFields([]moment.Field{{Path: field, Message: "is required"}})
	}
	// A draft is not asked for more than its time.
	err := (&moment.Post{State: moment.Draft, DueAt: at}).Check(time.Now())
	if e, ok := asDomain(err); ok {
		for i := range e.Fields {
			e.Fields[i].Path = field
		}
	}
	return err
}

// parseShift reads how far posts are moved: 90m, 2h, 1d, and with - before it
// to an earlier time.
func parseShift(s string) (time.Duration, error) {
	d, err := parseSpan(s)
	if err != nil || d == 0 || d.Abs() > 366*24*time.Hour {
		return 0, moment.InvalidFields([]moment.Field{{Path: "shift", Message: "is not a span of time such as 90m, 2h or 1d"}})
	}
	return d, nil
}

// parseSpan reads a span of time as people write it: 90m, 2h, 1d.
func parseSpan(s string) (time.Duration, error) {
	days, ok := strings.CutSuffix(s, "d")
	if !ok {
		return time.ParseDuration(s)
	}
	n, err := strconv.ParseInt(days, 10, 16) // more days than that are no span of anybody's
	return time.Duration(n) * 24 * time.Hour, err
}

// parseTicked reads a ticked box: the post and the version that was seen.
func parseTicked(s string) (id, version int64) {
	a, b, _ := strings.Cut(s, ".")
	return number(a), number(b)
}

// ticked are the posts that were ticked, with the versions that were seen.
func ticked(ids []string) []moment.JobItem {
	items := make([]moment.JobItem, len(ids))
	for i, one := range ids {
		items[i].PostID, items[i].Version = parseTicked(one)
	}
	return items
}

// addDue reads the times that posts are moved from.
func (s *Web) addDue(ctx context.Context, items []moment.JobItem) error {
	for i := range items {
		p, err := s.store.Post(ctx, items[i].PostID)
		switch {
		case moment.KindOf(err) == moment.NotFound: // will be told as such
		case err != nil:
			return err
		default:
			items[i].DueAt = p.DueAt
		}
	}
	return nil
}
