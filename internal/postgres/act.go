package postgres

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"momentcast/internal/moment"
)

// Act is what a person or program does to a post.
type Act = moment.Act

// ActOnPost moves the post as the action says, writes the audit line and
// returns the post as it is then. Conflict when its state does not allow the
// action; Precondition when ifVersion is not zero and not the post's.
func (db *DB) ActOnPost(ctx context.Context, id, ifVersion int64, a Act, by moment.Origin) (*moment.Post, error) {
	var out *moment.Post
	err := db.changePost(ctx, id, func(tx pgx.Tx, p *lockedPost) error {
		if err := p.expect(ifVersion); err != nil {
			return err
		}
		if _, err := p.After(a.Action); err != nil {
			return err
		}
		if err := p.act(ctx, tx, a, by); err != nil {
			return err
		}
		var err error
		out, err = readPost(ctx, tx, id)
		return err
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

func (p *lockedPost) expect(version int64) error {
	if version != 0 && version != p.Version {
		return moment.Errorf(moment.Precondition, "Somebody has changed the post meanwhile (version %d, not %d); load it again and decide.", p.Version, version)
	}
	return nil
}

func (p *lockedPost) act(ctx context.Context, tx pgx.Tx, a Act, by moment.Origin) error {
	detail := map[string]any{}
	if a.Reason != "" {
		detail["reason"] = a.Reason
	}
	switch a.Action {
	case moment.ActSubmit:
		return p.submit(ctx, tx, by)
	case moment.ActApprove:
		return p.approve(ctx, tx, a.Hash, by)
	case moment.ActReject:
		return p.reject(ctx, tx, a.Reason, by)
	case moment.ActCancel:
		return p.move(ctx, tx, a.Action, by, detail)
	case moment.ActNotSent:
		return p.notSent(ctx, tx, by, detail)
	case moment.ActRetry, moment.ActSendNow:
		return p.schedule(ctx, tx, a.Action, time.Time{}, by, detail)
	case moment.ActReschedule:
		return p.reschedule(ctx, tx, a.DueAt, by)
	case moment.ActFoundSent:
		return p.markSent(ctx, tx, a.Action, a.MomentID, a.Created, nil, by, detail)
	case moment.ActLeave:
		return p.leave(ctx, tx, by, detail)
	case moment.ActReopen:
		return p.set(ctx, tx, a.Action, moment.Unknown, by, detail, `left_at = NULL`)
	case moment.ActRecall:
		return p.recall(ctx, tx, a.Recall, by)
	}
	return fmt.Errorf("act on post %d: action %q is not one of these", p.ID, a.Action)
}

// submit makes a draft scheduled, or pending where posts need approval.
func (p *lockedPost) submit(ctx context.Context, tx pgx.Tx, by moment.Origin) error {
	whole := p.Post
	whole.State = moment.Scheduled
	var now time.Time
	var approval bool
	if err := tx.QueryRow(ctx, `SELECT now(), require_approval FROM settings`).Scan(&now, &approval); err != nil {
		return err
	}
	if err := whole.Check(now); err != nil {
		return err
	}
	if approval {
		return p.set(ctx, tx, moment.ActSubmit, moment.Pending, by, nil, `state = 'pending'`)
	}
	return p.schedule(ctx, tx, moment.ActSubmit, p.DueAt, by, nil)
}

// schedule makes the post due at due; zero means now. Its lateness limit counts
// from there. One that is over, and is to be sent after all, waits for approval
// if it needs one that it does not have.
func (p *lockedPost) schedule(ctx context.Context, tx pgx.Tx, action moment.Action, due time.Time, by moment.Origin, detail map[string]any) error {
	if detail == nil {
		detail = map[string]any{}
	}
	if due.IsZero() || !due.Equal(p.DueAt) {
		detail["due_at_was"] = p.DueAt
	}
	if err := p.free(ctx, tx); err != nil { // a doubtful post may still hold its instance
		return err
	}
	to, err := p.released(ctx, tx)
	if err != nil {
		return err
	}
	if err := p.set(ctx, tx, action, to, by, detail, `
		state = $3::text::post_state,
		approved_hash = CASE WHEN $3 = 'scheduled' THEN approved_hash END,
		approved_until = CASE WHEN $3 = 'scheduled' THEN approved_until END,
		due_at = coalesce($2, now()),
		miss_at = CASE WHEN max_lateness > '0' THEN coalesce($2, now()) + max_lateness END,
		reconcile_at = NULL,
		left_at = NULL,
		moment_id = NULL,
		error = ''`, orNull(due), to); err != nil {
		return err
	}
	_, err = tx.Exec(ctx, wake)
	return err
}

// released is the state of the post once it is to be sent: where posts need
// approval, one that was given up comes back as pending unless its approval
// still holds. What is scheduled already goes on as planned.
func (p *lockedPost) released(ctx context.Context, tx pgx.Tx) (moment.State, error) {
	if !p.State.Terminal() {
		return moment.Scheduled, nil
	}
	const q = `
		SELECT require_approval AND ($1 = '' OR coalesce($2::timestamptz <= now(), false))
		FROM settings`
	var waits bool
	if err := tx.QueryRow(ctx, q, p.ApprovedHash, orNull(p.ApprovedUntil)).Scan(&waits); err != nil {
		return "", err
	}
	if waits {
		return moment.Pending, nil
	}
	return moment.Scheduled, nil
}

func (p *lockedPost) reschedule(ctx context.Context, tx pgx.Tx, due time.Time, by moment.Origin) error {
	var now time.Time
	if err := tx.QueryRow(ctx, `SELECT now()`).Scan(&now); err != nil {
		return err
	}
	if err := moment.CheckDue(due, now); err != nil {
		return err
	}
	if p.State != moment.Draft && p.State != moment.Pending {
		return p.schedule(ctx, tx, moment.ActReschedule, due, by, nil)
	}
	return p.set(ctx, tx, moment.ActReschedule, p.State, by, map[string]any{"due_at_was": p.DueAt}, `
		due_at = $2::timestamptz,
		miss_at = CASE WHEN max_lateness > '0' THEN $2::timestamptz + max_lateness END`, due)
}

// leave closes a doubt as it is: no more read-backs, and the instance goes on.
func (p *lockedPost) leave(ctx context.Context, tx pgx.Tx, by moment.Origin, detail map[string]any) error {
	if err := p.free(ctx, tx); err != nil {
		return err
	}
	return p.set(ctx, tx, moment.ActLeave, moment.Unknown, by, detail, `reconcile_at = NULL, left_at = now()`)
}

// recall takes a sent post back. A comment that has not had its turn has nothing
// left to stand below.
func (p *lockedPost) recall(ctx context.Context, tx pgx.Tx, mode moment.RecallMode, by moment.Origin) error {
	const silence = `
		UPDATE first_comments SET state = 'failed', due_at = NULL, updated_at = now(), error = 'the post was taken back before the comment had its turn'
		WHERE post_id = $1 AND state IN ('waiting', 'due')`
	if _, err := tx.Exec(ctx, silence, p.ID); err != nil {
		return err
	}
	return p.set(ctx, tx, moment.ActRecall, moment.Sent, by, map[string]any{"mode": mode}, `recall_mode = $2, recalled_at = now()`, mode)
}

// move takes the action where only the state changes.
func (p *lockedPost) move(ctx context.Context, tx pgx.Tx, action moment.Action, by moment.Origin, detail map[string]any) error {
	to, err := p.State.After(action)
	if err != nil {
		return err
	}
	return p.set(ctx, tx, action, to, by, detail, `state = $2::text::post_state`, to)
}

// set updates the post with the given assignments (ours, never a caller's
// text; parameters from $2 on) and writes the audit line.
func (p *lockedPost) set(ctx context.Context, tx pgx.Tx, action moment.Action, to moment.State, by moment.Origin,
	detail map[string]any, assignments string, args ...any) error {
	// Whatever a person decides about a campaign's post stays: the campaign no longer rewrites it, and releases it only
	// if nobody has to approve the new text.
	held := `false`
	if action == moment.ActEdit || action == moment.ActReschedule {
		held = `campaign_held AND NOT (SELECT require_approval FROM settings)`
	}
	q := `UPDATE posts SET ` + assignments + `, by_hand = occurrence_id IS NOT NULL, campaign_held = ` + held + `,
		version = version + 1, updated_at = now() WHERE id = $1`
	if _, err := tx.Exec(ctx, q, append([]any{p.ID}, args...)...); err != nil {
		return err
	}
	return p.tell(ctx, tx, string(action), p.State, to, by, detail)
}

func readPost(ctx context.Context, q querier, id int64) (*moment.Post, error) {
	rows, err := q.Query(ctx, `SELECT `+postCols+` FROM posts p WHERE p.id = $1`, id)
	if err != nil {
		return nil, err
	}
	return pgx.CollectExactlyOneRow(rows, scanPost)
}

type querier interface {
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
}
