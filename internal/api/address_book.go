package api

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/rs/zerolog"

	"momentcast/internal/moment"
)

// The vendor drops accounts that ask for more contacts at once, or for the next
// ones sooner.
const (
	contactBatch = 20
	contactPause = 400 * time.Millisecond
)

const (
	bookLife  = 6 * time.Hour    // how old a complete address book may be
	bookRetry = time.Minute      // before a failed one is tried again
	bookLimit = 30 * time.Minute // for fetching one
	maxBooks  = 200              // kept at once; the oldest goes
)

// addressBooks fetches the contacts of instances in the background, one call of
// the gateway at a time for each instance, and keeps them.
type addressBooks struct {
	gateway Gateway
	log     zerolog.Logger

	ctx  context.Context //nolint:containedctx // ends the fetches, which outlive the requests that start them
	stop context.CancelFunc
	wg   sync.WaitGroup

	mu    sync.Mutex
	books map[int64]*addressBook
}

// addressBook is what is known of one instance's contacts.
type addressBook struct {
	wID      string
	started  time.Time
	running  bool
	err      error // why the last fetch ended early
	contacts []moment.Contact
	fetched  int
	total    int
	complete bool
}

func newAddressBooks(g Gateway, log zerolog.Logger) *addressBooks {
	ctx, stop := context.WithCancel(context.Background())
	return &addressBooks{gateway: g, log: log, ctx: ctx, stop: stop, books: make(map[int64]*addressBook)}
}

func (b *addressBooks) close() {
	b.mu.Lock()
	b.stop() // under the lock: after it no fetch is started
	b.mu.Unlock()
	b.wg.Wait()
}

// get returns what is known by now, and starts fetching if that is nothing, or
// too old, or of another login. The error is that of the last fetch.
func (b *addressBooks) get(instance int64, wID string) (addressBook, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	k := b.books[instance]
	stale := k == nil || k.wID != wID || (!k.running && time.Since(k.started) > bookLife) ||
		(!k.running && k.err != nil && time.Since(k.started) > bookRetry)
	if stale && b.ctx.Err() == nil {
		if k == nil {
			b.makeRoom()
		}
		k = &addressBook{wID: wID, started: time.Now(), running: true}
		b.books[instance] = k
		b.wg.Go(func() { b.fetch(k) })
	}
	if k == nil {
		return addressBook{}, moment.Errorf(moment.Unavailable, "The service is stopping.")
	}
	if k.err != nil && len(k.contacts) == 0 {
		return addressBook{}, k.err
	}
	shown := *k
	shown.contacts = slices.Clip(k.contacts) // only appended to meanwhile
	return shown, nil
}

// makeRoom forgets the oldest book when there are too many.
func (b *addressBooks) makeRoom() {
	if len(b.books) < maxBooks {
		return
	}
	var oldest int64
	for id, k := range b.books {
		if o := b.books[oldest]; !k.running && (o == nil || k.started.Before(o.started)) {
			oldest = id
		}
	}
	delete(b.books, oldest)
}

func (b *addressBooks) fetch(k *addressBook) {
	ctx, done := context.WithTimeout(b.ctx, bookLimit)
	defer done()
	err := b.fetchAll(ctx, k)
	b.mu.Lock()
	defer b.mu.Unlock()
	k.running, k.err, k.complete = false, err, err == nil
	if err != nil && b.ctx.Err() == nil {
		b.log.Warn().Err(err).Int("fetched", k.fetched).Int("total", k.total).Msg("cannot fetch all contacts")
	}
}

func (b *addressBooks) fetchAll(ctx context.Context, k *addressBook) error {
	if err := b.gateway.InitContacts(ctx, k.wID); err != nil {
		return err
	}
	ids, err := b.gateway.ContactIDs(ctx, k.wID)
	if err != nil {
		return err
	}
	b.mu.Lock()
	k.total = len(ids)
	b.mu.Unlock()
	for batch := range slices.Chunk(ids, contactBatch) {
		if err := pause(ctx, contactPause); err != nil {
			return err
		}
		cs, err := b.gateway.Contacts(ctx, k.wID, batch)
		if err != nil {
			return err
		}
		b.mu.Lock()
		k.contacts = append(k.contacts, cs...)
		k.fetched += len(batch)
		b.mu.Unlock()
	}
	return nil
}

func pause(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}
