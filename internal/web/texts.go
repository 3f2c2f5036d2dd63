package web

import (
	"embed"
	"encoding/json"
	"fmt"
	"io/fs"
	"path"
	"strconv"
	"strings"
	"time"
)

//go:embed locales
var localeFS embed.FS

// The languages; the first is the one of those who ask for none of them.
const (
	zhCN = "zh-CN"
	en   = "en"
)

var languages = []string{zhCN, en}

// catalogue is every text of one language, by key.
type catalogue map[string]string

// readCatalogues reads the embedded files: of each language a folder, in it a
// file for each subject. What cannot be read, or is said twice, is a fault of
// the program and panics.
func readCatalogues() map[string]catalogue {
	all := make(map[string]catalogue)
	for _, lang := range languages {
		names, err := fs.Glob(localeFS, path.Join("locales", lang, "*.json"))
		if err != nil || len(names) == 0 {
			panic(fmt.Sprintf("%s: no texts: %v", lang, err))
		}
		c := make(catalogue)
		for _, name := range names {
			c.add(name)
		}
		all[lang] = c
	}
	return all
}

// add reads one subject's texts.
func (c catalogue) add(name string) {
	b, err := localeFS.ReadFile(name)
	if err != nil {
		panic(err)
	}
	var texts map[string]string
	if err := json.Unmarshal(b, &texts); err != nil {
		panic(fmt.Sprintf("%s: %v", name, err))
	}
	for key, text := range texts {
		if _, twice := c[key]; twice {
			panic(fmt.Sprintf("%s: %q has a text already", name, key))
		}
		c[key] = text
	}
}

// get is the text of the key with its arguments filled in. A key without a
// text shows itself; a test keeps that from happening.
func (c catalogue) get(key string, args ...any) string {
	text, ok := c[key]
	switch {
	case !ok:
		return "⟦" + key + "⟧"
	case len(args) == 0:
		return text
	}
	return fmt.Sprintf(text, args...)
}

// or is the text of the key, or other where there is none.
func (c catalogue) or(key, other string) string {
	if text, ok := c[key]; ok {
		return text
	}
	return other
}

// clock writes a time in its zone: day, weekday, hour and minute; the year
// only when it is not this one's, the zone only when it is not the page's.
func (c catalogue) clock(t, now time.Time, zone, usual string) string {
	if zone == "" {
		zone = usual
	}
	l := t.In(location(zone))
	date := c.get("time.date", int(l.Month()), l.Day(), c.get("time.month."+strconv.Itoa(int(l.Month()))))
	if l.Year() != now.In(location(zone)).Year() {
		date = c.get("time.dated", l.Year(), date)
	}
	out := date + " " + c.get("weekday."+strconv.Itoa(int(l.Weekday()))) + " " + l.Format("15:04")
	if _, off := l.Zone(); off != offsetOf(t, usual) {
		out += " " + l.Format("UTC-07:00")
	}
	return out
}

func offsetOf(t time.Time, zone string) int {
	_, off := t.In(location(zone)).Zone()
	return off
}

// relative writes how far away something is: "in 2 h", "5 min ago".
func (c catalogue) relative(d time.Duration) string {
	if d.Abs() < 45*time.Second {
		if d < 0 {
			return c.get("time.justnow")
		}
		return c.get("time.atonce")
	}
	if d < 0 {
		return c.get("time.ago", c.span(-d))
	}
	return c.get("time.in", c.span(d))
}

// span writes a duration in the one or two units that matter.
func (c catalogue) span(d time.Duration) string {
	switch d = d.Abs(); {
	case d < time.Second:
		return c.get("span.ms", d.Milliseconds())
	case d < time.Minute:
		return c.get("span.s", int(d.Seconds()))
	case d < time.Hour:
		return c.get("span.min", int(d.Minutes()))
	case d < 10*time.Hour && d%time.Hour >= time.Minute:
		return c.get("span.hmin", int(d.Hours()), int(d.Minutes())%60)
	case d < 96*time.Hour:
		return c.get("span.h", int(d.Hours()))
	}
	return c.get("span.d", int(d.Hours())/24)
}

// exactly writes a setting as it was made: "15m", "72h", "0".
func exactly(d time.Duration) string {
	if d == 0 {
		return "0"
	}
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}
