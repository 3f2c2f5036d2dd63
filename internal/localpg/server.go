//go:build unix

package localpg

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/url"
	"slices"
	"strconv"
	"sync"
	"syscall"
)

// Server is a running PostgreSQL of our own. Its methods may be called from
// several goroutines.
type Server struct {
	cluster *cluster
	bin     binaries
	cfg     Config
	port    int
	url     string

	mu      sync.Mutex // one Stop or Restart at a time; guards stopped
	stopped bool

	procMu sync.Mutex // guards proc, which Restart replaces
	proc   *process
}

// Start makes the cluster if there is none, starts its server and returns when
// it answers. ctx bounds the starting, not the server's life; end that with Stop.
// A first start takes about a second, a later one a tenth.
func Start(ctx context.Context, cfg Config) (_ *Server, err error) {
	if cfg.DataDir == "" {
		return nil, errors.New("localpg: no data directory given")
	}
	c, err := openCluster(ctx, cfg.DataDir)
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			c.release()
		}
	}()
	version, err := c.version()
	if err != nil {
		return nil, err
	}
	bin, err := findBinaries(ctx, cfg.BinDir, version, candidates())
	if err != nil {
		return nil, err
	}
	if version == 0 {
		if err := c.initialise(ctx, bin, cfg.Fast); err != nil {
			return nil, err
		}
	}
	s := &Server{cluster: c, bin: bin, cfg: cfg}
	if err := s.startFirst(ctx); err != nil {
		return nil, err
	}
	return s, nil
}

// startFirst chooses the address. The port found free may be taken by somebody
// else before the server binds it, so that is tried a few times.
func (s *Server) startFirst(ctx context.Context) (err error) {
	for range 3 {
		s.port = 5432 // part of the socket's name only, when nothing listens on TCP
		s.url = "postgres://postgres@/postgres?host=" + url.QueryEscape(s.cluster.socket) + "&sslmode=disable"
		if s.cfg.TCP {
			if s.port, err = freePort(ctx); err != nil {
				return err
			}
			s.url = fmt.Sprintf("postgres://postgres@127.0.0.1:%d/postgres?sslmode=disable", s.port)
		}
		if err = s.run(ctx); err == nil || !s.cfg.TCP || ctx.Err() != nil {
			return err
		}
	}
	return err
}

// run starts the server process on its cluster and waits until it answers.
func (s *Server) run(ctx context.Context) error {
	if err := s.cluster.settle(ctx, s.port); err != nil {
		return err
	}
	p, err := launch(s.cluster, s.bin, s.args(), s.cfg.Log)
	if err != nil {
		return err
	}
	if err := p.ready(ctx, s.url); err != nil {
		_ = p.stop(context.Background(), syscall.SIGQUIT)
		return err
	}
	s.procMu.Lock()
	s.proc = p
	s.procMu.Unlock()
	return nil
}

// args are the server's command line. Of a parameter given twice the last counts.
func (s *Server) args() []string {
	listen := ""
	if s.cfg.TCP {
		listen = "127.0.0.1"
	}
	args := []string{
		"-D", s.cluster.data, "-k", s.cluster.socket, "-p", strconv.Itoa(s.port),
		"-c", "unix_socket_permissions=0700", "-c", "listen_addresses=" + listen,
	}
	if s.cfg.Fast {
		args = append(args, "-c", "fsync=off", "-c", "full_page_writes=off")
	}
	for _, name := range slices.Sorted(maps.Keys(s.cfg.Settings)) {
		args = append(args, "-c", name+"="+s.cfg.Settings[name])
	}
	return args
}

// URL is the address of the database "postgres", for its superuser.
func (s *Server) URL() string { return s.url }

// Version is the server's major version.
func (s *Server) Version() int { return s.bin.major }

// PID is the server's process id.
func (s *Server) PID() int { return s.current().cmd.Process.Pid }

// Done is closed when the server has ended, whoever ended it. After Restart
// there is a new one.
func (s *Server) Done() <-chan struct{} { return s.current().done }

// Err says how the server ended: nil while it runs and after a clean shutdown.
func (s *Server) Err() error {
	_, err := s.current().ended()
	return err
}

func (s *Server) current() *process {
	s.procMu.Lock()
	defer s.procMu.Unlock()
	return s.proc
}

// Stop ends the server and gives the data directory up. It asks for a fast
// shutdown (open transactions are rolled back, everything is written); after
// 10 seconds for an immediate one; and then kills. A done ctx shortens these
// waits, it does not leave a server behind. Stopping twice is no error, nor is
// stopping a server that has ended by itself: see Err for that.
func (s *Server) Stop(ctx context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stopped {
		return nil
	}
	if err := s.current().stop(ctx, syscall.SIGINT); err != nil {
		return err
	}
	s.stopped = true
	s.cluster.release()
	return nil
}

// Restart ends the server, as an immediate shutdown (no checkpoint, so the next
// start recovers from the log) or a fast one, and starts the same cluster on the
// same address. A server that was killed is just started. For fault tests.
func (s *Server) Restart(ctx context.Context, immediate bool) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stopped {
		return errors.New("localpg: restart after stop")
	}
	sig := syscall.SIGINT
	if immediate {
		sig = syscall.SIGQUIT
	}
	if err := s.current().stop(ctx, sig); err != nil {
		return err
	}
	return s.run(ctx)
}

// freePort finds a port that nothing listens on just now.
func freePort(ctx context.Context) (int, error) {
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	defer func() { _ = l.Close() }()
	return l.Addr().(*net.TCPAddr).Port, nil
}
