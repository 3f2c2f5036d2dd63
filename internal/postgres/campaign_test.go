package postgres

import (
	"fmt"
	"testing"
	"time"

	"momentcast/internal/moment"
)

var tester = moment.Origin{Actor: "tester", Source: "web"}

// plan is a campaign that fires every day at nine in Shanghai.
func (w *world) plan(instances ...int64) moment.CampaignPlan {
	return moment.CampaignPlan{
		Schedule: "cron 0 9 * * * zone=Asia/Shanghai", Instances: instances,
		Card:       moment.Card{Content: "day {{n}}", Title: "title", URL: "https://example.com/a", ThumbURL: "https://example.com/a.jpg"},
		Visibility: moment.Visibility{Mode: moment.Everyone}, MaxLateness: 3600,
	}
}

func (w *world) campaign(p moment.CampaignPlan) int64 {
	w.Helper()
	id, err := w.db.CreateCampaign(w.Context(), &moment.Campaign{Name: "autumn", Colour: "#1f6feb", Plan: p}, "", tester)
	if err != nil {
		w.Fatal(err)
	}
	return id
}

func (w *world) actOn(id int64, a moment.CampaignAct) {
	w.Helper()
	if err := w.db.ActOnCampaign(w.Context(), id, 0, a, who("boss")); err != nil {
		w.Fatal(err)
	}
}

func (w *world) active(p moment.CampaignPlan) int64 {
	w.Helper()
	id := w.campaign(p)
	w.actOn(id, moment.CampaignAct{Action: moment.CampaignActivate})
	return id
}

// expandAll runs the tick until nothing is left to do.
func (w *world) expandAll() {
	w.Helper()
	for {
		_, more, err := w.db.Expand(w.Context(), replica)
		if err != nil {
			w.Fatal(err)
		}
		if !more {
			return
		}
	}
}

func (w *world) occurrences(id int64) []moment.OccurrenceView {
	w.Helper()
	views, more, err := w.db.Occurrences(w.Context(), moment.OccurrenceQuery{CampaignID: id, Limit: 2000})
	if err != nil || more {
		w.Fatalf("more %v, %v", more, err)
	}
	return views
}

// posts counts a campaign's posts by a condition.
func (w *world) posts(id int64, cond string) int64 {
	w.Helper()
	return one[int64](w, `SELECT count(*) FROM posts p JOIN occurrences o ON o.id = p.occurrence_id WHERE o.campaign_id = $1 AND (`+cond+`)`, id)
}

func (w *world) count(id int64, cond string, want int64) {
	w.Helper()
	if got := w.posts(id, cond); got != want {
		w.Errorf("%d posts with %s, want %d", got, cond, want)
	}
}

func TestExpansionMakesEachPostOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	a, b := w.instance("a"), w.instance("b")
	id := w.active(w.plan(a, b))
	w.expandAll()
	if n := len(w.occurrences(id)); n != 30 {
		t.Errorf("%d occurrences, want 30", n)
	}
	w.count(id, "p.state = 'scheduled'", 60)
	w.count(id, "p.content = 'day ' || o.number", 60)
	w.exec(`UPDATE campaigns SET expand_at = now(), planned_at = '-infinity', spec_version = spec_version + 1`)
	before := one[string](w, `SELECT md5(string_agg(p::text, ',' ORDER BY id)) FROM posts p`)
	w.expandAll()
	if after := one[string](w, `SELECT md5(string_agg(p::text, ',' ORDER BY id)) FROM posts p`); before != after {
		t.Error("expanding again changed posts")
	}
	if one[bool](w, `SELECT bool_or(ready_at IS NULL) FROM instances`) {
		t.Error("an instance with a post does not know when it is due")
	}
}

func TestGroupMembersJoinAndLeave(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	a, b := w.instance("a"), w.instance("b")
	w.exec(`UPDATE instances SET groups = '{east}' WHERE id = $1`, a)
	p := w.plan()
	p.Groups = []string{"east"}
	id := w.active(p)
	w.count(id, "true", 30)
	w.exec(`UPDATE instances SET groups = '{east}' WHERE id = $1`, b)
	w.expandAll()
	w.count(id, "true", 60)
	w.exec(`UPDATE instances SET groups = '{}' WHERE id = $1`, a)
	w.expandAll()
	w.count(id, fmt.Sprintf("p.instance_id = %d", a), 0)
	w.count(id, fmt.Sprintf("p.instance_id = %d", b), 30)
	w.exec(`UPDATE instances SET groups = '{}'`)
	w.expandAll()
	w.count(id, "true", 0)
	if n := len(w.occurrences(id)); n != 30 {
		t.Errorf("%d occurrences of an emptied group, want 30", n)
	}
}

