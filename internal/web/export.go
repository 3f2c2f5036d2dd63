package web

import (
	"context"
	"encoding/csv"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"momentcast/internal/moment"
)

const (
	exportPage  = 1000             // posts read at a time: what an export holds in memory
	exportWrite = 30 * time.Second // for one of those to reach the client
	exportMost  = 2_000_000
)

// exportColumns are the columns, each with a text of the catalogue.
var exportColumns = []string{"id", "instance", "wc_id", "state", "due_at", "sent_at", "lateness_s", "time_zone", "title", "content",
	"description", "url", "thumb_url", "visibility", "moment_id", "error", "author", "source", "external_key", "recalled"}

// export streams the posts of the filter as a file for spreadsheets. Its memory
// does not grow with it.
func (s *Web) export(w http.ResponseWriter, r *http.Request) error {
	k, err := s.known.get(r.Context())
	if err != nil {
		return err
	}
	f := readFilter(r.URL.Query())
	q := f.query(k.settings.TimeZone)
	q.Limit = exportPage
	// The first page is read before anything is answered: what fails then still has a page of its own.
	posts, more, err := s.store.Posts(r.Context(), q)
	if err != nil {
		return err
	}
	h := w.Header()
	h.Set("Content-Type", "text/csv; charset=utf-8")
	h.Set("Content-Disposition", fmt.Sprintf(`attachment; filename="momentcast-%s.csv"`, time.Now().In(location(k.settings.TimeZone)).Format("20060102-1504")))
	h.Set("Cache-Control", "no-store")
	if r.Method == http.MethodHead {
		return nil
	}
	if err := s.stream(r.Context(), w, s.texts[langOf(r)], q, posts, more); err != nil {
		// The file has begun. Cutting the connection is all that tells that it is not whole.
		s.log.Warn().Err(err).Msg("export broke off")
		panic(http.ErrAbortHandler)
	}
	return nil
}

func (s *Web) stream(ctx context.Context, w http.ResponseWriter, c catalogue, q moment.PostQuery, posts []moment.PostView, more bool) error {
	rc := http.NewResponseController(w)
	if _, err := io.WriteString(w, "\uFEFF"); err != nil { // spreadsheets take the file for their local encoding without
		return err
	}
	out := csv.NewWriter(w)
	out.UseCRLF = true
	head := make([]string, len(exportColumns))
	for i, name := range exportColumns {
		head[i] = c.get("csv." + name)
	}
	if err := out.Write(head); err != nil {
		return err
	}
	for n := 0; ; {
		_ = rc.SetWriteDeadline(time.Now().Add(exportWrite)) // not every writer has one
		for i := range posts {
			if err := out.Write(csvRow(c, &posts[i])); err != nil {
				return err
			}
		}
		if out.Flush(); out.Error() != nil {
			return out.Error()
		}
		_ = rc.Flush() // the next write tells
		if n += len(posts); !more || n >= exportMost {
			return nil
		}
		last := &posts[len(posts)-1]
		q.After = &moment.PostCursor{DueAt: last.DueAt, ID: last.ID}
		var err error
		if posts, more, err = s.store.Posts(ctx, q); err != nil {
			return err
		}
	}
}

// csvRow is one post. Times are in the zone of its instance, as people there
// read them.
func csvRow(c catalogue, p *moment.PostView) []string {
	at := func(t time.Time) string {
		if t.IsZero() {
			return ""
		}
		return t.In(location(p.TimeZone)).Format("2006-01-02 15:04:05")
	}
	late, sent := "", time.Time{}
	if p.State == moment.Sent {
		late, sent = strconv.FormatFloat(p.Lateness().Seconds(), 'f', 3, 64), p.IntentAt
	}
	row := []string{strconv.FormatInt(p.ID, 10), p.InstanceName, p.WcID, c.get("state." + string(p.State.Shown())), at(p.DueAt), at(sent), late, p.TimeZone,
		p.Card.Title, p.Card.Content, p.Card.Description, p.Card.URL, p.Card.ThumbURL, c.get("visibility." + string(p.Visibility.Mode)),
		p.MomentID, p.Error, p.Author, p.Source, p.ExternalKey, at(p.RecalledAt)}
	for i := range row {
		row[i] = inert(row[i])
	}
	return row
}

// inert keeps a spreadsheet from taking a cell for a formula.
func inert(cell string) string {
	if cell != "" && strings.ContainsRune("=+-@\t\r", rune(cell[0])) {
		return "'" + cell
	}
	return cell
}
