package web

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
)

// FuzzFilter: a list's address, however it was mended, gives a filter that can be
// searched for, and whose own address gives it again: saved views and exports
// hold the same posts as the page.
func FuzzFilter(f *testing.F) {
	for _, s := range []string{"state=sent,failed&q=龙井&from=2026-01-01&to=2026-02-30", "state=claimed&instance=-1", "q=%00%ff&author=%e2%80%ae", "left=1&source=web&instance=9223372036854775808",
		"cols=id&cols=state&cols=nothing", "from=0000-00-00&to=9999-12-31", "a=%zz;b"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, address string) {
		v, _ := url.ParseQuery(address) // what can be read of it, as net/http does
		got := readFilter(v)
		if again := readFilter(got.values()); again != got {
			t.Errorf("%q gave %+v, and that gave %+v", address, got, again)
		}
		q := got.query("Asia/Shanghai")
		for _, s := range []string{q.Text, q.Author, q.Source} {
			if !utf8.ValidString(s) || strings.Contains(s, "\x00") || utf8.RuneCountInString(s) > 200 {
				t.Errorf("%q is searched for", s)
			}
		}
		columns := readColumns(v["cols"])
		if again := readColumns(columns); !slices.Equal(columns, again) {
			t.Errorf("columns %v, then %v", columns, again)
		}
		if h := got.at("/history"); !strings.HasPrefix(h, "/history") || strings.ContainsAny(h, "\r\n \"<>") {
			t.Errorf("address %q", h)
		}
	})
}

// FuzzLocalPath: where a visitor is sent after signing in is a page of ours, as
// browsers read it.
func FuzzLocalPath(f *testing.F) {
	for _, s := range []string{"/", "/queue?x=1", "//evil.example", "/\\evil.example", "/\t/evil.example", "https://evil.example", "/a//b", "/%2f%2fevil.example", "/..//evil.example", "", "/\u0000"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, next string) {
		got := localPath(next)
		w := httptest.NewRecorder()
		http.Redirect(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "https://mc.example/login", nil), got, http.StatusSeeOther)
		to := w.Header().Get("Location")
		seen, err := url.Parse("https://mc.example/login")
		if err == nil {
			seen, err = seen.Parse(to)
		}
		if err != nil || seen.Host != "mc.example" || seen.Scheme != "https" || strings.HasPrefix(to, "//") || strings.HasPrefix(to, "/\\") {
			t.Errorf("%q leads to %q: %v", next, to, err)
		}
	})
}
