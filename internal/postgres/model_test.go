package postgres

import (
	"fmt"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"pgregory.net/rapid"

	"momentcast/internal/moment"
	"momentcast/internal/postgres/postgrestest"
)

// modelRun is one random history: whatever may move ready_at, in any order.
type modelRun struct {
	*world
	instances []int64
	posts     []int64
	claims    []moment.Claim // in flight
	moments   int
}

// After every step each instance's ready_at and hold_reason are what the
// domain's own gate says of the rows as they are. The two definitions were
// written apart, in SQL and in Go; this holds them together.
func TestReadyAtEqualsItsDefinition(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		w := &world{t, openFresh(t)}
		m := &modelRun{world: w}
		w.exec(`UPDATE settings SET min_gap = '10 minutes', daily_cap = 2, quiet_hours = $1, online_age = '72 hours'`,
			rapid.SampledFrom([]string{"", "23:00-07:00", "09:30-18:00"}).Draw(rt, "quiet"))
		for i := range 3 {
			m.instances = append(m.instances, w.instance(fmt.Sprint("i", i)))
			w.exec(`UPDATE instances SET time_zone = $1, min_gap = $2, daily_cap = $3, quiet_hours = $4 WHERE id = $5`,
				rapid.SampledFrom([]string{"Asia/Shanghai", "UTC", "America/Los_Angeles", "Asia/Kolkata"}).Draw(rt, "zone"),
				rapid.SampledFrom([]*time.Duration{nil, new(time.Duration(0)), new(time.Hour)}).Draw(rt, "gap"),
				rapid.SampledFrom([]*int{nil, new(0), new(1)}).Draw(rt, "cap"),
				rapid.SampledFrom([]*string{nil, new(""), new("11:00-13:00"), new("22:00-21:00")}).Draw(rt, "own quiet"), m.instances[i])
		}
		if err := w.db.RefreshAll(t.Context()); err != nil {
			rt.Fatal(err)
		}
		steps := m.steps()
		names := make([]string, 0, len(steps))
		for _, s := range steps {
			names = append(names, s.name)
		}
		for range rapid.IntRange(5, 30).Draw(rt, "length") {
			name := rapid.SampledFrom(names).Draw(rt, "step")
			for _, s := range steps {
				if s.name == name {
					s.do(rt)
				}
			}
			m.check(rt, name)
		}
	})
}

// openFresh gives each history a database of its own, closed with it.
func openFresh(t *testing.T) *DB {
	t.Helper()
	db, err := Open(postgrestest.URL(t), Options{EngineConns: 2, Conns: 2})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(db.Close)
	return db
}

type step struct {
	name string
	do   func(*rapid.T)
}

