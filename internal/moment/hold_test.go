package moment

import (
	"testing"
	"time"
)

func shanghai(s string) time.Time {
	at, err := time.ParseInLocation("2006-01-02 15:04", s, time.FixedZone("CST", 8*3600))
	if err != nil {
		panic(err)
	}
	return at
}

func TestGate(t *testing.T) {
	t.Parallel()
	now := shanghai("2026-11-23 12:00")
	def := Pacing{MinGap: 15 * time.Minute, DailyCap: 3, QuietHours: "23:00-07:00", OnlineAge: 72 * time.Hour}
	ready := func(change func(*Instance)) *Instance {
		i := &Instance{WID: "w", TimeZone: "Asia/Shanghai", Online: true, OnlineSince: shanghai("2026-11-01 00:00")}
		if change != nil {
			change(i)
		}
		return i
	}
	for _, tc := range []struct {
		name string
		inst *Instance
		due  string
		at   string // "" = not as things stand
		why  HoldReason
	}{
		{"open", ready(nil), "2026-11-23 11:59", "2026-11-23 11:59", ""},
		{"offline", ready(func(i *Instance) { i.Online = false }), "2026-11-23 12:00", "", HeldOffline},
		{"missed in the list", ready(func(i *Instance) { i.MissingSince = now }), "2026-11-23 12:00", "", HeldOffline},
		{"never seen", ready(func(i *Instance) { i.OnlineSince = time.Time{} }), "2026-11-23 12:00", "", HeldOffline},
		{"no session known", ready(func(i *Instance) { i.WID = "" }), "2026-11-23 12:00", "", HeldOffline},
		{"paused", ready(func(i *Instance) { i.Paused = true }), "2026-11-23 12:00", "", HeldInstancePaused},
		{"in flight", ready(func(i *Instance) { i.InFlight = 7 }), "2026-11-23 12:00", "", HeldInFlight},
		{"71 h 59 min online", ready(func(i *Instance) { i.OnlineSince = shanghai("2026-11-20 12:01") }), "2026-11-23 12:00", "2026-11-23 12:01", HeldOnlineAge},
		{"72 h online", ready(func(i *Instance) { i.OnlineSince = shanghai("2026-11-20 12:00") }), "2026-11-23 12:00", "2026-11-23 12:00", ""},
		{"matured by hand", ready(func(i *Instance) {
			i.OnlineSince, i.MaturedAt = shanghai("2026-11-23 11:00"), shanghai("2026-11-23 11:30")
		}), "2026-11-23 12:00", "2026-11-23 12:00", ""},
		{"will mature by hand", ready(func(i *Instance) { i.MaturedAt = shanghai("2026-11-23 13:00") }), "2026-11-23 12:00", "2026-11-23 13:00", HeldOnlineAge},
		{"gap", ready(func(i *Instance) { i.NextSlotAt = shanghai("2026-11-23 12:10") }), "2026-11-23 12:00", "2026-11-23 12:10", HeldGap},
		{"gap over before it is due", ready(func(i *Instance) { i.NextSlotAt = shanghai("2026-11-23 12:10") }), "2026-11-23 12:30", "2026-11-23 12:30", ""},
		{"back-off", ready(func(i *Instance) { i.NextSlotAt, i.SlotReason = shanghai("2026-11-23 12:10"), HeldBackoff }), "2026-11-23 12:00", "2026-11-23 12:10", HeldBackoff},
		{"cap reached, and quiet until morning", ready(func(i *Instance) { i.SentOn, i.SentCount = "2026-11-23", 3 }), "2026-11-23 12:00", "2026-11-24 07:00", HeldQuietHours},
		{"cap reached", ready(func(i *Instance) {
			i.SentOn, i.SentCount = "2026-11-23", 3
			i.Pacing.QuietHours = new(QuietHours(""))
		}), "2026-11-23 12:00", "2026-11-24 00:00", HeldDailyCap},
		{"cap of yesterday", ready(func(i *Instance) { i.SentOn, i.SentCount = "2026-11-22", 3 }), "2026-11-23 12:00", "2026-11-23 12:00", ""},
		{"no cap", ready(func(i *Instance) { i.SentOn, i.SentCount, i.Pacing.DailyCap = "2026-11-23", 99, new(0) }), "2026-11-23 12:00", "2026-11-23 12:00", ""},
		{"due at night", ready(nil), "2026-11-23 23:30", "2026-11-24 07:00", HeldQuietHours},
		{"due in the small hours", ready(nil), "2026-11-24 06:59", "2026-11-24 07:00", HeldQuietHours},
		{"due as the quiet ends", ready(nil), "2026-11-24 07:00", "2026-11-24 07:00", ""},
		{"due yesterday night, and still waiting at noon", ready(nil), "2026-11-22 23:30", "2026-11-22 23:30", ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			at, why := tc.inst.Gate(def, shanghai(tc.due), now)
			var want time.Time
			if tc.at != "" {
				want = shanghai(tc.at)
			}
			if !at.Equal(want) || why != tc.why {
				t.Errorf("%v %q, want %v %q", at.In(want.Location()), why, want, tc.why)
			}
		})
	}
}

