package client_test

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"momentcast/internal/client"
)

// serve answers the requests one after the other, the last for ever, and keeps
// what it was asked.
func serve(t *testing.T, answers ...http.HandlerFunc) (c *client.Client, asked func() []*http.Request) {
	t.Helper()
	var mu sync.Mutex
	var requests []*http.Request
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		r.Body = io.NopCloser(strings.NewReader(string(b)))
		mu.Lock()
		requests = append(requests, r)
		n := len(requests)
		mu.Unlock()
		answers[min(n, len(answers))-1](w, r)
	}))
	t.Cleanup(srv.Close)
	c, err := client.New(srv.URL+"/prefix/", "mc_token", "v1")
	if err != nil {
		t.Fatal(err)
	}
	return c, func() []*http.Request { mu.Lock(); defer mu.Unlock(); return requests }
}

func problem(status int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/problem+json")
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}
}

func fine(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("ETag", `"3"`)
	w.Header().Set("Idempotency-Replayed", "true")
	_, _ = io.WriteString(w, `{"id":7}`)
}

func cut(w http.ResponseWriter, _ *http.Request) { panic(http.ErrAbortHandler) }

func TestRequestSaysWhatItIs(t *testing.T) {
	t.Parallel()
	c, asked := serve(t, fine)
	a, err := c.Do(t.Context(), client.Request{Method: "PATCH", Path: "/posts/7", Query: map[string][]string{"q": {"a b"}}, Body: map[string]int{"x": 1}, Key: "k", Match: `"2"`})
	if err != nil || string(a.Body) != `{"id":7}` || a.ETag != `"3"` || !a.Replayed {
		t.Fatalf("%+v, %v", a, err)
	}
	r := asked()[0]
	body, _ := io.ReadAll(r.Body)
	got := []string{r.Method, r.URL.String(), string(body)}
	for _, h := range []string{"Authorization", "Content-Type", "Idempotency-Key", "If-Match", "User-Agent"} {
		got = append(got, r.Header.Get(h))
	}
	want := []string{"PATCH", "/prefix/api/v1/posts/7?q=a+b", `{"x":1}`, "Bearer mc_token", "application/json", "k", `"2"`, "momentcast-cli/v1"}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

func TestOnlyWhatMayBeRepeatedIs(t *testing.T) {
	t.Parallel()
	busy := problem(503, `{"status":503,"code":"unavailable","detail":"later"}`)
	for name, tt := range map[string]struct {
		answers []http.HandlerFunc
		q       client.Request
		asked   int
		fails   bool
	}{
		"a look":                       {[]http.HandlerFunc{cut, busy, fine}, client.Request{Method: "GET", Path: "/status"}, 3, false},
		"a creation with a key":        {[]http.HandlerFunc{cut, fine}, client.Request{Method: "POST", Path: "/posts", Body: 1, Key: "k"}, 2, false},
		"an action":                    {[]http.HandlerFunc{cut, fine}, client.Request{Method: "POST", Path: "/posts/1/retry"}, 1, true},
		"an action the service defers": {[]http.HandlerFunc{busy, fine}, client.Request{Method: "POST", Path: "/posts/1/retry"}, 1, true},
		"for ever":                     {[]http.HandlerFunc{busy}, client.Request{Method: "GET", Path: "/status"}, 3, true},
		"what was refused":             {[]http.HandlerFunc{problem(422, `{"status":422,"detail":"no"}`)}, client.Request{Method: "GET", Path: "/status"}, 1, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c, asked := serve(t, tt.answers...)
			_, err := c.Do(t.Context(), tt.q)
			if (err != nil) != tt.fails || len(asked()) != tt.asked {
				t.Errorf("%d requests, %v", len(asked()), err)
			}
		})
	}
}

func TestProblemIsToldWhole(t *testing.T) {
	t.Parallel()
	c, _ := serve(t, problem(422, `{"status":422,"code":"invalid","detail":"Some fields are not right.","request_id":"R1","errors":[{"location":"body.url","message":"is required"},{"location":"query.q","message":"is too long"}]}`))
	_, err := c.Do(t.Context(), client.Request{Method: "POST", Path: "/posts"})
	if p, ok := errors.AsType[*client.Problem](err); !ok || p.Code != "invalid" || p.Error() != "Some fields are not right.\n  url: is required\n  query.q: is too long" {
		t.Errorf("%v", err)
	}
	c, _ = serve(t, problem(500, `{"status":500,"detail":"Something went wrong on our side.","request_id":"R1"}`))
	if _, err := c.Do(t.Context(), client.Request{Method: "POST", Path: "/x"}); !strings.Contains(err.Error(), "R1") {
		t.Error(err)
	}
	c, _ = serve(t, func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/elsewhere", http.StatusFound) })
	if _, err := c.Do(t.Context(), client.Request{Method: "POST", Path: "/x"}); err == nil || !strings.Contains(err.Error(), "is it a momentcast") {
		t.Error(err)
	}
}

func TestBadAddressesAreRefused(t *testing.T) {
	t.Parallel()
	for _, server := range []string{"", "localhost:8080", "ftp://x", "http://", "http://a:b@x", "http://x?y", "://"} {
		if _, err := client.New(server, "t", ""); err == nil {
			t.Errorf("%q is taken", server)
		}
	}
	if _, err := client.New("http://x", "a\nb", ""); err == nil || strings.Contains(err.Error(), "a\nb") {
		t.Error(err)
	}
}
