package app_test

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"momentcast/internal/gateway/sim"
	"momentcast/internal/postgres/postgrestest"
)

// An account a moment short of its 72 hours is held, with reason and instant;
// it is not called before, and is when the clock passes them. The simulated
// gateway would have taken the post at any time: it is our gate that holds.
func TestAccountShortOf72HoursWaitsForThem(t *testing.T) {
	t.Parallel()
	const short = 15 * time.Second // in which it has to be seen waiting
	s, gw := gatewayFor(t, sim.Config{})
	r := start(t, config(postgrestest.URL(t), gw.URL))
	r.becomesReady()
	matures := time.Now().Add(short).Truncate(time.Millisecond)
	var inst struct{ ID int64 }
	r.must(http.MethodPost, "/api/v1/instances", map[string]any{
		"wc_id": account, "online_since": matures.Add(-72 * time.Hour).Format(time.RFC3339Nano),
	}, &inst)
	id := r.add(inst.ID, "https://example.com/young")

	var held struct {
		State string
		Hold  *struct {
			Reason string
			Until  *time.Time
		}
	}
	eventually(t, "the account is seen online", func() bool {
		r.must(http.MethodGet, fmt.Sprint("/api/v1/posts/", id), nil, &held)
		return held.Hold != nil && held.Hold.Reason == "online_age"
	})
	if held.State != "scheduled" || held.Hold.Until == nil || !held.Hold.Until.Equal(matures) {
		t.Errorf("held %+v until %v, want until %v", held, held.Hold.Until, matures)
	}
	r.becomesSent(id)
	if truth := s.Truth(); len(truth) != 1 || truth[0].At.Before(matures) {
		t.Errorf("it left before %v: %+v", matures, truth)
	}
}

// After a re-login the gateway knows the account by another session only. The
// next post arrives through it, even if it is due before anybody has looked.
func TestNextPostUsesTheNewSession(t *testing.T) {
	t.Parallel()
	s, gw := gatewayFor(t, sim.Config{})
	r := start(t, config(postgrestest.URL(t), gw.URL))
	r.becomesReady()
	inst := r.register(account)
	r.becomesSent(r.add(inst, "https://example.com/1"))
	next := s.ReloginKeepingAge(account)
	r.becomesSent(r.add(inst, "https://example.com/2"))
	truth := s.Truth()
	if len(truth) != 2 || truth[0].WID == next || truth[1].WID != next {
		t.Errorf("sessions used: %+v, want the second to be %s", truth, next)
	}
}
