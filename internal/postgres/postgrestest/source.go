package postgrestest

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"momentcast/internal/localpg"
)

// start finds or starts the server of this test process. A container that does
// not come up (no image, no network) is no reason to fail while there are
// binaries on the machine; an address that was set on purpose is.
func start(ctx context.Context) (server, error) {
	if url := os.Getenv("MOMENTCAST_TEST_DATABASE_URL"); url != "" {
		if err := execute(ctx, url, "SELECT 1"); err != nil {
			return server{}, fmt.Errorf("MOMENTCAST_TEST_DATABASE_URL: %w", err)
		}
		return server{url: url, migrated: new(templateOnce)}, nil
	}
	var docker error
	if host, ok := dockerAnswers(ctx, os.Getenv("DOCKER_HOST"), 2*time.Second); ok {
		var s server
		if s, docker = startContainer(ctx); docker == nil {
			return s, nil
		}
		docker = fmt.Errorf("container on %s: %w", host, docker)
	}
	srv, dir, err := startLocal(ctx, localpg.Config{Settings: map[string]string{"max_connections": "300"}})
	if err != nil {
		return server{}, errors.Join(err, docker)
	}
	return server{url: srv.URL(), stop: func() error { return stopLocal(srv, dir) }, migrated: new(templateOnce)}, nil
}

// startLocal starts a server on a directory that goes with it.
func startLocal(ctx context.Context, cfg localpg.Config) (_ *localpg.Server, dir string, err error) {
	// A temporary directory below /root cannot be entered by the server's user.
	for _, parent := range []string{os.TempDir(), "/tmp", "/var/tmp"} {
		localpg.RemoveStale(filepath.Join(parent, "momentcast-test-*"))
		if dir, err = os.MkdirTemp(parent, "momentcast-test-"); err != nil {
			return nil, "", err
		}
		if err = os.Chmod(dir, 0o711); err != nil { //nolint:gosec // the server's user must get through, when root runs the tests
			return nil, "", err
		}
		cfg.DataDir, cfg.Fast = dir, true
		var srv *localpg.Server
		if srv, err = localpg.Start(ctx, cfg); err == nil {
			return srv, dir, nil
		}
		_ = os.RemoveAll(dir)
		if !errors.Is(err, localpg.ErrNotEnterable) {
			break
		}
	}
	return nil, "", err
}

func stopLocal(srv *localpg.Server, dir string) error {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if err := srv.Stop(ctx); err != nil {
		return err
	}
	return os.RemoveAll(dir)
}
