package postgres

import (
	"sync/atomic"
	"time"
)

// A step of the expansion costs a commit, a dozen statements and a lock of each
// instance, whatever the number of its posts, so it is to be large; and
// while it lasts it takes a processor and the disk from posts that are due, so
// it is to be short. How many posts fit depends on the machine.
const (
	strideLeast  = 100
	strideMost   = 1000
	strideFor    = 200 * time.Millisecond
	strideTooFar = 2 // times longer than that
)

// stride is the number of new posts of one step, as the last ones have shown.
type stride struct{ now atomic.Int64 }

func (s *stride) posts() int { return max(int(s.now.Load()), strideLeast) }

// learn takes into account how long a step took that made some posts.
func (s *stride) learn(made int, took time.Duration) {
	now := s.posts()
	switch {
	case took > strideTooFar*strideFor:
		s.now.Store(int64(max(now/2, strideLeast)))
	case took > strideFor:
		s.now.Store(int64(max(now*3/4, strideLeast)))
	case made >= now/2: // less says nothing about more
		s.now.Store(int64(min(now*5/4, strideMost)))
	}
}

// tooLong begins anew after a step that did not come to its end in time.
func (s *stride) tooLong() { s.now.Store(strideLeast) }
