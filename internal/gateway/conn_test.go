package gateway

import (
	"errors"
	"net"
	"net/http/httptrace"
	"strings"
	"testing"
	"time"

	"momentcast/internal/moment"
)

func TestSealCountsWhatTheKernelTook(t *testing.T) {
	t.Parallel()
	c := &wireConn{Conn: faultyConn{write: func(p []byte) (int, error) { return len(p) - 1, net.ErrClosed }}}
	var w watch
	w.gotConn(httptrace.GotConnInfo{Conn: c})
	if w.mayHaveLeft() {
		t.Error("something left before anything was written")
	}
	if n, err := c.Write([]byte("late")); n != 0 || !errors.Is(err, errSealed) {
		t.Errorf("a sealed connection took %d bytes, %v", n, err)
	}

	c = &wireConn{Conn: faultyConn{write: func(p []byte) (int, error) { return len(p) - 1, net.ErrClosed }}}
	c.Write([]byte("an earlier request"))
	w = watch{}
	w.gotConn(httptrace.GotConnInfo{Conn: c})
	c.Write([]byte("x")) // nothing taken
	if w.base != 17 || w.mayHaveLeft() {
		t.Errorf("base %d: what was written for others counts", w.base)
	}

	c = &wireConn{Conn: faultyConn{write: func(p []byte) (int, error) { return len(p) - 1, net.ErrClosed }}}
	w = watch{}
	w.gotConn(httptrace.GotConnInfo{Conn: c})
	c.Write([]byte("xx"))
	if !w.mayHaveLeft() {
		t.Error("one byte taken is not nothing")
	}
}

func TestWriteUnderWayMayHaveLeft(t *testing.T) {
	t.Parallel()
	begun, over := make(chan struct{}), make(chan struct{})
	c := &wireConn{Conn: faultyConn{write: func([]byte) (int, error) {
		close(begun)
		<-over
		return 0, nil
	}}}
	done := make(chan struct{})
	go func() {
		defer close(done)
		c.Write([]byte("x"))
	}()
	<-begun
	if !c.seal(0) {
		t.Error("a write under way passed for none")
	}
	close(over)
	<-done
}

func TestUnwatchedConnectionProvesNothing(t *testing.T) {
	t.Parallel()
	var w watch
	w.gotConn(httptrace.GotConnInfo{Conn: &net.TCPConn{}})
	if !w.mayHaveLeft() {
		t.Error("a connection that is not counted passed for unwritten")
	}
	w = watch{}
	w.gotConn(httptrace.GotConnInfo{Conn: &wireConn{}})
	w.gotConn(httptrace.GotConnInfo{Conn: &wireConn{}})
	if !w.mayHaveLeft() {
		t.Error("a second connection passed for unwritten")
	}
}

func TestReplyIsKeptBoundedAndStorable(t *testing.T) {
	t.Parallel()
	body := `{"code":"1001","message":"` + testToken + "\x00\xff" + strings.Repeat("界", 40_000) + `"}`
	r := newClient(t, says(t, 200, body).URL).Publish(t.Context(), "wid", testCard, everyone)
	if len(r.Reply) > 64<<10 || len(r.Reply) < 63<<10 || r.Reply != clean(r.Reply) {
		t.Errorf("%d bytes kept, clean %t", len(r.Reply), r.Reply == clean(r.Reply))
	}
	if strings.Contains(r.Reply, testToken) || strings.Contains(r.Message, testToken) {
		t.Error("the token is in the result")
	}
	if r.Verdict != moment.InDoubt { // NUL within a JSON text is not JSON
		t.Errorf("got %s %q", r.Verdict, r.Cause)
	}
}

func TestConfigIsCheckedWhole(t *testing.T) {
	t.Parallel()
	_, err := New(Config{BaseURL: "ftp://user:hunter2@gw", Token: "a\nb", Timeout: -time.Second})
	for _, want := range []string{"base URL", "token", "timeout"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q is not in %v", want, err)
		}
	}
	for _, base := range []string{"", "gw:80", "http://", "http://u:hunter2@gw", "http://gw/?a", "http://gw/#a", "http://gw:x/", "http://hunter2@%zz"} {
		if _, err := New(Config{BaseURL: base, Token: "t"}); err == nil || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%q: %v", base, err)
		}
	}
	if _, err := New(Config{BaseURL: "http://gw", Account: "a"}); err == nil {
		t.Error("an account without a password was accepted")
	}
	cfg := Config{BaseURL: "http://gw", Token: "hunter2", Password: "hunter3"}
	if s := cfg.String(); strings.Contains(s, "hunter") {
		t.Error(s)
	}
}
