package localpg

import (
	"os"
	"path/filepath"
	"strconv"
	"syscall"
)

// locale of new clusters: byte order for sorting, Unicode for upper and lower
// case, and the same on every machine.
const locale = "C.UTF-8"

// dieWithParent asks the kernel to tell the server to stop (fast shutdown) when
// the thread that started it ends; whoever starts one therefore stays on its thread.
func dieWithParent(attr *syscall.SysProcAttr) { attr.Pdeathsig = syscall.SIGINT }

// holders lists the processes of the cluster. Every process of a cluster has the
// data directory as its working directory, so this finds backends whose
// postmaster was killed, too; and never a stranger that inherited a recorded id.
func holders(data string) []int {
	links, err := filepath.Glob("/proc/[0-9]*/cwd")
	if err != nil {
		return nil
	}
	var pids []int
	for _, l := range links {
		if dir, err := os.Readlink(l); err == nil && dir == data {
			if pid, err := strconv.Atoi(filepath.Base(filepath.Dir(l))); err == nil {
				pids = append(pids, pid)
			}
		}
	}
	return pids
}

// staleFiles reports whether the lock files in a cluster without holders may be
// removed. Here holders is complete, so they may; and they must, for a recorded
// id that another program has by now would keep PostgreSQL from starting.
const staleFiles = true

// enoughMemory is what must be free for throw-away clusters to live in memory:
// several test processes at once, some with a few hundred thousand rows.
const enoughMemory = 4 << 30

// memoryDir is a directory in memory, "" when there is none of a good size (a
// container's has 64 MB). Creating a database creates some 300 files: 15 ms in
// memory, and 300 ms on a disk where creating one takes a millisecond.
func memoryDir() string {
	const dir = "/dev/shm"
	var st syscall.Statfs_t
	if err := syscall.Statfs(dir, &st); err != nil || st.Bavail*uint64(st.Bsize) < enoughMemory {
		return ""
	}
	return dir
}
