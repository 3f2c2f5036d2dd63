package postgres

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"momentcast/internal/moment"
)

// lockedPost is a post whose instance is locked, and so cannot be claimed or
// changed by anybody else until the transaction ends.
type lockedPost struct {
	moment.Post
	Token     int64
	CallUntil time.Time
	Round     int
}

// changePost runs do on the locked post in a transaction and recomputes its
// instance's ready_at at the end.
func (db *DB) changePost(ctx context.Context, id int64, do func(pgx.Tx, *lockedPost) error) error {
	err := pgx.BeginFunc(ctx, db.engine, func(tx pgx.Tx) error {
		p, err := lockPost(ctx, tx, id)
		if err != nil {
			return err
		}
		if err := do(tx, p); err != nil {
			return err
		}
		return refresh(ctx, tx, p.InstanceID)
	})
	return missing(err, "post")
}

func lockPost(ctx context.Context, tx pgx.Tx, id int64) (*lockedPost, error) {
	var instance int64
	if err := tx.QueryRow(ctx, `SELECT instance_id FROM posts WHERE id = $1`, id).Scan(&instance); err != nil {
		return nil, err
	}
	if err := lock(ctx, tx, instance); err != nil {
		return nil, err
	}
	p := &lockedPost{}
	rows, err := tx.Query(ctx, `SELECT `+postCols+`, coalesce(claim_token, 0), call_until, reconcile_round FROM posts p WHERE id = $1 FOR UPDATE`, id)
	if err != nil {
		return nil, err
	}
	return pgx.CollectExactlyOneRow(rows, func(row pgx.CollectableRow) (*lockedPost, error) {
		return p, row.Scan(append(postDest(&p.Post), &p.Token, nullTime{&p.CallUntil}, &p.Round)...)
	})
}

// tell writes a line of the audit trail about the post.
func (p *lockedPost) tell(ctx context.Context, tx pgx.Tx, action string, from, to moment.State, by moment.Origin, detail map[string]any) error {
	return tell(ctx, tx, moment.Event{
		PostID: p.ID, InstanceID: p.InstanceID, Action: action, From: from, To: to, Actor: by.Actor, Source: by.Source, Detail: detail,
	})
}

func tell(ctx context.Context, tx execer, e moment.Event) error {
	const q = `
		INSERT INTO events (post_id, instance_id, action, from_state, to_state, actor, source, detail)
		VALUES (nullif($1::bigint, 0), nullif($2::bigint, 0), $3, $4, $5, $6, $7, $8)`
	var detail *string
	if len(e.Detail) > 0 {
		b, err := json.Marshal(e.Detail)
		if err != nil {
			return fmt.Errorf("event %s: %w", e.Action, err)
		}
		s := strings.ReplaceAll(string(b), `\u0000`, "")
		detail = &s
	}
	_, err := tx.Exec(ctx, q, e.PostID, e.InstanceID, e.Action, e.From.Shown(), e.To.Shown(), e.Actor, e.Source, detail)
	return err
}

// markSent records that the post is on the account's timeline.
func (p *lockedPost) markSent(ctx context.Context, tx pgx.Tx, action moment.Action, momentID string, created time.Time,
	proof *moment.Proof, by moment.Origin, detail map[string]any) error {
	to, err := p.State.After(action)
	if err != nil {
		return err
	}
	const q = `
		UPDATE posts SET
			state = $2::text::post_state,
			moment_id = $3,
			moment_created_at = $4,
			proof = coalesce($5, proof),
			error = '',
			lease_until = NULL,
			reconcile_at = NULL,
			left_at = NULL,
			finished_at = coalesce(finished_at, now()),
			version = version + 1,
			updated_at = now()
		WHERE id = $1`
	if _, err := tx.Exec(ctx, q, p.ID, to, momentID, orNull(created), cleanProof(proof)); err != nil {
		return err
	}
	if err := p.free(ctx, tx); err != nil {
		return err
	}
	if p.FirstComment != "" {
		const due = `UPDATE first_comments SET state = 'due', due_at = now(), updated_at = now() WHERE post_id = $1 AND state = 'waiting'`
		if _, err := tx.Exec(ctx, due, p.ID); err != nil {
			return err
		}
	}
	if detail == nil {
		detail = map[string]any{}
	}
	detail["moment_id"] = momentID
	return p.tell(ctx, tx, string(action), p.State, to, by, detail)
}

// free lets the instance go on if this post is what it waited for.
func (p *lockedPost) free(ctx context.Context, tx execer) error {
	_, err := tx.Exec(ctx, `UPDATE instances SET in_flight = NULL WHERE id = $1 AND in_flight = $2`, p.InstanceID, p.ID)
	return err
}

func cleanText(s string) string {
	return strings.ReplaceAll(strings.ToValidUTF8(s, "\uFFFD"), "\x00", "")
}
