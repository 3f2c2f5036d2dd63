package web

import (
	"net/http"
	"net/url"
	"slices"
	"time"

	"momentcast/internal/sheet"
)

// export streams the posts of the filter as a file for spreadsheets.
func (s *Web) export(w http.ResponseWriter, r *http.Request) error {
	k, err := s.known.get(r.Context())
	if err != nil {
		return err
	}
	v, zone := r.URL.Query(), k.settings.TimeZone
	f, err := s.fileOf(r, v).Open(r.Context(), s.store.Posts, readFilter(v).query(zone))
	if err != nil {
		return err
	}
	f.Head(w.Header(), f.Name(time.Now().In(location(zone))))
	if r.Method == http.MethodHead {
		return nil
	}
	if err := f.Send(r.Context(), w); err != nil {
		s.log.Warn().Err(err).Msg("export broke off")
		panic(http.ErrAbortHandler)
	}
	return nil
}

// fileOf is the file that an address asks for, without its posts.
func (s *Web) fileOf(r *http.Request, v url.Values) sheet.File {
	f := sheet.File{Format: sheet.CSV, Columns: exportColumns(v["cols"]), Texts: s.texts[langOf(r)].plain}
	if v.Get("format") == string(sheet.XLSX) {
		f.Format = sheet.XLSX
	}
	return f
}

// exportColumns are the file's columns for those of the page: all for no choice.
func exportColumns(cols []string) []sheet.Column {
	names := readColumns(cols)
	if slices.Contains(names, "what") {
		names = append(names, "lateness_s", "error")
	}
	return sheet.Pick(names)
}

// plain is get without arguments.
func (c catalogue) plain(key string) string { return c.get(key) }
