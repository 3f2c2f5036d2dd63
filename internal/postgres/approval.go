package postgres

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"momentcast/internal/moment"
)

// approve releases the post: its content as it is now, until the approval is
// too old. hash, unless "", names the content that the approver has seen.
func (p *lockedPost) approve(ctx context.Context, tx pgx.Tx, hash string, by moment.Origin) error {
	who, err := approverOf(ctx, tx, by)
	if err != nil {
		return err
	}
	if err := p.MayApprove(who); err != nil {
		return err
	}
	if hash != "" && !p.HasContent(hash) {
		return moment.Errorf(moment.Precondition, "The post is not what you have seen any more; look at it again and decide.")
	}
	var until *time.Time
	const term = `SELECT CASE WHEN approval_expires > '0' THEN now() + approval_expires END FROM settings`
	if err := tx.QueryRow(ctx, term).Scan(&until); err != nil {
		return err
	}
	sum := p.ContentHash()
	if err := p.rule(ctx, tx, moment.RuledApproved, sum, "", until, by); err != nil {
		return err
	}
	detail := map[string]any{"content_hash": sum}
	if until != nil {
		detail["expires_at"] = until
	}
	if err := p.set(ctx, tx, moment.ActApprove, moment.Scheduled, by, detail, `
		state = 'scheduled',
		approved_hash = $2,
		approved_until = $3,
		editors = '{}',
		error = ''`, sum, until); err != nil {
		return err
	}
	_, err = tx.Exec(ctx, wake)
	return err
}

// Approver reads what moment.Post.MayApprove and its like for campaigns ask of
// them.
func (db *DB) Approver(ctx context.Context, by moment.Origin) (moment.Approver, error) {
	a, err := approverOf(ctx, db.pool, by)
	if err != nil {
		return a, fmt.Errorf("read approver: %w", translate(err))
	}
	return a, nil
}

// approverOf reads it. Tokens are told by their names, as authors are; one of
// the same name that somebody else made does not free the first.
func approverOf(ctx context.Context, q querier, by moment.Origin) (moment.Approver, error) {
	const who = `
		SELECT own_approval, ARRAY(
			SELECT DISTINCT name FROM api_tokens
			WHERE $2 = '' AND lower(created_by) = lower($1))
		FROM settings`
	rows, err := q.Query(ctx, who, by.Actor, by.Owner)
	if err != nil {
		return moment.Approver{}, err
	}
	return pgx.CollectExactlyOneRow(rows, func(row pgx.CollectableRow) (moment.Approver, error) {
		a := moment.Approver{Origin: by}
		return a, row.Scan(&a.Own, &a.Tokens)
	})
}

// reject gives the post back to its author, who is told why.
func (p *lockedPost) reject(ctx context.Context, tx pgx.Tx, reason string, by moment.Origin) error {
	if strings.TrimSpace(reason) == "" {
		return moment.InvalidFields([]moment.Field{{Path: "reason", Message: "is required"}})
	}
	if err := p.rule(ctx, tx, moment.RuledRejected, p.ContentHash(), reason, nil, by); err != nil {
		return err
	}
	return p.move(ctx, tx, moment.ActReject, by, map[string]any{"reason": reason})
}

// rule keeps a ruling with the content it is about.
func (p *lockedPost) rule(ctx context.Context, tx pgx.Tx, r moment.Ruling, hash, reason string, until *time.Time, by moment.Origin) error {
	const q = `
		INSERT INTO approvals (post_id, ruling, hash, content, reason, actor, source, expires_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`
	_, err := tx.Exec(ctx, q, p.ID, r, hash, p.Content(), reason, by.Actor, by.Source, until)
	return err
}

// afterEdit is what an edit leaves of the post's approval.
type afterEdit struct {
	state   moment.State
	void    bool     // the approval is not for what the post says now
	editors []string // who changed the content since the last approval
}

// afterEdit decides it. Where posts need approval, one that was to be sent
// waits again: no text leaves that nobody has released.
func (p *lockedPost) afterEdit(ctx context.Context, tx pgx.Tx, next *moment.Post, by moment.Origin) (afterEdit, error) {
	a := afterEdit{p.State, p.ContentHash() != next.ContentHash(), slices.Clone(p.Editors)}
	if !a.void {
		return a, nil
	}
	if by.Actor != p.Author && !slices.Contains(a.editors, by.Actor) {
		a.editors = append(a.editors, by.Actor)
	}
	var required bool
	if err := tx.QueryRow(ctx, `SELECT require_approval FROM settings`).Scan(&required); err != nil {
		return a, err
	}
	if required && p.State == moment.Scheduled {
		a.state = moment.Pending
	}
	return a, nil
}

// approvals lists the rulings on a post.
func (db *DB) approvals(ctx context.Context, post int64) ([]moment.Approval, error) {
	const q = `
		SELECT id, post_id, ruling, hash, content, reason, actor, source, at, expires_at
		FROM approvals
		WHERE post_id = $1
		ORDER BY id DESC
		LIMIT 100`
	rows, err := db.pool.Query(ctx, q, post)
	if err != nil {
		return nil, err
	}
	as, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (a moment.Approval, err error) {
		err = row.Scan(&a.ID, &a.PostID, &a.Ruling, &a.Hash, &a.Content, &a.Reason, &a.By, &a.Source, &a.At, nullTime{&a.ExpiresAt})
		return a, err
	})
	slices.Reverse(as)
	return as, err
}

// ExpireApprovals implements dispatch.Store: scheduled posts whose approval is
// too old wait for a new one, 500 instances at a time. The claim judges each
// post once more, so that none slips through between two calls of this.
func (db *DB) ExpireApprovals(ctx context.Context, replica string) (expired int, err error) {
	const lockThem = `
		SELECT id FROM instances
		WHERE id IN (
			SELECT instance_id FROM posts
			WHERE state = 'scheduled' AND approved_until IS NOT NULL AND approved_until <= now()
			  AND (SELECT require_approval FROM settings)
			ORDER BY approved_until LIMIT 500)
		ORDER BY id
		FOR NO KEY UPDATE SKIP LOCKED`
	const expire = `
		WITH old AS (
			UPDATE posts p SET
				state = 'pending',
				approved_hash = NULL,
				approved_until = NULL,
				campaign_held = occurrence_id IS NOT NULL AND NOT by_hand, -- whoever approves the campaign again releases it
				version = version + 1,
				updated_at = now()
			WHERE p.instance_id = ANY($1::bigint[]) AND p.state = 'scheduled' AND p.approved_until <= now()
			RETURNING p.id, p.instance_id
		), told AS (
			INSERT INTO events (post_id, instance_id, action, from_state, to_state, actor, source)
			SELECT id, instance_id, 'expire', 'scheduled', 'pending', $2, 'system' FROM old
		)
		SELECT count(*) FROM old`
	err = db.onLockedInstances(ctx, lockThem, func(tx pgx.Tx, instances []int64) error {
		return tx.QueryRow(ctx, expire, instances, replica).Scan(&expired)
	})
	if err != nil {
		return 0, fmt.Errorf("expire approvals: %w", translate(err))
	}
	return expired, nil
}
