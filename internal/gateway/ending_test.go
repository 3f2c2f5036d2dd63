package gateway

import (
	"bufio"
	"context"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"momentcast/internal/moment"
)

// answering is a server that sends one HTTP answer.
func answering(status int, body string) func(*testing.T) *Client {
	return func(t *testing.T) *Client { return newClient(t, says(t, status, body).URL) }
}

// dialing is a client whose connections come from dial.
func dialing(dial dialFunc) func(*testing.T) *Client {
	return func(t *testing.T) *Client {
		c := newClient(t, "http://gateway.test")
		c.transport.DialContext = dialer(dial)
		return c
	}
}

// faultyConn is a connection whose writes end as write says.
type faultyConn struct {
	net.Conn
	write func(p []byte) (int, error)
}

func (c faultyConn) Write(p []byte) (int, error) { return c.write(p) }

func faulty(write func(p []byte) (int, error)) func(*testing.T) *Client {
	return dialing(func(context.Context, string, string) (net.Conn, error) {
		near, _ := net.Pipe()
		return faultyConn{near, write}, nil
	})
}

// TestEveryEnding has a row for every way a call can end that we know of.
func TestEveryEnding(t *testing.T) {
	t.Parallel()
	const short = 60 * time.Millisecond
	tests := []struct {
		name    string
		client  func(t *testing.T) *Client
		timeout time.Duration // of the call; 0 = long
		verdict moment.Verdict
		cause   string
		auth    bool
		status  int
	}{
		// Proof that nothing left.
		{name: "refused dial", client: func(t *testing.T) *Client {
			l, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			l.Close()
			return newClient(t, "http://"+l.Addr().String())
		}, verdict: moment.NeverLeft, cause: "refused_dial"},
		{name: "no such host", client: func(t *testing.T) *Client {
			noDNS := &net.Resolver{PreferGo: true, Dial: func(context.Context, string, string) (net.Conn, error) {
				return nil, errors.New("no name server")
			}}
			return dialing((&net.Dialer{Resolver: noDNS}).DialContext)(t)
		}, verdict: moment.NeverLeft, cause: "dns"},
		{name: "no route", client: dialing(func(context.Context, string, string) (net.Conn, error) {
			return nil, &net.OpError{Op: "dial", Net: "tcp", Err: syscall.EHOSTUNREACH}
		}), verdict: moment.NeverLeft, cause: "dial"},
		{name: "TLS: untrusted certificate", client: func(t *testing.T) *Client {
			s := httptest.NewUnstartedServer(http.NotFoundHandler())
			s.Config.ErrorLog = log.New(io.Discard, "", 0)
			s.StartTLS()
			t.Cleanup(s.Close)
			return newClient(t, s.URL)
		}, verdict: moment.NeverLeft, cause: "tls"},
		{name: "TLS: not spoken there", client: func(t *testing.T) *Client {
			base := rawServer(t, func(conn *net.TCPConn) { io.WriteString(conn, "HTTP/1.1 400 Bad Request\r\n\r\n") })
			return newClient(t, strings.Replace(base, "http:", "https:", 1))
		}, verdict: moment.NeverLeft, cause: "tls"},
		{name: "TLS: closed during the handshake", client: func(t *testing.T) *Client {
			base := rawServer(t, func(conn *net.TCPConn) { conn.Read(make([]byte, 64)) })
			return newClient(t, strings.Replace(base, "http:", "https:", 1))
		}, verdict: moment.NeverLeft, cause: "tls"},
		{name: "timeout before write: TLS never answers", client: func(t *testing.T) *Client {
			return newClient(t, strings.Replace(rawServer(t, hang), "http:", "https:", 1))
		}, timeout: short, verdict: moment.NeverLeft, cause: "timeout_before_write"},
		{name: "timeout before write: dial never ends", client: dialing(func(ctx context.Context, _, _ string) (net.Conn, error) {
			<-ctx.Done()
			return nil, ctx.Err()
		}), timeout: short, verdict: moment.NeverLeft, cause: "timeout_before_write"},
		{name: "timeout before write: over before it began", client: answering(200, success),
			timeout: -time.Second, verdict: moment.NeverLeft, cause: "timeout_before_write"},
		{name: "reset before write", client: faulty(func([]byte) (int, error) { return 0, syscall.ECONNRESET }),
			verdict: moment.NeverLeft, cause: "reset_before_write"},

		// Something may have left.
		{name: "reset within the write", client: faulty(func(p []byte) (int, error) { return len(p) / 2, syscall.ECONNRESET }),
			verdict: moment.InDoubt, cause: "reset"},
		{name: "reset after write", client: func(t *testing.T) *Client {
			return newClient(t, afterRequest(t, reset))
		}, verdict: moment.InDoubt, cause: "reset"},
		{name: "closed after write", client: func(t *testing.T) *Client {
			return newClient(t, afterRequest(t, func(*net.TCPConn) {}))
		}, verdict: moment.InDoubt, cause: "reset"},
		{name: "timeout after write", client: func(t *testing.T) *Client {
			return newClient(t, afterRequest(t, hang))
		}, timeout: short, verdict: moment.InDoubt, cause: "timeout"},
		{name: "timeout within the answer", client: func(t *testing.T) *Client {
			return newClient(t, afterRequest(t, func(conn *net.TCPConn) {
				io.WriteString(conn, strings.TrimSuffix(httpReply(success), "}"))
				hang(conn)
			}))
		}, timeout: short, verdict: moment.InDoubt, cause: "timeout", status: 200},
		{name: "answer cut off", client: func(t *testing.T) *Client {
			return newClient(t, afterRequest(t, func(conn *net.TCPConn) {
				io.WriteString(conn, strings.TrimSuffix(httpReply(success), "}"))
			}))
		}, verdict: moment.InDoubt, cause: "truncated", status: 200},
		{name: "not HTTP", client: func(t *testing.T) *Client {
			return newClient(t, afterRequest(t, func(conn *net.TCPConn) { io.WriteString(conn, "SSH-2.0-x\r\n\r\n") }))
		}, verdict: moment.InDoubt, cause: "bad_http"},
		{name: "far too large", client: answering(200, `{"code":"1000","message":"`+strings.Repeat("x", maxSendReply)+`"}`),
			verdict: moment.InDoubt, cause: "too_large", status: 200},

		// Answers that prove nothing.
		{name: "moved", client: answering(302, ""), verdict: moment.InDoubt, cause: "redirect", status: 302},
		{name: "moved with the method kept", client: answering(307, success), verdict: moment.InDoubt, cause: "redirect", status: 307},
		{name: "400", client: answering(400, "bad request"), verdict: moment.InDoubt, cause: "http_400", status: 400},
		{name: "404", client: answering(404, "<html>not found</html>"), verdict: moment.InDoubt, cause: "http_404", status: 404},
		{name: "429 with a stranger's code", client: answering(429, `{"code":429,"message":"slow down"}`), verdict: moment.InDoubt, cause: "http_429", status: 429},
		{name: "500", client: answering(500, `{"status":500,"error":"Internal Server Error"}`), verdict: moment.InDoubt, cause: "http_500", status: 500},
		{name: "502 naming a token", client: answering(502, `{"code":502,"message":"token bucket empty"}`), verdict: moment.InDoubt, cause: "http_502", status: 502},
		{name: "504 HTML", client: answering(504, "<html>gateway timeout</html>"), verdict: moment.InDoubt, cause: "http_504", status: 504},
		{name: "500 that says done", client: answering(500, success), verdict: moment.InDoubt, cause: "http_500", status: 500},
		{name: "401 that says done", client: answering(401, success), verdict: moment.InDoubt, cause: "http_401", status: 401},
		{name: "HTML", client: answering(200, "\n <!DOCTYPE html><html></html>"), verdict: moment.InDoubt, cause: "html", status: 200},
		{name: "empty", client: answering(200, " \n"), verdict: moment.InDoubt, cause: "empty", status: 200},
		{name: "truncated JSON", client: answering(200, strings.TrimSuffix(success, "}}}")), verdict: moment.InDoubt, cause: "bad_json", status: 200},
		{name: "two JSON values", client: answering(200, success+success), verdict: moment.InDoubt, cause: "bad_json", status: 200},
		{name: "JSON, but a list", client: answering(200, "[]"), verdict: moment.InDoubt, cause: "bad_json", status: 200},
		{name: "no code", client: answering(200, `{"message":"成功","data":{"id":"1"}}`), verdict: moment.InDoubt, cause: "no_code", status: 200},
		{name: "code that is none", client: answering(200, `{"code":"OK"}`), verdict: moment.InDoubt, cause: "no_code", status: 200},
		{name: "1000 without id", client: answering(200, `{"code":"1000","data":null}`), verdict: moment.InDoubt, cause: "no_id", status: 200},
		{name: "1000 with an empty id", client: answering(200, `{"code":"1000","data":{"object":{"id":""}}}`), verdict: moment.InDoubt, cause: "no_id", status: 200},
		{name: "1000 with id 0", client: answering(200, `{"code":"1000","data":{"object":{"id":0}}}`), verdict: moment.InDoubt, cause: "no_id", status: 200},
		{name: "1000 with id null", client: answering(200, `{"code":"1000","data":{"object":{"id":null}}}`), verdict: moment.InDoubt, cause: "no_id", status: 200},
		{name: "1000 with id rounded", client: answering(200, `{"code":"1000","data":{"object":{"id":1.3367129656153944e19}}}`), verdict: moment.InDoubt, cause: "no_id", status: 200},
		{name: "1000 with id negative", client: answering(200, `{"code":"1000","data":{"object":{"id":-5079614417555607422}}}`), verdict: moment.InDoubt, cause: "no_id", status: 200},
		{name: "1000 with an object as id", client: answering(200, `{"code":"1000","data":{"object":{"id":{"a":1}}}}`), verdict: moment.InDoubt, cause: "no_id", status: 200},
		{name: "1000 with data a list", client: answering(200, `{"code":"1000","data":[1]}`), verdict: moment.InDoubt, cause: "no_id", status: 200},
		{name: "1001 that names a moment", client: answering(200, `{"code":"1001","message":"失败","data":{"object":{"id":"13367129656153944194"}}}`), verdict: moment.InDoubt, cause: "code_1001", status: 200},

		// A no.
		{name: "1001", client: answering(200, `{"message":"失败","code":"1001","data":null}`), verdict: moment.Rejected, cause: "code_1001", status: 200},
		{name: "1001 as a number, text in msg", client: answering(200, `{"msg":"失败","code":1001}`), verdict: moment.Rejected, cause: "code_1001", status: 200},
		{name: "10001", client: answering(200, `{"message":"失败","code":"10001"}`), verdict: moment.Rejected, cause: "code_10001", status: 200},
		{name: "another code", client: answering(200, `{"message":"失败","code":"-13"}`), verdict: moment.Rejected, cause: "code_-13", status: 200},
		{name: "1001 beside 400", client: answering(400, `{"message":"参数错误","code":"1001"}`), verdict: moment.Rejected, cause: "code_1001", status: 400},
		{name: "401", client: answering(401, ""), verdict: moment.Rejected, cause: "auth", auth: true, status: 401},
		{name: "403 HTML", client: answering(403, "<html>"), verdict: moment.Rejected, cause: "auth", auth: true, status: 403},
		{name: "401 cut off", client: func(t *testing.T) *Client {
			return newClient(t, afterRequest(t, func(conn *net.TCPConn) {
				io.WriteString(conn, "HTTP/1.1 401 Unauthorized\r\nContent-Length: 99\r\n\r\n{")
			}))
		}, verdict: moment.Rejected, cause: "auth", auth: true, status: 401},
		{name: "1001 naming the token", client: answering(200, `{"message":"Token 无效","code":"1001"}`), verdict: moment.Rejected, cause: "auth", auth: true, status: 200},
		{name: "1001 naming Authorization in msg", client: answering(200, `{"msg":"missing authorization","code":1001}`), verdict: moment.Rejected, cause: "auth", auth: true, status: 200},

		// Done.
		{name: "the recorded reply", client: func(t *testing.T) *Client { return answering(200, vector(t, "snsSendUrl-success.json"))(t) }, verdict: moment.Delivered, status: 200},
		{name: "code as int", client: answering(200, `{"code":1000,"data":{"object":{"id":"13367129656153944194"}}}`), verdict: moment.Delivered, status: 200},
		{name: "id as a number beyond float", client: answering(200, `{"code":"1000","data":{"object":{"id":13367129656153944194}}}`), verdict: moment.Delivered, status: 200},
		{name: "id beside the object", client: answering(200, `{"code":"1000","data":{"id":13367129656153944194,"object":null}}`), verdict: moment.Delivered, status: 200},
		{name: "201, byte order mark, object of another type", client: answering(201, "\xef\xbb\xbf"+`{"code":"1000","data":{"object":"x","id":"13367129656153944194"}}`), verdict: moment.Delivered, status: 201},
		{name: "objectDesc that cannot be read", client: answering(200, `{"code":"1000","data":{"object":{"id":"13367129656153944194","objectDesc":"iLen: x"}}}`), verdict: moment.Delivered, status: 200},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if tt.timeout == 0 {
				tt.timeout = 20 * time.Second
			}
			c := tt.client(t)
			ctx, cancel := context.WithTimeout(t.Context(), tt.timeout)
			defer cancel()
			r := c.Publish(ctx, "wid-1", testCard, everyone)
			if r.Verdict != tt.verdict || r.Cause != tt.cause || r.Auth != tt.auth || r.Status != tt.status {
				t.Errorf("got %s %q auth %t status %d, want %s %q auth %t status %d\n%s\n%s",
					r.Verdict, r.Cause, r.Auth, r.Status, tt.verdict, tt.cause, tt.auth, tt.status, r.Message, clip(r.Reply, 200))
			}
			if id := "13367129656153944194"; (tt.verdict == moment.Delivered) != (r.MomentID == id) {
				t.Errorf("moment id %q", r.MomentID)
			}
			if r.Message == "" || r.Request == "" || r.Duration <= 0 {
				t.Errorf("message %q, request %q, duration %s: all must be set", r.Message, r.Request, r.Duration)
			}
			if _, known := sentences[r.Cause]; !known && tt.verdict == moment.NeverLeft {
				t.Errorf("no sentence for %q", r.Cause)
			}
		})
	}
}

