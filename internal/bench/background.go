package bench

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
)

// background is what lies in the database beside the measured posts: rows that
// no measured statement ought to meet. They are written without the triggers
// that serve the search, which the engine does not read either.
const (
	scheduledBeside = `
		INSERT INTO posts (instance_id, state, due_at, max_lateness, content, title, description, url, thumb_url, visibility, author, source)
		SELECT ($2::bigint[])[1 + g %% cardinality($2::bigint[])], 'scheduled', now() + interval '%s' + g * interval '1 second', '0',
			'text', 'title', 'description', 'https://example.com/b' || g, 'https://example.com/t.jpg', 'everyone', 'bench', 'system'
		FROM generate_series(1, $1) g`
	finishedBeside = `
		INSERT INTO posts (instance_id, state, due_at, max_lateness, content, title, description, url, thumb_url, visibility, author, source,
			attempt, claim_token, intent_at, call_until, finished_at, moment_id)
		SELECT ($2::bigint[])[1 + g % cardinality($2::bigint[])], 'sent', now() - g * interval '1 second', '0',
			'text', 'title', 'description', 'https://example.com/h' || g, 'https://example.com/t.jpg', 'everyone', 'bench', 'system',
			1, g, now() - g * interval '1 second', now() - g * interval '1 second', now() - g * interval '1 second', (13900000000000000000 + g)::text
		FROM generate_series(1, $1) g`
)

// fillBackground adds n posts by the statement on the instances with these ids.
func fillBackground(ctx context.Context, url, statement string, ids []int64, n int) error {
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close(ctx) }() // nothing is pending on it
	if _, err := conn.Exec(ctx, `SET session_replication_role = replica`); err != nil {
		return err
	}
	_, err = conn.Exec(ctx, statement, n, ids)
	return err
}

// deep is the burst on a database that already holds much. The same one serves
// all rounds: its history grows by what was sent, as it would.
func deep(name, label string, c contestant, n, scheduled, finished int) entry {
	return entry{name, label, func(ctx context.Context, s *stage, _ int) (f Figures, err error) {
		t, ok := s.templates[name]
		if !ok {
			if t.url, err = s.database(ctx); err != nil {
				return f, err
			}
			if err := s.fillDeep(ctx, t.url, scheduled, finished); err != nil {
				return f, fmt.Errorf("fill the background: %w", err)
			}
			s.templates[name] = t
		}
		base, err := s.count(ctx, t.url, `SELECT coalesce(max(id), 0) FROM posts`)
		if err != nil {
			return f, err
		}
		posts := burst(n, s.accounts)
		if err := c.fill(ctx, s, t.url, posts); err != nil {
			return f, err
		}
		return s.work(ctx, c, job{url: t.url, base: base, posts: posts, limit: burstLimit})
	}}
}

func (s *stage) fillDeep(ctx context.Context, url string, scheduled, finished int) error {
	ids, err := prepare(ctx, url, s.accounts)
	if err != nil {
		return err
	}
	if err := fillBackground(ctx, url, finishedBeside, ids, finished); err != nil {
		return err
	}
	return fillBackground(ctx, url, fmt.Sprintf(scheduledBeside, "1 day"), ids, scheduled)
}

// blocked is the paced queue behind posts of offline instances that are due
// before it and stay so.
func blocked(c contestant, n int) entry {
	return patient(entry{c.name, c.label, func(ctx context.Context, s *stage, round int) (f Figures, err error) {
		t, ok := s.templates["blocked"]
		if !ok {
			if t.url, err = s.database(ctx); err != nil {
				return f, err
			}
			if err := s.fillBlocked(ctx, t.url, n); err != nil {
				return f, fmt.Errorf("fill the background: %w", err)
			}
			s.templates["blocked"] = t
		}
		base, err := s.count(ctx, t.url, `SELECT coalesce(max(id), 0) FROM posts`)
		if err != nil {
			return f, err
		}
		f, err = s.work(ctx, c, job{url: t.url, base: base, add: s.beforehand(c, t.url, round), limit: s.pacedLimit()})
		if errors.Is(err, errLate) { // some of its posts were sent, and the others would be
			delete(s.templates, "blocked")
			err = errors.Join(err, s.drop(ctx, t.url))
		}
		return f, err
	}})
}

func (s *stage) fillBlocked(ctx context.Context, url string, n int) error {
	if _, err := prepare(ctx, url, s.accounts); err != nil {
		return err
	}
	ids, err := offlineInstances(ctx, url)
	if err != nil {
		return err
	}
	return fillBackground(ctx, url, fmt.Sprintf(scheduledBeside, "-7 days"), ids, n)
}

// offlineInstances adds instances that the gateway does not list.
func offlineInstances(ctx context.Context, url string) ([]int64, error) {
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		return nil, err
	}
	defer func() { _ = conn.Close(ctx) }() // nothing is pending on it
	const add = `INSERT INTO instances (wc_id) SELECT 'wxid_off' || lpad(g::text, 7, '0') FROM generate_series(1, $1) g RETURNING id`
	rows, err := conn.Query(ctx, add, blockedOffline)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowTo[int64])
}
