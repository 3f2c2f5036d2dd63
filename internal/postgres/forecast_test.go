package postgres

import (
	"fmt"
	"net/url"
	"testing"
	"time"

	"pgregory.net/rapid"

	"momentcast/internal/moment"
	"momentcast/internal/postgres/postgrestest"
)

// simulated is a database whose now() is what the test says: a function of that
// name that the engine's own statements find before the server's.
type simulated struct {
	*world
	now time.Time
}

func newSimulated(t *testing.T) *simulated {
	t.Helper()
	address := postgrestest.URL(t)
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	q := u.Query()
	q.Set("search_path", "clock,pg_catalog,public")
	u.RawQuery = q.Encode()
	db, err := Open(u.String(), Options{EngineConns: 2, Conns: 2})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(db.Close)
	s := &simulated{world: &world{t, db}}
	for _, q := range []string{
		`CREATE SCHEMA clock`,
		`CREATE TABLE clock.hand (at timestamptz NOT NULL)`,
		`INSERT INTO clock.hand VALUES ('2026-01-01')`,
		`CREATE FUNCTION clock.now() RETURNS timestamptz LANGUAGE sql STABLE AS 'SELECT at FROM clock.hand'`,
	} {
		s.exec(q)
	}
	return s
}

func (s *simulated) set(at time.Time) {
	s.now = at
	s.exec(`UPDATE clock.hand SET at = $1`, at)
}

// run lets the engine work its queue off: it claims, sends and misses what it
// may, and the clock goes on to when it may do more. It returns when nothing is
// left that time alone would move.
func (s *simulated) run() {
	for n := 0; ; n++ {
		s.Helper()
		if n > 5000 {
			s.Fatal("the engine does not come to an end")
		}
		if _, err := s.db.Miss(s.Context(), replica); err != nil {
			s.Fatal(err)
		}
		claims := s.claim(4)
		begun := s.begin(claims...)
		if len(begun) != len(claims) {
			s.Fatalf("%d of %d claims begun", len(begun), len(claims))
		}
		for _, c := range claims {
			s.record(c, moment.ActSucceed, fmt.Sprint(c.ID))
		}
		if len(claims) > 0 {
			continue
		}
		next := one[*time.Time](s.world, `
			SELECT min(at) FROM (
				SELECT greatest(ready_at, now()) FROM instances WHERE ready_at IS NOT NULL
				UNION ALL SELECT miss_at FROM posts WHERE state = 'scheduled' AND miss_at > now()) x(at)`)
		if next == nil {
			return
		}
		s.set(*next)
	}
}

// The forecast is made of the rows as they are; then the engine itself works
// them off on a clock that a test can move, in whatever zone, over changes of
// the clocks and of the day. Every post leaves when and why the forecast said.
func TestForecastIsWhatTheEngineDoes(t *testing.T) {
	t.Parallel()
	s := newSimulated(t)
	ends := map[string]int{}
	rapid.Check(t, func(rt *rapid.T) {
		// Around the days on which clocks change: Berlin and New York in spring and
		// autumn, Cairo and Santiago at midnight; and an ordinary one.
		start := rapid.SampledFrom([]string{"2026-03-28", "2026-10-24", "2026-03-07", "2026-10-31", "2026-04-23", "2026-09-05", "2026-11-23"}).Draw(rt, "day")
		day, err := time.Parse(time.DateOnly, start)
		if err != nil {
			rt.Fatal(err)
		}
		s.exec(`TRUNCATE posts, first_comments, instances CASCADE`)
		s.set(day.Add(time.Duration(rapid.IntRange(0, 24*60-1).Draw(rt, "start")) * time.Minute))
		s.exec(`UPDATE settings SET min_gap = $1, daily_cap = $2, quiet_hours = $3, online_age = '72 hours'`,
			time.Duration(rapid.SampledFrom([]int{0, 15, 400}).Draw(rt, "gap"))*time.Minute,
			rapid.IntRange(0, 3).Draw(rt, "cap"),
			rapid.SampledFrom([]string{"", "23:00-07:00", "01:30-02:30", "09:30-18:00", "22:00-00:30"}).Draw(rt, "quiet"))
		var ids []int64
		for i := range rapid.IntRange(1, 3).Draw(rt, "instances") {
			ids = append(ids, s.anInstance(rt, i))
		}
		for range rapid.IntRange(1, 14).Draw(rt, "posts") {
			s.add(&moment.Post{
				InstanceID:  rapid.SampledFrom(ids).Draw(rt, "of"),
				DueAt:       s.now.Add(time.Duration(rapid.IntRange(-8, 96).Draw(rt, "due")) * 30 * time.Minute),
				MaxLateness: time.Duration(rapid.SampledFrom([]int{0, 0, 10, 60, 24 * 60}).Draw(rt, "limit")) * time.Minute,
			})
		}
		if err := s.db.RefreshAll(t.Context()); err != nil {
			rt.Fatal(err)
		}
		o, err := s.db.Outlook(t.Context(), ids)
		if err != nil {
			rt.Fatal(err)
		}
		s.run()
		for _, id := range ids {
			for _, d := range o.Forecast(id) {
				s.compare(rt, id, d)
				ends[fmt.Sprintf("%s missed=%v known=%v", d.Why, d.Missed, !d.At.IsZero())]++
			}
		}
	})
	t.Log("forecast and found so:", ends)
}

