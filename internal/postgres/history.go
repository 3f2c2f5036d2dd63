package postgres

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"

	"momentcast/internal/moment"
)

// memory is what this process knows of the database's history. It outlives the
// server: what a promoted standby has lost is noticed by it.
type memory struct {
	mu         sync.Mutex
	generation string    // "" = not asked yet
	last       time.Time // newest sign of life that is committed, as far as we know
}

func (m *memory) get() (generation string, last time.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.generation, m.last
}

// seen is the fence: a database that has not got this far is not the one that
// we have worked on.
func (m *memory) seen() time.Time {
	_, last := m.get()
	return last
}

func (m *memory) keep(generation string, last time.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.generation, m.last = generation, last
}

// stayAlive writes a sign of life, unless the history has moved: the last one
// before that tells what may be missing.
func (db *DB) stayAlive(ctx context.Context) error {
	const q = `
		UPDATE history SET alive_at = greatest(alive_at, now())
		WHERE generation::text = $1 AND history_stands($2)
		RETURNING alive_at`
	generation, last := db.history.get()
	if generation == "" {
		return nil
	}
	err := db.pool.QueryRow(ctx, q, generation, last).Scan(&last)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil // Stand deals with it
	}
	if err != nil {
		return translate(err)
	}
	db.history.keep(generation, last)
	return nil
}

// Stand implements dispatch.Store: it tells whether the database is still the
// one that this process has worked on. If not, every account from which
// something may have been sent that it does not know of is held until its
// timeline was read, which is done no earlier than settle from now: until then
// a call may be under way. Where more is missing than a failover can lose,
// everything is paused.
func (db *DB) Stand(ctx context.Context, replica string, settle time.Duration) (m moment.HistoryMove, err error) {
	const q = `
		SELECT generation::text, history_stands($1), timeline = '' AND this_timeline() <> '', alive_at
		FROM history`
	known, last := db.history.get()
	var generation string
	var stands, untold bool
	var alive time.Time
	if err := db.pool.QueryRow(ctx, q, last).Scan(&generation, &stands, &untold, &alive); err != nil {
		return m, fmt.Errorf("ask the history: %w", translate(err))
	}
	if stands && !untold && generation == known {
		return m, nil
	}
	var now string
	err = pgx.BeginFunc(ctx, db.pool, func(tx pgx.Tx) error {
		h, err := lockHistory(ctx, tx, known, last)
		if err != nil {
			return err
		}
		if h.why != "" {
			m, err = h.move(ctx, tx, replica, settle)
			if err != nil {
				return err
			}
		}
		now, alive, err = h.adopt(ctx, tx, m)
		return err
	})
	if err != nil {
		return moment.HistoryMove{}, fmt.Errorf("hold what the history may miss: %w", translate(err))
	}
	db.history.keep(now, alive)
	m.Moved = m.Moved || known != "" && now != known
	return m, nil
}

// past is the locked row, and what it means to this process.
type past struct {
	why    moment.MoveCause // "" = nothing has moved, or somebody has dealt with it
	alive  time.Time
	now    time.Time
	lost   time.Duration // how much may be missing
	orders bool          // the last replica ended in an orderly way
}

func lockHistory(ctx context.Context, tx pgx.Tx, known string, last time.Time) (h past, err error) {
	const q = `
		SELECT alive_at, now(), timeline <> '' AND this_timeline() NOT IN ('', timeline), alive_at < pg_postmaster_start_time(),
			NOT EXISTS (SELECT FROM replicas WHERE heartbeat_at > alive_at - interval '20 seconds')
		FROM history
		FOR UPDATE`
	var otherLine, restarted bool
	if err := tx.QueryRow(ctx, q).Scan(&h.alive, &h.now, &otherLine, &restarted, &h.orders); err != nil {
		return h, err
	}
	h.lost = h.now.Sub(h.alive)
	if known != "" {
		h.lost = last.Sub(h.alive)
	}
	switch {
	case otherLine:
		h.why = moment.MovedTimeline
	case h.alive.Before(last):
		h.why = moment.MovedBack
	case known == "" && restarted:
		h.why = moment.MovedRestart
	}
	return h, nil
}

