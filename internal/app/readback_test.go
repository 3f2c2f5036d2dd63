package app_test

import (
	"slices"
	"testing"
	"time"

	"momentcast/internal/gateway/sim"
	"momentcast/internal/postgres/postgrestest"
)

// A call that posted and never answered is found on the timeline; what was seen
// there says so.
func TestReadBackKeepsWhatItFound(t *testing.T) {
	t.Parallel()
	s, gw := gatewayFor(t, sim.Config{})
	r := start(t, config(postgrestest.URL(t), gw.URL))
	r.becomesReady()
	instance := r.register(account)
	first := r.becomesSent(r.add(instance, "https://example.com/p/first"))
	s.FailNext(account, sim.DropAfter, 1)
	p := r.becomesSent(r.add(instance, "https://example.com/p/dropped"))
	if len(p.ReadBacks) != 1 || p.ReadBacks[0].Found == nil || *p.ReadBacks[0].Found != *p.MomentID || len(p.ReadBacks[0].Seen) != 2 {
		t.Fatalf("read back: %+v", p.ReadBacks)
	}
	own, other := p.ReadBacks[0].Seen[0], p.ReadBacks[0].Seen[1]
	if own.ID != *p.MomentID {
		own, other = other, own // made in the same second
	}
	if !own.Match || len(own.Differs) != 0 || own.PostID == nil || *own.PostID != p.ID {
		t.Errorf("its own moment: %+v", own)
	}
	if other.ID != *first.MomentID || other.Match || !slices.Contains(other.Differs, "url") || other.PostID == nil || *other.PostID != first.ID {
		t.Errorf("the moment before: %+v", other)
	}
}

// A moment that comes after the call was given up is not there in the first
// round, and is in the second.
func TestReadBackOfALateMoment(t *testing.T) {
	t.Parallel()
	s, gw := gatewayFor(t, sim.Config{SlowBy: 5 * time.Second})
	cfg := config(postgrestest.URL(t), gw.URL)
	cfg.Gateway.Timeout = time.Second
	r := start(t, cfg)
	r.becomesReady()
	instance := r.register(account)
	s.FailNext(account, sim.Late, 1)
	id := r.add(instance, "https://example.com/p/late")
	eventually(t, "first round", func() bool { return len(r.post(id).ReadBacks) > 0 })
	if p := r.post(id); p.State != "unknown" || p.ReadBacks[0].Problem != nil || len(p.ReadBacks[0].Seen) != 0 {
		t.Errorf("after the first round: %+v", p)
	}
	p := r.becomesSent(id)
	if n := len(p.ReadBacks); n != 2 || p.ReadBacks[1].Found == nil || *p.ReadBacks[1].Found != *p.MomentID {
		t.Errorf("after the second round: %+v", p.ReadBacks)
	}
	if n := len(s.Truth()); n != 1 {
		t.Errorf("the gateway has %d posts", n)
	}
}
