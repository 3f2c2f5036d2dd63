package postgres

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"momentcast/internal/failpoint"
	"momentcast/internal/moment"
)

// How far and how much is expanded at once.
const (
	horizon        = 30 * 24 * time.Hour
	maxOccurrences = 1000   // of a campaign ahead of now
	maxAhead       = 20_000 // posts of a campaign ahead of now
	stepPosts      = 100    // of one transaction that changes posts: their instances are locked meanwhile
	near           = 48 * time.Hour
)

// expansion is one step of one campaign: a transaction that holds the
// campaign's row.
type expansion struct {
	tx      pgx.Tx
	c       *moment.Campaign
	now     time.Time
	by      moment.Origin
	planned bool // the occurrences were compared with the schedule, for this spec version and within the hour
	targets []moment.Target
	member  map[int64]bool
	fresh   map[int64]bool // occurrences of which no post exists from their cursor on: nobody else can change one, and only we make them
	most    int            // new posts of this step
	made    int            // posts that it dealt with
	until   time.Time      // the campaign's posts are complete up to here; zero = not known
}

// expandable are the columns of expansion beside the campaign's.
const expandable = `SELECT ` + campaignCols + `, now(), c.planned_version = c.spec_version AND c.planned_at > now() - interval '55 minutes'
	FROM campaigns c CROSS JOIN settings s `

// Expand implements dispatch.Store: one bounded step of the campaign that runs
// dry first. more = there may be another one to do now; until = that campaign's
// posts are all there up to then, zero if that is not known. Whoever dies in it
// loses the step and nothing else.
func (db *DB) Expand(ctx context.Context, replica string) (until time.Time, more bool, err error) {
	if err := db.takeGroupChanges(ctx); err != nil {
		return until, false, fmt.Errorf("follow groups: %w", translate(err))
	}
	const q = expandable + `WHERE c.expand_at <= now() ORDER BY c.complete_until NULLS FIRST, c.expand_at LIMIT 1 FOR NO KEY UPDATE OF c SKIP LOCKED`
	x, _, err := db.expand(ctx, moment.System(replica), q)
	if x == nil {
		return until, false, err
	}
	return x.until, true, err
}

// expandOne is a step of that campaign; more = its posts don't reflect it yet.
func (db *DB) expandOne(ctx context.Context, id int64, by moment.Origin) (more bool, err error) {
	const q = expandable + `WHERE c.id = $1 AND c.expand_at IS NOT NULL FOR NO KEY UPDATE OF c`
	x, settled, err := db.expand(ctx, by, q, id)
	return x != nil && !settled, err
}

// expand is a step of the campaign that pick finds; nil if it finds none.
func (db *DB) expand(ctx context.Context, by moment.Origin, pick string, args ...any) (x *expansion, settled bool, err error) {
	began := time.Now()
	err = pgx.BeginFunc(ctx, db.pool, func(tx pgx.Tx) error {
		step := &expansion{tx: tx, c: &moment.Campaign{}, by: by, most: db.stride.posts()}
		err := tx.QueryRow(ctx, pick, args...).Scan(append(campaignDest(step.c), &step.now, &step.planned)...)
		if errors.Is(err, pgx.ErrNoRows) {
			return nil
		}
		if err != nil {
			return err
		}
		x = step
		settled, err = x.step(ctx)
		failpoint.Hit("expand-commit")
		return err
	})
	failpoint.Hit("expand-done")
	if err != nil {
		if errors.Is(err, context.DeadlineExceeded) {
			db.stride.tooLong()
		}
		return nil, false, fmt.Errorf("expand campaigns: %w", translate(err))
	}
	if x != nil {
		db.stride.learn(x.made, time.Since(began))
	}
	return x, settled, nil
}

// byKey holds the rest of a step to lookups by key, whatever the statistics
// say: its rows are few, and the tables may be large.
const byKey = `SELECT set_config('enable_seqscan', 'off', true), set_config('enable_hashjoin', 'off', true),
	set_config('enable_mergejoin', 'off', true), set_config('enable_bitmapscan', 'off', true)`

// step does the first of what there is to do: plan occurrences, settle posts,
// or see that nothing is left.
func (x *expansion) step(ctx context.Context) (settled bool, err error) {
	if x.c.State == moment.CampaignActive && x.c.RequireApproval && !x.c.Approved() {
		return false, x.askForApproval(ctx)
	}
	if err := x.readTargets(ctx); err != nil {
		return false, err
	}
	if _, err := x.tx.Exec(ctx, byKey); err != nil {
		return false, err
	}
	if x.c.State.Planned() && !x.planned {
		return false, x.plan(ctx)
	}
	open, err := x.unsettled(ctx)
	if err != nil {
		return false, err
	}
	if len(open) > 0 {
		return false, x.settle(ctx, open)
	}
	return true, x.rest(ctx)
}

