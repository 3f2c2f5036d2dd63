package app

import (
	"context"
	"errors"
	"fmt"
	stdlog "log"
	"net"
	"net/http"
	"time"

	"github.com/rs/zerolog"

	"momentcast/internal/gateway/sim"
)

// SimConfig is what RunSim needs.
type SimConfig struct {
	Addr   string
	Public bool // Addr may be one that others reach
	Sim    sim.Config
}

// RunSim runs the simulated gateway alone until ctx ends. Whoever reaches it
// can control it, so that it listens where only this machine does unless told
// otherwise.
func RunSim(ctx context.Context, cfg SimConfig, log zerolog.Logger) error {
	host, _, err := net.SplitHostPort(cfg.Addr)
	if err != nil {
		return fmt.Errorf("--addr: is written host:port, such as 127.0.0.1:8090")
	}
	if !cfg.Public && !loopback(host) {
		return fmt.Errorf("the simulator would be open to others on %s, and whoever reaches it controls it: listen on 127.0.0.1, or say --public", cfg.Addr)
	}
	s, err := sim.New(cfg.Sim)
	if err != nil {
		return fmt.Errorf("simulator: %w", err)
	}
	g, err := serveSim(ctx, cfg.Addr, s, s.Handler(), log)
	if err != nil {
		return errors.Join(err, s.Close())
	}
	log.Info().Str("addr", g.addr()).Int("accounts", len(cfg.Sim.Accounts)).Msg("simulated gateway runs; its pages are at the same address")
	select {
	case <-ctx.Done():
	case err = <-g.ended:
	}
	return errors.Join(err, g.stop())
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// simServer is a simulator that can be reached.
type simServer struct {
	sim   *sim.Sim
	ln    net.Listener
	srv   *http.Server
	ended chan error // one element, when it no longer serves
}

func serveSim(ctx context.Context, addr string, s *sim.Sim, h http.Handler, log zerolog.Logger) (*simServer, error) {
	var lc net.ListenConfig
	ln, err := lc.Listen(ctx, "tcp", addr)
	if err != nil {
		return nil, plainListen(addr, err)
	}
	return serveSimOn(ln, s, h, log), nil
}

func serveSimOn(ln net.Listener, s *sim.Sim, h http.Handler, log zerolog.Logger) *simServer {
	g := &simServer{sim: s, ln: ln, ended: make(chan error, 1)}
	// No limit on writing: a call that hangs is one of its faults.
	g.srv = &http.Server{
		Handler: h, ReadHeaderTimeout: 10 * time.Second, IdleTimeout: 2 * time.Minute,
		ErrorLog: stdlog.New(log.With().Str("component", "sim").Logger(), "", 0),
	}
	go func() {
		err := g.srv.Serve(ln)
		if errors.Is(err, http.ErrServerClosed) {
			err = nil
		}
		g.ended <- err
	}()
	return g
}

func (g *simServer) addr() string { return g.ln.Addr().String() }

// stop lets calls that hang go, and ends the rest.
func (g *simServer) stop() error {
	err := g.sim.Close()
	ctx, done := context.WithTimeout(context.Background(), time.Second)
	defer done()
	if g.srv.Shutdown(ctx) != nil {
		_ = g.srv.Close() // cut off what is left
	}
	return err
}
