package api

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"momentcast/internal/moment"
)

// FuzzCursor: a cursor is one that was written, for the list it was written for,
// or is refused.
func FuzzCursor(f *testing.F) {
	f.Add("", "tokens")
	f.Add(*place{ID: 7}.cursor("tokens"), "tokens")
	at := time.Unix(1_800_000_000, 5).UTC()
	f.Add(*place{At: &at, ID: -1}.cursor("posts"), "posts")
	f.Add("AAAA", "x")
	f.Fuzz(func(t *testing.T, cursor, list string) {
		p, err := PageInput{Cursor: cursor}.place(list)
		switch {
		case err != nil:
			if moment.KindOf(err) != moment.Invalid {
				t.Error(err)
			}
		case p == nil:
			if cursor != "" {
				t.Errorf("%q is taken for the first page", cursor)
			}
		default:
			again, err := PageInput{Cursor: *p.cursor(list)}.place(list)
			if err != nil || again.ID != p.ID || (again.At == nil) != (p.At == nil) || p.At != nil && !again.At.Equal(*p.At) {
				t.Errorf("%q became %+v and then %+v, %v", cursor, p, again, err)
			}
			if _, err := (PageInput{Cursor: cursor}).place(list + "x"); err == nil {
				t.Errorf("%q is taken for another list", cursor)
			}
		}
	})
}

// FuzzIfMatch: a version is that of an ETag as it is written, or is refused; none
// is ever taken for any.
func FuzzIfMatch(f *testing.F) {
	for _, s := range []string{"", "*", `"3"`, `W/"3"`, `"03"`, `"-1"`, `"3", "4"`, `"9223372036854775808"`, " * ", `""`, `"+3"`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, header string) {
		n, err := version(header)
		trimmed := strings.TrimSpace(header)
		switch {
		case err != nil:
		case n == 0 && trimmed != "" && trimmed != "*":
			t.Errorf("%q is taken for any version", header)
		case n < 0 || n > 0 && strings.Trim(trimmed, `"+0`) != strings.Trim(etag(n), `"0`):
			t.Errorf("%q became %d", header, n)
		}
		if _, err := needVersion(header); err == nil && trimmed == "" {
			t.Errorf("%q is taken where a version is needed", header)
		}
	})
}

// FuzzBody reads any bytes as the body of every kind of call: what is accepted
// says the same when it is written and read again, and nothing twice.
func FuzzBody(f *testing.F) {
	for _, s := range []string{`{"instance_id":1,"visibility":{"mode":"allow","users":["a"]},"due_at":"2026-12-01T09:00:00+08:00"}`, `{"name":null,"visibility":null}`, `{"posts":[{}]}`,
		`{"title":"\ud800"}`, `{"a":1,"a":2}`, "{\"a\":\"\xff\"}", strings.Repeat("[", 70), `{"online_since":null,"groups":["a",""]}`, `{"scopes":["read"],"expires_in":"1h"}`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		var v any
		err := unmarshal(data, &v)
		if err != nil && !utf8.ValidString(err.Error()) {
			t.Errorf("%q", err)
		}
		if err == nil && (!utf8.Valid(data) || !json.Valid(data)) {
			t.Errorf("%q is taken", data)
		}
		if err == nil {
			var out bytes.Buffer
			var again any
			if marshal(&out, v) != nil || unmarshal(out.Bytes(), &again) != nil {
				t.Errorf("%q cannot be read again: %q", data, out.Bytes())
			}
		}
		for _, into := range []any{&newPostBody{}, &given[moment.Card]{}, &createTokenInput{}, &PageInput{}, &place{}} {
			_ = unmarshal(data, into) // must not fall over
		}
	})
}
