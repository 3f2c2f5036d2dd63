package crash

import (
	"context"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"momentcast/internal/client"
)

// replica is one of the service, which is started again whenever it ends.
type replica struct {
	name   string
	addr   string
	db, gw *proxy
	env    []string
	api    *client.Client
	logDir string

	mu      sync.Mutex
	path    string   // of the program to start next
	clock   []string // environment of its clock
	prog    *program
	down    bool // it stays ended
	wanted  bool // its end was wanted
	ended   chan struct{}
	Strange atomic.Int64 // ends that nobody wanted
}

func (w *world) startReplica(path, name string, seed int64) {
	w.Helper()
	r := &replica{name: name, addr: freeAddr(w.TB), path: path, ended: make(chan struct{})}
	s := &stage{}
	r.db, s.url = newProxy(w, w.pg.URL(), seed)
	r.gw, s.gw = newProxy(w, w.gateway, seed)
	r.env = append(s.replicaEnv(name), "MOMENTCAST_ADDR="+r.addr, "MOMENTCAST_BOOTSTRAP_TOKEN="+chaosToken, "MOMENTCAST_CRASH_TEST=broken")
	var err error
	if r.api, err = client.New("http://"+r.addr, chaosToken, "chaos"); err != nil {
		w.Fatal(err)
	}
	r.logDir = w.dir
	w.victims = append(w.victims, r)
	go r.supervise()
	w.Cleanup(func() {
		r.mu.Lock()
		r.down = true
		r.mu.Unlock()
		r.kill()
		<-r.ended
	})
	w.until("replica "+name+" answers", 2*time.Minute, func() bool { return r.answers(w.Context()) })
}

func (r *replica) answers(ctx context.Context) bool {
	ctx, done := context.WithTimeout(ctx, time.Second)
	defer done()
	_, err := r.api.Do(ctx, client.Request{Method: "GET", Path: "/status"})
	return err == nil
}

// supervise keeps the replica running, as systemd or Kubernetes would.
func (r *replica) supervise() {
	defer close(r.ended)
	for {
		r.mu.Lock()
		if r.down {
			r.mu.Unlock()
			return
		}
		p, err := launch(r.logDir, r.name, append(append([]string{}, r.env...), r.clock...), r.path, "serve")
		r.prog = p
		r.mu.Unlock()
		if err != nil {
			return
		}
		<-p.dead
		r.mu.Lock()
		if !r.wanted {
			r.Strange.Add(1)
		}
		r.wanted = false
		r.mu.Unlock()
		rest(context.Background(), 200*time.Millisecond)
	}
}

// signal sends one to the program that runs now.
func (r *replica) signal(sig syscall.Signal) *program {
	r.mu.Lock()
	defer r.mu.Unlock()
	if sig == syscall.SIGKILL || sig == syscall.SIGTERM {
		r.wanted = true
	}
	if r.prog == nil {
		return nil
	}
	_ = r.prog.Process.Signal(sig)
	return r.prog
}

func (r *replica) kill() {
	if p := r.signal(syscall.SIGKILL); p != nil {
		<-p.dead
	}
}

// restartAs kills the replica; what comes up next has that clock.
func (r *replica) restartAs(path string, clock []string) {
	r.mu.Lock()
	r.path, r.clock = path, clock
	r.mu.Unlock()
	r.kill()
}
