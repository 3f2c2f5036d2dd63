package app

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/rs/zerolog"

	"momentcast/internal/localpg"
)

// ownDatabase is the PostgreSQL that we run ourselves, below the data
// directory. One that ends without being told to is started again.
type ownDatabase struct {
	srv  *localpg.Server
	log  zerolog.Logger
	quit chan struct{}
	kept sync.WaitGroup
}

// databaseDir is where in the data directory our own PostgreSQL lives.
func databaseDir(dataDir string) string { return filepath.Join(dataDir, "postgres") }

func startOwn(ctx context.Context, dataDir string, log zerolog.Logger) (*ownDatabase, error) {
	began := time.Now()
	log = log.With().Str("component", "postgres").Logger()
	srv, err := localpg.Start(ctx, localpg.Config{
		DataDir: databaseDir(dataDir),
		Log:     logLines{log},
		// Several pools, a person with psql, and room.
		Settings: map[string]string{"max_connections": "60"},
	})
	if err != nil {
		return nil, fmt.Errorf("own PostgreSQL: %w", err)
	}
	log.Info().Int("version", srv.Version()).Str("dir", databaseDir(dataDir)).Dur("took_ms", time.Since(began)).Msg("own PostgreSQL runs")
	o := &ownDatabase{srv: srv, log: log, quit: make(chan struct{})}
	o.kept.Go(o.keep)
	return o, nil
}

// keep starts the server again when it ends by itself.
func (o *ownDatabase) keep() {
	for {
		select {
		case <-o.quit:
			return
		case <-o.srv.Done():
		}
		o.log.Error().Err(o.srv.Err()).Msg("own PostgreSQL has ended; starting it again")
		for {
			ctx, done := context.WithTimeout(context.Background(), time.Minute)
			err := o.srv.Restart(ctx, true)
			done()
			if err == nil {
				break
			}
			o.log.Error().Err(err).Msg("own PostgreSQL does not start; trying again")
			select {
			case <-o.quit:
				return
			case <-time.After(2 * time.Second):
			}
		}
	}
}

// stop ends the server, in an orderly way if limit allows.
func (o *ownDatabase) stop(limit time.Duration) error {
	close(o.quit)
	o.kept.Wait()
	ctx, done := context.WithTimeout(context.Background(), limit)
	defer done()
	if err := o.srv.Stop(ctx); err != nil {
		return fmt.Errorf("stop own PostgreSQL: %w", err)
	}
	return nil
}

// RunningDatabase is the address of the PostgreSQL that another momentcast
// runs in its data directory.
func RunningDatabase(dataDir string) (Secret, error) {
	def(&dataDir, DefaultDataDir)
	dir, err := filepath.Abs(databaseDir(dataDir))
	if err != nil {
		return "", err
	}
	// The server writes there where it listens: process id, data directory,
	// start, port, socket directory.
	b, err := os.ReadFile(filepath.Join(dir, "pg", "postmaster.pid"))
	if errors.Is(err, os.ErrNotExist) {
		return "", fmt.Errorf("no database: MOMENTCAST_DATABASE_URL is not set, and no momentcast runs with the data directory %s: set it, or start `momentcast serve`", dataDir)
	}
	if err != nil {
		return "", fmt.Errorf("own PostgreSQL of %s: %w", dataDir, err)
	}
	line := strings.Split(string(b), "\n")
	if len(line) < 5 {
		return "", fmt.Errorf("own PostgreSQL of %s is just starting: try again", dataDir)
	}
	return ownURL(line[4], line[3]), nil
}

// logLines takes the server's log into ours, a line each.
type logLines struct{ log zerolog.Logger }

// Write implements io.Writer.
func (l logLines) Write(p []byte) (int, error) {
	for text := range strings.Lines(string(p)) {
		text = strings.TrimSpace(text)
		switch {
		case text == "":
		case strings.Contains(text, "PANIC:"), strings.Contains(text, "FATAL:") && !usual(text):
			l.log.Warn().Msg(text)
		default:
			l.log.Debug().Msg(text)
		}
	}
	return len(p), nil
}

// usual reports whether the line belongs to any start or stop.
func usual(text string) bool {
	return strings.Contains(text, "terminating connection") || strings.Contains(text, "starting up") ||
		strings.Contains(text, "not yet accepting connections") || strings.Contains(text, "shutting down")
}

func ownURL(socket, port string) Secret {
	q := url.Values{"host": {socket}, "port": {port}, "sslmode": {"disable"}}
	return Secret("postgres://postgres@/postgres?" + q.Encode())
}
