package gateway

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"momentcast/internal/moment"
)

const testToken = "eyJhbGciOi.test-token"

var (
	testCard = moment.Card{
		Content:     "客户案例更新",
		Title:       "Eyun 客户服务案例",
		Description: "了解微信私域运营的自动化实践",
		URL:         "https://mp.weixin.qq.com/s/cxJ7pLvkRwBV_NUfQxNEjA",
		ThumbURL:    "http://dmjvip.oss-cn-shenzhen.aliyuncs.com/download/dailyimg/20200618155919206.jpg",
	}
	everyone = moment.Visibility{Mode: moment.Everyone}
)

const success = `{"message":"成功","code":"1000","data":{"object":{"id":"13367129656153944194"}}}`

// newClient is a client with a given token for the server at base.
func newClient(t *testing.T, base string) *Client {
	t.Helper()
	c, err := New(Config{BaseURL: base, Token: testToken, Timeout: 30 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

// asked is one request as a test server saw it.
type asked struct {
	Path, Body string
	Header     http.Header
}

// stub answers every request with what reply returns and remembers it.
type stub struct {
	*httptest.Server
	mu    sync.Mutex
	calls []asked
}

func newStub(t *testing.T, reply func(a asked, n int) (status int, body string)) *stub {
	t.Helper()
	s := &stub{}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b, err := io.ReadAll(r.Body)
		if err != nil {
			return
		}
		a := asked{Path: r.URL.Path, Body: string(b), Header: r.Header}
		s.mu.Lock()
		s.calls = append(s.calls, a)
		n := len(s.calls)
		s.mu.Unlock()
		status, body := reply(a, n)
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		io.WriteString(w, body)
	}))
	t.Cleanup(s.Close)
	return s
}

// says is a stub with one answer for everything.
func says(t *testing.T, status int, body string) *stub {
	t.Helper()
	return newStub(t, func(asked, int) (int, string) { return status, body })
}

func (s *stub) seen() []asked {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]asked(nil), s.calls...)
}

// rawServer hands every connection to serve and closes it afterwards.
func rawServer(t *testing.T, serve func(conn *net.TCPConn)) (base string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	var mu sync.Mutex
	open := map[net.Conn]bool{}
	all.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			mu.Lock()
			open[conn] = true
			mu.Unlock()
			all.Go(func() {
				defer conn.Close()
				serve(conn.(*net.TCPConn))
			})
		}
	})
	t.Cleanup(func() {
		l.Close()
		mu.Lock()
		for conn := range open {
			conn.Close()
		}
		mu.Unlock()
		all.Wait()
	})
	return "http://" + l.Addr().String()
}

// readPost reads one request to its end.
func readPost(r *bufio.Reader) (body string, ok bool) {
	req, err := http.ReadRequest(r)
	if err != nil {
		return "", false
	}
	b, err := io.ReadAll(req.Body)
	return string(b), err == nil
}

// reset closes conn so that the peer meets ECONNRESET, not EOF.
func reset(conn *net.TCPConn) {
	conn.SetLinger(0)
	conn.Close()
}

func httpReply(body string) string {
	return fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", len(body), body)
}

// afterRequest is a raw server that reads one request and then does what it is
// told.
func afterRequest(t *testing.T, then func(conn *net.TCPConn)) string {
	return rawServer(t, func(conn *net.TCPConn) {
		if _, ok := readPost(bufio.NewReader(conn)); ok {
			then(conn)
		}
	})
}

// hang keeps a connection open until the peer goes away.
func hang(conn *net.TCPConn) { io.Copy(io.Discard, conn) }

func vector(t testing.TB, name string) string {
	t.Helper()
	b, err := os.ReadFile("testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(b))
}
