package postgres

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"momentcast/internal/moment"
)

const jobCols = `id, key, kind, spec, actor, source, back, state, stop, total, done, failed, errors, token, created_at, ended_at`

func scanJob(row pgx.CollectableRow) (j moment.Job, err error) {
	return j, row.Scan(&j.ID, &j.Key, &j.Kind, &j.Spec, &j.By.Actor, &j.By.Source, &j.Back, &j.State, &j.Stop,
		&j.Total, &j.Done, &j.Failed, &j.Errors, &j.Token, &j.CreatedAt, nullTime{&j.EndedAt})
}

// jobBatch is how many posts of a job are read and stored at a time.
const jobBatch = 500

// StartJob stores the job with its posts. The same key again is the same job;
// Conflict if it is somebody else's.
func (db *DB) StartJob(ctx context.Context, j moment.Job, items []moment.JobItem) error {
	return db.startJob(ctx, j, func(tx pgx.Tx, id int64) error { return addItems(ctx, tx, id, 0, items) })
}

// StartJobOn is StartJob with all posts that q selects and that were there when
// somebody looked, however many: they are read and stored page by page, in the
// order of the list, so that no more than a page is ever held.
func (db *DB) StartJobOn(ctx context.Context, j moment.Job, q moment.PostQuery, seen time.Time) error {
	return db.startJob(ctx, j, func(tx pgx.Tx, id int64) error {
		if _, err := tx.Exec(ctx, holdToIndexes); err != nil {
			return err
		}
		q.Ascending, q.Limit = true, jobBatch
		total := 0
		for more := true; more; {
			var page []moment.PostView
			var err error
			if page, more, err = (postList{q}).read(ctx, tx); err != nil {
				return err
			}
			items := make([]moment.JobItem, 0, len(page))
			for i := range page {
				if p := &page[i]; !p.CreatedAt.After(seen) {
					items = append(items, moment.JobItem{PostID: p.ID, Version: p.Version, DueAt: p.DueAt})
				}
			}
			if err := addItems(ctx, tx, id, total, items); err != nil {
				return err
			}
			total += len(items)
			if more {
				last := page[len(page)-1]
				q.After = &moment.PostCursor{DueAt: last.DueAt, ID: last.ID}
			}
		}
		return nil
	})
}

// startJob stores the job, has fill add its posts, and counts them.
func (db *DB) startJob(ctx context.Context, j moment.Job, fill func(tx pgx.Tx, id int64) error) error {
	const add = `
		INSERT INTO jobs (key, kind, spec, actor, source, back, total)
		VALUES ($1, $2, $3, $4, $5, $6, 0)
		ON CONFLICT (key) DO NOTHING
		RETURNING id`
	const count = `UPDATE jobs SET total = (SELECT count(*) FROM job_items WHERE job_id = $1) WHERE id = $1`
	err := pgx.BeginFunc(ctx, db.pool, func(tx pgx.Tx) error {
		var id int64
		err := tx.QueryRow(ctx, add, j.Key, j.Kind, j.Spec, j.By.Actor, j.By.Source, j.Back).Scan(&id)
		if errors.Is(err, pgx.ErrNoRows) {
			return nil
		}
		if err != nil {
			return err
		}
		if err := fill(tx, id); err != nil {
			return err
		}
		_, err = tx.Exec(ctx, count, id)
		return err
	})
	if err != nil {
		return fmt.Errorf("start job: %w", translate(err))
	}
	return nil
}

// addItems stores posts of the job, of which it has so many already.
func addItems(ctx context.Context, tx pgx.Tx, job int64, have int, items []moment.JobItem) error {
	const fill = `
		INSERT INTO job_items (job_id, n, post_id, version, due_at, hash)
		SELECT $1, $2 + n, post_id, version, due_at, hash
		FROM unnest($3::bigint[], $4::bigint[], $5::timestamptz[], $6::text[]) WITH ORDINALITY AS u (post_id, version, due_at, hash, n)`
	posts, versions := make([]int64, len(items)), make([]int64, len(items))
	dues, hashes := make([]*time.Time, len(items)), make([]string, len(items))
	for n, i := range items {
		posts[n], versions[n], dues[n], hashes[n] = i.PostID, i.Version, orNull(i.DueAt), cleanText(i.Hash)
	}
	_, err := tx.Exec(ctx, fill, job, have, posts, versions, dues, hashes)
	return err
}

