package linkcheck

import (
	"context"
	"crypto/tls"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strconv"
	"strings"
	"testing"
	"time"
)

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
