package apifuzz

import (
	"flag"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"momentcast/internal/moment"
	"momentcast/internal/web"
)

var (
	length = flag.Duration("length", 8*time.Second, "how long calls of the API are drawn")
	seed   = flag.Uint64("seed", 0, "draws the same calls again; 0 = others each time")
)

// most is how many finds end a run: the first few tell what is wrong.
const most = 15

func (w *world) drawer(evil float64) *drawer {
	s := *seed
	if s == 0 {
		s = rand.Uint64()
	}
	w.Logf("seed %d", s)
	return &drawer{Rand: rand.New(rand.NewPCG(s, s)), w: w, evil: evil}
}

// TestCallsThatAreDrawn calls every operation as everybody, again and again, and
// wants of every answer what the document says.
func TestCallsThatAreDrawn(t *testing.T) {
	t.Parallel()
	w := newWorld(t, moment.RoleAdmin)
	d := w.drawer(0)
	calls, finds := map[string]map[int]int{}, map[string]int{}
	total := 0
	for end := time.Now().Add(*length); time.Now().Before(end) && len(finds) < most; {
		d.evil = pick(d, []float64{0, 0, 0.05, 0.3})
		for _, op := range w.doc.ops {
			by := w.admin()
			if d.often(0.4) {
				by = pick(d, w.callers)
			}
			c := d.call(op)
			a := w.do(by, c)
			total++
			if calls[op.ID] == nil {
				calls[op.ID] = map[int]int{}
			}
			calls[op.ID][a.status]++
			if m := w.judge(by, c, a); m != "" {
				if finds[op.ID+m]++; finds[op.ID+m] == 1 {
					t.Errorf("%s as %s: %s\n%v\n%d %s %.1500s", op.ID, by.name, m, c, a.status, a.header.Get("Content-Type"), a.body)
				}
			}
			w.learn(c, a)
		}
		if m := w.judgeLog(w.log.take()); m != "" {
			t.Error(m)
			break
		}
	}
	for _, op := range w.doc.ops {
		t.Logf("%-22s %v", op.ID, calls[op.ID])
	}
	t.Logf("%d calls of %d operations, %d finds", total, len(w.doc.ops), len(finds))
}

// learn notes the id of what was made, so that later calls meet it, and forgets
// what was deleted.
func (w *world) learn(c call, a answer) {
	parts := strings.Split(c.op.path, "/")
	pool := strings.TrimSuffix(parts[1], "s")
	v, _ := decoded(a.body).(map[string]any)
	switch {
	case a.status == http.StatusCreated && v["id"] != nil && len(w.ids[pool]) < 60:
		w.ids[pool] = append(w.ids[pool], fmt.Sprint(v["id"]))
	case a.status == http.StatusNoContent && len(w.ids[pool]) > 3:
		gone := c.path[strings.LastIndex(c.path, "/")+1:]
		w.ids[pool] = slices.DeleteFunc(w.ids[pool], func(id string) bool { return id == gone })
	}
}

// TestRefusedCallsChangeNothing makes calls that would succeed, as everybody who
// may not make them.
func TestRefusedCallsChangeNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t, moment.RoleAdmin)
	d := w.drawer(0)
	rounds := 1 + int(*length/(20*time.Second)) // a long run draws more
	w.must("POST", "/pause", `{"reason":"so that nothing moves by itself"}`)
	before := w.settled()
	n, since := 0, []string{}
	for i, op := range w.doc.ops {
		for _, by := range w.callers {
			if by.may(op) {
				continue
			}
			for range rounds {
				c := d.call(op)
				a := w.do(by, c)
				if m := w.judge(by, c, a); m != "" {
					t.Errorf("%s as %s: %s\n%v\n%d %.500s", op.ID, by.name, m, c, a.status, a.body)
				}
				n++
			}
		}
		if since = append(since, op.ID); len(since) < 8 && i+1 < len(w.doc.ops) {
			continue
		}
		after := w.digest()
		if what := changed(before, after); len(what) > 0 {
			t.Errorf("one of these was refused and changed %v: %v", what, since)
		}
		before, since = after, nil
	}
	t.Logf("%d refused calls", n)
	w.must("POST", "/resume", `{}`)
	if after := w.digest(); len(changed(before, after)) == 0 {
		t.Error("a call that is allowed changes nothing either: the digest does not see it")
	}
}

