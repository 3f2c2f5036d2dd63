package linkcheck

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
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
	if info.Redirects != 1 || info.Title != "" {
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

func TestStatuses(t *testing.T) {
	t.Parallel()
	w := newWorld(t, Config{}, http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		n, _ := strconv.Atoi(r.URL.Path[1:])
		rw.Header().Set("Content-Type", "text/html")
		rw.WriteHeader(n)
	}))
	for status, want := range map[int]Reason{200: "", 206: "", 300: Broken, 304: Broken, 302: Broken, 400: Denied, 401: Denied, 403: Denied, 404: Gone, 410: Gone, 429: Down, 500: Down, 503: Down, 599: Down} {
		info, err := w.checker.Page(t.Context(), w.base+"/"+strconv.Itoa(status))
		wantReason(t, err, want)
		if info.Status != status || info.URL == "" {
			t.Errorf("%d: %+v", status, info)
		}
	}
}

func TestTypes(t *testing.T) {
	t.Parallel()
	w := newWorld(t, Config{}, http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		rw.Header()["Content-Type"] = r.URL.Query()["type"]
		_, _ = io.WriteString(rw, r.URL.Query().Get("body"))
	}))
	look := func(contentType, body string, thumb bool) error {
		q := "?type=" + strings.ReplaceAll(contentType, " ", "%20") + "&body=" + strings.NewReplacer(" ", "%20", "\x89", "%89", "\r", "%0D", "\n", "%0A", "\x1a", "%1A").Replace(body)
		if thumb {
			_, err := w.checker.Thumb(t.Context(), w.base+"/"+q)
			return err
		}
		_, err := w.checker.Page(t.Context(), w.base+"/"+q)
		return err
	}
	for _, ok := range []string{"text/html", "TEXT/HTML", "text/html ,charset=gbk", "application/xhtml%2Bxml"} {
		if err := look(strings.ReplaceAll(ok, " ,", "%3B "), "<p>", false); err != nil {
			t.Errorf("%s: %v", ok, err)
		}
	}
	for _, bad := range []string{"text/plain", "application/json", "image/png", "application/pdf", "video/mp4", "text/htmlx", "nonsense", "application/octet-stream"} {
		if err := look(bad, "<html>", false); ReasonOf(err) != WrongType {
			t.Errorf("%s: %v", bad, err)
		}
	}
	for _, bad := range []string{"text/html", "image/svg+xml", "image/avif", "application/json", "image/"} {
		if err := look(bad, "GIF89a", true); ReasonOf(err) != WrongType {
			t.Errorf("%s: %v", bad, err)
		}
	}
	if err := look("", "<!DOCTYPE html><html>", false); err != nil {
		t.Errorf("like a page, undeclared: %v", err)
	}
	if err := look("", "{}", false); ReasonOf(err) != WrongType {
		t.Errorf("unlike a page, undeclared: %v", err)
	}
	if err := look("image/png", "<html>", true); ReasonOf(err) != WrongType {
		t.Errorf("a page that calls itself a picture: %v", err)
	}
	if err := look("image/png", "\x89PNG\r\n\x1a\n", true); ReasonOf(err) != BadPicture {
		t.Errorf("half a picture: %v", err)
	}
}

// TestSlowHosts: nobody holds us longer than the limit, at whatever point he
// stops, and nothing is left behind (goleak).
func TestSlowHosts(t *testing.T) {
	t.Parallel()
	w := newWorld(t, Config{Timeout: 300 * time.Millisecond}, http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		flush := http.NewResponseController(rw).Flush
		switch r.URL.Path {
		case "/headers":
		case "/redirects":
			select {
			case <-time.After(120 * time.Millisecond):
			case <-r.Context().Done():
			}
			http.Redirect(rw, r, "/redirects", http.StatusFound)
			return
		case "/body":
			rw.Header().Set("Content-Type", "text/html")
			_ = flush()
		case "/drip":
			rw.Header().Set("Content-Type", "text/html")
			for r.Context().Err() == nil {
				_, _ = io.WriteString(rw, "<title>x")
				_ = flush()
				select {
				case <-time.After(10 * time.Millisecond):
				case <-r.Context().Done():
				}
			}
		}
		<-r.Context().Done()
	}))
	for _, path := range []string{"/headers", "/redirects", "/body", "/drip"} {
		began := time.Now()
		_, err := w.checker.Page(t.Context(), w.base+path)
		wantReason(t, err, NoAnswer)
		if took := time.Since(began); took > 5*time.Second {
			t.Errorf("%s: %s", path, took)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := w.checker.Page(ctx, w.base+"/body"); err == nil {
		t.Error("a look that nobody waits for")
	}
}

func TestHostsThatAreNotThere(t *testing.T) {
	t.Parallel()
	w := newWorld(t, Config{}, http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		c, _, err := http.NewResponseController(rw).Hijack()
		if err != nil {
			return
		}
		_, _ = io.WriteString(c, map[string]string{
			"/nothing": "",
			"/garbage": "SSH-2.0-OpenSSH_9.9\r\n",
			"/short":   "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 100\r\n\r\n<title>x",
			"/chunk":   "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
			"/headers": "HTTP/1.1 200 OK\r\nX: " + strings.Repeat("x", 100<<10) + "\r\n\r\n",
			"/gzip":    "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Encoding: gzip\r\nContent-Length: 5\r\n\r\nhello",
			"/brotli":  "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Encoding: br\r\nContent-Length: 5\r\n\r\nhello",
			"/twice":   "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Encoding: gzip, gzip\r\nContent-Length: 5\r\n\r\nhello",
		}[r.URL.Path])
		_ = c.Close()
	}))
	for _, path := range []string{"/nothing", "/garbage", "/short", "/chunk", "/headers", "/gzip", "/brotli", "/twice"} {
		if _, err := w.checker.Page(t.Context(), w.base+path); ReasonOf(err) != Broken {
			t.Errorf("%s: %v", path, err)
		}
	}
	l, err := listen(t, outside, "0")
	if err != nil {
		t.Fatal(err)
	}
	_, port, _ := net.SplitHostPort(l.Addr().String())
	_ = l.Close()
	n, _ := strconv.ParseUint(port, 10, 16)
	c := newChecker(Config{Ports: []uint16{uint16(n)}}, hooks{allow4: []netip.Prefix{netip.PrefixFrom(outside, 32)}})
	_, err = c.Page(t.Context(), "http://127.0.0.2:"+port+"/")
	wantReason(t, err, Unreachable)
}

