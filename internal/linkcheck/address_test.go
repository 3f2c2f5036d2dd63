package linkcheck

import (
	"errors"
	"net/http"
	"net/netip"
	"strings"
	"syscall"
	"testing"
	"unicode"

	"momentcast/internal/moment"
)

// TestPublicConstructorRefuses uses what everybody uses, with no hook: each of
// these must fail before anything is dialled or looked up.
func TestPublicConstructorRefuses(t *testing.T) {
	t.Parallel()
	tests := map[Reason][]string{
		NotPublic: {
			// Special ranges of version 4.
			"http://127.0.0.1/", "http://127.8.9.10/", "https://127.0.0.1:443/", "http://0.0.0.0/", "http://0.1.2.3/",
			"http://10.0.0.1/", "http://172.16.0.1/", "http://172.31.255.255/", "http://192.168.1.1/",
			"http://169.254.1.1/", "http://100.64.0.1/", "http://100.127.255.255/", "http://192.0.0.192/",
			"http://192.0.2.1/", "http://198.51.100.1/", "http://203.0.113.1/", "http://198.18.0.1/", "http://192.88.99.1/",
			"http://224.0.0.1/", "http://239.255.255.255/", "http://240.0.0.1/", "http://255.255.255.255/",
			// Metadata services.
			"http://169.254.169.254/latest/meta-data/", "http://100.100.100.200/", "http://168.63.129.16/", "http://169.254.0.23/",
			"http://[fd00:ec2::254]/", "http://metadata.google.internal/",
			// Version 6: unspecified, loopback, link-local, unique local, site-local, multicast, documentation, discard.
			"http://[::]/", "http://[::1]/", "http://[fe80::1]/", "http://[fe80::1%25eth0]/", "http://[fc00::1]/", "http://[fd12:3456::1]/",
			"http://[fec0::1]/", "http://[ff02::1]/", "http://[2001:db8::1]/", "http://[3fff::1]/", "http://[100::1]/",
			// Version 4 inside version 6, public or not.
			"http://[::ffff:127.0.0.1]/", "http://[::ffff:7f00:1]/", "http://[::ffff:10.0.0.1]/", "http://[::ffff:8.8.8.8]/", "http://[0:0:0:0:0:ffff:a00:1]/",
			"http://[::127.0.0.1]/", "http://[::ffff:0:127.0.0.1]/",
			"http://[64:ff9b::127.0.0.1]/", "http://[64:ff9b::7f00:1]/", "http://[64:ff9b::808:808]/", "http://[64:ff9b:1::a00:1]/",
			"http://[2002:7f00:1::]/", "http://[2002:808:808::1]/", "http://[2001:0:4136:e378:8000:63bf:3fff:fdd2]/", "http://[2001::1]/",
			// The ways of writing 127.0.0.1 and 10.0.0.1 that are not those of netip.
			"http://2130706433/", "http://0x7f000001/", "http://0x7f.0.0.1/", "http://0x7f.1/", "http://017700000001/", "http://0177.0.0.1/",
			"http://127.1/", "http://127.0.1/", "http://127.0.0.1./", "http://127.000.000.001/", "http://0x0a.0.0.0x1/", "http://1.2.3.4.5/", "http://256.256.256.256/",
			"http://99999999999999999999999/", "http://foo.0x7f/", "http://foo.0X7F/", "http://foo.0xzz/", "http://0b1111111.1/",
			"http://１２７.0.0.1/", "http://127。0。0。1/", "http://①②⑦.⓪.⓪.①/",
			// Names that only exist inside.
			"http://localhost/", "http://LOCALHOST/", "http://localhost./", "http://foo.localhost/", "http://intranet/", "http://redis/",
			"http://printer.local/", "http://api.internal/", "http://kubernetes.default.svc.cluster.local/", "http://1.0.0.127.in-addr.arpa/", "http://ｌocalhost/",
		},
		BadURL: {
			"", " ", "/", "example.com", "//example.com/", "http:", "http://", "http:///x", "http:example.com", "https:/example.com",
			"ftp://example.com/", "file:///etc/passwd", "gopher://example.com/", "javascript:alert(1)", "data:text/html,x", "weixin://dl/x", "ws://example.com/",
			"http://user@example.com/", "http://user:secret@example.com/", "http://@example.com/", "http://example.com\\@127.0.0.1/",
			"http://exa mple.com/", "http://example.com\r\nHost: x/", "http://example.com/\x00", "http://%31%32%37.0.0.1/", "http://[::1", "http://[zz]/",
			"http://a..example.com/", "http://.example.com/", "http://exa$mple.com/", "http://exa'mple.com/", "http://*.example.com/",
			"http://" + strings.Repeat("a", 64) + ".com/", "http://" + strings.Repeat("a.", 130) + "com/",
			"http://example.com/" + strings.Repeat("x", moment.MaxURL),
			"http://example.com/?" + strings.Repeat("é", moment.MaxURL/3),
		},
		BadPort: {
			"http://example.com:22/", "http://example.com:8080/", "https://example.com:6443/", "http://example.com:0/", "http://example.com:65536/",
			"http://127.0.0.1:5432/", "http://[::1]:6379/",
		},
	}
	c := New(Config{})
	asked := &names{asked: map[string]int{}}
	c.dialer.Resolver = asked.resolver()
	guard := c.dialer.Control
	c.dialer.Control = func(network, address string, raw syscall.RawConn) error {
		t.Errorf("%s was dialled; the guard says %v", address, guard(network, address, raw))
		return errors.ErrUnsupported
	}
	for want, list := range tests {
		for _, raw := range list {
			info, err := c.Page(t.Context(), raw)
			if got := ReasonOf(err); got != want {
				t.Errorf("%q: reason %q, want %q (%v)", raw, got, want, err)
			}
			if info != (PageInfo{}) {
				t.Errorf("%q: %+v", raw, info)
			}
			if _, err := c.Thumb(t.Context(), raw); ReasonOf(err) != want {
				t.Errorf("thumbnail %q: %v", raw, err)
			}
		}
	}
	if n := asked.total(); n != 0 {
		t.Errorf("%d names were looked up", n)
	}
}

