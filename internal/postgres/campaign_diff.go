package postgres

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"momentcast/internal/moment"
)

// errUndo ends a transaction that was only to see what would be.
var errUndo = errors.New("only to look")

// Limits of a difference.
const (
	differenceLines = 200
	differenceTime  = 4 * time.Second
)

// CampaignDifference says what a change of the campaign would do to its posts:
// it is made, compared, and taken back.
func (db *DB) CampaignDifference(ctx context.Context, id int64, change func(*moment.Campaign) error, by moment.Origin) (*moment.Difference, error) {
	return db.difference(ctx, by, func(tx pgx.Tx) (int64, error) {
		c, now, err := lockCampaign(ctx, tx, id, 0)
		if err != nil {
			return 0, err
		}
		if _, err := editCampaign(ctx, tx, c, change, by, now); err != nil {
			return 0, err
		}
		if c.State == moment.CampaignDraft { // as if it were activated
			c.State, c.RequireApproval, c.ExpandedUntil = moment.CampaignPending, false, now
			if err := c.Check(); err != nil {
				return 0, err
			}
		}
		return id, storeCampaign(ctx, tx, c, true)
	})
}

// SplitDifference says what a change from one occurrence on would do.
func (db *DB) SplitDifference(ctx context.Context, id, occurrence int64, change func(*moment.Campaign) error, by moment.Origin) (*moment.Difference, error) {
	return db.difference(ctx, by, func(tx pgx.Tx) (int64, error) { return split(ctx, tx, id, 0, occurrence, change, by) })
}

// difference makes a change of campaigns in a transaction, plays the expansion
// of the one it returns through without writing its posts, and takes all back.
func (db *DB) difference(ctx context.Context, by moment.Origin, do func(pgx.Tx) (int64, error)) (*moment.Difference, error) {
	d := &moment.Difference{Counts: map[moment.SettleWhat]int{}}
	err := pgx.BeginFunc(ctx, db.pool, func(tx pgx.Tx) error {
		id, err := do(tx)
		if err != nil {
			return err
		}
		if err := play(ctx, tx, id, by, d); err != nil {
			return err
		}
		return errUndo
	})
	if err != nil && !errors.Is(err, errUndo) {
		return nil, fmt.Errorf("compare campaign: %w", translate(err))
	}
	return d, nil
}

func play(ctx context.Context, tx pgx.Tx, id int64, by moment.Origin, d *moment.Difference) error {
	end := time.Now().Add(differenceTime)
	x := &expansion{tx: tx, c: &moment.Campaign{ID: id}, by: by, most: stepPosts}
	if err := errors.Join(x.reread(ctx), x.readTargets(ctx)); err != nil {
		return err
	}
	if _, err := tx.Exec(ctx, byKey); err != nil {
		return err
	}
	for !x.planned && x.c.State.Planned() {
		if err := errors.Join(x.plan(ctx), x.reread(ctx)); err != nil {
			return err
		}
	}
	for {
		open, err := x.unsettled(ctx)
		if err != nil || len(open) == 0 {
			return err
		}
		if d.Partial = time.Now().After(end); d.Partial {
			return nil
		}
		if err := x.count(ctx, open, d); err != nil {
			return err
		}
	}
}

// reread reads the campaign as the transaction has it by now.
func (x *expansion) reread(ctx context.Context) error {
	return x.tx.QueryRow(ctx, expandable+`WHERE c.id = $1`, x.c.ID).Scan(append(campaignDest(x.c), &x.now, &x.planned)...)
}

// count adds what settling the next posts would do.
func (x *expansion) count(ctx context.Context, open []*moment.Occurrence, d *moment.Difference) error {
	parts, err := x.gather(ctx, open)
	if err != nil {
		return err
	}
	posts, err := x.readPosts(ctx, parts)
	if err != nil {
		return err
	}
	for _, p := range parts {
		changes, problems := x.c.Settle(p.o, p.members, func(id int64) bool { return x.member[id] }, posts[p.o.ID], x.now)
		for _, ch := range changes {
			d.Counts[ch.What]++
			if ch.What != moment.SettleSame && len(d.List) < differenceLines {
				d.List = append(d.List, ch.Line())
			}
		}
		if len(problems) > 0 {
			d.Counts["problem"] += len(problems)
		}
		p.note(problems, x.c.SpecVersion)
	}
	return x.storeParts(ctx, parts)
}
