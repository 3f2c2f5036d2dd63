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
	HeldFailover       HoldReason = "failover"        // the database may not know what was sent: the account is read first
	HeldInFlight       HoldReason = "in_flight"       // another post of the instance is being sent, or its outcome is being read back
	HeldGap            HoldReason = "gap"             // too soon after the instance's last post
	HeldBackoff        HoldReason = "backoff"         // the last call never left; it is tried again
	HeldDailyCap       HoldReason = "daily_cap"       // the instance has posted enough today
	HeldQuietHours     HoldReason = "quiet_hours"     // nothing is sent at this hour
	HeldBehind         HoldReason = "behind_earlier"  // an earlier post of the instance goes first
)

// The reasons for which a post waits for its campaign, and for nothing else.
const (
	HeldCampaignPending HoldReason = "campaign_pending" // the campaign waits for approval
	HeldCampaignPaused  HoldReason = "campaign_paused"  // the campaign is paused
	HeldCampaignStopped HoldReason = "campaign_stopped" // the campaign was stopped
	HeldOccurrence      HoldReason = "occurrence"       // the text of this one occurrence waits for approval
)

// CampaignHolds lists those.
var CampaignHolds = []HoldReason{HeldCampaignPending, HeldCampaignPaused, HeldCampaignStopped, HeldOccurrence}

// HoldReasons lists the engine's reasons.
var HoldReasons = []HoldReason{
	HeldPaused, HeldGateway, HeldInstancePaused, HeldOffline, HeldOnlineAge, HeldFailover, HeldInFlight,
	HeldGap, HeldBackoff, HeldDailyCap, HeldQuietHours, HeldBehind,
}

// Hold is why a post is not being sent now, and until when.
type Hold struct {
	Reason HoldReason
	Until  time.Time // zero = until somebody or something changes it

	CampaignID int64 // the campaign that it waits for; 0 = for none
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
	case i.Unread:
		return HeldFailover
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

// Membership is what a post has to do with its campaign. Zero = it has none.
type Membership struct {
	CampaignID    int64
	CampaignName  string
	Colour        string // "#1f6feb"
	CampaignState CampaignState
	OccurrenceID  int64
	CampaignHeld  bool // pending for its campaign, and for no reason of its own
	OwnText       bool // of its occurrence, and nobody has approved it
	Alone         bool // a person, or the lapse of its occurrence, decided on this post
}

// hold is why a post waits for its campaign, if it does.
func (m *Membership) hold(p *Post) (Hold, bool) {
	h := Hold{CampaignID: m.CampaignID}
	switch {
	case p.State == Cancelled && m.CampaignState == CampaignStopped && !m.Alone:
		h.Reason = HeldCampaignStopped
	case p.State != Pending || !m.CampaignHeld:
	case m.CampaignState == CampaignPending:
		h.Reason = HeldCampaignPending
	case m.CampaignState == CampaignPaused:
		h.Reason = HeldCampaignPaused
	case m.CampaignState == CampaignStopped:
		h.Reason = HeldCampaignStopped
	case m.OwnText:
		h.Reason = HeldOccurrence
	}
	return h, h.Reason != ""
}

// HoldOf says why a post is held, if it is: a scheduled one by the engine, one
// that was planned by its campaign. head is the due time of the instance's
// earliest scheduled post; a later one waits behind it.
func HoldOf(p *Post, m *Membership, i *Instance, head time.Time, s Situation) (Hold, bool) {
	due := !p.DueAt.After(s.Now)
	switch {
	case p.State != Scheduled:
		if h, held := m.hold(p); held {
			return h, true
		}
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