// JobByKey returns the job.
func (db *DB) JobByKey(ctx context.Context, key string) (moment.Job, error) {
	rows, err := db.pool.Query(ctx, `SELECT `+jobCols+` FROM jobs WHERE key = $1`, key)
	if err != nil {
		return moment.Job{}, fmt.Errorf("read job: %w", translate(err))
	}
	j, err := pgx.CollectExactlyOneRow(rows, scanJob)
	return j, missing(err, "bulk change")
}

// Jobs lists the latest jobs, newest first; actor "" = everybody's.
func (db *DB) Jobs(ctx context.Context, actor string, limit int) ([]moment.Job, error) {
	const q = `SELECT ` + jobCols + ` FROM jobs WHERE $1 = '' OR actor = $1 ORDER BY id DESC LIMIT $2`
	rows, err := db.pool.Query(ctx, q, actor, limit)
	if err != nil {
		return nil, fmt.Errorf("list jobs: %w", translate(err))
	}
	jobs, err := pgx.CollectRows(rows, scanJob)
	if err != nil {
		return nil, fmt.Errorf("list jobs: %w", translate(err))
	}
	return jobs, nil
}

// stopJobs asks jobs to end with the post they are at. Those that nobody works on
// end at once.
const stopJobs = `
	UPDATE jobs SET
		stop = true,
		state = CASE WHEN state = 'waiting' THEN 'stopped' ELSE state END,
		ended_at = CASE WHEN state = 'waiting' THEN now() END
	WHERE ended_at IS NULL`

// StopJob asks the job to end with the post it is at. One that nobody works on
// ends at once.
func (db *DB) StopJob(ctx context.Context, key string) error {
	if _, err := db.pool.Exec(ctx, stopJobs+` AND key = $1`, key); err != nil {
		return fmt.Errorf("stop job: %w", translate(err))
	}
	return nil
}

// ClaimJob takes the oldest job that nobody works on, leased for that long; nil
// if there is none. Its token fences whoever held it before.
func (db *DB) ClaimJob(ctx context.Context, lease time.Duration) (*moment.Job, error) {
	const q = `
		UPDATE jobs SET state = 'running', token = token + 1, lease_until = now() + $1::interval
		WHERE id = (SELECT id FROM jobs WHERE ended_at IS NULL AND (lease_until IS NULL OR lease_until < now())
			ORDER BY id LIMIT 1 FOR UPDATE SKIP LOCKED)
		RETURNING ` + jobCols
	rows, err := db.pool.Query(ctx, q, lease)
	if err != nil {
		return nil, fmt.Errorf("claim job: %w", translate(err))
	}
	j, err := pgx.CollectExactlyOneRow(rows, scanJob)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("claim job: %w", translate(err))
	}
	return &j, nil
}

// JobItems returns the job's next posts, at most limit.
func (db *DB) JobItems(ctx context.Context, job int64, after, limit int) ([]moment.JobItem, error) {
	const q = `SELECT n, post_id, version, due_at, hash FROM job_items WHERE job_id = $1 AND n > $2 ORDER BY n LIMIT $3`
	rows, err := db.pool.Query(ctx, q, job, after, limit)
	if err != nil {
		return nil, fmt.Errorf("read job: %w", translate(err))
	}
	items, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (i moment.JobItem, err error) {
		return i, row.Scan(&i.N, &i.PostID, &i.Version, nullTime{&i.DueAt}, &i.Hash)
	})
	if err != nil {
		return nil, fmt.Errorf("read job: %w", translate(err))
	}
	return items, nil
}

// jobStep records the progress and keeps the lease. It finds no row when the
// job has another holder by now, or was asked to stop.
const jobStep = `
	UPDATE jobs SET
		done = $3,
		failed = failed + CASE WHEN $4::jsonb IS NULL THEN 0 ELSE 1 END,
		errors = CASE WHEN $4::jsonb IS NULL OR jsonb_array_length(errors) >= 20 THEN errors ELSE errors || $4::jsonb END,
		lease_until = now() + $5::interval
	WHERE id = $1 AND token = $2 AND state = 'running' AND done = $3 - 1 AND NOT stop`

