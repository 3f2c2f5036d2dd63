//go:build unix

package localpg

import (
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"time"
)

// MkdirTemp makes a directory for a throw-away cluster: in memory where there is
// enough, unless TMPDIR is set, and where the server's user can enter. The caller
// removes it after Stop. Directories of the same prefix whose owners were killed
// before they could are removed here.
func MkdirTemp(prefix string) (string, error) {
	as, err := runAs("")
	if err != nil {
		return "", err
	}
	// os.TempDir can be below /root, hence the last two.
	parents := []string{memoryDir(), os.TempDir(), "/tmp", "/var/tmp"}
	if os.Getenv("TMPDIR") != "" {
		parents = parents[1:]
	}
	var errs []error
	for _, parent := range parents {
		if parent == "" {
			continue
		}
		sweep(filepath.Join(parent, prefix+"*"))
		dir, err := os.MkdirTemp(parent, prefix)
		if err == nil {
			err = os.Chmod(dir, 0o711) //nolint:gosec // the server's user must get through
		}
		if err == nil {
			err = as.mayEnter(dir)
		}
		if err == nil {
			return dir, nil
		}
		_ = os.RemoveAll(dir)
		errs = append(errs, err)
	}
	return "", errors.Join(errs...)
}

// sweep deletes the data directories matching a pattern whose owners are
// gone, as a killed test run leaves them. It leaves alone what is owned, and what
// is younger than a minute, which somebody may be about to lock.
func sweep(pattern string) {
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