// askForApproval is for a campaign whose approval has ended, or that was
// activated while nobody asked for one: its next text was not read, or too long
// ago.
func (x *expansion) askForApproval(ctx context.Context) error {
	action := "campaign_submit"
	if x.c.ApprovalOver {
		action = "campaign_expire"
	}
	x.c.State = moment.CampaignPending
	if err := storeCampaign(ctx, x.tx, x.c, true); err != nil {
		return err
	}
	return tellCampaign(ctx, x.tx, x.c.ID, action, x.by, map[string]any{"from": moment.CampaignActive, "to": moment.CampaignPending})
}

func (x *expansion) readTargets(ctx context.Context) error {
	const q = `SELECT id, wc_id, name FROM instances WHERE id = ANY($1::bigint[]) OR groups && $2::text[] ORDER BY id`
	rows, err := x.tx.Query(ctx, q, x.c.Plan.Instances, x.c.Plan.Groups)
	if err != nil {
		return err
	}
	if x.targets, err = pgx.CollectRows(rows, pgx.RowToStructByPos[moment.Target]); err != nil {
		return err
	}
	x.member = make(map[int64]bool, len(x.targets))
	for _, t := range x.targets {
		x.member[t.ID] = true
	}
	return nil
}

// rest ends the work on a campaign whose posts all follow it: what is over is
// closed, and when to look again is written down.
func (x *expansion) rest(ctx context.Context) error {
	const closePast = `
		UPDATE occurrences o SET open = false
		WHERE o.campaign_id = $1 AND o.open AND o.at <= now()
		  AND NOT EXISTS (SELECT FROM posts p WHERE p.occurrence_id = o.id AND p.state::text IN ('draft', 'pending', 'scheduled', 'claimed', 'sending'))`
	if _, err := x.tx.Exec(ctx, closePast, x.c.ID); err != nil {
		return err
	}
	if !x.c.State.Planned() {
		_, err := x.tx.Exec(ctx, `UPDATE campaigns SET expand_at = NULL, settled_at = coalesce(settled_at, now()) WHERE id = $1`, x.c.ID)
		return err
	}
	over, err := x.over(ctx)
	if err != nil {
		return err
	}
	if over {
		const end = `UPDATE campaigns SET state = 'ended', expand_at = NULL, settled_at = coalesce(settled_at, now()), version = version + 1, updated_at = now() WHERE id = $1`
		if _, err := x.tx.Exec(ctx, end, x.c.ID); err != nil {
			return err
		}
		return tellCampaign(ctx, x.tx, x.c.ID, "campaign_end", x.by, map[string]any{"from": x.c.State})
	}
	// Within the hour, so that the horizon rolls; sooner where it is short, and right after something has fired.
	const again = `
		UPDATE campaigns c SET
			settled_at = coalesce(settled_at, now()),
			complete_until = expanded_until,
			expand_at = now() + least(interval '1 hour',
				greatest(interval '10 seconds', (c.expanded_until - now()) / 2),
				CASE WHEN c.approved_until > now() AND (SELECT require_approval FROM settings) THEN c.approved_until - now() ELSE interval '1 hour' END,
				coalesce((SELECT greatest(min(o.at) - now(), interval '0') FROM occurrences o WHERE o.campaign_id = c.id AND o.open) + interval '1 minute', interval '1 hour'))
		WHERE c.id = $1`
	_, err = x.tx.Exec(ctx, again, x.c.ID)
	return err
}

// over reports whether the campaign has nothing left to plan or to send.
func (x *expansion) over(ctx context.Context) (bool, error) {
	if x.c.State != moment.CampaignActive {
		return false, nil
	}
	var open bool
	if err := x.tx.QueryRow(ctx, `SELECT EXISTS (SELECT FROM occurrences WHERE campaign_id = $1 AND open)`, x.c.ID).Scan(&open); err != nil || open {
		return false, err
	}
	s, err := scheduleOf(ctx, x.tx, x.c.Plan.Schedule)
	if err != nil {
		return false, err
	}
	from := x.now
	if x.c.ExpandedUntil.Before(from) {
		from = x.c.ExpandedUntil
	}
	_, more := s.Next(from)
	return !more, nil
}

// takeGroupChanges makes the campaigns look again whose targets have changed.
func (db *DB) takeGroupChanges(ctx context.Context) error {
	const q = `
		WITH taken AS (
			DELETE FROM group_changes WHERE id IN (SELECT id FROM group_changes ORDER BY id LIMIT 1000 FOR UPDATE SKIP LOCKED)
			RETURNING instance_id, groups
		), hit AS (
			SELECT c.id FROM campaigns c
			WHERE EXISTS (SELECT FROM taken) -- asked once: mostly there is nothing to compare with
			  AND c.state IN ('pending', 'active', 'paused')
			  AND EXISTS (SELECT FROM taken t WHERE c.plan->'groups' ?| t.groups OR c.plan->'instances' @> to_jsonb(t.instance_id))
			ORDER BY c.id FOR NO KEY UPDATE -- in the order that everybody locks them in
		)
		UPDATE campaigns c SET spec_version = spec_version + 1, settled_at = NULL, expand_at = now(), complete_until = NULL
		FROM hit WHERE hit.id = c.id`
	_, err := db.pool.Exec(ctx, q)
	return err
}
