// Package addressbook reads the labels and contacts of instances from the
// gateway, with the manners that the vendor asks for, and keeps them: for all
// replicas, across restarts, with their age. A reading is a row with a lease
// and a name that grows: of several replicas one reads, and one that comes back
// late changes nothing.
package addressbook

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/rs/zerolog"

	"momentcast/internal/moment"
)

// The vendor drops accounts that ask for more contacts at once, or for the next
// ones sooner.
const (
	batch     = 20
	batchWait = 400 * time.Millisecond
)

const (
	labelLife = 10 * time.Minute // how old a label list may be
	bookLife  = 6 * time.Hour    // how old contacts may be before they are read anew
	retry     = time.Minute      // before a reading that failed is tried again
	limit     = 2 * time.Hour    // for reading one book
	lease     = 2 * time.Minute  // of a step; more than a call and its pause take
	atOnce    = 8                // readings of this replica
)

// Store keeps the books.
type Store interface {
	// AddressBook returns what is known; of an instance that was never read, an empty one.
	AddressBook(ctx context.Context, instance int64) (moment.AddressBook, error)
	// KeepLabels stores the instance's labels.
	KeepLabels(ctx context.Context, instance int64, wID string, labels []moment.Label) error
	// BeginReading takes the lease of a reading and names it; 0 = another one is under way.
	BeginReading(ctx context.Context, instance int64, wID string, lease time.Duration) (reading int64, err error)
	// KeepContacts stores one step; false = the reading is not the last one any more.
	KeepContacts(ctx context.Context, r moment.ContactsRead) (bool, error)
	// EndReading ends a reading; problem says why it ended early, "" = it is whole.
	EndReading(ctx context.Context, instance, reading int64, problem string) error
}

// Gateway is the part of the gateway that gives contacts out.
type Gateway interface {
	// Labels lists the contact labels of an instance.
	Labels(ctx context.Context, wID string) ([]moment.Label, error)
	// InitContacts makes the gateway load the address book, once per login.
	InitContacts(ctx context.Context, wID string) error
	// ContactIDs lists the wxids of an instance's friends.
	ContactIDs(ctx context.Context, wID string) ([]string, error)
	// Contacts returns what is known of at most 20 friends.
	Contacts(ctx context.Context, wID string, ids []string) ([]moment.Contact, error)
}

// Books reads address books in the background.
type Books struct {
	store   Store
	gateway Gateway
	log     zerolog.Logger

	ctx  context.Context //nolint:containedctx // ends the readings, which outlive the requests that start them
	stop context.CancelFunc
	wg   sync.WaitGroup
	mu   sync.Mutex
	busy int
}

// New returns books that do no work until they are asked; Close ends what they
// have started.
func New(store Store, gateway Gateway, log zerolog.Logger) *Books {
	ctx, stop := context.WithCancel(context.Background())
	return &Books{store: store, gateway: gateway, log: log.With().Str("component", "addressbook").Logger(), ctx: ctx, stop: stop}
}

// Close ends the readings and waits for them. They may be continued anywhere.
func (b *Books) Close() {
	b.mu.Lock()
	b.stop() // under the lock: after it no reading is started
	b.mu.Unlock()
	b.wg.Wait()
}

// Labels returns the instance's labels, at most ten minutes old if the gateway
// can be asked. With an error come the labels that were known before, if any.
func (b *Books) Labels(ctx context.Context, instance int64, wID string) (moment.AddressBook, error) {
	book, err := b.store.AddressBook(ctx, instance)
	if err != nil || wID == "" || book.LabelsWID == wID && book.Now.Sub(book.LabelsAt) < labelLife {
		return book, err
	}
	labels, err := b.gateway.Labels(ctx, wID)
	if err != nil {
		return book, &moment.Error{Kind: moment.Refused, Message: moment.MessageOf(err), Err: err}
	}
	if err := b.store.KeepLabels(ctx, instance, wID, labels); err != nil {
		return book, err
	}
	book.Labels, book.LabelsAt, book.LabelsWID = labels, book.Now, wID
	return book, nil
}

