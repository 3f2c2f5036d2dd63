package sim

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strconv"
	"sync/atomic"
	"testing"
	"time"
)

// sink is a ResponseWriter that costs nothing.
type sink struct{ h http.Header }

func (s *sink) Header() http.Header         { return s.h }
func (s *sink) Write(b []byte) (int, error) { return len(b), nil }
func (s *sink) WriteHeader(int)             {}

func benchAccounts(n int) []Account {
	list := make([]Account, n)
	for i := range list {
		list[i] = Account{WcID: fmt.Sprintf("wxid_%06d", i), OnlineFor: 100 * time.Hour}
	}
	return list
}

func benchBodies(s *Sim) (prefixes [][]byte) {
	for _, a := range s.accounts() {
		f := card(a.wID, 0)
		delete(f, "url")
		b, _ := json.Marshal(f)
		prefixes = append(prefixes, append(b[:len(b)-1], `,"url":"https://example.com/p?due=1790000000000000000&n=`...))
	}
	return prefixes
}

// BenchmarkSend is the handler alone: what the simulator itself costs.
func BenchmarkSend(b *testing.B) {
	for name, cfg := range map[string]Config{
		"full":    {},
		"lean":    {Lean: true},
		"journal": {Lean: true, Journal: "set below"},
	} {
		b.Run(name, func(b *testing.B) {
			cfg.Accounts = benchAccounts(200)
			if cfg.Journal != "" {
				cfg.Journal = filepath.Join(b.TempDir(), "journal") // a new one for each run
			}
			s, err := New(cfg)
			if err != nil {
				b.Fatal(err)
			}
			defer s.Close()
			bodies, n := benchBodies(s), 0
			b.ReportAllocs()
			for b.Loop() {
				body := append(strconv.AppendInt(bytes.Clone(bodies[n%200]), int64(n), 10), `"}`...)
				n++
				r := httptest.NewRequest(http.MethodPost, "/snsSendUrl", bytes.NewReader(body))
				r.Header.Set("Content-Type", "application/json")
				r.Header.Set("Authorization", "x")
				s.Handler().ServeHTTP(&sink{http.Header{}}, r)
			}
			if st := s.Stats(); st.Accepted < b.N || st.Doubles != 0 {
				b.Fatalf("%d accepted, %d doubles", st.Accepted, st.Doubles)
			}
			b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "posts/s")
		})
	}
}

// BenchmarkServe is the whole way over HTTP with keep-alive; the client is on
// the same cores and costs more than the simulator.
func BenchmarkServe(b *testing.B) {
	s, err := New(Config{Lean: true, Accounts: benchAccounts(200)})
	if err != nil {
		b.Fatal(err)
	}
	srv := httptest.NewServer(s.Handler())
	defer srv.Close()
	defer s.Close()
	bodies := benchBodies(s)
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 64}}
	var n atomic.Int64
	b.SetParallelism(16)
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			i := n.Add(1)
			body := append(strconv.AppendInt(bytes.Clone(bodies[i%200]), i, 10), `"}`...)
			r, _ := http.NewRequest(http.MethodPost, srv.URL+"/snsSendUrl", bytes.NewReader(body))
			r.Header.Set("Content-Type", "application/json")
			r.Header.Set("Authorization", "x")
			resp, err := client.Do(r)
			if err != nil {
				b.Error(err)
				return
			}
			_, _ = bytes.NewBuffer(nil).ReadFrom(resp.Body)
			resp.Body.Close()
		}
	})
	b.ReportMetric(float64(n.Load())/b.Elapsed().Seconds(), "posts/s")
}

// BenchmarkTimeline reads a page in the middle of 100 000 moments.
func BenchmarkTimeline(b *testing.B) {
	s, err := New(Config{Accounts: benchAccounts(1)})
	if err != nil {
		b.Fatal(err)
	}
	acc := s.accounts()[0]
	for i := range 100_000 {
		req := sendBody{WID: acc.wID}
		req.Content, req.URL = "内容", "https://example.com/"+strconv.Itoa(i)
		if _, err := s.accept(acc, &req, time.Now(), ""); err != nil {
			b.Fatal(err)
		}
	}
	mid := bigUint(acc.moments[50_000].id)
	for b.Loop() {
		if got := s.read([]*account{acc}, acc, mid); len(got) != pageSize {
			b.Fatal(len(got))
		}
	}
}
