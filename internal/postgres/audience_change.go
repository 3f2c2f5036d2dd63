package postgres

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"

	"momentcast/internal/moment"
)

// AddAudience stores a new audience.
func (db *DB) AddAudience(ctx context.Context, a *moment.Audience, by moment.Origin) (id int64, err error) {
	const q = `
		INSERT INTO audiences (name, visibility, visible_users, visible_labels, note, author)
		VALUES ($1, $2, $3, $4, $5, $6)
		RETURNING id`
	if err := a.Check(); err != nil {
		return 0, err
	}
	err = pgx.BeginFunc(ctx, db.pool, func(tx pgx.Tx) error {
		v := a.Visibility
		if err := tx.QueryRow(ctx, q, a.Name, v.Mode, orEmpty(v.Users), orEmpty(v.Labels), a.Note, by.Actor).Scan(&id); err != nil {
			return err
		}
		return tell(ctx, tx, moment.Event{Action: "audience_add", Actor: by.Actor, Source: by.Source,
			Detail: map[string]any{"audience_id": id, "name": a.Name, "visibility": v}})
	})
	if err != nil {
		return 0, fmt.Errorf("add audience: %w", translate(err))
	}
	return id, nil
}

func orEmpty(list []string) []string {
	if list == nil {
		return []string{}
	}
	return list
}

// ChangeAudience lets change alter the audience, checks the whole and stores it.
// Where its visibility changes and campaigns, or posts that are not sent yet,
// still equal it, what says what becomes of them; Invalid about "posts" where it
// does not. Each is rewritten as by an edit of its own, with its audit line, and
// its approval void. All of that happens, or nothing; the posts of the campaigns
// have followed when it returns, or follow within seconds where there are many.
func (db *DB) ChangeAudience(ctx context.Context, id, ifVersion int64, what moment.AudienceChange, change func(*moment.Audience) error,
	by moment.Origin) (done moment.Rewritten, err error) {
	var campaigns []int64
	for range followTries {
		done, campaigns, err = db.changeAudience(ctx, id, ifVersion, what, change, by)
		if !errors.Is(err, errFollowed) && !deadlocked(err) {
			break
		}
	}
	if err != nil {
		return moment.Rewritten{}, fmt.Errorf("change audience %d: %w", id, missing(err, "audience"))
	}
	return done, db.settleNow(ctx, by, campaigns...)
}

func (db *DB) changeAudience(ctx context.Context, id, ifVersion int64, what moment.AudienceChange, change func(*moment.Audience) error,
	by moment.Origin) (done moment.Rewritten, campaigns []int64, err error) {
	err = pgx.BeginFunc(ctx, db.engine, func(tx pgx.Tx) error {
		followers, err := lockFollowers(ctx, tx, id)
		if err != nil {
			return err
		}
		was, err := lockAudience(ctx, tx, id, ifVersion)
		if err != nil {
			return err
		}
		if err := noMoreFollowers(ctx, tx, id, followers); err != nil {
			return err
		}
		next := was
		if err := change(&next); err != nil {
			return err
		}
		if err := next.Check(); err != nil {
			return err
		}
		changed := audienceChanges(&was, &next)
		if len(changed) == 0 {
			return nil
		}
		if _, ok := changed["visibility"]; ok {
			if campaigns, err = rewriteCampaigns(ctx, tx, followers, &was, &next, what, by); err != nil {
				return err
			}
			done.Campaigns = len(campaigns)
			// Before the audience itself: they are found by what it was.
			if done.Posts, err = rewritePosts(ctx, tx, &was, &next, what, by); err != nil {
				return err
			}
		}
		const q = `
			UPDATE audiences SET name = $2, note = $3, visibility = $4, visible_users = $5, visible_labels = $6,
				version = version + 1, updated_at = now()
			WHERE id = $1`
		v := next.Visibility
		if _, err := tx.Exec(ctx, q, id, next.Name, next.Note, v.Mode, orEmpty(v.Users), orEmpty(v.Labels)); err != nil {
			return err
		}
		return tell(ctx, tx, moment.Event{Action: "audience_change", Actor: by.Actor, Source: by.Source,
			Detail: map[string]any{"audience_id": id, "name": next.Name, "changed": changed, "posts_rewritten": done.Posts, "campaigns_rewritten": done.Campaigns}})
	})
	return done, campaigns, err
}

// lockAudience does not keep posts from naming it: whoever adds them holds
// their instances' locks, which are taken after this one here. Campaigns, whose
// locks come before this one, it does: see copyAudience.
func lockAudience(ctx context.Context, tx pgx.Tx, id, ifVersion int64) (a moment.Audience, err error) {
	const q = `
		SELECT id, name, visibility, visible_users, visible_labels, note, version FROM audiences
		WHERE id = $1 AND archived_at IS NULL
		FOR NO KEY UPDATE`
	err = tx.QueryRow(ctx, q, id).Scan(&a.ID, &a.Name, &a.Visibility.Mode, &a.Visibility.Users, &a.Visibility.Labels, &a.Note, &a.Version)
	if err == nil && ifVersion != 0 && ifVersion != a.Version {
		err = moment.Errorf(moment.Precondition, "Somebody has changed the audience meanwhile; load it again and decide.")
	}
	return a, err
}

