package web

import (
	"net/http"
	"slices"
	"strings"
)

const (
	langCookie  = "lang"
	themeCookie = "theme"
	yearSeconds = 365 * 24 * 3600
)

// langOf is the language of the answer: asked for in the address, chosen
// before, liked by the browser, or Chinese.
func langOf(r *http.Request) string {
	if lang := r.URL.Query().Get("lang"); slices.Contains(languages, lang) {
		return lang
	}
	if c, err := r.Cookie(langCookie); err == nil && slices.Contains(languages, c.Value) {
		return c.Value
	}
	// The order in which browsers list languages is that of their liking.
	for part := range strings.SplitSeq(r.Header.Get("Accept-Language"), ",") {
		tag, _, _ := strings.Cut(strings.ToLower(strings.TrimSpace(part)), ";")
		switch {
		case tag == "zh" || strings.HasPrefix(tag, "zh-"):
			return zhCN
		case tag == "en" || strings.HasPrefix(tag, "en-"):
			return en
		}
	}
	return languages[0]
}

// chooseLang keeps a language that the address asks for and leads on to the
// page without it. It reports whether it has answered.
func (s *Web) chooseLang(w http.ResponseWriter, r *http.Request) bool {
	q := r.URL.Query()
	lang := q.Get("lang")
	if !slices.Contains(languages, lang) || r.Method != http.MethodGet || fragment(r) {
		return false
	}
	keep(w, r, langCookie, lang)
	q.Del("lang")
	u := *r.URL
	u.RawQuery = q.Encode()
	_ = seeOther(w, r, u.RequestURI()) // never fails
	return true
}

func themeOf(r *http.Request) string {
	if c, err := r.Cookie(themeCookie); err == nil && (c.Value == "dark" || c.Value == "light") {
		return c.Value
	}
	return ""
}

// setTheme keeps the choice and leads back.
func (s *Web) setTheme(w http.ResponseWriter, r *http.Request) error {
	if err := parseForm(w, r); err != nil {
		return err
	}
	if t := r.PostForm.Get("theme"); t == "dark" || t == "light" {
		keep(w, r, themeCookie, t)
	}
	return seeOther(w, r, r.PostForm.Get("next"))
}

// keep sets a cookie that holds a preference, no secret.
func keep(w http.ResponseWriter, r *http.Request, name, value string) {
	setCookie(w, r, name, value, yearSeconds)
}

// setCookie sets a cookie without a secret, for so many seconds; below 0 it is
// taken away.
func setCookie(w http.ResponseWriter, r *http.Request, name, value string, seconds int) {
	http.SetCookie(w, &http.Cookie{Name: name, Value: value, Path: "/", MaxAge: seconds, //nolint:gosec // without TLS a Secure cookie would never come back
		HttpOnly: true, Secure: r.TLS != nil, SameSite: http.SameSiteLaxMode})
}
