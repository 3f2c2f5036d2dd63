package promise

import (
	"fmt"
	"testing"
	"time"

	"momentcast/internal/moment"
)

var start = time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC)

func at(seconds float64) time.Time {
	return start.Add(time.Duration(seconds * float64(time.Second)))
}

// good is a run in which everything is as promised: two posts of one account
// are sent, the second as edited and after a refusal; one is cancelled, one is
// in doubt, is not found, and is sent at a person's word; a campaign has fired
// once and missed once.
func good() *Record {
	sent := func(id int64, key string, due float64, mom string) Post {
		return Post{ID: id, Account: "a", Key: key, State: moment.Sent, DueAt: at(due), MomentID: mom}
	}
	arrived := func(sec float64, key string, rev int, mom string) Arrival {
		return Arrival{At: at(sec), Account: "a", MomentID: mom, Tag: Tag{Key: key, Rev: rev}}
	}
	call := func(post int64, n int, sec, long float64, v moment.Verdict) Attempt {
		return Attempt{Post: post, Number: n, StartedAt: at(sec), Duration: time.Duration(long * float64(time.Second)), Verdict: v}
	}
	r := &Record{
		Gap: time.Second, CallTimeout: time.Second, Settle: 10 * time.Second,
		Arrivals: []Arrival{arrived(100.1, "p1", 0, "11"), arrived(105.1, "p2", 1, "12"), arrived(150.1, "p4", 0, "14")},
		Posts: []Post{
			sent(1, "p1", 100, "11"), sent(2, "p2", 101, "12"), {ID: 3, Account: "a", Key: "p3", State: moment.Cancelled, DueAt: at(110)}, sent(4, "p4", 149, "14"),
		},
		Attempts: []Attempt{
			call(1, 1, 100, 0.5, moment.Delivered), call(2, 1, 102, 0.5, moment.Rejected), call(2, 2, 105, 0.5, moment.Delivered),
			call(4, 1, 120, 1, moment.InDoubt), call(4, 2, 150, 0.5, moment.Delivered),
		},
		Changes: []Change{
			{Action: "create", Start: at(0), End: at(1), Outcome: Done, RequestID: "k", IDs: []int64{1, 2, 3, 4}, Keys: []string{"p1", "p2", "p3", "p4"}},
			{Action: "create", Start: at(2), End: at(3), Outcome: Done, RequestID: "k", IDs: []int64{1, 2, 3, 4}, Keys: []string{"p1", "p2", "p3", "p4"}},
			{Post: 2, Action: "edit", Start: at(50), End: at(51), Outcome: Done, IfVersion: 1, Version: 2, Rev: 1},
			{Post: 3, Action: "cancel", Start: at(50), End: at(51), Outcome: Done, IfVersion: 1, Version: 2},
			{Post: 2, Action: "retry", Start: at(103), End: at(103.5), Outcome: Done, Version: 5},
			{Post: 4, Action: "not-sent", Start: at(148), End: at(149), Outcome: Done, Version: 5},
			{Action: "pause", Start: at(60), End: at(61), Outcome: Done}, {Action: "resume", Start: at(70), End: at(71), Outcome: Done},
		},
		Campaigns: []Campaign{{ID: 1, Targets: 2, Whole: true, Want: []string{"t1", "t2"}, Ticks: []Tick{{"t1", "planned", "", 2}, {"t2", "missed", "nobody was there", 0}}}},
	}
	for i, e := range []Event{
		{Post: 1, At: at(0.5), Action: "create"}, {Post: 2, At: at(0.5), Action: "create"}, {Post: 3, At: at(0.5), Action: "create"}, {Post: 4, At: at(0.5), Action: "create"},
		{Post: 2, At: at(50.5), Action: "edit"}, {Post: 3, At: at(50.5), Action: "cancel"}, {At: at(60.5), Action: "pause"}, {At: at(70.5), Action: "resume"},
		{Post: 2, At: at(103.2), Action: "retry"}, {Post: 4, At: at(148.5), Action: "not-sent"},
	} {
		e.ID, e.Source = int64(i), "api"
		r.Events = append(r.Events, e)
	}
	return r
}

func TestGoodRunHasNoViolation(t *testing.T) {
	t.Parallel()
	for _, v := range Check(good(), All...) {
		t.Error(v)
	}
}

