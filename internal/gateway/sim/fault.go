package sim

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"
)

// Fault is a way in which one snsSendUrl goes wrong; see the package comment
// for what each does.
type Fault string

// The faults. The zero Fault is none.
const (
	Reject       Fault = "reject"
	Offline      Fault = "offline"
	Auth         Fault = "auth"
	HTTP500      Fault = "http_500"
	HTML         Fault = "html"
	DropBefore   Fault = "drop_before"
	HangBefore   Fault = "hang_before"
	Hang         Fault = "hang"
	DropAfter    Fault = "drop_after"
	HTTP500After Fault = "http_500_after"
	BrokenJSON   Fault = "broken_json"
	NoID         Fault = "no_id"
	Redirect     Fault = "redirect"
	Slow         Fault = "slow"
	Late         Fault = "late"
)

// AllFaults lists every fault, in the order in which shares are drawn.
func AllFaults() []Fault {
	return []Fault{
		Reject, Offline, Auth, HTTP500, HTML, DropBefore, HangBefore,
		Hang, DropAfter, HTTP500After, BrokenJSON, NoID, Redirect, Slow, Late,
	}
}

// Posts reports whether a call that ends in f has posted.
func (f Fault) Posts() bool {
	switch f {
	case Reject, Offline, Auth, HTTP500, HTML, DropBefore, HangBefore:
		return false
	}
	return true
}

func (f Fault) known() bool {
	for _, k := range AllFaults() {
		if f == k {
			return true
		}
	}
	return false
}

// Faults is the share of calls, from 0 to 1, that ends in each fault. Their
// sum is at most 1.
type Faults struct {
	Reject       float64 `json:"reject,omitempty"`
	Offline      float64 `json:"offline,omitempty"`
	Auth         float64 `json:"auth,omitempty"`
	HTTP500      float64 `json:"http_500,omitempty"`
	HTML         float64 `json:"html,omitempty"`
	DropBefore   float64 `json:"drop_before,omitempty"`
	HangBefore   float64 `json:"hang_before,omitempty"`
	Hang         float64 `json:"hang,omitempty"`
	DropAfter    float64 `json:"drop_after,omitempty"`
	HTTP500After float64 `json:"http_500_after,omitempty"`
	BrokenJSON   float64 `json:"broken_json,omitempty"`
	NoID         float64 `json:"no_id,omitempty"`
	Redirect     float64 `json:"redirect,omitempty"`
	Slow         float64 `json:"slow,omitempty"`
	Late         float64 `json:"late,omitempty"`
}

// shares is in the order of AllFaults.
func (f Faults) shares() []float64 {
	return []float64{
		f.Reject, f.Offline, f.Auth, f.HTTP500, f.HTML, f.DropBefore, f.HangBefore,
		f.Hang, f.DropAfter, f.HTTP500After, f.BrokenJSON, f.NoID, f.Redirect, f.Slow, f.Late,
	}
}

func (f Faults) check() error {
	sum := 0.0
	for i, share := range f.shares() {
		if !(share >= 0 && share <= 1) { // also refuses NaN
			return fmt.Errorf("share of fault %s is %v, must be from 0 to 1", AllFaults()[i], share)
		}
		sum += share
	}
	if sum > 1+1e-9 {
		return fmt.Errorf("shares of faults add up to %v, more than 1", sum)
	}
	return nil
}

// SetFaults replaces the shares of all faults. Impossible shares are logged
// and change nothing.
func (s *Sim) SetFaults(f Faults) {
	if err := f.check(); err != nil {
		s.log.Error().Err(err).Msg("faults not set")
		return
	}
	s.faults.set(f)
}

// FailNext makes the next n snsSendUrl of that account ("" = of any) that
// would be posted end in f. Orders for one account go before those for any,
// and those before the shares of SetFaults.
func (s *Sim) FailNext(wcID string, f Fault, n int) {
	if !f.known() {
		s.log.Error().Str("fault", string(f)).Msg("no such fault")
		return
	}
	s.faults.arm(wcID, f, n)
}

// faultBox decides how calls end.
type faultBox struct {
	active atomic.Bool // false spares the hot path the lock

	mu     sync.Mutex
	rng    *rand.Rand
	shares Faults
	orders []order
}

type order struct {
	wcID  string
	fault Fault
	left  int
}

func (b *faultBox) set(f Faults) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.shares = f
	b.refresh()
}

func (b *faultBox) get() Faults {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.shares
}

func (b *faultBox) arm(wcID string, f Fault, n int) {
	if n <= 0 {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.orders = append(b.orders, order{wcID, f, n})
	b.refresh()
}

func (b *faultBox) refresh() { b.active.Store(len(b.orders) > 0 || b.shares != Faults{}) }

// draw returns the fault for one call of wcID, "" for none.
func (b *faultBox) draw(wcID string) Fault {
	if !b.active.Load() {
		return ""
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, who := range []string{wcID, ""} {
		if f := b.take(who); f != "" {
			return f
		}
	}
	if b.shares == (Faults{}) {
		return ""
	}
	u := b.rng.Float64()
	for i, share := range b.shares.shares() {
		if u < share {
			return AllFaults()[i]
		}
		u -= share
	}
	return ""
}

// take uses up one of the first order for who.
func (b *faultBox) take(who string) Fault {
	for i := range b.orders {
		o := &b.orders[i]
		if o.wcID != who {
			continue
		}
		f := o.fault
		if o.left--; o.left == 0 {
			b.orders = append(b.orders[:i], b.orders[i+1:]...)
			b.refresh()
		}
		return f
	}
	return ""
}

// faultNames is for messages.
func faultNames() string {
	var names []string
	for _, f := range AllFaults() {
		names = append(names, string(f))
	}
	return strings.Join(names, ", ")
}
