package api

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rs/zerolog"

	"momentcast/internal/moment"
)

// wait lets the time of a bubble pass.
func wait(t *testing.T, d time.Duration) {
	t.Helper()
	select {
	case <-t.Context().Done():
		t.Fatal(t.Context().Err())
	case <-time.After(d):
	}
}

func TestThrottleMakesUpForTheLastCall(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var calls []time.Duration
		start := time.Now()
		th := throttle{every: time.Second, do: func() { calls = append(calls, time.Since(start)) }}
		for range 100 {
			th.call()
		}
		wait(t, 300*time.Millisecond)
		th.call()
		wait(t, 5*time.Second)
		th.call()
		wait(t, 2*time.Second)
		if got, want := fmt.Sprint(calls), "[0s 1s 5.3s]"; got != want {
			t.Errorf("calls at %s, want %s", got, want)
		}
	})
}

func TestRevokedTokenDiesWithinSeconds(t *testing.T) {
	t.Parallel()
	now := time.Unix(1000, 0)
	var asked atomic.Int32
	var revoked atomic.Bool
	c := tokenCache{now: func() time.Time { return now }, lookUp: func(context.Context, [32]byte) (moment.Token, error) {
		asked.Add(1)
		if revoked.Load() {
			return moment.Token{}, moment.Errorf(moment.NotFound, "gone")
		}
		return moment.Token{ID: 1, ExpiresAt: time.Unix(1012, 0)}, nil
	}}
	get := func() error { _, err := c.get(t.Context(), [32]byte{1}); return err }
	for range 10 {
		if err := get(); err != nil {
			t.Fatal(err)
		}
	}
	if asked.Load() != 1 {
		t.Errorf("asked %d times", asked.Load())
	}
	revoked.Store(true)
	now = now.Add(tokenLife - 1)
	if err := get(); err != nil {
		t.Error("not believed for as long as it may be")
	}
	now = now.Add(1)
	if err := get(); moment.KindOf(err) != moment.NotFound {
		t.Errorf("after %s: %v", tokenLife, err)
	}
	revoked.Store(false)
	now = time.Unix(1010, 0)
	_ = get()
	revoked.Store(true)
	now = time.Unix(1012, 0) // it expires before the cache does
	if err := get(); err == nil {
		t.Error("an expired token is believed")
	}
}

type panicStore struct{ Store }

func (panicStore) TokenByHash(context.Context, [32]byte) (moment.Token, error) {
	return moment.Token{ID: 1, Scopes: []moment.Scope{moment.ScopeAdmin}}, nil
}

func (panicStore) Status(context.Context) (moment.Status, error) { panic("secret detail") }

func (panicStore) Instances(context.Context, moment.InstanceQuery) ([]moment.InstanceView, bool, error) {
	return nil, false, errors.New("secret detail")
}

func TestInnerFailuresRevealNothing(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	a := New(Config{Store: panicStore{}, Engine: nil2{}, Log: zerolog.New(&log)})
	for _, path := range []string{"/api/v1/status", "/api/v1/instances"} {
		log.Reset()
		r := httptest.NewRequestWithContext(t.Context(), "GET", path, nil)
		r.Header.Set("Authorization", "Bearer x")
		w := httptest.NewRecorder()
		a.ServeHTTP(w, r)
		id := w.Header().Get("X-Request-Id")
		if w.Code != 500 || strings.Contains(w.Body.String(), "secret") || !strings.Contains(w.Body.String(), id) || w.Header().Get("Content-Type") != problemType {
			t.Errorf("%s: %d %s", path, w.Code, w.Body)
		}
		if !strings.Contains(log.String(), id) || !strings.Contains(log.String(), "secret detail") {
			t.Errorf("%s: log %s", path, &log)
		}
	}
}

type nil2 struct{}

func (nil2) Wake()    {}
func (nil2) Recheck() {}

