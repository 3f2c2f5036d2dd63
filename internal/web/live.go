package web

import (
	"context"
	"net/http"
	"sync"
	"time"
)

const (
	lookEvery   = time.Second      // how often the database is asked for news, for all listeners together
	beatEvery   = 15 * time.Second // how often a silent stream says that it lives
	streamLimit = 10 * time.Minute // then the browser comes again, and has to be logged in still

	// streamsMost is how many streams one person may have open. Pages beyond that
	// refresh by themselves only.
	streamsMost = 20
)

// live tells open pages that something has changed. It looks at the database
// only while somebody listens.
type live struct {
	last func(context.Context) (int64, error) // id of the latest audit line

	mu     sync.Mutex
	ears   map[chan struct{}]string // whose they are
	of     map[string]int           // how many somebody has
	stop   context.CancelFunc       // of the watch under way; nil = none
	closed chan struct{}
	done   sync.WaitGroup
}

func newLive(last func(context.Context) (int64, error)) *live {
	return &live{last: last, ears: make(map[chan struct{}]string), of: make(map[string]int), closed: make(chan struct{})}
}

// listen returns a channel that gets a tick when something has changed, and
// how to stop; nil where the person listens too often already. It is never full
// for long: ticks that nobody took are one.
func (l *live) listen(who string) (tick <-chan struct{}, leave func()) {
	ear := make(chan struct{}, 1)
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.of[who] >= streamsMost {
		return nil, nil
	}
	l.ears[ear] = who
	l.of[who]++
	if l.stop == nil && !l.isClosed() {
		ctx, stop := context.WithCancel(context.Background())
		l.stop = stop
		l.done.Go(func() { l.watch(ctx) })
	}
	return ear, func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		delete(l.ears, ear)
		if l.of[who]--; l.of[who] == 0 {
			delete(l.of, who)
		}
		if len(l.ears) == 0 && l.stop != nil {
			l.stop()
			l.stop = nil
		}
	}
}

// watch ticks when the audit trail has grown. A line that is committed after a
// later one is told with the next; open pages also refresh by themselves.
func (l *live) watch(ctx context.Context) {
	t := time.NewTicker(lookEvery)
	defer t.Stop()
	seen := int64(-1)
	for {
		ask, done := context.WithTimeout(ctx, 5*time.Second)
		id, err := l.last(ask)
		done()
		if err == nil && id != seen {
			l.tick() // the first time too: what happened until then was told to nobody
			seen = id
		}
		select {
		case <-ctx.Done():
			return
		case <-t.C:
		}
	}
}

func (l *live) tick() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for ear := range l.ears {
		select {
		case ear <- struct{}{}:
		default:
		}
	}
}

func (l *live) isClosed() bool {
	select {
	case <-l.closed:
		return true
	default:
		return false
	}
}

func (l *live) close() {
	l.mu.Lock()
	if !l.isClosed() {
		close(l.closed)
	}
	if l.stop != nil {
		l.stop()
		l.stop = nil
	}
	l.mu.Unlock()
	l.done.Wait()
}

// events is the stream of ticks.
func (s *Web) events(w http.ResponseWriter, r *http.Request) error {
	tick, leave := s.live.listen(userOf(r).Name)
	if tick == nil {
		w.WriteHeader(http.StatusTooManyRequests) // no page, and nobody reads it: the browser gives the stream up
		return nil
	}
	defer leave()
	ctx, done := context.WithTimeout(r.Context(), streamLimit)
	defer done()
	rc := http.NewResponseController(w)
	h := w.Header()
	h.Set("Content-Type", "text/event-stream")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Accel-Buffering", "no") // nginx would keep the ticks to itself
	beat := time.NewTicker(beatEvery)
	defer beat.Stop()
	text := "retry: 3000\n\n"
	for {
		// The server's own limit on an answer would cut the stream.
		_ = rc.SetWriteDeadline(time.Now().Add(2 * beatEvery)) // not every writer has one
		if _, err := w.Write([]byte(text)); err != nil {
			return nil // the browser left
		}
		if err := rc.Flush(); err != nil {
			return nil // the browser left
		}
		select {
		case <-ctx.Done():
			return nil
		case <-s.live.closed:
			return nil
		case <-tick:
			text = "event: tick\ndata: 1\n\n"
		case <-beat.C:
			text = ":\n\n"
		}
	}
}
