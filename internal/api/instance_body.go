package api

import (
	"errors"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"momentcast/internal/moment"
)

// instanceBody is an instance as it stands.
type instanceBody struct {
	ID       int64    `json:"id" example:"7"`
	WcID     string   `json:"wc_id" doc:"The account: its identity." example:"wxid_gia1nwcgpobz22"`
	WID      *string  `json:"w_id" doc:"Its login session, which changes with every login; null = none seen yet."`
	Name     string   `json:"name"`
	Groups   []string `json:"groups"`
	TimeZone string   `json:"time_zone" example:"Asia/Shanghai"`

	Online        bool       `json:"online"`
	OnlineSince   *time.Time `json:"online_since" doc:"Start of its online age; kept across short re-logins."`
	OfflineAt     *time.Time `json:"offline_at"`
	OfflineReason *string    `json:"offline_reason" doc:"As the gateway told it."`
	MaturedAt     *time.Time `json:"matured_at" doc:"From then on it has been online for long enough."`
	MaturedByHand bool       `json:"matured_by_hand" doc:"matured_at was set, and does not follow from online_since."`

	Unread       bool       `json:"unread" doc:"Held after a failover of the database until its timeline was read."`
	Paused       bool       `json:"paused"`
	PausedReason *string    `json:"paused_reason"`
	PausedBy     *string    `json:"paused_by"`
	PausedAt     *time.Time `json:"paused_at"`

	MinGap     *string    `json:"min_gap" doc:"Its own; null = as in the settings." example:"15m"`
	DailyCap   *int       `json:"daily_cap" doc:"Its own; null = as in the settings."`
	QuietHours *string    `json:"quiet_hours" doc:"Its own; null = as in the settings." example:"23:00-07:00"`
	OnlineAge  *string    `json:"online_age" doc:"Its own; null = as in the settings." example:"72h"`
	Pacing     pacingBody `json:"pacing" doc:"What holds for it."`

	SentToday  int        `json:"sent_today" doc:"Posts that count against the daily cap, by its own day."`
	NextSlotAt *time.Time `json:"next_slot_at" doc:"Nothing is sent before; null = at once."`
	ReadyAt    *time.Time `json:"ready_at" doc:"When its earliest post may be sent; null = none, as things stand."`
	Hold       *holdBody  `json:"hold" doc:"What holds its earliest post; null = nothing."`
	InFlight   *int64     `json:"in_flight" doc:"The post that is being sent or in doubt."`

	Counts    *countsBody `json:"counts,omitempty" doc:"Its posts by state; only for a single instance."`
	Version   int64       `json:"version" doc:"The ETag, as a number."`
	CreatedAt time.Time   `json:"created_at"`
	UpdatedAt time.Time   `json:"updated_at"`
}

// pacingBody is how fast an instance may post.
type pacingBody struct {
	MinGap     string `json:"min_gap" example:"15m"`
	DailyCap   int    `json:"daily_cap" doc:"0 = no cap."`
	QuietHours string `json:"quiet_hours" doc:"Empty = none." example:"23:00-07:00"`
	OnlineAge  string `json:"online_age" example:"72h"`
}

// countsBody counts posts by state. Drafts, pending and cancelled ones are not
// counted.
type countsBody struct {
	Scheduled int64 `json:"scheduled"`
	Sending   int64 `json:"sending"`
	Sent      int64 `json:"sent" doc:"Counted to 1000: further on it is the history."`
	Failed    int64 `json:"failed"`
	Unknown   int64 `json:"unknown"`
	Missed    int64 `json:"missed"`
}

