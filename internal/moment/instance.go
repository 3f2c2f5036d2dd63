package moment

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// Instance is one WeChat account on the gateway. WcID is its identity; WID is
// its login session and changes with every login.
type Instance struct {
	ID       int64
	WcID     string
	WID      string // current login session; "" = none seen yet
	Name     string
	Groups   []string
	TimeZone string // IANA name; quiet hours and the daily cap follow it

	Online        bool      // seen in the gateway's list, or missing there only once
	OnlineSince   time.Time // start of the age clock; kept across short re-logins
	MissingSince  time.Time // first look that did not find it; zero = found
	OfflineAt     time.Time // when it was taken to be offline; zero while online
	OfflineReason string    // as the gateway told it; "" = not told
	MaturedAt     time.Time // set by hand: from then the age gate is passed; zero = not set

	Paused       bool
	PausedReason string
	PausedBy     string
	PausedAt     time.Time

	Pacing Override

	NextSlotAt time.Time  // gap or back-off: nothing is sent before it
	SlotReason HoldReason // HeldGap or HeldBackoff
	SentOn     string     // local date, YYYY-MM-DD, that SentCount is of
	SentCount  int        // calls begun on SentOn that were or may have been delivered
	Unread     bool       // what was sent has to be read from its timeline first: see Failover
	InFlight   int64      // id of the post being sent or in doubt; 0 = none

	ReadyAt time.Time  // when its earliest post may be sent; zero = not as things stand
	Hold    HoldReason // why ReadyAt is not that post's due time; "" = nothing holds it

	Version   int64
	CreatedAt time.Time
	UpdatedAt time.Time
}

// Pacing is how fast an instance may post. It holds for every instance that
// does not override it.
type Pacing struct {
	MinGap     time.Duration // between two posts; 0 = none
	DailyCap   int           // posts per local day; 0 = no cap
	QuietHours QuietHours    // local hours without posts
	OnlineAge  time.Duration // time online before the first post; 0 = none
}

// Override is an instance's own pacing. A nil field follows the default.
type Override struct {
	MinGap     *time.Duration
	DailyCap   *int
	QuietHours *QuietHours
	OnlineAge  *time.Duration
}

// Over returns def with o's own values in place.
func (o Override) Over(def Pacing) Pacing {
	if o.MinGap != nil {
		def.MinGap = *o.MinGap
	}
	if o.DailyCap != nil {
		def.DailyCap = *o.DailyCap
	}
	if o.QuietHours != nil {
		def.QuietHours = *o.QuietHours
	}
	if o.OnlineAge != nil {
		def.OnlineAge = *o.OnlineAge
	}
	return def
}

// QuietHours is a span of local time in which nothing is sent, written
// "HH:MM-HH:MM". It may cross midnight. "" is none.
type QuietHours string

// ParseQuietHours checks s and returns it in its canonical form.
func ParseQuietHours(s string) (QuietHours, error) {
	s = strings.TrimSpace(s)
	if s == "" {
		return "", nil
	}
	var h1, m1, h2, m2 int
	if n, err := fmt.Sscanf(s, "%d:%d-%d:%d", &h1, &m1, &h2, &m2); n != 4 || err != nil ||
		h1 < 0 || h1 > 23 || h2 < 0 || h2 > 23 || m1 < 0 || m1 > 59 || m2 < 0 || m2 > 59 {
		return "", Errorf(Invalid, "Quiet hours are written HH:MM-HH:MM, such as 23:00-07:00; empty means none.")
	}
	if h1 == h2 && m1 == m2 {
		return "", Errorf(Invalid, "Quiet hours must not begin and end at the same time: that would be the whole day.")
	}
	return QuietHours(fmt.Sprintf("%02d:%02d-%02d:%02d", h1, m1, h2, m2)), nil
}

// bounds are the minutes of the day at which the span begins and ends.
func (q QuietHours) bounds() (from, to int, ok bool) {
	if len(q) != len("23:00-07:00") {
		return 0, 0, false
	}
	n := func(i int) int { return int(q[i]-'0')*10 + int(q[i+1]-'0') }
	return n(0)*60 + n(3), n(6)*60 + n(9), true
}

