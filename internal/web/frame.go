package web

import (
	"html/template"
	"net/http"
	"net/url"
	"time"

	"momentcast/internal/moment"
)

// Frame is what surrounds every page. Page structs embed it.
type Frame struct {
	Lang    string
	Theme   string // "light" or "dark"; "" = as the system likes
	Here    string // path and query of this page
	Live    bool   // it loads itself again; what answers a form holds what was typed, and does not
	Now     time.Time
	Zone    string // of times that belong to no instance
	Version string
	User    moment.User
	Nav     []navItem
	Banners []banner
	Notice  *notice
	Problem *problem

	texts    catalogue
	settings moment.Settings
}

func (f *Frame) frame() *Frame { return f }

// banner is what everybody has to know at once.
type banner struct {
	Icon, Kind string // Kind: "danger" or "warning"
	Text       string
	Href, Link string // what to do about it; "" = nothing to follow
}

// notice says that a change was made.
type notice struct{ Text string }

// problem says why a change was not made.
type problem struct {
	What, Why, Next string
	Fields          map[string]string // what is wrong, by field

	status int // of the answer
}

// LoggedIn reports whether somebody is.
func (f *Frame) LoggedIn() bool { return f.User.Name != "" }

// May reports whether the user may do what needs the permission.
func (f *Frame) May(p moment.Permission) bool { return f.User.May(p) }

// Wrong is what is wrong with a field; "" if nothing is.
func (f *Frame) Wrong(field string) string {
	if f.Problem == nil {
		return ""
	}
	return f.Problem.Fields[field]
}

// In is this page in another language.
func (f *Frame) In(lang string) string {
	u, err := url.Parse(f.Here)
	if err != nil {
		return "/?lang=" + lang
	}
	q := u.Query()
	q.Set("lang", lang)
	u.RawQuery = q.Encode()
	return u.String()
}

// When shows a time in the zone of an instance ("" = the page's) with its
// weekday, and how far away it is.
func (f *Frame) When(t time.Time, zone string) template.HTML {
	if t.IsZero() {
		return template.HTML(`<span class="text-secondary">` + template.HTMLEscapeString(f.texts.get("time.none")) + `</span>`) //nolint:gosec // escaped here
	}
	abs, rel := f.texts.clock(t, f.Now, zone, f.Zone), f.texts.relative(t.Sub(f.Now))
	return template.HTML(`<time datetime="` + t.UTC().Format(time.RFC3339) + `">` + template.HTMLEscapeString(abs) + //nolint:gosec // escaped here
		`</time> <span class="ago">` + template.HTMLEscapeString(rel) + `</span>`)
}

// Clock is a time in the zone of an instance, with its weekday, as plain text.
func (f *Frame) Clock(t time.Time, zone string) string { return f.texts.clock(t, f.Now, zone, f.Zone) }

// Ago is how far away a time is, in words.
func (f *Frame) Ago(t time.Time) string { return f.texts.relative(t.Sub(f.Now)) }

// Input writes a time as an input field of a browser takes it.
func (f *Frame) Input(t time.Time, zone string) string {
	if t.IsZero() {
		return ""
	}
	if zone == "" {
		zone = f.Zone
	}
	return t.In(location(zone)).Format(localTime)
}

// bare is the frame of a page that asks nothing of the database.
func (s *site) bare(r *http.Request) Frame {
	lang := langOf(r)
	return Frame{Lang: lang, Theme: themeOf(r), Here: hereOf(r), Live: r.Method == http.MethodGet, Now: time.Now(), Version: s.version, User: userOf(r), texts: s.texts[lang]}
}

// hereOf is the address of the page that is looked at: of an answer to a form,
// whose own address cannot be loaded, that of the page with the form.
func hereOf(r *http.Request) string {
	from, err := url.Parse(r.Referer())
	if r.Method == http.MethodGet || err != nil || from.Host != r.Host || from.Path == "" {
		return r.URL.RequestURI()
	}
	return localPath(from.RequestURI())
}

// page fills the frame of v and writes it. What the handler set of the frame
// (Notice, Problem) is kept.
func (s *Web) page(w http.ResponseWriter, r *http.Request, v view) error {
	f := v.Data.frame()
	notice, problem := f.Notice, f.Problem
	*f = s.bare(r)
	f.Notice, f.Problem = notice, problem
	if f.Notice == nil && !fragment(r) {
		f.Notice = s.takeNotice(w, r, f.texts)
	}
	k, err := s.known.get(r.Context())
	if err != nil {
		return err
	}
	f.Zone, f.settings = k.settings.TimeZone, k.settings
	if f.LoggedIn() {
		f.Nav, f.Banners = s.nav(f, k.status), s.banners(f, k.status)
	}
	return s.render(w, r, v)
}
