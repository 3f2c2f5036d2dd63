package postgrestest

import (
	"context"
	"errors"
	"fmt"
	"os"
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
	srv, dir, err := startLocal(ctx, localpg.Config{Settings: map[string]string{
		"max_connections": "300",   // parallel tests, each with a pool or two
		"max_wal_size":    "256MB", // kept in memory, where there is enough of it
	}})
	if err != nil {
		return server{}, errors.Join(err, docker)
	}
	return server{url: srv.URL(), stop: func() error { return stopLocal(srv, dir) }, migrated: new(templateOnce)}, nil
}

// startLocal starts a server in Fast mode, on a directory that goes with it.
func startLocal(ctx context.Context, cfg localpg.Config) (_ *localpg.Server, dir string, err error) {
	if dir, err = localpg.MkdirTemp("momentcast-test-"); err != nil {
		return nil, "", err
	}
	cfg.DataDir, cfg.Fast = dir, true
	srv, err := localpg.Start(ctx, cfg)
	if err != nil {
		return nil, "", errors.Join(err, os.RemoveAll(dir))
	}
	return srv, dir, nil
}

func stopLocal(srv *localpg.Server, dir string) error {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if err := srv.Stop(ctx); err != nil {
		return err
	}
	return os.RemoveAll(dir)
}
