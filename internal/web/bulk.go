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
		act, err := b.act(k.settings.TimeZone)
		if err != nil {
			return s.askBulk(w, r, l, b, key, explain(s.texts[langOf(r)], err))
		}
		one := &job{key: key, by: origin(r), title: "job." + b.Do, back: b.Filter.at(l.path), total: len(b.IDs)}
		q := b.Filter.query(k.settings.TimeZone, l.states...)
		if b.All {
			if one.total, err = s.store.CountPosts(r.Context(), q, countMost); err != nil {
				return err
			}
		}
		err = s.jobs.start(one, func(ctx context.Context, one *job) error {
			defer s.engine.Wake()
			if b.All {
				return s.changeAll(ctx, one, q, time.UnixMilli(b.Shown), act)
			}
			return s.changeTicked(ctx, one, b.IDs, act)
		})
		if err != nil {
			return err
		}
		return seeOther(w, r, "/jobs/"+url.PathEscape(key))
	}
}

// acting makes the action for one post.
type acting func(p *moment.PostView) moment.Act

// act is what is done to each post.
func (b *bulk) act(zone string) (acting, error) {
	switch b.Do {
	case "retry":
		return func(*moment.PostView) moment.Act { return moment.Act{Action: moment.ActRetry} }, nil
	case "cancel":
		if m := moment.CheckText(b.Reason, false, maxReason); m != "" {
			return nil, moment.InvalidFields([]moment.Field{{Path: "reason", Message: m}})
		}
		return func(*moment.PostView) moment.Act {
			return moment.Act{Action: moment.ActCancel, Reason: b.Reason}
		}, nil
	}
	if b.Shift != "" {
		shift, err := parseShift(b.Shift)
		if err != nil {
			return nil, err
		}
		return func(p *moment.PostView) moment.Act {
			return moment.Act{Action: moment.ActReschedule, DueAt: p.DueAt.Add(shift)}
		}, nil
	}
	at := inZone(b.At, zone)
	if err := checkDue(at, "at"); err != nil {
		return nil, err
	}
	return func(*moment.PostView) moment.Act { return moment.Act{Action: moment.ActReschedule, DueAt: at} }, nil
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
	d, err := time.ParseDuration(s)
	if days, ok := strings.CutSuffix(s, "d"); ok {
		var n int
		if n, err = strconv.Atoi(days); err == nil {
			d = time.Duration(n) * 24 * time.Hour
		}
	}
	if err != nil || d == 0 || d.Abs() > 366*24*time.Hour {
		return 0, moment.InvalidFields([]moment.Field{{Path: "shift", Message: "is not a span of time such as 90m, 2h or 1d"}})
	}
	return d, nil
}

// parseTicked reads a ticked box: the post and the version that was seen.
func parseTicked(s string) (id, version int64) {
	a, b, _ := strings.Cut(s, ".")
	return number(a), number(b)
}

func (s *Web) changeTicked(ctx context.Context, one *job, ids []string, act acting) error {
	for _, ticked := range ids {
		id, version := parseTicked(ticked)
		p, err := s.store.Post(ctx, id)
		if err == nil {
			_, err = s.store.ActOnPost(ctx, id, version, act(p), one.by)
		}
		if err := one.settle(ctx, id, err); err != nil {
			return err
		}
	}
	return nil
}

// changeAll changes all that q selects and that were there when they were
// counted. Their times may change on the way, so they are listed before.
func (s *Web) changeAll(ctx context.Context, one *job, q moment.PostQuery, shown time.Time, act acting) error {
	var posts []moment.PostView
	q.Ascending, q.Limit = true, 500
	for more := true; more; {
		page, next, err := s.store.Posts(ctx, q)
		if err != nil {
			return err
		}
		for _, p := range page {
			if !p.CreatedAt.After(shown) {
				posts = append(posts, p)
			}
		}
		if more = next; more {
			last := page[len(page)-1]
			q.After = &moment.PostCursor{DueAt: last.DueAt, ID: last.ID}
		}
	}
	one.expect(len(posts))
	for i := range posts {
		_, err := s.store.ActOnPost(ctx, posts[i].ID, 0, act(&posts[i]), one.by)
		if err := one.settle(ctx, posts[i].ID, err); err != nil {
			return err
		}
	}
	return nil
}

func (one *job) expect(n int) {
	one.mu.Lock()
	defer one.mu.Unlock()
	one.total = n
}

// settle records what became of a post. A refusal is that post's own; when the
// database is away there is no use in going on.
func (one *job) settle(ctx context.Context, id int64, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	switch moment.KindOf(err) {
	case moment.Internal, moment.Unavailable:
		return fmt.Errorf("post %d: %w", id, err)
	}
	one.step(id, err)
	return nil
}