// TestGuardRefusesWhatIsDialled asks the last line of defence by itself.
func TestGuardRefusesWhatIsDialled(t *testing.T) {
	t.Parallel()
	c := New(Config{Deny: []netip.Prefix{netip.MustParsePrefix("8.8.4.0/24"), netip.MustParsePrefix("::ffff:9.9.9.0/120"), netip.MustParsePrefix("2a00:1450::/32")}})
	tests := []struct {
		network, address string
		allowed          bool
	}{
		{"tcp4", "93.184.215.14:443", true},
		{"tcp4", "8.8.8.8:80", true},
		{"tcp6", "[2606:4700:4700::1111]:443", true},
		{"tcp4", "8.8.8.8:22", false},
		{"udp4", "8.8.8.8:80", false},
		{"unix", "/run/docker.sock", false},
		{"tcp4", "127.0.0.1:80", false},
		{"tcp4", "10.1.2.3:80", false},
		{"tcp4", "169.254.169.254:80", false},
		{"tcp4", "100.100.100.200:80", false},
		{"tcp4", "168.63.129.16:80", false},
		{"tcp6", "[::1]:80", false},
		{"tcp6", "[::ffff:8.8.8.8]:80", false},
		{"tcp6", "[64:ff9b::808:808]:80", false},
		{"tcp6", "[fe80::1%eth0]:80", false},
		{"tcp6", "[fd00:ec2::254]:80", false},
		{"tcp6", "[2002:808:808::1]:80", false},
		{"tcp4", "8.8.4.4:443", false},
		{"tcp4", "9.9.9.9:443", false},
		{"tcp6", "[2a00:1450::1]:443", false},
		{"tcp4", "nonsense", false},
	}
	for _, tt := range tests {
		if err := c.dialer.Control(tt.network, tt.address, nil); (err == nil) != tt.allowed {
			t.Errorf("%s %s: %v", tt.network, tt.address, err)
		}
	}
}

