package web

import (
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"momentcast/internal/moment"
)

// overviewPage is the whole at a glance.
type overviewPage struct {
	Frame
	Status   moment.Status
	Day      moment.Day
	Chart    chart
	Held     []heldCount
	Inbox    int64
	Concerns []instanceRow
	More     int64 // concerns that are not shown
	Alive    bool
	Gateway  string // "good", "bad" or "unknown"
	Setup    string // what a first run lacks: "gateway", "instances", "posts"; "" = nothing
	Today    time.Time
	Compose  bool // there is a page to write a post
}

type heldCount struct {
	Reason moment.HoldReason
	Posts  int64
}

// concernsMost is how many instances the overview names.
const concernsMost = 12

func (s *Web) overview(w http.ResponseWriter, r *http.Request) error {
	ctx := r.Context()
	k, err := s.known.get(ctx)
	if err != nil {
		return err
	}
	st, zone := k.status, location(k.settings.TimeZone)
	y, m, d := st.Now.In(zone).Date()
	p := &overviewPage{Status: st, Inbox: waiting(st), Alive: alive(st.Replicas), Gateway: gatewayOf(st), Today: time.Date(y, m, d, 0, 0, 0, 0, zone)}
	tomorrow := time.Date(y, m, d+1, 0, 0, 0, 0, zone)
	if p.Day, err = s.store.Day(ctx, p.Today, tomorrow); err != nil {
		return err
	}
	p.Chart = draw(s.texts[langOf(r)], p.Day.Hours, p.Today, tomorrow, st.Now)
	for _, reason := range slices.SortedFunc(maps.Keys(st.DueHeld), func(a, b moment.HoldReason) int { return strings.Compare(string(a), string(b)) }) {
		p.Held = append(p.Held, heldCount{reason, st.DueHeld[reason]})
	}
	views, err := s.store.InstancesOfConcern(ctx, concernsMost)
	if err != nil {
		return err
	}
	for i := range views {
		p.Concerns = append(p.Concerns, rowOf(views[i]))
	}
	p.More = max(0, st.Instances.Offline+st.Instances.Maturing-int64(len(views)))
	p.Compose = s.has("/posts/new") && userOf(r).May(moment.PermWrite)
	p.Setup = setup(st, &p.Day)
	return s.page(w, r, view{Page: "overview", Block: "overview", Data: p})
}

func gatewayOf(st moment.Status) string {
	switch {
	case !st.Gateway.DownSince.IsZero():
		return "bad"
	case st.Gateway.ObservedAt.IsZero():
		return "unknown"
	}
	return "good"
}

// setup is what a first run lacks.
func setup(st moment.Status, day *moment.Day) string {
	switch {
	case st.Gateway.ObservedAt.IsZero():
		return "gateway"
	case st.Instances.Total == 0:
		return "instances"
	case len(day.Hours) == 0 && st.Posts[moment.Scheduled] == 0 && waiting(st) == 0:
		return "posts"
	}
	return ""
}
