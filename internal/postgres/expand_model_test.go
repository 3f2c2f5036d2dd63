package postgres

import (
	"fmt"
	"math/rand/v2"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"momentcast/internal/moment"
	"momentcast/internal/schedule"
)

// Whatever is done to a campaign, in whatever order, by callers that die before
// its posts have followed and with steps of two replicas in between: in the end
// its posts are what its plan makes of nothing, but for those that somebody
// edited or that have left, and these are as they were.
func TestExpansionForgetsItsHistory(t *testing.T) {
	t.Parallel()
	for seed := range uint64(6) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			m := newExpandModel(t, seed)
			for range 14 {
				m.act()
				for range m.r.IntN(4) {
					m.step()
				}
			}
			m.expandAll()
			m.check()
		})
	}
}

type expandModel struct {
	*world
	r     *rand.Rand
	other *DB
	id    int64
	left  map[int64]string // what posts were when they left
	sent  int64
	log   []string
}

func newExpandModel(t *testing.T, seed uint64) *expandModel {
	t.Helper()
	w := newWorld(t)
	other, err := Open(w.db.pool.Config().ConnString(), Options{EngineConns: 1, Conns: 2})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(other.Close)
	m := &expandModel{world: w, r: rand.New(rand.NewPCG(seed, 1)), other: other, left: map[int64]string{}, sent: 13367129656153944194 >> 8}
	w.exec(`INSERT INTO instances (wc_id, name, w_id, online, online_since, groups)
		SELECT 'm-' || g, 'Anna ' || g, 'w-' || g, true, now() - interval '100 hours', CASE WHEN g % 3 > 0 THEN '{east}'::text[] ELSE '{}' END FROM generate_series(1, 170) g`)
	p := w.plan()
	p.Groups, p.Schedule = []string{"east"}, "cron 0 9 * * 1,4 zone=Asia/Shanghai"
	m.id = w.campaign(p)
	m.change(func(c *moment.Campaign) error {
		return c.Act(moment.CampaignAct{Action: moment.CampaignActivate}, moment.Approver{Origin: who("boss")}, time.Now())
	})
	return m
}

// step lets both replicas take one step at the same time.
func (m *expandModel) step() {
	m.Helper()
	var replicas sync.WaitGroup
	for _, db := range []*DB{m.db, m.other} {
		replicas.Go(func() {
			if _, _, err := db.Expand(m.Context(), replica); err != nil {
				m.Error(err)
			}
		})
	}
	replicas.Wait()
}

// change commits a change of the campaign, whose caller dies right then.
func (m *expandModel) change(do func(*moment.Campaign) error) {
	m.Helper()
	m.commit(func(tx pgx.Tx, c *moment.Campaign) error {
		if err := do(c); err != nil {
			return err
		}
		return storeCampaign(m.Context(), tx, c, true)
	})
}

func (m *expandModel) commit(do func(pgx.Tx, *moment.Campaign) error) {
	m.Helper()
	err := pgx.BeginFunc(m.Context(), m.db.pool, func(tx pgx.Tx) error {
		c, _, err := lockCampaign(m.Context(), tx, m.id, 0)
		if err != nil {
			return err
		}
		return do(tx, c)
	})
	if err != nil && moment.KindOf(err) != moment.Conflict { // what may not be done now is not done
		m.Fatal(err)
	}
}

// act does one thing that people do.
func (m *expandModel) act() {
	m.Helper()
	n := m.r.IntN(1000)
	pick := func(what string, do func()) { m.log = append(m.log, what); do() }
	switch m.r.IntN(8) {
	case 0:
		pick("text", func() {
			m.change(func(c *moment.Campaign) error {
				c.Plan.Card.Title = fmt.Sprint("title ", n, " of {{instance.name}}")
				return nil
			})
		})
	case 1:
		pick("schedule", func() {
			m.change(func(c *moment.Campaign) error {
				c.Plan.Schedule = fmt.Sprintf("cron %d 9 * * %d,%d zone=Asia/Shanghai", n%2*30, n%7, (n+3)%7)
				return nil
			})
		})
	case 2:
		pick("spread", func() {
			m.change(func(c *moment.Campaign) error { c.Plan.Stagger.Spread = moment.Seconds(n); return nil })
		})
	case 3:
		pick("pause or resume", func() {
			m.change(func(c *moment.Campaign) error {
				a := moment.CampaignAct{Action: moment.CampaignPause, Reason: "wait"}
				if c.State == moment.CampaignPaused {
					a = moment.CampaignAct{Action: moment.CampaignResume}
				}
				return c.Act(a, moment.Approver{Origin: who("boss")}, time.Now())
			})
		})
	case 4:
		pick("groups", func() {
			m.exec(`UPDATE instances SET groups = CASE WHEN groups = '{}' THEN '{east}'::text[] ELSE '{}' END WHERE id % 37 = $1`, n%37)
		})
	case 5:
		pick("occurrence", m.actOnOccurrence)
	case 6:
		pick("by hand", m.editByHand)
	case 7:
		pick("leave", m.leave)
	}
}