func TestEditFollowsUntouchedPostsOnly(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	a := w.instance("a")
	id := w.active(w.plan(a))
	ids := one[[]int64](w, `SELECT array_agg(id ORDER BY due_at) FROM posts`)
	byHand, sending, tried := ids[1], ids[0], ids[2]
	err := w.db.EditPost(t.Context(), byHand, 0, func(p *moment.Post) error { p.Card.Content = "mine"; return nil }, tester)
	if err != nil {
		t.Fatal(err)
	}
	w.exec(`UPDATE posts SET due_at = now() - interval '1 second', miss_at = NULL WHERE id = $1`, sending)
	w.exec(`UPDATE posts SET attempt = 1 WHERE id = $1`, tried)
	if err := w.db.RefreshAll(t.Context()); err != nil {
		t.Fatal(err)
	}
	c := w.claimed()
	if c.ID != sending {
		t.Fatalf("claimed %d, want %d", c.ID, sending)
	}
	change := func(c *moment.Campaign) error { c.Plan.Card.Content = "new {{n}}"; return nil }
	d, err := w.db.CampaignDifference(t.Context(), id, change, tester)
	if err != nil {
		t.Fatal(err)
	}
	if d.Counts[moment.SettleRewrite] != 27 || d.Counts[moment.SettleKeep] != 1 || d.Counts[moment.SettleLeft] != 2 {
		t.Errorf("difference %v, want 27 rewritten, 1 kept, 2 left", d.Counts)
	}
	w.count(id, "p.content LIKE 'new %'", 0)
	if err := w.db.ChangeCampaign(t.Context(), id, 0, change, tester); err != nil {
		t.Fatal(err)
	}
	w.count(id, "p.content LIKE 'new %'", 27)
	w.count(id, fmt.Sprintf("p.id = %d AND p.content = 'mine'", byHand), 1)
	w.count(id, fmt.Sprintf("p.id IN (%d, %d) AND p.content LIKE 'day %%'", sending, tried), 2)
}

func TestScheduleEditRemovesAndAdds(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.active(w.plan(w.instance("a")))
	kept := one[int64](w, `SELECT id FROM posts ORDER BY due_at LIMIT 1`)
	if err := w.db.EditPost(t.Context(), kept, 0, func(p *moment.Post) error { p.Card.Title = "mine"; return nil }, tester); err != nil {
		t.Fatal(err)
	}
	err := w.db.ChangeCampaign(t.Context(), id, 0, func(c *moment.Campaign) error {
		c.Plan.Schedule = "cron 0 18 * * * zone=Asia/Shanghai"
		return nil
	}, tester)
	if err != nil {
		t.Fatal(err)
	}
	w.count(id, "p.due_at::time = '10:00'", 30)
	w.count(id, "p.due_at::time = '01:00'", 1)
	if got := one[int64](w, `SELECT count(*) FROM events WHERE action = 'remove'`); got != 29 {
		t.Errorf("%d removals in the audit trail, want 29", got)
	}
	numbers := one[int64](w, `SELECT count(DISTINCT number) FROM occurrences WHERE state = 'planned'`)
	if numbers != 30 {
		t.Errorf("%d numbers for 30 occurrences", numbers)
	}
}