func (m *modelRun) steps() []step {
	inst := func(rt *rapid.T) int64 { return rapid.SampledFrom(m.instances).Draw(rt, "instance") }
	span := func(rt *rapid.T) time.Duration {
		return time.Duration(rapid.IntRange(-90, 90).Draw(rt, "minutes")) * time.Minute
	}
	onPost := func(a func(rt *rapid.T) moment.Act) func(*rapid.T) {
		return func(rt *rapid.T) {
			if len(m.posts) == 0 {
				return
			}
			id := rapid.SampledFrom(m.posts).Draw(rt, "post")
			_, err := m.db.ActOnPost(m.Context(), id, 0, a(rt), moment.Origin{Actor: "ann", Source: "api"})
			if k := moment.KindOf(err); err != nil && k != moment.Conflict {
				rt.Fatalf("act on %d: %v", id, err)
			}
		}
	}
	byID := func(a moment.Action) func(*rapid.T) {
		return onPost(func(*rapid.T) moment.Act { return moment.Act{Action: a} })
	}
	return []step{
		{"enqueue", func(rt *rapid.T) { m.posts = append(m.posts, m.post(inst(rt), span(rt))) }},
		{"enqueue more", func(rt *rapid.T) { m.posts = append(m.posts, m.post(inst(rt), span(rt))) }},
		{"cancel", byID(moment.ActCancel)},
		{"send now", byID(moment.ActSendNow)},
		{"retry", byID(moment.ActRetry)},
		{"not sent", byID(moment.ActNotSent)},
		{"leave", byID(moment.ActLeave)},
		{"reopen", byID(moment.ActReopen)},
		{"reschedule", onPost(func(rt *rapid.T) moment.Act {
			return moment.Act{Action: moment.ActReschedule, DueAt: time.Now().Add(span(rt))}
		})},
		{"claim", func(rt *rapid.T) {
			claims := m.claim(rapid.IntRange(1, 3).Draw(rt, "n"))
			begun := map[int64]bool{}
			for _, b := range m.begin(claims...) {
				begun[b.ID] = true
			}
			var rest []moment.Claim
			for _, c := range claims {
				if begun[c.ID] {
					m.claims = append(m.claims, c)
				} else {
					rest = append(rest, c)
				}
			}
			if err := m.db.Release(m.Context(), rest); err != nil {
				rt.Fatal(err)
			}
		}},
		{"complete", func(rt *rapid.T) {
			if len(m.claims) == 0 {
				return
			}
			m.moments++
			action := rapid.SampledFrom([]moment.Action{moment.ActSucceed, moment.ActSucceed, moment.ActFail, moment.ActRelease, moment.ActDoubt}).Draw(rt, "ends")
			m.record(m.claims[0], action, fmt.Sprint(m.moments))
			m.claims = m.claims[1:]
		}},
		{"lease lost", func(rt *rapid.T) {
			m.exec(`UPDATE posts SET lease_until = now() - interval '1 second' WHERE lease_until IS NOT NULL`)
			if _, _, err := m.db.Reap(m.Context(), replica); err != nil {
				rt.Fatal(err)
			}
			m.claims = nil
		}},
		{"read back", func(rt *rapid.T) {
			m.exec(`UPDATE posts SET reconcile_at = now() WHERE reconcile_at IS NOT NULL`)
			doubts, err := m.db.TakeDoubts(m.Context(), 1, time.Minute)
			if err != nil {
				rt.Fatal(err)
			}
			for _, d := range doubts {
				m.moments++
				if rapid.Bool().Draw(rt, "found") {
					err = m.db.FoundDoubt(m.Context(), d, moment.StoredMoment{ID: fmt.Sprint(m.moments), CreatedAt: time.Now()}, moment.ReadBack{Round: d.Round + 1}, replica)
				} else {
					err = m.db.KeepDoubt(m.Context(), d, moment.ReadBack{Round: d.Round + 1}, time.Minute, replica)
				}
				if err != nil {
					rt.Fatal(err)
				}
			}
		}},
		{"miss", func(rt *rapid.T) {
			if _, err := m.db.Miss(m.Context(), replica); err != nil {
				rt.Fatal(err)
			}
		}},
		{"who is online", func(rt *rapid.T) {
			var logins []moment.Login
			for i := range m.instances {
				if s := rapid.SampledFrom([]string{"", "1", "1", "2"}).Draw(rt, "session"); s != "" {
					logins = append(logins, moment.Login{WcID: fmt.Sprint("i", i), WID: s})
				}
			}
			m.exec(`UPDATE instances SET missing_since = missing_since - interval '1 minute'`)
			m.observe(logins...)
		}},
		{"pause an instance", func(rt *rapid.T) {
			id := inst(rt)
			m.setInstance(rt, id, `paused = NOT paused`)
		}},
		{"session forgotten", func(rt *rapid.T) { m.setInstance(rt, inst(rt), `w_id = ''`) }},
		{"matured by hand", func(rt *rapid.T) { m.setInstance(rt, inst(rt), `matured_at = now() + interval '20 minutes'`) }},
		{"pace", func(rt *rapid.T) { m.setInstance(rt, inst(rt), `min_gap = interval '5 minutes', daily_cap = 1`) }},
	}
}