// Every promise is broken in turn, in each way that it can be, and the function
// that proves it says so.
func TestBrokenPromisesAreFound(t *testing.T) {
	t.Parallel()
	tests := map[string]map[string]func(*Record){
		"sent once": {
			"the same post again": func(r *Record) {
				again := r.Arrivals[0]
				again.At, again.MomentID = at(130), "99"
				r.Arrivals = append(r.Arrivals, again)
			},
			"a post that is gone": func(r *Record) {
				for i := range 2 {
					r.Arrivals = append(r.Arrivals, Arrival{At: at(float64(130 + i)), Account: "a", MomentID: fmt.Sprint(i), Tag: Tag{Key: "p9"}})
				}
			},
		},
		"no attempt after one in doubt": {
			"nobody has looked":           func(r *Record) { r.Events = r.Events[:9] },
			"somebody looked too late":    func(r *Record) { r.Events[9].At = at(151) },
			"somebody looked before":      func(r *Record) { r.Events[9].At = at(110) },
			"a success is followed by it": func(r *Record) { r.Attempts[1].Verdict = moment.Delivered },
		},
		"intent before the call": {
			"none":              func(r *Record) { r.Attempts = r.Attempts[1:] },
			"later":             func(r *Record) { r.Attempts[0].StartedAt = at(100.2) },
			"no post at all":    func(r *Record) { r.Arrivals[0].Key = "p9" },
			"long after a loss": func(r *Record) { r.Losses = []Loss{{at(90), at(99)}}; r.Attempts = r.Attempts[1:] },
		},
		"every post ends": {
			"scheduled": func(r *Record) { r.Posts[2].State = moment.Scheduled },
			"sending":   func(r *Record) { r.Posts[2].State = moment.Sending },
			"draft":     func(r *Record) { r.Posts[2].State = moment.Draft },
		},
		"nothing is lost": {
			"a post is gone":       func(r *Record) { r.Posts = r.Posts[:3] },
			"it is another's post": func(r *Record) { r.Posts[3].Key = "p7" },
		},
		"sent is what was accepted": {
			"sent and never accepted": func(r *Record) { r.Arrivals = r.Arrivals[1:] },
			"another moment":          func(r *Record) { r.Posts[0].MomentID = "77" },
			"failed and accepted":     func(r *Record) { r.Posts[0].State = moment.Failed },
			"unknown and accepted":    func(r *Record) { r.Posts[0].State = moment.Unknown },
		},
		"one in flight": {
			"within another": func(r *Record) { r.Attempts[1].StartedAt = at(100.4) },
			"within an earlier one that is longer": func(r *Record) {
				r.Attempts[0].Duration = 4 * time.Second
				r.Attempts[3].StartedAt = at(103)
			},
		},
		"the gap is kept": {
			"too soon": func(r *Record) { r.Arrivals[1].At = at(101) },
		},
		"never early": {
			"early": func(r *Record) { r.Posts[0].DueAt = at(100.2) },
		},
		"in order": {
			"the later one first": func(r *Record) { r.Posts[0].DueAt, r.Posts[3].DueAt, r.Events[9].At = at(100), at(99), at(70) },
			"the larger id first": func(r *Record) {
				r.Posts[0].DueAt, r.Posts[0].ID = at(149), 40
				r.Events[0].Post, r.Attempts[0].Post, r.Events[9].At = 40, 40, at(70)
			},
		},
		"cancelled stays unsent": {
			"sent after": func(r *Record) {
				r.Arrivals = append(r.Arrivals, Arrival{At: at(130), Account: "a", Tag: Tag{Key: "p3"}})
			},
			"taken back": func(r *Record) { r.Posts[2].State = moment.Failed },
			"sent before": func(r *Record) {
				r.Arrivals = append(r.Arrivals, Arrival{At: at(40), Account: "a", Tag: Tag{Key: "p3"}})
			},
		},
		"sent as last edited": {
			"the old text":      func(r *Record) { r.Arrivals[1].Rev = 0 },
			"a mix":             func(r *Record) { r.Arrivals[1].Mixed = true },
			"a refused edit":    func(r *Record) { r.Changes[2].Outcome = Refused },
			"nobody's text":     func(r *Record) { r.Arrivals[1].Rev = 5 },
			"an earlier edit's": func(r *Record) { r.edit(2, 2, 3, 60) },
			"an edit that was replaced by version": func(r *Record) {
				r.edit(2, 2, 3, 50.5)
			},
		},
		"a pause holds": {
			"a call begins": func(r *Record) { r.Attempts[0].StartedAt = at(65) },
		},
		"a stale change is refused": {
			"taken twice": func(r *Record) {
				r.Changes = append(r.Changes, Change{Post: 3, Action: "edit", Start: at(50), End: at(52), Outcome: Done, IfVersion: 1, Version: 3, Rev: 1})
			},
			"taken afterwards": func(r *Record) {
				r.Changes = append(r.Changes, Change{Post: 3, Action: "edit", Start: at(55), End: at(56), Outcome: Done, IfVersion: 1, Version: 3, Rev: 1})
			},
		},
		"a creation happens once": {
			"two rows":        func(r *Record) { p := r.Posts[2]; p.ID = 5; r.Posts = append(r.Posts, p) },
			"another answer":  func(r *Record) { r.Changes[1].IDs = []int64{1, 2, 3, 5} },
			"another account": func(r *Record) { p := r.Posts[2]; p.ID, p.Account = 5, "b"; r.Posts = append(r.Posts, p) },
		},
		"ticks once": {
			"twice":             func(r *Record) { r.Campaigns[0].Ticks[1].Wall = "t1" },
			"not at all":        func(r *Record) { r.Campaigns[0].Ticks = r.Campaigns[0].Ticks[:1] },
			"without a reason":  func(r *Record) { r.Campaigns[0].Ticks[1].Reason = "" },
			"a post too many":   func(r *Record) { r.Campaigns[0].Ticks[0].Posts = 3 },
			"a post too few":    func(r *Record) { r.Campaigns[0].Ticks[0].Posts = 1 },
			"missed, and fired": func(r *Record) { r.Campaigns[0].Ticks[1].Posts = 2 },
		},
		"every change is in the audit trail": {
			"no line":              func(r *Record) { r.Events[5].Action = "something" },
			"two lines":            func(r *Record) { r.Events[7].Post, r.Events[7].Action = 3, "cancel" },
			"no line of creation":  func(r *Record) { r.Events = r.Events[1:] },
			"two lines of it":      func(r *Record) { r.Events[0].Post = 2 },
			"no line of the pause": func(r *Record) { r.Events[6].Action = "something" },
		},
	}
	for _, p := range All {
		if len(tests[p.Name]) == 0 {
			t.Errorf("no case breaks %q", p.Name)
		}
		for name, harm := range tests[p.Name] {
			t.Run(p.Name+"/"+name, func(t *testing.T) {
				t.Parallel()
				r := good()
				harm(r)
				if len(p.Check(r)) == 0 {
					t.Error("not found")
				}
			})
		}
	}
}

