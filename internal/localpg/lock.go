//go:build unix

package localpg

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// lockPatience is how long a new owner waits for the old one's lock: a killed
// process lets go within milliseconds, a living one does not.
const lockPatience = 3 * time.Second

// takeLock makes this process the owner of base until the file is closed. The
// child processes do not inherit it: Go opens files close-on-exec.
func takeLock(ctx context.Context, base string) (*os.File, error) {
	f, err := os.OpenFile(filepath.Join(base, "lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	deadline := time.Now().Add(lockPatience)
	for {
		err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if err == nil {
			break
		}
		if !errors.Is(err, syscall.EWOULDBLOCK) || time.Now().After(deadline) {
			owner := lockOwner(f)
			_ = f.Close()
			if errors.Is(err, syscall.EWOULDBLOCK) {
				err = ErrInUse
			}
			return nil, fmt.Errorf("data directory %s: %w%s", base, err, owner)
		}
		if err := pause(ctx, 50*time.Millisecond); err != nil {
			_ = f.Close()
			return nil, err
		}
	}
	// The content only serves the message above; the lock is what counts.
	if err := f.Truncate(0); err == nil {
		_, _ = f.WriteAt([]byte(strconv.Itoa(os.Getpid())+"\n"), 0)
	}
	return f, nil
}

func lockOwner(f *os.File) string {
	b := make([]byte, 32)
	n, _ := f.ReadAt(b, 0)
	pid := strings.TrimSpace(string(b[:n]))
	if _, err := strconv.Atoi(pid); err != nil {
		return ""
	}
	return " (process " + pid + "): stop it first, or choose another data directory"
}

// RemoveStale deletes the data directories matching a pattern whose owners are
// gone, as a killed test run leaves them. It leaves alone what is owned, and what
// is younger than a minute, which somebody may be about to lock.
func RemoveStale(pattern string) {
	dirs, err := filepath.Glob(pattern)
	if err != nil {
		return
	}
	for _, dir := range dirs {
		f, err := os.Open(filepath.Join(dir, "lock"))
		if err != nil {
			continue
		}
		st, err := f.Stat()
		old := err == nil && time.Since(st.ModTime()) > time.Minute
		free := old && syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB) == nil
		if free && len(holders(filepath.Join(dir, "pg"))) == 0 {
			_ = os.RemoveAll(dir)
		}
		_ = f.Close()
	}
}

// pause waits, or fails as soon as ctx is done.
func pause(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}
