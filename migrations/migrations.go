// Package migrations holds the schema's history and runs it with goose.
package migrations

import (
	"context"
	"database/sql"
	"embed"
	"fmt"

	_ "github.com/jackc/pgx/v5/stdlib" // the "pgx" driver
	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"
)

// FS has every migration, in the order of their names.
//
//go:embed *.sql
var FS embed.FS

// Status is one migration and whether the database has it.
type Status struct {
	Version int64
	Name    string
	Applied bool
}

// Up brings the database at url to the newest schema and returns how many
// migrations that took. Several replicas may call it at once: a session lock
// lets one apply them while the others wait.
func Up(ctx context.Context, url string) (applied int, err error) {
	err = with(url, func(p *goose.Provider) error {
		done, err := p.Up(ctx)
		applied = len(done)
		return err
	})
	return applied, err
}

// Down takes the newest migration back.
func Down(ctx context.Context, url string) error {
	return with(url, func(p *goose.Provider) error {
		_, err := p.Down(ctx)
		return err
	})
}

// List tells of every migration whether the database at url has it.
func List(ctx context.Context, url string) (list []Status, err error) {
	err = with(url, func(p *goose.Provider) error {
		all, err := p.Status(ctx)
		for _, s := range all {
			list = append(list, Status{s.Source.Version, s.Source.Path, s.State == goose.StateApplied})
		}
		return err
	})
	return list, err
}

func with(url string, do func(*goose.Provider) error) error {
	db, err := sql.Open("pgx", url)
	if err != nil {
		return fmt.Errorf("open database: %w", err)
	}
	defer func() { _ = db.Close() }() // nothing is pending on it
	locker, err := lock.NewPostgresSessionLocker(lock.WithLockTimeout(1, 60))
	if err != nil {
		return err
	}
	p, err := goose.NewProvider(goose.DialectPostgres, db, FS, goose.WithSessionLocker(locker))
	if err != nil {
		return err
	}
	if err := do(p); err != nil {
		return fmt.Errorf("migrate: %w", err)
	}
	return nil
}
