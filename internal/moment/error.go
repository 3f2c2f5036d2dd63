package moment

import (
	"errors"
	"fmt"
	"strings"
)

// Kind says what went wrong in terms a caller can act on. Each front end
// translates it at its own edge: the API to a status, the engine to an outcome.
type Kind string

// The kinds of error. Everything that carries none is Internal.
const (
	Invalid         Kind = "invalid"         // the request can never succeed as sent
	NotFound        Kind = "not_found"       // no such thing, or not yours to see
	Conflict        Kind = "conflict"        // the thing has moved on; reload and decide
	Precondition    Kind = "precondition"    // the version that the caller named is not the current one
	Unauthenticated Kind = "unauthenticated" // no valid token
	Forbidden       Kind = "forbidden"       // a valid token without the permission
	Unavailable     Kind = "unavailable"     // try again later: the database or the gateway is not there
	Limited         Kind = "limited"         // too often; wait and try again
	Refused         Kind = "refused"         // the gateway said no
	Internal        Kind = "internal"        // ours to fix; details stay in the log
)

// Error is a failure whose Message may be shown to the caller. Everything
// else that goes wrong is a plain error and is reported as Internal.
type Error struct {
	Kind    Kind
	Message string  // whole sentence: what happened, why, what to do; no internals, no submitted values
	Fields  []Field // for Invalid: every field that is wrong
	Err     error   // cause, for the log only
}

// Field is one thing wrong with what was submitted.
type Field struct {
	Path    string // where it is, as the caller wrote it: "visibility.users[2]"
	Message string // what is wrong with it, without repeating the value
}

func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString(e.Message)
	for _, f := range e.Fields {
		fmt.Fprintf(&b, " %s: %s.", f.Path, f.Message)
	}
	if e.Err != nil {
		fmt.Fprintf(&b, " (%v)", e.Err)
	}
	return b.String()
}

func (e *Error) Unwrap() error { return e.Err }

// Errorf returns an Error of the given kind.
func Errorf(kind Kind, format string, args ...any) error {
	return &Error{Kind: kind, Message: fmt.Sprintf(format, args...)}
}

// InvalidFields returns an Invalid error that names every wrong field, or nil
// when there is none.
func InvalidFields(fields []Field) error {
	if len(fields) == 0 {
		return nil
	}
	return &Error{Kind: Invalid, Message: "Some fields are not right; nothing was stored.", Fields: fields}
}

// KindOf reports err's kind: Internal for errors that carry none, "" for nil.
func KindOf(err error) Kind {
	if err == nil {
		return ""
	}
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Kind
	}
	return Internal
}

// MessageOf returns the text of err that is fit for a caller to read.
func MessageOf(err error) string {
	if e, ok := errors.AsType[*Error](err); ok && e.Kind != Internal {
		return e.Message
	}
	return "Something went wrong on our side."
}
