// Package app puts the parts together and runs them: the service, the demo,
// and what the command line does beside them.
package app

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"time"

	"github.com/rs/zerolog"

	"momentcast/internal/postgres"
)

// stopLimit bounds what is left to do when everything has been told to stop.
const stopLimit = 3 * time.Second

// Run serves until ctx ends. It calls listening as soon as it can be asked for
// its health, which is before it has found its database; /readyz says when it
// works.
//
// It stops in this order: no new requests and no new claims; then what is in
// flight, within the grace period; then the database.
func Run(ctx context.Context, cfg Config, log zerolog.Logger, listening func(net.Addr)) (err error) {
	if err := cfg.Validate(); err != nil {
		return fmt.Errorf("configuration: %w", err)
	}
	cfg = cfg.withDefaults()
	s, err := newService(cfg, log)
	if err != nil {
		return fmt.Errorf("configuration: %w", err)
	}
	defer s.gw.Close()
	web, err := s.listen(ctx)
	if err != nil {
		return err
	}
	log.Info().Str("version", cfg.Version).Str("replica", cfg.Replica).Str("addr", web.addr().String()).Msg("momentcast starts")
	listening(web.addr())

	ctx, stop := context.WithCancel(ctx)
	defer stop()
	if cfg.DebugAddr != "" {
		var profiles sync.WaitGroup
		defer profiles.Wait()
		defer stop()
		profiles.Go(func() {
			if err := s.debug(ctx); err != nil {
				log.Error().Err(err).Msg("no profiles can be taken")
			}
		})
	}
	served := make(chan error, 1)
	go func() {
		defer stop() // without its pages and API, there is no service
		served <- web.serve()
	}()
	err = s.live(ctx, web)
	stop()
	web.close() // in case nothing has yet
	log.Info().Msg("momentcast has stopped")
	return errors.Join(err, <-served)
}

// live finds the database, works until ctx ends, and puts away what it took.
func (s *service) live(ctx context.Context, web *web) (err error) {
	url := s.cfg.DatabaseURL.Reveal()
	if url == "" {
		own, err := startOwn(ctx, s.cfg.DataDir, s.log)
		if err != nil {
			return unlessStopped(ctx, err)
		}
		defer func() { err = errors.Join(err, own.stop(stopLimit)) }()
		url = own.srv.URL()
	}
	db, err := postgres.Open(url, postgres.Options{})
	if err != nil {
		return fmt.Errorf("MOMENTCAST_DATABASE_URL: %w", err)
	}
	defer db.Close()
	if err := s.prepare(ctx, db, url); err != nil {
		return unlessStopped(ctx, err)
	}

	w := s.begin(db)
	defer w.books.Close()
	defer w.imports.Close()
	defer w.pages.Close()
	if err := s.firstPerson(ctx, w.auth); err != nil {
		return unlessStopped(ctx, err)
	}
	var parts sync.WaitGroup
	parts.Go(func() { w.dispatcher.Run(ctx) })
	parts.Go(func() { s.registerCallback(ctx, db) })
	parts.Go(func() { w.auth.Run(ctx) })
	parts.Go(func() { w.pages.Run(ctx) })
	s.log.Info().Msg("ready to work")
	<-ctx.Done()
	s.log.Info().Dur("grace_ms", s.cfg.Grace).Msg("stopping: no new work; what is under way may end")
	w.pages.Close() // open pages listen to streams that would not end by themselves
	web.shutdown(s.cfg.Grace)
	parts.Wait()
	return nil
}

// unlessStopped is err, or nil where it only says that we were told to stop.
func unlessStopped(ctx context.Context, err error) error {
	if ctx.Err() != nil && errors.Is(err, ctx.Err()) {
		return nil
	}
	return err
}
