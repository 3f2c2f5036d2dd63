package sim

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/rs/zerolog"
)

// Sim is a simulated gateway. All methods may be called at any time from any
// goroutine.
//
// Locks are taken in this order: Sim.mu, account.mu, then any of the small
// ones (faults, journal, comments), each of which is a leaf.
type Sim struct {
	cfg   Config
	log   zerolog.Logger
	token string // given out by /member/login

	// mu guards the account tables. Every change to an account's posts holds
	// it for reading, so that Reset, which holds it for writing, is a clean cut.
	mu    sync.RWMutex
	byWc  map[string]*account
	byWID map[string]*account
	order []*account // as they were added

	pace     atomic.Pointer[pace]
	faults   faultBox
	journal  journal
	comments commentLog
	calls    callRing
	tally    tally
	hooks    callbacks
	seq      atomic.Uint64 // of Accepted
	lastID   atomic.Uint64 // of moments

	handler http.Handler
	done    chan struct{} // closed by Close; releases calls that hang
	closing sync.Once
}

// pace is how long answers take.
type pace struct{ latency, jitter, slowBy time.Duration }

// New makes a simulator and loads its journal.
func New(cfg Config) (*Sim, error) {
	cfg = cfg.withDefaults()
	if err := cfg.Faults.check(); err != nil {
		return nil, err
	}
	s := &Sim{
		cfg:   cfg,
		log:   cfg.Log.With().Str("component", "sim").Logger(),
		byWc:  map[string]*account{},
		byWID: map[string]*account{},
		done:  make(chan struct{}),
	}
	s.token = cfg.Token
	if s.token == "" {
		s.token = "sim-" + digest("token", cfg.Seed)[:32]
	}
	s.pace.Store(&pace{cfg.Latency, cfg.Jitter, cfg.SlowBy})
	s.faults.rng = rand.New(rand.NewPCG(cfg.Seed, 0x6d6f6d656e74))
	s.faults.set(cfg.Faults)
	s.hooks.init(s.log, cfg.Account)
	for _, a := range cfg.Accounts {
		s.AddAccount(a)
	}
	if err := s.loadJournal(cfg.Journal); err != nil {
		return nil, err
	}
	s.handler = s.routes()
	return s, nil
}

// Handler serves the gateway's calls, the control calls and the pages.
func (s *Sim) Handler() http.Handler { return s.handler }

// Close lets hanging calls go, waits for callbacks under way and closes the
// journal.
func (s *Sim) Close() error {
	var err error
	s.closing.Do(func() {
		close(s.done)
		s.hooks.close()
		err = s.journal.close()
	})
	return err
}

// AddAccount adds an account, or changes the one with that wcId while keeping
// its session and its posts. It returns the wId, "" for an account without
// wcId.
func (s *Sim) AddAccount(a Account) (wID string) {
	if a.WcID == "" {
		return ""
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	acc := s.byWc[a.WcID]
	if acc == nil {
		acc = &account{wcID: a.WcID, urls: map[string]uint32{}}
		s.byWc[a.WcID] = acc
		s.order = append(s.order, acc)
		s.login(acc)
	}
	acc.mu.Lock()
	defer acc.mu.Unlock()
	acc.describe(a, time.Now())
	return acc.wID
}

// Relogin logs the account in anew: it is online under a new wId and its
// online age starts at zero. It returns "" for an unknown account.
func (s *Sim) Relogin(wcID string) (newWID string) { return s.relogin(wcID, false) }

// ReloginKeepingAge is Relogin for a gateway that does not restart the clock
// of the three-day rule.
func (s *Sim) ReloginKeepingAge(wcID string) (newWID string) { return s.relogin(wcID, true) }

func (s *Sim) relogin(wcID string, keepAge bool) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	acc := s.byWc[wcID]
	if acc == nil {
		return ""
	}
	delete(s.byWID, acc.wID)
	acc.mu.Lock()
	defer acc.mu.Unlock()
	s.login(acc)
	acc.offline, acc.reason, acc.addressReady = false, "", false
	if !keepAge {
		acc.since = time.Now()
	}
	return acc.wID
}

// login gives acc its next session. s.mu is held.
func (s *Sim) login(acc *account) {
	acc.logins++
	h := digest(acc.wcID, s.cfg.Seed, acc.logins)
	acc.wID = fmt.Sprintf("%s-%s-%s-%s-%s", h[:8], h[8:12], h[12:16], h[16:20], h[20:32])
	s.byWID[acc.wID] = acc
}

// SetOffline takes the account off line, which calls the registered callback,
// or back on line under the same wId and with the same age, as after a lapse
// of the gateway's own; for a real login there is Relogin.
func (s *Sim) SetOffline(wcID string, offline bool) {
	acc := s.account(wcID)
	if acc == nil {
		return
	}
	acc.mu.Lock()
	fell := offline && !acc.offline
	acc.offline = offline
	acc.reason = ""
	if offline {
		acc.reason = reasonOffline
	}
	wID := acc.wID
	acc.mu.Unlock()
	if fell {
		s.hooks.offline(wcID, wID, reasonOffline)
	}
}

// SetLatency changes how long answers take from now on.
func (s *Sim) SetLatency(latency, jitter time.Duration) {
	s.pace.Store(&pace{latency, jitter, s.pace.Load().slowBy})
}

// Reset forgets what was posted: feeds, truth, statistics, calls and the
// journal. Accounts, sessions, faults and latency stay.
func (s *Sim) Reset() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, acc := range s.order {
		acc.reset()
	}
	s.comments.reset()
	s.calls.reset()
	s.tally.reset()
	return s.journal.truncate()
}

func (s *Sim) account(wcID string) *account {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.byWc[wcID]
}

// session finds the account logged in as wID; nil when that session is over.
func (s *Sim) session(wID string) *account {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.byWID[wID]
}

func (s *Sim) accounts() []*account {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.order[:len(s.order):len(s.order)]
}

// digest is a stable hexadecimal name for its arguments.
func digest(parts ...any) string {
	sum := sha256.Sum256(fmt.Append(nil, parts...))
	return hex.EncodeToString(sum[:])
}
