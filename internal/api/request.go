package api

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"mime"
	"net/http"
	"path"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"momentcast/internal/moment"
)

// How long a client may take to send its body, and to send a file.
const (
	bodyTime = 30 * time.Second
	fileTime = 90 * time.Second
)

type ctxKey int

const (
	keyRequest   ctxKey = iota // string: the request's id
	keyCaller                  // caller
	keyBody                    // []byte: the body as sent
	keyOperation               // string
)

func requestID(ctx context.Context) string { id, _ := ctx.Value(keyRequest).(string); return id }
func operation(ctx context.Context) string { op, _ := ctx.Value(keyOperation).(string); return op }

// ServeHTTP implements http.Handler.
func (a *API) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	id := rand.Text()[:16]
	w.Header().Set("X-Request-Id", id)
	w.Header().Set("X-Content-Type-Options", "nosniff")
	r = r.WithContext(context.WithValue(r.Context(), keyRequest, id))
	defer func() {
		if v := recover(); v != nil {
			if err, ok := v.(error); ok && errors.Is(err, http.ErrAbortHandler) {
				panic(v)
			}
			a.log.Error().Str("request_id", id).Interface("panic", v).Bytes("stack", debug.Stack()).Msg("request panicked")
			newProblem(http.StatusInternalServerError, string(moment.Internal), moment.MessageOf(errors.New(""))).write(w, id)
		}
	}()
	if p := a.unrouted(r); p != nil {
		p.write(w, id)
		return
	}
	if strings.HasPrefix(r.URL.Path, prefix+"/") {
		w.Header().Set("Cache-Control", "no-store")
	}
	a.mux.ServeHTTP(w, r)
}

// unrouted is the answer to a request that no route takes; nil where one does.
// The mux's own answers are plain text, and its redirects repeat the path.
func (a *API) unrouted(r *http.Request) *Problem {
	notFound := newProblem(http.StatusNotFound, string(moment.NotFound), "There is nothing at this path; /docs lists what there is.")
	if r.URL.Path != path.Clean("/"+r.URL.Path) {
		return notFound
	}
	h, pattern := a.mux.Handler(r)
	if pattern != "" {
		return nil
	}
	rec := &statusOnly{header: http.Header{}}
	h.ServeHTTP(rec, r)
	if rec.status != http.StatusMethodNotAllowed {
		return notFound
	}
	return newProblem(http.StatusMethodNotAllowed, "method_not_allowed", "This path does not take that method; see the Allow header.").
		with("Allow", rec.header.Get("Allow"))
}

// statusOnly is a ResponseWriter that keeps status and header.
type statusOnly struct {
	header http.Header
	status int
}

func (s *statusOnly) Header() http.Header         { return s.header }
func (s *statusOnly) WriteHeader(status int)      { s.status = status }
func (s *statusOnly) Write(b []byte) (int, error) { return len(b), nil }

// takeBody reads the body of an operation that takes one, so that its limits
// are kept whatever the handler does later: a deadline that is left on the
// connection would end a handler that waits for the gateway.
func (a *API) takeBody(ctx huma.Context, next func(huma.Context)) {
	op := ctx.Operation()
	if op.RequestBody == nil {
		next(ctx)
		return
	}
	patience := bodyTime
	if !takesJSON(op) {
		patience = fileTime
	}
	r, w := humago.Unwrap(ctx)
	rc := http.NewResponseController(w)
	_ = rc.SetReadDeadline(time.Now().Add(patience)) // not every writer can
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, op.MaxBodyBytes-1))
	_ = rc.SetReadDeadline(time.Time{})
	id := requestID(ctx.Context())
	switch tooLarge := (*http.MaxBytesError)(nil); {
	case errors.As(err, &tooLarge):
		newProblem(http.StatusRequestEntityTooLarge, "too_large", fmt.Sprintf("The body is larger than %d bytes.", op.MaxBodyBytes-1)).write(w, id)
		return
	case err != nil:
		newProblem(http.StatusRequestTimeout, "timeout", "The body did not arrive in time.").write(w, id)
		return
	case len(body) > 0 && !takes(op, r.Header.Get("Content-Type")):
		newProblem(http.StatusUnsupportedMediaType, "unsupported_media_type", needType(op)).write(w, id)
		return
	}
	if takesJSON(op) {
		r.Body, r.Header = io.NopCloser(bytes.NewReader(body)), r.Header.Clone()
		r.Header.Set("Content-Type", "application/json")
	}
	next(huma.WithValue(ctx, keyBody, body))
}

// takesJSON reports whether the operation's body is JSON; that of others is a
// file, which the handler finds under keyBody.
func takesJSON(op *huma.Operation) bool { return op.RequestBody.Content["application/json"] != nil }

// takes reports whether the operation documents bodies of that type.
func takes(op *huma.Operation, contentType string) bool {
	if takesJSON(op) {
		return isJSON(contentType)
	}
	mediaType, _, err := mime.ParseMediaType(contentType)
	return err == nil && op.RequestBody.Content[mediaType] != nil
}

// needType says which types the operation's body may have.
func needType(op *huma.Operation) string {
	if takesJSON(op) {
		return "The body must be JSON, with Content-Type: application/json."
	}
	return "The body must be a file, with a Content-Type of these: " + strings.Join(slices.Sorted(maps.Keys(op.RequestBody.Content)), ", ") + "."
}

