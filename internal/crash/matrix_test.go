package crash

import (
	"fmt"
	"math/rand"
	"sync"
	"syscall"
	"testing"
	"time"

	"momentcast/internal/gateway/sim"
	"momentcast/internal/postgres/postgrestest"
)

// blows are the ways and places in which a replica is hit. "random" is a
// SIGKILL from outside at any moment.
var blows = []struct{ point, signal string }{
	{"after-claim", "KILL"}, {"after-intent", "KILL"}, {"mid-batch", "KILL"}, {"mid-request", "KILL"},
	{"after-reply", "KILL"}, {"before-record", "KILL"}, {"after-record", "KILL"}, {"after-reap", "KILL"}, {"random", "KILL"},
	{"after-claim", "STOP"}, {"after-intent", "STOP"}, {"mid-request", "STOP"}, {"after-reply", "STOP"},
}

// lateBy is how long after the request the simulator's fault "late" posts.
const lateBy = 1500 * time.Millisecond

// In every round two replicas of the real program work on one queue while the
// gateway misbehaves; one of them is killed or frozen at some point and comes
// back. Afterwards nothing may have been posted twice or be lost, and
// everything that is on a timeline must be known to be sent.
func TestCrashMatrix(t *testing.T) {
	start := *seed
	if start == 0 {
		start = time.Now().UnixNano()
	}
	t.Logf("%d rounds, -seed=%d", *rounds, start)
	binary(t) // not on the rounds' time

	var mu sync.Mutex
	var all totals
	hits := map[string]int{}
	gate := make(chan struct{}, *parallel)
	t.Run("rounds", func(t *testing.T) {
		for n := range *rounds {
			rng := rand.New(rand.NewSource(start + int64(n)))
			blow := blows[n%len(blows)]
			t.Run(fmt.Sprintf("%d-%s-%s", n, blow.point, blow.signal), func(t *testing.T) {
				t.Parallel()
				gate <- struct{}{}
				defer func() { <-gate }()
				got, hit := round(t, rng, blow.point, blow.signal)
				mu.Lock()
				defer mu.Unlock()
				all.add(got)
				if hit {
					hits[blow.point+" "+blow.signal]++
				}
			})
		}
	})
	t.Logf("TOTAL %d rounds: %s", *rounds, all.String())
	t.Logf("blows that hit: %v", hits)
	if *rounds >= 2*len(blows) {
		for _, b := range blows {
			if hits[b.point+" "+b.signal] == 0 && b.point != "after-reap" {
				t.Errorf("no round was hit at %s by %s: the matrix has a hole", b.point, b.signal)
			}
		}
	}
}

func round(t *testing.T, rng *rand.Rand, point, signal string) (totals, bool) {
	s := newStage(t, postgrestest.URL(t), 8, time.Duration(2+rng.Intn(30))*time.Millisecond, rng.Uint64())
	s.sim.SetFaults(sim.Faults{
		Reject: 0.03, DropBefore: 0.01, DropAfter: 0.03, HTTP500: 0.01, HTTP500After: 0.02, BrokenJSON: 0.02, NoID: 0.02, Hang: 0.01, Late: 0.01,
	})
	s.enqueue(40, -time.Second, 2*time.Second)
	armed := ""
	if point != "random" {
		armed = fmt.Sprintf("%s:%d:%s", point, 1+rng.Intn(4), signal)
	}
	s.start("steady", "")
	victim := s.start("victim", armed)
	hit := s.strike(victim, rng, point, signal)
	if signal == "KILL" {
		s.start("victim", "")
	}
	s.settle()
	return s.judge(), hit
}

// settle waits until every post has ended and stays so: the gateway may post a
// while after the call was given up.
func (s *stage) settle() {
	var since time.Time
	s.eventually("every post has ended", 75*time.Second, func() bool {
		if !s.settled() {
			since = time.Time{}
			return false
		}
		if since.IsZero() {
			since = time.Now()
		}
		return time.Since(since) > lateBy+time.Second
	})
}

// strike waits for the blow, and deals it where it comes from outside or did
// not come. It reports whether the failpoint was reached.
func (s *stage) strike(p *program, rng *rand.Rand, point, signal string) bool {
	wait := 5 * time.Second
	if point == "random" {
		wait = time.Duration(300+rng.Intn(2500)) * time.Millisecond
	}
	if signal == "KILL" {
		hit := p.diedWithin(wait)
		p.kill()
		<-p.dead
		return hit || point == "random"
	}
	hit := false
	for deadline := time.Now().Add(wait); time.Now().Before(deadline) && !hit; hit = p.frozen() {
		if p.diedWithin(20 * time.Millisecond) {
			s.Error("the program ended by itself")
			return false
		}
	}
	if !hit { // it had no work there: freeze it wherever it is
		_ = p.Process.Signal(syscall.SIGSTOP)
	}
	p.diedWithin(lease + time.Second + time.Duration(rng.Intn(1500))*time.Millisecond)
	_ = p.Process.Signal(syscall.SIGCONT)
	return hit
}
