package crash

import (
	"io"
	"math/rand"
	"net"
	"net/url"
	"sync"
	"testing"
	"time"
)

// proxy stands between the program and its database, or its gateway, and breaks connections at
// the moments that hurt: when the database has answered (and so may have
// committed) and the answer has not arrived, or by silence, as a firewall does
// that has forgotten the connection. The same stands before the gateway.
type proxy struct {
	mu     sync.Mutex
	ln     net.Listener
	target string
	rng    *rand.Rand
	now    trouble
	conns  map[net.Conn]bool
	Cuts   int
}

// trouble is what a proxy does to the connections through it.
type trouble struct {
	Cut  float64 // share of answers that are lost together with the connection
	Mute float64 // share of answers after which the connection says nothing more
	Deaf float64 // share of requests from which on nothing arrives at the other end
	Slow bool    // bytes trickle, both ways
}

// newProxy listens on loopback in front of the server that the URL names and
// returns the URL to use instead.
func newProxy(t testing.TB, dsn string, seed int64) (*proxy, string) {
	t.Helper()
	u, err := url.Parse(dsn)
	if err != nil {
		t.Fatal(err)
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &proxy{ln: ln, target: u.Host, rng: rand.New(rand.NewSource(seed)), conns: map[net.Conn]bool{}}
	go p.serve(ln)
	t.Cleanup(func() { _ = p.listener().Close(); p.dropAll() })
	u.Host = ln.Addr().String()
	return p, u.String()
}

func (p *proxy) set(cut, mute float64) { p.bring(trouble{Cut: cut, Mute: mute}) }

func (p *proxy) bring(t trouble) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.now = t
}

// aim sends what comes from now on to another address.
func (p *proxy) aim(target string) {
	p.mu.Lock()
	p.target = target
	p.mu.Unlock()
	p.dropAll()
}

// refuse closes the door: connections break and new ones are refused, until
// the returned function opens it again.
func (p *proxy) refuse() (open func() error) {
	addr := p.listener().Addr().String()
	_ = p.listener().Close()
	p.dropAll()
	return func() error {
		ln, err := net.Listen("tcp", addr)
		if err != nil {
			return err
		}
		p.mu.Lock()
		p.ln = ln
		p.mu.Unlock()
		go p.serve(ln)
		return nil
	}
}

func (p *proxy) listener() net.Listener {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.ln
}

func (p *proxy) dropAll() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for c := range p.conns {
		_ = c.Close()
	}
}

func (p *proxy) serve(ln net.Listener) {
	for {
		in, err := ln.Accept()
		if err != nil {
			return
		}
		go p.pipe(in)
	}
}

func (p *proxy) pipe(in net.Conn) {
	p.mu.Lock()
	target := p.target
	p.mu.Unlock()
	out, err := net.DialTimeout("tcp", target, 2*time.Second)
	if err != nil {
		_ = in.Close()
		return
	}
	p.mu.Lock()
	p.conns[in], p.conns[out] = true, true
	p.mu.Unlock()
	defer func() {
		p.mu.Lock()
		delete(p.conns, in)
		delete(p.conns, out)
		p.mu.Unlock()
		_, _ = in.Close(), out.Close()
	}()
	go func() { p.copy(out, in, false); _ = out.Close() }()
	p.copy(in, out, true)
}

// copy passes on what is said, until fate strikes.
func (p *proxy) copy(to io.Writer, from io.Reader, answers bool) {
	buf := make([]byte, 32<<10)
	for {
		n, err := from.Read(buf)
		if err != nil {
			return
		}
		switch p.fate(answers) {
		case "cut":
			return // the answer is lost, and so is the connection
		case "lost":
			_, _ = io.Copy(io.Discard, from)
			return
		case "slow":
			err = trickle(to, buf[:n])
		default:
			_, err = to.Write(buf[:n])
		}
		if err != nil {
			return
		}
	}
}

// trickle writes b in pieces of some bytes. A request takes a second or so.
func trickle(to io.Writer, b []byte) error {
	t := time.NewTicker(10 * time.Millisecond)
	defer t.Stop()
	piece := max(16, len(b)/100)
	for len(b) > 0 {
		n := min(piece, len(b))
		if _, err := to.Write(b[:n]); err != nil {
			return err
		}
		b = b[n:]
		<-t.C
	}
	return nil
}

func (p *proxy) fate(answers bool) string {
	p.mu.Lock()
	defer p.mu.Unlock()
	cut, lost := p.now.Cut, p.now.Mute
	if !answers {
		cut, lost = 0, p.now.Deaf
	}
	x := 1.0
	if cut+lost > 0 {
		x = p.rng.Float64()
	}
	switch {
	case x < cut:
		p.Cuts++
		return "cut"
	case x < cut+lost:
		p.Cuts++
		return "lost"
	case p.now.Slow:
		return "slow"
	}
	return ""
}
