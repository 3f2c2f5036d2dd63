package app

import (
	"context"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/rs/zerolog"

	"momentcast/internal/addressbook"
	"momentcast/internal/api"
	"momentcast/internal/auth"
	"momentcast/internal/dispatch"
	"momentcast/internal/gateway"
	"momentcast/internal/importer"
	"momentcast/internal/linkcheck"
	"momentcast/internal/postgres"
	"momentcast/internal/telemetry"
	pages "momentcast/internal/web"
)

// What the parts need of each other is supplied by these; a drift is a compile
// error here, with a name on it.
var (
	_ dispatch.Store   = (*postgres.DB)(nil)
	_ dispatch.Gateway = (*gateway.Client)(nil)
	_ dispatch.Meter   = (*telemetry.Meter)(nil)
	_ api.Store        = store{}
	_ api.AddressBooks = (*addressbook.Books)(nil)

	_ importer.Store      = (*postgres.DB)(nil)
	_ pages.Importer      = (*importer.Importer)(nil)
	_ api.Importer        = (*importer.Importer)(nil)
	_ addressbook.Store   = (*postgres.DB)(nil)
	_ addressbook.Gateway = (*gateway.Client)(nil)
	_ auth.Store          = (*postgres.DB)(nil)
	_ pages.Store         = store{}
	_ pages.Gateway       = (*gateway.Client)(nil)
	_ pages.AddressBooks  = (*addressbook.Books)(nil)
	_ pages.Engine        = (*dispatch.Dispatcher)(nil)
	_ pages.Session       = (*auth.Auth)(nil)
	_ pages.LinkChecker   = (*linkcheck.Desk)(nil)
	_ api.LinkChecker     = (*linkcheck.Desk)(nil)
	_ api.Gateway         = (*gateway.Client)(nil)
	_ api.Engine          = (*dispatch.Dispatcher)(nil)
)

// service is one running momentcast.
type service struct {
	cfg     Config
	log     zerolog.Logger
	gw      *gateway.Client
	links   *linkcheck.Desk
	metrics *prometheus.Registry
	meter   *telemetry.Meter

	starting http.Handler // pages while there is no database

	// Set while the database is waited for; nil otherwise.
	waiting atomic.Pointer[string]
	// Set once there is something to serve; nil before.
	work atomic.Pointer[work]
}

// work is what exists only once the database is ready.
type work struct {
	db         *postgres.DB
	dispatcher *dispatch.Dispatcher
	books      *addressbook.Books
	imports    *importer.Importer
	api        *api.API
	auth       *auth.Auth
	pages      *pages.Web
}

func newService(cfg Config, log zerolog.Logger) (*service, error) {
	to := cfg.Gateway.Client()
	to.Log = log.With().Str("component", "gateway").Logger()
	gw, err := gateway.New(to)
	if err != nil {
		return nil, err
	}
	s := &service{cfg: cfg, log: log, gw: gw, links: linkcheck.NewDesk(linkcheck.New(linkcheck.Config{})), metrics: telemetry.NewRegistry(cfg.Version)}
	s.meter = telemetry.NewMeter(s.metrics)
	s.starting = pages.Starting(log, cfg.Version)
	s.metrics.MustRegister(telemetry.NewCollector(s.figures, log))
	return s, nil
}

// figures answers the metrics.
func (s *service) figures(ctx context.Context) (telemetry.Figures, error) {
	w := s.work.Load()
	if w == nil {
		return telemetry.Figures{}, errStarting
	}
	f, err := w.db.Figures(ctx)
	return telemetry.Figures(f), err
}

// begin makes what works on the database. Nothing runs yet.
func (s *service) begin(db *postgres.DB) *work {
	d := dispatch.New(db, s.gw, s.cfg.dispatch(), s.meter, s.log)
	books := addressbook.New(db, s.gw, s.log)
	w := &work{db: db, dispatcher: d, books: books, imports: importer.New(db, d.Wake, s.log)}
	w.api = s.newAPI(db, d, books, w.imports)
	w.pages, w.auth = s.newPages(db, d, books, w.imports)
	s.work.Store(w)
	return w
}

// registerCallback asks the gateway to tell us of lost logins, until it has
// said yes. Without it, looks at who is online find out a few seconds later.
func (s *service) registerCallback(ctx context.Context, db *postgres.DB) {
	if s.cfg.PublicURL == "" {
		return
	}
	for wait := 5 * time.Second; ctx.Err() == nil; wait = min(2*wait, 10*time.Minute) {
		set, err := db.Settings(ctx)
		if err == nil {
			err = s.gw.RegisterCallback(ctx, callbackURL(s.cfg.PublicURL, set.CallbackSecret))
		}
		if err == nil {
			s.log.Info().Msg("the gateway will report lost logins to us")
			return
		}
		if ctx.Err() == nil {
			s.log.Warn().Err(err).Dur("again_in_ms", wait).Msg("the gateway does not take our callback address; lost logins are noticed by looking")
		}
		pause(ctx, wait)
	}
}

// pause waits for d or for ctx to end.
func pause(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-t.C:
	}
}