func (s *simulated) anInstance(rt *rapid.T, n int) int64 {
	minutes := func(name string, of ...int) time.Duration {
		return time.Duration(rapid.SampledFrom(of).Draw(rt, name)) * time.Minute
	}
	const q = `
		INSERT INTO instances (wc_id, w_id, online, online_since, time_zone, min_gap, daily_cap, quiet_hours, matured_at,
			next_slot_at, slot_reason, sent_on, sent_count, paused, paused_reason, paused_at)
		SELECT $1, 'w', $2, $3, $4, $5, $6, $7, $8, $9, $10, ($11::timestamptz AT TIME ZONE $4)::date, $12, $13, 'x', CASE WHEN $13 THEN now() END
		RETURNING id`
	var matured *time.Time
	if rapid.Bool().Draw(rt, "by hand") {
		matured = new(s.now.Add(minutes("matures", -60, 300)))
	}
	return one[int64](s.world, q, fmt.Sprint("i", n),
		rapid.IntRange(0, 9).Draw(rt, "online") > 0,
		s.now.Add(-72*time.Hour).Add(minutes("since", -100, -100, 90, 1500)),
		rapid.SampledFrom([]string{"Asia/Shanghai", "Europe/Berlin", "America/New_York", "Africa/Cairo", "America/Santiago", "Asia/Kolkata"}).Draw(rt, "zone"),
		rapid.SampledFrom([]*time.Duration{nil, new(time.Duration(0)), new(time.Hour)}).Draw(rt, "own gap"),
		rapid.SampledFrom([]*int{nil, new(0), new(1)}).Draw(rt, "own cap"),
		rapid.SampledFrom([]*string{nil, nil, new(""), new("22:00-21:00")}).Draw(rt, "own quiet"),
		matured,
		s.now.Add(minutes("slot", -600, 20, 200)),
		rapid.SampledFrom([]string{"gap", "backoff"}).Draw(rt, "slot reason"),
		s.now.Add(minutes("sent on", 0, -1440)),
		rapid.IntRange(0, 3).Draw(rt, "sent"),
		rapid.IntRange(0, 9).Draw(rt, "paused") == 0)
}

// compare holds what was foretold of a post against what became of it.
func (s *simulated) compare(rt rapid.TB, instance int64, d moment.Departure) {
	state := one[string](s.world, `SELECT state::text FROM posts WHERE id = $1`, d.ID)
	sent := one[*time.Time](s.world, `SELECT intent_at FROM posts WHERE id = $1`, d.ID)
	held := one[string](s.world, `SELECT coalesce(held_for, '') FROM posts WHERE id = $1`, d.ID)
	fail := func(what string) {
		rt.Helper()
		rt.Fatalf("instance %d, post %d due %v: forecast %v %q missed %v; it is %s, sent %v, held for %q: %s",
			instance, d.ID, d.DueAt.UTC(), d.At.UTC(), d.Why, d.Missed, state, sent, held, what)
	}
	switch {
	case d.Missed:
		if state != "missed" {
			fail("not missed")
		}
	case d.At.IsZero():
		// It waits for a change that does not come; a limit may run out over it.
		if state != "scheduled" && (state != "missed" || d.MissAt.IsZero()) {
			fail("not waiting")
		}
	case state != "sent" || !sent.Equal(d.At):
		fail("not sent then")
	case held != string(d.Why) && !s.missedAt(instance, d.At):
		fail("not for that reason")
	}
}

// missedAt: another post of the instance was given up at that very instant. What
// holds the instance was judged anew then, when the last hold was just over.
func (s *simulated) missedAt(instance int64, at time.Time) bool {
	return one[bool](s.world, `SELECT EXISTS (SELECT FROM posts WHERE instance_id = $1 AND state = 'missed' AND miss_at = $2)`, instance, at)
}
