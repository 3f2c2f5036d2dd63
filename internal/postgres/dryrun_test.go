package postgres

import (
	"strconv"
	"testing"
	"time"

	"momentcast/internal/moment"
)

// What the dry run foretells is what the engine then does, post by post: gaps,
// a cap, quiet hours, an account that is not old enough yet, lateness limits.
func TestDryRunForetellsTheEngine(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	gap, capped, quiet, young := w.instance("gap"), w.instance("capped"), w.instance("quiet"), w.instance("young")
	w.exec(`UPDATE instances SET min_gap = '400 milliseconds' WHERE id = $1`, gap)
	w.exec(`UPDATE instances SET daily_cap = 2 WHERE id = $1`, capped)
	local := time.Now().In(time.FixedZone("", 8*3600))
	w.exec(`UPDATE instances SET quiet_hours = $2 WHERE id = $1`, quiet, local.Add(-time.Hour).Format("15:04")+"-"+local.Add(time.Hour).Format("15:04"))
	w.exec(`UPDATE instances SET matured_at = now() + interval '1500 milliseconds' WHERE id = $1`, young)
	base := time.Now().Add(700 * time.Millisecond)
	for _, i := range []int64{gap, gap, gap, gap, capped, capped, capped, quiet, young, young} {
		w.add(&moment.Post{InstanceID: i, DueAt: base, MaxLateness: 3 * time.Second})
	}
	o, _, err := func() (*moment.Outlook, map[int64]moment.DryRunPost, error) {
		tx, err := w.db.pool.Begin(t.Context())
		if err != nil {
			return nil, nil, err
		}
		defer func() { _ = tx.Rollback(t.Context()) }()
		return wholeOutlook(t.Context(), tx)
	}()
	if err != nil {
		t.Fatal(err)
	}
	foretold := map[int64]moment.Departure{}
	for _, i := range []int64{gap, capped, quiet, young} {
		for _, d := range o.Forecast(i) {
			foretold[d.ID] = d
		}
	}
	r, err := w.db.DryRun(t.Context(), 0, time.Hour)
	if err != nil || r.Posts != 10 || r.OnTime != 7 || r.Late != 1 || r.Missed != 2 {
		t.Errorf("foretold %+v, %v; want 7 within a second, 1 late, 2 missed", r, err)
	}
	w.runEngine(4500 * time.Millisecond)
	for id, d := range foretold {
		state := w.state(id)
		if d.Missed {
			w.want(id, moment.Missed)
			continue
		}
		if state != moment.Sent {
			t.Errorf("post %d is %s, foretold to leave %v after %v (%s)", id, state, d.Late(), d.DueAt, d.Why)
			continue
		}
		if off := one[time.Time](w, `SELECT intent_at FROM posts WHERE id = $1`, id).Sub(d.At); off < -10*time.Millisecond || off > 600*time.Millisecond {
			t.Errorf("post %d left %v from the time foretold", id, off)
		}
	}
}

// runEngine claims, begins and records as a dispatcher does, for so long.
func (w *world) runEngine(span time.Duration) {
	w.Helper()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	n := int64(13367129656153944194 >> 8)
	for end := time.Now().Add(span); time.Now().Before(end); <-tick.C {
		for _, c := range w.claim(10) {
			if len(w.begin(c)) == 1 {
				n++
				w.record(c, moment.ActSucceed, strconv.FormatInt(n, 10))
			}
		}
		if _, err := w.db.Miss(w.Context(), replica); err != nil {
			w.Fatal(err)
		}
	}
}
