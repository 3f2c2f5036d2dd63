package browser_test

import (
	"bufio"
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"
)

const orphanEnv = "MOMENTCAST_TEST_BROWSER_ORPHAN"

// beOrphaned starts the browser, says so, and waits to be killed.
func beOrphaned() {
	shared.once.Do(launch)
	if shared.err != nil {
		fmt.Fprintln(os.Stdout, shared.err)
		os.Exit(1)
	}
	fmt.Fprintln(os.Stdout, "started")
	select {}
}

// A killed test run leaves no browser behind.
func TestBrowserDiesWithTheTests(t *testing.T) {
	t.Parallel()
	if runtime.GOOS != "linux" {
		t.Skip("looks for processes in /proc")
	}
	dir := t.TempDir()
	self := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^$")
	self.Env = append(os.Environ(), orphanEnv+"=1", "TMPDIR="+dir) // the browser keeps its profile there
	out, err := self.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := self.Start(); err != nil {
		t.Fatal(err)
	}
	line, _ := bufio.NewReader(out).ReadString('\n')
	if line != "started\n" {
		t.Fatalf("no browser: %s", line)
	}
	if n := processesOf(dir); n < 2 {
		t.Fatalf("%d processes of the browser: this test looks for the wrong ones", n)
	}
	if err := self.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = self.Wait() // killed
	for deadline := time.Now().Add(patience); processesOf(dir) > 0; {
		if time.Now().After(deadline) {
			t.Fatalf("%d processes of the browser live on", processesOf(dir))
		}
		<-time.After(20 * time.Millisecond)
	}
}

// processesOf counts the processes that were told of the directory.
func processesOf(dir string) (n int) {
	files, _ := filepath.Glob("/proc/[0-9]*/cmdline")
	for _, f := range files {
		if b, err := os.ReadFile(f); err == nil && bytes.Contains(b, []byte("--user-data-dir="+dir)) && !strings.Contains(f, fmt.Sprint(os.Getpid())) {
			n++
		}
	}
	return n
}
