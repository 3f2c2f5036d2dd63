package postgres

import (
	"context"
	"encoding/json"

	"time"

	"github.com/jackc/pgx/v5"

	"momentcast/internal/moment"
)

// recordOutcomes writes what became of begun calls: the post, its attempt, the
// audit line, the first comment's turn, and the instance's freedom, all or
// nothing. The fence is the token. "state = 'sending'" is spelled as a
// comparison of text, because the planner would otherwise read every row in
// flight through a partial index that it believes to be empty. What the later
// parts need of an outcome comes along with done: a join of two lists that no
// index serves takes the square of their length.
const recordOutcomes = `
	WITH r AS MATERIALIZED (
		SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::text[], $4::interval[], $5::text[], $6::timestamptz[], $7::text[],
			$8::text[], $9::text[], $10::text[], $11::text[], $12::text[], $13::int[], $14::interval[], $15::bool[])
			AS r(id, token, action, backoff, moment_id, moment_created_at, error,
				w_id, verdict, cause, request, reply, http_status, duration, has_comment)
	), done AS (
		UPDATE posts p SET
			state = (CASE r.action WHEN 'succeed' THEN 'sent' WHEN 'fail' THEN 'failed' WHEN 'release' THEN 'scheduled' ELSE 'unknown' END)::post_state,
			lease_until = NULL,
			finished_at = now(),
			moment_id = r.moment_id,
			moment_created_at = r.moment_created_at,
			error = r.error,
			reconcile_at = CASE WHEN r.action = 'doubt' THEN now() + $16::interval END,
			reconcile_round = 0,
			version = p.version + 1,
			updated_at = now()
		FROM r
		WHERE p.id = r.id AND p.claim_token = r.token AND p.state::text = 'sending'
		RETURNING p.id, p.instance_id, p.attempt, p.intent_at, p.claimed_by, p.state,
			r.action, r.backoff, r.error, r.w_id, r.verdict, r.cause, r.request, r.reply, r.http_status, r.duration, r.has_comment
	), tried AS (
		INSERT INTO attempts (post_id, number, started_at, duration, replica, w_id, verdict, cause, message, request, reply, http_status)
		SELECT d.id, d.attempt, d.intent_at, d.duration, d.claimed_by, d.w_id, d.verdict, d.cause, d.error, d.request, d.reply, d.http_status
		FROM done d
		ON CONFLICT DO NOTHING
	), told AS (
		INSERT INTO events (post_id, instance_id, action, from_state, to_state, actor, source)
		SELECT d.id, d.instance_id, d.action, 'sending', d.state::text, d.claimed_by, 'system'
		FROM done d
	), commented AS (
		UPDATE first_comments f SET state = 'due', due_at = now() + interval '5 seconds', updated_at = now()
		FROM done d
		WHERE d.has_comment AND d.action = 'succeed' AND f.post_id = d.id AND f.state = 'waiting'
	), freed AS (
		UPDATE instances i SET
			in_flight = CASE WHEN d.action = 'doubt' THEN i.in_flight END,
			next_slot_at = now() + CASE WHEN d.action = 'release' THEN d.backoff ELSE coalesce(i.min_gap, s.min_gap) END,
			slot_reason = CASE WHEN d.action = 'release' THEN 'backoff' ELSE 'gap' END,
			sent_on = CASE WHEN d.action IN ('succeed', 'doubt') THEN (now() AT TIME ZONE i.time_zone)::date ELSE i.sent_on END,
			sent_count = CASE WHEN d.action NOT IN ('succeed', 'doubt') THEN i.sent_count
			                  WHEN i.sent_on = (now() AT TIME ZONE i.time_zone)::date THEN i.sent_count + 1
			                  ELSE 1 END
		FROM done d JOIN settings s ON s.id
		WHERE i.id = d.instance_id AND i.in_flight = d.id
	)
	SELECT id FROM done`

// Record implements dispatch.Store: it writes the outcomes and returns the ids
// of those that were no longer ours to write, because the lease had run out
// and somebody had judged the call unknown, or because a person has decided
// since. For these, a success is still written where it settles a doubt.
func (db *DB) Record(ctx context.Context, outcomes []moment.Outcome) (stale []int64, err error) {
	cols := outcomeColumns(outcomes)
	done := make(map[int64]bool, len(outcomes))
	instances := make([]int64, len(outcomes))
	for i, o := range outcomes {
		instances[i] = o.Claim.InstanceID
	}
	err = db.settle(ctx, "record", instances, func(b *pgx.Batch) {
		b.Queue(recordOutcomes, cols...).Query(func(rows pgx.Rows) error {
			ids, err := pgx.CollectRows(rows, pgx.RowTo[int64])
			for _, id := range ids {
				done[id] = true
			}
			return err
		})
	})
	if err != nil {
		return nil, err
	}
	for _, o := range outcomes {
		if done[o.Claim.ID] {
			continue
		}
		ours, err := db.recordLate(ctx, o)
		if err != nil {
			return nil, err
		}
		if !ours {
			stale = append(stale, o.Claim.ID)
		}
	}
	return stale, nil
}