// errJobLost says that this process is not to go on with the job.
var errJobLost = errors.New("the job was stopped, or is somebody else's by now")

// JobStep changes the next post of the job and records it, in one transaction.
// What the post refuses is recorded as failed. It reports false when the job
// was stopped or has another holder, and then has changed nothing.
func (db *DB) JobStep(ctx context.Context, j *moment.Job, i moment.JobItem, lease time.Duration) (held bool, err error) {
	err = db.changePost(ctx, i.PostID, func(tx pgx.Tx, p *lockedPost) error {
		if err := p.expect(i.Version); err != nil {
			return err
		}
		a := j.Act(i)
		if _, err := p.State.After(a.Action); err != nil {
			return err
		}
		if a.Action == moment.ActReschedule {
			if err := ahead(ctx, tx, a.DueAt); err != nil {
				return err
			}
		}
		if err := p.act(ctx, tx, a, j.By); err != nil {
			return err
		}
		return recordStep(ctx, tx, j, i, nil, lease)
	})
	if err == nil || errors.Is(err, errJobLost) {
		return err == nil, nil
	}
	if kind := moment.KindOf(err); kind == moment.Unavailable || kind == moment.Internal && !ofRow(err) {
		return true, fmt.Errorf("post %d: %w", i.PostID, err)
	}
	why := moment.JobError{PostID: i.PostID, Kind: moment.KindOf(err), Message: messageOf(err)}
	switch err := recordStep(ctx, db.pool, j, i, &why, lease); {
	case errors.Is(err, errJobLost):
		return false, nil
	default:
		return true, translate(err)
	}
}

// ahead refuses to move a post into the past. One that is moved by itself may
// be; among many, it is those that nobody has looked at.
func ahead(ctx context.Context, tx pgx.Tx, due time.Time) error {
	var past bool
	if err := tx.QueryRow(ctx, `SELECT $1::timestamptz < now()`, due).Scan(&past); err != nil {
		return err
	}
	if past {
		return moment.Errorf(moment.Invalid, "The new time lies in the past.")
	}
	return nil
}

// ofRow reports whether the database refuses what is asked of this very post,
// and would every time: the job goes on without it, or it would keep all others
// from their turn. Conflicts with other transactions (40) are tried again.
func ofRow(err error) bool {
	pe, ok := errors.AsType[*pgconn.PgError](err)
	return ok && pe.Code[:2] != "40"
}

func recordStep(ctx context.Context, tx execer, j *moment.Job, i moment.JobItem, why *moment.JobError, lease time.Duration) error {
	var refusal *string
	if why != nil {
		b, err := json.Marshal(why)
		if err != nil {
			return err
		}
		s := cleanText(string(b))
		refusal = &s
	}
	tag, err := tx.Exec(ctx, jobStep, j.ID, j.Token, i.N, refusal, lease)
	if err == nil && tag.RowsAffected() == 0 {
		return errJobLost
	}
	return err
}

func messageOf(err error) string {
	if e, ok := errors.AsType[*moment.Error](err); ok {
		return e.Message
	}
	return ""
}

// EndJob ends the job, if it is still this holder's: done, or stopped where that
// was asked for. What it was to change is forgotten.
func (db *DB) EndJob(ctx context.Context, j *moment.Job) error {
	const q = `
		WITH over AS (
			UPDATE jobs SET state = CASE WHEN done < total THEN 'stopped' ELSE 'done' END, lease_until = NULL, ended_at = now()
			WHERE id = $1 AND token = $2 AND state = 'running'
			RETURNING id)
		DELETE FROM job_items USING over WHERE job_id = over.id`
	if _, err := db.pool.Exec(ctx, q, j.ID, j.Token); err != nil {
		return fmt.Errorf("end job: %w", translate(err))
	}
	return nil
}

// LeaveJob gives the job back, for somebody else to go on with.
func (db *DB) LeaveJob(ctx context.Context, j *moment.Job) error {
	const q = `UPDATE jobs SET state = 'waiting', lease_until = NULL WHERE id = $1 AND token = $2 AND state = 'running'`
	if _, err := db.pool.Exec(ctx, q, j.ID, j.Token); err != nil {
		return fmt.Errorf("leave job: %w", translate(err))
	}
	return nil
}
