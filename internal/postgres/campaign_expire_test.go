package postgres

import (
	"testing"
	"time"

	"momentcast/internal/moment"
)

// approved is a campaign that needed an approval, and got it.
func (w *world) approved() int64 {
	w.Helper()
	w.exec(`UPDATE settings SET require_approval = true`)
	id := w.active(w.plan(w.instance("a")))
	w.actOn(id, moment.CampaignAct{Action: moment.CampaignApprove})
	w.count(id, "p.state = 'scheduled' AND p.approved_until = (SELECT approved_until FROM campaigns)", 30)
	return id
}

func TestApprovalOfACampaignEnds(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.approved()
	c := w.readCampaign(id)
	if left := time.Until(c.ApprovedUntil); left < 29*24*time.Hour || left > 31*24*time.Hour {
		t.Errorf("it holds for %s", left)
	}
	// The replica looks at the campaign when its approval ends, and not an hour later.
	w.exec(`UPDATE campaigns SET approved_until = now() + interval '5 minutes', expand_at = now()`)
	w.expandAll()
	if !one[bool](w, `SELECT expand_at <= approved_until FROM campaigns`) {
		t.Error("nobody looks at the campaign when its approval ends")
	}
	w.exec(`UPDATE campaigns SET approved_until = now() - interval '1 second', expand_at = now()`)
	w.expandAll()
	w.count(id, "p.state = 'pending' AND p.campaign_held AND p.approved_hash IS NULL AND p.approved_until IS NULL", 30)
	if c = w.readCampaign(id); c.State != moment.CampaignPending || !c.ApprovalOver || c.Approved() || c.ApprovedBy != "boss" {
		t.Errorf("%s, over %v, approved %v by %q", c.State, c.ApprovalOver, c.Approved(), c.ApprovedBy)
	}
	if got := one[string](w, `SELECT (detail->>'from') || (detail->>'to') FROM events WHERE action = 'campaign_expire'`); got != "activepending" {
		t.Errorf("the trail says %s", got)
	}
	// A pause and its end give the approval no second life.
	w.actOn(id, moment.CampaignAct{Action: moment.CampaignPause, Reason: "x"})
	w.actOn(id, moment.CampaignAct{Action: moment.CampaignResume})
	w.count(id, "p.state = 'pending'", 30)
	// Nor does an edit that comes back to what was approved.
	for _, title := range []string{"other", "title"} {
		if err := w.db.ChangeCampaign(t.Context(), id, 0, func(c *moment.Campaign) error { c.Plan.Card.Title = title; return nil }, tester); err != nil {
			t.Fatal(err)
		}
	}
	w.count(id, "p.state = 'pending'", 30)
	w.actOn(id, moment.CampaignAct{Action: moment.CampaignApprove})
	w.count(id, "p.state = 'scheduled' AND p.approved_hash IS NOT NULL AND p.approved_until > now()", 30)
	w.consistent()
}

// With every replica late, the claim and the sweep of posts still let nothing
// out; what they hold comes back with the campaign's approval, not one by one.
func TestEndedApprovalHoldsPostsBeforeTheExpansionDoes(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.approved()
	const all = "p.state = 'pending' AND p.campaign_held AND p.approved_hash IS NULL"
	w.exec(`UPDATE posts SET approved_until = now() - interval '1 second'`)
	w.exec(`UPDATE campaigns SET approved_until = now() - interval '1 second', expand_at = now() + interval '1 hour'`)
	w.exec(`UPDATE posts SET due_at = now() - interval '1 second', miss_at = NULL WHERE id = (SELECT min(id) FROM posts)`)
	if err := w.db.RefreshAll(t.Context()); err != nil {
		t.Fatal(err)
	}
	if c := w.claim(10); len(c) != 0 {
		t.Fatalf("claimed %d posts whose approval is over", len(c))
	}
	w.count(id, all, 1)
	if n, err := w.db.ExpireApprovals(t.Context(), replica); err != nil || n != 29 {
		t.Errorf("%d expired, %v", n, err)
	}
	w.count(id, all, 30)
	if posts, _, err := w.db.Posts(t.Context(), moment.PostQuery{States: []moment.State{moment.Pending}, Ruling: true, Limit: 50}); err != nil || len(posts) != 0 {
		t.Errorf("%d posts wait for rulings of their own, %v", len(posts), err)
	}
	w.exec(`UPDATE campaigns SET expand_at = now()`)
	w.expandAll()
	w.count(id, all, 30)
	w.actOn(id, moment.CampaignAct{Action: moment.CampaignApprove, Missed: moment.MissedLatest})
	w.count(id, "p.state = 'scheduled' AND p.approved_until > now()", 30)
	w.consistent()
}

// Approving once more before the end moves the end, for posts that are made and
// for those to come.
func TestApprovalOfACampaignIsRenewed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.approved()
	w.exec(`UPDATE settings SET approval_expires = '90 days'`)
	hand := one[int64](w, `SELECT max(id) FROM posts`)
	if _, err := w.db.ActOnPost(t.Context(), hand, 0, moment.Act{Action: moment.ActReschedule, DueAt: time.Now().Add(72 * time.Hour)}, tester); err != nil {
		t.Fatal(err)
	}
	w.actOn(id, moment.CampaignAct{Action: moment.CampaignApprove})
	w.count(id, "p.state = 'scheduled' AND p.approved_until > now() + interval '89 days'", 29)
	w.count(id, "p.state = 'scheduled' AND p.approved_until = (SELECT approved_until FROM campaigns)", 29)
	if n := one[int](w, `SELECT count(*) FROM events WHERE action = 'renew' AND from_state = 'scheduled' AND to_state = 'scheduled'`); n != 29 {
		t.Errorf("%d audit lines", n)
	}
	w.exec(`UPDATE settings SET approval_expires = '0'`)
	w.actOn(id, moment.CampaignAct{Action: moment.CampaignApprove})
	w.count(id, "p.state = 'scheduled' AND p.approved_until IS NULL", 29)
	// What was moved by hand has the approval that it had.
	w.count(id, "p.by_hand AND p.state = 'scheduled' AND p.approved_until < now() + interval '31 days'", 1)
}

// While nobody asks for approvals none ends, and when somebody does again the
// old one is not taken for a new one.
func TestApprovalsThatNobodyAsksForDoNotEnd(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.approved()
	w.exec(`UPDATE settings SET require_approval = false`)
	w.exec(`UPDATE posts SET approved_until = now() - interval '1 second'`)
	w.exec(`UPDATE campaigns SET approved_until = now() - interval '1 second', expand_at = now()`)
	w.expandAll()
	w.count(id, "p.state = 'scheduled'", 30)
	if one[bool](w, `SELECT expand_at <= now() + interval '5 seconds' FROM campaigns`) {
		t.Error("an approval that does not matter keeps the replicas busy")
	}
	w.exec(`UPDATE settings SET require_approval = true`)
	w.exec(`UPDATE campaigns SET expand_at = now()`)
	w.expandAll()
	w.count(id, "p.state = 'pending' AND p.campaign_held", 30)
}