// stuckConn takes the first taken bytes of a write and then blocks until closed.
type stuckConn struct {
	net.Conn
	taken  int
	begun  chan<- struct{}
	closed chan struct{}
	once   *sync.Once
}

func (c stuckConn) Write([]byte) (int, error) {
	close(c.begun)
	<-c.closed
	return c.taken, net.ErrClosed
}

func (c stuckConn) Close() error {
	c.once.Do(func() { close(c.closed) })
	return c.Conn.Close()
}

// A call that ends within a write never left only if the kernel took nothing.
func TestCancelledWithinWrite(t *testing.T) {
	t.Parallel()
	for taken, want := range map[int]moment.Result{
		0: {Verdict: moment.NeverLeft, Cause: "cancelled_before_write"},
		1: {Verdict: moment.InDoubt, Cause: "cancelled"},
	} {
		begun := make(chan struct{})
		near, far := net.Pipe()
		t.Cleanup(func() { far.Close() })
		c := dialing(func(context.Context, string, string) (net.Conn, error) {
			return stuckConn{near, taken, begun, make(chan struct{}), new(sync.Once)}, nil
		})(t)
		ctx, cancel := context.WithCancel(t.Context())
		go func() {
			<-begun
			cancel()
		}()
		r := c.Publish(ctx, "wid-1", testCard, everyone)
		if r.Verdict != want.Verdict || r.Cause != want.Cause {
			t.Errorf("%d bytes taken: got %s %q, want %s %q", taken, r.Verdict, r.Cause, want.Verdict, want.Cause)
		}
	}
}

