package gateway

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// DecodeObjectDesc reads the objectDesc of a reply, which comes in three forms:
// a protobuf text dump ("iLen: N\nbuffer: \"…\"\n", the bytes escaped as in C),
// an object {"xml","len"}, or plain text. Absent and null are "".
//
// It returns the text as valid UTF-8 without NUL, and how many bytes were
// decoded before that. An error says that the form is broken or, for a dump,
// that N is another length; what could be decoded is returned beside it.
func DecodeObjectDesc(raw json.RawMessage) (xml string, n int, err error) {
	if len(bytes.TrimSpace(raw)) == 0 {
		return "", 0, nil
	}
	var desc any
	if err := json.Unmarshal(raw, &desc); err != nil {
		return "", 0, fmt.Errorf("objectDesc: %w", err)
	}
	return decodeDesc(desc)
}

// decodeDesc is DecodeObjectDesc behind the JSON decoder.
func decodeDesc(desc any) (xml string, n int, err error) {
	if o, ok := desc.(map[string]any); ok {
		desc = o["xml"]
	}
	switch v := desc.(type) {
	case nil:
		return "", 0, nil
	case string:
		xml = v
	default:
		return "", 0, errors.New("objectDesc: neither text nor an object with a text")
	}
	if !isDump(xml) {
		return clean(xml), len(xml), nil
	}
	b, err := undump(xml)
	if err != nil {
		err = fmt.Errorf("objectDesc: %w", err)
	}
	return clean(string(b)), len(b), err
}

func isDump(s string) bool {
	return strings.HasPrefix(strings.TrimSpace(s), "iLen:")
}

// undump reads iLen: N buffer: "…". Its quotes are found from the outside, so
// that one left unescaped within does no harm.
func undump(s string) ([]byte, error) {
	s = strings.TrimSpace(strings.TrimPrefix(strings.TrimSpace(s), "iLen:"))
	digits, rest, ok := strings.Cut(s, "buffer:")
	if !ok {
		return nil, errors.New("dump without a buffer")
	}
	want, err := strconv.Atoi(strings.TrimSpace(digits))
	if err != nil || want < 0 {
		return nil, errors.New("dump without a length")
	}
	rest = strings.TrimSpace(rest)
	if !strings.HasPrefix(rest, `"`) {
		return nil, errors.New("dump without quotes")
	}
	rest = rest[1:]
	closed := strings.HasSuffix(rest, `"`)
	b := unescape(strings.TrimSuffix(rest, `"`))
	switch {
	case !closed:
		return b, errors.New("dump cut off")
	case len(b) != want:
		return b, fmt.Errorf("dump of %d bytes says it has %d", len(b), want)
	}
	return b, nil
}

// plainEscapes are the escapes of one character.
const plainEscapes = `abfnrtv"'\?`
const plainBytes = "\a\b\f\n\r\t\v\"'\\?"

// unescape undoes C escapes into bytes: they are the bytes of a UTF-8 text, not
// its characters, which is why strconv.Unquote and \346 for a rune won't do. An
// unknown escape stays as it is; the length will tell.
func unescape(s string) []byte {
	out := make([]byte, 0, len(s))
	for i := 0; i < len(s); {
		if s[i] != '\\' || i+1 == len(s) {
			out = append(out, s[i])
			i++
			continue
		}
		b, n := escape(s[i+1:])
		if n == 0 {
			out = append(out, '\\')
		} else {
			out = append(out, b)
		}
		i += 1 + n
	}
	return out
}

// escape reads one escape behind its backslash and how long it is; 0 if it is
// none.
func escape(s string) (byte, int) {
	if s[0] == 'x' || s[0] == 'X' {
		if n := span(s[1:], 2, isHex); n > 0 {
			v, _ := strconv.ParseUint(s[1:1+n], 16, 8)
			return byte(v), 1 + n
		}
		return 0, 0
	}
	if n := span(s, 3, isOctal); n > 0 {
		v, err := strconv.ParseUint(s[:n], 8, 8)
		if err != nil { // \400 and beyond are no byte
			return 0, 0
		}
		return byte(v), n
	}
	if k := strings.IndexByte(plainEscapes, s[0]); k >= 0 {
		return plainBytes[k], 1
	}
	return 0, 0
}

// span counts the leading bytes of s, at most limit, that are of a kind.
func span(s string, limit int, is func(byte) bool) int {
	n := 0
	for n < len(s) && n < limit && is(s[n]) {
		n++
	}
	return n
}

func isOctal(b byte) bool { return b >= '0' && b <= '7' }

func isHex(b byte) bool {
	return b >= '0' && b <= '9' || b >= 'a' && b <= 'f' || b >= 'A' && b <= 'F'
}
