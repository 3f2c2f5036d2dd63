package api

import (
	"embed"
	"encoding/json"
	"net/http"

	"github.com/danielgtaylor/huma/v2"
)

// docsFiles is Swagger UI as it was published (see CHECKSUMS), and a page of
// ours that shows our document in it.
//
//go:embed swagger
var docsFiles embed.FS

// docsPolicy lets the page load what we serve and nothing else. The pictures in
// Swagger UI's style sheet are data: URLs.
const docsPolicy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; " +
	"base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

// registerDocs serves the OpenAPI document and its page. It comes last, when
// every operation is known.
func (a *API) registerDocs() {
	document := func(id, path, summary, mime string) {
		a.huma.OpenAPI().AddOperation(&huma.Operation{
			OperationID: id, Method: http.MethodGet, Path: path, Tags: []string{"control"}, Summary: summary, Description: "Needs no token.",
			Security:  []map[string][]string{},
			Responses: map[string]*huma.Response{"200": {Description: "OK", Content: map[string]*huma.MediaType{mime: {}}}},
		})
	}
	document("get-openapi-json", "/openapi.json", "This document", "application/openapi+json")
	sayRefused(a.huma.OpenAPI())
	sayNull(a.huma.OpenAPI().Components.Schemas)
	spec, err := json.Marshal(a.huma.OpenAPI())
	if err != nil {
		panic(err) // the document is made of our own types
	}
	openapi := func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/openapi+json")
		w.Header().Set("Cache-Control", "no-cache")
		_, _ = w.Write(spec)
	}
	a.mux.HandleFunc("GET /openapi.json", openapi)
	a.mux.HandleFunc("GET "+prefix+"/openapi.json", openapi)
	for path, f := range map[string]struct{ name, mime string }{
		"/docs":                      {"index.html", "text/html; charset=utf-8"},
		"/docs/init.js":              {"init.js", "text/javascript; charset=utf-8"},
		"/docs/swagger-ui-bundle.js": {"swagger-ui-bundle.js", "text/javascript; charset=utf-8"},
		"/docs/swagger-ui.css":       {"swagger-ui.css", "text/css; charset=utf-8"},
	} {
		content, err := docsFiles.ReadFile("swagger/" + f.name)
		if err != nil {
			panic(err) // it is embedded
		}
		a.mux.HandleFunc("GET "+path, func(w http.ResponseWriter, _ *http.Request) {
			h := w.Header()
			h.Set("Content-Type", f.mime)
			h.Set("Content-Security-Policy", docsPolicy)
			h.Set("Referrer-Policy", "no-referrer")
			h.Set("Cache-Control", "no-cache")
			_, _ = w.Write(content)
		})
	}
}