func showInstance(v *moment.InstanceView) instanceBody {
	i, pace := &v.Instance, v.Pace()
	b := instanceBody{
		ID: i.ID, WcID: i.WcID, WID: orNil(i.WID), Name: i.Name, Groups: list(i.Groups), TimeZone: i.TimeZone,
		Online: i.Online, OnlineSince: at(i.OnlineSince), OfflineAt: at(i.OfflineAt), OfflineReason: orNil(i.OfflineReason),
		MaturedAt: at(i.MaturesAt(pace.OnlineAge)), MaturedByHand: !i.MaturedAt.IsZero(),
		Unread: i.Unread, Paused: i.Paused, PausedReason: orNil(i.PausedReason), PausedBy: orNil(i.PausedBy), PausedAt: at(i.PausedAt),
		MinGap: briefOrNil(i.Pacing.MinGap), DailyCap: i.Pacing.DailyCap, QuietHours: (*string)(i.Pacing.QuietHours), OnlineAge: briefOrNil(i.Pacing.OnlineAge),
		Pacing:    pacingBody{brief(pace.MinGap), pace.DailyCap, string(pace.QuietHours), brief(pace.OnlineAge)},
		SentToday: v.SentToday(), NextSlotAt: at(i.NextSlotAt), ReadyAt: at(i.ReadyAt), InFlight: orNil(i.InFlight),
		Version: i.Version, CreatedAt: i.CreatedAt.UTC(), UpdatedAt: i.UpdatedAt.UTC(),
	}
	if i.Hold != "" && (i.ReadyAt.IsZero() || i.ReadyAt.After(v.Now)) {
		b.Hold = showHold(moment.Hold{Reason: i.Hold, Until: i.ReadyAt}, i.TimeZone)
	}
	if c := v.Counts; c != nil {
		b.Counts = &countsBody{c[moment.Scheduled], c[moment.Sending], c[moment.Sent], c[moment.Failed], c[moment.Unknown], c[moment.Missed]}
	}
	return b
}

func briefOrNil(d *time.Duration) *string {
	if d == nil {
		return nil
	}
	s := brief(*d)
	return &s
}

// newInstanceBody is an account to be registered.
type newInstanceBody struct {
	WcID        string   `json:"wc_id" doc:"The account." example:"wxid_gia1nwcgpobz22"`
	Name        string   `json:"name,omitempty" doc:"At most 100 characters." example:"Shop Shanghai"`
	WID         string   `json:"w_id,omitempty" doc:"Its login session, if known."`
	Groups      []string `json:"groups,omitempty" doc:"Tags; at most 50."`
	TimeZone    string   `json:"time_zone,omitempty" doc:"IANA name; default as in the settings." example:"Asia/Shanghai"`
	OnlineSince string   `json:"online_since,omitempty" format:"date-time" doc:"Known to be online since then. Together with w_id it is online at once." example:"2026-11-01T09:00:00+08:00"`
	MinGap      *string  `json:"min_gap,omitempty" doc:"Between two posts; 0s = none; null = as in the settings." example:"15m"`
	DailyCap    *int     `json:"daily_cap,omitempty" doc:"Posts a day; 0 = no cap; null = as in the settings." example:"3"`
	QuietHours  *string  `json:"quiet_hours,omitempty" doc:"Hours without posts, by its own clock; empty = none; null = as in the settings." example:"23:00-07:00"`
	OnlineAge   *string  `json:"online_age,omitempty" doc:"Time online before the first post; 0s = none; null = as in the settings." example:"72h"`
}

// Resolve checks the whole instance together with its form.
func (b *newInstanceBody) Resolve(_ huma.Context, prefix *huma.PathBuffer) []error {
	_, fs := b.instance()
	return fs.under(prefix)
}

func (b *newInstanceBody) instance() (*moment.Instance, fields) {
	var fs fields
	i := &moment.Instance{WcID: b.WcID, WID: b.WID, Name: b.Name, Groups: b.Groups, TimeZone: b.TimeZone}
	i.OnlineSince = fs.past("online_since", b.OnlineSince)
	i.Pacing = fs.pacing(b.MinGap, b.DailyCap, b.QuietHours, b.OnlineAge)
	checked := *i
	if checked.TimeZone == "" {
		checked.TimeZone = "UTC" // it gets the service's, which was checked
	}
	fs.take(checked.Check())
	return i, fs
}

