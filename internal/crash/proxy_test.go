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

// proxy stands between the program and its database and breaks connections at
// the moments that hurt: when the database has answered (and so may have
// committed) and the answer has not arrived, or by silence, as a firewall does
// that has forgotten the connection.
type proxy struct {
	ln     net.Listener
	target string

	mu    sync.Mutex
	rng   *rand.Rand
	cut   float64 // share of answers that are lost together with the connection
	mute  float64 // share of answers after which the connection says nothing more
	conns map[net.Conn]bool
	Cuts  int
}

// newProxy listens on loopback in front of the database at dsn and returns the
// address to use instead.
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
	go p.serve()
	t.Cleanup(func() { _ = ln.Close(); p.dropAll() })
	u.Host = ln.Addr().String()
	return p, u.String()
}

func (p *proxy) set(cut, mute float64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.cut, p.mute = cut, mute
}

func (p *proxy) dropAll() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for c := range p.conns {
		_ = c.Close()
	}
}

func (p *proxy) serve() {
	for {
		in, err := p.ln.Accept()
		if err != nil {
			return
		}
		go p.pipe(in)
	}
}

func (p *proxy) pipe(in net.Conn) {
	out, err := net.DialTimeout("tcp", p.target, 2*time.Second)
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
	go func() { _, _ = io.Copy(out, in); _ = out.Close() }()
	p.answers(in, out)
}

// answers copies what the database says, until fate strikes.
func (p *proxy) answers(in, out net.Conn) {
	buf := make([]byte, 32<<10)
	for {
		n, err := out.Read(buf)
		if err != nil {
			return
		}
		switch p.fate() {
		case "cut":
			return // the answer is lost, and so is the connection
		case "mute":
			_, _ = io.Copy(io.Discard, out)
			return
		}
		if _, err := in.Write(buf[:n]); err != nil {
			return
		}
	}
}

func (p *proxy) fate() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch x := p.rng.Float64(); {
	case x < p.cut:
		p.Cuts++
		return "cut"
	case x < p.cut+p.mute:
		p.Cuts++
		return "mute"
	}
	return ""
}
