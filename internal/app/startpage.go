package app

import (
	"bytes"
	"embed"
	"html/template"
	"net/http"
)

//go:embed templates
var assets embed.FS

var startTemplate = template.Must(template.ParseFS(assets, "templates/start.html"))

// startView is what the start page shows.
type startView struct {
	Version   string
	Links     []Link
	TokenHint string // where the API token is to be found; "" = not said
}

// startPage serves the page at /start, which leads on to what there is beside
// the pages.
func (s *service) startPage(mux *http.ServeMux) {
	mux.HandleFunc("GET /start", func(w http.ResponseWriter, _ *http.Request) {
		var b bytes.Buffer
		view := startView{Version: s.cfg.Version, Links: s.cfg.Links, TokenHint: s.cfg.TokenHint}
		if err := startTemplate.Execute(&b, view); err != nil {
			s.log.Error().Err(err).Msg("start page not rendered")
			http.Error(w, "page not rendered", http.StatusInternalServerError)
			return
		}
		h := w.Header()
		h.Set("Content-Type", "text/html; charset=utf-8")
		h.Set("Cache-Control", "no-store")
		h.Set("Content-Security-Policy", "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'")
		_, _ = w.Write(b.Bytes())
	})
	mux.HandleFunc("GET /start.css", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "max-age=3600")
		http.ServeFileFS(w, r, assets, "templates/start.css")
	})
}
