package bench

import (
	"context"
	"errors"
	"time"
)

const (
	headway = 5 * time.Second // between the drawing of posts and the first due time, at first

	// insertLimit is for programs that hang; a slow machine has all the time it needs.
	insertLimit = 15 * time.Minute
)

// errLate says that posts were due before all of them were there.
var errLate = errors.New("the posts could not be inserted before the first was due")

// ahead adds posts that are not due yet, or says errLate.
func (s *stage) ahead(ctx context.Context, c contestant, url string, posts []post) error {
	if err := c.fill(ctx, s, url, posts); err != nil {
		return err
	}
	if len(posts) > 0 && time.Until(posts[0].due) < 0 {
		return errLate
	}
	return nil
}

// beforehand adds the paced queue before its first post is due.
func (s *stage) beforehand(c contestant, url string, round int) func(context.Context) ([]post, error) {
	return func(ctx context.Context) ([]post, error) {
		posts := s.queue(s.o.Seed + int64(round))
		return posts, s.ahead(ctx, c, url, posts)
	}
}

// patient measures anew, with posts that are due later, where the insertion of
// them took longer than there was time. Later measurements start with that.
func patient(e entry) entry {
	run := e.run
	e.run = func(ctx context.Context, s *stage, round int) (Figures, error) {
		for {
			f, err := run(ctx, s, round)
			if !errors.Is(err, errLate) || ctx.Err() != nil {
				return f, err
			}
			s.lead *= 2
		}
	}
	return e
}

func (s *stage) pacedLimit() time.Duration { return s.o.For + s.lead + insertLimit }
