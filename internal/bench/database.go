package bench

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"
)

// exec runs one statement on the database at url.
func (s *stage) exec(ctx context.Context, url, statement string, args ...any) error {
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close(ctx) }() // nothing is pending on it
	_, err = conn.Exec(ctx, statement, args...)
	return err
}

// count answers one number from the database at url.
func (s *stage) count(ctx context.Context, url, query string) (n int, err error) {
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		return 0, err
	}
	defer func() { _ = conn.Close(ctx) }() // nothing is pending on it
	err = conn.QueryRow(ctx, query).Scan(&n)
	return n, err
}

// database makes a new one and returns its address.
func (s *stage) database(ctx context.Context) (string, error) { return s.clone(ctx, "template1") }

// clone makes a new database with what another has. It is filled once and
// worked many times: filling takes longer than sending.
func (s *stage) clone(ctx context.Context, from string) (url string, err error) {
	s.serial++
	name := fmt.Sprint("bench_", s.serial)
	if err := s.exec(ctx, s.pg.URL(), "CREATE DATABASE "+name+" TEMPLATE "+from); err != nil {
		return "", err
	}
	cfg, err := pgx.ParseConfig(s.pg.URL())
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("host=%s port=%d user=%s dbname=%s sslmode=disable", cfg.Host, cfg.Port, cfg.User, name), nil
}

// drop removes a database, whoever is still connected.
func (s *stage) drop(ctx context.Context, url string) error {
	name, err := databaseName(url)
	if err != nil {
		return err
	}
	return s.exec(ctx, s.pg.URL(), "DROP DATABASE "+name+" WITH (FORCE)")
}

func databaseName(url string) (string, error) {
	cfg, err := pgx.ParseConfig(url)
	if err != nil {
		return "", err
	}
	return cfg.Database, nil
}

// serverVersion is PostgreSQL's version with the settings that decide.
func serverVersion(ctx context.Context, url string) (text string, err error) {
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		return "", err
	}
	defer func() { _ = conn.Close(ctx) }() // nothing is pending on it
	const q = `
		SELECT current_setting('server_version') || ', ' || string_agg(name || ' ' || current_setting(name), ', ' ORDER BY name)
		FROM pg_settings WHERE name IN ('fsync', 'synchronous_commit', 'full_page_writes', 'shared_buffers', 'max_connections')`
	err = conn.QueryRow(ctx, q).Scan(&text)
	return text, err
}
