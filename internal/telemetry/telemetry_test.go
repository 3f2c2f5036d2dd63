package telemetry

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/rs/zerolog"

	"momentcast/internal/moment"
)

func TestLogFormats(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	log, err := NewLog(&out, "", Auto) // not a terminal
	if err != nil {
		t.Fatal(err)
	}
	log.Debug().Msg("not this")
	log.Info().Int("post", 7).Msg("sent")
	var line struct {
		Level, Message, Time string
		Post                 int
	}
	if err := json.Unmarshal(out.Bytes(), &line); err != nil {
		t.Fatalf("%v in %s", err, out.String())
	}
	if at, err := time.Parse(time.RFC3339Nano, line.Time); err != nil || time.Since(at).Abs() > time.Minute {
		t.Errorf("time %q: %v", line.Time, err)
	}
	if line.Level != "info" || line.Message != "sent" || line.Post != 7 {
		t.Errorf("line: %s", out.String())
	}

	out.Reset()
	if log, err = NewLog(&out, "warn", Console); err != nil {
		t.Fatal(err)
	}
	log.Info().Msg("not this")
	log.Warn().Dur("call_ms", 1234567*time.Microsecond).Str("component", "dispatch").Msg("slow")
	if got := out.String(); !strings.Contains(got, "WRN slow call_ms=1234.6") || strings.Contains(got, "dispatch") || strings.Contains(got, "not this") {
		t.Errorf("console: %s", got)
	}
}

func TestLogRefusesWhatItDoesNotKnow(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		level  string
		format Format
	}{{"loud", Auto}, {"disabled", Auto}, {"panic", Auto}, {"info", "xml"}} {
		if _, err := NewLog(io.Discard, tt.level, tt.format); err == nil {
			t.Errorf("%v is accepted", tt)
		}
	}
}

func scrape(t *testing.T, r *prometheus.Registry) string {
	t.Helper()
	w := httptest.NewRecorder()
	Handler(r).ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/metrics", nil))
	if w.Code != http.StatusOK {
		t.Fatalf("%d %s", w.Code, w.Body)
	}
	return w.Body.String()
}

func TestMeterCounts(t *testing.T) {
	t.Parallel()
	r := NewRegistry("v1")
	m := NewMeter(r)
	m.Claimed(3 * time.Millisecond)
	m.Claimed(-time.Second) // never before its time; a clock may say so
	m.Called(moment.InDoubt, "timeout", 8*time.Second)
	m.Stale()
	m.InFlight(5)
	got := scrape(t, r)
	for _, want := range []string{
		`momentcast_claim_lateness_seconds_bucket{le="0.001"} 1`,
		`momentcast_claim_lateness_seconds_bucket{le="0.005"} 2`,
		`momentcast_claim_lateness_seconds_bucket{le="3600"} 2`,
		`momentcast_gateway_calls_total{cause="timeout",verdict="in_doubt"} 1`,
		`momentcast_gateway_call_seconds_sum{verdict="in_doubt"} 8`,
		`momentcast_gateway_call_seconds_count{verdict="delivered"} 0`,
		`momentcast_late_results_total 1`,
		`momentcast_in_flight 5`,
		`momentcast_build_info{go="`,
		"go_goroutines",
		"process_resident_memory_bytes",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("no %s in\n%s", want, got)
		}
	}
}

// Figures are asked for once in ten seconds, however many scrape.
func TestCollectorAsksSeldom(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		asked := 0
		var fail error
		r := prometheus.NewRegistry()
		r.MustRegister(NewCollector(func(context.Context) (Figures, error) {
			asked++
			return Figures{
				Due: map[string]int64{"": 3, "gap": 2}, Held: map[string]int64{"gap": 1}, Attention: map[string]int64{"unknown": 4},
				Instances: map[string]int64{"online": 9}, Overdue: 1, Replicas: 2, GatewayUp: true, OldestXminAge: 77, OldestTransaction: 1.5,
			}, fail
		}, zerolog.Nop()))
		got := scrape(t, r)
		for _, want := range []string{
			"momentcast_database_up 1", `momentcast_posts_due{hold="none"} 3`, `momentcast_posts_due{hold="gap"} 2`,
			`momentcast_instances_held{reason="gap"} 1`, `momentcast_instances_held{reason="quiet_hours"} 0`,
			"momentcast_posts_unknown 4", "momentcast_posts_failed 0", "momentcast_posts_missed 0",
			`momentcast_instances{state="online"} 9`, `momentcast_instances{state="offline"} 0`,
			"momentcast_posts_overdue 1", "momentcast_replicas_alive 2", "momentcast_paused 0", "momentcast_gateway_up 1",
			"momentcast_database_oldest_xmin_transactions 77", "momentcast_database_oldest_xmin_seconds 1.5",
		} {
			if !strings.Contains(got, want+"\n") {
				t.Errorf("no %s in\n%s", want, got)
			}
		}
		scrape(t, r)
		<-time.After(askEvery - time.Second)
		scrape(t, r)
		if asked != 1 {
			t.Errorf("asked %d times", asked)
		}

		// An old figure would look like a current one.
		<-time.After(2 * time.Second)
		fail = errors.New("away")
		if got := scrape(t, r); asked != 2 || !strings.Contains(got, "momentcast_database_up 0\n") || strings.Contains(got, "posts_due") {
			t.Errorf("asked %d times; while it is away: %s", asked, got)
		}
		<-time.After(askEvery)
		fail = nil
		if got := scrape(t, r); !strings.Contains(got, "momentcast_database_up 1\n") {
			t.Errorf("when it is back: %s", got)
		}
	})
}

// A scrape does not wait for a database that hangs.
func TestCollectorGivesUp(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := prometheus.NewRegistry()
		r.MustRegister(NewCollector(func(ctx context.Context) (Figures, error) {
			<-ctx.Done()
			return Figures{}, ctx.Err()
		}, zerolog.Nop()))
		began := time.Now()
		if got := scrape(t, r); !strings.Contains(got, "momentcast_database_up 0\n") {
			t.Error(got)
		}
		if took := time.Since(began); took != askLimit {
			t.Errorf("waited %s", took)
		}
	})
}