func TestUnapprovedTextNeverLeaves(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.exec(`UPDATE settings SET require_approval = true`)
	id := w.active(w.plan(w.instance("a")))
	w.count(id, "p.state = 'pending' AND p.campaign_held", 30)
	own := w.db.ActOnCampaign(t.Context(), id, 0, moment.CampaignAct{Action: moment.CampaignApprove}, tester)
	if moment.KindOf(own) != moment.Forbidden {
		t.Errorf("the author approved: %v", own)
	}
	w.actOn(id, moment.CampaignAct{Action: moment.CampaignApprove})
	w.count(id, "p.state = 'scheduled' AND p.approved_hash IS NOT NULL", 30)
	err := w.db.ChangeCampaign(t.Context(), id, 0, func(c *moment.Campaign) error { c.Plan.Card.Title = "unread"; return nil }, tester)
	if err != nil {
		t.Fatal(err)
	}
	w.count(id, "p.state = 'pending' AND p.title = 'unread'", 30)
	w.exec(`UPDATE posts SET due_at = now() - interval '1 second', miss_at = NULL`)
	if err := w.db.RefreshAll(t.Context()); err != nil {
		t.Fatal(err)
	}
	if c := w.claim(10); len(c) != 0 {
		t.Fatalf("claimed %d posts that nobody approved", len(c))
	}
	post := one[int64](w, `SELECT min(id) FROM posts`)
	if _, err := w.db.ActOnPost(t.Context(), post, 0, moment.Act{Action: moment.ActApprove}, who("boss")); moment.KindOf(err) != moment.Conflict {
		t.Errorf("releasing a post past its campaign: %v, want a conflict", err)
	}
	if _, err := w.db.pool.Exec(t.Context(), `UPDATE campaigns SET state = 'active'`); err == nil {
		t.Error("the database let an unapproved campaign become active")
	}
}

func TestApprovalAskedForLater(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	a := w.instance("a")
	p := w.plan(a)
	p.Card.Title = "of {{instance.name}}"
	id := w.active(p)
	w.exec(`UPDATE settings SET require_approval = true`)
	w.exec(`UPDATE instances SET name = 'Anna' WHERE id = $1`, a)
	w.expandAll()
	w.count(id, "p.state = 'pending' AND p.title = 'of Anna'", 30)
}

func TestPauseResumeAndStop(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.active(w.plan(w.instance("a")))
	w.actOn(id, moment.CampaignAct{Action: moment.CampaignPause, Reason: "wrong link"})
	w.count(id, "p.state = 'pending'", 30)
	// Three occurrences pass.
	w.exec(`UPDATE occurrences SET at = now() - number * interval '1 hour' WHERE number <= 3`)
	w.exec(`UPDATE posts p SET due_at = o.at, miss_at = o.at + max_lateness FROM occurrences o WHERE o.id = p.occurrence_id`)
	w.actOn(id, moment.CampaignAct{Action: moment.CampaignResume, Missed: moment.MissedLatest})
	w.count(id, "p.state = 'cancelled' AND o.state = 'missed'", 2)
	w.count(id, "p.state = 'scheduled' AND o.reason = 'paused' AND p.due_at <= now()", 1)
	w.count(id, "p.state = 'scheduled'", 28)
	c := w.claimed()
	w.actOn(id, moment.CampaignAct{Action: moment.CampaignStop, Reason: "over"})
	w.count(id, "p.state = 'cancelled'", 29)
	w.count(id, fmt.Sprintf("p.id = %d AND p.state = 'sending'", c.ID), 1)
	if one[bool](w, `SELECT expand_at IS NOT NULL FROM campaigns`) {
		t.Error("a stopped campaign is still looked at")
	}
}

func TestOccurrenceSkipMoveEdit(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.active(w.plan(w.instance("a"), w.instance("b")))
	occs := w.occurrences(id)
	do := func(o moment.OccurrenceView, a moment.OccurrenceAct) {
		t.Helper()
		if err := w.db.ChangeOccurrence(t.Context(), id, o.ID, 0, a, tester); err != nil {
			t.Fatal(err)
		}
	}
	do(occs[3], moment.OccurrenceAct{Skip: true})
	card := moment.Card{Content: "only this", Title: "once {{n}}", URL: "https://example.com/b", ThumbURL: "https://example.com/b.jpg"}
	do(occs[4], moment.OccurrenceAct{Card: &card})
	to := occs[5].At.Add(10 * time.Hour) // 09:00 → 19:00
	do(occs[5], moment.OccurrenceAct{Move: to.In(time.FixedZone("", 8*3600)).Format("2006-01-02T15:04")})
	check := func() {
		t.Helper()
		w.count(id, fmt.Sprintf("o.id = %d", occs[3].ID), 0)
		w.count(id, fmt.Sprintf("o.id = %d AND p.title = 'once 5'", occs[4].ID), 2)
		w.count(id, fmt.Sprintf("o.id = %d AND p.due_at = '%s'", occs[5].ID, to.Format(time.RFC3339)), 2)
		w.count(id, "true", 58)
	}
	check()
	w.exec(`UPDATE campaigns SET expand_at = now(), planned_at = '-infinity', spec_version = spec_version + 1`)
	w.expandAll()
	check()
	do(occs[3], moment.OccurrenceAct{Revive: true})
	do(occs[5], moment.OccurrenceAct{Follow: true})
	w.count(id, "true", 60)
	w.count(id, fmt.Sprintf("o.id = %d AND p.due_at = o.planned_at", occs[5].ID), 2)
}