func isJSON(contentType string) bool {
	mediaType, _, _ := strings.Cut(contentType, ";")
	mediaType = strings.ToLower(strings.TrimSpace(mediaType))
	return mediaType == "" || mediaType == "application/json" || mediaType == "application/merge-patch+json"
}

// hashBody hashes the request for its Idempotency-Key: the operation and the
// JSON it carries, whatever its spacing and order.
func hashBody(ctx context.Context) [32]byte {
	body, _ := ctx.Value(keyBody).([]byte)
	d := json.NewDecoder(bytes.NewReader(body))
	d.UseNumber()
	var v any
	if d.Decode(&v) == nil {
		if canonical, err := json.Marshal(v); err == nil {
			body = canonical
		}
	}
	return sha256.Sum256(append([]byte(operation(ctx)+"\n"), body...))
}

// fieldMark encloses the name of a field in a decoding error, which has no
// other way to say where it happened.
const fieldMark = "\x1f"

// unmarshal is how request bodies are read: what is ambiguous is refused
// instead of guessed, and errors repeat nothing.
func unmarshal(data []byte, v any) error {
	if _, ok := v.(*any); ok {
		if !utf8.Valid(data) {
			return errors.New("is not valid UTF-8")
		}
		if tooDeep(data) {
			return errors.New("nests too deep")
		}
		if halfCharacter(data) {
			return errors.New("has half of a surrogate pair, which is no character")
		}
		if name, ok := repeated(data); ok {
			return errors.New(fieldMark + name + fieldMark + "is given twice")
		}
	}
	err := json.Unmarshal(data, v)
	if te, ok := errors.AsType[*json.UnmarshalTypeError](err); ok && te.Field != "" {
		return errors.New(fieldMark + te.Field + fieldMark + "is of the wrong type or out of range")
	}
	if se, ok := errors.AsType[*json.SyntaxError](err); ok {
		return fmt.Errorf("is not valid JSON, at byte %d", se.Offset)
	}
	if err != nil {
		return errors.New("is not the JSON this call takes")
	}
	return nil
}

// halfCharacter reports whether JSON has an escaped surrogate without its other
// half. It would be read as U+FFFD: another text than was sent.
func halfCharacter(data []byte) bool {
	for i := 0; i+1 < len(data); i++ {
		if data[i] != '\\' {
			continue
		}
		i++ // what is escaped begins no escape of its own
		switch unit := escapedUnit(data[i-1:]); {
		case !utf16.IsSurrogate(unit):
		case utf16.DecodeRune(unit, escapedUnit(data[min(i+5, len(data)):])) == utf8.RuneError:
			return true
		default:
			i += 5 + 5 // stands on the last digit of the second half
		}
	}
	return false
}

// escapedUnit is the UTF-16 unit that JSON escapes at the beginning of data, 0 if
// none does.
func escapedUnit(data []byte) rune {
	if len(data) < 6 || data[0] != '\\' || data[1] != 'u' {
		return 0
	}
	n, err := strconv.ParseUint(string(data[2:6]), 16, 16)
	if err != nil {
		return 0
	}
	return rune(n)
}

// maxDepth is how deep a body may nest. No call needs a tenth of it.
const maxDepth = 64

// tooDeep reports whether JSON nests deeper than any call takes.
func tooDeep(data []byte) bool {
	depth, inText, escaped := 0, false, false
	for _, c := range data {
		switch {
		case escaped:
			escaped = false
		case inText:
			escaped, inText = c == '\\', c != '"'
		case c == '"':
			inText = true
		case c == '{', c == '[':
			if depth++; depth > maxDepth {
				return true
			}
		case c == '}', c == ']':
			depth--
		}
	}
	return false
}

// repeated finds a name that an object of valid JSON has twice. Readers differ
// in which of the two they believe; where an audience is at stake neither is.
// The path is put together only where it is needed: done for every value, it
// would cost the square of the body's size.
func repeated(data []byte) (name string, found bool) {
	type level struct {
		seen map[string]bool // nil for an array
		n    int             // values so far, of an array
		key  string          // name whose value comes next or is open, of an object
		open bool            // the value of key has begun, or none is awaited
	}
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber()
	var stack []*level
	for {
		t, err := d.Token()
		if err != nil {
			return "", false // the end, or not valid: the decoder says so
		}
		if delim, ok := t.(json.Delim); ok && (delim == '}' || delim == ']') {
			stack = stack[:len(stack)-1]
			continue
		}
		if len(stack) > 0 {
			switch top := stack[len(stack)-1]; {
			case top.seen == nil:
				top.n++
			case top.open:
				k, _ := t.(string)
				if top.key, top.open = k, false; !top.seen[k] {
					top.seen[k] = true
					continue
				}
				var at strings.Builder
				for _, l := range stack {
					if l.seen == nil {
						fmt.Fprintf(&at, "[%d]", l.n-1)
					} else {
						at.WriteString("." + l.key)
					}
				}
				return strings.TrimPrefix(at.String(), "."), true
			default:
				top.open = true
			}
		}
		switch t {
		case json.Delim('{'):
			stack = append(stack, &level{seen: map[string]bool{}, open: true})
		case json.Delim('['):
			stack = append(stack, &level{})
		}
	}
}
