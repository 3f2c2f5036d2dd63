package bench

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"golang.org/x/sync/errgroup"
)

// The sketch is the prototype that the engine's design was measured with: the
// same claim over ready instances, an intent before the call, results in
// batches. It has no lease, no audit, no attempts, no retries and no gate but
// the one that keeps an instance to one post at a time: the yardstick for what
// these cost.
const sketchTables = `
	CREATE TABLE posts (id bigint PRIMARY KEY, instance_id bigint NOT NULL, status text NOT NULL, due_at timestamptz NOT NULL, claim_token bigint, claimed_at timestamptz, intent_at timestamptz, sent_at timestamptz, remote_id text, url text NOT NULL);
	CREATE TABLE inst (id bigint PRIMARY KEY, in_flight bigint, ready_at timestamptz) WITH (fillfactor = 80);
	CREATE INDEX ON posts (claimed_at) WHERE status = 'sending';
	CREATE INDEX ON posts (instance_id, due_at, id) WHERE status = 'scheduled';
	CREATE UNIQUE INDEX ON posts (instance_id) WHERE status = 'sending';
	CREATE INDEX ON inst (ready_at) WHERE ready_at IS NOT NULL`

const (
	sketchLock  = `SELECT id FROM inst WHERE ready_at <= now() ORDER BY ready_at LIMIT %d FOR UPDATE SKIP LOCKED`
	sketchClaim = `
		WITH pick AS MATERIALIZED (
			SELECT l.id AS inst, x.id FROM unnest($2::bigint[]) l(id) LEFT JOIN LATERAL (
				SELECT p.id FROM posts p WHERE p.instance_id = l.id AND p.status = 'scheduled' AND p.due_at <= now() ORDER BY p.due_at, p.id LIMIT 1) x ON true
		), u AS (
			UPDATE posts p SET status = 'sending', claim_token = $1, claimed_at = now() FROM pick WHERE p.id = pick.id AND p.status = 'scheduled' RETURNING p.id, p.instance_id, p.url
		), v AS (
			UPDATE inst i SET in_flight = u.id, ready_at = NULL FROM u WHERE i.id = u.instance_id
		)
		SELECT id, instance_id, url FROM u`
	sketchIntent = `UPDATE posts p SET intent_at = now() FROM unnest($1::bigint[]) u(id) WHERE p.id = u.id`
	sketchSent   = `UPDATE posts p SET status = 'sent', sent_at = now(), remote_id = 'x' FROM unnest($1::bigint[]) u(id) WHERE p.id = u.id`
	sketchFree   = `
		UPDATE inst i SET in_flight = NULL,
			ready_at = (SELECT p.due_at FROM posts p WHERE p.instance_id = i.id AND p.status = 'scheduled' ORDER BY p.due_at, p.id LIMIT 1)
		FROM unnest($1::bigint[]) u(id) WHERE i.id = u.id`
	sketchNext = `SELECT ready_at FROM inst WHERE ready_at IS NOT NULL ORDER BY ready_at LIMIT 1`
)

type sketchPost struct {
	id, inst int64
	url      string
	begun    chan struct{}
}

type sketcher struct {
	pool    *pgxpool.Pool
	gateway string
	wIDs    []string
	http    *http.Client
	work    chan *sketchPost
	intents chan *sketchPost
	done    chan *sketchPost
	wake    chan struct{}
}

func sketch(ctx context.Context, s *stage, posts []post) error {
	url, err := s.database(ctx)
	if err != nil {
		return err
	}
	cfg, err := pgxpool.ParseConfig(url)
	if err != nil {
		return err
	}
	cfg.MaxConns = 8
	pool, err := pgxpool.NewWithConfig(ctx, cfg)
	if err != nil {
		return err
	}
	defer pool.Close()
	k := &sketcher{pool: pool, gateway: s.gateway, http: &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 4096}, Timeout: 30 * time.Second},
		work: make(chan *sketchPost, 100), intents: make(chan *sketchPost, 4096), done: make(chan *sketchPost, 4096), wake: make(chan struct{}, 1)}
	defer k.http.CloseIdleConnections()
	if err := k.fill(ctx, s.o.Instances, posts); err != nil {
		return fmt.Errorf("fill the queue: %w", err)
	}
	ctx, cut := context.WithCancel(ctx)
	defer cut()
	all, ctx := errgroup.WithContext(ctx)
	for range 64 {
		all.Go(func() error { return k.send(ctx) })
	}
	all.Go(func() error { return k.markIntents(ctx) })
	all.Go(func() error { return k.markSent(ctx, len(posts), cut) })
	all.Go(func() error { return k.claim(ctx) })
	if err := all.Wait(); err != nil && ctx.Err() == nil {
		return err
	}
	return s.awaitAccepted(context.WithoutCancel(ctx), len(posts))
}

