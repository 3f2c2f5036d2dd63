package gateway

import (
	"context"
	"net"
	"net/http"
	"time"

	"github.com/rs/zerolog"

	"momentcast/internal/moment"
)

// Client calls one gateway account. It is safe for concurrent use; calls of
// one login session are made one after the other.
type Client struct {
	base      string // without a trailing slash
	timeout   time.Duration
	transport *http.Transport
	tokens    tokens
	turns     locks // by wId
	log       zerolog.Logger
}

// New returns a client for cfg, or an error that names everything wrong with
// it. It connects to nothing.
func New(cfg Config) (*Client, error) {
	base, err := cfg.check()
	if err != nil {
		return nil, err
	}
	c := &Client{
		base:      base.String(),
		timeout:   cfg.Timeout,
		transport: newTransport(),
		log:       cfg.Log,
	}
	if c.timeout == 0 {
		c.timeout = defaultTimeout
	}
	c.tokens = tokens{value: cfg.Token, account: cfg.Account, password: cfg.Password}
	if inClear(base) {
		c.log.Warn().Str("host", base.Host).Msg("the gateway token travels unencrypted; use https or a private network")
	}
	return c, nil
}

// Close closes the connections that are idle. Calls under way are not touched:
// they end with their contexts.
func (c *Client) Close() { c.transport.CloseIdleConnections() }

// newTransport is HTTP/1.1 only, so that one connection carries one request at
// a time and what was written of it can be counted. No proxy: what stands
// between us and the gateway shall not depend on the environment.
func newTransport() *http.Transport {
	t := &http.Transport{
		DialContext:            dialer((&net.Dialer{Timeout: 10 * time.Second, KeepAlive: 30 * time.Second}).DialContext),
		Protocols:              new(http.Protocols),
		TLSHandshakeTimeout:    10 * time.Second,
		MaxIdleConnsPerHost:    1024,
		MaxResponseHeaderBytes: 64 << 10,
		DisableCompression:     true,
		// Below the 5 s after which common servers close an idle connection: a
		// post written just as that happens would end in doubt.
		IdleConnTimeout: 3 * time.Second,
	}
	t.Protocols.SetHTTP1(true)
	return t
}

type dialFunc func(ctx context.Context, network, addr string) (net.Conn, error)

// dialer makes every connection of dial a wireConn.
func dialer(dial dialFunc) dialFunc {
	return func(ctx context.Context, network, addr string) (net.Conn, error) {
		conn, err := dial(ctx, network, addr)
		if err != nil {
			return nil, err
		}
		return &wireConn{Conn: conn}, nil
	}
}

// call is one request other than a post or comment.
type call struct {
	path     string
	wID      string // whose turn to wait for; "" = no instance's
	body     any
	readOnly bool // may be made again after a new login
}

// do makes a call and decodes its data into v, which may be nil. An absent or
// null data leaves v as it is. The error is a *moment.Error.
func (c *Client) do(ctx context.Context, q call, v any) error {
	if q.wID != "" {
		release, err := c.turns.acquire(ctx, q.wID)
		if err != nil {
			return &moment.Error{Kind: moment.Unavailable, Message: "Another call of the same instance took too long.", Err: err}
		}
		defer release()
	}
	a, token, err := c.ask(ctx, q)
	if err == nil && a.fate == unauthorized && q.readOnly && c.tokens.renewable() {
		a, token, err = c.ask(ctx, q)
	}
	switch {
	case err != nil:
		return err
	case a.fate != done:
		return a.fail(q.path, token)
	case v == nil || empty(a.data):
		return nil
	}
	return a.decode(q.path, v, token)
}

// ask makes one exchange and forgets a token that was not accepted. The error
// is that of getting a token.
func (c *Client) ask(ctx context.Context, q call) (answer, string, error) {
	ctx, cancel := context.WithTimeout(ctx, min(c.timeout, readTimeout))
	defer cancel()
	token, err := c.tokens.get(ctx, c.login)
	if err != nil {
		return answer{}, "", err
	}
	a := read(c.exchange(ctx, q.path, token, encode(q.body), maxReply))
	if a.fate == unauthorized {
		c.tokens.drop(token)
	}
	return a, token, nil
}
