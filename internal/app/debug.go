package app

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/pprof"
	"time"
)

// checkDebugAddr says what is wrong with an address for profiles: they tell
// what is in memory, so that only this machine or a private network may ask,
// and a name may point anywhere tomorrow.
func checkDebugAddr(addr string) string {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return "is written host:port, such as 127.0.0.1:6060"
	}
	ip := net.ParseIP(host)
	if host != "localhost" && (ip == nil || !ip.IsLoopback() && !ip.IsPrivate()) {
		return "must be an address of this machine alone or of a private network, such as 127.0.0.1:6060: profiles show what is in memory"
	}
	return ""
}

// debug serves profiles until ctx ends.
func (s *service) debug(ctx context.Context) error {
	var lc net.ListenConfig
	ln, err := lc.Listen(ctx, "tcp", s.cfg.DebugAddr)
	if err != nil {
		return plainListen(s.cfg.DebugAddr, err)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /debug/pprof/", pprof.Index)
	mux.HandleFunc("GET /debug/pprof/cmdline", pprof.Cmdline)
	mux.HandleFunc("GET /debug/pprof/profile", pprof.Profile)
	mux.HandleFunc("GET /debug/pprof/symbol", pprof.Symbol)
	mux.HandleFunc("GET /debug/pprof/trace", pprof.Trace)
	srv := &http.Server{Handler: mux, ReadHeaderTimeout: 10 * time.Second}
	defer context.AfterFunc(ctx, func() { _ = srv.Close() })()
	s.log.Warn().Str("addr", ln.Addr().String()).Msg("profiles can be taken here by whoever reaches it")
	if err := srv.Serve(ln); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("profiles: %w", err)
	}
	return nil
}
