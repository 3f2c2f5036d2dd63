package crash

import (
	"context"
	"testing"
	"time"

	"momentcast/internal/postgres/postgrestest"
)

// The database is restarted, in an orderly way and not, and its backends are
// killed, while two replicas send. They resume by themselves; nothing is sent
// twice and no result is lost.
func TestDatabaseGoesAwayMidSend(t *testing.T) {
	t.Parallel()
	srv, url := postgrestest.Private(t)
	s := newStage(t, url, 8, 30*time.Millisecond, 1)
	s.enqueue(300, -time.Second, 9*time.Second)
	s.start("one", "")
	s.start("two", "")
	for _, blow := range []func(context.Context) error{
		func(ctx context.Context) error { return srv.Restart(ctx, false) },
		func(ctx context.Context) error { return srv.Restart(ctx, true) },
		func(ctx context.Context) error {
			_, err := s.pool.Exec(ctx, `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'momentcast' AND pid <> pg_backend_pid()`)
			return err
		},
	} {
		s.sendsFlow()
		ctx, done := context.WithTimeout(t.Context(), 30*time.Second)
		if err := blow(ctx); err != nil {
			t.Fatal(err)
		}
		done()
		s.pool.Reset() // its own connections are gone too
	}
	s.settle()
	got := s.judge()
	t.Log(got.String())
}

// sendsFlow waits until the gateway takes posts.
func (s *stage) sendsFlow() {
	s.Helper()
	before := s.sim.Stats().Accepted
	s.eventually("posts are sent", 30*time.Second, func() bool { return s.sim.Stats().Accepted > before+5 || s.settled() })
}

// Connections to the database break after it has answered: a commit's own
// outcome is lost, again and again. Nothing is sent on a guess.
func TestAnswersOfTheDatabaseAreLost(t *testing.T) {
	t.Parallel()
	_, url := postgrestest.Private(t)
	s := newStage(t, url, 8, 10*time.Millisecond, 1)
	p, through := newProxy(t, url, 1)
	s.enqueue(200, -time.Second, 4*time.Second)
	direct := s.url
	s.url = through
	s.start("one", "")
	s.start("two", "")
	s.url = direct
	s.sendsFlow()
	p.set(0.03, 0)
	s.eventually("the faults have struck", 30*time.Second, func() bool { p.mu.Lock(); defer p.mu.Unlock(); return p.Cuts > 40 || s.settled() })
	p.set(0, 0)
	s.settle()
	got := s.judge()
	t.Logf("%d connections cut after an answer; %s", p.Cuts, got.String())
}

// A connection that says nothing more must not stop the service for longer
// than a statement may take.
func TestSilentDatabaseConnections(t *testing.T) {
	t.Parallel()
	_, url := postgrestest.Private(t)
	s := newStage(t, url, 4, 10*time.Millisecond, 1)
	p, through := newProxy(t, url, 2)
	s.enqueue(40, -time.Second, 3*time.Second)
	direct := s.url
	s.url = through
	s.start("one", "")
	s.url = direct
	s.sendsFlow()
	p.set(0, 0.05)
	s.eventually("the faults have struck", 20*time.Second, func() bool { p.mu.Lock(); defer p.mu.Unlock(); return p.Cuts > 2 || s.settled() })
	p.set(0, 0)
	s.settle()
	got := s.judge()
	t.Logf("%d connections fell silent; %s", p.Cuts, got.String())
}

// A gateway that is away when the service starts, and for a while later, costs
// no post: they wait, and leave when it is back.
func TestGatewayGoesAway(t *testing.T) {
	t.Parallel()
	s := newStage(t, postgrestest.URL(t), 4, 5*time.Millisecond, 1)
	p, through := newProxy(t, s.gw, 3)
	p.set(1, 0) // every answer is lost, so that no look succeeds
	direct := s.gw
	s.gw = through
	s.enqueue(20, -time.Second, time.Second)
	s.start("one", "")
	s.gw = direct
	s.eventually("the outage is noted", 20*time.Second, func() bool {
		return len(query[struct{ Error string }](s, `SELECT error FROM gateway_status WHERE down_since IS NOT NULL`)) == 1
	})
	if n := s.sim.Stats().Accepted; n != 0 {
		t.Errorf("%d posts left while no look succeeded", n)
	}
	p.set(0, 0)
	s.settle()
	if got := s.judge(); got.ByState["sent"] != 20 {
		t.Errorf("not all were sent: %s", got.String())
	}
}