func (k *sketcher) fill(ctx context.Context, instances int, posts []post) error {
	if _, err := k.pool.Exec(ctx, sketchTables); err != nil {
		return err
	}
	ids, insts, dues, urls := make([]int64, len(posts)), make([]int64, len(posts)), make([]time.Time, len(posts)), make([]string, len(posts))
	for i, p := range posts {
		ids[i], insts[i], dues[i], urls[i] = int64(i+1), int64(p.account), p.due, p.url
	}
	const add = `INSERT INTO posts (id, instance_id, status, due_at, url) SELECT i, s, 'scheduled', d, u FROM unnest($1::bigint[], $2::bigint[], $3::timestamptz[], $4::text[]) x(i, s, d, u)`
	if _, err := k.pool.Exec(ctx, add, ids, insts, dues, urls); err != nil {
		return err
	}
	const accounts = `INSERT INTO inst (id, ready_at) SELECT g, (SELECT min(due_at) FROM posts WHERE instance_id = g) FROM generate_series(0, $1::bigint - 1) g`
	if _, err := k.pool.Exec(ctx, accounts, instances); err != nil {
		return err
	}
	if _, err := k.pool.Exec(ctx, "VACUUM ANALYZE"); err != nil {
		return err
	}
	return k.logins(ctx, instances)
}

// logins learns the sessions of the accounts, which the simulator numbers.
func (k *sketcher) logins(ctx context.Context, instances int) error {
	var out struct{ Data []struct{ WcID, WID string } }
	if err := k.call(ctx, "/queryLoginWx", map[string]string{}, &out); err != nil {
		return err
	}
	k.wIDs = make([]string, instances)
	for _, l := range out.Data {
		var n int
		if _, err := fmt.Sscanf(l.WcID, "wxid_sim%d", &n); err == nil && n <= instances {
			k.wIDs[n-1] = l.WID
		}
	}
	return nil
}

func (k *sketcher) call(ctx context.Context, path string, body, reply any) error {
	b, err := json.Marshal(body)
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, k.gateway+path, bytes.NewReader(b))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Authorization", token)
	resp, err := k.http.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if reply != nil {
		return json.NewDecoder(resp.Body).Decode(reply)
	}
	_, err = io.Copy(io.Discard, resp.Body)
	return err
}

func (k *sketcher) send(ctx context.Context) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case p := <-k.work:
			p.begun = make(chan struct{})
			k.intents <- p
			select {
			case <-ctx.Done():
				return nil
			case <-p.begun:
			}
			body := map[string]string{"wId": k.wIDs[p.inst], "content": "text", "title": "title", "description": "description", "url": p.url, "thumbUrl": "https://example.com/t.jpg"}
			if err := k.call(ctx, "/snsSendUrl", body, nil); err != nil {
				return err
			}
			k.done <- p
		}
	}
}

// gather collects what is waiting, for at most a millisecond.
func gather(ctx context.Context, ch chan *sketchPost) []*sketchPost {
	var out []*sketchPost
	select {
	case <-ctx.Done():
		return nil
	case p := <-ch:
		out = append(out, p)
	}
	t := time.NewTimer(time.Millisecond)
	defer t.Stop()
	for len(out) < 500 {
		select {
		case p := <-ch:
			out = append(out, p)
		case <-t.C:
			return out
		}
	}
	return out
}

func (k *sketcher) markIntents(ctx context.Context) error {
	for {
		ps := gather(ctx, k.intents)
		if ps == nil {
			return nil
		}
		ids := make([]int64, len(ps))
		for i, p := range ps {
			ids[i] = p.id
		}
		if _, err := k.pool.Exec(ctx, sketchIntent, ids); err != nil {
			return err
		}
		for _, p := range ps {
			close(p.begun)
		}
	}
}

func (k *sketcher) markSent(ctx context.Context, n int, finished func()) error {
	defer finished()
	for got := 0; got < n; {
		ps := gather(ctx, k.done)
		if ps == nil {
			return nil
		}
		ids, insts := make([]int64, len(ps)), make([]int64, len(ps))
		for i, p := range ps {
			ids[i], insts[i] = p.id, p.inst
		}
		b := &pgx.Batch{}
		b.Queue("BEGIN")
		b.Queue(sketchSent, ids)
		b.Queue(sketchFree, insts)
		b.Queue("COMMIT")
		if err := k.pool.SendBatch(ctx, b).Close(); err != nil {
			return err
		}
		got += len(ps)
		select {
		case k.wake <- struct{}{}:
		default:
		}
	}
	return nil
}

func (k *sketcher) claim(ctx context.Context) error {
	for ctx.Err() == nil {
		ps, err := k.claimSome(ctx)
		if err != nil {
			return err
		}
		for _, p := range ps {
			k.work <- p
		}
		if len(ps) > 0 {
			continue
		}
		wait := time.Second
		var next time.Time
		if err := k.pool.QueryRow(ctx, sketchNext).Scan(&next); err == nil {
			wait = min(wait, max(0, time.Until(next)))
		}
		t := time.NewTimer(wait)
		select {
		case <-ctx.Done():
		case <-k.wake:
		case <-t.C:
		}
		t.Stop()
	}
	return nil
}

func (k *sketcher) claimSome(ctx context.Context) (ps []*sketchPost, err error) {
	err = pgx.BeginFunc(ctx, k.pool, func(tx pgx.Tx) error {
		rows, err := tx.Query(ctx, fmt.Sprintf(sketchLock, 64))
		if err != nil {
			return err
		}
		ids, err := pgx.CollectRows(rows, pgx.RowTo[int64])
		if err != nil || len(ids) == 0 {
			return err
		}
		if rows, err = tx.Query(ctx, sketchClaim, time.Now().UnixNano(), ids); err != nil {
			return err
		}
		ps, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (*sketchPost, error) {
			p := &sketchPost{}
			return p, row.Scan(&p.id, &p.inst, &p.url)
		})
		return err
	})
	return ps, err
}
