package postgres

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"momentcast/internal/moment"
)

// followsAudiences: a change of its audience may make a difference to campaign c.
const followsAudiences = `c.state IN ('draft', 'pending', 'active', 'paused')`

// audienceCampaigns lists the campaigns that have the audience, with what of
// their posts waits. Those of one come through its open occurrences.
func audienceCampaigns(ctx context.Context, tx pgx.Tx, audience int64, limit int) ([]moment.AudienceCampaign, error) {
	const q = `
		SELECT c.id, c.name, c.state, c.plan, c.approved_hash <> '' AND c.approved_hash = c.plan_hash AND coalesce(c.approved_until > now(), true),
			u.posts, u.kept, u.next_at, a.visibility, a.visible_users, a.visible_labels
		FROM campaigns c
		JOIN audiences a ON a.id = c.audience_id
		CROSS JOIN LATERAL (
			SELECT count(*) FILTER (WHERE NOT p.by_hand AND p.attempt = 0) AS posts,
				count(*) FILTER (WHERE p.by_hand OR p.attempt > 0) AS kept,
				min(p.due_at) FILTER (WHERE NOT p.by_hand AND p.attempt = 0) AS next_at
			FROM occurrences o JOIN posts p ON p.occurrence_id = o.id
			WHERE o.campaign_id = c.id AND o.open AND p.state::text IN ('pending', 'scheduled')
		) u
		WHERE c.audience_id = $1 AND ` + followsAudiences + `
		ORDER BY c.id
		LIMIT $2`
	rows, err := tx.Query(ctx, q, audience, limit)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (c moment.AudienceCampaign, err error) {
		var plan moment.CampaignPlan
		var v moment.Visibility
		err = row.Scan(&c.ID, &c.Name, &c.State, &plan, &c.Approved, &c.Posts, &c.Kept, nullTime{&c.NextAt}, &v.Mode, &v.Users, &v.Labels)
		c.Same = plan.Visibility.Equal(v)
		c.Approved = c.Approved && c.Same
		return c, err
	})
}

// followTries is how often a change of an audience begins again because a
// campaign got the audience in between.
const followTries = 5

// errFollowed is that case.
var errFollowed = moment.Errorf(moment.Conflict, "Campaigns are being given this audience right now; try again in a moment.")

// deadlocked reports whether the database ended the transaction because it and
// another one waited for each other. Doing it again is the cure.
func deadlocked(err error) bool {
	pe, ok := errors.AsType[*pgconn.PgError](err)
	return ok && pe.Code == "40P01"
}

// lockFollowers locks the campaigns that have the audience, in the order of
// their ids. Campaigns come before the audience, because whoever changes one
// holds it when it takes the audience.
func lockFollowers(ctx context.Context, tx pgx.Tx, audience int64) ([]int64, error) {
	const q = `SELECT c.id FROM campaigns c WHERE c.audience_id = $1 AND ` + followsAudiences + ` ORDER BY c.id FOR NO KEY UPDATE`
	rows, err := tx.Query(ctx, q, audience)
	if err != nil {
		return nil, err
	}
	ids, err := pgx.CollectRows(rows, pgx.RowTo[int64])
	if err == nil && len(ids) > moment.MaxFollowers {
		err = moment.Errorf(moment.Conflict, "More than %d campaigns use this audience; make a new audience.", moment.MaxFollowers)
	}
	return ids, err
}

// noMoreFollowers looks, under the audience's lock, whether a campaign has got
// the audience since the others were locked.
func noMoreFollowers(ctx context.Context, tx pgx.Tx, audience int64, locked []int64) error {
	const q = `SELECT EXISTS (SELECT FROM campaigns c WHERE c.audience_id = $1 AND c.id <> ALL ($2::bigint[]) AND ` + followsAudiences + `)`
	var more bool
	if err := tx.QueryRow(ctx, q, audience, locked).Scan(&more); err != nil {
		return err
	}
	if more {
		return errFollowed
	}
	return nil
}

func errAudienceUsed() error {
	return moment.InvalidFields([]moment.Field{{Path: "posts",
		Message: "is required, because campaigns, or posts that are not sent yet, use the audience: rewrite or leave"}})
}

// rewriteCampaigns gives the campaigns that equal the audience as it was what it
// will be, and returns them. Their rows are locked.
func rewriteCampaigns(ctx context.Context, tx pgx.Tx, ids []int64, was, next *moment.Audience, what moment.AudienceChange, by moment.Origin) ([]int64, error) {
	if what == moment.LeavePosts {
		return nil, nil
	}
	is := next.Visibility
	is.Users, is.Labels = orEmpty(is.Users), orEmpty(is.Labels) // as a copy of what is stored has them
	var changed []int64
	for _, id := range ids {
		c, now, err := lockCampaign(ctx, tx, id, 0)
		if err != nil {
			return nil, err
		}
		before := *c
		if c.Plan.AudienceID != was.ID || !c.FollowAudience(was.Visibility, is, by.Actor, now) {
			continue
		}
		if what != moment.RewritePosts {
			return nil, errAudienceUsed()
		}
		if err := storeCampaign(ctx, tx, c, true); err != nil {
			return nil, fmt.Errorf("campaign %d: %w", id, err)
		}
		detail := campaignChanges(&before, c)
		detail["audience_id"], detail["audience"] = was.ID, next.Name
		if err := tellCampaign(ctx, tx, id, "campaign_audience", by, detail); err != nil {
			return nil, err
		}
		changed = append(changed, id)
	}
	return changed, nil
}
