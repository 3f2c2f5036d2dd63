package web

import (
	"context"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"momentcast/internal/moment"
)

// SettingsStore is the part of the database that the pages of settings need.
type SettingsStore interface {
	Settings(ctx context.Context) (moment.Settings, error)
	ChangeSettings(ctx context.Context, ifVersion int64, change func(*moment.Settings) error, by moment.Origin) error
	TrySettings(ctx context.Context, change func(*moment.Settings) error) (later, earlier int, err error)

	CreateTokenOnce(ctx context.Context, t moment.Token, hash [32]byte, key moment.RequestKey, by moment.Origin) (out moment.Token, made bool, err error)
	ListTokens(ctx context.Context, after int64, limit int) ([]moment.Token, error)
	RevokeToken(ctx context.Context, id int64, by moment.Origin) error
}

// settingsRoutes are the pages of what holds for the whole service.
func (s *Web) settingsRoutes() []route {
	const admin = moment.PermAdmin
	out := []route{
		{"GET /settings/gateway", admin, s.gatewaySettings},
		{"GET /settings/tokens", admin, s.tokens},
		{"POST /settings/tokens", admin, s.createToken},
		{"POST /settings/tokens/{id}/revoke", admin, s.revokeToken},
	}
	for _, sec := range settingsSections {
		out = append(out, route{"GET " + sec.path(), admin, s.settings(sec)}, route{"POST " + sec.path(), admin, s.changeSettings(sec)})
	}
	return out
}

// settingsSection is one page of settings.
type settingsSection struct {
	name   string
	fields []string
}

// settingsSections are the pages with a form, each with its fields in order.
var settingsSections = []settingsSection{
	{"pacing", []string{"min_gap", "daily_cap", "quiet_hours", "online_age", "relogin_keeps", "max_lateness", "time_zone", "auto_resend"}},
	{"approval", []string{"require_approval", "own_approval", "approval_expires"}},
	{"composing", []string{"fold_lines", "fold_chars", "duplicate_days", "lint_words", "lint_allowed"}},
}

// path is the section's address; the first is where the settings begin.
func (sec settingsSection) path() string {
	if sec.name == settingsSections[0].name {
		return "/settings"
	}
	return "/settings/" + sec.name
}

// tab is one of the pages of settings.
type tab struct {
	Name, Path string
	Here       bool
}

func settingsTabs(here string) []tab {
	var out []tab
	for _, sec := range settingsSections {
		out = append(out, tab{sec.name, sec.path(), sec.name == here})
	}
	for _, name := range []string{"gateway", "tokens"} {
		out = append(out, tab{name, "/settings/" + name, name == here})
	}
	return append(out, tab{"users", "/settings/users", false})
}

// settingField is one setting as a form shows it.
type settingField struct {
	Name, Kind string // Kind: "bool", "number", "lines" or "text"
	Value      string // as typed, or as stored
	On         bool   // of a bool
	Fixed      bool   // the environment sets it
	Stored     string // what somebody else has stored, where it is not what was typed
}

// settingsPage shows one section, or asks whether a change is really meant.
type settingsPage struct {
	Frame
	Section        string
	Path           string
	Tabs           []tab
	Fields         []settingField
	Version        int64
	Ask            bool // the change moves what is queued
	Later, Earlier int
}

func (s *Web) settings(sec settingsSection) handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		now, err := s.store.Settings(r.Context())
		if err != nil {
			return err
		}
		return s.settingsPage(w, r, sec, &settingsPage{Version: now.Version}, settingValues(&now), settingValues(&now))
	}
}

// settingsPage shows the values as typed; where others are stored, those too.
func (s *Web) settingsPage(w http.ResponseWriter, r *http.Request, sec settingsSection, p *settingsPage, typed, stored map[string]string) error {
	p.Section, p.Path, p.Tabs = sec.name, sec.path(), settingsTabs(sec.name)
	for _, name := range sec.fields {
		f := settingField{Name: name, Kind: settingKind(name), Value: typed[name], On: typed[name] == "1", Fixed: s.fixed.Has(name)}
		if p.Problem != nil && !f.Fixed && typed[name] != stored[name] {
			f.Stored = stored[name]
			if f.Kind == "bool" {
				f.Stored = s.texts[langOf(r)].get("setting.on." + stored[name])
			}
		}
		p.Fields = append(p.Fields, f)
	}
	return s.page(w, r, view{Status: statusFor(p.Problem), Page: "settings", Data: p})
}

// changeSettings stores a section's settings. A change that moves the next
// post of any instance is asked about first.
func (s *Web) changeSettings(sec settingsSection) handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		if err := parseForm(w, r); err != nil {
			return err
		}
		typed := typedSettings(sec, r.PostForm)
		change := func(now *moment.Settings) error {
			was := *now
			if err := readSettings(now, typed, s.fixed); err != nil {
				return err
			}
			return s.fixed.Check(&was, now)
		}
		version := number(r.PostForm.Get("version"))
		err := s.wantVersion(r, version)
		if err == nil && r.PostForm.Get("confirm") == "" {
			p := &settingsPage{Version: version, Ask: true}
			if p.Later, p.Earlier, err = s.store.TrySettings(r.Context(), change); err == nil && p.Later+p.Earlier > 0 {
				return s.settingsPage(w, r, sec, p, typed, typed)
			}
		}
		if err == nil {
			err = s.store.ChangeSettings(r.Context(), version, change, s.by(r))
		}
		if refused(err) {
			return s.settingsRefused(w, r, sec, typed, err)
		}
		if err != nil {
			return err
		}
		s.known.forget()
		s.engine.Wake()
		say(w, r, "done.settings")
		return seeOther(w, r, sec.path())
	}
}

// wantVersion refuses a form that was filled in before somebody else's change.
func (s *Web) wantVersion(r *http.Request, version int64) error {
	now, err := s.store.Settings(r.Context())
	if err == nil && now.Version != version {
		err = moment.Errorf(moment.Precondition, "Somebody has changed the settings meanwhile; look at them again and decide.")
	}
	return err
}

// settingsRefused shows what was typed beside what is stored by now.
func (s *Web) settingsRefused(w http.ResponseWriter, r *http.Request, sec settingsSection, typed map[string]string, why error) error {
	now, err := s.store.Settings(r.Context())
	if err != nil {
		return err
	}
	p := &settingsPage{Version: now.Version}
	p.Problem = explain(s.texts[langOf(r)], why)
	return s.settingsPage(w, r, sec, p, typed, settingValues(&now))
}

// typedSettings is what the form says of the section's fields.
func typedSettings(sec settingsSection, form url.Values) map[string]string {
	typed := make(map[string]string)
	for _, name := range sec.fields {
		v := strings.ReplaceAll(strings.TrimSpace(form.Get(name)), "\r\n", "\n")
		if settingKind(name) == "bool" && v != "1" {
			v = "0"
		}
		typed[name] = v
	}
	return typed
}

// readSettings puts what was typed into now. What the environment sets is not
// in the form and stays.
func readSettings(now *moment.Settings, typed map[string]string, fixed moment.FixedSettings) error {
	var fs []moment.Field
	for _, name := range slices.Sorted(maps.Keys(typed)) {
		if fixed.Has(name) {
			continue
		}
		if m := setSetting(now, name, typed[name]); m != "" {
			fs = append(fs, moment.Field{Path: name, Message: m})
		}
	}
	return moment.InvalidFields(fs)
}
