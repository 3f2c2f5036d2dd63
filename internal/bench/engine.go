package bench

import (
	"context"
	"fmt"
	"os/exec"

	"github.com/jackc/pgx/v5"

	"momentcast/internal/moment"
	"momentcast/internal/postgres"
	"momentcast/migrations"
)

// engine is the real service on a queue in its own tables, with every promise
// kept: gates, intents, attempts, audit.
func engine(ctx context.Context, s *stage, posts []post) error {
	url, err := s.database(ctx)
	if err != nil {
		return err
	}
	if err := fillQueue(ctx, url, s.o.Instances, posts); err != nil {
		return fmt.Errorf("fill the queue: %w", err)
	}
	service, err := s.serve(ctx, url)
	if err != nil {
		return err
	}
	defer stop(service)
	return s.awaitAccepted(ctx, len(posts))
}

// serve starts the service.
func (s *stage) serve(ctx context.Context, url string) (*exec.Cmd, error) {
	addr, err := freeAddr(ctx)
	if err != nil {
		return nil, err
	}
	return s.start(ctx, []string{"MOMENTCAST_DATABASE_URL=" + url, "MOMENTCAST_GATEWAY_URL=" + s.gateway, "MOMENTCAST_ADDR=" + addr}, "serve", "--log-level=warn")
}

func fillQueue(ctx context.Context, url string, instances int, posts []post) error {
	ids, err := prepare(ctx, url, instances)
	if err != nil {
		return err
	}
	db, err := postgres.Open(url, postgres.Options{EngineConns: 1, Conns: 1})
	if err != nil {
		return err
	}
	defer db.Close()
	if err := enqueue(ctx, db, ids, posts); err != nil {
		return err
	}
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
				Card:       moment.Card{Content: "text", Title: "title", Description: "description", URL: p.url, ThumbURL: "https://example.com/t.jpg"},
				Visibility: moment.Visibility{Mode: moment.Everyone},
			})
		}
		if _, _, err := db.AddPosts(ctx, batch, moment.RequestKey{}); err != nil {
			return err
		}
	}
	return nil
}
