//go:build !unix

package localpg

import "context"

// Server is a running PostgreSQL; on this operating system there is none.
type Server struct{}

// Start fails with ErrUnsupported.
func Start(context.Context, Config) (*Server, error) { return nil, ErrUnsupported }

// MkdirTemp fails with ErrUnsupported.
func MkdirTemp(string) (string, error) { return "", ErrUnsupported }

// URL is empty.
func (*Server) URL() string { return "" }

// Version is zero.
func (*Server) Version() int { return 0 }

// PID is zero.
func (*Server) PID() int { return 0 }

// Done returns nil, which is never ready.
func (*Server) Done() <-chan struct{} { return nil }

// Err fails with ErrUnsupported.
func (*Server) Err() error { return ErrUnsupported }

// Stop has nothing to stop.
func (*Server) Stop(context.Context) error { return nil }

// Restart fails with ErrUnsupported.
func (*Server) Restart(context.Context, bool) error { return ErrUnsupported }

// Standby fails with ErrUnsupported.
func (*Server) Standby(context.Context, Config, Replication) (*Server, error) {
	return nil, ErrUnsupported
}

// Backup fails with ErrUnsupported.
func (*Server) Backup(context.Context, string) error { return ErrUnsupported }

// Set fails with ErrUnsupported.
func (*Server) Set(context.Context, string, string) error { return ErrUnsupported }

// Promote fails with ErrUnsupported.
func (*Server) Promote(context.Context) error { return ErrUnsupported }

// Kill fails with ErrUnsupported.
func (*Server) Kill() error { return ErrUnsupported }
