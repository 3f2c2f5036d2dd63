package postgres

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"momentcast/internal/moment"
)

// Limits of a dry run.
const (
	dryRunPosts   = 200_000
	dryRunCollect = 20_000 // of a campaign that is not planned yet
)

// DryRun simulates all campaigns and posts until then, under the engine's own
// gates. campaign, unless 0, takes part as it would if it were activated and
// approved now. Nothing is changed.
func (db *DB) DryRun(ctx context.Context, campaign int64, span time.Duration) (*moment.DryRun, error) {
	span = min(max(span, time.Hour), horizon)
	var r *moment.DryRun
	err := pgx.BeginFunc(ctx, db.pool, func(tx pgx.Tx) error {
		var planned dryPlan
		if campaign != 0 {
			if err := planned.read(ctx, tx, campaign); err != nil {
				return err
			}
		}
		if _, err := tx.Exec(ctx, holdToIndexes); err != nil {
			return err
		}
		o, known, err := wholeOutlook(ctx, tx)
		if err != nil {
			return err
		}
		waiting, partial, err := waitingPosts(ctx, tx, o.Situation.Now.Add(span))
		if err != nil {
			return err
		}
		r = o.DryRun(append(waiting, planned.posts...), known, o.Situation.Now.Add(span))
		r.Partial = r.Partial || partial || planned.partial
		r.Density, r.Problems = planned.density(o), planned.problems
		return errUndo
	})
	if err != nil && !errors.Is(err, errUndo) {
		return nil, fmt.Errorf("dry run: %w", translate(err))
	}
	return r, nil
}

// wholeOutlook is the outlook of every instance, with what its scheduled posts
// are about.
func wholeOutlook(ctx context.Context, tx pgx.Tx) (*moment.Outlook, map[int64]moment.DryRunPost, error) {
	var ids []int64
	if err := tx.QueryRow(ctx, `SELECT coalesce(array_agg(id ORDER BY id), '{}') FROM instances`).Scan(&ids); err != nil {
		return nil, nil, err
	}
	o := &moment.Outlook{Instances: make(map[int64]*moment.Prospect, len(ids))}
	per := max(outlookPerInstance, dryRunPosts/max(1, len(ids)))
	if err := errors.Join(readProspects(ctx, tx, ids, o), readQueues(ctx, tx, ids, per, o)); err != nil {
		return nil, nil, err
	}
	known := map[int64]moment.DryRunPost{}
	const q = `
		SELECT p.id, coalesce(oc.campaign_id, 0), left(p.title, 60)
		FROM unnest($1::bigint[]) u(id)
		JOIN posts p ON p.id = u.id
		LEFT JOIN occurrences oc ON oc.id = p.occurrence_id`
	var queued []int64
	for _, p := range o.Instances {
		for _, d := range p.Queue {
			queued = append(queued, d.ID)
		}
	}
	rows, err := tx.Query(ctx, q, queued)
	if err != nil {
		return nil, nil, err
	}
	var p moment.DryRunPost
	_, err = pgx.ForEachRow(rows, []any{&p.ID, &p.CampaignID, &p.Title}, func() error { known[p.ID] = p; return nil })
	return o, known, err
}

// waitingPosts are the planned posts of campaigns that do not send now.
func waitingPosts(ctx context.Context, tx pgx.Tx, until time.Time) (posts []moment.DryRunPost, partial bool, err error) {
	q := fmt.Sprintf(`
		SELECT p.id, p.due_at, p.miss_at, p.instance_id, o.campaign_id, left(p.title, 60)
		FROM posts p JOIN occurrences o ON o.id = p.occurrence_id
		WHERE p.state = 'pending' AND p.campaign_held AND p.due_at < $1 AND p.due_at > now()
		ORDER BY p.due_at LIMIT %d`, dryRunPosts)
	rows, err := tx.Query(ctx, q, until)
	if err != nil {
		return nil, false, err
	}
	posts, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (p moment.DryRunPost, err error) {
		return p, row.Scan(&p.ID, &p.DueAt, nullTime{&p.MissAt}, &p.InstanceID, &p.CampaignID, &p.Title)
	})
	return posts, len(posts) == dryRunPosts, err
}

