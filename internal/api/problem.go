package api

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/validation"

	"momentcast/internal/moment"
)

// Problem is the answer to a request that went wrong (RFC 9457). It never
// repeats what was sent.
type Problem struct {
	Type      string         `json:"type" doc:"Always about:blank; see code." example:"about:blank"`
	Title     string         `json:"title" doc:"The HTTP status in words." example:"Unprocessable Entity"`
	Status    int            `json:"status" doc:"The HTTP status." example:"422"`
	Code      string         `json:"code" doc:"What went wrong, for programs." example:"invalid"`
	Detail    string         `json:"detail" doc:"What happened, why, and what to do." example:"Some fields are not right; nothing was stored."`
	RequestID string         `json:"request_id,omitempty" doc:"Names this request in the service's log."`
	Errors    []ProblemField `json:"errors,omitempty" doc:"Every field that is wrong."`

	header http.Header
}

// ProblemField is one thing wrong with a request.
type ProblemField struct {
	Location string `json:"location" doc:"Where: body.…, query.…, path.… or header.…" example:"body.visibility.users[2]"`
	Message  string `json:"message" doc:"What is wrong there." example:"is not a wxid (letters, digits, - _ @ . only, at most 64)"`
}

// Error implements error.
func (p *Problem) Error() string { return p.Detail }

// GetStatus implements huma.StatusError.
func (p *Problem) GetStatus() int { return p.Status }

// GetHeaders implements huma.HeadersError.
func (p *Problem) GetHeaders() http.Header { return p.header }

// ContentType implements huma.ContentTypeFilter.
func (p *Problem) ContentType(string) string { return problemType }

const problemType = "application/problem+json"

func newProblem(status int, code, detail string) *Problem {
	return &Problem{Type: "about:blank", Title: http.StatusText(status), Status: status, Code: code, Detail: detail}
}

// with returns p with a header more.
func (p *Problem) with(key, value string) *Problem {
	if p.header == nil {
		p.header = http.Header{}
	}
	p.header.Set(key, value)
	return p
}

func (p *Problem) write(w http.ResponseWriter, id string) {
	p.RequestID = id
	for k, v := range p.header {
		w.Header()[k] = v
	}
	w.Header().Set("Content-Type", problemType)
	w.WriteHeader(p.Status)
	_ = json.NewEncoder(w).Encode(p) // the client may be gone
}

var statusOf = map[moment.Kind]int{
	moment.Invalid:         http.StatusUnprocessableEntity,
	moment.NotFound:        http.StatusNotFound,
	moment.Conflict:        http.StatusConflict,
	moment.Precondition:    http.StatusPreconditionFailed,
	moment.Unauthenticated: http.StatusUnauthorized,
	moment.Forbidden:       http.StatusForbidden,
	moment.Unavailable:     http.StatusServiceUnavailable,
	moment.Limited:         http.StatusTooManyRequests,
	moment.Refused:         http.StatusBadGateway,
	moment.Internal:        http.StatusInternalServerError,
}

// problem turns an error into an answer and logs it if it is not the caller's.
func (a *API) problem(ctx context.Context, err error) *Problem {
	if p, ok := errors.AsType[*Problem](err); ok {
		p.RequestID = requestID(ctx)
		return p
	}
	kind := moment.KindOf(err)
	p := newProblem(statusOf[kind], string(kind), moment.MessageOf(err))
	p.RequestID = requestID(ctx)
	if e, ok := errors.AsType[*moment.Error](err); ok && kind != moment.Internal {
		for _, f := range e.Fields {
			p.Errors = append(p.Errors, ProblemField{locate(f.Path), f.Message})
		}
	}
	if kind == moment.Unavailable {
		p = p.with("Retry-After", "5")
	}
	if p.Status >= 500 && ctx.Err() == nil {
		event := a.log.Error()
		if kind != moment.Internal {
			event = a.log.Warn()
		}
		event.Err(err).Str("request_id", p.RequestID).Str("operation", operation(ctx)).Int("status", p.Status).Msg("request failed")
	}
	return p
}

// locate makes a field's path a location: it is in the body, unless it says
// where else it is.
func locate(path string) string {
	for _, where := range []string{"body", "query", "path", "header"} {
		if path == where || strings.HasPrefix(path, where+".") {
			return path
		}
	}
	return "body." + path
}

