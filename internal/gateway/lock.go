package gateway

import (
	"context"
	"sync"
)

// locks serialises calls by key. An entry lives only while somebody holds or
// waits for it: login sessions come and go, and the map must not grow with
// every one ever seen.
type locks struct {
	mu sync.Mutex
	m  map[string]*lock
}

type lock struct {
	held chan struct{} // full while held
	refs int           // holder and waiters; guarded by locks.mu
}

// acquire waits for key's turn. It returns ctx's error, without the lock, when
// ctx ends first; else the caller must call the release it got, once.
func (l *locks) acquire(ctx context.Context, key string) (release func(), err error) {
	k := l.ref(key)
	select {
	case k.held <- struct{}{}:
	case <-ctx.Done():
		l.unref(key, k)
		return nil, context.Cause(ctx)
	}
	return func() {
		<-k.held
		l.unref(key, k)
	}, nil
}

func (l *locks) ref(key string) *lock {
	l.mu.Lock()
	defer l.mu.Unlock()
	k := l.m[key]
	if k == nil {
		if l.m == nil {
			l.m = make(map[string]*lock)
		}
		k = &lock{held: make(chan struct{}, 1)}
		l.m[key] = k
	}
	k.refs++
	return k
}

func (l *locks) unref(key string, k *lock) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if k.refs--; k.refs == 0 {
		delete(l.m, key)
	}
}