func TestVendoredFilesAreAsPublished(t *testing.T) {
	t.Parallel()
	sums, err := docsFiles.ReadFile("swagger/CHECKSUMS")
	if err != nil {
		t.Fatal(err)
	}
	listed := map[string]bool{"CHECKSUMS": true, "index.html": true, "init.js": true} // ours
	for line := range strings.Lines(string(sums)) {
		want, name, _ := strings.Cut(strings.TrimSpace(line), "  ")
		content, err := docsFiles.ReadFile("swagger/" + name)
		if err != nil {
			t.Error(err)
			continue
		}
		if got := sha256.Sum256(content); hex.EncodeToString(got[:]) != want {
			t.Errorf("%s was changed", name)
		}
		listed[name] = true
	}
	files, err := fs.ReadDir(docsFiles, "swagger")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		if !listed[f.Name()] {
			t.Errorf("%s has no checksum", f.Name())
		}
	}
}

func TestDocsAreServedWithAStrictPolicy(t *testing.T) {
	t.Parallel()
	a := New(Config{Store: panicStore{}, Engine: nil2{}})
	for path, want := range map[string]string{
		"/docs": "text/html; charset=utf-8", "/docs/init.js": "text/javascript; charset=utf-8",
		"/docs/swagger-ui-bundle.js": "text/javascript; charset=utf-8", "/docs/swagger-ui.css": "text/css; charset=utf-8",
	} {
		w := httptest.NewRecorder()
		a.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), "GET", path, nil))
		policy := w.Header().Get("Content-Security-Policy")
		_, script, _ := strings.Cut(policy, "script-src ")
		script, _, _ = strings.Cut(script, ";")
		if w.Code != 200 || w.Header().Get("Content-Type") != want || script != "'self'" || strings.Contains(policy, "unsafe") || w.Header().Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("%s: %d %v", path, w.Code, w.Header())
		}
		if path == "/docs" && (strings.Contains(w.Body.String(), "//unpkg") || strings.Contains(w.Body.String(), "https://")) {
			t.Error("the page loads from elsewhere")
		}
	}
}

func FuzzUnmarshal(f *testing.F) {
	for _, s := range []string{`{"a":{"b":[1,{"c":2,"c":3}]}}`, `[[],{}]`, `{"a":1`, `null`, `{"a":{},"b":{},"a":[]}`, "\xff", `{"":1,"":2}`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(_ *testing.T, data []byte) {
		var v any
		_ = unmarshal(data, &v)
		_ = unmarshal(data, &newPostBody{})
	})
}

func TestRepeatedNamesAreFound(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		`{"a":1,"b":{"a":1},"c":[{"a":1},{"a":2}]}`: "",
		`{"a":1,"a":2}`:                       "a",
		`{"a":{"b":1,"b":2}}`:                 "a.b",
		`{"a":[{"x":1},{"b":1,"b":{}}]}`:      "a[1].b",
		`[{"a":{},"a":[]}]`:                   "[0].a",
		`{"a":[[1],[{"k":1,"k":1}]],"b":"k"}`: "a[1][0].k",
		`{"":1,"":2}`:                         "",
	} {
		name, found := repeated([]byte(in))
		if name != want || found != (want != "" || strings.Contains(in, `"":2`)) {
			t.Errorf("%s: %q %t", in, name, found)
		}
	}
}

// Nested lists once took memory by the square of their number: 200 kB of them
// were enough to end the process.
func TestDeepBodiesAreRefused(t *testing.T) {
	t.Parallel()
	for in, deep := range map[string]bool{
		strings.Repeat("[", 500_000):                                                             true,
		strings.Repeat(`{"a":`, 100_000):                                                         true,
		strings.Repeat("[", maxDepth+1) + strings.Repeat("]", maxDepth+1):                        true,
		strings.Repeat("[", maxDepth) + strings.Repeat("]", maxDepth):                            false,
		`[` + strings.Repeat(`{"a":[]},`, 1000) + `0]`:                                           false,
		`{"a":"\\` + strings.Repeat(`[{\"`, 1000) + `"}`:                                         false,
		`{"` + strings.Repeat("k", 400_000) + `":[` + strings.Repeat(`{"a":1},`, 70_000) + `0]}`: false,
	} {
		var v any
		if err := unmarshal([]byte(in), &v); deep != (err != nil) {
			t.Errorf("%.20s… of %d bytes: %v", in, len(in), err)
		}
	}
}