func (m *expandModel) actOnOccurrence() {
	m.Helper()
	ids := one[[]int64](m.world, `SELECT coalesce(array_agg(id ORDER BY id), '{}') FROM occurrences WHERE open AND planned_at > now()`)
	if len(ids) == 0 {
		return
	}
	id := ids[m.r.IntN(len(ids))]
	act := []moment.OccurrenceAct{{Skip: true}, {Revive: true}, {Follow: true},
		{Move: time.Now().AddDate(0, 0, 2+m.r.IntN(20)).Format(time.DateOnly) + "T15:00"},
		{Card: &moment.Card{Content: "own", Title: "own {{n}}", URL: "https://example.com/own", ThumbURL: "https://example.com/o.jpg"}}}[m.r.IntN(5)]
	m.commit(func(tx pgx.Tx, c *moment.Campaign) error {
		o, err := lockOccurrence(m.Context(), tx, m.id, id)
		if err != nil || o.Reason == moment.WhyScheduleChanged {
			return err
		}
		what, err := changeOccurrence(c, o, act, time.Now())
		if err != nil {
			return err
		}
		return storeOccurrence(m.Context(), tx, o, what == "follow")
	})
}

func (m *expandModel) anyPost() int64 {
	m.Helper()
	ids := one[[]int64](m.world, `SELECT coalesce(array_agg(id ORDER BY id), '{}') FROM posts WHERE state IN ('scheduled', 'pending') AND NOT by_hand AND attempt = 0`)
	if len(ids) == 0 {
		return 0
	}
	return ids[m.r.IntN(len(ids))]
}

func (m *expandModel) editByHand() {
	m.Helper()
	if id := m.anyPost(); id != 0 {
		err := m.db.EditPost(m.Context(), id, 0, func(p *moment.Post) error { p.Card.Content = "mine"; return nil }, tester)
		if err != nil {
			m.Fatal(err)
		}
		m.left[id] = m.words(id)
	}
}

// leave sends a post of the campaign now, if it may be sent.
func (m *expandModel) leave() {
	m.Helper()
	id := m.anyPost()
	if id == 0 || m.state(id) != moment.Scheduled {
		return
	}
	m.exec(`UPDATE posts SET due_at = now() - interval '1 second', miss_at = NULL WHERE id = $1`, id)
	if err := m.db.RefreshAll(m.Context()); err != nil {
		m.Fatal(err)
	}
	c := m.claimed()
	m.sent++
	if c.ID != id || m.record(c, moment.ActSucceed, strconv.FormatInt(m.sent, 10)) {
		m.Fatalf("claimed %d, want %d", c.ID, id)
	}
	m.left[id] = m.words(id)
}

// words is what a post says, to whom, and when.
func (m *expandModel) words(id int64) string {
	m.Helper()
	const q = `SELECT concat_ws('|', content, title, description, url, thumb_url, due_at, instance_id, occurrence_id, CASE WHEN state = 'sent' THEN version END) FROM posts WHERE id = $1`
	return one[string](m.world, q, id)
}

// check compares what is stored with the plan made of nothing.
func (m *expandModel) check() {
	m.Helper()
	for id, was := range m.left {
		if is := m.words(id); is != was {
			m.Errorf("post %d was %q and is %q after %v", id, was, is, m.log)
		}
	}
	tx, err := m.db.pool.Begin(m.Context())
	if err != nil {
		m.Fatal(err)
	}
	defer func() { _ = tx.Rollback(m.Context()) }()
	c, now, err := lockCampaign(m.Context(), tx, m.id, 0)
	if err != nil {
		m.Fatal(err)
	}
	x := &expansion{tx: tx, c: c, now: now}
	if err := x.readTargets(m.Context()); err != nil {
		m.Fatal(err)
	}
	m.checkNames(c, now)
	made := 0
	for _, o := range m.occurrences(m.id) {
		made += m.checkOccurrence(x, o.Occurrence)
	}
	m.Logf("%d posts as planned, %d kept, after %v", made, len(m.left), m.log)
}

// checkNames compares the occurrences with the schedule.
func (m *expandModel) checkNames(c *moment.Campaign, now time.Time) {
	m.Helper()
	s, err := scheduleOf(m.Context(), m.db.pool, c.Plan.Schedule)
	if err != nil {
		m.Fatal(err)
	}
	want := map[string]bool{}
	for o := range s.Between(now, c.ExpandedUntil) {
		want[o.Name.String()] = true
	}
	for _, o := range m.occurrences(m.id) {
		if has := o.Reason != moment.WhyScheduleChanged; has != want[o.Wall] {
			m.Errorf("%s is %s (%s), in the schedule: %v; after %v", o.Wall, o.State, o.Reason, want[o.Wall], m.log)
		}
		delete(want, o.Wall)
	}
	if len(want) > 0 {
		m.Errorf("%v are not there after %v", want, m.log)
	}
}

