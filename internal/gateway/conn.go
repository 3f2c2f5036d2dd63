package gateway

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/http/httptrace"
	"sync"

	"momentcast/internal/failpoint"
)

// errSealed is what a write on a given-up connection meets.
var errSealed = errors.New("the call was given up before this was written")

// wireConn counts what the kernel took, and can be sealed against later
// writes. The transport writes from a goroutine of its own that may outlive
// the call: without the seal, "nothing was written" could stop being true right
// after it was found.
type wireConn struct {
	net.Conn

	mu      sync.Mutex
	taken   int64 // bytes the kernel accepted
	writing bool  // a write has begun and not ended
	sealed  bool
}

func (c *wireConn) Write(p []byte) (int, error) {
	c.mu.Lock()
	if c.sealed {
		c.mu.Unlock()
		return 0, errSealed
	}
	c.writing = true
	c.mu.Unlock()

	n, err := c.Conn.Write(p)

	c.mu.Lock()
	c.writing = false
	c.taken += int64(n)
	c.mu.Unlock()
	return n, err
}

func (c *wireConn) count() int64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.taken
}

// seal stops all further writes and reports whether anything beyond base may
// have left. A write under way counts: its outcome is not known.
func (c *wireConn) seal(base int64) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.sealed = true
	return c.writing || c.taken > base
}

// watch learns over which connection one request goes and how much had been
// written there before. The transport calls gotConn in the goroutine of
// RoundTrip, before it hands the request to the connection.
type watch struct {
	conn  *wireConn
	base  int64
	blind bool // a connection that cannot be watched, or a second one
}

func (w *watch) trace(ctx context.Context) context.Context {
	return httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		GotConn:      w.gotConn,
		WroteRequest: func(httptrace.WroteRequestInfo) { failpoint.Hit("mid-request") },
	})
}

func (w *watch) gotConn(info httptrace.GotConnInfo) {
	raw := info.Conn
	if t, ok := raw.(*tls.Conn); ok {
		raw = t.NetConn() // the handshake is over; its bytes are in base
	}
	c, ok := raw.(*wireConn)
	if !ok || w.conn != nil {
		w.blind = true
		return
	}
	w.conn, w.base = c, c.count()
}

// mayHaveLeft seals the connection and reports whether any byte of the request
// may be on its way. Only false is proof.
func (w *watch) mayHaveLeft() bool {
	if w.blind {
		return true
	}
	return w.conn != nil && w.conn.seal(w.base)
}