func outcomeColumns(outcomes []moment.Outcome) []any {
	n := len(outcomes)
	var (
		ids, tokens                     = make([]int64, n), make([]int64, n)
		actions, errs, verdicts, causes = make([]string, n), make([]string, n), make([]string, n), make([]string, n)
		wIDs, requests, replies         = make([]string, n), make([]string, n), make([]string, n)
		backoffs, durations             = make([]time.Duration, n), make([]time.Duration, n)
		moments                         = make([]*string, n)
		created                         = make([]*time.Time, n)
		statuses                        = make([]int32, n)
		comments                        = make([]bool, n)
	)
	for i, o := range outcomes {
		ids[i], tokens[i] = o.Claim.ID, o.Claim.Token
		actions[i], backoffs[i] = string(o.Action), o.Backoff
		verdicts[i], causes[i], wIDs[i] = string(o.Result.Verdict), o.Result.Cause, o.WID
		requests[i], replies[i], statuses[i], durations[i] = clean(o.Result.Request), clean(o.Result.Reply), int32(o.Result.Status), o.Result.Duration
		comments[i] = o.Claim.FirstComment
		if o.Action == moment.ActSucceed {
			moments[i], created[i] = &o.Result.MomentID, orNull(o.Result.Created)
		} else {
			errs[i] = clean(o.Result.Message)
		}
	}
	return []any{ids, tokens, actions, backoffs, moments, created, errs,
		wIDs, verdicts, causes, requests, replies, statuses, durations, comments, moment.ReconcileWaits[0]}
}

// errIntentLost: the claim is there and the intent that followed is not. The
// outcome waits until what follows from that has been done.
var errIntentLost = &moment.Error{Kind: moment.Unavailable, Message: "The database is not able to answer now."}

// recordLate deals with one outcome that the batch could not write. It reports
// whether there is nothing left to tell a person.
func (db *DB) recordLate(ctx context.Context, o moment.Outcome) (ours bool, err error) {
	err = db.changePost(ctx, o.Claim.ID, func(tx pgx.Tx, p *lockedPost) error {
		same := p.Token == o.Claim.Token
		switch {
		case p.lost(o):
			ours = true // with a server that failed; this one has to be told of the call
			return p.restore(ctx, tx, o, false)
		case same && p.State == moment.Claimed:
			return errIntentLost // it is given back, and then told of the call
		case same && p.State == moment.Sent && p.MomentID == o.Result.MomentID:
			ours = true // written before: the answer to the first commit was lost, or a read-back was quicker
			return nil
		case same && o.Action != moment.ActSucceed && (p.State == moment.Failed || p.State == moment.Scheduled):
			ours = true // written before, likewise
			return nil
		case same && (p.State == moment.Unknown || p.State == moment.Scheduled) && o.Action == moment.ActSucceed:
			ours = true
			return p.markSent(ctx, tx, moment.ActSucceed, o.Result.MomentID, o.Result.Created, nil,
				moment.System(p.ClaimedBy), map[string]any{"late": true})
		case same && p.State == moment.Unknown && o.Action == moment.ActDoubt:
			ours = true
			return nil
		case same && p.State == moment.Unknown:
			ours = true // a refusal that comes late changes nothing; the read-back decides
		}
		return p.tell(ctx, tx, "late_result", p.State, p.State, moment.System(p.ClaimedBy),
			map[string]any{"verdict": o.Result.Verdict, "moment_id": o.Result.MomentID, "message": o.Result.Message})
	})
	if moment.KindOf(err) == moment.NotFound {
		return false, nil
	}
	return ours, err
}

func orNull(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

// clean makes a text from outside fit for a text column: PostgreSQL takes
// neither NUL nor broken UTF-8, and no reply may make a result unrecordable.
func clean(s string) string { return cleanText(s) }

// cleanTime drops a time that JSON cannot tell.
func cleanTime(t time.Time) time.Time {
	if y := t.UTC().Year(); y < 1 || y > 9999 {
		return time.Time{}
	}
	return t
}

func cleanProof(p *moment.Proof) *moment.Proof {
	if p == nil {
		return nil
	}
	c := *p
	for _, s := range []*string{&c.Content, &c.Title, &c.Description, &c.URL, &c.ThumbURL} {
		*s = cleanText(*s)
	}
	c.CreatedAt = cleanTime(c.CreatedAt)
	if _, err := json.Marshal(c); err != nil {
		return nil
	}
	return &c
}
