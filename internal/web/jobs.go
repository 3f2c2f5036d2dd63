package web

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/rs/zerolog"

	"momentcast/internal/moment"
)

const (
	jobLease = 30 * time.Second // counted anew with each post; a job whose process died is taken over after it
	jobLook  = 3 * time.Second  // how often one looks for jobs that others left
	jobBatch = 500              // posts read at a time
	jobsKept = 50               // on the list
)

// JobStore keeps bulk changes. Any replica works on them and shows them.
type JobStore interface {
	StartJob(ctx context.Context, j moment.Job, items []moment.JobItem) error
	StartJobOn(ctx context.Context, j moment.Job, q moment.PostQuery, seen time.Time) error
	JobByKey(ctx context.Context, key string) (moment.Job, error)
	Jobs(ctx context.Context, actor string, limit int) ([]moment.Job, error)
	StopJob(ctx context.Context, key string) error
	ClaimJob(ctx context.Context, lease time.Duration) (*moment.Job, error)
	JobItems(ctx context.Context, job int64, after, limit int) ([]moment.JobItem, error)
	JobStep(ctx context.Context, j *moment.Job, i moment.JobItem, lease time.Duration) (held bool, err error)
	EndJob(ctx context.Context, j *moment.Job) error
	LeaveJob(ctx context.Context, j *moment.Job) error
}

// worker works on bulk changes, one at a time. What it has done is in the
// database, so it may end at any moment.
type worker struct {
	store JobStore
	log   zerolog.Logger
	done  func()        // tells the engine that posts may have come due
	wake  chan struct{} // a job was started here
}

func newWorker(store JobStore, log zerolog.Logger, done func()) *worker {
	return &worker{store: store, log: log, done: done, wake: make(chan struct{}, 1)}
}

func (w *worker) look() {
	select {
	case w.wake <- struct{}{}:
	default:
	}
}

func (w *worker) run(ctx context.Context) {
	t := time.NewTicker(jobLook)
	defer t.Stop()
	for {
		for w.one(ctx) && ctx.Err() == nil {
		}
		select {
		case <-ctx.Done():
			return
		case <-w.wake:
		case <-t.C:
		}
	}
}

// one works on a job, if there is one that nobody has. It reports whether to
// look for another at once.
func (w *worker) one(ctx context.Context) bool {
	j, err := w.store.ClaimJob(ctx, jobLease)
	if err != nil || j == nil {
		if err != nil && ctx.Err() == nil {
			w.log.Warn().Err(err).Msg("jobs cannot be looked for")
		}
		return false
	}
	err = w.work(ctx, j)
	if w.done(); err == nil {
		return true
	}
	if ctx.Err() == nil {
		w.log.Error().Err(err).Str("job", j.Kind).Str("by", j.By.Actor).Msg("bulk change interrupted; it will be taken up again")
	}
	put, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*time.Second)
	defer cancel()
	if err := w.store.LeaveJob(put, j); err != nil {
		w.log.Warn().Err(err).Msg("bulk change not given back; its lease will run out")
	}
	return false
}

// work changes the posts from where the job is.
func (w *worker) work(ctx context.Context, j *moment.Job) error {
	for at := j.Done; ; {
		items, err := w.store.JobItems(ctx, j.ID, at, jobBatch)
		if err != nil {
			return err
		}
		for _, i := range items {
			held, err := w.store.JobStep(ctx, j, i, jobLease)
			if err != nil {
				return err
			}
			if !held {
				return w.store.EndJob(ctx, j) // stopped; or somebody else's, and then this does nothing
			}
			at = i.N
		}
		if len(items) < jobBatch {
			return w.store.EndJob(ctx, j)
		}
	}
}

// jobKey names the job that a form starts. The same form once more is the same
// job; one that came back and was sent with other posts or another time is
// another, and nobody's form names somebody else's.
func jobKey(r *http.Request) string {
	sum := sha256.Sum256([]byte(userOf(r).Name + "\x00" + r.URL.Path + "\x00" + r.PostForm.Encode()))
	return base64.RawURLEncoding.EncodeToString(sum[:16])
}

// startJob stores a bulk change of the visitor's and has it looked at at once.
func (s *Web) startJob(r *http.Request, j moment.Job, items []moment.JobItem) error {
	j.By = origin(r)
	if err := s.store.StartJob(r.Context(), j, items); err != nil {
		return err
	}
	s.worker.look()
	return nil
}

// startJobOn is startJob for all posts that q selects and that were there when
// they were counted.
func (s *Web) startJobOn(r *http.Request, j moment.Job, q moment.PostQuery, seen time.Time) error {
	j.By = origin(r)
	if err := s.store.StartJobOn(r.Context(), j, q, seen); err != nil {
		return err
	}
	s.worker.look()
	return nil
}

// Run works on bulk changes until ctx ends.
func (s *Web) Run(ctx context.Context) { s.worker.run(ctx) }

func (s *Web) jobRoutes() []route {
	return []route{
		{"GET /jobs", moment.PermView, s.listJobs},
		{"GET /jobs/{key}", moment.PermView, s.showJob},
		{"POST /jobs/{key}/stop", moment.PermView, s.stopJob},
	}
}

// jobPage shows how far a bulk change is.
type jobPage struct {
	Frame
	moment.Job
	Title    string
	Well     int
	Over     bool
	MayStop  bool
	Refusals []jobLine
}

type jobLine struct {
	Post int64
	Why  string
}

func (s *Web) showJob(w http.ResponseWriter, r *http.Request) error {
	j, err := s.store.JobByKey(r.Context(), r.PathValue("key"))
	if err != nil {
		return err
	}
	c := s.texts[langOf(r)]
	p := &jobPage{Job: j, Title: "job." + j.Kind, Well: j.Done - j.Failed, Over: !j.EndedAt.IsZero(), MayStop: mayStop(r, &j)}
	for _, e := range j.Errors {
		said := explain(c, &moment.Error{Kind: e.Kind, Message: e.Message})
		p.Refusals = append(p.Refusals, jobLine{e.PostID, fmt.Sprintf("%s %s", said.What, said.Why)})
	}
	return s.page(w, r, view{Page: "job", Block: "job", Data: p})
}

// mayStop: who started it, and who runs the place.
func mayStop(r *http.Request, j *moment.Job) bool {
	return j.EndedAt.IsZero() && !j.Stop && (j.By.Actor == userOf(r).Name || userOf(r).May(moment.PermAdmin))
}

func (s *Web) stopJob(w http.ResponseWriter, r *http.Request) error {
	key := r.PathValue("key")
	j, err := s.store.JobByKey(r.Context(), key)
	if err != nil {
		return err
	}
	if !j.EndedAt.IsZero() || j.Stop {
		return seeOther(w, r, "/jobs/"+url.PathEscape(key))
	}
	if !mayStop(r, &j) {
		return moment.Errorf(moment.Conflict, "Only who started a bulk change may stop it.")
	}
	if err := s.store.StopJob(r.Context(), key); err != nil {
		return err
	}
	say(w, r, "job.stopping")
	return seeOther(w, r, "/jobs/"+url.PathEscape(key))
}

// jobsPage lists the latest bulk changes.
type jobsPage struct {
	Frame
	Jobs []moment.Job
}

func (s *Web) listJobs(w http.ResponseWriter, r *http.Request) error {
	p := &jobsPage{}
	var err error
	if p.Jobs, err = s.store.Jobs(r.Context(), "", jobsKept); err != nil {
		return err
	}
	return s.page(w, r, view{Page: "jobs", Block: "jobs", Data: p})
}
