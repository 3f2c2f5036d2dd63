package web

import (
	"html/template"
	"strings"
	"time"

	"momentcast/internal/moment"
	"momentcast/internal/schedule"
)

// funcs are what templates may call, in one language.
func (m *made) funcs(lang string) template.FuncMap {
	c := m.texts[lang]
	return template.FuncMap{
		"t":       c.get,
		"icon":    m.icon,
		"asset":   m.assets.url,
		"state":   func(st moment.State) template.HTML { return m.state(c, st) },
		"stateOf": func(st moment.State) string { return c.get("state." + string(st.Shown())) },
		"hold":    func(h moment.HoldReason) string { return c.get("hold." + string(h)) },
		"todo":    func(h moment.HoldReason) string { return c.get("hold." + string(h) + ".todo") },
		"span":    func(d time.Duration) string { return c.span(d) },
		"exactly": exactly,
		"name":    nameOf,
		"short":   short,
		"know":    c.or,
		"count":   func(n map[moment.State]int64, st string) int64 { return n[moment.State(st)] },
		"themeIcon": func(theme string) string {
			if theme == "dark" {
				return "sun"
			}
			return "moon"
		},
		"failIcon": failIcon,
		"kinds":    func() []string { return []string{"cron", "once", "times"} },
		"modes":    func() []string { return []string{"every_day", "weekdays", "weekly", "monthly", "advanced"} },
		"rules":    func() []string { return []string{"", "skip_holidays", "working_days", "next_working_day"} },
		"missed":   func() []string { return []string{"skip", "latest", "all"} },
		"zones":    schedule.Zones,
		"days":     func(s moment.Seconds) int64 { return int64(s) / 86400 },
		"minutes":  func(s moment.Seconds) int64 { return int64(s) / 60 },
		"inc":      func(n int) int { return n + 1 },
		"tally":    func(of moment.CampaignState, n map[moment.State]int64) tally { return tally{of, n} },
		"postIn":   func(of moment.CampaignState, st moment.State) campaignPost { return campaignPost{of, st} },
		"pair":     func(p *calendarPage, c calendarCell) cellOf { return cellOf{p, c} },
		// The days of a week that begins on Monday.
		"weekdays": func() []int { return []int{1, 2, 3, 4, 5, 6, 0} },
	}
}

// icon is a picture beside a word; readers of the page aloud skip it. The name
// is ours, never a visitor's.
func (m *made) icon(name string) template.HTML {
	return template.HTML(`<svg class="icon" aria-hidden="true" focusable="false"><use href="` + //nolint:gosec // nothing of it is a visitor's
		m.assets.url("vendor/tabler-icons/icons.svg") + `#` + template.HTMLEscapeString(name) + `"/></svg>`)
}

// stateIcons are the signs of the states, beside their words and colours.
var stateIcons = map[moment.State]string{
	moment.Draft: "pencil", moment.Pending: "hourglass", moment.Scheduled: "calendar-time", moment.Sending: "send",
	moment.Sent: "circle-check", moment.Failed: "circle-x", moment.Unknown: "help-circle", moment.Missed: "clock-x", moment.Cancelled: "ban",
}

// state shows a state: sign, word and colour, the same everywhere.
func (m *made) state(c catalogue, st moment.State) template.HTML {
	st = st.Shown()
	return template.HTML(`<span class="state state-`+template.HTMLEscapeString(string(st))+`">`) + m.icon(stateIcons[st]) + //nolint:gosec // escaped here
		template.HTML(template.HTMLEscapeString(c.get("state."+string(st)))+`</span>`) //nolint:gosec // escaped here
}

// nameOf is what people call an instance.
func nameOf(name, wcID string) string {
	if strings.TrimSpace(name) != "" {
		return name
	}
	return wcID
}

// short cuts a text to one line of at most n characters.
func short(n int, text string) string {
	r := []rune(strings.Join(strings.Fields(text), " "))
	if len(r) <= n {
		return string(r)
	}
	return string(r[:n]) + "…"
}