// dryPlan is what a campaign that is not planned yet would add.
type dryPlan struct {
	posts    []moment.DryRunPost
	problems int
	partial  bool
	targets  []moment.Target
	firings  int // on its busiest day
}

// read plays the expansion of the campaign, inside a transaction that is taken
// back.
func (d *dryPlan) read(ctx context.Context, tx pgx.Tx, id int64) error {
	c, now, err := lockCampaign(ctx, tx, id, 0)
	if err != nil {
		return err
	}
	draft := c.State == moment.CampaignDraft
	if draft {
		c.State, c.RequireApproval, c.ExpandedUntil = moment.CampaignPending, false, now
		if err := checkCampaign(ctx, tx, c); err != nil {
			return err
		}
		if err := storeCampaign(ctx, tx, c, true); err != nil {
			return err
		}
	}
	x := &expansion{tx: tx, c: c, now: now}
	if err := errors.Join(x.reread(ctx), x.readTargets(ctx)); err != nil {
		return err
	}
	d.targets = x.targets
	if err := d.countFirings(ctx, tx, c, now); err != nil || !draft {
		return err
	}
	return d.collect(ctx, x)
}

// collect makes the posts of a draft, and stores none.
func (d *dryPlan) collect(ctx context.Context, x *expansion) error {
	if err := x.plan(ctx); err != nil {
		return err
	}
	const short = `SELECT expanded_until < now() + interval '29 days' FROM campaigns WHERE id = $1`
	if err := x.tx.QueryRow(ctx, short, x.c.ID).Scan(&d.partial); err != nil {
		return err
	}
	rows, err := x.tx.Query(ctx, `SELECT `+occurrenceCols+` FROM occurrences o WHERE o.campaign_id = $1 ORDER BY o.at`, x.c.ID)
	if err != nil {
		return err
	}
	occs, err := pgx.CollectRows(rows, scanOccurrence)
	if err != nil {
		return err
	}
	for _, o := range occs {
		if len(d.posts)+len(x.targets) > dryRunCollect {
			d.partial = true
			break
		}
		changes, problems := x.c.Settle(o, x.targets, func(int64) bool { return true }, nil, x.now)
		for _, ch := range changes {
			p := ch.Post
			d.posts = append(d.posts, moment.DryRunPost{Due: moment.Due{DueAt: p.DueAt, MissAt: p.MissAt()},
				InstanceID: p.InstanceID, CampaignID: x.c.ID, Title: p.Card.Title})
		}
		d.problems += len(problems)
	}
	return nil
}

// countFirings counts the firings of the busiest of the next seven days. It is
// bounded: a schedule has at most one a minute.
func (d *dryPlan) countFirings(ctx context.Context, tx pgx.Tx, c *moment.Campaign, now time.Time) error {
	s, err := scheduleOf(ctx, tx, c.Plan.Schedule)
	if err != nil {
		return err
	}
	perDay := map[string]int{}
	for o := range s.Between(now, now.Add(7*24*time.Hour)) {
		perDay[o.At.In(s.Location()).Format(time.DateOnly)]++
	}
	for _, n := range perDay {
		d.firings = max(d.firings, n)
	}
	return nil
}

func (d *dryPlan) density(o *moment.Outlook) *moment.Density {
	if d.targets == nil {
		return nil
	}
	out := &moment.Density{Firings: d.firings, Targets: len(d.targets), Posts: int64(d.firings) * int64(len(d.targets))}
	for _, t := range d.targets {
		p, ok := o.Instances[t.ID]
		if !ok {
			continue
		}
		limit := p.Instance.Pacing.Over(o.Defaults).DailyCap
		if limit == 0 {
			out.Allowed = -1
			break
		}
		out.Allowed += int64(limit)
	}
	return out
}
