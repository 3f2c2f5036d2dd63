package sim

import (
	"slices"
	"time"
)

// flight is one snsSendUrl between its arrival and the first byte of its
// answer. It ends before the answer is written, so that a client which sends
// the next post the moment it has the answer is never accused of overlapping.
type flight struct {
	ended     chan struct{}
	abandoned bool // guarded by account.mu; set before ended is closed
}

// noticeGrace is how long the server may take to notice that a client closed
// its connection. A client that gives up on a hanging call and at once sends
// the next post has not overlapped either, so the referee waits this long
// before it counts a call that is still open.
const noticeGrace = 200 * time.Millisecond

// enter opens a flight on the account and records how many were open.
func (a *account) enter() *flight {
	f := &flight{ended: make(chan struct{})}
	a.mu.Lock()
	others := slices.Clone(a.flights)
	a.flights = append(a.flights, f)
	a.score.calls++
	a.score.overlap = max(a.score.overlap, 1)
	a.mu.Unlock()
	if len(others) > 0 {
		n := 1 + a.settle(others)
		a.mu.Lock()
		a.score.overlap = max(a.score.overlap, n)
		a.mu.Unlock()
	}
	return f
}

// settle returns how many of the flights were truly open: all but those whose
// client turns out to have gone.
func (a *account) settle(others []*flight) int {
	grace := time.NewTimer(noticeGrace)
	defer grace.Stop()
wait:
	for _, f := range others {
		select {
		case <-f.ended:
		case <-grace.C:
			break wait
		}
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	open := 0
	for _, f := range others {
		if !f.abandoned {
			open++
		}
	}
	return open
}

// leave closes the flight; abandoned means the client had gone. Only the
// first call for a flight counts.
func (a *account) leave(f *flight, abandoned bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	i := slices.Index(a.flights, f)
	if i < 0 {
		return
	}
	a.flights = slices.Delete(a.flights, i, i+1)
	f.abandoned = abandoned
	close(f.ended)
}
