package gateway

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"momentcast/internal/moment"
)

func TestLockOrdersOneKeyAndNotOthers(t *testing.T) {
	t.Parallel()
	var l locks
	var inside [3]atomic.Int32
	var all sync.WaitGroup
	for i := range 300 {
		all.Go(func() {
			key := i % 3
			release, err := l.acquire(t.Context(), fmt.Sprint(key))
			if err != nil {
				t.Error(err)
				return
			}
			if inside[key].Add(1) != 1 {
				t.Error("two at once")
			}
			inside[key].Add(-1)
			release()
		})
	}
	all.Wait()
	if len(l.m) != 0 {
		t.Errorf("%d entries left", len(l.m))
	}
}

func TestLockWaitEndsWithContext(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var l locks
		release, _ := l.acquire(t.Context(), "a")
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := l.acquire(ctx, "a"); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v", err)
		}
		release()
		if len(l.m) != 0 {
			t.Errorf("%d entries left", len(l.m))
		}
	})
}

func TestPublishWaitingForItsTurnNeverLeaves(t *testing.T) {
	t.Parallel()
	s := says(t, 200, success)
	c := newClient(t, s.URL)
	release, err := c.turns.acquire(t.Context(), "wid")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	r := c.Publish(ctx, "wid", testCard, everyone)
	if r.Verdict != moment.NeverLeft || r.Cause != "timeout_before_write" || len(s.seen()) != 0 {
		t.Errorf("got %s %q after %d requests", r.Verdict, r.Cause, len(s.seen()))
	}
	if _, err := c.Online(ctx, "wid"); moment.KindOf(err) != moment.Unavailable {
		t.Errorf("got %v", err)
	}
	if r := c.Publish(t.Context(), "another", testCard, everyone); r.Verdict != moment.Delivered {
		t.Errorf("another instance waited too: %s %q", r.Verdict, r.Cause)
	}
	release()
	if r := c.Publish(t.Context(), "wid", testCard, everyone); r.Verdict != moment.Delivered {
		t.Errorf("after its turn came: %s %q", r.Verdict, r.Cause)
	}
}
