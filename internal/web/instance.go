package web

import (
	"net/http"
	"strconv"
	"strings"
	"time"

	"momentcast/internal/moment"
)

// instancePage shows one account and lets its pace be set.
type instancePage struct {
	Frame
	Row    instanceRow
	Pacing pacingForm
	Reason string // of a pause that was not made
	Mature string
	Posts  []moment.PostView // what it sends next
}

// ManySent reports whether counting ended before all that was sent.
func (p *instancePage) ManySent() bool { return p.Row.Counts[moment.Sent] >= moment.SentMost }

// pacingForm is an instance's own pacing as it is typed: empty follows the
// settings, "none" as quiet hours means that there are none.
type pacingForm struct {
	Name, MinGap, DailyCap, QuietHours, OnlineAge string
}

func formOf(v *moment.InstanceView) pacingForm {
	f := pacingForm{Name: v.Name}
	o := v.Pacing
	if o.MinGap != nil {
		f.MinGap = exactly(*o.MinGap)
	}
	if o.DailyCap != nil {
		f.DailyCap = strconv.Itoa(*o.DailyCap)
	}
	if o.OnlineAge != nil {
		f.OnlineAge = exactly(*o.OnlineAge)
	}
	if o.QuietHours != nil {
		if f.QuietHours = string(*o.QuietHours); f.QuietHours == "" {
			f.QuietHours = noHours
		}
	}
	return f
}

const noHours = "none"

func (s *Web) instance(w http.ResponseWriter, r *http.Request) error {
	return s.instancePage(w, r, nil, nil)
}

// instancePage shows the account as it is now, with what was typed in place.
func (s *Web) instancePage(w http.ResponseWriter, r *http.Request, problem *problem, typed func(*instancePage)) error {
	id, err := pathID(r)
	if err != nil {
		return err
	}
	v, err := s.store.Instance(r.Context(), id)
	if err != nil {
		return err
	}
	p := &instancePage{Row: rowOf(*v), Pacing: formOf(v)}
	p.Problem = problem
	if typed != nil {
		typed(p)
	}
	q := moment.PostQuery{States: waitingStates, InstanceID: id, Ascending: true, Limit: 5}
	if p.Posts, _, err = s.store.Posts(r.Context(), q); err != nil {
		return err
	}
	return s.page(w, r, view{Status: statusFor(problem), Page: "instance", Block: "facts", Data: p})
}

// changing is a change of an instance, read from a form; typed puts what was
// typed back in place.
type changing func(r *http.Request, v *moment.InstanceView) (change func(*moment.Instance) error, typed func(*instancePage), err error)

// change makes a change of an instance, if it is the version that was seen.
func (s *Web) change(done string, read changing) handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		id, err := pathID(r)
		if err != nil {
			return err
		}
		if err := parseForm(w, r); err != nil {
			return err
		}
		v, err := s.store.Instance(r.Context(), id)
		if err != nil {
			return err
		}
		version := number(r.PostForm.Get("version"))
		if version == 0 {
			return moment.Errorf(moment.Invalid, "The form does not say which version was seen.")
		}
		change, typed, err := read(r, v)
		if err == nil {
			err = s.store.ChangeInstance(r.Context(), id, version, change, origin(r))
		}
		if refused(err) {
			return s.instancePage(w, r, explain(s.texts[langOf(r)], err), typed)
		}
		if err != nil {
			return err
		}
		s.known.forget()
		s.engine.Wake()
		say(w, r, done, nameOf(v.Name, v.WcID))
		return seeOther(w, r, "/instances/"+strconv.FormatInt(id, 10))
	}
}

func readPacing(r *http.Request, _ *moment.InstanceView) (func(*moment.Instance) error, func(*instancePage), error) {
	get := func(name string) string { return strings.TrimSpace(r.PostForm.Get(name)) }
	f := pacingForm{get("name"), get("min_gap"), get("daily_cap"), get("quiet_hours"), get("online_age")}
	typed := func(p *instancePage) { p.Pacing = f }
	o, err := f.override()
	return func(i *moment.Instance) error {
		i.Name, i.Pacing = f.Name, o
		return nil
	}, typed, err
}

// override reads what was typed.
func (f *pacingForm) override() (o moment.Override, err error) {
	var fs []moment.Field
	span := func(path, s string) *time.Duration {
		if s == "" {
			return nil
		}
		d, err := time.ParseDuration(s)
		if err != nil {
			fs = append(fs, moment.Field{Path: path, Message: "is not a span of time such as 90m, 2h or 1d"})
		}
		return &d
	}
	o.MinGap, o.OnlineAge = span("min_gap", f.MinGap), span("online_age", f.OnlineAge)
	if f.DailyCap != "" {
		n, err := strconv.Atoi(f.DailyCap)
		if err != nil {
			fs = append(fs, moment.Field{Path: "daily_cap", Message: "is not a number"})
		}
		o.DailyCap = &n
	}
	if f.QuietHours != "" {
		hours := f.QuietHours
		if hours == noHours {
			hours = ""
		}
		q, err := moment.ParseQuietHours(hours)
		if err != nil {
			fs = append(fs, moment.Field{Path: "quiet_hours", Message: "must be written HH:MM-HH:MM, such as 23:00-07:00"})
		}
		o.QuietHours = &q
	}
	return o, moment.InvalidFields(fs)
}

func readPause(r *http.Request, _ *moment.InstanceView) (func(*moment.Instance) error, func(*instancePage), error) {
	reason, by := strings.TrimSpace(r.PostForm.Get("reason")), userOf(r).Name
	typed := func(p *instancePage) { p.Reason = reason }
	var err error
	if m := moment.CheckText(reason, true, maxReason); m != "" {
		err = moment.InvalidFields([]moment.Field{{Path: "reason", Message: m}})
	}
	return func(i *moment.Instance) error {
		i.Paused, i.PausedReason, i.PausedBy = true, reason, by
		return nil
	}, typed, err
}

func readUnpause(*http.Request, *moment.InstanceView) (func(*moment.Instance) error, func(*instancePage), error) {
	return func(i *moment.Instance) error {
		i.Paused, i.PausedReason, i.PausedBy = false, "", ""
		return nil
	}, nil, nil
}

// readMature reads from when the account counts as online for long enough;
// empty = as its login says.
func readMature(r *http.Request, v *moment.InstanceView) (func(*moment.Instance) error, func(*instancePage), error) {
	text := strings.TrimSpace(r.PostForm.Get("matured_at"))
	typed := func(p *instancePage) { p.Mature = text }
	var at time.Time
	if text != "" {
		if at = inZone(text, v.TimeZone); at.IsZero() || at.Sub(v.Now).Abs() > 366*24*time.Hour {
			return nil, typed, moment.InvalidFields([]moment.Field{{Path: "matured_at", Message: "is not a time within a year of now"}})
		}
	}
	return func(i *moment.Instance) error { i.MaturedAt = at; return nil }, typed, nil
}
