package addressbook

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rs/zerolog"

	"momentcast/internal/moment"
)

// slowGateway gives contacts out, and notes when it was asked.
type slowGateway struct {
	friends int
	fail    error
	asked   []time.Time
	sizes   []int
	labels  int
}

func (g *slowGateway) Labels(context.Context, string) ([]moment.Label, error) {
	g.labels++
	return []moment.Label{{ID: "3", Name: "VIP"}}, g.fail
}

func (g *slowGateway) InitContacts(context.Context, string) error { return nil }

func (g *slowGateway) ContactIDs(context.Context, string) ([]string, error) {
	ids := make([]string, g.friends)
	for i := range ids {
		ids[i] = fmt.Sprint("wxid_", i)
	}
	return ids, nil
}

func (g *slowGateway) Contacts(_ context.Context, _ string, ids []string) ([]moment.Contact, error) {
	g.asked, g.sizes = append(g.asked, time.Now()), append(g.sizes, len(ids))
	out := make([]moment.Contact, len(ids))
	for i, id := range ids {
		out[i].WxID = id
	}
	return out, g.fail
}

// memory is a Store of one process, with the rules of the real one.
type memory struct {
	mu    sync.Mutex
	books map[int64]*shelf
}

type shelf struct {
	moment.AddressBook
	reading  int64
	until    time.Time
	contacts map[string]int64 // → the reading that saw it
}

func (m *memory) at(instance int64) *shelf {
	if m.books == nil {
		m.books = make(map[int64]*shelf)
	}
	if m.books[instance] == nil {
		m.books[instance] = &shelf{AddressBook: moment.AddressBook{InstanceID: instance}, contacts: make(map[string]int64)}
	}
	return m.books[instance]
}

func (m *memory) AddressBook(_ context.Context, instance int64) (moment.AddressBook, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	s := m.at(instance)
	b := s.AddressBook
	b.Now, b.Reading, b.Contacts = time.Now(), s.until.After(time.Now()), len(s.contacts)
	return b, nil
}

func (m *memory) KeepLabels(_ context.Context, instance int64, wID string, labels []moment.Label) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	s := m.at(instance)
	s.Labels, s.LabelsWID, s.LabelsAt = labels, wID, time.Now()
	return nil
}

func (m *memory) BeginReading(_ context.Context, instance int64, wID string, lease time.Duration) (int64, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	s := m.at(instance)
	if s.until.After(time.Now()) {
		return 0, nil
	}
	s.reading++
	s.until, s.WID, s.StartedAt, s.Problem, s.Fetched, s.Total = time.Now().Add(lease), wID, time.Now(), "", 0, 0
	return s.reading, nil
}

func (m *memory) KeepContacts(_ context.Context, r moment.ContactsRead) (bool, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	s := m.at(r.InstanceID)
	if s.reading != r.Reading {
		return false, nil
	}
	s.until, s.Fetched, s.Total = time.Now().Add(r.Lease), r.Fetched, r.Total
	for _, c := range r.Contacts {
		s.contacts[c.WxID] = r.Reading
	}
	return true, nil
}

func (m *memory) EndReading(_ context.Context, instance, reading int64, problem string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	s := m.at(instance)
	if s.reading != reading {
		return nil
	}
	s.until, s.Problem = time.Time{}, problem
	if problem == "" {
		s.ReadAt = time.Now()
	}
	return nil
}

func wait(t *testing.T, d time.Duration) {
	t.Helper()
	if err := pause(t.Context(), d); err != nil {
		t.Fatal(err)
	}
}

