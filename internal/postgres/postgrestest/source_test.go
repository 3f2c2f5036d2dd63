package postgrestest

import (
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/fstest"
	"time"
)

func TestDockerAnswers(t *testing.T) {
	t.Parallel()
	engine := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/_ping" {
			http.NotFound(w, r)
		}
	}))
	defer engine.Close()
	other := httptest.NewServer(http.NotFoundHandler())
	defer other.Close()
	silent, err := net.Listen("tcp", "127.0.0.1:0") // accepts, and never answers
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = silent.Close() }()

	for host, want := range map[string]bool{
		strings.Replace(engine.URL, "http", "tcp", 1): true,
		strings.Replace(other.URL, "http", "tcp", 1):  false,
		"tcp://" + silent.Addr().String():             false,
		"unix:///nonexistent/docker.sock":             false,
		"ssh://somewhere":                             false,
		"::":                                          false,
	} {
		if _, got := dockerAnswers(t.Context(), host, 100*time.Millisecond); got != want {
			t.Errorf("%s answers: %v, want %v", host, got, want)
		}
	}
}

func TestTemplateNameFollowsMigrations(t *testing.T) {
	t.Parallel()
	name := func(files fstest.MapFS) string {
		n, err := templateName(files)
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	a := name(fstest.MapFS{"1.sql": {Data: []byte("x")}, "2.sql": {Data: []byte("y")}})
	b := name(fstest.MapFS{"1.sql": {Data: []byte("x")}, "2.sql": {Data: []byte("z")}})
	if a == b {
		t.Errorf("both are %s", a)
	}
	if len(a) > 63 {
		t.Errorf("%s is longer than PostgreSQL's names", a)
	}
}

func TestWithDatabase(t *testing.T) {
	t.Parallel()
	got, err := withDatabase("postgres://u:p@/postgres?host=%2Fx%2Frun&sslmode=disable", "other")
	if want := "postgres://u:p@/other?host=%2Fx%2Frun&sslmode=disable"; err != nil || got != want {
		t.Errorf("got %q, %v; want %q", got, err, want)
	}
	if _, err := withDatabase("host=/x dbname=y", "other"); err == nil {
		t.Error("accepts an address that is no URL")
	}
}