// move holds the accounts that may have sent what the database does not know
// of: those with something due. What is claimed goes back; whoever claimed it
// finds its intent refused.
func (h past) move(ctx context.Context, tx pgx.Tx, replica string, settle time.Duration) (m moment.HistoryMove, err error) {
	const hold = `
		WITH due AS MATERIALIZED (
			SELECT i.id FROM instances i
			WHERE EXISTS (SELECT FROM posts p WHERE p.instance_id = i.id AND p.state = 'scheduled' AND p.due_at <= now() + $3::interval)
			   OR EXISTS (SELECT FROM posts p WHERE p.id = i.in_flight AND p.state = 'claimed')
			ORDER BY i.id
			FOR NO KEY UPDATE
		), listed AS (
			INSERT INTO unread_accounts (instance_id, since, read_at)
			SELECT id, $1, now() + $2::interval FROM due
			ON CONFLICT (instance_id) DO UPDATE SET
				since = least(unread_accounts.since, excluded.since),
				held_at = now(),
				read_at = excluded.read_at,
				tries = 0
		), back AS (
			UPDATE posts p SET state = 'scheduled', lease_until = NULL, attempt = p.attempt - 1, version = p.version + 1, updated_at = now()
			FROM due
			WHERE p.instance_id = due.id AND p.state = 'claimed'
			RETURNING p.id, p.instance_id
		)
		UPDATE instances i SET
			unread = true,
			ready_at = NULL,
			in_flight = CASE WHEN EXISTS (SELECT FROM back b WHERE b.id = i.in_flight) THEN NULL ELSE i.in_flight END
		FROM due
		WHERE i.id = due.id
		RETURNING i.id`
	// What was due may have been posted, and a comment cannot be read back.
	const comments = `
		UPDATE first_comments SET state = 'unknown', due_at = NULL, updated_at = now(),
			error = 'the database moved to another history: whether it was posted is not known'
		WHERE due_at <= now() + $1::interval`
	m = moment.HistoryMove{Moved: true, Why: h.why, At: h.now, From: h.alive.Add(-moment.MoveMargin)}
	rows, err := tx.Query(ctx, hold, m.From, settle, moment.MoveSkew)
	if err != nil {
		return m, err
	}
	ids, err := pgx.CollectRows(rows, pgx.RowTo[int64])
	if err != nil {
		return m, err
	}
	m.Accounts = len(ids)
	if err := refresh(ctx, tx, ids...); err != nil {
		return m, err
	}
	if _, err := tx.Exec(ctx, comments, moment.MoveSkew); err != nil {
		return m, err
	}
	// A machine that was switched off in an orderly way is no old backup.
	if h.lost > moment.MovePause && !(h.why == moment.MovedRestart && h.orders) {
		if m.Paused, err = pauseOld(ctx, tx, h, replica); err != nil {
			return m, err
		}
	}
	if h.why == moment.MovedRestart && m.Accounts == 0 && !m.Paused {
		m.Moved = false // nobody needs to hear of it
		return m, nil
	}
	return m, tell(ctx, tx, moment.Event{Action: "failover", Actor: replica, Source: "system", Detail: map[string]any{
		"why": m.Why, "from": m.From.UTC(), "accounts": m.Accounts, "paused": m.Paused,
	}})
}

// pauseOld pauses everything: this database ends too long ago. A pause that is
// there stays as it is.
func pauseOld(ctx context.Context, tx pgx.Tx, h past, replica string) (bool, error) {
	const q = `UPDATE settings SET paused = true, paused_reason = $1, paused_by = $2, paused_at = now() WHERE NOT paused`
	reason := fmt.Sprintf("this database knows nothing after %s and may be a restored backup: check what is queued, then resume",
		h.alive.UTC().Format("2006-01-02 15:04 UTC"))
	tag, err := tx.Exec(ctx, q, reason, replica)
	if err != nil || tag.RowsAffected() == 0 {
		return false, err
	}
	return true, tell(ctx, tx, moment.Event{Action: "pause", Actor: replica, Source: "system", Detail: map[string]any{"reason": reason}})
}

// adopt makes the history ours: from here on it is the one to be fenced with.
func (h past) adopt(ctx context.Context, tx pgx.Tx, m moment.HistoryMove) (generation string, alive time.Time, err error) {
	const q = `
		UPDATE history SET
			generation = CASE WHEN $1 THEN gen_random_uuid() ELSE generation END,
			timeline = coalesce(nullif(this_timeline(), ''), timeline),
			alive_at = CASE WHEN $2 THEN now() ELSE greatest(alive_at, now()) END,
			moved_at = CASE WHEN $1 THEN now() ELSE moved_at END,
			moved_from = CASE WHEN $1 THEN $3 ELSE moved_from END,
			moved_why = CASE WHEN $1 THEN $4 ELSE moved_why END
		RETURNING generation::text, alive_at`
	err = tx.QueryRow(ctx, q, m.Moved, h.why != "", m.From, string(m.Why)).Scan(&generation, &alive)
	return generation, alive, err
}
