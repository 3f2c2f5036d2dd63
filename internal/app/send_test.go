package app_test

import (
	"encoding/json"
	"net/http"
	"os"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"momentcast/internal/app"
	"momentcast/internal/gateway/sim"
	"momentcast/internal/postgres/postgrestest"
)

// A post that is added over the API is sent, and the API proves it.
func TestPostIsSent(t *testing.T) {
	t.Parallel()
	s, gw := gatewayFor(t, sim.Config{})
	r := start(t, config(postgrestest.URL(t), gw.URL))
	r.becomesReady()
	id := r.add(r.register(account), "https://example.com/p/1")
	p := r.becomesSent(id)
	truth := s.Truth()
	if len(truth) != 1 || p.MomentID == nil || truth[0].MomentID != *p.MomentID {
		t.Errorf("post %+v, the gateway has %+v", p, truth)
	}
	if p.Proof == nil || !p.Proof.Matches {
		t.Errorf("proof: %+v", p.Proof)
	}
	m := r.metrics()
	for _, sample := range []string{
		`momentcast_gateway_calls_total{cause="",verdict="delivered"} 1`,
		`momentcast_gateway_call_seconds_count{verdict="delivered"} 1`,
		`momentcast_claim_lateness_seconds_count 1`,
		`momentcast_late_results_total 0`,
	} {
		if !has(m, sample) {
			t.Errorf("metrics lack %s", sample)
		}
	}
}

// The vendor's own sample goes over the wire as it is documented: these fields
// and no others, and the token without a prefix.
func TestVendorSampleOnTheWire(t *testing.T) {
	t.Parallel()
	b, err := os.ReadFile("testdata/snsSendUrl-request.json")
	if err != nil {
		t.Fatal(err)
	}
	var sample map[string]string
	if err := json.Unmarshal(b, &sample); err != nil {
		t.Fatal(err)
	}
	s, gw := gatewayFor(t, sim.Config{})
	r := start(t, config(postgrestest.URL(t), gw.URL))
	r.becomesReady()
	var added post
	r.must(http.MethodPost, "/api/v1/posts", map[string]any{
		"instance_id": r.register(account), "content": sample["content"], "title": sample["title"], "description": sample["description"],
		"url": sample["url"], "thumb_url": sample["thumbUrl"], "visibility": map[string]any{"mode": "everyone"},
		"due_at": time.Now().Format(time.RFC3339),
	}, &added)
	p := r.becomesSent(added.ID)

	var wire *sim.Call
	for _, c := range s.Calls() {
		if c.Path == "/snsSendUrl" {
			wire = &c
		}
	}
	if wire == nil {
		t.Fatal("no call")
	}
	var got map[string]string
	if err := json.Unmarshal([]byte(wire.Body), &got); err != nil {
		t.Fatalf("%v in %s", err, wire.Body)
	}
	sample["wId"] = s.Truth()[0].WID // the session is the simulator's
	if d := cmp.Diff(sample, got); d != "" {
		t.Error(d)
	}
	if got := wire.Header["Authorization"]; len(got) != 1 || got[0] != gatewayToken {
		t.Errorf("Authorization: %q", got)
	}
	if wire.Method != http.MethodPost || wire.Header.Get("Content-Type") != "application/json" || wire.Header.Get("Idempotency-Key") != "" {
		t.Errorf("%s, header %v", wire.Method, wire.Header)
	}
	if p.MomentID == nil || *p.MomentID != s.Truth()[0].MomentID {
		t.Errorf("moment id %v, the gateway has %s", p.MomentID, s.Truth()[0].MomentID)
	}
	if p.Proof == nil || !p.Proof.Matches || p.Proof.Title != sample["title"] || p.Proof.URL != sample["url"] || p.Proof.Content != sample["content"] {
		t.Errorf("proof: %+v", p.Proof)
	}
	if len(p.Attempts) != 1 || p.Attempts[0].Verdict != "delivered" {
		t.Errorf("attempts: %+v", p.Attempts)
	}
}

