package postgres

import (
	"testing"
	"time"

	"momentcast/internal/moment"
)

// What the dry run foretells is what the engine then does, post by post: gaps,
// a cap, quiet hours, an account that is not old enough yet, lateness limits.
// The clock is the test's, so the times are the same to the microsecond, however
// busy the machine is.
func TestDryRunForetellsTheEngine(t *testing.T) {
	t.Parallel()
	s := newSimulated(t)
	s.set(time.Date(2026, 11, 23, 12, 0, 0, 0, time.FixedZone("", 8*3600))) // noon: no day ends meanwhile
	s.exec(`UPDATE settings SET min_gap = '0', daily_cap = 0, quiet_hours = '', online_age = '0'`)
	gap, capped, quiet, young := s.instance("gap"), s.instance("capped"), s.instance("quiet"), s.instance("young")
	s.exec(`UPDATE instances SET min_gap = '400 milliseconds' WHERE id = $1`, gap)
	s.exec(`UPDATE instances SET daily_cap = 2 WHERE id = $1`, capped)
	s.exec(`UPDATE instances SET quiet_hours = '11:00-13:00' WHERE id = $1`, quiet)
	s.exec(`UPDATE instances SET matured_at = $2 WHERE id = $1`, young, s.now.Add(1500*time.Millisecond))
	for _, i := range []int64{gap, gap, gap, gap, capped, capped, capped, quiet, young, young} {
		s.add(&moment.Post{InstanceID: i, DueAt: s.now.Add(700 * time.Millisecond), MaxLateness: 3 * time.Second})
	}
	o, err := s.db.Outlook(t.Context(), []int64{gap, capped, quiet, young})
	if err != nil {
		t.Fatal(err)
	}
	r, err := s.db.DryRun(t.Context(), 0, time.Hour)
	if err != nil || r.Posts != 10 || r.OnTime != 7 || r.Late != 1 || r.Missed != 2 {
		t.Errorf("foretold %+v, %v; want 7 within a second, 1 late, 2 missed", r, err)
	}
	s.run()
	for _, i := range []int64{gap, capped, quiet, young} {
		for _, d := range o.Forecast(i) {
			s.compare(t, i, d)
		}
	}
	for state, want := range map[moment.State]int64{moment.Sent: 8, moment.Missed: 2} {
		if n := one[int64](s.world, `SELECT count(*) FROM posts WHERE state::text = $1`, string(state)); n != want {
			t.Errorf("%d posts are %s, want %d", n, state, want)
		}
	}
}
