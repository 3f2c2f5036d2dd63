package web

import (
	"net/http"
	"slices"
	"strings"
	"unicode/utf8"

	"momentcast/internal/moment"
)

// handler answers a request or returns why it cannot; fail answers then.
type handler func(w http.ResponseWriter, r *http.Request) error

// route is one row of the table: what is served, to whom, by what.
type route struct {
	pattern string            // as http.ServeMux takes it, method first
	needs   moment.Permission // "" is nobody's
	handle  handler
}

// open marks what is served to everybody, logged in or not.
const open moment.Permission = "open"

// table is every route there is. What is not here is not served, and what
// names no permission is refused to everybody.
func (s *Web) table() []route {
	return slices.Concat(
		[]route{
			{"POST /theme", open, s.setTheme},
			{"GET /events", moment.PermView, s.events},
		},
		s.pageRoutes(),
		s.actionRoutes(),
		s.approvalRoutes(),
		s.jobRoutes(),
		s.historyRoutes(),
		s.settingsRoutes(),
		s.peopleRoutes(),
		s.audienceRoutes(),
		s.importRoutes(),
		s.workCalendarRoutes(),
		s.composeRoutes(),
		s.campaignRoutes(),
		s.calendarRoutes(),
	)
}

// Patterns lists every route of the pages, as http.ServeMux takes it.
func Patterns() []string {
	table := new(Web).table()
	out := make([]string, len(table))
	for i, rt := range table {
		out[i] = rt.pattern
	}
	return out
}

// serve builds the handler of the table.
func (s *Web) serve() http.Handler {
	mux := http.NewServeMux()
	for _, rt := range s.routes {
		mux.Handle(rt.pattern, s.guard(rt))
	}
	mux.Handle("GET "+staticPrefix, s.assets)
	mux.Handle("/", s.guard(route{needs: open, handle: s.notFound}))

	foreign := http.NewCrossOriginProtection()
	foreign.SetDenyHandler(s.guard(route{needs: open, handle: s.foreign}))
	return hardened(s.readable(foreign.Handler(mux)))
}

// readable lets addresses through that are text. A database takes no other, and
// none of ours is.
func (s *Web) readable(next http.Handler) http.Handler {
	none := s.guard(route{needs: open, handle: s.notFound})
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !utf8.ValidString(r.URL.Path) || strings.ContainsRune(r.URL.Path, 0) {
			none.ServeHTTP(w, r)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// has reports whether a page is served at the path; the navigation shows those.
func (s *Web) has(path string) bool {
	return slices.ContainsFunc(s.routes, func(rt route) bool { return rt.pattern == "GET "+path })
}

// policy lets a page load from here only, and run no script of its own.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: https: http:; font-src 'self'; " +
	"connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

// hardened sets what no page may go without.
func hardened(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", policy)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "same-origin")
		h.Set("X-Frame-Options", "DENY")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		next.ServeHTTP(w, r)
	})
}
