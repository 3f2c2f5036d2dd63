package sim

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"
)

// waiting blocks until n calls of the account are in flight.
func (r rig) waiting(wcID string, n int) {
	r.t.Helper()
	acc := r.account(wcID)
	tick, late := time.NewTicker(time.Millisecond), time.After(10*time.Second)
	defer tick.Stop()
	for {
		acc.mu.Lock()
		open := len(acc.flights)
		acc.mu.Unlock()
		if open == n {
			return
		}
		select {
		case <-tick.C:
		case <-late:
			r.t.Fatalf("never %d calls in flight", n)
		}
	}
}

// hangUp sends a post that is not answered and gives up as soon as it is in
// the simulator. The simulator may not have noticed when hangUp returns.
func (r rig) hangUp(wcID string, n int) {
	r.t.Helper()
	ctx, cancel := context.WithCancel(r.t.Context())
	body, _ := json.Marshal(card(r.wID(wcID), n))
	req, _ := http.NewRequestWithContext(ctx, http.MethodPost, r.url+"/snsSendUrl", strings.NewReader(string(body)))
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Authorization", "x")
	ended := make(chan error)
	go func() {
		resp, err := noFollow().Do(req)
		if err == nil {
			resp.Body.Close()
		}
		ended <- err
	}()
	r.waiting(wcID, 1)
	cancel()
	if err := <-ended; err == nil {
		r.t.Error("a hanging call was answered")
	}
}

func TestFaultsAnswerAndPostAsDocumented(t *testing.T) {
	t.Parallel()
	const closed = -1
	for _, c := range []struct {
		fault  Fault
		status int
		body   string
	}{
		{Reject, 200, `{"message":"失败","code":"1001","data":null}`},
		{Offline, 200, `"code":"1001"`},
		{Auth, 401, `Authorization`},
		{HTTP500, 500, `Internal Server Error`},
		{HTML, 200, `<html>`},
		{DropBefore, closed, ""},
		{DropAfter, closed, ""},
		{HTTP500After, 500, `Internal Server Error`},
		{BrokenJSON, 200, `{"message":"成功","code":"1000","data":{"status":1`},
		{NoID, 200, `{"message":"成功","code":"1000","data":null}`},
		{Redirect, 307, ""},
		{Slow, 200, `"id":"`},
		{Late, 200, `"id":"`},
	} {
		t.Run(string(c.fault), func(t *testing.T) {
			t.Parallel()
			r := start(t, Config{SlowBy: time.Millisecond})
			r.FailNext(old, c.fault, 1)
			status, body, err := r.raw("/snsSendUrl", card(r.wID(old), 1))
			if err != nil {
				status = closed
			}
			if status != c.status || !strings.Contains(string(body), c.body) {
				t.Errorf("answer %d %s %v", status, body, err)
			}
			if c.fault == BrokenJSON && json.Valid(body) {
				t.Errorf("whole JSON: %s", body)
			}
			if got := len(r.Truth()) == 1; got != c.fault.Posts() {
				t.Errorf("posted: %v", got)
			}
			if got := r.Stats().Outcomes[string(c.fault)]; got != 1 {
				t.Errorf("outcomes %v", r.Stats().Outcomes)
			}
			if c.fault != Offline {
				r.post(old, 2) // one order, one fault
			}
		})
	}
}

func TestHangingCallsEndWithTheClient(t *testing.T) {
	t.Parallel()
	for fault, posted := range map[Fault]int{Hang: 1, HangBefore: 0} {
		r := start(t, Config{Faults: Faults{Hang: 1}})
		if fault == HangBefore {
			r.SetFaults(Faults{HangBefore: 1})
		}
		r.hangUp(old, 1)
		r.waiting(old, 0)
		if got := len(r.Truth()); got != posted {
			t.Errorf("%s: %d posted, want %d", fault, got, posted)
		}
	}
}