func audienceChanges(was, next *moment.Audience) map[string]any {
	out := map[string]any{}
	if was.Name != next.Name {
		out["name"] = []any{was.Name, next.Name}
	}
	if was.Note != next.Note {
		out["note"] = []any{was.Note, next.Note}
	}
	if !was.Visibility.Equal(next.Visibility) {
		out["visibility"] = []any{was.Visibility, next.Visibility}
	}
	return out
}

// rewritePosts gives the posts that equal the audience as it was what it will
// be.
func rewritePosts(ctx context.Context, tx pgx.Tx, was, next *moment.Audience, what moment.AudienceChange, by moment.Origin) (int, error) {
	if what == moment.LeavePosts {
		return 0, nil
	}
	const touched = `
		SELECT DISTINCT p.instance_id FROM audiences a JOIN posts p ON p.audience_id = a.id
		WHERE a.id = $1 AND p.state IN ('draft', 'pending', 'scheduled') AND ` + equalsAudience
	rows, err := tx.Query(ctx, touched, was.ID)
	if err != nil {
		return 0, err
	}
	instances, err := pgx.CollectRows(rows, pgx.RowTo[int64])
	if err != nil || len(instances) == 0 {
		return 0, err
	}
	if what != moment.RewritePosts {
		return 0, errAudienceUsed()
	}
	if err := lock(ctx, tx, instances...); err != nil {
		return 0, err
	}
	posts, err := lockAudiencePosts(ctx, tx, was.ID, instances)
	if err != nil {
		return 0, err
	}
	if len(posts) > moment.MaxRewritten {
		return 0, moment.Errorf(moment.Conflict, "More than %d posts that are not sent yet use this audience; leave them as they are, or make a new audience.", moment.MaxRewritten)
	}
	for _, p := range posts {
		err := p.edit(ctx, tx, func(post *moment.Post) error { post.Visibility = next.Visibility; return nil }, by)
		if err != nil {
			return 0, fmt.Errorf("post %d: %w", p.ID, err)
		}
	}
	return len(posts), refresh(ctx, tx, instances...)
}

func lockAudiencePosts(ctx context.Context, tx pgx.Tx, audience int64, instances []int64) ([]*lockedPost, error) {
	const q = `
		SELECT ` + postCols + `, coalesce(p.claim_token, 0), p.call_until, p.reconcile_round
		FROM audiences a JOIN posts p ON p.audience_id = a.id
		WHERE a.id = $1 AND p.instance_id = ANY ($2::bigint[]) AND p.state IN ('draft', 'pending', 'scheduled') AND ` + equalsAudience + `
		ORDER BY p.id
		LIMIT $3
		FOR UPDATE OF p`
	rows, err := tx.Query(ctx, q, audience, instances, moment.MaxRewritten+1)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (*lockedPost, error) {
		p := &lockedPost{}
		return p, row.Scan(append(postDest(&p.Post), &p.Token, nullTime{&p.CallUntil}, &p.Round)...)
	})
}

// DeleteAudience removes an audience. One that posts wait with, or that a
// campaign has, is refused; one that finished posts or campaigns name is kept
// out of sight, so that they go on naming it.
func (db *DB) DeleteAudience(ctx context.Context, id, ifVersion int64, by moment.Origin) error {
	const used = `
		SELECT count(*) FILTER (WHERE state IN ('draft', 'pending', 'scheduled')), count(*),
			(SELECT count(*) FILTER (WHERE ` + followsAudiences + `) FROM campaigns c WHERE c.audience_id = $1),
			(SELECT count(*) FROM campaigns c WHERE c.audience_id = $1)
		FROM posts WHERE audience_id = $1`
	err := pgx.BeginFunc(ctx, db.engine, func(tx pgx.Tx) error {
		was, err := lockAudience(ctx, tx, id, ifVersion)
		if err != nil {
			return err
		}
		var waiting, all, live, campaigns int64
		if err := tx.QueryRow(ctx, used, id).Scan(&waiting, &all, &live, &campaigns); err != nil {
			return err
		}
		if live > 0 {
			return moment.Errorf(moment.Conflict, "Campaigns that are not over use this audience; give them another one first.")
		}
		if waiting > 0 {
			return moment.Errorf(moment.Conflict, "Posts that are not sent yet use this audience; give them another one first.")
		}
		q := `DELETE FROM audiences WHERE id = $1`
		if all+campaigns > 0 {
			q = `UPDATE audiences SET archived_at = now(), version = version + 1, updated_at = now() WHERE id = $1`
		}
		if _, err := tx.Exec(ctx, q, id); err != nil {
			return err
		}
		return tell(ctx, tx, moment.Event{Action: "audience_delete", Actor: by.Actor, Source: by.Source,
			Detail: map[string]any{"audience_id": id, "name": was.Name, "visibility": was.Visibility}})
	})
	if err != nil {
		return fmt.Errorf("delete audience %d: %w", id, missing(err, "audience"))
	}
	return nil
}
