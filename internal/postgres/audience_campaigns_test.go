package postgres

import (
	"crypto/sha256"
	"fmt"
	"sync"
	"testing"

	"momentcast/internal/moment"
)

// planFor is plan for whom the audience says.
func (w *world) planFor(audience int64, instances ...int64) moment.CampaignPlan {
	p := w.plan(instances...)
	p.Visibility, p.AudienceID = moment.Visibility{}, audience
	return p
}

func (w *world) readCampaign(id int64) *moment.CampaignView {
	w.Helper()
	c, err := w.db.Campaign(w.Context(), id)
	if err != nil {
		w.Fatal(err)
	}
	return c
}

// changeTo gives the audience another visibility, and its followers too.
func (w *world) changeTo(audience int64, v moment.Visibility, by moment.Origin) moment.Rewritten {
	w.Helper()
	n, err := w.db.ChangeAudience(w.Context(), audience, 0, moment.RewritePosts, setVisibility(v), by)
	if err != nil {
		w.Fatal(err)
	}
	return n
}

func TestCampaignFollowsItsAudience(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	a := w.instance("a")
	preset := w.audience("VIP", allow("u1", "u2"))
	id := w.active(w.planFor(preset, a))
	draft := w.campaign(w.planFor(preset, a))
	own := w.active(w.plan(a)) // names none
	w.count(id, "p.visible_users = '{u1,u2}' AND p.audience_id IS NULL", 30)
	ids := one[[]int64](w, `SELECT array_agg(p.id ORDER BY p.due_at) FROM posts p JOIN occurrences o ON o.id = p.occurrence_id WHERE o.campaign_id = $1`, id)
	byHand, tried := ids[1], ids[2]
	if err := w.retitle(byHand, "mine", "tester"); err != nil {
		t.Fatal(err)
	}
	w.exec(`UPDATE posts SET attempt = 1 WHERE id = $1`, tried)

	use, err := w.db.AudienceUse(t.Context(), preset, 10)
	if err != nil || len(use.Campaigns) != 2 {
		t.Fatalf("%+v, %v", use, err)
	}
	if c := use.Campaigns[0]; c.ID != id || !c.Same || c.Approved || c.Posts != 28 || c.Kept != 2 || c.NextAt.IsZero() {
		t.Errorf("%+v", c)
	}
	if n, posts := use.Follow(); n != 2 || posts != 28 {
		t.Errorf("%d campaigns, %d posts", n, posts)
	}
	if _, err := w.db.ChangeAudience(t.Context(), preset, 0, "", setVisibility(allow("u3")), person); moment.KindOf(err) != moment.Invalid {
		t.Fatalf("nobody said what becomes of the campaigns: %v", err)
	}
	// Another name or order touches nobody.
	if _, err := w.db.ChangeAudience(t.Context(), preset, 0, "", func(a *moment.Audience) error { a.Name = "vip"; a.Visibility = allow("u2", "u1"); return nil }, person); err != nil {
		t.Fatal(err)
	}
	before := w.readCampaign(id)
	if n := w.changeTo(preset, allow("u3"), person); n != (moment.Rewritten{Campaigns: 2}) {
		t.Errorf("rewrote %+v", n)
	}
	w.count(id, "p.visible_users = '{u3}' AND p.state = 'scheduled'", 28)
	w.count(id, fmt.Sprintf("p.id IN (%d, %d) AND p.visible_users = '{u1,u2}'", byHand, tried), 2)
	w.count(own, "p.visibility = 'everyone'", 30)
	if c := w.readCampaign(draft); !c.Plan.Visibility.Equal(allow("u3")) || c.State != moment.CampaignDraft {
		t.Errorf("the draft: %+v %s", c.Plan.Visibility, c.State)
	}
	after := w.readCampaign(id)
	if after.Version == before.Version || after.SpecVersion == before.SpecVersion || after.Plan.Hash() == before.Plan.Hash() {
		t.Errorf("version %d, spec %d, hash %s as before", after.Version, after.SpecVersion, after.Plan.Hash())
	}
	if n := one[int](w, `SELECT count(*) FROM events WHERE campaign_id = $1 AND action = 'campaign_audience' AND detail->'changed' ? 'visibility'`, id); n != 1 {
		t.Errorf("%d audit lines", n)
	}

	// Left alone, it goes its own way from then on.
	if n, err := w.db.ChangeAudience(t.Context(), preset, 0, moment.LeavePosts, setVisibility(allow("u4")), person); err != nil || n != (moment.Rewritten{}) {
		t.Fatalf("%+v, %v", n, err)
	}
	if n := w.changeTo(preset, allow("u5"), person); n != (moment.Rewritten{}) {
		t.Errorf("rewrote %+v of those that were left", n)
	}
	w.count(id, "p.visible_users = '{u3}'", 28)
	if use, err := w.db.AudienceUse(t.Context(), preset, 10); err != nil || len(use.Campaigns) != 2 || use.Campaigns[0].Same {
		t.Errorf("%+v, %v", use.Campaigns, err)
	}
	// Naming the audience once more copies it as it is.
	err = w.db.ChangeCampaign(t.Context(), id, 0, func(c *moment.Campaign) error { c.Plan.Visibility = moment.Visibility{}; return nil }, tester)
	if err != nil {
		t.Fatal(err)
	}
	w.count(id, "p.visible_users = '{u5}'", 28)
	w.consistent()
}

