//go:build unix

package app

import (
	"os"
	"syscall"
)

// ours reports whether the file belongs to the user we are.
func ours(st os.FileInfo) bool {
	sys, ok := st.Sys().(*syscall.Stat_t)
	return ok && int(sys.Uid) == os.Geteuid()
}
