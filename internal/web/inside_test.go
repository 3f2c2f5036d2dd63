package web

import (
	"crypto/sha256"
	"fmt"
	"io/fs"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"momentcast/internal/moment"
	"momentcast/internal/sheet"
)

// PageNames lists every page's template.
func (s *Web) PageNames() (out []string) {
	for name := range s.sets[en] {
		out = append(out, name)
	}
	slices.Sort(out)
	return out
}

func TestCataloguesHaveTheSameKeys(t *testing.T) {
	t.Parallel()
	all := readCatalogues()
	verb := regexp.MustCompile(`%(\[\d+\])?[a-z%]`)
	for _, a := range languages {
		for _, b := range languages {
			for key, text := range all[a] {
				other, ok := all[b][key]
				if !ok && strings.HasPrefix(key, "say.") && b == en {
					continue // the domain speaks English: its own words are shown
				}
				if !ok {
					t.Errorf("%s has %q, %s has not", a, key, b)
					continue
				}
				if strings.TrimSpace(text) == "" {
					t.Errorf("%s: %q is empty", a, key)
				}
				if x, y := len(verb.FindAllString(text, -1)), len(verb.FindAllString(other, -1)); x != y && !strings.HasPrefix(key, "time.") {
					t.Errorf("%q takes %d values in %s and %d in %s", key, x, a, y, b)
				}
			}
		}
	}
	han := regexp.MustCompile(`\p{Han}`)
	for key, text := range all[en] {
		if han.MatchString(text) && key != "lang.switch" {
			t.Errorf("en: %q is not English: %s", key, text)
		}
	}
}

// Keys that are put together from words of the domain.
func TestEveryWordOfTheDomainHasAText(t *testing.T) {
	t.Parallel()
	var keys []string
	for _, s := range shownStates {
		keys = append(keys, "state."+string(s))
	}
	for _, h := range slices.Concat(moment.HoldReasons, moment.CampaignHolds) {
		keys = append(keys, "hold."+string(h), "hold."+string(h)+".todo")
	}
	for _, d := range doings {
		keys = append(keys, "action."+string(d.action), "action."+string(d.action)+".what", "done."+string(d.action))
	}
	for kind := range statusOf {
		keys = append(keys, "problem."+string(kind), "problem."+string(kind)+".why", "problem."+string(kind)+".next")
	}
	for _, v := range []moment.Verdict{moment.Delivered, moment.Rejected, moment.NeverLeft, moment.InDoubt} {
		keys = append(keys, "verdict."+string(v))
	}
	for _, n := range navItems {
		keys = append(keys, n.Key)
	}
	for _, column := range sheet.Columns {
		keys = append(keys, "csv."+column.Name)
	}
	for _, column := range historyColumns {
		keys = append(keys, "history.column."+column)
	}
	for _, state := range []moment.JobState{moment.JobWaiting, moment.JobRunning, moment.JobDone, moment.JobStopped} {
		keys = append(keys, "jobs."+string(state))
	}
	for _, m := range []moment.VisibilityMode{"", moment.Everyone, moment.Allow, moment.Deny} {
		keys = append(keys, "visibility."+string(m))
	}
	for _, l := range []bulkList{queueBulk, inboxBulk} {
		for _, do := range l.does {
			keys = append(keys, "job."+do, "bulk."+do, "bulk."+do+".what")
		}
	}
	all := readCatalogues()
	for _, key := range keys {
		if _, ok := all[en][key]; !ok {
			t.Errorf("there is no text for %q", key)
		}
	}
}