// Open returns what is known of the contacts, and starts reading them if that
// is nothing, or old, or of another login. wID "" = not logged in: nothing is
// started.
func (b *Books) Open(ctx context.Context, instance int64, wID string) (moment.AddressBook, error) {
	book, err := b.store.AddressBook(ctx, instance)
	if err != nil || wID == "" || book.Reading {
		return book, err
	}
	old := book.ReadAt.IsZero() || book.WID != wID || book.Now.Sub(book.ReadAt) > bookLife
	if failed := book.Problem != ""; failed && book.WID == wID {
		old = book.Now.Sub(book.StartedAt) > retry
	}
	if !old {
		return book, nil
	}
	return b.begin(ctx, book, wID)
}

// Refresh reads the contacts anew, however old they are; one that is under way
// goes on.
func (b *Books) Refresh(ctx context.Context, instance int64, wID string) (moment.AddressBook, error) {
	book, err := b.store.AddressBook(ctx, instance)
	if err != nil || book.Reading {
		return book, err
	}
	return b.begin(ctx, book, wID)
}

func (b *Books) begin(ctx context.Context, book moment.AddressBook, wID string) (moment.AddressBook, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.ctx.Err() != nil {
		return book, moment.Errorf(moment.Unavailable, "The service is stopping.")
	}
	if b.busy >= atOnce {
		return book, moment.Errorf(moment.Limited, "The contacts of other accounts are being read; try again in a minute.")
	}
	reading, err := b.store.BeginReading(ctx, book.InstanceID, wID, lease)
	if err != nil {
		return book, err
	}
	book.Reading, book.WID, book.Fetched, book.Total, book.Problem, book.StartedAt = true, wID, 0, 0, "", book.Now
	if reading == 0 {
		return book, nil
	}
	b.busy++
	b.wg.Go(func() { b.read(moment.ContactsRead{InstanceID: book.InstanceID, Reading: reading, Lease: lease}, wID) })
	return book, nil
}

// errOvertaken ends a reading that lost its lease to another one.
var errOvertaken = errors.New("another reading has begun")

func (b *Books) read(r moment.ContactsRead, wID string) {
	ctx, done := context.WithTimeout(b.ctx, limit)
	defer done()
	err := b.readAll(ctx, &r, wID)
	problem := ""
	if err != nil {
		problem = moment.MessageOf(err)
		b.log.Warn().Err(err).Int64("instance", r.InstanceID).Int("fetched", r.Fetched).Int("total", r.Total).Msg("cannot read all contacts")
	}
	if b.ctx.Err() != nil {
		problem = "The service was stopped meanwhile."
	}
	// The service may be stopping: the lease is given back even so.
	end, done := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer done()
	if err := b.store.EndReading(end, r.InstanceID, r.Reading, problem); err != nil {
		b.log.Warn().Err(err).Int64("instance", r.InstanceID).Msg("cannot end the reading of contacts")
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.busy--
}

func (b *Books) readAll(ctx context.Context, r *moment.ContactsRead, wID string) error {
	if err := b.gateway.InitContacts(ctx, wID); err != nil {
		return err
	}
	ids, err := b.gateway.ContactIDs(ctx, wID)
	if err != nil {
		return err
	}
	slices.Sort(ids)
	ids = slices.Compact(ids)
	r.Total = len(ids)
	for some := range slices.Chunk(ids, batch) {
		if err := pause(ctx, batchWait); err != nil {
			return err
		}
		if r.Contacts, err = b.gateway.Contacts(ctx, wID, some); err != nil {
			return err
		}
		r.Fetched += len(some)
		ours, err := b.store.KeepContacts(ctx, *r)
		if err != nil {
			return err
		}
		if !ours {
			return errOvertaken
		}
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
