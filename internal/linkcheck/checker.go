package linkcheck

import (
	"context"
	"crypto/tls"
	"net"
	"net/http"
	"net/netip"
	"time"

	"code.dny.dev/ssrf"
)

// Config is what an operator may change. Zero fields mean the defaults.
type Config struct {
	Timeout      time.Duration  // of one look, redirects and body included; default 5 s
	MaxRedirects int            // default 3; negative = none
	MaxBytes     int64          // of a body, on the wire and after decompression; default 2 MiB
	Ports        []uint16       // default 80 and 443
	Concurrency  int            // looks at the same time; default 8
	Deny         []netip.Prefix // further networks to refuse: your own that have public addresses
}

// userAgent is the same for everybody: it tells a host's log what this was, and
// nothing of who runs it, in which version, or for whom.
const userAgent = "Mozilla/5.0 (compatible; momentcast link check)"

func (c Config) withDefaults() Config {
	if c.Timeout <= 0 {
		c.Timeout = 5 * time.Second
	}
	switch {
	case c.MaxRedirects == 0:
		c.MaxRedirects = 3
	case c.MaxRedirects < 0:
		c.MaxRedirects = 0
	}
	if c.MaxBytes <= 0 {
		c.MaxBytes = 2 << 20
	}
	if len(c.Ports) == 0 {
		c.Ports = []uint16{80, 443}
	}
	if c.Concurrency <= 0 {
		c.Concurrency = 8
	}
	return c
}

// Checker looks at addresses. It is safe for concurrent use, and holds nothing
// that has to be closed.
type Checker struct {
	config    Config
	guard     *ssrf.Guardian
	transport *http.Transport
	dialer    *net.Dialer
	slots     chan struct{}
}

// New returns a Checker that reaches public addresses only. There is no way to
// have it reach others.
func New(config Config) *Checker {
	return newChecker(config, hooks{})
}

// hooks are what this package's own tests put in the place of the internet.
type hooks struct {
	allow4   []netip.Prefix // taken for public
	allow6   []netip.Prefix
	resolver *net.Resolver
	tls      *tls.Config
}

func newChecker(config Config, h hooks) *Checker {
	config = config.withDefaults()
	deny4, deny6 := alsoDenied(config.Deny)
	c := &Checker{
		config: config,
		guard: ssrf.New(
			ssrf.WithPorts(config.Ports...),
			ssrf.WithDeniedV4Prefixes(deny4...), ssrf.WithDeniedV6Prefixes(deny6...),
			ssrf.WithAllowedV4Prefixes(h.allow4...), ssrf.WithAllowedV6Prefixes(h.allow6...),
		),
		slots: make(chan struct{}, config.Concurrency),
	}
	c.dialer = &net.Dialer{
		Timeout:   config.Timeout, // the transport lets a dial outlive its request
		KeepAlive: -1,
		Resolver:  h.resolver,
		Control:   c.guard.Safe,
	}
	c.transport = &http.Transport{
		Proxy:                  nil, // a proxy would be dialled in the place of the address, which nobody would check
		DialContext:            c.dial,
		TLSClientConfig:        h.tls,
		TLSHandshakeTimeout:    config.Timeout,
		DisableKeepAlives:      true, // no connection is used longer than the check that allowed it
		DisableCompression:     true, // decompressed here, where both sides can be counted
		MaxResponseHeaderBytes: 64 << 10,
		Protocols:              new(http.Protocols),
	}
	c.transport.Protocols.SetHTTP1(true) // the smallest thing to attack; every host speaks it
	return c
}

func (c *Checker) dial(ctx context.Context, network, address string) (net.Conn, error) {
	address, err := rooted(address)
	if err != nil {
		return nil, err
	}
	return c.dialer.DialContext(ctx, network, address)
}

// rooted ends a name with a dot. Without it a resolver may try the name below
// the domains of the network that we are in, and in a cluster it does so first.
func rooted(address string) (string, error) {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return "", err
	}
	if _, err := netip.ParseAddr(host); err != nil {
		host += "."
	}
	return net.JoinHostPort(host, port), nil
}