// setInstance changes an instance as every change of one is made.
func (m *modelRun) setInstance(rt *rapid.T, id int64, assignment string) {
	err := pgx.BeginFunc(m.Context(), m.db.pool, func(tx pgx.Tx) error {
		if err := lock(m.Context(), tx, id); err != nil {
			return err
		}
		// Pausing voids ready_at in the same statement, as the constraint asks.
		if _, err := tx.Exec(m.Context(), `UPDATE instances SET ready_at = NULL, `+assignment+` WHERE id = $1`, id); err != nil {
			return err
		}
		return refresh(m.Context(), tx, id)
	})
	if err != nil {
		rt.Fatal(err)
	}
}

type modelRow struct {
	inst    moment.Instance
	ready   time.Time
	hold    string
	head    time.Time
	now     time.Time
	gate    time.Time
	gateWhy string
}

func (m *modelRun) check(rt *rapid.T, after string) {
	const q = `
		SELECT i.id, i.w_id, i.time_zone, i.online, i.online_since, i.missing_since, i.matured_at, i.paused, i.min_gap, i.daily_cap, i.quiet_hours,
			i.online_age, i.next_slot_at, i.slot_reason, to_char(i.sent_on, 'YYYY-MM-DD'), i.sent_count, coalesce(i.in_flight, 0),
			i.ready_at, coalesce(i.hold_reason, ''), h.due_at, now(), g.ready_at, coalesce(g.reason, '')
		FROM instances i CROSS JOIN settings s
		LEFT JOIN LATERAL (SELECT due_at FROM posts p WHERE p.instance_id = i.id AND p.state = 'scheduled' ORDER BY due_at, id LIMIT 1) h ON true
		CROSS JOIN LATERAL instance_gate(i, s, h.due_at) g
		ORDER BY i.id`
	rows, err := m.db.pool.Query(m.Context(), q)
	if err != nil {
		rt.Fatal(err)
	}
	all, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (r modelRow, err error) {
		var on *string
		err = row.Scan(&r.inst.ID, &r.inst.WID, &r.inst.TimeZone, &r.inst.Online, nullTime{&r.inst.OnlineSince}, nullTime{&r.inst.MissingSince}, nullTime{&r.inst.MaturedAt},
			&r.inst.Paused, &r.inst.Pacing.MinGap, &r.inst.Pacing.DailyCap, &r.inst.Pacing.QuietHours, &r.inst.Pacing.OnlineAge,
			nullTime{&r.inst.NextSlotAt}, &r.inst.SlotReason, &on, &r.inst.SentCount, &r.inst.InFlight,
			nullTime{&r.ready}, &r.hold, nullTime{&r.head}, &r.now, nullTime{&r.gate}, &r.gateWhy)
		if on != nil {
			r.inst.SentOn = *on
		}
		return r, err
	})
	if err != nil {
		rt.Fatal(err)
	}
	s, err := m.db.Settings(m.Context())
	if err != nil {
		rt.Fatal(err)
	}
	for _, r := range all {
		var want time.Time
		var why moment.HoldReason
		if !r.head.IsZero() {
			want, why = r.inst.Gate(s.Pacing, r.head, r.now)
		}
		if !r.gate.Equal(want) || r.gateWhy != string(why) {
			rt.Fatalf("after %s: instance %d: SQL says %v %q, Go says %v %q\n%+v due %v now %v", after, r.inst.ID, r.gate, r.gateWhy, want, why, r.inst, r.head, r.now)
		}
		// What is stored was computed a moment ago; cap and quiet hours are judged
		// by the time of day, so that an instant in the past may have moved on.
		if !r.ready.Equal(want) && (r.ready.IsZero() || r.ready.After(r.now)) {
			rt.Fatalf("after %s: instance %d: stored %v %q, definition %v %q", after, r.inst.ID, r.ready, r.hold, want, why)
		}
	}
}
