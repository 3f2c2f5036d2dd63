package crash

import (
	"context"
	"errors"
	"fmt"
	"math/rand"
	"strconv"
	"strings"
	"sync"
	"time"

	"momentcast/internal/client"
	"momentcast/internal/crash/promise"
)

// book is what was asked for through the API, and how that was answered.
type book struct {
	mu      sync.Mutex
	changes []promise.Change
	losses  []promise.Loss
	posts   []*entry
	counts  map[string]int // changes by action and outcome
}

// entry is a post that the storms may work on.
type entry struct {
	key string
	id  int64

	mu      sync.Mutex
	rev     int   // of the latest edit that was asked for
	version int64 // as it was last answered
}

func newBook() *book { return &book{counts: map[string]int{}} }

func (b *book) add(c promise.Change) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.changes = append(b.changes, c)
	b.counts[c.Action+" "+[]string{"lost", "done", "refused"}[c.Outcome]]++
}

func (b *book) lose(l promise.Loss) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.losses = append(b.losses, l)
}

func (b *book) enter(keys []string, ids []int64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for i, id := range ids {
		b.posts = append(b.posts, &entry{key: keys[i], id: id, version: 1})
	}
}

// recent is one of the latest n posts; nil while there is none.
func (b *book) recent(r *rand.Rand, n int) *entry {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.posts) == 0 {
		return nil
	}
	n = min(n, len(b.posts))
	return b.posts[len(b.posts)-1-r.Intn(n)]
}

// outcome tells an answer that says what was done or not from one that leaves
// it open.
func outcome(err error) promise.Outcome {
	var p *client.Problem
	switch {
	case err == nil:
		return promise.Done
	case errors.As(err, &p) && p.Status/100 == 4:
		return promise.Refused
	}
	return promise.Lost
}

// patience is how long the storms wait for an answer: longer than a database
// connection may be silent.
const chaosPatience = 15 * time.Second

// request makes a call of one replica's API and books it.
func (w *world) request(ctx context.Context, v *replica, q client.Request, c promise.Change) (*client.Answer, promise.Change, error) {
	ctx, done := context.WithTimeout(ctx, chaosPatience)
	defer done()
	c.Start = time.Now()
	a, err := v.api.Do(ctx, q)
	c.End = time.Now()
	c.Outcome = outcome(err)
	if a != nil {
		c.Version, _ = strconv.ParseInt(strings.Trim(a.ETag, `"`), 10, 64)
		if c.Action == "create" {
			var ids struct {
				IDs []int64 `json:"ids"`
			}
			if err := a.Decode(&ids); err != nil {
				return nil, c, err
			}
			c.IDs = ids.IDs
		}
	}
	w.book.add(c)
	return a, c, err
}

// act is request for a change of one post.
func (w *world) act(ctx context.Context, v *replica, e *entry, action, path string, match int64, body any) {
	c := promise.Change{Key: e.key, Post: e.id, Action: action, IfVersion: match}
	q := client.Request{Method: "POST", Path: fmt.Sprintf("/posts/%d/%s", e.id, path), Body: body}
	if match > 0 {
		q.Match = fmt.Sprintf(`"%d"`, match)
	}
	_, c, _ = w.request(ctx, v, q, c)
	e.saw(c)
}

func (e *entry) saw(c promise.Change) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if c.Outcome == promise.Done && c.Version > e.version {
		e.version = c.Version
	}
}

// card is the text of a post as an edit writes it: every field says which.
func card(key string, rev int) map[string]any {
	tag := fmt.Sprintf("%s r%d", key, rev)
	return map[string]any{
		"content": tag + " content", "title": tag + " title", "description": tag + " description",
		"url": fmt.Sprintf("https://example.com/%s/r%d", key, rev), "thumb_url": fmt.Sprintf("https://example.com/%s/r%d.jpg", key, rev),
	}
}