// editInstanceBody is what may be changed of an instance. What is not given
// stays as it is; null takes a field away, or back to the settings.
type editInstanceBody struct {
	Name         given[string]   `json:"name,omitempty"`
	Groups       given[[]string] `json:"groups,omitempty" doc:"Replaces all."`
	TimeZone     given[string]   `json:"time_zone,omitempty"`
	Paused       given[bool]     `json:"paused,omitempty" doc:"true needs a paused_reason."`
	PausedReason given[string]   `json:"paused_reason,omitempty" doc:"At most 500 characters."`
	Unread       given[bool]     `json:"unread,omitempty" doc:"Only false: somebody has looked at the account, and what is scheduled is not on its timeline."`
	MaturedAt    given[string]   `json:"matured_at,omitempty" format:"date-time" doc:"From this instant it counts as online for long enough, until it is newly logged in; null = as online_since says."`
	WID          given[string]   `json:"w_id,omitempty" doc:"Its login session, if you know better than the gateway's list."`
	OnlineSince  given[string]   `json:"online_since,omitempty" format:"date-time" doc:"Known to be online since then."`
	MinGap       given[string]   `json:"min_gap,omitempty" example:"15m"`
	DailyCap     given[int]      `json:"daily_cap,omitempty"`
	QuietHours   given[string]   `json:"quiet_hours,omitempty" example:"23:00-07:00"`
	OnlineAge    given[string]   `json:"online_age,omitempty" example:"72h"`
}

// apply makes the change on i; by is who makes it.
func (b *editInstanceBody) apply(i *moment.Instance, by string) error {
	var fs fields
	b.Name.set(&i.Name)
	b.TimeZone.set(&i.TimeZone)
	b.WID.set(&i.WID)
	if b.Groups.Given {
		i.Groups = list(b.Groups.Value)
	}
	if b.MaturedAt.Given {
		i.MaturedAt = fs.time("matured_at", b.MaturedAt.Value)
	}
	if b.OnlineSince.Given {
		i.OnlineSince = fs.past("online_since", b.OnlineSince.Value)
	}
	if (b.WID.Given || b.OnlineSince.Given) && i.WID != "" && !i.OnlineSince.IsZero() {
		i.Online, i.MissingSince, i.OfflineAt = true, time.Time{}, time.Time{}
	}
	if b.Unread.Given {
		if b.Unread.Value && !i.Unread {
			fs.add("unread", "can only be set to false")
		}
		i.Unread = b.Unread.Value
	}
	b.pause(i, by, &fs)
	b.pace(i, &fs)
	fs.take(i.Check())
	return fs.err()
}

func (b *editInstanceBody) pause(i *moment.Instance, by string, fs *fields) {
	if b.Paused.Given {
		if b.Paused.Value && !i.Paused {
			i.PausedBy = by
		}
		i.Paused = b.Paused.Value
	}
	b.PausedReason.set(&i.PausedReason)
	if !i.Paused {
		i.PausedReason, i.PausedBy = "", ""
		if b.PausedReason.Value != "" {
			fs.add("paused_reason", "only goes with a pause")
		}
		return
	}
	fs.text("paused_reason", i.PausedReason, true, maxReason)
}

func (b *editInstanceBody) pace(i *moment.Instance, fs *fields) {
	own := &i.Pacing
	next := fs.pacing(b.MinGap.pointer(), b.DailyCap.pointer(), b.QuietHours.pointer(), b.OnlineAge.pointer())
	if b.MinGap.Given {
		own.MinGap = next.MinGap
	}
	if b.DailyCap.Given {
		own.DailyCap = next.DailyCap
	}
	if b.QuietHours.Given {
		own.QuietHours = next.QuietHours
	}
	if b.OnlineAge.Given {
		own.OnlineAge = next.OnlineAge
	}
}

// pacing reads an instance's own pacing; nil follows the settings.
func (fs *fields) pacing(minGap *string, dailyCap *int, quiet, onlineAge *string) moment.Override {
	o := moment.Override{MinGap: fs.durationOrNil("min_gap", minGap), DailyCap: dailyCap, OnlineAge: fs.durationOrNil("online_age", onlineAge)}
	if quiet != nil {
		q, err := moment.ParseQuietHours(*quiet)
		if err != nil {
			fs.add("quiet_hours", moment.MessageOf(err))
		}
		o.QuietHours = &q
	}
	return o
}

func (fs *fields) durationOrNil(path string, s *string) *time.Duration {
	if s == nil {
		return nil
	}
	d := fs.duration(path, *s)
	return &d
}

// past reads a time that has been.
func (fs *fields) past(path, s string) time.Time {
	t := fs.time(path, s)
	if t.After(time.Now().Add(time.Minute)) {
		fs.add(path, "lies in the future")
	}
	return t
}

// take adds the fields of a domain error.
func (fs *fields) take(err error) {
	if e, ok := errors.AsType[*moment.Error](err); ok {
		*fs = append(*fs, e.Fields...)
	}
}
