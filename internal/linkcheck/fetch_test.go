package linkcheck

import (
	"fmt"
	"net/http"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

const small = `<html><head><title>hello</title></head></html>`

// TestRebindingIsRefused is the attack itself: the name means a public host when
// it is first asked for, and one of ours a moment later.
func TestRebindingIsRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t, Config{}, http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/again" {
			http.Redirect(rw, r, "/secret", http.StatusFound)
			return
		}
		respond("text/html", small)(rw, r)
	}))
	rebind := func(path string) error {
		_, err := w.checker.Page(t.Context(), "http://rebind.example.com:"+w.port+path)
		return err
	}

	w.names.set("rebind.example.com", []netip.Addr{outside}, []netip.Addr{inside})
	wantReason(t, rebind("/"), "")        // the first answer
	wantReason(t, rebind("/"), NotPublic) // the second

	w.names.set("redirect.example.com", []netip.Addr{outside}, []netip.Addr{inside})
	info, err := w.checker.Page(t.Context(), "http://redirect.example.com:"+w.port+"/again")
	wantReason(t, err, NotPublic)
	if info.Redirects != 1 || info.Title != "" || !strings.HasSuffix(info.URL, "/again") {
		t.Errorf("%+v", info)
	}
	if n := w.names.count("rebind.example.com"); n != 2 {
		t.Errorf("asked %d times: the answer that was judged has to be the one that is dialled", n)
	}
	if n := w.secret.Load(); n != 0 {
		t.Errorf("the inside was reached %d times", n)
	}
}

// TestNamesThatLeadInside: whatever a name resolves to, alone or among public
// addresses.
func TestNamesThatLeadInside(t *testing.T) {
	t.Parallel()
	w := newWorld(t, Config{}, respond("text/html", small))
	dead := netip.MustParseAddr("127.0.0.3")
	for _, addrs := range [][]netip.Addr{{inside}, {inside, dead}, {dead, inside}, {netip.MustParseAddr("169.254.169.254")}, {netip.MustParseAddr("10.0.0.1")}, {netip.MustParseAddr("0.0.0.0")}} {
		w.names.set("inside.example.com", addrs)
		_, err := w.checker.Page(t.Context(), "http://inside.example.com:"+w.port+"/")
		wantReason(t, err, NotPublic)
	}
	_, err := w.checker.Page(t.Context(), "http://nowhere.example.com:"+w.port+"/")
	wantReason(t, err, NotPublic) // the same for a name that does not exist
	if n := w.secret.Load(); n != 0 {
		t.Errorf("the inside was reached %d times", n)
	}
}

func TestRedirectsAreJudged(t *testing.T) {
	t.Parallel()
	var target atomic.Value
	w := newWorld(t, Config{}, http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		switch n, err := strconv.Atoi(strings.TrimPrefix(r.URL.Path, "/hop/")); {
		case r.URL.Path == "/to":
			rw.Header().Set("Location", target.Load().(string))
			rw.WriteHeader(http.StatusFound)
		case err == nil && n > 0:
			http.Redirect(rw, r, fmt.Sprintf("/hop/%d", n-1), http.StatusMovedPermanently)
		default:
			respond("text/html", small)(rw, r)
		}
	}))
	for to, want := range map[string]Reason{
		"http://127.0.0.1:" + w.port + "/":          NotPublic,
		"//127.0.0.1:" + w.port + "/":               NotPublic,
		"http://[::ffff:127.0.0.1]:" + w.port + "/": NotPublic,
		"http://2130706433:" + w.port + "/":         NotPublic,
		"http://169.254.169.254:" + w.port + "/":    NotPublic,
		"http://localhost:" + w.port + "/":          NotPublic,
		"http://" + pageHost + ":1/":                BadPort,
		"file:///etc/passwd":                        BadRedirect,
		"javascript:alert(1)":                       BadRedirect,
		"weixin://dl/business":                      BadRedirect,
		"http://u:p@" + pageHost + ":" + w.port:     BadRedirect,
		"http://%zz/":                               BadRedirect,
		"/plain":                                    "",
		"//" + pageHost + ":" + w.port + "/x":       "",
		"":                                          Broken,
	} {
		target.Store(to)
		_, err := w.checker.Page(t.Context(), w.base+"/to")
		if got := ReasonOf(err); got != want {
			t.Errorf("%q: %q, want %q (%v)", to, got, want, err)
		}
	}
	info, err := w.checker.Page(t.Context(), w.base+"/hop/3")
	wantReason(t, err, "")
	if info.URL != w.base+"/hop/0" || info.Redirects != 3 || info.Title != "hello" || info.Status != http.StatusOK {
		t.Errorf("%+v", info)
	}
	info, err = w.checker.Page(t.Context(), w.base+"/hop/4")
	wantReason(t, err, Redirects)
	if info.Redirects != 3 || info.Status != http.StatusMovedPermanently {
		t.Errorf("%+v", info)
	}
	if n := w.secret.Load(); n != 0 {
		t.Errorf("the inside was reached %d times", n)
	}
}

// TestRequestsCarryNothing: no cookie that was set, no referrer, always the same
// name.
func TestRequestsCarryNothing(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	var seen []http.Header
	w := newWorld(t, Config{}, http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		mu.Lock()
		seen = append(seen, r.Header)
		mu.Unlock()
		http.SetCookie(rw, &http.Cookie{Name: "id", Value: "1"})
		if r.URL.Path == "/" {
			http.Redirect(rw, r, "/next", http.StatusFound)
			return
		}
		respond("text/html", small)(rw, r)
	}))
	for range 2 {
		_, err := w.checker.Page(t.Context(), w.base+"/#secret")
		wantReason(t, err, "")
	}
	for _, h := range seen {
		for k := range h {
			if !slices.Contains([]string{"User-Agent", "Accept", "Accept-Language", "Accept-Encoding", "Connection"}, k) {
				t.Errorf("%s: %q", k, h[k])
			}
		}
		if h.Get("User-Agent") != userAgent {
			t.Errorf("user agent %q", h.Get("User-Agent"))
		}
	}
	if len(seen) != 4 {
		t.Errorf("%d requests", len(seen))
	}
}

func TestFetchesAreFew(t *testing.T) {
	t.Parallel()
	var now, most atomic.Int64
	release := make(chan struct{})
	w := newWorld(t, Config{Concurrency: 2}, http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		for n := now.Add(1); ; {
			m := most.Load()
			if n <= m || most.CompareAndSwap(m, n) {
				break
			}
		}
		defer now.Add(-1)
		<-release
		respond("text/html", small)(rw, r)
	}))
	w.checker.config.Timeout = 2500 * time.Millisecond // slots are given up after half a second
	var wg sync.WaitGroup
	var busy, done atomic.Int64
	for range 6 {
		wg.Go(func() {
			switch _, err := w.checker.Page(t.Context(), w.base); ReasonOf(err) {
			case "":
				done.Add(1)
			case Busy:
				if busy.Add(1) == 4 {
					close(release)
				}
			default:
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if most.Load() != 2 || busy.Load() != 4 || done.Load() != 2 {
		t.Errorf("%d at once, %d busy, %d done", most.Load(), busy.Load(), done.Load())
	}
}
