package bench

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/jackc/pgx/v5"

	"momentcast/internal/gateway/sim"
)

// saysSo are the states that do not claim a post is, or will be, sent: who looks
// at one of these knows that it may not have arrived.
var saysSo = map[string]bool{"failed": true, "missed": true, "cancelled": true, "unknown": true}

// outcome is what the comparison of posts, one by one, came to.
type outcome struct {
	lost          int // never arrived, and no state says that it may not have
	contradicting int // of those: called sent
	unknown       int // shown as not known, whether it arrived or not
}

// judge compares what arrived, by address, with what the tables say of each
// post; a post of which they say nothing is one that nobody knows of.
func judge(posts []post, arrived map[string]bool, states map[string]string) (o outcome) {
	for _, p := range posts {
		state := states[p.url]
		if state == "unknown" {
			o.unknown++
		}
		if arrived[p.url] || saysSo[state] {
			continue
		}
		o.lost++
		if state == "sent" {
			o.contradicting++
		}
	}
	return o
}

// compare judges the posts by what the referee has seen and what told lists:
// addresses and states.
func (s *stage) compare(ctx context.Context, url, told string, posts []post, f *Figures) error {
	arrived, err := s.arrived(ctx)
	if err != nil {
		return fmt.Errorf("read what arrived: %w", err)
	}
	states, err := statesOf(ctx, url, told)
	if err != nil {
		return fmt.Errorf("read what the tables say: %w", err)
	}
	o := judge(posts, arrived, states)
	f.Lost, f.Contradicting, f.Unknown = o.lost, o.contradicting, o.unknown
	return nil
}

// arrived are the addresses of all posts that the referee has accepted.
func (s *stage) arrived(ctx context.Context) (map[string]bool, error) {
	resp, err := get(ctx, s.gateway+"/control/truth")
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	var all []sim.Accepted
	if err := json.NewDecoder(resp.Body).Decode(&all); err != nil {
		return nil, err
	}
	urls := make(map[string]bool, len(all))
	for _, a := range all {
		urls[a.Request.URL] = true
	}
	return urls, nil
}

func statesOf(ctx context.Context, url, query string) (map[string]string, error) {
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		return nil, err
	}
	defer func() { _ = conn.Close(ctx) }() // nothing is pending on it
	rows, err := conn.Query(ctx, query)
	if err != nil {
		return nil, err
	}
	states := map[string]string{}
	var link, state string
	_, err = pgx.ForEachRow(rows, []any{&link, &state}, func() error {
		states[link] = state
		return nil
	})
	return states, err
}
