package postgres

import (
	"fmt"
	"testing"

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
		if _, err := w.db.Expand(w.Context(), replica); err != nil {
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
