package web

import (
	"errors"
	"io"
	"net"
	"net/http"

	"momentcast/internal/moment"
)

// failPage says that there is no page, why, and what to do.
type failPage struct {
	Frame
	Status          int
	What, Why, Next string
	Again           bool     // the page loads itself again
	Kept            *carried // what was submitted, to be sent once more; nil = it was a look, or a file
}

// statusOf is how each kind of error is answered.
var statusOf = map[moment.Kind]int{
	moment.Invalid:         http.StatusUnprocessableEntity,
	moment.NotFound:        http.StatusNotFound,
	moment.Conflict:        http.StatusConflict,
	moment.Precondition:    http.StatusConflict,
	moment.Unauthenticated: http.StatusUnauthorized,
	moment.Forbidden:       http.StatusForbidden,
	moment.Unavailable:     http.StatusServiceUnavailable,
	moment.Limited:         http.StatusTooManyRequests,
	moment.Refused:         http.StatusBadGateway,
	moment.Internal:        http.StatusInternalServerError,
}

// fail answers a request whose handler could not. It asks nothing of the
// database, which may be what is missing.
func (s *site) fail(w http.ResponseWriter, r *http.Request, err error) {
	if errors.Is(err, r.Context().Err()) && r.Context().Err() != nil {
		return // the visitor left
	}
	if r.Method == http.MethodGet && broken(err) {
		err = &moment.Error{Kind: moment.Unavailable, Message: "The database cannot be reached.", Err: err}
	}
	kind := moment.KindOf(err)
	if kind == moment.Internal {
		s.log.Error().Err(err).Str("method", r.Method).Str("path", r.URL.Path).Msg("page failed")
	} else {
		s.log.Debug().Err(err).Str("method", r.Method).Str("path", r.URL.Path).Msg("page refused")
	}
	p := &failPage{Frame: s.bare(r), Status: statusOf[kind], Again: kind == moment.Unavailable && r.Method == http.MethodGet}
	said := explain(p.texts, err)
	p.What, p.Why, p.Next = said.What, said.Why, said.Next
	if kind == moment.Unavailable {
		w.Header().Set("Retry-After", "5")
		p.Kept = carry(w, r, "fail.resend")
	}
	if err := s.render(w, r, view{Status: p.Status, Page: "fail", Data: p}); err != nil {
		s.log.Error().Err(err).Msg("error page not rendered")
		http.Error(w, http.StatusText(http.StatusInternalServerError), http.StatusInternalServerError)
	}
}

// broken reports whether a connection ended in the middle of a question. What
// only reads may then be asked again; of a change nobody knows how it ended.
func broken(err error) bool {
	var op *net.OpError
	return moment.KindOf(err) == moment.Internal && (errors.Is(err, io.ErrUnexpectedEOF) || errors.As(err, &op))
}

func (s *Web) notFound(http.ResponseWriter, *http.Request) error {
	return moment.Errorf(moment.NotFound, "There is no page at this address.")
}

func (s *Web) forbidden(http.ResponseWriter, *http.Request) error {
	return moment.Errorf(moment.Forbidden, "Your roles do not include this.")
}

func (s *Web) foreign(http.ResponseWriter, *http.Request) error {
	return moment.Errorf(moment.Forbidden, "A page of another site made this request.")
}

// explain says an error in the visitor's language: what happened, why, and
// what to do next. The domain speaks English; what it says of a single case is
// added where that is the visitor's language, or where a text is known for it.
func explain(c catalogue, err error) *problem {
	kind := string(moment.KindOf(err))
	p := &problem{What: c.get("problem." + kind), Why: c.get("problem." + kind + ".why"), Next: c.get("problem." + kind + ".next"),
		status: statusOf[moment.KindOf(err)]}
	e, ok := errors.AsType[*moment.Error](err)
	if !ok || e.Kind == moment.Internal {
		return p
	}
	why, fields := sayProblem(c, e)
	if p.Fields = fields; why != "" {
		p.Why = why
	}
	return p
}

// refused reports whether err is one that the form it came from should show:
// what was typed stays, and something can be done about it.
func refused(err error) bool {
	switch moment.KindOf(err) {
	case moment.Invalid, moment.Conflict, moment.Precondition, moment.Refused:
		return true
	}
	return false
}

// failIcon is the sign of a page that is none.
func failIcon(status int) string {
	switch status {
	case http.StatusNotFound:
		return "search"
	case http.StatusForbidden, http.StatusUnauthorized:
		return "lock"
	case http.StatusServiceUnavailable:
		return "database-off"
	}
	return "alert-circle"
}

func asDomain(err error) (*moment.Error, bool) { return errors.AsType[*moment.Error](err) }
