package moment

import (
	"net/url"
	"strings"
	"testing"
)

func TestUTM(t *testing.T) {
	t.Parallel()
	both := UTM{Source: "wechat", Medium: "moments"}
	const added = "utm_source=wechat&utm_medium=moments"
	tests := map[string]struct {
		utm      UTM
		in, want string
	}{
		"no query":                {both, "https://example.com/a", "https://example.com/a?" + added},
		"no path":                 {both, "https://example.com", "https://example.com/?" + added},
		"a query":                 {both, "https://example.com/a?b=1", "https://example.com/a?b=1&" + added},
		"an empty query":          {both, "https://example.com/a?", "https://example.com/a?" + added},
		"a trailing &":            {both, "https://example.com/a?b=1&", "https://example.com/a?b=1&" + added},
		"a fragment":              {both, "https://example.com/a#part", "https://example.com/a?" + added + "#part"},
		"query and fragment":      {both, "https://example.com/a?b=1#part", "https://example.com/a?b=1&" + added + "#part"},
		"a page behind a #":       {both, "https://example.com/#/shop?id=3", "https://example.com/?" + added + "#/shop?id=3"},
		"an empty fragment":       {both, "https://example.com/#", "https://example.com/?" + added + "#"},
		"one by hand stays":       {both, "https://example.com/?utm_source=mail", "https://example.com/?utm_source=mail&utm_medium=moments"},
		"one by hand, in capital": {both, "https://example.com/?UTM_Source=mail", "https://example.com/?UTM_Source=mail&utm_medium=moments"},
		"one by hand, escaped":    {both, "https://example.com/?utm%5Fsource=mail", "https://example.com/?utm%5Fsource=mail&utm_medium=moments"},
		"one by hand, empty":      {both, "https://example.com/?utm_source", "https://example.com/?utm_source&utm_medium=moments"},
		"a similar one":           {both, "https://example.com/?xutm_source=1", "https://example.com/?xutm_source=1&" + added},
		"order and spelling":      {both, "https://example.com/?z=%E4%b8%AD&a=+&a=%20;x", "https://example.com/?z=%E4%b8%AD&a=+&a=%20;x&" + added},
		"values are escaped":      {UTM{Campaign: "双 11&#?="}, "https://example.com/", "https://example.com/?utm_campaign=%E5%8F%8C+11%26%23%3F%3D"},
		"nothing to add":          {UTM{}, "https://example.com", "https://example.com"},
		"a port":                  {both, "http://example.com:8080", "http://example.com:8080/?" + added},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := tt.utm.AddTo(tt.in)
			if err != nil || got != tt.want {
				t.Fatalf("%q, %v; want %q", got, err, tt.want)
			}
			if again, err := tt.utm.AddTo(got); err != nil || again != got {
				t.Errorf("added twice: %q, %v", again, err)
			}
		})
	}
	for _, bad := range []string{"", "example.com", "ftp://example.com/", "https://example.com/" + strings.Repeat("x", MaxURL-30), "https://a b/"} {
		if got, err := both.AddTo(bad); KindOf(err) != Invalid || got != "" {
			t.Errorf("%.30q: %.30q, %v", bad, got, err)
		}
	}
}

// FuzzUTM: the page that is asked for stays the same but for the parameters.
func FuzzUTM(f *testing.F) {
	for _, s := range []string{"https://example.com", "https://example.com/a?b=%zz&c#d?e#f", "http://h?utm_source=1", "https://h/?&&=&"} {
		f.Add(s, "wechat 朋友圈&")
	}
	f.Fuzz(func(t *testing.T, link, source string) {
		got, err := UTM{Source: source, Medium: "m"}.AddTo(link)
		if err != nil {
			return
		}
		if m := checkURL(got); m != "" {
			t.Fatalf("%q %s", got, m)
		}
		was, err := url.Parse(link)
		if err != nil {
			t.Fatal(err)
		}
		is, err := url.Parse(got)
		if err != nil {
			t.Fatal(err)
		}
		if is.Host != was.Host || strings.TrimSuffix(is.EscapedPath(), "/") != strings.TrimSuffix(was.EscapedPath(), "/") || is.EscapedFragment() != was.EscapedFragment() || !strings.HasPrefix(is.RawQuery, was.RawQuery) {
			t.Errorf("%q became %q", link, got)
		}
		if again, err := (UTM{Source: source, Medium: "m"}).AddTo(got); err != nil || again != got {
			t.Errorf("%q again became %q, %v", got, again, err)
		}
	})
}
