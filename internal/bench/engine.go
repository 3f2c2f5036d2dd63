package bench

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"time"

	"github.com/jackc/pgx/v5"
	"golang.org/x/sync/errgroup"

	"momentcast/internal/moment"
	"momentcast/internal/postgres"
	"momentcast/migrations"
)

// engineOf is the real service with every promise kept: gates, intents,
// attempts, audit. env sets it up.
func engineOf(label string, env ...string) contestant {
	return contestant{
		name: "engine", label: label,
		left: `SELECT count(*) FROM posts WHERE state IN ('scheduled', 'claimed', 'sending') AND due_at < now() AND id > %d`,
		sent: `SELECT count(*) FROM posts WHERE state = 'sent' AND moment_id IS NOT NULL AND id > %d`,
		fill: func(ctx context.Context, s *stage, url string, posts []post) error {
			return fillQueue(ctx, url, s.accounts, posts)
		},
		feed: feedEngine,
		start: func(ctx context.Context, s *stage, url string) (*exec.Cmd, error) {
			return s.serve(ctx, url, env...)
		},
	}
}

// feedEngine adds each post when it is due, as the API would.
func feedEngine(ctx context.Context, _ *stage, url string, posts []post) error {
	ids, err := accountIDs(ctx, url)
	if err != nil {
		return err
	}
	db, err := postgres.Open(url, postgres.Options{EngineConns: feeders, Conns: 1})
	if err != nil {
		return err
	}
	defer db.Close()
	var all errgroup.Group
	all.SetLimit(feeders)
	for _, p := range posts {
		t := time.NewTimer(time.Until(p.due))
		select {
		case <-ctx.Done():
			t.Stop()
			return errors.Join(ctx.Err(), all.Wait())
		case <-t.C:
		}
		all.Go(func() error { return enqueue(ctx, db, ids, []post{p}) })
	}
	return all.Wait()
}

// accountIDs are the instances that the referee knows, in its order; none in a
// database without tables.
func accountIDs(ctx context.Context, url string) ([]int64, error) {
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		return nil, err
	}
	defer func() { _ = conn.Close(ctx) }() // nothing is pending on it
	var made bool
	if err := conn.QueryRow(ctx, `SELECT to_regclass('instances') IS NOT NULL`).Scan(&made); err != nil || !made {
		return nil, err
	}
	rows, err := conn.Query(ctx, `SELECT id FROM instances WHERE wc_id LIKE 'wxid\_sim%' ORDER BY wc_id`)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowTo[int64])
}

// serve starts the service and waits until it works.
func (s *stage) serve(ctx context.Context, url string, env ...string) (*exec.Cmd, error) {
	addr, err := freeAddr(ctx)
	if err != nil {
		return nil, err
	}
	env = append([]string{"MOMENTCAST_DATABASE_URL=" + url, "MOMENTCAST_GATEWAY_URL=" + s.gateway, "MOMENTCAST_ADDR=" + addr}, env...)
	cmd, err := s.start(ctx, env, "serve", "--log-level=warn")
	if err != nil {
		return nil, err
	}
	return cmd, s.awaitHTTP(ctx, "http://"+addr+"/readyz")
}

// fillQueue adds posts, in a new database the tables and the instances too.
func fillQueue(ctx context.Context, url string, instances int, posts []post) error {
	ids, err := accountIDs(ctx, url)
	if err != nil {
		return err
	}
	if len(ids) == 0 {
		if ids, err = prepare(ctx, url, instances); err != nil {
			return err
		}
	}
	db, err := postgres.Open(url, postgres.Options{EngineConns: 1, Conns: 1})
	if err != nil {
		return err
	}
	defer db.Close()
	if err := enqueue(ctx, db, ids, posts); err != nil {
		return fmt.Errorf("add posts: %w", err)
	}
	return vacuum(ctx, url)
}

// vacuum makes statistics and visibility as they are on a database that has
// been there for a while.
func vacuum(ctx context.Context, url string) error {
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close(ctx) }() // nothing is pending on it
	_, err = conn.Exec(ctx, "VACUUM ANALYZE")
	return err
}

// prepare makes the tables and the instances, and returns their ids.
func prepare(ctx context.Context, url string, instances int) ([]int64, error) {
	if _, err := migrations.Up(ctx, url); err != nil {
		return nil, err
	}
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		return nil, err
	}
	defer func() { _ = conn.Close(ctx) }() // nothing is pending on it
	const pacing = `UPDATE settings SET min_gap = '0', daily_cap = 0, quiet_hours = ''`
	// As if they had been watched since they came online: the gate stays on.
	const accounts = `
		INSERT INTO instances (wc_id, online_since)
		SELECT 'wxid_sim' || lpad(g::text, 7, '0'), now() - interval '100 hours' FROM generate_series(1, $1) g RETURNING id`
	if _, err := conn.Exec(ctx, pacing); err != nil {
		return nil, err
	}
	rows, err := conn.Query(ctx, accounts, instances)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowTo[int64])
}

// enqueue adds the posts, on the instances with these ids.
func enqueue(ctx context.Context, db *postgres.DB, ids []int64, posts []post) error {
	for lo := 0; lo < len(posts); lo += 1000 {
		batch := make([]*moment.Post, 0, 1000)
		for _, p := range posts[lo:min(lo+1000, len(posts))] {
			batch = append(batch, &moment.Post{
				InstanceID: ids[p.account], State: moment.Scheduled, DueAt: p.due, Author: "bench", Source: "system",
				Card:       moment.Card{Content: cardContent, Title: cardTitle, Description: cardDescription, URL: p.url, ThumbURL: cardThumb},
				Visibility: moment.Visibility{Mode: moment.Everyone},
			})
		}
		if _, _, err := db.AddPosts(ctx, batch, moment.RequestKey{}); err != nil {
			return err
		}
	}
	return nil
}
