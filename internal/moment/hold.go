package moment

import (
	"cmp"
	"time"
)

// HoldReason names the rule that keeps a due post from being sent.
type HoldReason string

// The reasons, in the words of API and pages.
const (
	HeldPaused         HoldReason = "paused"          // everything is paused
	HeldGateway        HoldReason = "gateway_down"    // the gateway cannot be reached or refuses our token
	HeldInstancePaused HoldReason = "instance_paused" // this instance is paused
	HeldOffline        HoldReason = "offline"         // the instance is not logged in, or was just missed in the gateway's list
	HeldOnlineAge      HoldReason = "online_age"      // not online for long enough
	HeldInFlight       HoldReason = "in_flight"       // another post of the instance is being sent, or its outcome is being read back
	HeldGap            HoldReason = "gap"             // too soon after the instance's last post
	HeldBackoff        HoldReason = "backoff"         // the last call never left; it is tried again
	HeldDailyCap       HoldReason = "daily_cap"       // the instance has posted enough today
	HeldQuietHours     HoldReason = "quiet_hours"     // nothing is sent at this hour
	HeldBehind         HoldReason = "behind_earlier"  // an earlier post of the instance goes first
)

// HoldReasons lists every reason.
var HoldReasons = []HoldReason{
	HeldPaused, HeldGateway, HeldInstancePaused, HeldOffline, HeldOnlineAge, HeldInFlight,
	HeldGap, HeldBackoff, HeldDailyCap, HeldQuietHours, HeldBehind,
}

// Hold is why a post is not being sent now, and until when.
type Hold struct {
	Reason HoldReason
	Until  time.Time // zero = until somebody or something changes it
}

// Gate decides when the instance may send its earliest scheduled post, which
// is due at due, as things stand at now. The zero time means: not until
// something changes. The reason says what moved the answer beyond due; it is
// "" when nothing did.
//
// PostgreSQL decides the same on its rows (function instance_gate); a
// model-based test holds the two together.
func (i *Instance) Gate(def Pacing, due, now time.Time) (at time.Time, why HoldReason) {
	return i.gate(i.Pacing.Over(def), i.zone(), due, now)
}

// gate is Gate with what does not change from post to post looked up before.
func (i *Instance) gate(p Pacing, zone *time.Location, due, now time.Time) (at time.Time, why HoldReason) {
	if why := i.closed(); why != "" {
		return time.Time{}, why
	}
	if i.InFlight != 0 {
		return time.Time{}, HeldInFlight
	}
	at = due
	if m := i.MaturesAt(p.OnlineAge); m.After(at) {
		at, why = m, HeldOnlineAge
	}
	if i.NextSlotAt.After(at) {
		at, why = i.NextSlotAt, cmp.Or(i.SlotReason, HeldGap)
	}
	// Cap and quiet hours speak of the day and hour of sending, so a post that
	// waited is judged by now and not by the time it was meant for.
	if p.DailyCap > 0 && i.SentCount >= p.DailyCap {
		if later(at, now).In(zone).Format(time.DateOnly) <= i.SentOn {
			if day, err := time.Parse(time.DateOnly, i.SentOn); err == nil {
				at, why = onClock(day.AddDate(0, 0, 1), 0, zone), HeldDailyCap
			}
		}
	}
	if t := later(at, now); p.QuietHours != "" {
		if end := p.QuietHours.End(t, zone); end.After(t) {
			at, why = end, HeldQuietHours
		}
	}
	return at, why
}

// closed is why the instance sends nothing at all until somebody or something
// changes it; "" if it may send.
func (i *Instance) closed() HoldReason {
	switch {
	case i.Paused:
		return HeldInstancePaused
	case !i.Online || !i.MissingSince.IsZero() || i.OnlineSince.IsZero() || i.WID == "":
		return HeldOffline
	}
	return ""
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// Situation is what the service as a whole is up to, beside one instance.
type Situation struct {
	Paused      bool      // everything is paused
	GatewayDown bool      // no replica reaches the gateway
	Now         time.Time // the database's clock
}

// HoldOf says why a scheduled post is held, if it is. head is the due time of
// the instance's earliest scheduled post; a later one waits behind it.
func HoldOf(p *Post, i *Instance, head time.Time, s Situation) (Hold, bool) {
	due := !p.DueAt.After(s.Now)
	switch {
	case p.State != Scheduled:
		return Hold{}, false
	case s.Paused:
		return Hold{Reason: HeldPaused}, true
	case s.GatewayDown && due:
		return Hold{Reason: HeldGateway}, true
	case i.ReadyAt.IsZero() && i.Hold == HeldInFlight && !due:
		return Hold{}, false // over by then
	case i.ReadyAt.IsZero() && i.Hold != "":
		return Hold{Reason: i.Hold}, true
	case i.Hold != "" && i.ReadyAt.After(p.DueAt) && i.ReadyAt.After(s.Now):
		return Hold{Reason: i.Hold, Until: i.ReadyAt}, true
	case due && head.Before(p.DueAt):
		return Hold{Reason: HeldBehind, Until: later(i.ReadyAt, s.Now)}, true
	}
	return Hold{}, false
}
