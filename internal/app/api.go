package app

import (
	"context"
	"net/http"
	"slices"
	"strings"

	"momentcast/internal/addressbook"
	"momentcast/internal/api"
	"momentcast/internal/dispatch"
	"momentcast/internal/gateway"
	"momentcast/internal/importer"
	"momentcast/internal/moment"
	"momentcast/internal/postgres"
)

// newAPI returns the JSON API on the database.
func (s *service) newAPI(db *postgres.DB, d *dispatch.Dispatcher, books *addressbook.Books, imports *importer.Importer) *api.API {
	return api.New(api.Config{Store: store{db}, Gateway: s.gw, Engine: d, Links: s.links, Books: books, Imports: imports, Log: s.log, Version: s.cfg.Version, Fixed: s.cfg.Pacing.fixed()})
}

// store is the database with the proof of a post that was sent: what WeChat
// stored is kept as the gateway's reply told it, and read when somebody looks.
type store struct{ *postgres.DB }

// PostDetail implements api.Store.
func (s store) PostDetail(ctx context.Context, id int64) (*moment.PostDetail, error) {
	d, err := s.DB.PostDetail(ctx, id)
	if err != nil || d.Proof != nil {
		return d, err
	}
	for _, a := range slices.Backward(d.Attempts) {
		if a.Verdict == moment.Delivered {
			if p, ok := gateway.ReadProof(a.Reply); ok {
				d.Proof = &p
			}
			break
		}
	}
	return d, nil
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