// The visible set is part of what was approved: a preset that changes makes the
// approval void, for whatever has not left.
func TestChangeOfAnAudienceVoidsTheCampaignsApproval(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.exec(`UPDATE settings SET require_approval = true`)
	preset := w.audience("VIP", allow("u1"))
	id := w.active(w.planFor(preset, w.instance("a")))
	seen := w.readCampaign(id)
	w.actOn(id, moment.CampaignAct{Action: moment.CampaignApprove})
	w.count(id, "p.state = 'scheduled' AND p.visible_users = '{u1}'", 30)
	if use, err := w.db.AudienceUse(t.Context(), preset, 10); err != nil || !use.Campaigns[0].Approved {
		t.Fatalf("%+v, %v", use, err)
	}
	// One has begun when the preset changes: it leaves as it was approved.
	w.exec(`UPDATE posts SET due_at = now() - interval '1 second', miss_at = NULL WHERE id = (SELECT id FROM posts ORDER BY due_at LIMIT 1)`)
	if err := w.db.RefreshAll(t.Context()); err != nil {
		t.Fatal(err)
	}
	begun := w.claimed()
	w.changeTo(preset, allow("u1", "stranger"), who("changer"))
	if got := one[string](w, `SELECT state::text || visible_users::text || (approved_hash IS NOT NULL) FROM posts WHERE id = $1`, begun.ID); got != "sending{u1}true" {
		t.Errorf("the post that has begun: %s", got)
	}
	if c := w.readCampaign(id); c.State != moment.CampaignPending || c.Approved() {
		t.Fatalf("%s, approved %v", c.State, c.Approved())
	}
	w.count(id, "p.state = 'pending' AND p.campaign_held AND p.visible_users = '{u1,stranger}' AND p.approved_hash IS NULL", 29)
	w.exec(`UPDATE posts SET due_at = now() - interval '1 second', miss_at = NULL WHERE state = 'pending'`)
	w.record(begun, moment.ActSucceed, "13367129656153944194")
	w.exec(`UPDATE instances SET next_slot_at = now()`)
	if err := w.db.RefreshAll(t.Context()); err != nil {
		t.Fatal(err)
	}
	if c := w.claim(10); len(c) != 0 {
		t.Fatalf("claimed %d posts whose audience nobody approved", len(c))
	}
	// Neither who changed the preset nor who looked at it before may approve that.
	approve := moment.CampaignAct{Action: moment.CampaignApprove, Missed: moment.MissedSkip}
	if err := w.db.ActOnCampaign(t.Context(), id, 0, approve, who("changer")); moment.KindOf(err) != moment.Forbidden {
		t.Errorf("who changed the preset approved: %v", err)
	}
	if err := w.db.ActOnCampaign(t.Context(), id, seen.Version, approve, who("boss")); moment.KindOf(err) != moment.Precondition {
		t.Errorf("an approval of what was there before: %v", err)
	}
	// Back as it was: what was approved is what would leave, so it does.
	w.changeTo(preset, allow("u1"), who("changer"))
	if c := w.readCampaign(id); c.State != moment.CampaignActive || !c.Approved() {
		t.Errorf("%s, approved %v", c.State, c.Approved())
	}
	w.count(id, "p.visible_users <> '{u1}'", 0)
}

