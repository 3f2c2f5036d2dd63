package app

import (
	"context"
	"net/http"
	"strings"

	"momentcast/internal/dispatch"
	"momentcast/internal/postgres"
)

// newAPI returns the JSON API on the database.
func (s *service) newAPI(_ *postgres.DB, _ *dispatch.Dispatcher) http.Handler {
	return http.NotFoundHandler()
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
