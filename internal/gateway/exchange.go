package gateway

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"time"
)

// Limits on the size of a reply. Lists of contacts are long; the reply to a
// post is not.
const (
	maxReply     = 16 << 20
	maxSendReply = 1 << 20
)

// exchange is one request and what came back, before anyone reads meaning into
// it. It holds an answer (err nil, status set) or the error that took its place.
type exchange struct {
	left   bool // some of the request may have been written
	status int  // 0 if no answer came
	reply  []byte
	cause  string // machine word for err
	err    error
	took   time.Duration
}

// Shared by all requests; the transport only reads them.
var (
	jsonType = []string{"application/json"}
	agent    = []string{"momentcast"}
)

// exchange posts body once. It goes straight to the transport: a transport by
// itself follows no redirect and keeps no cookies, and without GetBody it
// cannot send a body a second time, not even one that never left.
func (c *Client) exchange(ctx context.Context, path, token, body string, limit int64) exchange {
	started := time.Now()
	var w watch
	req, err := http.NewRequestWithContext(w.trace(ctx), http.MethodPost, c.base+path, strings.NewReader(body))
	if err != nil {
		return exchange{cause: "bad_request", err: err}
	}
	req.GetBody = nil
	req.Header["Content-Type"] = jsonType
	req.Header["Accept"] = jsonType
	req.Header["User-Agent"] = agent
	if token != "" {
		req.Header["Authorization"] = []string{token}
	}
	x := c.roundTrip(ctx, req, &w, limit)
	x.took = time.Since(started)
	c.log.Debug().Str("call", path).Int("status", x.status).Str("cause", x.cause).Dur("took", x.took).Msg("gateway called")
	return x
}

func (c *Client) roundTrip(ctx context.Context, req *http.Request, w *watch, limit int64) exchange {
	resp, err := c.transport.RoundTrip(req)
	if err != nil {
		x := exchange{left: w.mayHaveLeft(), err: err}
		if x.left {
			x.cause = afterWrite(ctx, err)
		} else {
			x.cause = beforeWrite(ctx, err, req.URL.Scheme == "https", w.conn != nil)
		}
		return x
	}
	defer resp.Body.Close()
	x := exchange{left: true, status: resp.StatusCode}
	x.reply, x.err = readReply(resp, limit)
	if x.err != nil {
		x.cause = afterWrite(ctx, x.err)
	}
	return x
}

var errTooLarge = errors.New("the reply is larger than any this call can have")

// readReply reads at most limit bytes. What was read before an error is kept:
// it may be all that is ever known about a post.
func readReply(resp *http.Response, limit int64) ([]byte, error) {
	n := resp.ContentLength
	if n < 0 || n > keptReply {
		n = 1 << 10
	}
	buf := make([]byte, 0, n+1) // one more, so that the end is seen without growing
	for {
		if len(buf) == cap(buf) {
			buf = append(buf, 0)[:len(buf)]
		}
		m, err := resp.Body.Read(buf[len(buf):cap(buf)])
		buf = buf[:len(buf)+m]
		if int64(len(buf)) > limit {
			return buf[:limit], errTooLarge
		}
		if err == io.EOF {
			return buf, nil
		}
		if err != nil {
			return buf, err
		}
	}
}
