package web_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
)

// What answers a form stands at an address that cannot be loaded, and holds
// what was typed: it must not load itself again.
func TestAnswerToAFormStaysAsItIs(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	path := "/instances/" + id(s.instance("wxid_a", "Tea house"))
	if got := s.get(path); !strings.Contains(got.body, `hx-get="`+path+`"`) {
		t.Error("the page itself is not live")
	}
	form := url.Values{"version": {"999"}, "min_gap": {"45m"}}
	stale := s.do("admin", http.MethodPost, path+"/pacing", form, "Referer", "http://example.com"+path+"?a=b").want(http.StatusConflict)
	stale.lacks("hx-get").has("45m", path+"?a=b&lang=zh-CN")
	s.do("admin", http.MethodPost, path+"/pacing", form, "Referer", "http://evil.example/x").want(http.StatusConflict).lacks("evil.example")
}
