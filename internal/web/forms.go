package web

import (
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"momentcast/internal/moment"
)

// maxForm is how large a submitted form may be, in bytes.
const maxForm = 1 << 20

// parseForm reads what was submitted into r.PostForm.
func parseForm(w http.ResponseWriter, r *http.Request) error {
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	if err := r.ParseForm(); err != nil {
		return &moment.Error{Kind: moment.Invalid, Message: "The form cannot be read, or is too large.", Err: err}
	}
	return nil
}

// hidden is one submitted value that a page carries along.
type hidden struct{ Name, Value string }

// carried is a form that could not be taken, to be sent once more as it was.
type carried struct {
	Action string
	Fields []hidden
	Button string // key of its text
}

// secrets are fields that no page repeats.
var secrets = []string{"password", "old", "again"}

// carry keeps what was submitted, without its secrets; nil where nothing was,
// or a file, which is chosen anew.
func carry(w http.ResponseWriter, r *http.Request, button string) *carried {
	if r.Method != http.MethodPost || r.PostForm == nil && parseForm(w, r) != nil {
		return nil
	}
	if strings.HasPrefix(r.Header.Get("Content-Type"), "multipart/") {
		return nil
	}
	return &carried{localPath(r.URL.RequestURI()), hiddenOf(r.PostForm, secrets...), button}
}

// hiddenOf is what was submitted, in a steady order, but for the named fields.
func hiddenOf(form url.Values, but ...string) []hidden {
	var out []hidden
	for name, values := range form {
		if slices.Contains(but, name) {
			continue
		}
		for _, v := range values {
			out = append(out, hidden{name, v})
		}
	}
	slices.SortStableFunc(out, func(a, b hidden) int { return strings.Compare(a.Name, b.Name) })
	return out
}

// pathID is the number in the path; what is none is not found.
func pathID(r *http.Request) (int64, error) {
	id, err := strconv.ParseInt(r.PathValue("id"), 10, 64)
	if err != nil || id <= 0 {
		return 0, moment.Errorf(moment.NotFound, "There is no such thing.")
	}
	return id, nil
}

// number reads a number that may be left out.
func number(s string) int64 {
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil || n < 0 {
		return 0
	}
	return n
}

// localTime is how browsers submit a time without a zone.
const localTime = "2006-01-02T15:04"

// inZone reads a submitted local time in the zone; zero if it is none.
func inZone(s, zone string) time.Time {
	t, err := time.ParseInLocation(localTime, strings.TrimSpace(s), location(zone))
	if err != nil {
		return time.Time{}
	}
	return t
}

// dayIn reads a submitted day as its beginning in the zone; zero if it is none.
func dayIn(s, zone string) time.Time {
	t, err := time.ParseInLocation(time.DateOnly, strings.TrimSpace(s), location(zone))
	if err != nil {
		return time.Time{}
	}
	return t
}

// location is the zone of that name; UTC for one that is not known.
func location(zone string) *time.Location {
	if l, err := time.LoadLocation(zone); err == nil && zone != "" && zone != "Local" {
		return l
	}
	return time.UTC
}

// seeOther answers a change that was made: load that page.
func seeOther(w http.ResponseWriter, r *http.Request, path string) error {
	http.Redirect(w, r, localPath(path), http.StatusSeeOther) //nolint:gosec // localPath leads to pages of ours only
	return nil
}
