package web

import (
	"bytes"
	"embed"
	"fmt"
	"html/template"
	"net/http"
	"path"
	"strings"
	"sync"

	"github.com/rs/zerolog"
)

//go:embed templates
var templateFS embed.FS

// site is what pages are made of: texts, templates and assets. It needs no
// database.
type site struct {
	*made
	log     zerolog.Logger
	version string
}

// made is what is made of the embedded files. Nothing changes it, and it is
// large: one is enough for a process.
type made struct {
	texts  map[string]catalogue          // by language
	sets   map[string]map[string]pageSet // by language and page
	assets *assets
}

// pageSet is a page's template set. It is made when somebody looks at the page
// for the first time: all of them in all languages are most of the memory that
// a replica would hold which only sends.
type pageSet func() *template.Template

var makeOnce = sync.OnceValue(func() *made {
	m := &made{texts: readCatalogues(), assets: readAssets(), sets: make(map[string]map[string]pageSet)}
	for _, lang := range languages {
		m.sets[lang] = m.parse(lang)
	}
	return m
})

func newSite(log zerolog.Logger, version string) *site {
	return &site{made: makeOnce(), log: log, version: version}
}

// parse lists the template sets of every page in one language. A template that
// does not parse is a fault of the program and panics; the tests look at all.
func (m *made) parse(lang string) map[string]pageSet {
	base := sync.OnceValue(func() *template.Template {
		return template.Must(template.New("layout").Funcs(m.funcs(lang)).ParseFS(templateFS, "templates/*.html"))
	})
	files, err := templateFS.ReadDir("templates/pages")
	if err != nil {
		panic(err)
	}
	set := make(map[string]pageSet)
	for _, f := range files {
		set[strings.TrimSuffix(f.Name(), ".html")] = sync.OnceValue(func() *template.Template {
			return template.Must(template.Must(base().Clone()).ParseFS(templateFS, path.Join("templates/pages", f.Name())))
		})
	}
	return set
}

// view is what a handler answers with: a page and the block of it that htmx may
// ask for alone. Both are filled from the same Data.
type view struct {
	Status int    // 0 = 200
	Page   string // template file without its ending
	Block  string // "" = there is no part to ask for
	Data   framed
}

// framed is a page's struct: it embeds a Frame.
type framed interface{ frame() *Frame }

// render writes v. It fills a buffer first, so that a template that fails half
// way yields a clean 500 and no torn page.
func (s *site) render(w http.ResponseWriter, r *http.Request, v view) error {
	name := "layout"
	if v.Block != "" && fragment(r) {
		name = v.Block
	}
	f := v.Data.frame()
	var buf bytes.Buffer
	set, ok := s.sets[f.Lang][v.Page]
	if !ok {
		return fmt.Errorf("render: there is no page %q in %q", v.Page, f.Lang)
	}
	if err := set().ExecuteTemplate(&buf, name, v.Data); err != nil {
		return fmt.Errorf("render %s of %s: %w", name, v.Page, err)
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Cache-Control", "no-store") // what was seen after logging in is not for who comes next
	h.Add("Vary", "HX-Request, Cookie, Accept-Language")
	if v.Status != 0 {
		w.WriteHeader(v.Status)
	}
	if _, err := buf.WriteTo(w); err != nil {
		s.log.Debug().Err(err).Msg("the browser left before its page was written")
	}
	return nil
}

// fragment reports whether htmx will put the answer into a page it has. A
// history restore needs the whole page.
func fragment(r *http.Request) bool {
	return r.Header.Get("HX-Request") == "true" && r.Header.Get("HX-History-Restore-Request") != "true"
}
