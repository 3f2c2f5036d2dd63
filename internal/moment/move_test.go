package moment

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestMove(t *testing.T) {
	t.Parallel()
	at := func(clock string) time.Time { return shanghai("2026-11-24 " + clock) }
	due := func(id int64, clock string) Due {
		return Due{ID: id, DueAt: at(clock), MissAt: at(clock).Add(30 * time.Minute)}
	}
	day := 24 * time.Hour
	for name, tt := range map[string]struct {
		change func(*Outlook, *Instance)
		queue  []Due
		move   Due
		why    HoldReason
		free   string
		late   []int64
		missed bool
	}{
		"free":                    {move: due(9, "10:00"), free: "24 10:00"},
		"into a gap":              {queue: []Due{due(1, "10:00")}, move: due(9, "10:05"), why: HeldGap, free: "24 10:15"},
		"just before another":     {queue: []Due{due(1, "10:00")}, move: due(9, "09:50"), late: []int64{1}, free: "24 10:15"},
		"onto itself":             {queue: []Due{due(9, "10:00")}, move: due(9, "10:05"), free: "24 10:05"},
		"between two":             {queue: []Due{due(1, "10:00"), due(2, "10:20")}, move: due(9, "10:15"), late: []int64{2}, free: "24 10:35"},
		"over the day's cap":      {queue: []Due{due(1, "08:00"), due(2, "09:00"), due(3, "10:00")}, move: due(9, "12:00"), why: HeldQuietHours, missed: true, free: "25 07:00"},
		"into the night":          {move: due(9, "23:30"), why: HeldQuietHours, missed: true, free: "25 07:00"},
		"before the clock":        {move: due(9, "06:00"), missed: true, free: "24 07:30"},
		"before it is old enough": {change: func(_ *Outlook, i *Instance) { i.OnlineSince = at("09:00").Add(-2 * day) }, move: due(9, "10:00"), why: HeldOnlineAge, missed: true, free: "25 09:00"},
		"offline":                 {change: func(_ *Outlook, i *Instance) { i.Online = false }, queue: []Due{due(1, "10:00")}, move: due(9, "10:05"), why: HeldGap, free: "24 10:15"},
		"all is paused":           {change: func(o *Outlook, i *Instance) { o.Situation.Paused, i.Paused = true, true }, move: due(9, "10:05"), free: "24 10:05"},
	} {
		i := Instance{ID: 7, WID: "w", TimeZone: "Asia/Shanghai", Online: true, OnlineSince: at("00:00").Add(-30 * day)}
		o := Outlook{Situation: Situation{Now: at("07:30")}, Defaults: Pacing{MinGap: 15 * time.Minute, DailyCap: 3, QuietHours: "23:00-07:00", OnlineAge: 72 * time.Hour}}
		if tt.change != nil {
			tt.change(&o, &i)
		}
		o.Instances = map[int64]*Prospect{7: {Instance: i, Queue: tt.queue}}
		m := o.Move(7, tt.move)
		var late []int64
		for _, d := range m.Delayed {
			late = append(late, d.Is.ID)
		}
		free := ""
		if !m.Free.IsZero() {
			free = m.Free.In(tt.move.DueAt.Location()).Format("02 15:04")
		}
		if m.Departure.Why != tt.why || free != tt.free || m.Departure.Missed != tt.missed || cmp.Diff(tt.late, late) != "" || m.Fits() != (free == tt.move.DueAt.Format("02 15:04")) {
			t.Errorf("%s: held by %q, missed %v, free %s, delayed %v, fits %v", name, m.Departure.Why, m.Departure.Missed, free, late, m.Fits())
		}
	}
}

// A time that is over is said to be, and the way out lies ahead.
func TestMoveIntoThePast(t *testing.T) {
	t.Parallel()
	now := shanghai("2026-11-24 10:00")
	o := Outlook{Situation: Situation{Now: now}, Instances: map[int64]*Prospect{7: {Instance: Instance{ID: 7, WID: "w", TimeZone: "Asia/Shanghai", Online: true, OnlineSince: now.Add(-time.Hour)}}}}
	if m := o.Move(7, Due{ID: 9, DueAt: now.Add(-time.Hour)}); !m.Past || m.Fits() || !m.Free.Equal(now) {
		t.Errorf("%+v", m)
	}
	if m := o.Move(8, Due{ID: 9, DueAt: now}); !m.Free.IsZero() {
		t.Errorf("an instance that is not there: %+v", m)
	}
}
