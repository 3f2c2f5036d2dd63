package app

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	stdlog "log"
	"net"
	"net/http"
	"path"
	"strings"
	"syscall"
	"time"

	"momentcast/internal/telemetry"
)

// web is the HTTP side: what can be asked without the database, and the API
// and the pages once there is one.
type web struct {
	ln  net.Listener
	srv *http.Server
}

// errStarting is what there is to say before the database is ready.
var errStarting = errors.New("momentcast is still starting; see /readyz")

func (s *service) listen(ctx context.Context) (*web, error) {
	ln := s.cfg.listener
	if ln == nil {
		var lc net.ListenConfig
		var err error
		if ln, err = lc.Listen(ctx, "tcp", s.cfg.Addr); err != nil {
			return nil, plainListen(s.cfg.Addr, err)
		}
	}
	return &web{ln: ln, srv: &http.Server{
		Handler:           s.routes(),
		ReadHeaderTimeout: 10 * time.Second,
		ReadTimeout:       time.Minute,
		WriteTimeout:      2 * time.Minute, // a long export to a slow client
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    64 << 10,
		ErrorLog:          stdlog.New(s.log.With().Str("component", "http").Logger(), "", 0),
	}}, nil
}

// plainListen says what is wrong with an address, and what to do.
func plainListen(addr string, err error) error {
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return fmt.Errorf("cannot listen on %s: another program does: stop it, or choose another address with --addr or MOMENTCAST_ADDR", addr)
	case errors.Is(err, syscall.EACCES):
		return fmt.Errorf("cannot listen on %s: it is not allowed: choose a port above 1023 with --addr or MOMENTCAST_ADDR", addr)
	}
	return fmt.Errorf("cannot listen on %s: %w: choose another address with --addr or MOMENTCAST_ADDR", addr, err)
}

func (w *web) addr() net.Addr { return w.ln.Addr() }

// serve returns nil when it was told to end.
func (w *web) serve() error {
	if err := w.srv.Serve(w.ln); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// shutdown takes no new requests and lets those under way end within limit.
func (w *web) shutdown(limit time.Duration) {
	ctx, done := context.WithTimeout(context.Background(), limit)
	defer done()
	if err := w.srv.Shutdown(ctx); err != nil {
		w.close()
	}
}

func (w *web) close() { _ = w.srv.Close() } // their clients see it

// routes are all that is served. State-changing requests of browsers are
// accepted from our own pages only.
func (s *service) routes() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", s.healthz)
	mux.HandleFunc("GET /readyz", s.readyz)
	mux.Handle("GET /metrics", telemetry.Handler(s.metrics))
	s.startPage(mux)
	for _, of := range []string{"/api/", "/docs", "/docs/", "/openapi.json", "/gateway/"} {
		mux.HandleFunc(of, s.toAPI)
	}
	mux.HandleFunc("/", s.toPages)
	// The mux would redirect an unclean path to a page that says so; a program is told that there is nothing there.
	unclean := func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, "/api/") && r.URL.Path != path.Clean(r.URL.Path) {
			s.toAPI(w, r)
			return
		}
		mux.ServeHTTP(w, r)
	}
	foreign := http.NewCrossOriginProtection()
	foreign.SetDenyHandler(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		writeProblem(w, http.StatusForbidden, "forbidden", "A page of another site made this request; only our own pages may.")
	}))
	return hardened(foreign.Handler(http.HandlerFunc(unclean)))
}

// hardened sets what no answer of ours may go without; a handler that needs
// more, such as a policy of its own, replaces it.
func hardened(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("X-Frame-Options", "DENY")
		h.Set("Content-Security-Policy", "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'")
		next.ServeHTTP(w, r)
	})
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v) // a client that left is not our trouble
}

// writeProblem answers as the API does.
func writeProblem(w http.ResponseWriter, status int, code, detail string) {
	w.Header().Set("Content-Type", "application/problem+json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]any{
		"type": "about:blank", "title": http.StatusText(status), "status": status, "code": code, "detail": detail,
	})
}
