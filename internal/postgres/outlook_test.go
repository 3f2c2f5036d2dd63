package postgres

import (
	"testing"
	"time"

	"momentcast/internal/moment"
)

func TestOutlookReadsInstancesAndTheirQueues(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.exec(`UPDATE settings SET min_gap = '10 minutes'`)
	a, b := w.instance("a"), w.instance("b")
	late, early := w.post(a, 2*time.Hour), w.post(a, time.Hour)
	draft := w.add(&moment.Post{InstanceID: a, State: moment.Draft, DueAt: time.Now().Add(time.Hour)})
	o, err := w.db.Outlook(t.Context(), []int64{b, a, a, 999})
	if err != nil {
		t.Fatal(err)
	}
	if len(o.Instances) != 2 || o.Defaults.MinGap != 10*time.Minute || o.Situation.Now.IsZero() {
		t.Errorf("outlook %+v", o)
	}
	q := o.Instances[a].Queue
	if len(q) != 2 || q[0].ID != early || q[1].ID != late || !o.Instances[a].CutAt.IsZero() {
		t.Errorf("queue %+v, want %d, %d and not the draft %d", q, early, late, draft)
	}
	if q[0].MissAt.Sub(q[0].DueAt) != time.Hour {
		t.Errorf("limit %v after the time, want 1h", q[0].MissAt.Sub(q[0].DueAt))
	}
	if len(o.Instances[b].Queue) != 0 {
		t.Errorf("b has %+v", o.Instances[b].Queue)
	}
}

// A queue is cut before posts that are due at the same time, so that what is
// told of them does not depend on which were read.
func TestOutlookCutsALongQueue(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	a := w.instance("a")
	due := time.Now().Add(time.Hour).Truncate(time.Second)
	for _, at := range []time.Time{due, due.Add(time.Minute), due.Add(time.Minute), due.Add(time.Hour)} {
		w.add(&moment.Post{InstanceID: a, DueAt: at})
	}
	for limit, want := range map[int]struct {
		posts int
		cut   time.Time
	}{1: {1, due.Add(time.Minute)}, 2: {1, due.Add(time.Minute)}, 3: {3, due.Add(time.Hour)}, 4: {4, time.Time{}}} {
		o, err := w.db.outlook(t.Context(), []int64{a}, limit)
		if err != nil {
			t.Fatal(err)
		}
		if p := o.Instances[a]; len(p.Queue) != want.posts || !p.CutAt.Equal(want.cut) {
			t.Errorf("limit %d: %d posts, cut at %v; want %d, %v", limit, len(p.Queue), p.CutAt, want.posts, want.cut)
		}
	}
}

// A doubtful call has its place in the count and its gap already: it is not
// counted once more.
func TestOutlookOfAnInstanceInDoubt(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.exec(`UPDATE settings SET daily_cap = 2`)
	a := w.instance("a")
	w.post(a, -time.Minute)
	next := w.post(a, -time.Second)
	c := w.claimed()
	w.record(c, moment.ActDoubt, "")
	o, err := w.db.Outlook(t.Context(), []int64{a})
	if err != nil {
		t.Fatal(err)
	}
	got := o.Forecast(a)
	if len(got) != 1 || got[0].ID != next || got[0].Why == moment.HeldDailyCap || got[0].At.IsZero() || got[0].At.After(o.Situation.Now) {
		t.Errorf("forecast %+v, want that it leaves now", got)
	}
}
