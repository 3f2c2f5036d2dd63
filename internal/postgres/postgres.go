// Package postgres keeps the service's state in PostgreSQL: every query is
// here. A method of DB is one use case and its own transaction.
//
// Whoever can move an instance's ready_at (see docs/architecture.md) locks the
// instance row first, then touches its posts, then recomputes ready_at in a
// later statement of the same transaction; several instances are locked in the
// order of their ids. Time is the database's now() wherever two machines must
// agree.
package postgres

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"momentcast/internal/moment"
)

// DB answers the store interfaces of the packages that need one.
type DB struct {
	engine *pgxpool.Pool // short statements on few rows, with the planner held to index lookups
	pool   *pgxpool.Pool // everything else
	stride *stride       // of the expansion

	history memory // what this process knows of the database's history
}

// Options are the sizes of the pools. Zero fields mean their defaults.
type Options struct {
	EngineConns int // default 6: claim, intents, results, housekeeping
	Conns       int // default 8
}

// engineParams hold the engine's statements to index lookups, whatever the
// statistics say: they touch a batch of rows by key, and a plan that reads a
// table instead costs seconds when it is large. Their plans are made once.
var engineParams = map[string]string{
	"enable_seqscan":                      "off",
	"enable_hashjoin":                     "off",
	"enable_mergejoin":                    "off",
	"enable_memoize":                      "off",
	"enable_bitmapscan":                   "off",
	"jit":                                 "off",
	"plan_cache_mode":                     "force_generic_plan",
	"statement_timeout":                   "20s",
	"idle_in_transaction_session_timeout": "20s",
}

// Open returns a DB on the database at url. It does not connect: the service
// starts and says so when the database is not there yet. Ping tells.
func Open(url string, o Options) (*DB, error) {
	engine, err := openPool(url, orDefault(o.EngineConns, 6), engineParams)
	if err != nil {
		return nil, err
	}
	pool, err := openPool(url, orDefault(o.Conns, 8), map[string]string{
		"jit": "off", "statement_timeout": "60s", "idle_in_transaction_session_timeout": "60s",
	})
	if err != nil {
		engine.Close()
		return nil, err
	}
	return &DB{engine: engine, pool: pool, stride: new(stride)}, nil
}

func openPool(url string, conns int, params map[string]string) (*pgxpool.Pool, error) {
	cfg, err := pgxpool.ParseConfig(url)
	if err != nil {
		return nil, fmt.Errorf("database URL: %w", err)
	}
	cfg.MaxConns = int32(conns)
	cfg.MaxConnIdleTime = 5 * time.Minute
	cfg.ConnConfig.ConnectTimeout = 5 * time.Second
	for k, v := range params {
		cfg.ConnConfig.RuntimeParams[k] = v
	}
	cfg.ConnConfig.RuntimeParams["application_name"] = "momentcast"
	cfg.ConnConfig.RuntimeParams["timezone"] = "UTC"
	pool, err := pgxpool.NewWithConfig(context.Background(), cfg)
	if err != nil {
		return nil, fmt.Errorf("database pool: %w", err)
	}
	return pool, nil
}

func orDefault(n, def int) int {
	if n == 0 {
		return def
	}
	return n
}

// Ping reports whether the database answers.
func (db *DB) Ping(ctx context.Context) error { return translate(db.pool.Ping(ctx)) }

// Close releases every connection.
func (db *DB) Close() {
	db.engine.Close()
	db.pool.Close()
}

// Now is the database's clock.
func (db *DB) Now(ctx context.Context) (now time.Time, err error) {
	err = db.pool.QueryRow(ctx, `SELECT now()`).Scan(&now)
	return now, translate(err)
}

// translate gives the database's errors our names where the caller can do
// something about them. Queries return through it.
func translate(err error) error {
	if err == nil || errors.As(err, new(*moment.Error)) {
		return err
	}
	if errors.Is(err, pgx.ErrNoRows) {
		return &moment.Error{Kind: moment.NotFound, Message: "There is no such thing.", Err: err}
	}
	// Before the server's own words: a connection that was refused in words was refused.
	if ce := (*pgconn.ConnectError)(nil); errors.As(err, &ce) || pgconn.SafeToRetry(err) || cut(err) {
		return &moment.Error{Kind: moment.Unavailable, Message: "The database cannot be reached.", Err: err}
	}
	var pe *pgconn.PgError
	if !errors.As(err, &pe) {
		return err
	}
	switch {
	case pe.ConstraintName == "posts_external_key_idx":
		return &moment.Error{Kind: moment.Conflict, Message: "A post with this external_key exists already.", Err: err}
	case pe.ConstraintName == "posts_moment_idx":
		return &moment.Error{Kind: moment.Conflict, Message: "This moment is already recorded on another post of the instance.", Err: err}
	case pe.ConstraintName == "users_name_idx":
		return moment.InvalidFields([]moment.Field{{Path: "name", Message: "is taken"}})
	case pe.ConstraintName == "audiences_name_idx":
		return moment.InvalidFields([]moment.Field{{Path: "name", Message: "is taken"}})
	case pe.ConstraintName == "posts_audience_id_fkey":
		return moment.InvalidFields([]moment.Field{{Path: "audience_id", Message: "there is no such audience any more"}})
	case pe.ConstraintName == "instances_wc_id_key":
		return &moment.Error{Kind: moment.Conflict, Message: "This account is registered already.", Err: err}
	case pe.ConstraintName == "campaigns_external_key_idx":
		return &moment.Error{Kind: moment.Conflict, Message: "A campaign with this external_key exists already.", Err: err}
	case pe.ConstraintName == "campaign_releases":
		return &moment.Error{Kind: moment.Conflict, Message: "The post's campaign does not send now: it is paused, stopped or waits for approval. Decide about the campaign.", Err: err}
	case pe.Code == "23505":
		return &moment.Error{Kind: moment.Conflict, Message: "It exists already.", Err: err}
	case pe.ConstraintName == "posts_instance_id_fkey":
		return &moment.Error{Kind: moment.Invalid, Message: "There is no such instance.", Err: err}
	case pe.Code == "22023":
		return &moment.Error{Kind: moment.Invalid, Message: "The time zone is not known to the database.", Err: err}
	case pe.Code[:2] == "57" || pe.Code[:2] == "08" || pe.Code[:2] == "53" || pe.Code == "25006": // the last: a standby
		return &moment.Error{Kind: moment.Unavailable, Message: "The database is not able to answer now.", Err: err}
	}
	return err
}

// cut reports whether the connection was lost, or took too long.
func cut(err error) bool {
	var ne net.Error
	return errors.As(err, &ne) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF) || errors.Is(err, net.ErrClosed)
}

// missing says which thing is not there.
func missing(err error, what string) error {
	if errors.Is(err, pgx.ErrNoRows) {
		return moment.Errorf(moment.NotFound, "There is no such %s.", what)
	}
	return translate(err)
}