// invalid is an Invalid error about one field.
func invalid(path, message string) error {
	return moment.InvalidFields([]moment.Field{{Path: path, Message: message}})
}

// huma keeps its error constructor, and how it reads JSON, in variables. They
// are set once, before anything is registered.
func init() {
	huma.NewError = func(status int, _ string, errs ...error) huma.StatusError { return refused(status, errs) }
	huma.NewErrorWithContext = func(ctx huma.Context, status int, _ string, errs ...error) huma.StatusError {
		p := refused(status, errs)
		p.RequestID = requestID(ctx.Context())
		return p
	}
	huma.ValidateStrictCasing = true // a field that differs in case is another field
	huma.DefaultArrayNullable = false
}

// refused is the problem for what huma itself finds wrong with a request. Its
// own texts are not used where they could repeat what was sent.
func refused(status int, errs []error) *Problem {
	if status == http.StatusBadRequest {
		status = http.StatusUnprocessableEntity // one status for requests that can never succeed
	}
	p := newProblem(status, "invalid", "Some fields are not right; nothing was stored.")
	switch status {
	case http.StatusRequestEntityTooLarge:
		p.Code, p.Detail = "too_large", "The body is too large."
	case http.StatusInternalServerError:
		p.Code, p.Detail = string(moment.Internal), moment.MessageOf(errors.New(""))
		return p
	}
	for _, err := range errs {
		if f, ok := fieldOf(err); ok {
			p.Errors = append(p.Errors, f)
		}
	}
	if len(p.Errors) == 0 && status == http.StatusUnprocessableEntity {
		p.Errors = []ProblemField{{"body", "is required: a JSON object"}}
	}
	p.Errors = outermost(p.Errors)
	return p
}

// fieldOf reads what huma found wrong and says it in our words.
func fieldOf(err error) (ProblemField, bool) {
	d, ok := errors.AsType[*huma.ErrorDetail](err)
	if !ok {
		return ProblemField{}, false
	}
	f := ProblemField{d.Location, d.Message}
	var name string
	if n, _ := fmt.Sscanf(d.Message, validation.MsgExpectedRequiredProperty, &name); n == 1 {
		return ProblemField{d.Location + "." + name, "is required"}, true
	}
	if at, message, ok := strings.Cut(strings.TrimPrefix(d.Message, fieldMark), fieldMark); ok {
		return ProblemField{d.Location + "." + at, message}, true
	}
	f.Location = shortName(f.Location)
	if m, ok := ourWords[d.Message]; ok {
		f.Message = m
	}
	f.Message = inOurWords.Replace(f.Message)
	return f, true
}

// ourWords and inOurWords say what huma says as the domain does.
var (
	ourWords = map[string]string{
		validation.MsgUnexpectedProperty:      "is not a known field",
		"unknown query parameter":             "is not a known parameter",
		validation.MsgExpectedRFC3339DateTime: needTime,
		validation.MsgExpectedString:          "must be a text",
		validation.MsgExpectedInteger:         "must be a whole number",
		validation.MsgExpectedNumber:          "must be a number",
		validation.MsgExpectedBoolean:         "must be true or false",
		validation.MsgExpectedArray:           "must be a list",
		validation.MsgExpectedObject:          "must be an object",
		"invalid integer":                     "must be a whole number",
	}
	inOurWords = strings.NewReplacer(
		"expected array length <=", "must have no more items than", "expected array length >=", "must have at least this many items:",
		"expected number >=", "must be at least", "expected number <=", "must be at most",
		"expected value to be one of", "must be one of")
)

const needTime = "must be a time in RFC 3339 with offset, such as 2026-12-01T09:00:00+08:00"

// shortName keeps a name that the caller made up from filling the answer.
func shortName(location string) string {
	if len(location) <= 200 {
		return location
	}
	return strings.ToValidUTF8(location[:200], "") + "…"
}

// outermost keeps the first thing said of each place, and drops what is said of
// places inside one that is wrong as a whole.
func outermost(fields []ProblemField) []ProblemField {
	bad := make(map[string]bool, len(fields))
	for _, f := range fields {
		bad[f.Location] = true
	}
	said := make(map[string]bool, len(fields))
	return slices.DeleteFunc(fields, func(f ProblemField) bool {
		if said[f.Location] {
			return true
		}
		said[f.Location] = true
		for i, r := range f.Location {
			if (r == '.' || r == '[') && bad[f.Location[:i]] {
				return true
			}
		}
		return false
	})
}
