package web

import (
	"net/http"

	"github.com/rs/zerolog"

	"momentcast/internal/moment"
)

// Starting returns what is served while there is no database yet: a page that
// says so and loads itself again, and the files it refers to.
func Starting(log zerolog.Logger, version string) http.Handler {
	s := newSite(log.With().Str("component", "web").Logger(), version)
	mux := http.NewServeMux()
	mux.Handle("GET "+staticPrefix, s.assets)
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		s.fail(w, r, moment.Errorf(moment.Unavailable, "momentcast is starting, or its database cannot be reached."))
	})
	return hardened(mux)
}