func TestLatePostsAfterTheClientHasGone(t *testing.T) {
	t.Parallel()
	r := start(t, Config{SlowBy: 50 * time.Millisecond})
	r.FailNext("", Late, 1)
	r.hangUp(old, 1)
	r.waiting(old, 0)
	if got := len(r.Truth()); got != 1 {
		t.Errorf("%d posted, want 1", got)
	}
}

func TestAFollowedRedirectPostsTwice(t *testing.T) {
	t.Parallel()
	r := start(t, Config{})
	r.FailNext("", Redirect, 1)
	body, _ := json.Marshal(card(r.wID(old), 1))
	req, _ := http.NewRequest(http.MethodPost, r.url+"/snsSendUrl", strings.NewReader(string(body)))
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Authorization", "x")
	resp, err := (&http.Client{}).Do(req) // follows
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if st := r.Stats(); st.Doubles != 1 || st.Accepted != 2 {
		t.Errorf("accepted %d, doubles %d", st.Accepted, st.Doubles)
	}
}

func TestOfflineFaultTakesTheAccountDown(t *testing.T) {
	t.Parallel()
	r := start(t, Config{})
	r.FailNext(old, Offline, 1)
	wID := r.wID(old)
	r.refused("/snsSendUrl", card(wID, 1))
	r.refused("/snsSendUrl", card(wID, 2))
	var is struct{ IsOnline bool }
	r.ok("/isOnline", fields{"wId": wID}, &is)
	if is.IsOnline {
		t.Error("still online")
	}
}

func TestOrdersGoToTheirAccountFirst(t *testing.T) {
	t.Parallel()
	r := start(t, Config{OnlineAge: -1})
	r.FailNext("", Reject, 1)
	r.FailNext(old, NoID, 1)
	if rep := r.call("/snsSendUrl", card(r.wID(old), 1)); rep.Code != "1000" || string(rep.Data) != "null" {
		t.Errorf("its own order first: %+v", rep)
	}
	r.refused("/snsSendUrl", card(r.wID(young), 2))
	r.post(old, 3)
}

func TestAnOrderIsNotSpentOnARefusedPost(t *testing.T) {
	t.Parallel()
	r := start(t, Config{})
	r.FailNext(young, NoID, 1)
	r.refused("/snsSendUrl", card(r.wID(young), 1))
	r.ReloginKeepingAge(young)
	r.AddAccount(Account{WcID: young, OnlineFor: 73 * time.Hour})
	if rep := r.call("/snsSendUrl", card(r.wID(young), 1)); rep.Code != "1000" || string(rep.Data) != "null" {
		t.Errorf("%+v", rep)
	}
}

func TestSharesAreDrawnWithTheSeed(t *testing.T) {
	t.Parallel()
	draw := func(seed uint64) (n int, list string) {
		s, err := New(Config{Seed: seed, Faults: Faults{Reject: 0.25, NoID: 0.25}})
		if err != nil {
			t.Fatal(err)
		}
		for range 2000 {
			f := s.faults.draw("x")
			if f != "" {
				n++
			}
			list += string(f) + ","
		}
		return n, list
	}
	n, a := draw(1)
	if n < 900 || n > 1100 {
		t.Errorf("%d of 2000 failed, want about half", n)
	}
	if _, b := draw(1); a != b {
		t.Error("same seed, different faults")
	}
	if _, c := draw(2); a == c {
		t.Error("other seed, same faults")
	}
}

func TestImpossibleSharesAreRefused(t *testing.T) {
	t.Parallel()
	for _, f := range []Faults{{Reject: -0.1}, {Hang: 1.1}, {Reject: 0.6, Hang: 0.6}} {
		if _, err := New(Config{Faults: f}); err == nil {
			t.Errorf("%+v accepted", f)
		}
	}
	r := start(t, Config{})
	r.SetFaults(Faults{Reject: 2})
	r.FailNext("", "no such fault", 1)
	r.post(old, 1)
}
