package dispatch

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/rs/zerolog"

	"momentcast/internal/moment"
)

// Config holds the dispatcher's limits. The zero value of a field means its
// default.
type Config struct {
	Replica     string        // names this process; required
	Version     string        // of the program, for the heartbeat
	Concurrency int           // calls in flight at once; default 64
	CallTimeout time.Duration // time from intent to the call's end; default 60s
	Lease       time.Duration // time a claim or a call may take before it is given up; default CallTimeout + 30s
	Poll        time.Duration // longest sleep of an idle claimer; default 1s
	LookEvery   time.Duration // how old a look at who is online may be when a post is claimed; default 10s
	Grace       time.Duration // time calls get to end once told to stop; default 4s, at most CallTimeout
	Quarantine  time.Duration // before an automatic resend, beyond the call's deadline; default 10m
	Housekeep   time.Duration // pause between two housekeeping ticks; default 2s
}

func (c Config) withDefaults() Config {
	def := func(d *time.Duration, v time.Duration) {
		if *d == 0 {
			*d = v
		}
	}
	if c.Concurrency == 0 {
		c.Concurrency = 64
	}
	def(&c.CallTimeout, time.Minute)
	def(&c.Lease, c.CallTimeout+30*time.Second)
	def(&c.Poll, time.Second)
	def(&c.LookEvery, 10*time.Second)
	def(&c.Grace, 4*time.Second)
	def(&c.Quarantine, 10*time.Minute)
	def(&c.Housekeep, 2*time.Second)
	return c
}

// Dispatcher claims, sends and records. Make one with New.
type Dispatcher struct {
	store Store
	gw    Gateway
	cfg   Config
	log   zerolog.Logger
	meter Meter

	watch   *watch              // who is online, and whether the gateway answers at all
	ease    ease                // what the expansion of campaigns gives way to
	wake    chan struct{}       // somebody may have made an instance ready
	free    chan struct{}       // one element per call that may be started
	claimed chan []moment.Claim // claim → begin
	begun   chan begun          // begin → call
	ended   chan moment.Outcome // call → record
	beat    atomic.Int64        // when the claim loop last turned, in monotonic nanoseconds since start
	start   time.Time
	held    atomic.Int64 // posts between claim and record
	past    past         // outcomes that a new server may not know of
}

// New returns a Dispatcher; Run starts it.
func New(store Store, gw Gateway, cfg Config, meter Meter, log zerolog.Logger) *Dispatcher {
	cfg = cfg.withDefaults()
	d := &Dispatcher{
		store: store, gw: gw, cfg: cfg, meter: meter,
		log:     log.With().Str("component", "dispatch").Logger(),
		wake:    make(chan struct{}, 1),
		free:    make(chan struct{}, cfg.Concurrency),
		claimed: make(chan []moment.Claim, cfg.Concurrency),
		begun:   make(chan begun, cfg.Concurrency),
		ended:   make(chan moment.Outcome, cfg.Concurrency),
		start:   time.Now(),
	}
	for range cfg.Concurrency {
		d.free <- struct{}{}
	}
	d.watch = newWatch(store, gw, cfg, d.log)
	return d
}

// Run works until ctx ends, then lets calls in flight end for cfg.Grace before
// it cuts them off, and records what they came to. It returns when everything
// it started has ended.
func (d *Dispatcher) Run(ctx context.Context) {
	// Claiming stops with ctx; calls outlive it, so that a deploy does not turn
	// a post that was delivered into one of unknown outcome. Recording outlives
	// the calls.
	callCtx, cut := context.WithCancel(context.WithoutCancel(ctx))
	defer cut()
	defer context.AfterFunc(ctx, func() { time.AfterFunc(d.cfg.Grace, cut) })()
	recordCtx, giveUp := context.WithCancel(context.WithoutCancel(ctx))
	defer giveUp()

	if !d.stand(ctx) {
		return
	}
	var aside, senders, callers, recorder sync.WaitGroup
	aside.Go(func() { d.listen(ctx) })
	aside.Go(func() { d.watch.run(ctx, d.Wake) })
	aside.Go(func() { d.keepHouse(ctx) })
	recorder.Go(func() { d.recordAll(recordCtx) })
	senders.Go(func() { d.beginAll(callCtx, recordCtx) })
	for range d.cfg.Concurrency {
		callers.Go(func() { d.callAll(callCtx) })
	}

	d.claimAll(ctx)
	close(d.claimed)
	senders.Wait()
	close(d.begun)
	callers.Wait()
	close(d.ended)
	// A database that is away must not keep us for ever: what it does not take
	// now is found by the reaper of whoever lives.
	stop := time.AfterFunc(d.cfg.Grace, giveUp)
	recorder.Wait()
	stop.Stop()
	aside.Wait()

	bye, done := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
	defer done()
	if err := d.store.Goodbye(bye, d.cfg.Replica); err != nil {
		d.log.Debug().Err(err).Msg("could not sign off")
	}
}

// Alive reports whether the claim loop has turned within the last limit.
func (d *Dispatcher) Alive(limit time.Duration) bool {
	return time.Since(d.start)-time.Duration(d.beat.Load()) < limit
}

// Recheck makes the dispatcher look at who is online soon: the gateway has
// hinted that something changed.
func (d *Dispatcher) Recheck() { d.watch.recheck() }

// Wake makes the claim loop look for work now.
func (d *Dispatcher) Wake() {
	select {
	case d.wake <- struct{}{}:
	default: // it will look anyway
	}
}

// hold counts posts that enter (n > 0) or leave (n < 0) our hands.
func (d *Dispatcher) hold(n int) { d.meter.InFlight(int(d.held.Add(int64(n)))) }

func (d *Dispatcher) inFlight() int { return int(d.held.Load()) }

// listen keeps a listener going; polling alone is correct, so that a lost one
// costs at most one poll interval.
func (d *Dispatcher) listen(ctx context.Context) {
	for ctx.Err() == nil {
		err := d.store.Listen(ctx, d.Wake)
		if ctx.Err() != nil {
			return
		}
		d.log.Debug().Err(err).Msg("listener lost; polling until it is back")
		sleep(ctx, time.Second)
	}
}

// newToken names a claim. Tokens are random, so that they are never repeated,
// whatever restarts or restores.
func newToken() int64 {
	var b [8]byte
	_, _ = rand.Read(b[:]) // never fails (crypto/rand)
	return int64(binary.LittleEndian.Uint64(b[:]) >> 1)
}

// sleep waits for d or for ctx to end.
func sleep(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-t.C:
	}
}

// unavailable reports whether the error says that the database cannot answer, which
// waiting may cure.
func unavailable(err error) bool {
	return moment.KindOf(err) == moment.Unavailable || errors.Is(err, context.DeadlineExceeded)
}
