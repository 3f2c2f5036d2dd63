//go:build unix

package localpg

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"time"
)

// cluster is a data directory prepared for a server: owned, enterable, with a
// place for the socket.
type cluster struct {
	base   string // DataDir, absolute
	data   string // the cluster proper
	socket string // the socket's directory
	as     *account
	lock   *os.File
}

// socketMax is how long a socket's path may be where that is shortest (macOS).
const socketMax = 103

// openCluster takes ownership of dir and makes what a server needs around its
// cluster, but not the cluster itself.
func openCluster(ctx context.Context, dir string) (_ *cluster, err error) {
	base, err := filepath.Abs(dir)
	if err != nil {
		return nil, err
	}
	c := &cluster{base: base, data: filepath.Join(base, "pg"), socket: filepath.Join(base, "run")}
	if c.as, err = runAs(c.data); err != nil {
		return nil, err
	}
	if err := c.makeBase(); err != nil {
		return nil, err
	}
	if c.lock, err = takeLock(ctx, base); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			c.release()
		}
	}()
	if len(c.socket) > socketMax-len("/.s.PGSQL.65535") {
		if c.socket, err = os.MkdirTemp("", "momentcast-pg-"); err != nil {
			return nil, err
		}
	}
	for _, d := range []string{c.data, c.socket} {
		if err := c.makeOwned(d); err != nil {
			return nil, err
		}
	}
	return c, nil
}

// makeBase creates the data directory, open to the server's user whatever the
// umask says; one that was there before is left as it is.
func (c *cluster) makeBase() error {
	if err := c.as.mayEnter(c.base); err != nil {
		return err
	}
	if _, err := os.Stat(c.base); !errors.Is(err, os.ErrNotExist) {
		return err
	}
	if err := os.MkdirAll(c.base, 0o755); err != nil { //nolint:gosec // the parents, as mkdir -p makes them
		return err
	}
	if c.as == nil {
		return os.Chmod(c.base, 0o700) //nolint:gosec // a directory needs its x bit
	}
	if err := os.Chmod(c.base, 0o711); err != nil { //nolint:gosec // the server's user passes through, and lists nothing
		return err
	}
	return c.as.mayEnter(c.base) // a strict umask closed a parent we just made
}

// makeOwned creates a directory that only the server's user may enter. It never
// changes the owner of a cluster: one half changed would be lost.
func (c *cluster) makeOwned(dir string) error {
	err := os.Mkdir(dir, 0o700)
	if err == nil || dir == c.socket && errors.Is(err, os.ErrExist) {
		return c.as.own(dir)
	}
	if !errors.Is(err, os.ErrExist) {
		return err
	}
	return c.as.owns(dir)
}

// version is the major version of the cluster, 0 when there is none yet.
func (c *cluster) version() (int, error) {
	file := filepath.Join(c.data, "PG_VERSION")
	b, err := os.ReadFile(file)
	if errors.Is(err, os.ErrNotExist) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	major, err := strconv.Atoi(strings.TrimSpace(string(b)))
	if err != nil {
		return 0, fmt.Errorf("%s: %w", file, err)
	}
	return major, nil
}

// initialise makes a new, empty cluster.
func (c *cluster) initialise(ctx context.Context, bin binaries, fast bool) error {
	return c.build(ctx, "initdb", func(fresh string) *exec.Cmd {
		args := []string{"-D", fresh, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=" + locale}
		if fast {
			args = append(args, "--no-sync")
		}
		return exec.CommandContext(ctx, filepath.Join(bin.dir, "initdb"), args...)
	}, func(string) error { return nil })
}

// build makes the cluster by a program and what has to be prepared after it: in
// a new directory that is renamed when complete, because a killed program must
// not leave half a cluster in place.
func (c *cluster) build(ctx context.Context, name string, by func(fresh string) *exec.Cmd, prepare func(fresh string) error) error {
	if err := c.removeDrafts(ctx); err != nil {
		return err
	}
	fresh, err := os.MkdirTemp(c.base, "init-")
	if err != nil {
		return err
	}
	if err := c.as.own(fresh); err != nil {
		return err
	}
	cmd := by(fresh)
	cmd.Dir, cmd.Env, cmd.SysProcAttr = fresh, environ(), c.as.procAttr()
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) } // lets it stop its own children
	cmd.WaitDelay = 5 * time.Second
	runtime.LockOSThread() // dieWithParent means this thread
	out, err := cmd.CombinedOutput()
	runtime.UnlockOSThread()
	if err != nil {
		_ = os.RemoveAll(fresh)
		return fmt.Errorf("%s: %w: %s", name, err, strings.TrimSpace(string(out)))
	}
	if err := prepare(fresh); err != nil {
		_ = os.RemoveAll(fresh)
		return err
	}
	if err := os.Remove(c.data); err != nil {
		return err // only ever empty here, and Remove refuses anything else
	}
	return os.Rename(fresh, c.data)
}

// removeDrafts deletes what killed initdbs left, after the last of their
// processes: one whose directory vanishes panics and leaves shared memory behind.
func (c *cluster) removeDrafts(ctx context.Context) error {
	left, err := filepath.Glob(filepath.Join(c.base, "init-*"))
	if err != nil {
		return err
	}
	for _, dir := range left {
		for len(holders(dir)) > 0 {
			if err := pause(ctx, 20*time.Millisecond); err != nil {
				return fmt.Errorf("an earlier initdb still runs in %s: %w", dir, err)
			}
		}
		if err := os.RemoveAll(dir); err != nil {
			return err
		}
	}
	return nil
}

// release gives the data directory up. Only after the server has ended.
func (c *cluster) release() {
	if filepath.Dir(c.socket) != c.base {
		_ = os.RemoveAll(c.socket) // made for this run only; a killed owner leaves it, empty
	}
	_ = c.lock.Close()
}
