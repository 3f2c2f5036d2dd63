package postgres

import (
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"momentcast/internal/moment"
)

// A campaign's posts are found by its occurrences, however many posts there are
// besides, in every state and by every page.
func TestCampaignsPostsAreReadByTheirOccurrences(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.exec(`ALTER TABLE posts SET (autovacuum_enabled = false)`)
	w.fill(20, 2000)
	w.finish(40_000)
	id := w.active(w.plan(1, 2, 3))
	w.expandAll()
	w.exec(`VACUUM ANALYZE`)
	whole := int(w.posts(id, "true"))
	for _, q := range []moment.PostQuery{
		{CampaignID: id},
		{CampaignID: id, Ascending: true},
		{CampaignID: id, States: []moment.State{moment.Scheduled, moment.Claimed, moment.Sending}, Ascending: true},
		{CampaignID: id, States: []moment.State{moment.Sent}},
		{CampaignID: id, InstanceID: 2},
	} {
		q.Limit = 50
		l := postList{q}
		err := w.db.byIndex(w.Context(), func(tx pgx.Tx) error {
			for name, read := range map[string]func(bool, int) (string, []any){"page": l.sql, "count": l.count} {
				sql, args := read(false, 51)
				p := w.explain(tx.Conn(), sql, args...)
				if n := p.touched(); n > 6*whole+10*51 || strings.Contains(p.show(""), "Seq Scan on posts") {
					t.Errorf("%s of %v touches %d rows for a campaign of %d:\n%s", name, q, n, whole, p.show(""))
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		views, _, err := w.db.Posts(w.Context(), q)
		if err != nil {
			t.Fatal(err)
		}
		if sent := len(q.States) == 1; len(views) == 0 != sent {
			t.Errorf("%v has %d posts", q, len(views))
		}
		for _, v := range views {
			if v.CampaignID != id || v.CampaignName != "autumn" || v.Colour != "#1f6feb" || v.OccurrenceID == 0 {
				t.Errorf("%v shows a post of %+v", q, v.Membership)
			}
		}
	}
	if n, err := w.db.CountPosts(w.Context(), moment.PostQuery{CampaignID: id}, 10_000); err != nil || n != whole {
		t.Errorf("counted %d of %d, %v", n, whole, err)
	}
	today := time.Now().Truncate(24 * time.Hour)
	days, err := w.db.Calendar(w.Context(), moment.CalendarQuery{Days: []time.Time{today, today.AddDate(0, 0, 60)}, CampaignID: id, PerDay: 200})
	if err != nil || len(days) != 1 || days[0].Total != whole || len(days[0].Posts) != whole {
		t.Errorf("the calendar has %+v of %d, %v", days[0].Total, whole, err)
	}
}

// What waits for its campaign says so and names it; so does what a stop cancelled.
func TestPostsSayThatTheirCampaignHoldsThem(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.fill(2, 2)
	id := w.active(w.plan(1))
	holds := func(want moment.HoldReason) {
		t.Helper()
		w.expandAll()
		views, _, err := w.db.Posts(w.Context(), moment.PostQuery{CampaignID: id, Ascending: true, Limit: 5})
		if err != nil || len(views) == 0 {
			t.Fatalf("%d posts, %v", len(views), err)
		}
		for _, v := range views {
			got := moment.Hold{}
			if v.Hold != nil {
				got = *v.Hold
			}
			if got.Reason != want || want != "" && got.CampaignID != id {
				t.Errorf("a %s post is held by %q of %d, want %q", v.State, got.Reason, got.CampaignID, want)
			}
		}
	}
	w.exec(`UPDATE instances SET hold_reason = NULL`)
	holds("")
	w.actOn(id, moment.CampaignAct{Action: moment.CampaignPause, Reason: "stock"})
	holds(moment.HeldCampaignPaused)
	w.exec(`UPDATE settings SET require_approval = true`)
	w.actOn(id, moment.CampaignAct{Action: moment.CampaignResume})
	holds(moment.HeldCampaignPending)
	w.actOn(id, moment.CampaignAct{Action: moment.CampaignStop, Reason: "over"})
	holds(moment.HeldCampaignStopped)
}
