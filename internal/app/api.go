package app

import (
	"context"
	"net/http"
	"strings"

	"momentcast/internal/api"
	"momentcast/internal/dispatch"
	"momentcast/internal/postgres"
)

// newAPI returns the JSON API on the database.
func (s *service) newAPI(db *postgres.DB, d *dispatch.Dispatcher) *api.API {
	return api.New(api.Config{Store: db, Gateway: s.gw, Engine: d, Log: s.log, Version: s.cfg.Version})
}

// toAPI hands a request to the API, or says that there is none yet.
func (s *service) toAPI(w http.ResponseWriter, r *http.Request) {
	if work := s.work.Load(); work != nil {
		work.api.ServeHTTP(w, r)
		return
	}
	w.Header().Set("Retry-After", "2")
	writeProblem(w, http.StatusServiceUnavailable, "unavailable", errStarting.Error())
}

// bootstrap creates the API token that was given, if there is none yet.
func (s *service) bootstrap(ctx context.Context, db *postgres.DB) error {
	token := s.cfg.BootstrapToken.Reveal()
	if token == "" {
		return nil
	}
	return db.EnsureBootstrapToken(ctx, token)
}

// callbackURL is where the gateway reports lost logins. The secret in it is all
// that tells the gateway from anybody else.
func callbackURL(public, secret string) string {
	return strings.TrimRight(public, "/") + "/gateway/callback/" + secret
}
