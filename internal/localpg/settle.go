//go:build unix

package localpg

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// settle waits for what a killed owner or a killed server left behind. A new
// server beside an old one's processes would corrupt the cluster, so as long as
// any of them lives, nothing is removed and nothing started.
func (c *cluster) settle(ctx context.Context, port int) error {
	for n := 0; ; n++ {
		pids := holders(c.data)
		if len(pids) == 0 {
			return c.removeStale(port)
		}
		// We hold the lock, so a postmaster that lives is an orphan. Its backends
		// notice its end by themselves. Asked again now and then: it may have been
		// too young to listen.
		if pid := c.postmaster(); n%20 == 0 && slices.Contains(pids, pid) {
			_ = syscall.Kill(pid, syscall.SIGINT)
		}
		if err := pause(ctx, 50*time.Millisecond); err != nil {
			return fmt.Errorf("processes %v of an earlier server still run on %s: %w", pids, c.data, err)
		}
	}
}

func (c *cluster) removeStale(port int) error {
	if !staleFiles {
		return nil
	}
	socket := filepath.Join(c.socket, ".s.PGSQL."+strconv.Itoa(port))
	return removeAny(filepath.Join(c.data, "postmaster.pid"), socket, socket+".lock")
}

// postmaster reads the id that the cluster's own lock file records, 0 when none.
func (c *cluster) postmaster() int {
	b, err := os.ReadFile(filepath.Join(c.data, "postmaster.pid"))
	if err != nil {
		return 0
	}
	first, _, _ := strings.Cut(string(b), "\n")
	pid, err := strconv.Atoi(first)
	if err != nil {
		return 0
	}
	return pid
}

// removeAny deletes files that need not be there.
func removeAny(files ...string) error {
	for _, f := range files {
		if err := os.Remove(f); err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
	}
	return nil
}
