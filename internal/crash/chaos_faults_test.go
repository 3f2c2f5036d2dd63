package crash

import (
	"context"
	"errors"
	"fmt"
	"math/rand"
	"slices"
	"sync"
	"syscall"
	"time"

	"momentcast/internal/gateway/sim"
)

// fault is one way to harm the world. It returns when the harm is over, or at
// least the part of it that is ours: its consequences may last.
type fault struct {
	name string
	do   func(ctx context.Context, w *world, r *rand.Rand) error
}

// lanes run side by side, the faults of one lane one after another: what would
// make each other pointless is in one lane.
func lanes(full bool, w *world) map[string][]fault {
	all := map[string][]fault{
		"replicas": {{"replica killed", killReplica}, {"replica frozen past its lease", freezeReplica}, {"replica stopped", stopReplica}},
		"database": {{"database restarted", restartFast}, {"database crashed", restartImmediate}, {"backends terminated", terminateBackends}},
		"network": {
			{"database half open", onProxies(true, trouble{Mute: 0.1, Deaf: 0.1})}, {"database slow", onProxies(true, trouble{Slow: true})},
			{"database cut after its answer", onProxies(true, trouble{Cut: 0.05})}, {"database refused", refuseOn(true)},
			{"gateway half open", onProxies(false, trouble{Mute: 0.2, Deaf: 0.2})}, {"gateway slow", onProxies(false, trouble{Slow: true})},
			{"gateway cut after its answer", onProxies(false, trouble{Cut: 0.2})}, {"gateway refused", refuseOn(false)},
		},
		"gateway": {{"gateway: new logins", relogin}},
	}
	for _, f := range sim.AllFaults() {
		all["gateway"] = append(all["gateway"], fault{"gateway: " + string(f), gatewayFault(f)})
	}
	if !full {
		return all
	}
	all["replicas"] = append(all["replicas"],
		fault{"clock ten minutes ahead", wrongClockFor(clockOff(10 * time.Minute))}, fault{"clock ten minutes behind", wrongClockFor(clockOff(-10 * time.Minute))},
		fault{"clock leaping", wrongClockFor(clockLeaping(10*time.Minute, 7*time.Second))})
	all["database"] = append(all["database"], fault{"failover, synchronous", failover(true)}, fault{"failover, asynchronous", failover(false)})
	if w.full != nil {
		all["database"] = append(all["database"], fault{"disk full", diskFull})
	}
	return all
}

// strikes counts the faults.
type strikes struct {
	mu     sync.Mutex
	all    int
	count  map[string]int    // by fault: strikes that met posts in flight
	flying map[string]int    // posts in flight when it struck, added up
	idle   map[string]int    // strikes that met none, or the database in no state to tell
	failed map[string]int    // faults that could not be done
	now    map[string]string // by lane
}

func (s *strikes) least(all map[string][]fault) (least int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	least = -1
	for _, lane := range all {
		for _, f := range lane {
			if n := s.count[f.name]; least < 0 || n < least {
				least = n
			}
		}
	}
	return least
}

// run goes through a lane's faults in a random order, again and again, so that
// each has struck need times when span is over. It goes on until they have.
func (s *strikes) run(ctx context.Context, w *world, lane string, faults []fault, need int, span time.Duration) {
	r := rand.New(rand.NewSource(w.seed + int64(len(lane)*1000+len(faults))))
	faults = slices.Clone(faults)
	began, total := time.Now(), need*len(faults)
	for n := 0; ctx.Err() == nil; n++ {
		if n%len(faults) == 0 {
			r.Shuffle(len(faults), func(i, j int) { faults[i], faults[j] = faults[j], faults[i] })
		}
		s.strike(ctx, w, lane, faults[n%len(faults)], r)
		// The next one's time has come, or will: somewhat early or late, so that the lanes meet in every way.
		next := began.Add(span * time.Duration(n+1) / time.Duration(total))
		rest(ctx, max(time.Until(next), 0)+between(r, 0, 500*time.Millisecond))
	}
}

func (s *strikes) strike(ctx context.Context, w *world, lane string, f fault, r *rand.Rand) {
	// A fault that meets nothing in flight proves little, and is not counted.
	flying := w.inFlight()
	for deadline := time.Now().Add(5 * time.Second); flying <= 0 && time.Now().Before(deadline) && ctx.Err() == nil; flying = w.inFlight() {
		rest(ctx, 20*time.Millisecond)
	}
	s.mu.Lock()
	s.now[lane] = f.name
	s.mu.Unlock()
	w.log.add("%s: %s, %d posts in flight", lane, f.name, flying)
	err := f.do(ctx, w, r)
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.now, lane)
	if err != nil {
		s.failed[f.name]++
		w.log.add("%s: %s: %v", lane, f.name, err)
		return
	}
	if s.all++; flying <= 0 {
		s.idle[f.name]++
	} else {
		s.count[f.name]++
		s.flying[f.name] += flying
	}
	w.log.add("%s: %s is over", lane, f.name)
}

