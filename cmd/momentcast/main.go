// Momentcast queues WeChat Moments link cards and sends each one at its time,
// once. This is its command line: the service, the demo, the tools beside them,
// and a client of the API.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	_ "time/tzdata" // the container has no zone files of its own
)

// version is set by the build: -ldflags "-X main.version=v1.2.3".
var version = "dev"

// exitInterrupted is what a program ends with that was interrupted twice.
const exitInterrupted = 130

func main() {
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	os.Exit(supervise(signals, func(ctx context.Context) int { return run(ctx, os.Args[1:], os.Stdout, os.Stderr) }))
}

// supervise runs the command and returns its exit code. The first signal asks
// it to stop, the second one does not wait.
func supervise(signals <-chan os.Signal, command func(context.Context) int) int {
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	ended := make(chan int, 1)
	go func() { ended <- command(ctx) }()
	for stopping := false; ; stopping = true {
		select {
		case code := <-ended:
			return code
		case <-signals:
			if stopping {
				return exitInterrupted
			}
			stop()
		}
	}
}

// run is the program without its process: it returns the exit code.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) (code int) {
	// Kong prints help and then wants to exit.
	defer func() {
		if r := recover(); r != nil {
			asked, ok := r.(exit)
			if !ok {
				panic(r)
			}
			code = int(asked)
		}
	}()
	err := execute(ctx, args, stdout, stderr)
	var failed failure
	switch {
	case err == nil:
		return 0
	case errors.As(err, &failed): // it has said what there is to say
		return int(failed)
	}
	fmt.Fprintln(stderr, "momentcast: "+line(err))
	return 1
}

// exit is what kong's wish to exit travels as.
type exit int

// failure is an exit code without words.
type failure int

func (f failure) Error() string { return fmt.Sprintf("exit code %d", int(f)) }
