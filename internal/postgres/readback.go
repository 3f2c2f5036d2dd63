package postgres

import (
	"context"
	"encoding/json"
	"slices"

	"github.com/jackc/pgx/v5"

	"momentcast/internal/moment"
)

// keepReadBack stores what a look at the timeline saw, in the transaction that
// settles the doubt or leaves it. A round that is tried again, be it because
// the timeline could not be read or because a replica died, is told from its
// last try.
func (p *lockedPost) keepReadBack(ctx context.Context, tx pgx.Tx, look moment.ReadBack) error {
	const q = `
		INSERT INTO read_backs (post_id, attempt, round, problem, message, found, seen, more)
		VALUES ($1, $2, $3, $4, $5, nullif($6, ''), $7, $8)
		ON CONFLICT (post_id, attempt, round) DO UPDATE SET
			at = excluded.at,
			problem = excluded.problem,
			message = excluded.message,
			found = excluded.found,
			seen = excluded.seen,
			more = excluded.more`
	seen, err := json.Marshal(cleanSeen(look.Seen))
	if err != nil {
		return err
	}
	_, err = tx.Exec(ctx, q, p.ID, p.Attempt, look.Round, look.Problem, cleanText(look.Message), look.Found, string(seen), look.More)
	return err
}

// cleanSeen makes texts from outside fit for a column. It is never nil: the
// column holds a list.
func cleanSeen(seen []moment.Seen) []moment.Seen {
	out := make([]moment.Seen, len(seen))
	for i, m := range seen {
		for _, s := range []*string{&m.Content, &m.Title, &m.Description, &m.URL, &m.ThumbURL} {
			*s = cleanText(*s)
		}
		m.CreatedAt = cleanTime(m.CreatedAt)
		out[i] = m
	}
	return out
}

// readBacks are the looks at the timeline for a post, latest last, with the
// posts that have the moments by now.
func (db *DB) readBacks(ctx context.Context, post, instance int64) ([]moment.ReadBack, error) {
	const q = `
		SELECT attempt, round, at, problem, message, coalesce(found, ''), seen, more
		FROM read_backs
		WHERE post_id = $1
		ORDER BY attempt DESC, round DESC
		LIMIT 100`
	rows, err := db.pool.Query(ctx, q, post)
	if err != nil {
		return nil, err
	}
	looks, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (r moment.ReadBack, err error) {
		err = row.Scan(&r.Attempt, &r.Round, &r.At, &r.Problem, &r.Message, &r.Found, &r.Seen, &r.More)
		return r, err
	})
	if err != nil || len(looks) == 0 {
		return nil, err
	}
	slices.Reverse(looks)
	return looks, db.ownersOf(ctx, instance, looks)
}

// ownersOf fills in which posts of the instance have the moments that were seen.
func (db *DB) ownersOf(ctx context.Context, instance int64, looks []moment.ReadBack) error {
	const q = `SELECT moment_id, id FROM posts WHERE instance_id = $1 AND moment_id = ANY($2)`
	var ids []string
	for _, l := range looks {
		for _, m := range l.Seen {
			ids = append(ids, m.ID)
		}
	}
	slices.Sort(ids)
	rows, err := db.pool.Query(ctx, q, instance, slices.Compact(ids))
	if err != nil {
		return err
	}
	owners := make(map[string]int64)
	var id string
	var post int64
	if _, err := pgx.ForEachRow(rows, []any{&id, &post}, func() error { owners[id] = post; return nil }); err != nil {
		return err
	}
	for _, l := range looks {
		for i := range l.Seen {
			l.Seen[i].PostID = owners[l.Seen[i].ID]
		}
	}
	return nil
}
