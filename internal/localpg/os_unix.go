//go:build unix && !linux

package localpg

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// locale of new clusters: C.UTF-8 does not exist on every one of these systems.
const locale = "C"

// dieWithParent can ask nothing of these kernels: an owner killed with SIGKILL
// leaves the server running, and the next owner stops it (settle).
func dieWithParent(*syscall.SysProcAttr) {}

// holders finds the postmaster that the cluster's own lock file names. That it
// is one, and not a stranger that inherited the id, is told by its command line.
func holders(data string) []int {
	b, err := os.ReadFile(filepath.Join(data, "postmaster.pid"))
	if err != nil {
		return nil
	}
	first, _, _ := strings.Cut(string(b), "\n")
	pid, err := strconv.Atoi(first)
	if err != nil || pid <= 1 {
		return nil
	}
	out, err := exec.CommandContext(context.Background(), "ps", "-ww", "-o", "command=", "-p", strconv.Itoa(pid)).Output()
	if err != nil || !strings.Contains(string(out), data) {
		return nil
	}
	return []int{pid}
}

// staleFiles reports whether the lock files in a cluster without holders may be
// removed. Here holders does not see backends without a postmaster; PostgreSQL
// itself does, by the files, so they stay.
const staleFiles = false

// memoryDir is "": these systems have no directory in memory by default.
func memoryDir() string { return "" }