// The same endings, as the error of a call that reads.
func TestEndingsOfReads(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		status int
		body   string
		kind   moment.Kind
	}{
		{"1001", 200, `{"code":"1001","message":"不行"}`, moment.Refused},
		{"401", 401, "", moment.Unauthenticated},
		{"naming the token", 200, `{"code":1001,"msg":"bad token ` + testToken + `"}`, moment.Unauthenticated},
		{"503", 503, "busy", moment.Unavailable},
		{"404", 404, "no", moment.Unavailable},
		{"HTML", 200, "<html>", moment.Unavailable},
		{"another form of data", 200, `{"code":"1000","data":"` + testToken + `"}`, moment.Unavailable},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			_, err := newClient(t, says(t, tt.status, tt.body).URL).Logins(t.Context())
			if moment.KindOf(err) != tt.kind {
				t.Fatalf("got %v", err)
			}
			if strings.Contains(err.Error(), testToken) {
				t.Errorf("the token is in %v", err)
			}
			reply := strings.ReplaceAll(tt.body, testToken, redacted)
			if want := strings.Trim(reply, "{}"); !strings.Contains(strings.ReplaceAll(err.Error(), `\"`, `"`), want) {
				t.Errorf("the raw reply %q is not in %v", want, err)
			}
		})
	}
	t.Run("refused dial", func(t *testing.T) {
		t.Parallel()
		c := dialing(func(context.Context, string, string) (net.Conn, error) {
			return nil, &net.OpError{Op: "dial", Err: syscall.ECONNREFUSED}
		})(t)
		_, err := c.Labels(t.Context(), "wid")
		if moment.KindOf(err) != moment.Unavailable || !errors.Is(err, syscall.ECONNREFUSED) {
			t.Errorf("got %v", err)
		}
	})
	t.Run("reset", func(t *testing.T) {
		t.Parallel()
		err := newClient(t, afterRequest(t, reset)).Delete(t.Context(), "wid", "1")
		if moment.KindOf(err) != moment.Unavailable {
			t.Errorf("got %v", err)
		}
	})
}

// A healthy connection is used again.
func TestConnectionIsKept(t *testing.T) {
	t.Parallel()
	var conns atomic.Int64
	base := rawServer(t, func(conn *net.TCPConn) {
		conns.Add(1)
		r := bufio.NewReader(conn)
		for {
			if _, ok := readPost(r); !ok {
				return
			}
			io.WriteString(conn, httpReply(success))
		}
	})
	c := newClient(t, base)
	for range 3 {
		if r := c.Publish(t.Context(), "wid-1", testCard, everyone); r.Verdict != moment.Delivered {
			t.Fatalf("got %s %q", r.Verdict, r.Cause)
		}
	}
	if conns.Load() != 1 {
		t.Errorf("%d connections for 3 calls", conns.Load())
	}
}
