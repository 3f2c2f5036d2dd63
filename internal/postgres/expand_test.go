package postgres

import (
	"fmt"
	"testing"
	"time"

	"momentcast/internal/moment"
)

// crowd is a campaign with more instances than a step takes, stopped in the
// middle of its first occurrence.
func (w *world) crowd() int64 {
	w.Helper()
	w.exec(`INSERT INTO instances (wc_id, groups) SELECT 'crowd-' || g, '{crowd}' FROM generate_series(1, 150) g`)
	p := w.plan()
	p.Groups = []string{"crowd"}
	p.Schedule = "cron 0 9 * * 1 zone=Asia/Shanghai"
	id := w.campaign(p)
	w.exec(`UPDATE campaigns SET state = 'active', expanded_until = now(), expand_at = now()`)
	for one[int64](w, `SELECT count(*) FROM posts`) == 0 {
		if _, _, err := w.db.Expand(w.Context(), replica); err != nil {
			w.Fatal(err)
		}
	}
	if one[int64](w, `SELECT count(*) FROM occurrences WHERE cursor > 0`) != 1 {
		w.Fatal("no occurrence is half made")
	}
	return id
}

// A change that comes while an occurrence is half made reaches both halves:
// those made before it, and those made after.
func TestChangeReachesHalfMadeOccurrences(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]struct {
		do   func(w *world, id int64)
		want string // of every post
	}{
		"pause": {func(w *world, id int64) {
			w.actOn(id, moment.CampaignAct{Action: moment.CampaignPause, Reason: "wrong link"})
		}, "p.state = 'pending' AND p.campaign_held"},
		"stop": {func(w *world, id int64) {
			w.actOn(id, moment.CampaignAct{Action: moment.CampaignStop, Reason: "over"})
		}, "p.state = 'cancelled'"},
		"edit": {func(w *world, id int64) {
			err := w.db.ChangeCampaign(w.Context(), id, 0, func(c *moment.Campaign) error { c.Plan.Card.Title = "new"; return nil }, tester)
			if err != nil {
				w.Fatal(err)
			}
		}, "p.title = 'new'"},
		"leave": {func(w *world, _ int64) {
			w.exec(`UPDATE instances SET groups = '{}' WHERE wc_id IN ('crowd-1', 'crowd-149')`)
		}, "p.instance_id NOT IN (SELECT id FROM instances WHERE groups = '{}')"},
		"skip": {func(w *world, id int64) {
			half := one[int64](w, `SELECT id FROM occurrences WHERE cursor > 0`)
			if err := w.db.ChangeOccurrence(w.Context(), id, half, 0, moment.OccurrenceAct{Skip: true}, tester); err != nil {
				w.Fatal(err)
			}
		}, "o.state = 'planned'"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			id := w.crowd()
			change.do(w, id)
			w.expandAll()
			w.count(id, fmt.Sprintf("NOT (%s)", change.want), 0)
		})
	}
}

// Whatever is due first is made first, whichever campaign it is of: one that is
// activated while others are being expanded does not wait for their far end.
func TestNearFiringsAreExpandedFirst(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.exec(`INSERT INTO instances (wc_id, groups) SELECT 'crowd-' || g, '{crowd}' FROM generate_series(1, 30) g`)
	var last int64
	for n := range 8 {
		p := w.plan()
		p.Groups = []string{"crowd"}
		p.Schedule = fmt.Sprintf("cron 0 %d * * * zone=Asia/Shanghai", n*3)
		last = w.campaign(p)
	}
	w.exec(`UPDATE campaigns SET state = 'active', expanded_until = now(), expand_at = now() WHERE id <> $1`, last)
	step := func() {
		if _, _, err := w.db.Expand(w.Context(), replica); err != nil {
			w.Fatal(err)
		}
	}
	for one[int64](w, `SELECT count(*) FROM posts WHERE due_at > now() + interval '96 hours'`) == 0 {
		step()
	}
	const near = `SELECT count(*) FROM posts p JOIN occurrences o ON o.id = p.occurrence_id
		WHERE o.at < now() + interval '48 hours' AND CASE WHEN $2 THEN o.campaign_id = $1 ELSE o.campaign_id <> $1 END`
	was := one[int64](w, near, last, false)
	w.exec(`UPDATE campaigns SET state = 'active', expanded_until = now(), expand_at = now() WHERE id = $1`, last)
	step() // its occurrences
	step() // their first posts
	step()
	lately := one[int64](w, near, last, true)
	if open := one[int64](w, `SELECT count(*) FROM campaigns WHERE settled_at IS NULL`); open < 8 {
		t.Fatalf("only %d campaigns were under way: this shows nothing", open)
	}
	w.expandAll()
	if all := one[int64](w, near, last, false); was != all || all < 7*30 {
		t.Errorf("%d of %d posts of the next two days were there when one of the fifth day was made", was, all)
	}
	if all := one[int64](w, near, last, true); lately != all || all < 30 {
		t.Errorf("%d of %d posts of the next two days of the campaign that came last were there after three steps", lately, all)
	}
}

// The number of posts of a step follows the time that it took.
func TestStrideFollowsTheMachine(t *testing.T) {
	t.Parallel()
	s := new(stride)
	if s.posts() != strideLeast {
		t.Fatalf("begins with %d", s.posts())
	}
	for range 20 {
		s.learn(s.posts(), strideFor/2)
	}
	if s.posts() != strideMost {
		t.Errorf("on a fast machine it comes to %d, want %d", s.posts(), strideMost)
	}
	s.learn(10, time.Millisecond) // there was no more to do
	if s.posts() != strideMost {
		t.Errorf("a small step makes it %d", s.posts())
	}
	s.learn(strideMost, 3*strideFor)
	if s.posts() != strideMost/2 {
		t.Errorf("after a step that took far too long %d, want half", s.posts())
	}
	for range 20 {
		s.learn(s.posts(), 3*strideFor)
	}
	if s.posts() != strideLeast {
		t.Errorf("on a slow machine it comes to %d, want %d", s.posts(), strideLeast)
	}
}
