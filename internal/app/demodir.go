package app

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"momentcast/internal/localpg"
)

func notEnterable(err error) bool { return errors.Is(err, localpg.ErrNotEnterable) }

// sharedDir is a directory of ours in the temporary one, the same at every
// start. Others can write beside it, so that it is used only if it is ours.
func sharedDir() (string, error) {
	dir := filepath.Join(os.TempDir(), fmt.Sprintf("momentcast-demo-%d", os.Geteuid()))
	err := os.Mkdir(dir, 0o711) //nolint:gosec // the server's user must get through
	if err != nil && !errors.Is(err, os.ErrExist) {
		return "", err
	}
	st, err := os.Lstat(dir)
	if err != nil {
		return "", err
	}
	if !st.IsDir() || !ours(st) || st.Mode().Perm()&0o022 != 0 {
		return "", fmt.Errorf("%s belongs to somebody else: choose a directory with --data-dir", dir)
	}
	return dir, os.Chmod(dir, 0o711) //nolint:gosec // whatever the umask was
}
