package gateway

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
	"sync"
	"unicode/utf8"
)

// flex reads a JSON string or number as its text, digit for digit: ids exceed
// float precision, and the gateway writes codes, ids and times either way.
// null is ""; anything else is its JSON text, for the reader to refuse.
type flex string

// UnmarshalJSON implements json.Unmarshaler. It never fails.
func (f *flex) UnmarshalJSON(b []byte) error {
	switch {
	case len(b) > 1 && b[0] == '"' && bytes.IndexByte(b, '\\') < 0 && utf8.Valid(b):
		*f = flex(b[1 : len(b)-1]) // as it stands: the decoder has seen that it is a string
	case len(b) > 0 && b[0] == '"':
		var s string
		if err := json.Unmarshal(b, &s); err != nil {
			return err
		}
		*f = flex(s)
	case string(b) == "null":
		*f = ""
	default:
		*f = flex(b)
	}
	return nil
}

// text is f's value fit for storage.
func (f flex) text() string { return clean(string(f)) }

// envelope is what every reply is wrapped in.
type envelope struct {
	code string // decimal: "1000", "1001"
	text string // the gateway's words, from message or msg
	data json.RawMessage
}

// The gateway's codes. Some of its tables say 10001 where others say 1001.
const (
	codeOK         = "1000"
	codeFailed     = "1001"
	codeFailedLong = "10001"
)

var (
	errEmpty   = errors.New("the reply is empty")
	errHTML    = errors.New("the reply is HTML, not JSON")
	errNotJSON = errors.New("the reply is not complete JSON")
	errNoCode  = errors.New("the reply carries no code")
)

// parseEnvelope reads a whole reply. Its errors are the four above.
func parseEnvelope(b []byte) (envelope, error) {
	b = bytes.TrimSpace(bytes.TrimPrefix(b, []byte("\xef\xbb\xbf")))
	if len(b) == 0 {
		return envelope{}, errEmpty
	}
	if b[0] == '<' {
		return envelope{}, errHTML
	}
	var w struct {
		Code    flex            `json:"code"`
		Message flex            `json:"message"`
		Msg     flex            `json:"msg"`
		Data    json.RawMessage `json:"data"`
	}
	if err := json.Unmarshal(b, &w); err != nil {
		return envelope{}, errNotJSON
	}
	code, ok := readCode(string(w.Code))
	if !ok {
		return envelope{}, errNoCode
	}
	text := w.Message
	if text == "" {
		text = w.Msg
	}
	return envelope{code: code, text: string(text), data: w.Data}, nil
}

// readCode accepts an integer of at most ten digits; "1000.0" is one too.
func readCode(s string) (string, bool) {
	s = strings.TrimSuffix(strings.TrimSpace(s), ".0")
	digits := strings.TrimPrefix(s, "-")
	return s, len(digits) <= 10 && allDigits(digits)
}

func allDigits(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return s != ""
}

// empty reports a data field that is absent or null.
func empty(data json.RawMessage) bool {
	return len(data) == 0 || string(data) == "null"
}

// namesToken reports whether a refusal speaks of our token. The vendor
// documents no code for it.
func namesToken(text string) bool {
	text = strings.ToLower(text)
	return strings.Contains(text, "token") || strings.Contains(text, "authorization")
}

var buffers = sync.Pool{New: func() any { return new(bytes.Buffer) }}

// encode writes a request body. & < > stay as they are, so that what is on the
// wire can be compared with what was asked. Requests are structs of texts and
// numbers; one that cannot be encoded is a fault of this program.
func encode(v any) string {
	buf := buffers.Get().(*bytes.Buffer)
	defer buffers.Put(buf)
	buf.Reset()
	enc := json.NewEncoder(buf)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		panic(err)
	}
	return string(bytes.TrimSuffix(buf.Bytes(), []byte("\n")))
}
