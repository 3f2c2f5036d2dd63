package crash

import (
	"context"
	"io"
	"net"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"momentcast/internal/localpg"
	"momentcast/internal/postgres/postgrestest"
)

// gate is an address that leads to one server at a time, as a failover manager's
// does. Switched, it breaks what is open.
type gate struct {
	ln net.Listener

	mu    sync.Mutex
	to    string // "" = nowhere
	conns map[net.Conn]bool
}

func newGate(t testing.TB, to string) *gate {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	g := &gate{ln: ln, to: to, conns: map[net.Conn]bool{}}
	go g.serve()
	t.Cleanup(func() { _ = ln.Close(); g.lead("") })
	return g
}

func (g *gate) addr() string { return g.ln.Addr().String() }

func (g *gate) lead(to string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.to = to
	for c := range g.conns {
		_ = c.Close()
	}
}

func (g *gate) serve() {
	for {
		in, err := g.ln.Accept()
		if err != nil {
			return
		}
		go g.pipe(in)
	}
}

func (g *gate) pipe(in net.Conn) {
	defer func() { _ = in.Close() }()
	g.mu.Lock()
	to := g.to
	g.mu.Unlock()
	out, err := net.DialTimeout("tcp", to, 2*time.Second)
	if err != nil {
		return
	}
	defer func() { _ = out.Close() }()
	g.mu.Lock()
	if g.to != to {
		g.mu.Unlock()
		return
	}
	g.conns[in], g.conns[out] = true, true
	g.mu.Unlock()
	go func() { _, _ = io.Copy(out, in); _ = out.Close() }()
	_, _ = io.Copy(in, out)
	g.mu.Lock()
	defer g.mu.Unlock()
	delete(g.conns, in)
	delete(g.conns, out)
}

// addressOf is host:port of a server of a test.
func addressOf(s *localpg.Server) string {
	_, rest, _ := strings.Cut(s.URL(), "@")
	host, _, _ := strings.Cut(rest, "/")
	return host
}

// pair is a primary that streams to a standby, and two addresses that a test
// can turn: the service's, and the standby's.
type pair struct {
	*stage
	primary, standby *localpg.Server
	service, stream  *gate
}

