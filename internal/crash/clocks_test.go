//go:build clocks

package crash

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"momentcast/internal/postgres/postgrestest"
)

// Three replicas, one of whose clocks is right, one ten minutes ahead and one
// ten minutes behind, send one queue. Nothing leaves early, no lease is taken
// for lost, nothing leaves twice. The wrong clocks are real: the program is
// built with a runtime whose time.Now is off.
func TestClocksTenMinutesApart(t *testing.T) {
	s := newStage(t, postgrestest.URL(t), 20, 20*time.Millisecond, 1)
	right, wrong := binary(t), builtAs(t, wrongClock)
	s.enqueue(400, 2*time.Second, 12*time.Second)
	s.startProgram(right, "right", "")
	s.startProgram(wrong, "ahead", "", clockOff(10*time.Minute)...)
	s.startProgram(wrong, "behind", "", clockOff(-10*time.Minute)...)
	s.settle()
	got := s.judge()
	st := s.sim.Stats()
	type sender struct {
		Name  string
		Posts int
	}
	by := query[sender](s, `SELECT claimed_by, count(*) FROM posts GROUP BY 1 ORDER BY 1`)
	t.Logf("%s; early %d, lateness p50 %v p99 %v; by %v", got.String(), st.Lateness.Early, st.Lateness.P50, st.Lateness.P99, by)
	if st.Lateness.Early > 0 || got.ByState["sent"] != 400 || len(by) != 3 {
		t.Errorf("early %d, sent %d of 400, by %d replicas; want none, all, 3", st.Lateness.Early, got.ByState["sent"], len(by))
	}
	for _, p := range []struct{ name, off string }{{"ahead", "+10"}, {"behind", "-10"}} {
		s.wantClock(p.name, p.off)
	}
	if n := query[struct{ N int }](s, `SELECT count(*) FROM events WHERE action IN ('lapse', 'doubt')`)[0].N; n > 0 {
		t.Errorf("%d leases were taken for lost", n)
	}
}

// wantClock checks that the replica's clock really was off, by its log.
func (s *stage) wantClock(name, off string) {
	s.Helper()
	b, err := os.ReadFile(filepath.Join(s.dir, name+".log"))
	if err != nil {
		s.Fatal(err)
	}
	first, _, _ := strings.Cut(string(b), "\n")
	var line struct{ Time time.Time }
	if err := json.Unmarshal([]byte(first), &line); err != nil {
		s.Fatalf("log of %s: %v", name, err)
	}
	if got := time.Until(line.Time).Minutes(); (off == "+10") != (got > 8) || (off == "-10") != (got < -9) {
		s.Errorf("the clock of %s was off by %.1f minutes, want %s", name, got, off)
	}
}