// edit adds an acknowledged edit of the post, and the arrival stays as it was.
func (r *Record) edit(rev int, ifVersion, version int64, from float64) {
	r.Changes = append(r.Changes, Change{Post: 2, Action: "edit", Start: at(from), End: at(from + 1), Outcome: Done, IfVersion: ifVersion, Version: version, Rev: rev})
}

// What a promise does not say is no violation.
func TestWhatIsNotPromised(t *testing.T) {
	t.Parallel()
	tests := map[string]func(*Record){
		"an edit of unknown outcome was sent": func(r *Record) { r.Changes[2].Outcome = Lost },
		"an edit of unknown outcome was not": func(r *Record) {
			r.Changes[2].Outcome = Lost
			r.Arrivals[1].Rev = 0
		},
		"a change of unknown outcome left no line": func(r *Record) { r.Changes[4].Outcome, r.Events[8].Post = Lost, 77 },
		"the network kept a request": func(r *Record) {
			r.Arrivals[0].At = at(104.9) // its call was given up at 101
		},
		"an earlier post was made later": func(r *Record) { r.Posts[3].DueAt, r.Events[3].At = at(99), at(99.5) },
		"what was acknowledged while commits were lost": func(r *Record) {
			r.Losses = []Loss{{at(40), at(55)}}
			r.Arrivals[1].Rev = 0
			r.Events[4].Post = 77
		},
		"a call that was forgotten": func(r *Record) {
			r.Losses = []Loss{{at(99.5), at(100.5)}}
			r.Attempts = r.Attempts[1:]
			r.Posts[0].DueAt = at(102)
		},
		"a closed case is a person's": func(r *Record) { r.Posts[0].State, r.Posts[0].Left = moment.Unknown, true },
	}
	for name, change := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := good()
			change(r)
			for _, v := range Check(r, All...) {
				t.Error(v)
			}
		})
	}
}

func TestReadTag(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		fields []string
		want   Tag
	}{
		"whole":         {[]string{"p17 r3 text", "p17 r3", "https://example.com/p17/r3?utm=1"}, Tag{Key: "p17", Rev: 3}},
		"tick":          {[]string{"c3-9 r0", "https://example.com/c3-9/r0"}, Tag{Key: "c3-9"}},
		"mixed edits":   {[]string{"p17 r3", "p17 r2"}, Tag{Key: "p17", Rev: 2, Mixed: true}},
		"mixed posts":   {[]string{"p17 r3", "p18 r3"}, Tag{Key: "p18", Rev: 3, Mixed: true}},
		"something new": {[]string{"p17 r3", "hello"}, Tag{Key: "p17", Rev: 3, Mixed: true}},
	}
	for name, tt := range tests {
		if got := ReadTag(tt.fields...); got != tt.want {
			t.Errorf("%s: %+v, want %+v", name, got, tt.want)
		}
	}
}
