package app

import (
	"context"
	"net/http"

	"momentcast/internal/addressbook"
	"momentcast/internal/auth"
	"momentcast/internal/dispatch"
	"momentcast/internal/importer"
	"momentcast/internal/moment"
	"momentcast/internal/postgres"
	pages "momentcast/internal/web"
)

// newPages returns the pages on the database, and who lets people in to them.
func (s *service) newPages(db *postgres.DB, d *dispatch.Dispatcher, books *addressbook.Books, imports *importer.Importer) (*pages.Web, *auth.Auth) {
	who := auth.Config{Store: db, Log: s.log, PublicURL: s.cfg.PublicURL}
	s.cfg.SignIn.apply(&who)
	a := auth.New(who)
	return pages.New(pages.Config{
		Store: store{db}, Users: db, Gateway: s.gw, Engine: d, Books: books, Imports: imports, Session: a, People: a, Links: s.links, Log: s.log, Version: s.cfg.Version,
		Fixed: s.cfg.Pacing.fixed(), GatewayURL: s.cfg.Gateway.URL, PublicURL: s.cfg.PublicURL,
	}), a
}

// toPages hands a request to the pages, or says that there are none yet.
func (s *service) toPages(w http.ResponseWriter, r *http.Request) {
	if work := s.work.Load(); work != nil {
		work.auth.Handler(work.pages).ServeHTTP(w, r)
		return
	}
	s.starting.ServeHTTP(w, r)
}

// firstPerson makes the administrator that was given, if there is nobody yet;
// without one it says in the log what the first visitor has to know.
func (s *service) firstPerson(ctx context.Context, a *auth.Auth) error {
	if who := s.cfg.BootstrapAdmin.Reveal(); who != "" {
		_, err := a.Bootstrap(ctx, who, moment.System(s.cfg.Replica))
		return err
	}
	secret, err := a.SetupSecret(ctx)
	if err != nil || secret == "" {
		return err
	}
	s.log.Warn().Str("secret", secret).Msg("nobody can sign in yet: open /setup in a browser and enter this secret; it works once")
	return nil
}