// A preset changes in the middle of an expansion: what was made before and what
// is made after are the same in the end, and nothing unapproved is scheduled.
func TestAudienceChangesWhileAnOccurrenceIsHalfMade(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.exec(`UPDATE settings SET require_approval = true`)
	preset := w.audience("VIP", allow("u1"))
	w.exec(`INSERT INTO instances (wc_id, groups) SELECT 'crowd-' || g, '{crowd}' FROM generate_series(1, 150) g`)
	p := w.planFor(preset)
	p.Groups, p.Schedule = []string{"crowd"}, "cron 0 9 * * 1 zone=Asia/Shanghai"
	id := w.campaign(p)
	hash := one[string](w, `SELECT plan_hash FROM campaigns`)
	w.exec(`UPDATE campaigns SET state = 'active', approved_hash = $1, needs_approval = true, expanded_until = now(), expand_at = now()`, hash)
	for one[int64](w, `SELECT count(*) FROM occurrences WHERE cursor > 0`) == 0 {
		if _, _, err := w.db.Expand(t.Context(), replica); err != nil {
			t.Fatal(err)
		}
	}
	w.count(id, "p.state = 'scheduled'", 100)
	w.changeTo(preset, allow("u2"), person)
	w.expandAll()
	w.count(id, "p.state <> 'pending' OR p.visible_users <> '{u2}'", 0)
	w.actOn(id, moment.CampaignAct{Action: moment.CampaignApprove})
	w.expandAll()
	w.count(id, "p.state <> 'scheduled' OR p.visible_users <> '{u2}' OR p.approved_hash IS NULL", 0)
	w.consistent()
}

