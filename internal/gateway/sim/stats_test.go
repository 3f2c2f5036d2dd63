package sim

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestDoublesAreCountedPerAccount(t *testing.T) {
	t.Parallel()
	r := start(t, Config{OnlineAge: -1})
	r.post(old, 1)
	r.post(old, 2)
	r.post(young, 1) // the same url elsewhere is another post
	if st := r.Stats(); st.Accepted != 3 || st.Distinct != 3 || st.Doubles != 0 {
		t.Errorf("accepted %d, distinct %d, doubles %d", st.Accepted, st.Distinct, st.Doubles)
	}
	r.post(old, 1)
	st := r.Stats()
	if st.Accepted != 4 || st.Distinct != 3 || st.Doubles != 1 {
		t.Errorf("accepted %d, distinct %d, doubles %d", st.Accepted, st.Distinct, st.Doubles)
	}
	if d := cmp.Diff([]string{"https://example.com/p?n=1"}, st.DoubleURLs); d != "" {
		t.Error(d)
	}
	if a := st.Accounts[0]; a.WcID != old || a.Accepted != 3 || a.Doubles != 1 {
		t.Errorf("account %+v", a)
	}
	if truth := r.Truth(); truth[3].Copy != 2 {
		t.Errorf("truth %+v", truth[3])
	}
}

func TestOverlapIsSeen(t *testing.T) {
	t.Parallel()
	r := start(t, Config{Latency: 300 * time.Millisecond})
	wID := r.wID(old)
	var wg sync.WaitGroup
	for i := range 3 {
		wg.Go(func() { r.ok("/snsSendUrl", card(wID, i), &sent{}) })
	}
	wg.Wait()
	if got := r.Stats().MaxOverlap; got != 3 {
		t.Errorf("max overlap %d, want 3", got)
	}
}

func TestBackToBackIsNoOverlap(t *testing.T) {
	t.Parallel()
	r := start(t, Config{})
	wID := r.wID(old)
	for i := range 200 {
		r.ok("/snsSendUrl", card(wID, i), &sent{})
	}
	st := r.Stats()
	if st.MaxOverlap != 1 {
		t.Errorf("max overlap %d, want 1", st.MaxOverlap)
	}
	if st.MinSpacing <= 0 || st.MinSpacing > time.Minute {
		t.Errorf("min spacing %v", st.MinSpacing)
	}
	if st.PerSecond <= 0 || st.First.After(st.Last) {
		t.Errorf("%v a second from %v to %v", st.PerSecond, st.First, st.Last)
	}
}

func TestGivingUpOnAHangingCallIsNoOverlap(t *testing.T) {
	t.Parallel()
	r := start(t, Config{})
	for i := range 5 {
		r.FailNext(old, Hang, 1)
		r.hangUp(old, i)
		r.post(old, 100+i) // at once: the server may not yet have noticed
	}
	if got := r.Stats().MaxOverlap; got != 1 {
		t.Errorf("max overlap %d, want 1", got)
	}
}

func TestSendingBesideAHangingCallIsOverlap(t *testing.T) {
	t.Parallel()
	r := start(t, Config{})
	wID := r.wID(old)
	r.FailNext(old, HangBefore, 1)
	go func() { _, _, _ = r.raw("/snsSendUrl", card(wID, 1)) }()
	r.waiting(old, 1)
	r.ok("/snsSendUrl", card(wID, 2), &sent{})
	if got := r.Stats().MaxOverlap; got != 2 {
		t.Errorf("max overlap %d, want 2", got)
	}
}

func TestLatenessComesFromTheURL(t *testing.T) {
	t.Parallel()
	r := start(t, Config{})
	wID := r.wID(old)
	for i, off := range []time.Duration{-time.Hour, -time.Minute, time.Hour} {
		due := time.Now().Add(off).UnixNano()
		r.ok("/snsSendUrl", with(card(wID, i), "url", fmt.Sprintf("https://example.com/p?n=%d&due=%d#x", i, due)), &sent{})
	}
	r.post(old, 9) // says nothing
	l := r.Stats().Lateness
	if l.Count != 3 || l.Early != 1 {
		t.Errorf("lateness %+v", l)
	}
	if l.Max < time.Hour || l.P99 != l.Max || l.P50 < time.Minute || l.P50 > time.Hour || l.Min > -59*time.Minute {
		t.Errorf("lateness %+v", l)
	}
}

func TestQuantileIsNearestRank(t *testing.T) {
	t.Parallel()
	var all []time.Duration
	for i := 1; i <= 100; i++ {
		all = append(all, time.Duration(i))
	}
	if p50, p99 := quantile(all, 50), quantile(all, 99); p50 != 50 || p99 != 99 {
		t.Errorf("p50 %d, p99 %d", p50, p99)
	}
	if got := quantile(all[:1], 50); got != 1 {
		t.Errorf("of one: %d", got)
	}
}

func TestResetForgetsPostsAndKeepsAccounts(t *testing.T) {
	t.Parallel()
	r := start(t, Config{})
	wID := r.wID(old)
	r.post(old, 1)
	if err := r.Reset(); err != nil {
		t.Fatal(err)
	}
	if len(r.Truth()) != 0 || len(r.Calls()) != 0 {
		t.Error("something is left")
	}
	st := r.Stats()
	if st.Accepted != 0 || st.MaxOverlap != 0 || st.MinSpacing != -1 || len(st.Outcomes) != 0 || len(st.Calls) != 0 {
		t.Errorf("stats %+v", st)
	}
	r.ok("/snsSendUrl", card(wID, 1), &sent{})
	if got := r.Stats().Doubles; got != 0 {
		t.Errorf("%d doubles across a reset", got)
	}
}
