package crash

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"momentcast/internal/moment"
)

// totals is what came of the posts of one or many rounds.
type totals struct {
	Posts, Accepted       int
	ByState               map[moment.State]int
	Doubles, Lost         int // must be 0
	Contradictions        int // must be 0: state and truth do not agree
	Reconciled, LateSaved int // unknown that became sent by a read-back, by a late result
}

func (t *totals) add(o totals) {
	t.Posts += o.Posts
	t.Accepted += o.Accepted
	t.Doubles += o.Doubles
	t.Lost += o.Lost
	t.Contradictions += o.Contradictions
	t.Reconciled += o.Reconciled
	t.LateSaved += o.LateSaved
	if t.ByState == nil {
		t.ByState = map[moment.State]int{}
	}
	for s, n := range o.ByState {
		t.ByState[s] += n
	}
}

func (t *totals) String() string {
	var states []string
	for _, s := range slices.Sorted(maps.Keys(t.ByState)) {
		states = append(states, fmt.Sprintf("%s %d", s, t.ByState[s]))
	}
	return fmt.Sprintf("%d posts, %d accepted by the gateway; %s; read back to sent %d, late results %d; doubles %d, lost %d, contradictions %d",
		t.Posts, t.Accepted, strings.Join(states, ", "), t.Reconciled, t.LateSaved, t.Doubles, t.Lost, t.Contradictions)
}

type row struct {
	ID     int64
	WcID   string
	URL    string
	State  moment.State
	Moment string
}

func (s *stage) rows() []row {
	return query[row](s, `SELECT p.id, i.wc_id, p.url, p.state::text, coalesce(p.moment_id, '') FROM posts p JOIN instances i ON i.id = p.instance_id ORDER BY p.id`)
}

// truth maps what the gateway has accepted: account and link to moment ids.
func (s *stage) truth() map[string][]string {
	out := map[string][]string{}
	for _, a := range s.sim.Truth() {
		if a.Call == "snsSendUrl" {
			out[a.WcID+" "+a.Request.URL] = append(out[a.WcID+" "+a.Request.URL], a.MomentID)
		}
	}
	return out
}

// settled reports whether every post has ended, and no doubt is left that the
// timeline could settle.
func (s *stage) settled() bool {
	truth := s.truth()
	for _, r := range s.rows() {
		if !r.State.Terminal() || (r.State == moment.Unknown && len(truth[r.WcID+" "+r.URL]) > 0) {
			return false
		}
	}
	return true
}

// judge compares the database with the truth, post by post.
func (s *stage) judge() totals {
	t := totals{ByState: map[moment.State]int{}}
	truth := s.truth()
	for _, r := range s.rows() {
		t.Posts++
		t.ByState[r.State]++
		moments := truth[r.WcID+" "+r.URL]
		t.Accepted += len(moments)
		bad := func(format string, args ...any) {
			s.Errorf("post %d on %s is %s: %s", r.ID, r.WcID, r.State, fmt.Sprintf(format, args...))
		}
		if len(moments) > 1 {
			t.Doubles++
			bad("posted %d times", len(moments))
		}
		switch r.State {
		case moment.Sent:
			if len(moments) == 0 || !slices.Contains(moments, r.Moment) {
				t.Contradictions++
				bad("moment %s, but the gateway has %v", r.Moment, moments)
			}
		case moment.Unknown:
			if len(moments) > 0 {
				t.Contradictions++
				bad("it is on the timeline as %v, and no read-back found it", moments)
			}
		case moment.Failed, moment.Missed, moment.Cancelled:
			if len(moments) > 0 {
				t.Contradictions++
				bad("it was posted as %v", moments)
			}
		default:
			t.Lost++
			bad("it never ended")
		}
	}
	type counts struct{ Reconciled, Late int }
	c := query[counts](s, `SELECT count(*) FILTER (WHERE action = 'reconcile'), count(*) FILTER (WHERE action = 'succeed' AND detail ? 'late') FROM events`)
	t.Reconciled, t.LateSaved = c[0].Reconciled, c[0].Late
	return t
}
