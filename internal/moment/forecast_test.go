package moment

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// What needs no database to be told; that the rest is what the engine does,
// post by post, is tested with the engine (package postgres).
func TestForecast(t *testing.T) {
	t.Parallel()
	now := shanghai("2026-11-23 12:00")
	def := Pacing{MinGap: 15 * time.Minute, DailyCap: 3, QuietHours: "23:00-07:00", OnlineAge: 72 * time.Hour}
	due := func(id int64, at string, limit time.Duration) Due {
		d := Due{ID: id, DueAt: shanghai(at)}
		if limit > 0 {
			d.MissAt = d.DueAt.Add(limit)
		}
		return d
	}
	type line struct {
		ID     int64
		At     string
		Why    HoldReason
		Missed bool
	}
	for _, tc := range []struct {
		name  string
		inst  Instance
		s     Situation
		queue []Due
		want  []line
	}{
		{"one after another, then the cap, then the quiet night", Instance{}, Situation{}, []Due{
			due(4, "2026-11-23 12:00", 0), due(1, "2026-11-23 12:00", 0), due(2, "2026-11-23 12:10", 0), due(3, "2026-11-23 18:00", 0)},
			[]line{{1, "2026-11-23 12:00", "", false}, {4, "2026-11-23 12:15", HeldGap, false}, {2, "2026-11-23 12:30", HeldGap, false},
				{3, "2026-11-24 07:00", HeldQuietHours, false}}},
		{"a missed one holds up nobody", Instance{}, Situation{}, []Due{
			due(1, "2026-11-23 12:00", 0), due(2, "2026-11-23 12:05", 10*time.Minute), due(3, "2026-11-23 12:06", 0)},
			[]line{{1, "2026-11-23 12:00", "", false}, {2, "2026-11-23 12:15", HeldGap, true}, {3, "2026-11-23 12:15", HeldGap, false}}},
		{"not stored yet: after the stored, in their own order", Instance{}, Situation{}, []Due{
			due(-1, "2026-11-23 13:00", 0), due(-2, "2026-11-23 13:00", 0), due(9, "2026-11-23 13:00", 0)},
			[]line{{9, "2026-11-23 13:00", "", false}, {-1, "2026-11-23 13:15", HeldGap, false}, {-2, "2026-11-23 13:30", HeldGap, false}}},
		{"one under way counts and makes a gap", Instance{InFlight: 5, SentOn: "2026-11-23", SentCount: 1}, Situation{}, []Due{
			due(6, "2026-11-23 12:00", 0), due(7, "2026-11-23 13:00", 0)},
			[]line{{6, "2026-11-23 12:15", HeldGap, false}, {7, "2026-11-24 07:00", HeldQuietHours, false}}},
		{"everything paused: the resume decides on limits", Instance{}, Situation{Paused: true}, []Due{
			due(1, "2026-11-23 10:00", time.Hour), due(2, "2026-11-23 13:00", time.Hour)},
			[]line{{1, "", HeldPaused, false}, {2, "", HeldPaused, false}}},
		{"instance paused: limits go on", Instance{Paused: true}, Situation{}, []Due{
			due(1, "2026-11-23 10:00", time.Hour), due(2, "2026-11-23 13:00", time.Hour)},
			[]line{{1, "", HeldInstancePaused, true}, {2, "", HeldInstancePaused, false}}},
		{"offline", Instance{MissingSince: now}, Situation{}, []Due{due(1, "2026-11-25 10:00", 0)}, []line{{1, "", HeldOffline, false}}},
		{"gateway down: what is due waits, the rest is told as if it came back now", Instance{}, Situation{GatewayDown: true}, []Due{
			due(1, "2026-11-23 10:00", time.Hour), due(2, "2026-11-23 12:00", time.Hour), due(3, "2026-11-23 12:05", 0)},
			[]line{{1, "", HeldGateway, true}, {2, "", HeldGateway, false}, {3, "2026-11-23 12:15", HeldGap, false}}},
	} {
		i := tc.inst
		i.WID, i.TimeZone, i.Online, i.OnlineSince = "w", "Asia/Shanghai", true, shanghai("2026-11-01 00:00")
		tc.s.Now = now
		before := slices.Clone(tc.queue)
		var got []line
		for _, d := range i.Forecast(def, tc.queue, tc.s) {
			l := line{ID: d.ID, Why: d.Why, Missed: d.Missed}
			if !d.At.IsZero() {
				l.At = d.At.In(now.Location()).Format("2006-01-02 15:04")
			}
			got = append(got, l)
		}
		if diff := cmp.Diff(tc.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tc.name, diff)
		}
		if diff := cmp.Diff(before, tc.queue); diff != "" {
			t.Errorf("%s: the caller's queue was changed:\n%s", tc.name, diff)
		}
	}
}

// A cut queue says nothing of what lies behind the cut.
func TestOutlookTellsNothingBehindTheCut(t *testing.T) {
	t.Parallel()
	at := shanghai("2026-11-23 12:00")
	o := Outlook{Situation: Situation{Now: at}, Instances: map[int64]*Prospect{7: {
		Instance: Instance{WID: "w", Online: true, OnlineSince: at.Add(-time.Hour), TimeZone: "Asia/Shanghai"},
		Queue:    []Due{{ID: 1, DueAt: at}}, CutAt: at.Add(time.Hour)}}}
	got := o.Forecast(7, Due{ID: -1, DueAt: at.Add(time.Minute)}, Due{ID: -2, DueAt: at.Add(time.Hour)})
	if len(got) != 2 || got[0].ID != 1 || got[1].ID != -1 {
		t.Errorf("forecast %+v, want 1 and -1", got)
	}
	if o.Forecast(8) != nil {
		t.Error("a forecast of an instance that is not there")
	}
}

// 5 000 posts of one instance over 30 days.
func BenchmarkForecast(b *testing.B) {
	now := shanghai("2026-11-23 12:00")
	i := Instance{WID: "w", Online: true, OnlineSince: now.Add(-100 * time.Hour), TimeZone: "Asia/Shanghai"}
	def := Pacing{MinGap: 5 * time.Minute, DailyCap: 200, QuietHours: "23:00-07:00", OnlineAge: 72 * time.Hour}
	queue := make([]Due, 5000)
	for k := range queue {
		queue[k] = Due{ID: int64(k + 1), DueAt: now.Add(time.Duration(k*7919%43200) * time.Minute), MissAt: now.Add(1000 * time.Hour)}
	}
	for b.Loop() {
		i.Forecast(def, queue, Situation{Now: now})
	}
}
