// Command river is the peer that momentcast is measured beside: the general
// job queue River, doing the same work in the way its documentation advises.
// It is a module of its own, so that River is no dependency of momentcast.
//
//	river -database=… fill     make the tables, take the posts from standard input, one JSON object a line
//	river -database=… enqueue  likewise, but each at its due time, one transaction a post
//	river -database=… work     work them until told to stop
//
// Whatever a job needs stands in its arguments, so that it reads no row before
// it calls, and MaxAttempts is 1: River never repeats a call. How it is done is
// judged by the referee, which is the gateway, and not here.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/riverqueue/river/rivermigrate"
)

// options are how River is used; the zero value of one is River's own default.
type options struct {
	database, gateway, token string

	workers        int
	cooldown, poll time.Duration
	conns          int
	record         string // what is written of a success: job or row
	gate           bool   // one post of an account at a time
	snooze         time.Duration
	ready          string // file to make once it works; "" = none
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:], os.Stdin)
	stopped := ctx.Err() != nil
	stop()
	if err != nil && !stopped {
		fmt.Fprintln(os.Stderr, "river:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, in io.Reader) error {
	var o options
	f := flag.NewFlagSet("river", flag.ContinueOnError)
	f.StringVar(&o.database, "database", "", "address of the database")
	f.StringVar(&o.gateway, "gateway", "", "base URL of the gateway")
	f.StringVar(&o.token, "token", "", "Authorization for the gateway")
	f.IntVar(&o.workers, "workers", 100, "MaxWorkers")
	f.DurationVar(&o.cooldown, "cooldown", river.FetchCooldownDefault, "FetchCooldown")
	f.DurationVar(&o.poll, "poll", river.FetchPollIntervalDefault, "FetchPollInterval")
	f.IntVar(&o.conns, "conns", 20, "connections to the database")
	f.StringVar(&o.record, "record", "row", "job: the finished job is the only record; row: the moment's id is kept in the post's row")
	f.BoolVar(&o.gate, "gate", false, "at most one post of an account at a time")
	f.DurationVar(&o.snooze, "snooze", 10*time.Millisecond, "until a post whose account is busy is tried again")
	f.StringVar(&o.ready, "ready", "", "file to make once it works")
	if err := f.Parse(args); err != nil {
		return err
	}
	pool, err := open(ctx, o)
	if err != nil {
		return err
	}
	defer pool.Close()
	switch f.Arg(0) {
	case "fill":
		return fill(ctx, pool, in)
	case "enqueue":
		return enqueue(ctx, pool, in)
	case "work":
		return work(ctx, pool, o)
	}
	return errors.New("say fill, enqueue or work")
}

func open(ctx context.Context, o options) (*pgxpool.Pool, error) {
	cfg, err := pgxpool.ParseConfig(o.database)
	if err != nil {
		return nil, err
	}
	cfg.MaxConns = int32(o.conns)
	return pgxpool.NewWithConfig(ctx, cfg)
}

// quiet keeps River's own log to errors.
func quiet() *slog.Logger {
	return slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelError}))
}

// tables are what a service around River would have of its own: the posts, and
// the accounts with their gate.
const tables = `
	CREATE TABLE IF NOT EXISTS posts (
		id bigint PRIMARY KEY, account bigint NOT NULL, state text NOT NULL, due_at timestamptz NOT NULL, sent_at timestamptz, moment_id text,
		content text NOT NULL, title text NOT NULL, description text NOT NULL, url text NOT NULL, thumb_url text NOT NULL);
	CREATE TABLE IF NOT EXISTS accounts (id bigint PRIMARY KEY, in_flight bigint) WITH (fillfactor = 80)`

func migrate(ctx context.Context, pool *pgxpool.Pool) error {
	m, err := rivermigrate.New(riverpgxv5.New(pool), &rivermigrate.Config{Logger: quiet()})
	if err != nil {
		return err
	}
	if _, err := m.Migrate(ctx, rivermigrate.DirectionUp, nil); err != nil {
		return err
	}
	_, err = pool.Exec(ctx, tables)
	return err
}

// read takes posts from standard input, up to n at a time, until do says no.
func read(in io.Reader, n int, do func([]Post) error) error {
	lines := json.NewDecoder(bufio.NewReader(in))
	for {
		batch := make([]Post, 0, n)
		for len(batch) < n {
			var p Post
			err := lines.Decode(&p)
			if errors.Is(err, io.EOF) {
				if len(batch) == 0 {
					return nil
				}
				return do(batch)
			}
			if err != nil {
				return fmt.Errorf("standard input: %w", err)
			}
			batch = append(batch, p)
		}
		if err := do(batch); err != nil {
			return err
		}
	}
}
