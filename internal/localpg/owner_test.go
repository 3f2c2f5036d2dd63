//go:build unix

package localpg

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// ownerDir names the directory of a test binary that is run again to be the
// owner of a server, for only another process can be killed.
const ownerDir = "LOCALPG_TEST_OWNER"

func TestMain(m *testing.M) {
	if dir := os.Getenv(ownerDir); dir != "" {
		s, err := Start(context.Background(), Config{DataDir: dir, Fast: true})
		if err != nil {
			fmt.Fprintln(os.Stdout, err)
			os.Exit(1)
		}
		fmt.Fprintln(os.Stdout, s.PID())
		select {}
	}
	os.Exit(m.Run())
}

// owner is such a process; line is what it said, or closed when it was killed.
func owner(t *testing.T, dir string) (cmd *exec.Cmd, line <-chan string) {
	t.Helper()
	cmd = exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), ownerDir+"="+dir)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { kill(cmd) })
	said := make(chan string, 1)
	go func() {
		defer close(said)
		if sc := bufio.NewScanner(out); sc.Scan() {
			said <- sc.Text()
		}
	}()
	return cmd, said
}

func kill(cmd *exec.Cmd) {
	_ = cmd.Process.Kill()
	_ = cmd.Wait()
}

func TestNothingOutlivesAKilledOwner(t *testing.T) {
	t.Parallel()
	if !staleFiles {
		t.Skip("this kernel cannot tell a child that its parent died; the next owner stops the orphan")
	}
	dir := newDir(t)
	cmd, line := owner(t, dir)
	if pid, err := strconv.Atoi(<-line); err != nil || len(holders(filepath.Join(dir, "pg"))) == 0 {
		t.Fatalf("owner's server %d: %v", pid, err)
	}
	kill(cmd)
	deadline := time.Now().Add(20 * time.Second)
	for len(holders(filepath.Join(dir, "pg"))) > 0 {
		if time.Now().After(deadline) {
			t.Fatal("the server runs on without its owner")
		}
		time.Sleep(5 * time.Millisecond) //nolint:forbidigo // another process's end: nothing to wait on
	}
	execute(t, startIn(t, Config{DataDir: dir}), "SELECT 1")
}

// Whatever moment the owner dies at, the next one starts at once, without
// waiting for the orphans to be gone.
func TestStartAfterOwnerWasKilled(t *testing.T) {
	t.Parallel()
	for _, after := range []int{0, 20, 60, 150, 300, 500, 800} {
		t.Run(fmt.Sprintf("%dms", after), func(t *testing.T) {
			dir := newDir(t)
			cmd, line := owner(t, dir)
			select { // a moment of its life, not of the test's
			case <-line:
			case <-time.After(time.Duration(after) * time.Millisecond):
			}
			kill(cmd)
			execute(t, startIn(t, Config{DataDir: dir}), "SELECT 1")
		})
	}
}

func TestStartAfterBothWereKilled(t *testing.T) {
	t.Parallel()
	dir := newDir(t)
	cmd, line := owner(t, dir)
	pid, err := strconv.Atoi(<-line)
	if err != nil {
		t.Fatal(err)
	}
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	kill(cmd)
	execute(t, startIn(t, Config{DataDir: dir}), "SELECT 1")
}

func TestDirectoryInUseNamesItsOwner(t *testing.T) {
	t.Parallel()
	dir := newDir(t)
	cmd, line := owner(t, dir)
	if said := <-line; said == "" {
		t.Fatal("owner did not start")
	}
	_, err := Start(t.Context(), Config{DataDir: dir})
	if !errors.Is(err, ErrInUse) || !strings.Contains(err.Error(), strconv.Itoa(cmd.Process.Pid)) || !strings.Contains(err.Error(), dir) {
		t.Errorf("got %v", err)
	}
}

func TestSweepLeavesWhatIsOwned(t *testing.T) {
	t.Parallel()
	base := newDir(t)
	past := time.Now().Add(-time.Hour)
	for _, name := range []string{"x-gone", "x-owned", "x-young", "x-foreign", "y-gone"} {
		if err := os.Mkdir(filepath.Join(base, name), 0o711); err != nil {
			t.Fatal(err)
		}
		if name == "x-foreign" {
			continue // no lock: not made by Start
		}
		f, err := takeLock(t.Context(), filepath.Join(base, name))
		if err != nil {
			t.Fatal(err)
		}
		if name == "x-owned" {
			t.Cleanup(func() { _ = f.Close() })
		} else {
			_ = f.Close()
		}
		if name != "x-young" {
			if err := os.Chtimes(f.Name(), past, past); err != nil {
				t.Fatal(err)
			}
		}
	}
	sweep(filepath.Join(base, "x-*"))
	entries, err := os.ReadDir(base)
	if err != nil {
		t.Fatal(err)
	}
	var left []string
	for _, e := range entries {
		left = append(left, e.Name())
	}
	if got, want := strings.Join(left, " "), "x-foreign x-owned x-young y-gone"; got != want {
		t.Errorf("left %s, want %s", got, want)
	}
}
