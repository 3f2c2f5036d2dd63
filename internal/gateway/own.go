package gateway

import (
	"context"
	"time"

	"momentcast/internal/moment"
)

// maxOwnPages bounds how far OwnTimeline reads back: some ten moments a page,
// and the vendor advises three posts a day.
const maxOwnPages = 30

// OwnTimeline returns the moments of wcID's own timeline that are not older
// than since, newest first, each with its Proof where it has one. Where the
// list leaves a moment's content out it is fetched singly. The errors are
// Timeline's; a timeline that is longer than can be read back is Unavailable,
// for what was not read is no proof of absence.
func (c *Client) OwnTimeline(ctx context.Context, wID, wcID string, since time.Time) ([]moment.StoredMoment, error) {
	var out []moment.StoredMoment
	var page Page
	for range maxOwnPages {
		items, next, err := c.Timeline(ctx, wID, wcID, page)
		if err != nil {
			return nil, err
		}
		older := false
		for _, m := range items {
			if m.CreatedAt.Before(since.Truncate(time.Second)) {
				older = true // a moment pinned on top may be old: go through the page
				continue
			}
			if m, err = c.withProof(ctx, wID, wcID, m); err != nil {
				return nil, err
			}
			out = append(out, m)
		}
		if older || len(items) == 0 || next == (Page{}) {
			return out, nil
		}
		page = next
	}
	return nil, moment.Errorf(moment.Unavailable, "The account's timeline is too long to be read back.")
}

// withProof decodes the moment's content, fetching it first if the list has
// left it out. A moment that has gone meanwhile, or whose content cannot be
// read, has no proof.
func (c *Client) withProof(ctx context.Context, wID, wcID string, m moment.StoredMoment) (moment.StoredMoment, error) {
	if m.XML == "" {
		full, err := c.Moment(ctx, wID, wcID, m.ID)
		switch {
		case moment.KindOf(err) == moment.NotFound:
			return m, nil
		case err != nil:
			return m, err
		}
		m.XML = full.XML
	}
	if p, err := ParseProof(m.XML); err == nil {
		m.Proof = &p
	}
	return m, nil
}