func TestCertificates(t *testing.T) {
	t.Parallel()
	s := httptest.NewUnstartedServer(respond("text/html", small))
	s.Config.ErrorLog = log.New(io.Discard, "", 0) // it is told of every refusal
	s.StartTLS()
	t.Cleanup(s.Close)
	port := portOf(t, s)
	n, _ := strconv.ParseUint(port, 10, 16)
	plain := newWorld(t, Config{Ports: []uint16{uint16(n)}}, respond("text/html", small))

	all := hooks{allow4: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}}
	ports := plain.checker.config.Ports
	_, err := newChecker(Config{Ports: ports}, all).Page(t.Context(), s.URL)
	wantReason(t, err, BadTLS)
	_, err = newChecker(Config{Ports: ports}, all).Page(t.Context(), "https://127.0.0.2:"+plain.port)
	wantReason(t, err, BadTLS)

	pool := s.Client().Transport.(*http.Transport).TLSClientConfig.RootCAs
	all.tls = &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}
	info, err := newChecker(Config{Ports: ports}, all).Page(t.Context(), s.URL)
	wantReason(t, err, "")
	if info.Title != "hello" {
		t.Errorf("%+v", info)
	}
}

func zipped(t testing.TB, plain io.Reader) []byte {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	if _, err := io.Copy(z, plain); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// spaces is a reader of spaces without end.
type spaces struct{}

func (spaces) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = ' '
	}
	return len(p), nil
}

// TestBodiesAreBounded counts what the host could send, and what came out.
func TestBodiesAreBounded(t *testing.T) {
	t.Parallel()
	const limit = 64 << 10
	head := "<title>hello</title>"
	bomb := zipped(t, io.MultiReader(strings.NewReader(head), io.LimitReader(spaces{}, 32<<20)))
	empty := bytes.Repeat(zipped(t, strings.NewReader("")), 5_000) // much on the wire, nothing in it
	var sent atomic.Int64
	w := newWorld(t, Config{MaxBytes: limit}, http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		rw.Header().Set("Content-Type", map[bool]string{true: "image/gif", false: "text/html"}[strings.HasPrefix(r.URL.Path, "/thumb")])
		var from io.Reader
		switch r.URL.Path {
		case "/bomb", "/thumb/bomb":
			rw.Header().Set("Content-Encoding", "gzip")
			from = bytes.NewReader(bomb)
		case "/empty":
			rw.Header().Set("Content-Encoding", "gzip")
			from = bytes.NewReader(empty)
		case "/zipped":
			rw.Header().Set("Content-Encoding", "gzip")
			from = bytes.NewReader(zipped(t, strings.NewReader(head)))
		case "/thumb/announced":
			rw.Header().Set("Content-Length", "1000000000")
			from = spaces{}
		default:
			from = io.MultiReader(strings.NewReader(head), spaces{})
		}
		n, _ := io.Copy(rw, from)
		sent.Add(n)
	}))
	for path, title := range map[string]string{"/huge": "hello", "/bomb": "hello", "/zipped": "hello", "/empty": ""} {
		info, err := w.checker.Page(t.Context(), w.base+path)
		wantReason(t, err, "")
		if info.Title != title {
			t.Errorf("%s: %+v", path, info)
		}
	}
	for _, path := range []string{"/thumb/huge", "/thumb/bomb", "/thumb/announced"} {
		_, err := w.checker.Thumb(t.Context(), w.base+path)
		wantReason(t, err, TooLarge)
	}
	for name, tt := range map[string]struct {
		body     io.Reader
		encoding string
	}{"huge": {spaces{}, ""}, "bomb": {bytes.NewReader(bomb), "gzip"}, "empty": {bytes.NewReader(empty), "gzip"}} {
		wire := &counted{Reader: tt.body}
		data, cut, err := readBody(wire, tt.encoding, limit)
		if !cut || len(data) > limit || cap(data) > 4*limit || wire.n > limit+1 {
			t.Errorf("%s: cut %v, %d bytes (%d held) out of %d: %v", name, cut, len(data), cap(data), wire.n, err)
		}
	}
	data, cut, err := readBody(io.LimitReader(spaces{}, limit), "", limit)
	if cut || len(data) != limit || err != nil {
		t.Errorf("exactly the limit: %d, %v, %v", len(data), cut, err)
	}
}

type counted struct {
	io.Reader
	n int64
}

func (c *counted) Read(p []byte) (int, error) {
	n, err := c.Reader.Read(p)
	c.n += int64(n)
	return n, err
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
