package schedule

// raw is one wall time that a schedule states, before any calendar and bound.
type raw struct {
	name  Wall
	at    int64 // seconds since 1970
	shift Shift
}

// source yields a schedule's wall times in the order of their instants; several
// may share one. It is used by one goroutine.
type source interface {
	next() (raw, bool)
	skipTo(Date) // leaves out what lies before that day
}

// listSource is a list of wall times.
type listSource struct {
	clock clock
	times []Wall // sorted
}

func (l *listSource) next() (raw, bool) {
	if len(l.times) == 0 {
		return raw{}, false
	}
	w := l.times[0]
	l.times = l.times[1:]
	at, shift := l.clock.first(w)
	return raw{w, at, shift}, true
}

func (l *listSource) skipTo(d Date) {
	for len(l.times) > 0 && l.times[0].Date() < d {
		l.times = l.times[1:]
	}
}

// wallSource is an expression that follows the wall clock: each wall time once.
type wallSource struct {
	clock clock
	cron  *Cron
	last  Wall // looked at last
}

func (s *wallSource) next() (raw, bool) {
	w, ok := s.cron.next(s.last)
	if !ok {
		return raw{}, false
	}
	s.last = w
	at, shift := s.clock.first(w)
	return raw{w, at, shift}, true
}

func (s *wallSource) skipTo(d Date) {
	if before := d.minute(-1); s.last.min < before.min {
		s.last = before
	}
}

// elapsedSource is an expression that follows elapsed time. It works through one
// period of constant offset after the other, inside which wall time is linear.
type elapsedSource struct {
	clock  clock // of the period that last lies in
	lookup clock // for questions that must not move clock
	cron   *Cron
	last   Wall // looked at last, as the period's offset has it
}

// seek makes at the first instant that may come next.
func (s *elapsedSource) seek(at int64) {
	s.clock.load(at)
	s.last = Wall{min: -floorDiv(-(at+s.clock.off), 60) - 1} // rounded up: strictly before at
}

func (s *elapsedSource) next() (raw, bool) {
	for {
		w, ok := s.cron.next(s.last)
		if !ok {
			return raw{}, false
		}
		at := w.min*60 - s.clock.off
		if at >= s.clock.end {
			s.seek(s.clock.end)
			continue
		}
		s.last = w
		first, shift := s.lookup.first(w)
		if first != at {
			w.again, shift = true, ShiftAgain
		}
		return raw{w, at, shift}, true
	}
}

func (s *elapsedSource) skipTo(d Date) {
	first, _ := s.lookup.first(d.minute(0))
	s.clock.load(first)
	if before := s.clock.shows(first).min - 1; s.last.min < before {
		s.last.min = before
	}
}