func TestThisAndFollowing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.active(w.plan(w.instance("a")))
	occs := w.occurrences(id)
	kept := one[int64](w, `SELECT id FROM posts WHERE occurrence_id = $1`, occs[15].ID)
	if err := w.db.EditPost(t.Context(), kept, 0, func(p *moment.Post) error { p.Card.Title = "mine"; return nil }, tester); err != nil {
		t.Fatal(err)
	}
	change := func(c *moment.Campaign) error { c.Plan.Card.Title = "later"; return nil }
	if d, err := w.db.SplitDifference(t.Context(), id, occs[10].ID, change, tester); err != nil || d.Counts[moment.SettleRewrite] != 19 || d.Counts[moment.SettleKeep] != 1 {
		t.Errorf("difference %v, %v; want 19 rewritten, 1 kept", d, err)
	}
	next, err := w.db.SplitCampaign(t.Context(), id, 0, occs[10].ID, change, tester)
	if err != nil {
		t.Fatal(err)
	}
	w.count(id, "p.title = 'title'", 10)
	w.count(next, "p.title = 'later' AND p.content = 'day ' || o.number", 19)
	w.count(next, "p.title = 'mine'", 1)
	c, err := w.db.Campaign(t.Context(), next)
	if err != nil || c.Predecessor != id || c.NumberBase != 10 {
		t.Errorf("continued by %+v, %v", c, err)
	}
}

func TestMissedTicksAreRecorded(t *testing.T) {
	t.Parallel()
	for policy, sent := range map[moment.MissedPolicy]int{moment.MissedSkip: 0, moment.MissedLatest: 1, moment.MissedAll: 3} {
		t.Run(string(policy), func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			p := w.plan(w.instance("a"))
			p.Missed, p.MissedCap = policy, 3
			id := w.active(p)
			w.exec(`DELETE FROM posts`)
			w.exec(`DELETE FROM occurrences`)
			w.exec(`UPDATE campaigns SET expanded_until = now() - interval '10 days', expand_at = now(), planned_at = '-infinity'`)
			w.expandAll()
			states := map[moment.OccurrenceState]int{}
			for _, o := range w.occurrences(id) {
				states[o.State]++
			}
			if states[moment.OccurrenceMissed] != 10-sent || states[moment.OccurrenceMoved] != sent || states[moment.OccurrencePlanned] != 30 {
				t.Errorf("%v, want %d missed, %d sent late, 30 planned", states, 10-sent, sent)
			}
			w.count(id, "p.due_at <= now() AND p.state = 'scheduled'", int64(sent))
		})
	}
}

func TestUnmakeablePostsAreRecorded(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	a, b := w.instance("a"), w.instance("b")
	w.exec(`UPDATE instances SET name = 'Anna' WHERE id = $1`, a)
	p := w.plan(a, b)
	p.Card.Title = "{{instance.name}}"
	id := w.active(p)
	w.count(id, "p.title = 'Anna'", 30)
	for _, o := range w.occurrences(id) {
		if len(o.Problems) != 1 || o.Problems[0].InstanceID != b || o.Problems[0].Field != "title" {
			t.Fatalf("problems of %s: %+v", o.Wall, o.Problems)
		}
	}
	w.exec(`UPDATE instances SET name = 'Berta' WHERE id = $1`, b)
	w.expandAll()
	w.count(id, "p.title = 'Berta'", 30)
}