// End returns the instant at which the quiet span around at ends, or at itself
// outside of one.
func (q QuietHours) End(at time.Time, zone *time.Location) time.Time {
	from, to, ok := q.bounds()
	if !ok {
		return at
	}
	l := at.In(zone)
	now := l.Hour()*60 + l.Minute()
	day := time.Date(l.Year(), l.Month(), l.Day(), 0, 0, 0, 0, time.UTC)
	switch {
	case from < to && now >= from && now < to: // within one day
	case from > to && now < to: // the morning part
	case from > to && now >= from: // the evening part ends tomorrow
		day = day.AddDate(0, 0, 1)
	default:
		return at
	}
	return onClock(day, to, zone)
}

// onClock is the instant at which the clocks of the zone show that minute of
// the day; day is its midnight in UTC. A time that is skipped counts as if the
// clocks had not been changed yet, one that comes twice means the second: so
// PostgreSQL reads them, which has to come to the same instant.
func onClock(day time.Time, minute int, zone *time.Location) time.Time {
	wall := day.Add(time.Duration(minute) * time.Minute)
	eve := wall.AddDate(0, 0, -1).In(zone)
	_, offset := eve.Zone()
	old := wall.Add(-time.Duration(offset) * time.Second)
	_, change := eve.ZoneBounds()
	if change.IsZero() {
		return old.In(zone)
	}
	_, offset = change.In(zone).Zone()
	changed := wall.Add(-time.Duration(offset) * time.Second)
	if changed.Before(change) { // not there yet, or skipped
		return old.In(zone)
	}
	return changed.In(zone)
}

// zone is where the instance's day is counted. One that is not known, which the
// database keeps from being stored, counts in UTC.
func (i *Instance) zone() *time.Location {
	zone, err := time.LoadLocation(i.TimeZone)
	if err != nil {
		return time.UTC
	}
	return zone
}

// MaturesAt is the instant from which the online-age gate is passed; zero when
// the instance was never seen online.
func (i *Instance) MaturesAt(age time.Duration) time.Time {
	if !i.MaturedAt.IsZero() {
		return i.MaturedAt
	}
	if i.OnlineSince.IsZero() {
		return time.Time{}
	}
	return i.OnlineSince.Add(age)
}

// Check reports everything wrong with what was submitted for an instance.
func (i *Instance) Check() error {
	var fs []Field
	if !validWxID(i.WcID) {
		fs = append(fs, Field{"wc_id", "is not a wxid (letters, digits, - _ @ . only, at most 64)"})
	}
	if i.WID != "" && (len(i.WID) > 128 || checkText(i.WID, true, 128) != "") {
		fs = append(fs, Field{"w_id", "is not a login session id"})
	}
	if m := checkText(i.Name, false, MaxName); m != "" {
		fs = append(fs, Field{"name", m})
	}
	if len(i.Groups) > 50 {
		fs = append(fs, Field{"groups", "at most 50"})
	}
	for n, g := range i.Groups {
		if m := checkText(g, true, MaxName); m != "" {
			fs = append(fs, Field{fmt.Sprintf("groups[%d]", n), m})
		}
	}
	if m := CheckZone(i.TimeZone); m != "" {
		fs = append(fs, Field{"time_zone", m})
	}
	fs = append(fs, i.Pacing.fields()...)
	return InvalidFields(fs)
}

func (o Override) fields() []Field {
	var fs []Field
	if o.MinGap != nil && (*o.MinGap < 0 || *o.MinGap > 30*24*time.Hour) {
		fs = append(fs, Field{"min_gap", "must be between 0 (none) and 720h"})
	}
	if o.DailyCap != nil && (*o.DailyCap < 0 || *o.DailyCap > 1_000_000) {
		fs = append(fs, Field{"daily_cap", "must be between 0 (no cap) and 1000000"})
	}
	if o.OnlineAge != nil && (*o.OnlineAge < 0 || *o.OnlineAge > 365*24*time.Hour) {
		fs = append(fs, Field{"online_age", "must be between 0 (no gate) and 8760h"})
	}
	return fs
}

// notZones are files that stand beside the zones and load like one, but mean
// "whatever this machine is set to", leap-second clocks or nothing at all.
var notZones = []string{"Factory", "localtime", "posixrules"}

// CheckZone says what is wrong with a time zone's name; "" if nothing is. Both
// "" and "Local" would mean the zone of the machine and are refused.
func CheckZone(name string) string {
	if name == "" || name == "Local" {
		return "must be an IANA time zone such as Asia/Shanghai"
	}
	if slices.Contains(notZones, name) || strings.HasPrefix(name, "right/") || strings.HasPrefix(name, "posix/") {
		return "is not a known IANA time zone"
	}
	if _, err := time.LoadLocation(name); err != nil {
		return "is not a known IANA time zone"
	}
	return ""
}
