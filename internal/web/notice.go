package web

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
)

const noticeCookie = "notice"

// said is a notice on its way through the browser: a key of the catalogue and
// what goes into it, so that it is shown in the language of the next page.
type said struct {
	Key  string   `json:"k"`
	Args []string `json:"a,omitempty"`
}

// say makes the next page tell what was done.
func say(w http.ResponseWriter, r *http.Request, key string, args ...string) {
	b, err := json.Marshal(said{key, args})
	if err != nil {
		return
	}
	setCookie(w, r, noticeCookie, base64.RawURLEncoding.EncodeToString(b), 60)
}

// takeNotice returns what the page before wanted said, once.
func (s *Web) takeNotice(w http.ResponseWriter, r *http.Request, c catalogue) *notice {
	cookie, err := r.Cookie(noticeCookie)
	if err != nil {
		return nil
	}
	setCookie(w, r, noticeCookie, "", -1)
	var m said
	b, err := base64.RawURLEncoding.DecodeString(cookie.Value)
	if err != nil || json.Unmarshal(b, &m) != nil {
		return nil
	}
	if _, ok := c[m.Key]; !ok {
		return nil
	}
	args := make([]any, len(m.Args))
	for i, a := range m.Args {
		args[i] = a
	}
	return &notice{c.get(m.Key, args...)}
}
