//go:build unix

package localpg

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"
)

// process is one run of the server program.
type process struct {
	cmd  *exec.Cmd
	data string
	tail *tail
	done chan struct{}
	err  error // how it ended; read only after done
}

// launch starts the server. The goroutine that does keeps its thread until the
// server ends, because dieWithParent is tied to the thread and not the process.
func launch(c *cluster, bin binaries, args []string, log io.Writer) (*process, error) {
	p := &process{
		//nolint:noctx // Stop ends it, and no context: it has to outlive the one of its start
		cmd:  exec.Command(filepath.Join(bin.dir, "postgres"), args...),
		data: c.data,
		tail: &tail{next: log},
		done: make(chan struct{}),
	}
	// The working directory tells a cluster's processes from others: see holders.
	p.cmd.Dir, p.cmd.Env, p.cmd.SysProcAttr = c.data, environ(), c.as.procAttr()
	p.cmd.Stdout, p.cmd.Stderr = p.tail, p.tail
	p.cmd.WaitDelay = 2 * time.Second // a backend that outlives a killed server holds the pipe
	started := make(chan error, 1)
	go func() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := p.cmd.Start()
		started <- err
		if err == nil {
			p.err = p.cmd.Wait()
			close(p.done)
		}
	}()
	if err := <-started; err != nil {
		return nil, fmt.Errorf("start PostgreSQL: %w", err)
	}
	return p, nil
}

// ready waits until the server answers; it ends early when the server does.
func (p *process) ready(ctx context.Context, url string) error {
	for {
		conn, err := pgx.Connect(ctx, url)
		if err == nil {
			return conn.Close(ctx)
		}
		select {
		case <-p.done:
			_, how := p.ended()
			return errors.Join(fmt.Errorf("PostgreSQL ended while starting: %s", p.tail), how)
		case <-ctx.Done():
			return fmt.Errorf("PostgreSQL does not answer: %w; its last words: %s", ctx.Err(), p.tail)
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// ended reports whether the process has, and how.
func (p *process) ended() (bool, error) {
	select {
	case <-p.done:
		return true, p.err
	default:
		return false, nil
	}
}

// shutdowns are the ways to end a server, each harder than the one before.
var shutdowns = []syscall.Signal{syscall.SIGINT, syscall.SIGQUIT, syscall.SIGKILL}

// stop ends the server, beginning with the given signal, and returns when its
// last process is gone.
func (p *process) stop(ctx context.Context, first syscall.Signal) error {
	for _, sig := range shutdowns {
		if slices.Index(shutdowns, sig) < slices.Index(shutdowns, first) {
			continue
		}
		if err := p.cmd.Process.Signal(sig); err != nil {
			break // it has ended
		}
		wait := time.NewTimer(10 * time.Second)
		hurry := ctx.Done()
		if sig == syscall.SIGKILL {
			hurry = nil // no signal is left to send; the kernel needs a moment
		}
		select {
		case <-p.done:
		case <-wait.C:
		case <-hurry:
		}
		wait.Stop()
		if over, _ := p.ended(); over {
			break
		}
	}
	return p.gone()
}

// gone waits for the backends of a server that was killed. They notice within
// moments; a cluster must not be reused or removed under them.
func (p *process) gone() error {
	deadline := time.Now().Add(10 * time.Second)
	for {
		pids := holders(p.data)
		if over, _ := p.ended(); over && len(pids) == 0 {
			return nil
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("PostgreSQL did not stop: processes %v still run on %s", pids, p.data)
		}
		time.Sleep(10 * time.Millisecond) //nolint:forbidigo // other processes' ends: nothing to wait on
	}
}

// environ is what the server's programs get of our environment: not our
// settings, for some of them are secrets, and not PG…, which would override ours.
func environ() []string {
	env := []string{"LC_ALL=" + locale}
	for _, name := range []string{"PATH", "HOME", "TZ", "TMPDIR", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH"} {
		if v, ok := os.LookupEnv(name); ok {
			env = append(env, name+"="+v)
		}
	}
	return env
}

// tail passes the server's log on and keeps its end for error messages.
type tail struct {
	next io.Writer

	mu   sync.Mutex
	last []byte
}

const tailSize = 2 << 10

func (t *tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	t.last = append(t.last, p...)
	if over := len(t.last) - tailSize; over > 0 {
		t.last = append(t.last[:0], t.last[over:]...)
	}
	t.mu.Unlock()
	if t.next != nil {
		_, _ = t.next.Write(p) // a log that cannot be written must not stop the database
	}
	return len(p), nil
}

func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return strings.TrimSpace(string(t.last))
}
