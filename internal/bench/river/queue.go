package main

import (
	"context"
	"errors"
	"io"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"golang.org/x/sync/errgroup"
)

// Post is a job's arguments: all that the call needs.
type Post struct {
	ID          int64  `json:"id"`
	Account     int64  `json:"account"`
	WID         string `json:"w_id"`
	Due         int64  `json:"due"` // unix ns
	Content     string `json:"content"`
	Title       string `json:"title"`
	Description string `json:"description"`
	URL         string `json:"url"`
	ThumbURL    string `json:"thumb_url"`
}

// Kind implements river.JobArgs.
func (Post) Kind() string { return "post" }

// InsertOpts implements river.JobArgsWithInsertOpts: a call is never repeated.
func (Post) InsertOpts() river.InsertOpts { return river.InsertOpts{MaxAttempts: 1} }

func (p Post) due() time.Time { return time.Unix(0, p.Due) }

// fill adds all posts before anything works, a thousand in a transaction.
func fill(ctx context.Context, pool *pgxpool.Pool, in io.Reader) error {
	if err := migrate(ctx, pool); err != nil {
		return err
	}
	client, err := river.NewClient(riverpgxv5.New(pool), &river.Config{Logger: quiet()})
	if err != nil {
		return err
	}
	if err := read(in, 1000, func(posts []Post) error { return insert(ctx, pool, client, posts) }); err != nil {
		return err
	}
	_, err = pool.Exec(ctx, "VACUUM ANALYZE")
	return err
}

// feeders is how many insert at once, as on the other side.
const feeders = 8

// enqueue adds each post when it is due: it is to leave at once.
func enqueue(ctx context.Context, pool *pgxpool.Pool, in io.Reader) error {
	client, err := river.NewClient(riverpgxv5.New(pool), &river.Config{Logger: quiet()})
	if err != nil {
		return err
	}
	var all errgroup.Group
	all.SetLimit(feeders)
	err = read(in, 1, func(posts []Post) error {
		t := time.NewTimer(time.Until(posts[0].due()))
		defer t.Stop()
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-t.C:
		}
		all.Go(func() error { return insert(ctx, pool, client, posts) })
		return nil
	})
	return errors.Join(err, all.Wait())
}

// insert adds rows and jobs together. A due time that has passed is none: such
// a job is available at once.
func insert(ctx context.Context, pool *pgxpool.Pool, client *river.Client[pgx.Tx], posts []Post) error {
	const add = `
		INSERT INTO posts (id, account, state, due_at, content, title, description, url, thumb_url)
		SELECT id, account, 'scheduled', to_timestamp(due / 1e9), content, title, description, url, thumb_url
		FROM json_to_recordset($1::json) AS p(id bigint, account bigint, due bigint, content text, title text, description text, url text, thumb_url text)`
	const know = `INSERT INTO accounts (id) SELECT DISTINCT unnest($1::bigint[]) ON CONFLICT DO NOTHING`
	jobs := make([]river.InsertManyParams, len(posts))
	accounts := make([]int64, len(posts))
	for i, p := range posts {
		jobs[i].Args = p
		accounts[i] = p.Account
		if due := p.due(); due.After(time.Now()) {
			jobs[i].InsertOpts = &river.InsertOpts{ScheduledAt: due}
		}
	}
	return pgx.BeginFunc(ctx, pool, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, add, posts); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, know, accounts); err != nil {
			return err
		}
		_, err := client.InsertManyFastTx(ctx, tx, jobs)
		return err
	})
}
