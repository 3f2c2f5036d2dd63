//go:build failpoints

// Package failpoint lets crash tests end the process at a chosen line. Without
// the build tag "failpoints" it does nothing and costs nothing.
package failpoint

import (
	"os"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"time"
)

// point is read from MOMENTCAST_FAILPOINT: "name:count:signal", where the
// count-th hit of name sends the process the signal: KILL, or STOP, which
// freezes it until somebody continues it.
var point = parse(os.Getenv("MOMENTCAST_FAILPOINT"))

type armed struct {
	name   string
	left   atomic.Int64
	signal syscall.Signal
}

func parse(s string) *armed {
	f := strings.Split(s, ":")
	if len(f) != 3 {
		return nil
	}
	n, err := strconv.ParseInt(f[1], 10, 64)
	if err != nil {
		return nil
	}
	a := &armed{name: f[0], signal: syscall.SIGKILL}
	if f[2] == "STOP" {
		a.signal = syscall.SIGSTOP
	}
	a.left.Store(n)
	return a
}

// Hit marks a point at which a test may end the process.
func Hit(name string) {
	if point == nil || point.name != name || point.left.Add(-1) != 0 {
		return
	}
	_ = syscall.Kill(os.Getpid(), point.signal)
	time.Sleep(50 * time.Millisecond) // the signal takes a moment, in which nothing may happen here
}
