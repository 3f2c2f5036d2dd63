package postgres

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"momentcast/internal/moment"
)

// CheckPosts tells of each of the posts, as if all were scheduled now, when it
// would really leave and why then, and what it collides with: posts nearer than
// the gap, the day's cap, the same link on the same account within the days of
// the setting. A post needs an instance, a time and its link; one with an ID is
// taken as a change of the stored one. Nothing is stored, and nothing locked.
func (db *DB) CheckPosts(ctx context.Context, posts []*moment.Post) ([]moment.PostCheck, error) {
	ids := make([]int64, 0, len(posts))
	planned := make(map[int64][]moment.Due, len(posts))
	for n, p := range posts {
		ids = append(ids, p.InstanceID)
		planned[p.InstanceID] = append(planned[p.InstanceID], p.ScheduledAs(n))
	}
	slices.Sort(ids)
	ids = slices.Compact(ids)
	o, err := db.Outlook(ctx, ids)
	if err != nil {
		return nil, err
	}
	same, days, err := db.sameLinks(ctx, posts)
	if err != nil {
		return nil, fmt.Errorf("look for the links of %d posts: %w", len(posts), translate(err))
	}
	departures := make(map[moment.Due]moment.Departure, len(posts))
	for id, more := range planned {
		for _, d := range o.Forecast(id, more...) {
			departures[d.Due] = d
		}
	}
	out := make([]moment.PostCheck, len(posts))
	for n, p := range posts {
		d := p.ScheduledAs(n)
		c := moment.PostCheck{InstanceID: p.InstanceID, Departure: departures[d]}
		c.Due = d
		if c.ID = max(0, d.ID); !d.DueAt.IsZero() {
			c.Clashes = o.Clashes(p.InstanceID, d)
		}
		for _, s := range same[n] {
			if s.is(p) {
				c.Clashes = append(c.Clashes, moment.Clash{Kind: moment.ClashLink, Post: s.id, At: s.at, State: s.state, Limit: days})
			}
		}
		out[n] = c
	}
	return out, nil
}

// linked is a stored post that may have the same link.
type linked struct {
	n     int // of the planned post it was found for
	id    int64
	at    time.Time
	state moment.State
	url   string
}

func (l linked) is(p *moment.Post) bool {
	return l.id != p.ID && (moment.SameLink(p.Card.URL, l.url) || moment.SameLink(l.url, p.Card.URL))
}

// sameLinks finds what the instances have of the posts' links near their times:
// what is planned, on its way, out, or may be out. What was recalled is out no
// longer. Of each post's the 20 nearest, by its place among the posts.
func (db *DB) sameLinks(ctx context.Context, posts []*moment.Post) (found map[int][]linked, days int, err error) {
	if err := db.pool.QueryRow(ctx, `SELECT duplicate_days FROM settings`).Scan(&days); err != nil || days == 0 {
		return nil, 0, err
	}
	const q = `
		SELECT a.n, p.id, p.due_at, p.state::text, p.url
		FROM unnest($1::int[], $2::bigint[], $3::text[], $4::timestamptz[]) a(n, instance_id, url, due_at)
		CROSS JOIN LATERAL (
			SELECT p.* FROM post_links l JOIN posts p ON p.id = l.post_id
			WHERE l.link = link_key(a.url)
			  AND l.instance_id = a.instance_id
			  AND p.due_at BETWEEN a.due_at - make_interval(days => $5) AND a.due_at + make_interval(days => $5)
			  AND p.state::text IN ('pending', 'scheduled', 'claimed', 'sending', 'sent', 'unknown')
			  AND p.recall_mode = ''
			ORDER BY abs(extract(epoch FROM p.due_at - a.due_at)), p.id
			LIMIT 20
		) p`
	var (
		ns        []int32
		instances []int64
		urls      []string
		dues      []time.Time
	)
	for n, p := range posts {
		if p.Card.URL != "" && !p.DueAt.IsZero() {
			ns, instances, urls, dues = append(ns, int32(n)), append(instances, p.InstanceID), append(urls, cleanText(p.Card.URL)), append(dues, p.DueAt)
		}
	}
	found = make(map[int][]linked)
	err = db.byIndex(ctx, func(tx pgx.Tx) error {
		rows, err := tx.Query(ctx, q, ns, instances, urls, dues, days)
		if err != nil {
			return err
		}
		var l linked
		_, err = pgx.ForEachRow(rows, []any{&l.n, &l.id, &l.at, &l.state, &l.url}, func() error {
			l.state = l.state.Shown()
			found[l.n] = append(found[l.n], l)
			return nil
		})
		return err
	})
	return found, days, err
}
