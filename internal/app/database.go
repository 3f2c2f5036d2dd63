package app

import (
	"context"
	"fmt"
	"time"

	"github.com/rs/zerolog"

	"momentcast/internal/moment"
	"momentcast/internal/postgres"
	"momentcast/migrations"
)

const (
	retryEvery = time.Second     // between two tries to reach the database
	sayEvery   = 5 * time.Second // between two log lines about it
	tryLimit   = 5 * time.Second // for one try
)

// prepare brings the database to where work can begin: reachable, migrated,
// known to be the one it was, and with the settings that were given. It waits
// for a database that is away, for as long as ctx lasts, and returns every
// error that waiting does not cure.
func (s *service) prepare(ctx context.Context, db *postgres.DB, url string) error {
	steps := []struct {
		what string
		do   func(context.Context) error
	}{
		{"reach the database", func(ctx context.Context) error {
			ctx, done := context.WithTimeout(ctx, tryLimit)
			defer done()
			return db.Ping(ctx)
		}},
		{"migrate the database", func(ctx context.Context) error { return migrate(ctx, db, url, s.log) }},
		{"apply the settings", func(ctx context.Context) error { return s.applySettings(ctx, db) }},
		{"check the deployment", func(ctx context.Context) error { return s.checkDeployment(ctx, db) }},
		{"create the first API token", func(ctx context.Context) error { return s.bootstrap(ctx, db) }},
		{"recompute when instances are ready", db.RefreshAll},
	}
	for _, step := range steps {
		if err := s.patiently(ctx, step.what, step.do); err != nil {
			return err
		}
	}
	return nil
}

// patiently repeats what fails because the database cannot answer.
func (s *service) patiently(ctx context.Context, what string, do func(context.Context) error) error {
	var said time.Time
	for {
		err := do(ctx)
		switch {
		case err == nil:
			if !said.IsZero() {
				s.log.Info().Msg("the database answers")
			}
			s.waiting.Store(nil)
			return nil
		case ctx.Err() != nil:
			return ctx.Err()
		case !postgres.Unavailable(err):
			return Plain(what, err)
		}
		s.waiting.Store(new(err.Error()))
		if time.Since(said) >= sayEvery {
			s.log.Warn().Err(err).Msgf("cannot %s; trying again every second. If this goes on: %s", what, postgres.Explain(err))
			said = time.Now()
		}
		t := time.NewTimer(retryEvery)
		select {
		case <-ctx.Done():
		case <-t.C:
		}
		t.Stop()
	}
}

// Plain is an error of the database in one line: what happened, why, what to do.
func Plain(what string, err error) error {
	if todo := postgres.Explain(err); todo != "" {
		return fmt.Errorf("cannot %s: %w: %s", what, err, todo)
	}
	return fmt.Errorf("cannot %s: %w", what, err)
}

// migrate brings the schema to the newest. A schema newer than we are is
// refused: what this program does not know of, it could break.
func migrate(ctx context.Context, db *postgres.DB, url string, log zerolog.Logger) error {
	newest, err := postgres.NewestSchema()
	if err != nil {
		return err
	}
	is, err := db.Schema(ctx)
	if err != nil {
		return err
	}
	if is > newest {
		return fmt.Errorf("the database has migration %d and this program knows them up to %d only: run the newer version, or restore a backup from before it", is, newest)
	}
	n, err := migrations.Up(ctx, url)
	if n > 0 {
		log.Info().Int("migrations", n).Int64("schema", newest).Msg("database migrated")
	}
	return err
}

// applySettings writes what was given explicitly over what is stored.
func (s *service) applySettings(ctx context.Context, db *postgres.DB) error {
	stored, err := db.Settings(ctx)
	if err != nil {
		return err
	}
	want, said := s.cfg.Pacing.over(stored)
	if !said {
		return nil
	}
	return db.ApplySettings(ctx, want, s.origin())
}

func (s *service) checkDeployment(ctx context.Context, db *postgres.DB) error {
	found, err := db.CheckDeployment(ctx, s.origin())
	switch {
	case err != nil:
		return err
	case found == postgres.DeploymentUntold:
		s.log.Info().Msg("the database does not tell its identity to our user: a restored copy would not be noticed (grant pg_monitor to have it noticed)")
	case found == postgres.DeploymentCopy:
		s.log.Error().Msg("THIS DATABASE IS A COPY of another deployment. Everything is paused, so that nothing is sent a second time: check what is queued, then resume")
	}
	return nil
}

func (s *service) origin() moment.Origin { return moment.System(s.cfg.Replica) }
