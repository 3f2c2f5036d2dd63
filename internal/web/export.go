package web

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"time"

	"momentcast/internal/moment"
	"momentcast/internal/sheet"
)

const (
	exportPage  = 1000             // posts read at a time: what an export holds in memory
	exportWrite = 30 * time.Second // for one of those to reach the client
)

// export streams the posts of the filter as a file for spreadsheets. Its memory
// does not grow with it.
func (s *Web) export(w http.ResponseWriter, r *http.Request) error {
	k, err := s.known.get(r.Context())
	if err != nil {
		return err
	}
	v := r.URL.Query()
	format := sheet.CSV
	if v.Get("format") == string(sheet.XLSX) {
		format = sheet.XLSX
	}
	q := readFilter(v).query(k.settings.TimeZone)
	q.Limit = exportPage
	// The first page is read before anything is answered: what fails then still has a page of its own.
	first, more, err := s.store.Posts(r.Context(), q)
	if err != nil {
		return err
	}
	h := w.Header()
	h.Set("Content-Type", format.Type())
	h.Set("Content-Disposition", fmt.Sprintf(`attachment; filename="momentcast-%s.%s"`, time.Now().In(location(k.settings.TimeZone)).Format("20060102-1504"), format))
	h.Set("Cache-Control", "no-store")
	if r.Method == http.MethodHead {
		return nil
	}
	rc := http.NewResponseController(w)
	told := func(int) error {
		_ = rc.SetWriteDeadline(time.Now().Add(exportWrite)) // not every writer has one
		_ = rc.Flush()                                       // the next write tells
		return r.Context().Err()                             // the client left
	}
	_ = told(0)
	if err := sheet.Write(r.Context(), w, format, exportColumns(v["cols"]), s.texts[langOf(r)].plain, s.following(q, first, more), told); err != nil {
		// The file has begun. Cutting the connection is all that tells that it is not whole.
		s.log.Warn().Err(err).Msg("export broke off")
		panic(http.ErrAbortHandler)
	}
	return nil
}

// following reads page after page, the first of which is there already.
func (s *Web) following(q moment.PostQuery, page []moment.PostView, more bool) sheet.Next {
	begun := false
	return func(ctx context.Context) (_ []moment.PostView, err error) {
		if !begun {
			begun = true
			return page, nil
		}
		if !more {
			return nil, nil
		}
		last := &page[len(page)-1]
		q.After = &moment.PostCursor{DueAt: last.DueAt, ID: last.ID}
		page, more, err = s.store.Posts(ctx, q)
		return page, err
	}
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