func TestParseQuietHours(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]QuietHours{"": "", " 23:00-07:00 ": "23:00-07:00", "9:05-10:00": "09:05-10:00"} {
		if got, err := ParseQuietHours(in); err != nil || got != want {
			t.Errorf("%q: %q, %v; want %q", in, got, err, want)
		}
	}
	for _, in := range []string{"23:00", "24:00-07:00", "23:60-07:00", "07:00-07:00", "-1:00-07:00", "a:b-c:d"} {
		if got, err := ParseQuietHours(in); err == nil {
			t.Errorf("%q was taken as %q", in, got)
		}
	}
}

func TestHoldOf(t *testing.T) {
	t.Parallel()
	now := shanghai("2026-11-23 12:00")
	later, sooner := now.Add(time.Hour), now.Add(-time.Minute)
	due := &Post{State: Scheduled, DueAt: sooner}
	future := &Post{State: Scheduled, DueAt: later}
	for _, tc := range []struct {
		name string
		post *Post
		inst Instance
		head time.Time
		s    Situation
		want HoldReason
	}{
		{"none", due, Instance{ReadyAt: sooner}, sooner, Situation{Now: now}, ""},
		{"not scheduled", &Post{State: Sent, DueAt: sooner}, Instance{Hold: HeldOffline}, sooner, Situation{Now: now, Paused: true}, ""},
		{"everything paused", future, Instance{ReadyAt: later}, later, Situation{Now: now, Paused: true}, HeldPaused},
		{"gateway down", due, Instance{ReadyAt: sooner}, sooner, Situation{Now: now, GatewayDown: true}, HeldGateway},
		{"gateway down, not due yet", future, Instance{ReadyAt: later}, later, Situation{Now: now, GatewayDown: true}, ""},
		{"offline", future, Instance{Hold: HeldOffline}, later, Situation{Now: now}, HeldOffline},
		{"age", due, Instance{Hold: HeldOnlineAge, ReadyAt: later}, sooner, Situation{Now: now}, HeldOnlineAge},
		{"in flight, due", due, Instance{Hold: HeldInFlight}, sooner, Situation{Now: now}, HeldInFlight},
		{"in flight, not due", future, Instance{Hold: HeldInFlight}, later, Situation{Now: now}, ""},
		{"behind another", due, Instance{ReadyAt: sooner}, sooner.Add(-time.Minute), Situation{Now: now}, HeldBehind},
	} {
		h, held := HoldOf(tc.post, &Membership{}, &tc.inst, tc.head, tc.s)
		if h.Reason != tc.want || held != (tc.want != "") {
			t.Errorf("%s: held %v by %q, want %q", tc.name, held, h.Reason, tc.want)
		}
	}
}

// A post of a campaign says what the campaign waits for, and not only that it
// is pending; a post that waits for itself does not blame the campaign.
func TestHoldOfACampaign(t *testing.T) {
	t.Parallel()
	pending, cancelled, scheduled := &Post{State: Pending}, &Post{State: Cancelled}, &Post{State: Scheduled, DueAt: shanghai("2026-11-23 13:00")}
	in := func(s CampaignState, held bool) Membership {
		return Membership{CampaignID: 7, CampaignState: s, CampaignHeld: held}
	}
	alone, edited := in(CampaignStopped, false), in(CampaignActive, true)
	alone.Alone, edited.OwnText = true, true
	for _, tc := range []struct {
		name string
		post *Post
		m    Membership
		want HoldReason
	}{
		{"of none", pending, Membership{}, ""},
		{"unapproved", pending, in(CampaignPending, true), HeldCampaignPending},
		{"paused", pending, in(CampaignPaused, true), HeldCampaignPaused},
		{"stopped, and not cancelled yet", pending, in(CampaignStopped, true), HeldCampaignStopped},
		{"stopped", cancelled, in(CampaignStopped, false), HeldCampaignStopped},
		{"cancelled by a person before the stop", cancelled, alone, ""},
		{"cancelled by a person", cancelled, in(CampaignActive, false), ""},
		{"edited occurrence", pending, edited, HeldOccurrence},
		{"about to be released", pending, in(CampaignActive, true), ""},
		{"its own text waits", pending, in(CampaignPaused, false), ""},
		{"active", scheduled, in(CampaignActive, false), ""},
	} {
		h, held := HoldOf(tc.post, &tc.m, &Instance{ReadyAt: shanghai("2026-11-23 11:00")}, tc.post.DueAt, Situation{Now: shanghai("2026-11-23 12:00")})
		if h.Reason != tc.want || held != (tc.want != "") || held && h.CampaignID != 7 {
			t.Errorf("%s: held %v by %q of %d, want %q", tc.name, held, h.Reason, h.CampaignID, tc.want)
		}
	}
}
