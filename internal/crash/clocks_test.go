//go:build clocks

package crash

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
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
	ahead, behind := builtWithClock(t, 10*time.Minute), builtWithClock(t, -10*time.Minute)
	s := newStage(t, postgrestest.URL(t), 20, 20*time.Millisecond, 1)
	s.enqueue(400, 2*time.Second, 12*time.Second)
	s.startProgram(binary(t), "right", "")
	s.startProgram(ahead, "ahead", "")
	s.startProgram(behind, "behind", "")
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

// builtWithClock builds the program with a runtime whose wall clock is off. The
// monotonic clock is as it was.
func builtWithClock(t *testing.T, off time.Duration) string {
	t.Helper()
	if runtime.GOOS != "linux" || runtime.GOARCH != "amd64" {
		t.Fatalf("wrong clocks are made for linux/amd64, not for %s/%s", runtime.GOOS, runtime.GOARCH)
	}
	dir := t.TempDir()
	src := filepath.Join(goroot(t), "src", "runtime")
	asm, err := os.ReadFile(filepath.Join(src, "time_linux_amd64.s"))
	if err != nil {
		t.Fatal(err)
	}
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	// The assembly keeps reading the clock under another name, and a function in
	// its place adds what the clock is off by.
	overlay := map[string]map[string]string{"Replace": {
		filepath.Join(src, "time_linux_amd64.s"): write("time_linux_amd64.s", strings.ReplaceAll(string(asm), "time·now", "runtime·rightnow")),
		filepath.Join(src, "timeasm.go"): write("timeasm.go", fmt.Sprintf(`
package runtime

import _ "unsafe"

func rightnow() (sec int64, nsec int32, mono int64)

//go:linkname time_now time.now
func time_now() (sec int64, nsec int32, mono int64) {
	sec, nsec, mono = rightnow()
	return sec + %d, nsec, mono
}
`, int64(off/time.Second))),
	}}
	b, err := json.Marshal(overlay)
	if err != nil {
		t.Fatal(err)
	}
	out := filepath.Join(dir, "momentcast")
	build := exec.Command("go", "build", "-overlay", write("overlay.json", string(b)), "-o", out, "momentcast/cmd/momentcast")
	if msg, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build with a clock that is off: %v\n%s", err, msg)
	}
	return out
}

func goroot(t *testing.T) string {
	t.Helper()
	out, err := exec.Command("go", "env", "GOROOT").Output()
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(out))
}