func (w *world) anyReplica(r *rand.Rand) *replica { return w.victims[r.Intn(len(w.victims))] }

func killReplica(_ context.Context, w *world, r *rand.Rand) error {
	v := w.anyReplica(r)
	v.restartAs(builtAs(w, w.build), nil)
	return nil
}

func wrongClockFor(clock []string) func(context.Context, *world, *rand.Rand) error {
	return func(_ context.Context, w *world, r *rand.Rand) error {
		w.anyReplica(r).restartAs(builtAs(w, wrongClock), clock)
		return nil
	}
}

func freezeReplica(ctx context.Context, w *world, r *rand.Rand) error {
	v := w.anyReplica(r)
	if v.signal(syscall.SIGSTOP) == nil {
		return errNotNow
	}
	rest(ctx, lease+between(r, time.Second, 4*time.Second))
	v.signal(syscall.SIGCONT)
	return nil
}

func stopReplica(ctx context.Context, w *world, r *rand.Rand) error {
	p := w.anyReplica(r).signal(syscall.SIGTERM)
	if p == nil {
		return errNotNow
	}
	if !p.diedWithin(15 * time.Second) {
		return fmt.Errorf("%s does not stop", p.name)
	}
	return nil
}

// onProxies brings trouble to the connections of one replica, or of several.
func onProxies(database bool, t trouble) func(context.Context, *world, *rand.Rand) error {
	return func(ctx context.Context, w *world, r *rand.Rand) error {
		hit := w.someProxies(database, r)
		for _, p := range hit {
			p.bring(t)
		}
		rest(ctx, between(r, 2*time.Second, 6*time.Second))
		for _, p := range hit {
			p.bring(trouble{})
		}
		return nil
	}
}

func refuseOn(database bool) func(context.Context, *world, *rand.Rand) error {
	return func(ctx context.Context, w *world, r *rand.Rand) error {
		var open []func() error
		for _, p := range w.someProxies(database, r) {
			open = append(open, p.refuse())
		}
		rest(ctx, between(r, time.Second, 5*time.Second))
		for _, do := range open {
			if err := do(); err != nil {
				return err
			}
		}
		return nil
	}
}

func (w *world) someProxies(database bool, r *rand.Rand) (hit []*proxy) {
	for _, i := range r.Perm(len(w.victims))[:1+r.Intn(len(w.victims))] {
		if v := w.victims[i]; database {
			hit = append(hit, v.db)
		} else {
			hit = append(hit, v.gw)
		}
	}
	return hit
}

// gatewayFault lets a good part of the calls end in f for some seconds, or until
// one has. Accounts that went offline over it come back then.
func gatewayFault(f sim.Fault) func(context.Context, *world, *rand.Rand) error {
	return func(ctx context.Context, w *world, r *rand.Rand) error {
		calm := context.WithoutCancel(ctx)
		before, err := w.outcomes(ctx, f)
		if err != nil {
			return err
		}
		if err := w.control(ctx, "POST", "faults", map[sim.Fault]float64{f: 0.3}, nil); err != nil {
			return err
		}
		rest(ctx, between(r, 500*time.Millisecond, 2*time.Second))
		after, err := w.outcomes(calm, f)
		for deadline := time.Now().Add(6 * time.Second); err == nil && after == before && ctx.Err() == nil && time.Now().Before(deadline); after, err = w.outcomes(calm, f) {
			rest(ctx, 200*time.Millisecond)
		}
		if err := errors.Join(err, w.control(calm, "POST", "faults", map[string]float64{}, nil), w.backOnline(calm)); err != nil {
			return err
		}
		if after == before {
			return errNotNow
		}
		return nil
	}
}

// outcomes is how many calls have ended in f.
func (w *world) outcomes(ctx context.Context, f sim.Fault) (int64, error) {
	var st sim.Stats
	err := w.control(ctx, "GET", "stats?accounts=0", nil, &st)
	return st.Outcomes[string(f)], err
}

func (w *world) backOnline(ctx context.Context) error {
	var accounts []struct {
		WcID   string `json:"wc_id"`
		Online bool   `json:"online"`
	}
	if err := w.control(ctx, "GET", "accounts", nil, &accounts); err != nil {
		return err
	}
	for _, a := range accounts {
		if !a.Online {
			if err := w.control(ctx, "POST", "accounts/"+a.WcID+"/online", nil, nil); err != nil {
				return err
			}
		}
	}
	return nil
}

// relogin logs some accounts in anew, while posts are on their way to them.
func relogin(ctx context.Context, w *world, r *rand.Rand) error {
	for range 10 {
		wc := fmt.Sprintf("wxid_sim%07d", 1+r.Intn(chaosAccounts))
		if err := w.control(ctx, "POST", "accounts/"+wc+"/relogin", map[string]bool{"keep_age": true}, nil); err != nil {
			return err
		}
	}
	return nil
}
