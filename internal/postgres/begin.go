package postgres

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"momentcast/internal/moment"
)

// beginCalls commits the intent to call. Only what comes back may be sent. The
// fence is the token of the claim and its live lease; a pause, or an instance
// that has gone offline since the claim, holds the call back too, and so does a
// database whose history has moved (as a condition of its own that would talk
// the planner out of the index). The login session is read here, at the last
// moment. coalesce keeps the index on leases out of it, through which every post
// in flight would be compared with every one that begins.
const beginCalls = `
	UPDATE posts p SET
		state = 'sending',
		intent_at = now(),
		call_until = now() + $3::interval,
		lease_until = now() + $4::interval,
		updated_at = now()
	FROM unnest(CASE WHEN (SELECT history_stands($5)) THEN $1::bigint[] END, $2::bigint[]) u(id, token), instances i, settings s
	WHERE p.id = u.id
	  AND p.claim_token = u.token
	  AND p.state::text = 'claimed'
	  AND coalesce(p.lease_until > now(), false)
	  AND i.id = p.instance_id
	  AND i.online AND i.missing_since IS NULL AND NOT i.paused AND i.w_id <> ''
	  AND coalesce(i.matured_at, i.online_since + coalesce(i.online_age, s.online_age)) <= now()
	  AND s.id AND NOT s.paused
	RETURNING p.id, i.w_id`

// Begin implements dispatch.Store: it commits the intent to call for those of
// the claims that are still ours and still allowed, and returns them. callFor
// is the time from now within which the call must begin and end; lease is the
// time after which the post is given up as unknown.
func (db *DB) Begin(ctx context.Context, refs []moment.Ref, callFor, lease time.Duration) ([]moment.Begun, error) {
	ids, tokens := splitRefs(refs)
	rows, err := db.engine.Query(ctx, beginCalls, ids, tokens, callFor, lease, db.history.seen())
	if err != nil {
		return nil, fmt.Errorf("begin %d calls: %w", len(refs), translate(err))
	}
	begun, err := pgx.CollectRows(rows, pgx.RowToStructByPos[moment.Begun])
	if err != nil {
		return nil, fmt.Errorf("begin %d calls: %w", len(refs), translate(err))
	}
	return begun, nil
}

// BegunAlready implements dispatch.Store: which of the claims have a committed
// intent. It answers the question that a lost connection leaves open.
//
// It writes the rows it finds. An intent whose commit was cut off while it waited
// for a synchronous standby can be read, but may be gone after a failover; the
// write's own commit waits for the standby to have all that came before it. And
// where that intent's transaction still runs, the write waits for its end.
func (db *DB) BegunAlready(ctx context.Context, refs []moment.Ref) ([]moment.Begun, error) {
	const q = `
		UPDATE posts p SET updated_at = now()
		FROM unnest($1::bigint[], $2::bigint[]) u(id, token), instances i
		WHERE p.id = u.id
		  AND p.claim_token = u.token
		  AND p.state::text = 'sending'
		  AND i.id = p.instance_id
		RETURNING p.id, i.w_id`
	ids, tokens := splitRefs(refs)
	rows, err := db.engine.Query(ctx, q, ids, tokens)
	if err != nil {
		return nil, fmt.Errorf("re-read %d intents: %w", len(refs), translate(err))
	}
	begun, err := pgx.CollectRows(rows, pgx.RowToStructByPos[moment.Begun])
	if err != nil {
		return nil, fmt.Errorf("re-read %d intents: %w", len(refs), translate(err))
	}
	return begun, nil
}

// Release implements dispatch.Store: claims that were not begun are scheduled
// again, and their instances are free.
func (db *DB) Release(ctx context.Context, claims []moment.Claim) error {
	const giveBack = `
		WITH back AS (
			UPDATE posts p SET
				state = 'scheduled',
				lease_until = NULL,
				attempt = p.attempt - 1,
				updated_at = now()
			FROM unnest($1::bigint[], $2::bigint[]) u(id, token)
			WHERE p.id = u.id AND p.claim_token = u.token AND p.state::text = 'claimed'
			RETURNING p.id, p.instance_id
		)
		UPDATE instances i SET in_flight = NULL
		FROM back
		WHERE i.id = back.instance_id AND i.in_flight = back.id`
	refs := make([]moment.Ref, len(claims))
	instances := make([]int64, len(claims))
	for i, c := range claims {
		refs[i], instances[i] = c.Ref, c.InstanceID
	}
	ids, tokens := splitRefs(refs)
	return db.settle(ctx, "release", instances, func(b *pgx.Batch) { b.Queue(giveBack, ids, tokens) })
}

// settle runs statements between the locks on the instances and the new
// ready_at, as one transaction in one round trip.
func (db *DB) settle(ctx context.Context, what string, instances []int64, queue func(*pgx.Batch)) error {
	b := &pgx.Batch{}
	b.Queue("BEGIN")
	b.Queue(lockInstances, instances)
	queue(b)
	b.Queue(refreshReady, instances)
	b.Queue("COMMIT")
	err := db.withEngineConn(ctx, func(conn *pgx.Conn) error { return conn.SendBatch(ctx, b).Close() })
	if err != nil {
		return fmt.Errorf("%s %d posts: %w", what, len(instances), translate(err))
	}
	return nil
}

func splitRefs(refs []moment.Ref) (ids, tokens []int64) {
	ids, tokens = make([]int64, len(refs)), make([]int64, len(refs))
	for i, r := range refs {
		ids[i], tokens[i] = r.ID, r.Token
	}
	return ids, tokens
}