// settled waits until nothing moves by itself any more.
func (w *world) settled() (now map[string]string) {
	w.Helper()
	same := 0
	w.eventually("at rest", func() bool {
		<-time.After(100 * time.Millisecond)
		d := w.digest()
		if len(changed(d, now)) == 0 {
			same++
		} else {
			same = 0
		}
		now = d
		return same == 5
	})
	return now
}

// form is a form of the pages, submitted by somebody.
type form struct{ path, by string }

// TestRefusedPagesChangeNothing submits every form of the pages as every role,
// and those that were refused again where nothing else moves: what is refused
// changes nothing, and nothing is an error of the program.
func TestRefusedPagesChangeNothing(t *testing.T) {
	t.Parallel()
	roles := slices.DeleteFunc(slices.Clone(moment.Roles), func(r moment.Role) bool { return r == moment.RoleAdmin }) // is refused nothing
	w := newWorld(t, roles...)
	refused := w.refusedForms()
	still := newWorld(t, roles...)
	d := still.drawer(0)
	still.must("POST", "/pause", `{"reason":"so that nothing moves by itself"}`)
	before, people := still.settled(), still.visitors()
	var since []form
	for i, f := range refused {
		if a := still.submit(d, people[f.by], f.path); a.status != http.StatusForbidden && a.status != http.StatusUnauthorized {
			t.Errorf("%s as %s: %d, and was refused before", f.path, f.by, a.status)
		}
		if since = append(since, f); len(since) < 25 && i+1 < len(refused) {
			continue
		}
		after := still.digest()
		if what := changed(before, after); len(what) > 0 {
			t.Errorf("one of these was refused and changed %v: %v", what, since)
		}
		before, since = after, nil
	}
	t.Logf("%d forms were refused", len(refused))
}

// visitors are a browser of every role, and one of nobody.
func (w *world) visitors() map[string]*http.Client {
	all := map[string]*http.Client{"nobody": w.client}
	for role, c := range w.people {
		all[string(role)] = c
	}
	return all
}

// refusedForms submits every form as everybody and returns what was refused.
func (w *world) refusedForms() (refused []form) {
	d, people, n, by := w.drawer(0.2), w.visitors(), 0, map[string]int{}
	for _, pattern := range web.Patterns() {
		method, path, _ := strings.Cut(pattern, " ")
		if method != http.MethodPost || slices.Contains([]string{"/logout", "/login", "/setup", "/account/sessions/end"}, path) {
			continue // who signs out is nobody from then on
		}
		for _, who := range slices.Sorted(maps.Keys(people)) {
			n++
			a := w.submit(d, people[who], path)
			switch a.status {
			case http.StatusForbidden, http.StatusUnauthorized:
				refused = append(refused, form{path, who})
				by[who]++
			case http.StatusInternalServerError:
				w.Errorf("%s as %s: %.500s", pattern, who, a.body)
			}
			if m := w.leak(string(a.body)); m != "" {
				w.Errorf("%s as %s %s", pattern, who, m)
			}
		}
	}
	if m := w.judgeLog(w.log.take()); m != "" {
		w.Error(m)
	}
	w.Logf("%d forms, refused to %v", n, by)
	if len(by) != len(people) || by["nobody"] < 50 {
		w.Errorf("somebody is refused nothing: %v", by)
	}
	return refused
}

// submit sends a form that has a bit of everything.
func (w *world) submit(d *drawer, who *http.Client, path string) answer {
	pool := strings.TrimSuffix(strings.Split(path, "/")[1], "s")
	for _, in := range []string{"{id}", "{key}", "{occurrence}"} {
		id := "1"
		if ids := w.ids[pool]; len(ids) > 0 {
			id = pick(d, ids)
		}
		path = strings.ReplaceAll(path, in, id)
	}
	form := url.Values{"version": {"1"}, "reason": {"because"}, "agreed": {"yes"}, "do": {"cancel"}, "all": {"1"}, "id": {pick(d, w.ids["post"])}, "name": {fmt.Sprintf("n%d", d.n)},
		"title": {"t"}, "content": {"c"}, "url": {"https://shop.invalid/x"}, "mode": {"delete"}, "outcome": {"sent"}, "due": {"2031-01-02T09:00"}, "scope": {"admin"}, "days": {"30"}}
	if d.often(d.evil) {
		form.Set(pick(d, slices.Sorted(maps.Keys(form))), d.text(pick(d, hostile)))
	}
	d.n++
	req, err := http.NewRequestWithContext(w.Context(), http.MethodPost, w.base+path, strings.NewReader(form.Encode()))
	if err != nil {
		w.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return w.answered(who, req)
}
