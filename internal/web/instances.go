package web

import (
	"net/http"
	"strconv"
	"time"

	"momentcast/internal/moment"
)

// instancesPage lists the accounts.
type instancesPage struct {
	Frame
	Instances []instanceRow
	Counts    moment.InstanceCounts
	Show      string // "", "online", "offline" or "paused"
	Group     string
	First     bool
	Next, Top string
}

// instanceRow is an account with what its numbers mean.
type instanceRow struct {
	moment.InstanceView
	Pace    moment.Pacing
	Today   int
	Matures time.Time     // zero = it has matured, or was never online
	Age     time.Duration // of its login; 0 = offline
	Need    time.Duration // until it matures
}

func rowOf(v moment.InstanceView) instanceRow {
	r := instanceRow{InstanceView: v, Pace: v.Pace(), Today: v.SentToday()}
	if v.Online && !v.OnlineSince.IsZero() {
		r.Age = max(v.Now.Sub(v.OnlineSince), 0)
	}
	if at := v.MaturesAt(r.Pace.OnlineAge); v.Online && at.After(v.Now) {
		r.Matures, r.Need = at, at.Sub(v.Now)
	}
	return r
}

// AgeSeconds and NeedSeconds are the way to maturity, for a bar.
func (r instanceRow) AgeSeconds() int64 { return int64(r.Age.Seconds()) }

// TotalSeconds is the whole of that way.
func (r instanceRow) TotalSeconds() int64 { return int64((r.Age + r.Need).Seconds()) }

// NextSlot is when the pacing allows the next post; zero = at any time.
func (r instanceRow) NextSlot() time.Time {
	if r.ReadyAt.After(r.NextSlotAt) {
		return r.ReadyAt
	}
	if r.NextSlotAt.After(r.Now) {
		return r.NextSlotAt
	}
	return time.Time{}
}

func (s *Web) instances(w http.ResponseWriter, r *http.Request) error {
	k, err := s.known.get(r.Context())
	if err != nil {
		return err
	}
	v := r.URL.Query()
	q := moment.InstanceQuery{Group: clean(v.Get("group")), After: number(v.Get("after")), Limit: 100}
	p := &instancesPage{Counts: k.status.Instances, Show: v.Get("show"), Group: q.Group, First: q.After == 0}
	yes, no := true, false
	switch p.Show {
	case "online":
		q.Online = &yes
	case "offline":
		q.Online = &no
	case "paused":
		q.Paused = &yes
	default:
		p.Show = ""
	}
	views, more, err := s.store.Instances(r.Context(), q)
	if err != nil {
		return err
	}
	for i := range views {
		p.Instances = append(p.Instances, rowOf(views[i]))
	}
	at := filter{}
	p.Top = at.at("/instances", "show", p.Show, "group", p.Group)
	if more {
		p.Next = at.at("/instances", "show", p.Show, "group", p.Group, "after", strconv.FormatInt(views[len(views)-1].ID, 10))
	}
	return s.page(w, r, view{Page: "instances", Block: "list", Data: p})
}

// sync takes in the accounts that the gateway lists.
func (s *Web) sync(w http.ResponseWriter, r *http.Request) error {
	logins, err := s.gateway.Logins(r.Context())
	if err != nil {
		return byGateway(err)
	}
	added, err := s.store.Adopt(r.Context(), logins, origin(r))
	if err != nil {
		return err
	}
	s.known.forget()
	s.engine.Wake()
	say(w, r, "done.sync", strconv.Itoa(len(logins)), strconv.Itoa(added))
	return seeOther(w, r, "/instances")
}