func newPair(t *testing.T, accounts int, latency time.Duration, synchronous bool) *pair {
	t.Helper()
	primary, url := postgrestest.Private(t)
	service, stream := newGate(t, addressOf(primary)), newGate(t, addressOf(primary))
	p := &pair{
		stage:   newStage(t, strings.Replace(url, addressOf(primary), service.addr(), 1), accounts, latency, 1),
		primary: primary, service: service, stream: stream,
	}
	dir, err := localpg.MkdirTemp("momentcast-test-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	ctx, done := context.WithTimeout(t.Context(), time.Minute)
	defer done()
	p.standby, err = primary.Standby(ctx, localpg.Config{DataDir: dir, TCP: true, Fast: true}, localpg.Replication{Name: "second", Via: stream.addr()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.standby.Stop(context.Background()) })
	state := "async"
	if synchronous {
		state = "sync"
		if err := primary.Set(ctx, "synchronous_standby_names", "second"); err != nil {
			t.Fatal(err)
		}
	}
	p.eventually("the standby follows", time.Minute, func() bool {
		return query[struct{ N int }](p.stage, `SELECT count(*) FROM pg_stat_replication WHERE sync_state = $1 AND state = 'streaming'`, state)[0].N == 1
	})
	return p
}

// fail kills the primary and makes the standby take its place.
func (p *pair) fail() {
	p.Helper()
	if err := p.primary.Kill(); err != nil {
		p.Fatal(err)
	}
	p.service.lead("")
	ctx, done := context.WithTimeout(p.Context(), 90*time.Second)
	defer done()
	if err := p.standby.Promote(ctx); err != nil {
		p.Fatal(err)
	}
	p.service.lead(addressOf(p.standby))
	p.pool.Reset()
}

// accepted waits until the gateway has taken that many posts.
func (s *stage) accepted(n int) {
	s.Helper()
	s.eventually("posts are sent", time.Minute, func() bool { return s.sim.Stats().Accepted >= n })
}

// moved waits until the service has noticed the new server.
func (s *stage) moved(why string) {
	s.Helper()
	s.eventually("the move is noticed", time.Minute, func() bool {
		return len(query[struct{ Why string }](s, `SELECT moved_why FROM history WHERE moved_why = $1`, why)) == 1
	})
}

// What the standby has confirmed is there: nothing is lost with the primary.
func TestFailoverToSynchronousStandby(t *testing.T) {
	t.Parallel()
	p := newPair(t, 8, 30*time.Millisecond, true)
	p.enqueue(160, -time.Second, 6*time.Second)
	p.start("one", "")
	p.start("two", "")
	p.accepted(30)
	p.fail()
	p.moved("timeline")
	p.settle()
	got := p.judge()
	if got.Posts != 160 || got.Doubles+got.Lost+got.Contradictions != 0 {
		t.Errorf("%s", got.String())
	}
	t.Log(got.String())
}

// The standby has not heard of what was sent last. Those who sent it have, and
// what they do not know is on the timelines.
func TestFailoverToStandbyThatLagged(t *testing.T) {
	t.Parallel()
	p := newPair(t, 8, 30*time.Millisecond, false)
	p.enqueue(160, -time.Second, 6*time.Second)
	p.start("one", "")
	p.start("two", "")
	p.accepted(20)
	p.lag(30)
	p.fail()
	p.moved("timeline")
	p.settle()
	p.judgeLost()
}

// Nobody is left who remembers.
func TestFailoverToStandbyThatLaggedWithTheReplicas(t *testing.T) {
	t.Parallel()
	p := newPair(t, 8, 30*time.Millisecond, false)
	p.enqueue(160, -time.Second, 6*time.Second)
	one := p.start("one", "")
	p.accepted(20)
	p.lag(30)
	one.kill()
	<-one.dead
	p.fail()
	p.start("two", "")
	p.moved("timeline")
	p.settle()
	p.judgeLost()
}

// lag cuts the standby off and waits until n more posts have left that it will
// never hear of.
func (p *pair) lag(n int) {
	p.Helper()
	p.stream.lead("")
	p.accepted(p.sim.Stats().Accepted + n)
}

// judgeLost wants that nothing went out twice, although the new server did not
// know what was sent.
func (p *pair) judgeLost() {
	p.Helper()
	got := p.judge()
	told := query[struct{ N int }](p.stage, `SELECT count(*) FROM events WHERE detail ? 'failover'`)[0].N
	if told == 0 {
		p.Error("the standby had lost nothing: this run has shown nothing")
	}
	if got.Posts != 160 || got.Doubles+got.Lost+got.Contradictions != 0 {
		p.Errorf("%s", got.String())
	}
	p.Logf("%s; %d calls had been lost", got.String(), told)
}

// A base backup that is put in the place of its server has the server's
// identity, and even its timeline. Everything waits for a person, and what was
// sent since is found out.
func TestRestoredBackupStartsPaused(t *testing.T) {
	t.Parallel()
	srv, url := postgrestest.Private(t)
	s := newStage(t, url, 4, 5*time.Millisecond, 1)
	s.enqueue(20, -time.Second, -time.Second)
	s.exec(`UPDATE posts SET max_lateness = '0', miss_at = NULL`)
	dir, err := localpg.MkdirTemp("momentcast-test-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	one := s.start("one", "")
	s.accepted(2)
	// The backup ends here: what it knows is then made an hour old, as far as the
	// service can tell.
	if err := srv.Backup(t.Context(), dir); err != nil {
		t.Fatal(err)
	}
	s.accepted(15)
	one.kill()
	<-one.dead
	if err := srv.Kill(); err != nil {
		t.Fatal(err)
	}
	restored, err := localpg.Start(t.Context(), localpg.Config{DataDir: dir, TCP: true, Fast: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = restored.Stop(context.Background()) })
	s.turnTo(restored.URL())
	s.exec(`UPDATE history SET alive_at = alive_at - interval '1 hour'`)
	s.exec(`UPDATE replicas SET heartbeat_at = heartbeat_at - interval '1 hour'`)
	before := s.sim.Stats().Accepted

	s.start("two", "")
	s.moved("restart")
	s.eventually("all accounts are read", time.Minute, func() bool {
		return query[struct{ N int }](s, `SELECT count(*) FROM unread_accounts`)[0].N == 0
	})
	if !query[struct{ Paused bool }](s, `SELECT paused FROM settings`)[0].Paused {
		t.Error("it is not paused")
	}
	if n := s.sim.Stats().Accepted; n != before {
		t.Errorf("%d posts left while it was paused", n-before)
	}
	s.exec(`UPDATE settings SET paused = false, paused_reason = '', paused_at = NULL`)
	s.settle()
	if got := s.judge(); got.ByState["sent"] != 20 {
		t.Errorf("%s", got.String())
	}
}