func (m *expandModel) checkOccurrence(x *expansion, o moment.Occurrence) (made int) {
	m.Helper()
	o.Settled, o.Cursor = 0, 0
	want := map[int64]*moment.Post{}
	changes, _ := x.c.Settle(&o, x.targets, func(int64) bool { return true }, nil, x.now)
	for _, ch := range changes {
		want[ch.Post.InstanceID] = ch.Post
	}
	const q = `SELECT p.by_hand OR p.attempt > 0, ` + postCols + ` FROM posts p WHERE p.occurrence_id = $1`
	rows, err := x.tx.Query(m.Context(), q, o.ID)
	if err != nil {
		m.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		p, kept := &moment.Post{}, false
		if err := rows.Scan(append([]any{&kept}, postDest(p)...)...); err != nil {
			m.Fatal(err)
		}
		is := want[p.InstanceID]
		delete(want, p.InstanceID)
		switch {
		case kept:
		case is == nil:
			m.Errorf("%s: instance %d has a post that is not planned, after %v", o.Wall, p.InstanceID, m.log)
		case p.Card != is.Card || !p.DueAt.Equal(is.DueAt) || p.State != is.State:
			m.Errorf("%s: instance %d has %s %v %q, want %s %v %q, after %v", o.Wall, p.InstanceID, p.State, p.DueAt, p.Card.Title, is.State, is.DueAt, is.Card.Title, m.log)
		default:
			made++
		}
	}
	for instance := range want {
		m.Errorf("%s: instance %d has no post, after %v", o.Wall, instance, m.log)
	}
	return made
}

// A change of the work calendar moves the campaigns that follow it with the
// next tick, and no others.
func TestWorkCalendarReplansCampaigns(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	a := w.instance("a")
	p := w.plan(a)
	other := w.active(p)
	p.Schedule = "cron 0 9 * * * zone=Asia/Shanghai rule=skip_holidays region=cn"
	id := w.active(p)
	w.expandAll()
	var day schedule.Date
	for _, o := range w.occurrences(id) {
		if o.State == moment.OccurrencePlanned {
			wall, err := schedule.ParseWall(o.Wall)
			if err != nil {
				t.Fatal(err)
			}
			day = wall.Date()
		}
	}
	on := fmt.Sprintf("o.wall LIKE '%s%%'", day)
	w.count(id, on, 1)
	versions := one[string](w, `SELECT planned_at::text FROM campaigns WHERE id = $1`, other)
	change := schedule.Edit{Put: []schedule.Row{{Date: day, Name: "feast", Kind: schedule.Off}}}
	if _, err := w.db.ChangeWorkCalendar(t.Context(), "cn", 0, edit(change), lin); err != nil {
		t.Fatal(err)
	}
	w.expandAll()
	w.count(id, on, 0)
	w.count(other, on, 1)
	if is := one[string](w, `SELECT planned_at::text FROM campaigns WHERE id = $1`, other); is != versions {
		t.Error("a campaign of no region was planned again")
	}
	if _, err := w.db.ChangeWorkCalendar(t.Context(), "cn", 0, edit(schedule.Edit{Remove: []schedule.Date{day}}), lin); err != nil {
		t.Fatal(err)
	}
	w.expandAll()
	w.count(id, on, 1)
}

// New zone data moves instants and keeps wall times: occurrences that were
// planned by other data, and one that a person moved, go where the clock of
// today shows their time, and so do their posts.
func TestZoneDataMovesOccurrences(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.active(w.plan(w.instance("a")))
	occs := w.occurrences(id)
	moved := occs[7].At.Add(8 * time.Hour).In(time.FixedZone("", 8*3600)).Format("2006-01-02T15:04")
	if err := w.db.ChangeOccurrence(t.Context(), id, occs[7].ID, 0, moment.OccurrenceAct{Move: moved}, tester); err != nil {
		t.Fatal(err)
	}
	w.expandAll()
	right := one[string](w, `SELECT md5(string_agg(wall || planned_at || at, ',' ORDER BY wall)) FROM occurrences`)
	// As if the zone had been an hour off when they were planned, but for what fires today.
	w.exec(`UPDATE occurrences SET planned_at = planned_at + interval '1 hour', at = at + interval '1 hour' WHERE number > 2`)
	w.exec(`UPDATE posts p SET due_at = o.at, miss_at = o.at + p.max_lateness FROM occurrences o WHERE o.id = p.occurrence_id`)
	w.count(id, "p.due_at <> o.planned_at AND o.number <> 8", 0)
	w.exec(`UPDATE campaigns SET planned_at = now() - interval '1 hour', expand_at = now()`)
	w.expandAll()
	if is := one[string](w, `SELECT md5(string_agg(wall || planned_at || at, ',' ORDER BY wall)) FROM occurrences`); is != right {
		t.Error("occurrences are not where the zone data of now has them")
	}
	w.count(id, "p.due_at <> o.at", 0)
	w.count(id, "true", 30)
}