func TestNoProxy(t *testing.T) {
	t.Parallel()
	if New(Config{}).transport.Proxy != nil {
		t.Error("a proxy would be dialled in the place of the address")
	}
}

func TestNamesAreRooted(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"example.com:80": "example.com.:80", "8.8.8.8:443": "8.8.8.8:443", "[2606:4700:4700::1111]:443": "[2606:4700:4700::1111]:443",
	} {
		if got, err := rooted(in); err != nil || got != want {
			t.Errorf("%s: %s, %v", in, got, err)
		}
	}
	if _, err := rooted("example.com"); err == nil {
		t.Error("an address without a port")
	}
}

func TestDefaults(t *testing.T) {
	t.Parallel()
	c := New(Config{}).config
	if c.Timeout.Seconds() != 5 || c.MaxRedirects != 3 || c.MaxBytes != 2<<20 || len(c.Ports) != 2 || c.Ports[0] != 80 || c.Ports[1] != 443 || c.Concurrency < 1 {
		t.Errorf("%+v", c)
	}
	if New(Config{MaxRedirects: -1}).config.MaxRedirects != 0 {
		t.Error("a negative number of redirects is none")
	}
}

func TestAddressesAreWrittenCleanly(t *testing.T) {
	t.Parallel()
	c := New(Config{})
	tests := map[string]string{
		"HTTP://Example.COM":                       "http://example.com",
		"https://example.com./a/../b":              "https://example.com/a/../b",
		"https://example.com:443/a%2Fb?x=1&x=2#f":  "https://example.com:443/a%2Fb?x=1&x=2#f",
		"https://例子.中国/商品?名=值 1":                   "https://xn--fsqu00a.xn--fiqs8s/%E5%95%86%E5%93%81?%E5%90%8D=%E5%80%BC%201",
		"https://example.com/?a=%E5%95%86&b=\"<>|": "https://example.com/?a=%E5%95%86&b=%22%3C%3E%7C",
		"https://8.8.8.8/":                         "https://8.8.8.8/",
		"https://[2606:4700:4700::1111]/":          "https://[2606:4700:4700::1111]/",
		"https://a_b.example.com/":                 "https://a_b.example.com/",
	}
	for raw, want := range tests {
		u, err := c.parse(raw)
		if err != nil {
			t.Errorf("%s: %v", raw, err)
			continue
		}
		if u.String() != want {
			t.Errorf("%s: got %s, want %s", raw, u, want)
		}
		if again, err := c.parse(want); err != nil || again.String() != want {
			t.Errorf("%s is not stable: %v %v", want, again, err)
		}
	}
}

func TestInsideNamesAreNotLookedUp(t *testing.T) {
	t.Parallel()
	w := newWorld(t, Config{}, http.NotFoundHandler())
	for _, name := range []string{"localhost", "vault.internal", "db", "2130706433"} {
		w.names.set(name, nil)
		_, err := w.checker.Page(t.Context(), "http://"+name+":"+w.port+"/")
		wantReason(t, err, NotPublic)
	}
	if n := w.names.total(); n != 0 {
		t.Errorf("%d questions", n)
	}
}

// TestMessagesTellNothing: whole sentences, without a digit that could be part of
// an address, and the same one for "inside" and "does not exist".
func TestMessagesTellNothing(t *testing.T) {
	t.Parallel()
	for _, r := range Reasons() {
		kind, m := words(r)
		if kind == moment.Internal || !strings.HasSuffix(m, ".") || strings.ContainsFunc(m, unicode.IsDigit) {
			t.Errorf("%s: %s %q", r, kind, m)
		}
	}
	if kind, _ := words("else"); kind != moment.Internal {
		t.Error("an unknown reason is our mistake")
	}
	if ReasonOf(nil) != "" || ReasonOf(http.ErrAbortHandler) != "" {
		t.Error("a reason where there is none")
	}
}