// A call under way when the service is told to stop ends, and its result is
// recorded: a deploy makes no doubts.
func TestStopLetsCallsEnd(t *testing.T) {
	t.Parallel()
	s, gw := gatewayFor(t, sim.Config{})
	url := postgrestest.URL(t)
	cfg := config(url, gw.URL)
	cfg.Grace = 20 * time.Second
	r := start(t, cfg)
	r.becomesReady()
	instance := r.register(account)
	s.SetLatency(time.Second, 0)
	id := r.add(instance, "https://example.com/p/slow")
	eventually(t, "call under way", func() bool { return len(s.Truth()) == 1 })
	if p := r.post(id); p.State != "sending" {
		t.Fatalf("state %s while the call is under way", p.State)
	}
	r.end()
	s.SetLatency(0, 0)

	r = start(t, config(url, gw.URL))
	r.becomesReady()
	if p := r.post(id); p.State != "sent" || len(p.Attempts) != 1 {
		t.Errorf("after the stop: %+v", p)
	}
	if n := len(s.Truth()); n != 1 {
		t.Errorf("the gateway has %d posts", n)
	}
}

// What outlives the grace period is cut off, and becomes unknown.
func TestStopCutsOffAfterGrace(t *testing.T) {
	t.Parallel()
	s, gw := gatewayFor(t, sim.Config{})
	url := postgrestest.URL(t)
	cfg := config(url, gw.URL)
	cfg.Grace, cfg.Gateway.Timeout = 300*time.Millisecond, 10*time.Minute // what is not cut off hangs for longer than a test waits
	r := start(t, cfg)
	r.becomesReady()
	instance := r.register(account)
	s.FailNext(account, sim.HangBefore, 1)
	id := r.add(instance, "https://example.com/p/hangs")
	eventually(t, "call under way", func() bool { return r.post(id).State == "sending" && s.Stats().Calls["/snsSendUrl"] == 1 })
	r.end()

	r = start(t, config(url, gw.URL))
	r.becomesReady()
	if p := r.post(id); p.State != "unknown" {
		t.Errorf("after the stop: %+v", p)
	}
}

// A restored copy of a database starts paused: it would send once more what
// the original has sent since.
func TestCopiedDatabaseStartsPaused(t *testing.T) {
	t.Parallel()
	s, gw := gatewayFor(t, sim.Config{})
	url := postgrestest.URL(t)
	r := start(t, config(url, gw.URL))
	r.becomesReady()
	instance := r.register(account)
	r.end()
	execute(t, url, `UPDATE settings SET deployment = '7000000000000000001/16384'`)

	r = start(t, config(url, gw.URL))
	r.becomesReady()
	var status struct {
		Paused struct {
			Paused bool
			Reason *string
		}
	}
	r.must(http.MethodGet, "/api/v1/status", nil, &status)
	if !status.Paused.Paused || status.Paused.Reason == nil {
		t.Fatalf("status: %+v", status)
	}
	id := r.add(instance, "https://example.com/p/held")
	if p := r.post(id); p.Hold == nil || p.Hold.Reason != "paused" {
		t.Errorf("post: %+v", p)
	}
	r.end()

	// Asked about once: the copy has an identity of its own by now.
	r = start(t, config(url, gw.URL))
	r.becomesReady()
	r.must(http.MethodPost, "/api/v1/resume", map[string]any{"overdue": "send"}, nil)
	r.becomesSent(id)
	r.end()
	r = start(t, config(url, gw.URL))
	r.becomesReady()
	r.must(http.MethodGet, "/api/v1/status", nil, &status)
	if status.Paused.Paused {
		t.Error("paused again")
	}
	if n := len(s.Truth()); n != 1 {
		t.Errorf("the gateway has %d posts", n)
	}
}

// Settings that are given win over what is stored; what is not given stays.
func TestGivenSettingsWin(t *testing.T) {
	t.Parallel()
	_, gw := gatewayFor(t, sim.Config{})
	url := postgrestest.URL(t)
	first := config(url, gw.URL)
	first.Pacing = app.Pacing{MinGap: new(7 * time.Minute), TimeZone: new("Europe/Berlin")}
	r := start(t, first)
	r.becomesReady()
	r.end()
	second := config(url, gw.URL)
	second.Pacing = app.Pacing{MinGap: new(9 * time.Minute), QuietHours: new("1:00-2:00")}
	r = start(t, second)
	r.becomesReady()

	var got [3]string
	query(t, url, `SELECT min_gap::text, quiet_hours, time_zone FROM settings`, &got[0], &got[1], &got[2])
	if want := [3]string{"00:09:00", "01:00-02:00", "Europe/Berlin"}; got != want {
		t.Errorf("settings: %q, want %q", got, want)
	}
}