// Two replicas expand, campaigns are made, given the preset and taken from it,
// approved and paused, while it changes: nothing deadlocks, and in the end every
// campaign that was not left equals it, and its posts equal the campaign.
func TestAudienceChangesWhileReplicasExpand(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.exec(`UPDATE settings SET require_approval = true`)
	insts := []int64{w.instance("a"), w.instance("b"), w.instance("c")}
	preset := w.audience("VIP", allow("u0"))
	var ids []int64
	for range 4 {
		p := w.planFor(preset, insts...)
		p.Schedule = "cron 0 9 * * 1 zone=Asia/Shanghai"
		ids = append(ids, w.active(p))
	}
	change := func(audience int64, v moment.Visibility) error {
		_, err := w.db.ChangeAudience(t.Context(), audience, 0, moment.RewritePosts, setVisibility(v), who("changer"))
		return err
	}
	var wg, ticks sync.WaitGroup
	stop := make(chan struct{})
	for n := range 2 {
		ticks.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				if _, _, err := w.db.Expand(t.Context(), fmt.Sprint("replica", n)); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Go(func() {
		for n := range 15 {
			// Makes replicas look at the campaigns once more.
			if _, err := w.db.pool.Exec(t.Context(), `UPDATE instances SET groups = ARRAY[$1]`, fmt.Sprint("g", n)); err != nil {
				t.Error(err)
			}
			if err := change(preset, allow(fmt.Sprint("u", n))); err != nil {
				t.Error(err)
			}
		}
	})
	wg.Go(func() {
		for range 15 {
			for _, id := range ids {
				err := w.db.ActOnCampaign(t.Context(), id, 0, moment.CampaignAct{Action: moment.CampaignApprove}, who("boss"))
				if err != nil {
					t.Error(err)
				}
			}
		}
	})
	wg.Go(func() {
		for n := range 15 {
			err := w.db.ChangeCampaign(t.Context(), ids[n%4], 0, func(c *moment.Campaign) error {
				c.Plan.AudienceID = preset * int64(n/4%2)
				if c.Plan.Visibility = allow("own"); c.Plan.AudienceID != 0 {
					c.Plan.Visibility = moment.Visibility{}
				}
				return nil
			}, who("editor"))
			if err != nil {
				t.Error(err)
			}
			made := &moment.Campaign{Name: "more", Colour: "#1f6feb", Plan: w.planFor(preset, insts[0])}
			if _, err := w.db.CreateCampaign(t.Context(), made, "", tester); err != nil {
				t.Error(err)
			}
		}
	})
	wg.Wait()
	close(stop)
	ticks.Wait()
	w.expandAll()
	if n := one[int](w, `
		SELECT count(*) FROM campaigns c JOIN audiences a ON a.id = c.audience_id
		WHERE (c.plan->'visibility'->>'users') IS DISTINCT FROM to_json(a.visible_users)::text`); n != 0 {
		t.Errorf("%d campaigns are not what their audience is", n)
	}
	for _, id := range ids {
		c := w.readCampaign(id)
		w.count(id, fmt.Sprintf("p.visible_users <> '{%s}' OR (p.state = 'scheduled') <> %v", c.Plan.Visibility.Users[0], c.State == moment.CampaignActive), 0)
		if c.State == moment.CampaignActive && !c.Approved() {
			t.Errorf("campaign %d sends what nobody approved", id)
		}
	}
	w.consistent()
}

// What a campaign has, or had, keeps its audience.
func TestAnAudienceOfACampaignIsNotDeleted(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	preset := w.audience("VIP", allow("u"))
	a := w.instance("a")
	id := w.active(w.planFor(preset, a))
	if v, err := w.db.Audience(t.Context(), preset); err != nil || v.Live != 1 {
		t.Fatalf("%+v, %v", v, err)
	}
	if err := w.db.DeleteAudience(t.Context(), preset, 0, person); moment.KindOf(err) != moment.Conflict {
		t.Errorf("in use: %v", err)
	}
	w.actOn(id, moment.CampaignAct{Action: moment.CampaignStop, Reason: "over"})
	if err := w.db.DeleteAudience(t.Context(), preset, 0, person); err != nil {
		t.Fatal(err)
	}
	if v, err := w.db.Audience(t.Context(), preset); err != nil || !v.Archived {
		t.Errorf("a campaign names it: %+v, %v", v, err)
	}
	_, err := w.db.CreateCampaign(t.Context(), &moment.Campaign{Name: "x", Colour: "#1f6feb", Plan: w.planFor(preset, a)}, "", tester)
	if moment.KindOf(err) != moment.Invalid {
		t.Errorf("a deleted audience: %v", err)
	}
	made, _, err := w.db.CloneCampaign(t.Context(), id, "again", moment.RequestKey{}, tester)
	if err != nil {
		t.Fatal(err)
	}
	if c := w.readCampaign(made); c.Plan.AudienceID != 0 || !c.Plan.Visibility.Equal(allow("u")) {
		t.Errorf("the copy: audience %d, %+v", c.Plan.AudienceID, c.Plan.Visibility)
	}
}

// Both halves of a campaign that was split go on with its audience.
func TestSplitAndCloneKeepTheAudience(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	preset := w.audience("VIP", allow("u1"))
	id := w.active(w.planFor(preset, w.instance("a")))
	next, err := w.db.SplitCampaign(t.Context(), id, 0, w.occurrences(id)[10].ID, func(c *moment.Campaign) error { c.Name = "later"; return nil }, tester)
	if err != nil {
		t.Fatal(err)
	}
	made, _, err := w.db.CloneCampaign(t.Context(), id, "copy", moment.RequestKey{}, tester)
	if err != nil {
		t.Fatal(err)
	}
	if n := w.changeTo(preset, allow("u2"), person); n.Campaigns != 3 {
		t.Errorf("rewrote %+v", n)
	}
	w.count(id, "p.visible_users = '{u2}'", 10)
	w.count(next, "p.visible_users = '{u2}'", 20)
	if c := w.readCampaign(made); c.Plan.AudienceID != preset || !c.Plan.Visibility.Equal(allow("u2")) {
		t.Errorf("the copy: %+v", c.Plan)
	}
	d, err := w.db.CampaignDifference(t.Context(), id, func(c *moment.Campaign) error {
		c.Plan.AudienceID, c.Plan.Visibility = w.audience("other", allow("u9")), moment.Visibility{}
		return nil
	}, tester)
	if err != nil || d.Counts[moment.SettleRewrite] != 10 {
		t.Errorf("%+v, %v", d, err)
	}
}

func TestCampaignsAreMadeOnceForAKey(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	a := w.instance("a")
	key := func(name, body string) moment.RequestKey {
		return moment.RequestKey{Actor: "token:1", Key: name, Hash: sha256.Sum256([]byte(body))}
	}
	add := func(k moment.RequestKey) (int64, bool, error) {
		return w.db.CreateCampaignOnce(t.Context(), &moment.Campaign{Name: "autumn", Colour: "#1f6feb", Plan: w.plan(a)}, "", k, tester)
	}
	var wg sync.WaitGroup
	ids := make([]int64, 8)
	for n := range ids {
		wg.Go(func() {
			var err error
			if ids[n], _, err = add(key("k", "x")); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	for _, id := range ids {
		if id != ids[0] {
			t.Fatalf("campaigns %v for one key", ids)
		}
	}
	if _, replayed, err := add(key("k", "x")); !replayed || err != nil {
		t.Errorf("replayed %v, %v", replayed, err)
	}
	if _, _, err := add(key("k", "another")); moment.KindOf(err) != moment.Conflict {
		t.Errorf("the key for another request: %v", err)
	}
	if _, _, err := w.db.AddPosts(t.Context(), []*moment.Post{}, key("k", "posts")); moment.KindOf(err) != moment.Conflict {
		t.Errorf("the key for posts: %v", err)
	}
	one1, _, err := w.db.CloneCampaign(t.Context(), ids[0], "copy", key("c", "x"), tester)
	if err != nil {
		t.Fatal(err)
	}
	if again, replayed, err := w.db.CloneCampaign(t.Context(), ids[0], "copy", key("c", "x"), tester); again != one1 || !replayed || err != nil {
		t.Errorf("clone %d, %v, %v", again, replayed, err)
	}
	if n := one[int](w, `SELECT count(*) FROM campaigns`); n != 2 {
		t.Errorf("%d campaigns", n)
	}
	// What failed left the key free; what was deleted since is not made again.
	bad := &moment.Campaign{Name: "", Colour: "#1f6feb", Plan: w.plan(a)}
	if _, _, err := w.db.CreateCampaignOnce(t.Context(), bad, "", key("f", "x"), tester); moment.KindOf(err) != moment.Invalid {
		t.Errorf("no name: %v", err)
	}
	if _, replayed, err := add(key("f", "x")); replayed || err != nil {
		t.Errorf("replayed %v, %v", replayed, err)
	}
	if err := w.db.DeleteCampaign(t.Context(), ids[0], 0, tester); err != nil {
		t.Fatal(err)
	}
	if _, _, err := add(key("k", "x")); moment.KindOf(err) != moment.Conflict {
		t.Errorf("a campaign that was deleted: %v", err)
	}
}

// A change of the preset waits for a step of the expansion, and the campaign's
// own change for the preset: neither is lost, whoever comes first.
func TestAudienceChangeWaitsForTheStep(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	preset := w.audience("VIP", allow("u1"))
	id := w.active(w.planFor(preset, w.instance("a")))
	tx, err := w.db.pool.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = tx.Rollback(t.Context()) }()
	var held int64 // as a step holds it
	if err := tx.QueryRow(t.Context(), `SELECT id FROM campaigns WHERE id = $1 FOR NO KEY UPDATE`, id).Scan(&held); err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	wg.Go(func() {
		if _, err := w.db.ChangeAudience(t.Context(), preset, 0, moment.RewritePosts, setVisibility(allow("u2")), person); err != nil {
			t.Error(err)
		}
	})
	w.waitForBlocked(t.Context(), 1)
	// The audience is not locked while the change waits: campaigns are made from it meanwhile, and found.
	late := w.campaign(w.planFor(preset, w.instance("b")))
	if err := tx.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	wg.Wait()
	w.count(id, "p.visible_users = '{u2}'", 30)
	if c := w.readCampaign(late); !c.Plan.Visibility.Equal(allow("u2")) {
		t.Errorf("made meanwhile: %+v", c.Plan.Visibility)
	}
}