// Every text of a template comes from the catalogue, and every key it names is
// there.
func TestTemplatesHoldNoTextOfTheirOwn(t *testing.T) {
	t.Parallel()
	s := newSite(zerolog.Nop(), "test")
	letters := regexp.MustCompile(`[\p{L}]{2,}`)
	tags := regexp.MustCompile(`(?s)<!doctype[^>]*>|<[^>]*>|&[a-z]+;`)
	spoken := regexp.MustCompile(`(?:title|alt|placeholder|aria-label)="([^"]*\p{L}[^"]*)"`)
	used := make(map[string]bool)
	err := fs.WalkDir(templateFS, "templates", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || name == "templates/live.html" { // attributes only
			return err
		}
		b, err := templateFS.ReadFile(name)
		if err != nil {
			return err
		}
		// What is computed goes first: an attribute may hold a > of its own there.
		text := regexp.MustCompile(`(?s)\{\{.*?\}\}`).ReplaceAllString(string(b), "")
		for _, m := range spoken.FindAllStringSubmatch(text, -1) {
			t.Errorf("%s: an attribute speaks by itself: %s", name, m[0])
		}
		for _, word := range letters.FindAllString(tags.ReplaceAllString(text, " "), -1) {
			if word != "HTTP" {
				t.Errorf("%s: %q is not from the catalogue", name, word)
			}
		}
		for _, m := range regexp.MustCompile(`[{(]t "([^"]+)"`).FindAllStringSubmatch(string(b), -1) {
			used[m[1]] = true
			if _, ok := s.texts[en][m[1]]; !ok {
				t.Errorf("%s: there is no text for %q", name, m[1])
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(used) < 100 {
		t.Errorf("only %d keys found: is the pattern still right?", len(used))
	}
}

func TestVendoredFilesAreWhatTheyWere(t *testing.T) {
	t.Parallel()
	list, err := os.ReadFile("static/vendor/CHECKSUMS")
	if err != nil {
		t.Fatal(err)
	}
	want := make(map[string]string)
	for line := range strings.Lines(string(list)) {
		f := strings.Fields(line)
		want[f[1]] = f[0]
	}
	licensed := make(map[string]bool)
	err = fs.WalkDir(staticFS, "static/vendor", func(name string, d fs.DirEntry, err error) error {
		short := strings.TrimPrefix(name, "static/vendor/")
		if err != nil || d.IsDir() || short == "CHECKSUMS" || short == "README.md" {
			return err
		}
		b, err := staticFS.ReadFile(name)
		if err != nil {
			return err
		}
		if got := checksum(b); got != want[short] {
			t.Errorf("%s: checksum %s, want %q", short, got, want[short])
		}
		delete(want, short)
		folder, _, _ := strings.Cut(short, "/")
		licensed[folder] = licensed[folder] || strings.HasSuffix(short, "/LICENSE")
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for name := range want {
		t.Errorf("%s is listed and missing", name)
	}
	for folder, ok := range licensed {
		if !ok {
			t.Errorf("%s has no licence", folder)
		}
	}
}

func TestIconsThatArePlacedExist(t *testing.T) {
	t.Parallel()
	b, err := staticFS.ReadFile("static/vendor/tabler-icons/icons.svg")
	if err != nil {
		t.Fatal(err)
	}
	check := func(where, name string) {
		if !strings.Contains(string(b), `id="`+name+`"`) {
			t.Errorf("%s: there is no icon %q", where, name)
		}
	}
	for _, name := range stateIcons {
		check("states", name)
	}
	for _, n := range navItems {
		check("navigation", n.Icon)
	}
	_ = fs.WalkDir(templateFS, "templates", func(name string, d fs.DirEntry, _ error) error {
		if !d.IsDir() {
			t, _ := templateFS.ReadFile(name)
			for _, m := range regexp.MustCompile(`icon "([^"]+)"`).FindAllStringSubmatch(string(t), -1) {
				check(name, m[1])
			}
		}
		return nil
	})
}

func TestLocalPathStaysHere(t *testing.T) {
	t.Parallel()
	for next, want := range map[string]string{
		"/queue?x=1": "/queue?x=1", "": "/", "queue": "/", "https://evil.example/": "/", "//evil.example": "/", `/\evil.example`: "/",
		"/\t/evil.example": "/", "javascript:alert(1)": "/", "/%0d%0aSet-Cookie:x": "/%0d%0aSet-Cookie:x", "/a\r\nb": "/",
	} {
		if got := localPath(next); got != want {
			t.Errorf("%q leads to %q, want %q", next, got, want)
		}
	}
}

func TestCellsAreInert(t *testing.T) {
	t.Parallel()
	for cell, want := range map[string]string{
		"=1+1": "'=1+1", "+86": "'+86", "-5": "'-5", "@x": "'@x", "\tx": "'\tx", "\rx": "'\rx", "a=b": "a=b", "": "", "茶": "茶",
	} {
		if got := sheet.Inert(cell); got != want {
			t.Errorf("%q becomes %q, want %q", cell, got, want)
		}
	}
}

func TestTimesAreSaidAsPeopleDo(t *testing.T) {
	t.Parallel()
	c := readCatalogues()
	now := time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)
	at := time.Date(2026, 11, 24, 1, 5, 0, 0, time.UTC)
	for _, tt := range []struct{ lang, zone, want string }{
		{zhCN, "", "11月24日 周二 09:05"},
		{en, "", "Nov 24 Tue 09:05"},
		{en, "Asia/Tokyo", "Nov 24 Tue 10:05 UTC+09:00"},
	} {
		if got := c[tt.lang].clock(at, now, tt.zone, "Asia/Shanghai"); got != tt.want {
			t.Errorf("%s %s: %q, want %q", tt.lang, tt.zone, got, tt.want)
		}
	}
	if got, want := c[zhCN].clock(at.AddDate(1, 0, 0), now, "", "Asia/Shanghai"), "2027年11月24日 周三 09:05"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	for d, want := range map[time.Duration]string{
		10 * time.Second: "马上", -10 * time.Second: "刚刚", 5 * time.Minute: "5 分钟后", -90 * time.Minute: "1 小时 30 分前",
		41 * time.Hour: "41 小时后", 100 * time.Hour: "4 天后",
	} {
		if got := c[zhCN].relative(d); got != want {
			t.Errorf("%s: %q, want %q", d, got, want)
		}
	}
}

func checksum(b []byte) string { return fmt.Sprintf("%x", sha256.Sum256(b)) }
