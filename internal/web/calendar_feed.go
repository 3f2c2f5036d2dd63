package web

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"momentcast/internal/moment"
	"momentcast/internal/schedule"
)

// feed is what the calendar's script draws. Its times are those that the clocks
// of the page's zone show, without an offset.
type feed struct {
	Zone   string      `json:"zone"`
	Days   []feedDay   `json:"days"`
	Events []feedEvent `json:"events"`
}

// feedDay is a day that has more posts than are listed.
type feedDay struct {
	Date  string `json:"date"`
	Total int    `json:"total"`
	Shown int    `json:"shown"`
	Label string `json:"label"` // +12 more
	URL   string `json:"url"`   // where all of them are
}

// feedEvent is one post.
type feedEvent struct {
	ID        int64  `json:"id"`
	Version   int64  `json:"version"`
	Start     string `json:"start"`
	Title     string `json:"title"`
	State     string `json:"state"`
	StateName string `json:"state_name"`
	Icon      string `json:"icon"`
	Instance  string `json:"instance"`
	Elsewhere string `json:"elsewhere,omitempty"` // the time where the instance is, if another
	Held      string `json:"held,omitempty"`
	Color     string `json:"color,omitempty"` // of its campaign
	Campaign  string `json:"campaign,omitempty"`
	Movable   bool   `json:"movable"`
	URL       string `json:"url"`
}

// movable are the states in which a post can be given another time in the calendar.
func movable(s moment.State) bool {
	return s == moment.Scheduled || s == moment.Draft || s == moment.Pending
}

func (s *Web) feedOf(c catalogue, u moment.User, f calendarFilter, from schedule.Date, days []moment.CalendarDay, zone string) feed {
	out := feed{Zone: zone, Days: []feedDay{}, Events: []feedEvent{}}
	for n, day := range days {
		for i := range day.Posts {
			out.Events = append(out.Events, eventOf(c, u, &day.Posts[i], zone))
		}
		if more := day.Total - len(day.Posts); more > 0 {
			d := from + schedule.Date(n)
			out.Days = append(out.Days, feedDay{Date: d.String(), Total: day.Total, Shown: len(day.Posts), Label: moreLabel(c, day.Total, more), URL: f.whole(d)})
		}
	}
	return out
}

func moreLabel(c catalogue, total, more int) string {
	if total == moment.CalendarMost {
		return c.get("calendar.more.many", more)
	}
	return c.get("calendar.more", more)
}

// whole is where all posts of a day are: its own calendar, or, seen from there,
// a list by pages.
func (f calendarFilter) whole(d schedule.Date) string {
	if f.View != dayView {
		return f.at("/calendar", dayView, d)
	}
	v := url.Values{"from": {d.String()}, "to": {d.String()}}
	if f.Instance != 0 {
		v.Set("instance", strconv.FormatInt(f.Instance, 10))
	}
	if f.Campaign != 0 {
		v.Set("campaign", strconv.FormatInt(f.Campaign, 10))
	}
	if f.State != "" {
		v.Set("state", f.State)
	}
	return "/history?" + v.Encode()
}

func eventOf(c catalogue, u moment.User, v *moment.PostView, zone string) feedEvent {
	state := v.State.Shown()
	e := feedEvent{ID: v.ID, Version: v.Version, Start: v.DueAt.In(location(zone)).Format("2006-01-02T15:04:05"), Title: short(60, v.Card.Title),
		State: string(state), StateName: c.get("state." + string(state)), Icon: stateIcons[state], Instance: short(24, nameOf(v.InstanceName, v.WcID)),
		Elsewhere: elsewhere(v.DueAt, v.TimeZone, zone), Movable: movable(v.State) && u.May(moment.PermWrite), URL: fmt.Sprintf("/posts/%d/move", v.ID)}
	e.Color, e.Campaign = v.Colour, v.CampaignName
	if e.Title == "" {
		e.Title = fmt.Sprintf("#%d", v.ID)
	}
	if v.Hold != nil {
		e.Held = c.get("hold." + string(v.Hold.Reason))
	}
	return e
}

// calendarFeed answers the script, for the days of the view.
func (s *Web) calendarFeed(w http.ResponseWriter, r *http.Request) error {
	k, err := s.known.get(r.Context())
	if err != nil {
		return err
	}
	zone := k.settings.TimeZone
	f := readCalendarFilter(r.URL.Query(), schedule.NewDate(time.Now().In(location(zone)).Date()))
	from, to := f.span()
	days, err := s.store.Calendar(r.Context(), f.query(from, to, postsPerDay[f.View], zone))
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	_ = json.NewEncoder(w).Encode(s.feedOf(s.texts[langOf(r)], userOf(r), f, from, days, zone)) // fails only where the browser has left, and then a page that says so would be torn
	return nil
}
