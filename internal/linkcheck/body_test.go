package linkcheck

import (
	"bytes"
	"compress/gzip"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
)

func zipped(t testing.TB, plain io.Reader) []byte {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	if _, err := io.Copy(z, plain); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// spaces is a reader of spaces without end.
type spaces struct{}

func (spaces) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = ' '
	}
	return len(p), nil
}

// TestBodiesAreBounded counts what the host could send, and what came out.
func TestBodiesAreBounded(t *testing.T) {
	t.Parallel()
	const limit = 64 << 10
	head := "<title>hello</title>"
	bomb := zipped(t, io.MultiReader(strings.NewReader(head), io.LimitReader(spaces{}, 32<<20)))
	empty := bytes.Repeat(zipped(t, strings.NewReader("")), 5_000) // much on the wire, nothing in it
	var sent atomic.Int64
	w := newWorld(t, Config{MaxBytes: limit}, http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		rw.Header().Set("Content-Type", map[bool]string{true: "image/gif", false: "text/html"}[strings.HasPrefix(r.URL.Path, "/thumb")])
		var from io.Reader
		switch r.URL.Path {
		case "/bomb", "/thumb/bomb":
			rw.Header().Set("Content-Encoding", "gzip")
			from = bytes.NewReader(bomb)
		case "/empty":
			rw.Header().Set("Content-Encoding", "gzip")
			from = bytes.NewReader(empty)
		case "/zipped":
			rw.Header().Set("Content-Encoding", "gzip")
			from = bytes.NewReader(zipped(t, strings.NewReader(head)))
		case "/thumb/announced":
			rw.Header().Set("Content-Length", "1000000000")
			from = spaces{}
		default:
			from = io.MultiReader(strings.NewReader(head), spaces{})
		}
		n, _ := io.Copy(rw, from)
		sent.Add(n)
	}))
	for path, title := range map[string]string{"/huge": "hello", "/bomb": "hello", "/zipped": "hello", "/empty": ""} {
		info, err := w.checker.Page(t.Context(), w.base+path)
		wantReason(t, err, "")
		if info.Title != title {
			t.Errorf("%s: %+v", path, info)
		}
	}
	for _, path := range []string{"/thumb/huge", "/thumb/bomb", "/thumb/announced"} {
		_, err := w.checker.Thumb(t.Context(), w.base+path)
		wantReason(t, err, TooLarge)
	}
	for name, tt := range map[string]struct {
		body     io.Reader
		encoding string
	}{"huge": {spaces{}, ""}, "bomb": {bytes.NewReader(bomb), "gzip"}, "empty": {bytes.NewReader(empty), "gzip"}} {
		wire := &counted{Reader: tt.body}
		data, cut, err := readBody(wire, tt.encoding, limit)
		if !cut || len(data) > limit || cap(data) > 4*limit || wire.n > limit+1 {
			t.Errorf("%s: cut %v, %d bytes (%d held) out of %d: %v", name, cut, len(data), cap(data), wire.n, err)
		}
	}
	data, cut, err := readBody(io.LimitReader(spaces{}, limit), "", limit)
	if cut || len(data) != limit || err != nil {
		t.Errorf("exactly the limit: %d, %v, %v", len(data), cut, err)
	}
}

type counted struct {
	io.Reader
	n int64
}

func (c *counted) Read(p []byte) (int, error) {
	n, err := c.Reader.Read(p)
	c.n += int64(n)
	return n, err
}
