package web

import (
	"context"
	"sync"
	"time"

	"momentcast/internal/moment"
)

// knownFor is how long what every page shows is not asked for again.
const knownFor = time.Second

// picture is what every page shows of the whole.
type picture struct {
	settings moment.Settings
	status   moment.Status
}

// known keeps the picture for a moment, so that a hundred open pages cost the
// database one look a second.
type known struct {
	read func(context.Context) (picture, error)

	mu    sync.Mutex
	until time.Time
	last  picture
}

// get returns the picture, at most knownFor old.
func (k *known) get(ctx context.Context) (picture, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if time.Now().Before(k.until) {
		return k.last, nil
	}
	// Others wait for this answer, too: it must not end with one visitor's patience.
	ctx, done := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer done()
	p, err := k.read(ctx)
	if err != nil {
		return picture{}, err
	}
	k.last, k.until = p, time.Now().Add(knownFor)
	return p, nil
}

// forget makes the next page look again, after a change to what is known.
func (k *known) forget() {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.until = time.Time{}
}

func (s *Web) readKnown(ctx context.Context) (p picture, err error) {
	if p.settings, err = s.store.Settings(ctx); err != nil {
		return p, err
	}
	p.status, err = s.store.Status(ctx)
	return p, err
}