func TestDenseScheduleIsBounded(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	p := w.plan(w.instance("a"))
	p.Schedule = "cron * * * * * zone=Asia/Shanghai"
	id := w.active(p)
	w.expandAll()
	if n := len(w.occurrences(id)); n < 990 || n > 1010 {
		t.Errorf("%d occurrences ahead, want 1000", n)
	}
	if d := one[float64](w, `SELECT extract(epoch FROM expand_at - now())::float8 FROM campaigns`); d > 3700 {
		t.Errorf("looked at again in %v s", d)
	}
}

func TestRepeatsAreSkipped(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	p := w.plan(w.instance("a"))
	p.Variants = []moment.Variant{{Content: "b"}, {Content: "c"}}
	p.NoRepeat = moment.SecondsOf(4 * 24 * time.Hour)
	id := w.active(p)
	w.expandAll()
	last := map[string]time.Time{}
	rows, err := w.db.pool.Query(t.Context(), `SELECT content, due_at FROM posts ORDER BY due_at`)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var content string
		var due time.Time
		if err := rows.Scan(&content, &due); err != nil {
			t.Fatal(err)
		}
		if content[0] == 'd' {
			content = "day"
		}
		if was, ok := last[content]; ok && due.Sub(was) < 4*24*time.Hour {
			t.Errorf("%q again after %v", content, due.Sub(was))
		}
		last[content] = due
	}
	if len(last) != 3 {
		t.Errorf("%d texts were used, want 3", len(last))
	}
	for _, o := range w.occurrences(id) {
		if o.State == moment.OccurrenceSkipped && o.Reason != moment.WhyRepeat {
			t.Errorf("%s is skipped for %q", o.Wall, o.Reason)
		}
	}
}

// A new schedule has firings that have no posts yet; the difference tells how
// many they get, and none is there afterwards.
func TestDifferenceOfANewSchedule(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	plan := w.plan(w.instance("a"), w.instance("b"))
	id, draft := w.active(plan), w.campaign(plan)
	occs := w.occurrences(id)
	before := one[string](w, `SELECT md5(string_agg(p::text, ',' ORDER BY id)) FROM posts p`)
	later := func(c *moment.Campaign) error {
		c.Plan.Schedule = "cron 30 10 * * * zone=Asia/Shanghai"
		return nil
	}
	for what, tc := range map[string]struct {
		ask  func() (*moment.Difference, error)
		made int
		gone int
	}{
		"all": {func() (*moment.Difference, error) { return w.db.CampaignDifference(t.Context(), id, later, tester) }, 60, 60},
		"this and following": {func() (*moment.Difference, error) {
			return w.db.SplitDifference(t.Context(), id, occs[20].ID, later, tester)
		}, 20, 20},
		"a draft": {func() (*moment.Difference, error) { return w.db.CampaignDifference(t.Context(), draft, later, tester) }, 60, 0},
	} {
		d, err := tc.ask()
		if err != nil {
			t.Fatalf("%s: %v", what, err)
		}
		// What lies within the horizon by the one time and not by the other is one firing of two posts.
		if made, gone := d.Counts[moment.SettleCreate], d.Counts[moment.SettleRemove]; max(made-tc.made, tc.made-made) > 2 || max(gone-tc.gone, tc.gone-gone) > 2 || d.Partial {
			t.Errorf("%s: %v, want about %d made and %d removed", what, d.Counts, tc.made, tc.gone)
		}
	}
	if after := one[string](w, `SELECT md5(string_agg(p::text, ',' ORDER BY id)) FROM posts p`); before != after {
		t.Error("asking changed posts")
	}
}

// Only a campaign that is not over has a next time.
func TestNextTimeOfACampaignThatIsOver(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.active(w.plan(w.instance("a")))
	next := func() time.Time {
		c, err := w.db.Campaign(t.Context(), id)
		if err != nil {
			t.Fatal(err)
		}
		return c.NextFireAt
	}
	if next().IsZero() {
		t.Error("an active campaign has no next time")
	}
	w.actOn(id, moment.CampaignAct{Action: moment.CampaignStop, Reason: "over"})
	if at := next(); !at.IsZero() {
		t.Errorf("a stopped campaign fires next at %s", at)
	}
}
