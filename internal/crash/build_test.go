package crash

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"
)

// variant is a way to build the program.
type variant string

// The variants.
const (
	asReleased variant = ""
	failpoints variant = "failpoints" // can be told to end itself at chosen lines
	wrongClock variant = "clock"      // its wall clock is off: see clockOff
	// Broken on purpose: what nothing here may overlook.
	brokenFence variant = "brokenfence" // calls without a committed intent
	brokenDoubt variant = "brokendoubt" // calls again without knowing what became of the last call
)

// builds are made once and shared by all tests. Each in its turn: two at once
// would compile the same packages twice.
var builds struct {
	mu   sync.Mutex
	dir  string
	made map[variant]string
}

// binary is the program with failpoints compiled in.
func binary(t testing.TB) string { return builtAs(t, failpoints) }

func builtAs(t testing.TB, v variant) string {
	t.Helper()
	builds.mu.Lock()
	defer builds.mu.Unlock()
	if path := builds.made[v]; path != "" {
		return path
	}
	if builds.dir == "" {
		dir, err := os.MkdirTemp("", "momentcast-crash") //nolint:usetesting // all tests share it
		if err != nil {
			t.Fatal(err)
		}
		builds.dir, builds.made = dir, map[variant]string{}
	}
	path := filepath.Join(builds.dir, "momentcast"+string(v))
	args := []string{"build", "-o", path}
	switch v {
	case asReleased:
	case wrongClock:
		args = append(args, "-overlay", clockOverlay(t, builds.dir))
	default:
		args = append(args, "-tags", string(v))
	}
	if out, err := exec.Command("go", append(args, "momentcast/cmd/momentcast")...).CombinedOutput(); err != nil {
		t.Fatalf("build the program (%q): %v\n%s", v, err, out)
	}
	builds.made[v] = path
	return path
}

// clockOff is the environment in which a program built as wrongClock has a wall
// clock that is off.
func clockOff(by time.Duration) []string {
	return []string{fmt.Sprintf("CLOCK_OFF=%d", by/time.Second)}
}

// clockLeaping is the same of a clock that leaps between that much ahead and
// that much behind.
func clockLeaping(by, every time.Duration) []string {
	return append(clockOff(by), fmt.Sprintf("CLOCK_LEAP=%d", every/time.Second))
}

// wrongNow takes the place of the function that tells the time. The monotonic
// clock is as it was.
const wrongNow = `
package runtime

import _ "unsafe"

func rightnow() (sec int64, nsec int32, mono int64)

var clockRead bool
var clockOff, clockLeap int64

//go:linkname time_now time.now
func time_now() (sec int64, nsec int32, mono int64) {
	sec, nsec, mono = rightnow()
	if !clockRead {
		clockOff, clockLeap = clockNumber("CLOCK_OFF"), clockNumber("CLOCK_LEAP")
		clockRead = true
	}
	off := clockOff
	if clockLeap > 0 && mono/1e9/clockLeap%2 == 1 {
		off = -off
	}
	return sec + off, nsec, mono
}

func clockNumber(name string) (n int64) {
	text, sign := gogetenv(name), int64(1)
	for i := 0; i < len(text); i++ {
		if text[i] == '-' {
			sign = -1
			continue
		}
		n = 10*n + int64(text[i]-'0')
	}
	return sign * n
}
`

// clockOverlay writes what makes go build a runtime whose wall clock is off.
func clockOverlay(t testing.TB, dir string) string {
	t.Helper()
	if runtime.GOOS != "linux" || runtime.GOARCH != "amd64" {
		t.Fatalf("wrong clocks are made for linux/amd64, not for %s/%s", runtime.GOOS, runtime.GOARCH)
	}
	out, err := exec.Command("go", "env", "GOROOT").Output()
	if err != nil {
		t.Fatal(err)
	}
	src := filepath.Join(strings.TrimSpace(string(out)), "src", "runtime")
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
		filepath.Join(src, "timeasm.go"):         write("timeasm.go", wrongNow),
	}}
	b, err := json.Marshal(overlay)
	if err != nil {
		t.Fatal(err)
	}
	return write("overlay.json", string(b))
}