func TestContactsAreReadSlowly(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g, ctx := &slowGateway{friends: 105}, t.Context()
		b, other := New(&memory{}, g, zerolog.Nop()), (*Books)(nil)
		defer b.Close()
		other = New(b.store, g, zerolog.Nop()) // another replica
		defer other.Close()
		first, err := b.Open(ctx, 1, "w")
		if err != nil || !first.Reading || first.Contacts != 0 {
			t.Fatalf("%+v, %v", first, err)
		}
		wait(t, time.Second)
		if half, _ := other.Open(ctx, 1, "w"); !half.Reading || half.Fetched != 40 || half.Total != 105 || half.Contacts != 40 {
			t.Errorf("%+v", half)
		}
		wait(t, 5*time.Second)
		if whole, _ := other.Open(ctx, 1, "w"); whole.Reading || whole.Contacts != 105 || whole.ReadAt.IsZero() || whole.Problem != "" {
			t.Errorf("%+v", whole)
		}
		if got := fmt.Sprint(g.sizes); got != "[20 20 20 20 20 5]" {
			t.Error(got)
		}
		for i := 1; i < len(g.asked); i++ {
			if pause := g.asked[i].Sub(g.asked[i-1]); pause < 300*time.Millisecond || pause > 800*time.Millisecond {
				t.Errorf("asked again after %s", pause)
			}
		}
		if again, _ := b.Open(ctx, 1, ""); again.Reading || len(g.sizes) != 6 {
			t.Errorf("an account that is not logged in: %+v", again)
		}
		wait(t, bookLife)
		if old, _ := b.Open(ctx, 1, "w"); !old.Reading || old.Contacts != 105 {
			t.Errorf("old contacts are shown while they are read anew: %+v", old)
		}
		wait(t, time.Minute)
		if next, _ := b.Open(ctx, 1, "w2"); !next.Reading {
			t.Errorf("another login: %+v", next)
		}
	})
}

func TestFailedReadingIsTriedAgainLater(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g, ctx := &slowGateway{friends: 5, fail: moment.Errorf(moment.Unavailable, "no answer")}, t.Context()
		b := New(&memory{}, g, zerolog.Nop())
		_, _ = b.Open(ctx, 1, "w")
		wait(t, time.Second)
		for range 5 {
			if book, err := b.Open(ctx, 1, "w"); err != nil || book.Problem != "no answer" || book.Reading {
				t.Errorf("%+v, %v", book, err)
			}
		}
		if len(g.asked) != 1 {
			t.Errorf("asked %d times", len(g.asked))
		}
		if _, err := b.Labels(ctx, 1, "w"); moment.KindOf(err) != moment.Refused {
			t.Errorf("labels: %v", err)
		}
		g.fail = nil
		wait(t, 2*retry)
		_, _ = b.Open(ctx, 1, "w")
		wait(t, time.Second)
		if book, err := b.Open(ctx, 1, "w"); err != nil || book.ReadAt.IsZero() || book.Problem != "" {
			t.Errorf("%+v, %v", book, err)
		}
		b.Close()
		if _, err := b.Open(ctx, 2, "w"); moment.KindOf(err) != moment.Unavailable {
			t.Errorf("after the end: %v", err)
		}
	})
}

func TestStoppedReadingGivesItsLeaseBack(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g, store, ctx := &slowGateway{friends: 500}, &memory{}, t.Context()
		b := New(store, g, zerolog.Nop())
		_, _ = b.Open(ctx, 1, "w")
		wait(t, time.Second)
		b.Close()
		book, _ := store.AddressBook(ctx, 1)
		if book.Reading || book.Problem == "" || book.Contacts == 0 {
			t.Errorf("%+v", book)
		}
		next := New(store, g, zerolog.Nop())
		defer next.Close()
		if book, err := next.Refresh(ctx, 1, "w"); err != nil || !book.Reading {
			t.Errorf("%+v, %v", book, err)
		}
	})
}

func TestLabelsAreAskedForOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g, ctx := &slowGateway{}, t.Context()
		b := New(&memory{}, g, zerolog.Nop())
		defer b.Close()
		for range 3 {
			if book, err := b.Labels(ctx, 1, "w"); err != nil || len(book.Labels) != 1 {
				t.Fatalf("%+v, %v", book, err)
			}
		}
		_, _ = b.Labels(ctx, 1, "w2")
		wait(t, labelLife)
		_, _ = b.Labels(ctx, 1, "w2")
		if g.labels != 3 {
			t.Errorf("asked %d times", g.labels)
		}
	})
}
