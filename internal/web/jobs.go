package web

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/rs/zerolog"

	"momentcast/internal/moment"
)

const (
	jobsKept   = time.Hour // how long a finished job can be looked at
	jobsAtOnce = 4         // bulk jobs under way in this process
	errorsKept = 20        // of one job
)

// jobs are the bulk changes under way in this process. Each post of a job is a
// change of its own, so one that a restart cuts short has done what it says,
// and the rest can be done again.
type jobs struct {
	log  zerolog.Logger
	mu   sync.Mutex
	all  map[string]*job
	ctx  context.Context //nolint:containedctx // of the process, not of a request
	stop context.CancelFunc
	done sync.WaitGroup
}

// job is one bulk change.
type job struct {
	key   string // made with the form, so that a form sent twice is one job
	by    moment.Origin
	title string // key of its name in the catalogue
	back  string // where it was started
	begun time.Time

	mu     sync.Mutex
	total  int
	done   int
	ended  time.Time
	errors []jobError // the first errorsKept
	failed int
	broken bool // it did not get through
}

type jobError struct {
	Post int64
	Err  error
}

func newJobs(log zerolog.Logger) *jobs {
	ctx, stop := context.WithCancel(context.Background())
	return &jobs{log: log, all: make(map[string]*job), ctx: ctx, stop: stop}
}

func (j *jobs) close() {
	j.stop()
	j.done.Wait()
}

// start runs do as a job; the same key again is the same job.
func (j *jobs) start(one *job, do func(context.Context, *job) error) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	if _, known := j.all[one.key]; known {
		return nil
	}
	running := 0
	for key, old := range j.all {
		switch ended := old.endedAt(); {
		case ended.IsZero():
			running++
		case time.Since(ended) > jobsKept:
			delete(j.all, key)
		}
	}
	if running >= jobsAtOnce {
		return moment.Errorf(moment.Conflict, "Other bulk changes are under way; wait until one of them has ended.")
	}
	if j.ctx.Err() != nil {
		return moment.Errorf(moment.Unavailable, "The program is stopping.")
	}
	one.begun = time.Now()
	j.all[one.key] = one
	j.done.Go(func() {
		err := do(j.ctx, one)
		one.end(err)
		if err != nil && !errors.Is(err, context.Canceled) {
			j.log.Error().Err(err).Str("job", one.title).Str("by", one.by.Actor).Msg("bulk change broke off")
		}
	})
	return nil
}

func (j *jobs) get(key string) (*job, bool) {
	j.mu.Lock()
	defer j.mu.Unlock()
	one, ok := j.all[key]
	return one, ok
}

func (one *job) endedAt() time.Time {
	one.mu.Lock()
	defer one.mu.Unlock()
	return one.ended
}

// step records what became of one post.
func (one *job) step(post int64, err error) {
	one.mu.Lock()
	defer one.mu.Unlock()
	one.done++
	if err == nil {
		return
	}
	one.failed++
	if len(one.errors) < errorsKept {
		one.errors = append(one.errors, jobError{post, err})
	}
}

func (one *job) end(err error) {
	one.mu.Lock()
	defer one.mu.Unlock()
	one.ended, one.broken = time.Now(), err != nil
}

// jobPage shows how far a bulk change is.
type jobPage struct {
	Frame
	Title                     string
	Total, Done, Failed, Well int
	Ended, Broken             bool
	Back                      string
	Errors                    []jobLine
}

type jobLine struct {
	Post int64
	Why  string
}

func (s *Web) showJob(w http.ResponseWriter, r *http.Request) error {
	one, ok := s.jobs.get(r.PathValue("key"))
	if !ok || one.by.Actor != userOf(r).Name {
		return moment.Errorf(moment.NotFound, "This bulk change is not known here any more; the posts themselves say what became of them.")
	}
	c := s.texts[langOf(r)]
	one.mu.Lock()
	p := &jobPage{Title: one.title, Total: one.total, Done: one.done, Failed: one.failed, Well: one.done - one.failed,
		Ended: !one.ended.IsZero(), Broken: one.broken, Back: one.back}
	errs := slices.Clone(one.errors)
	one.mu.Unlock()
	for _, e := range errs {
		said := explain(c, e.Err)
		p.Errors = append(p.Errors, jobLine{e.Post, fmt.Sprintf("%s %s", said.What, said.Why)})
	}
	return s.page(w, r, view{Page: "job", Block: "job", Data: p})
}
