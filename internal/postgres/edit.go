package postgres

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"momentcast/internal/moment"
)

// EditPost lets change alter the card, the audience, the time, the limit, the
// first comment or the external key of the post, checks the whole, and stores
// it with an audit line of what was and what is. Conflict when the state does
// not allow it; Precondition when ifVersion is not zero and not the post's.
// change runs while the post's instance is locked, so it must not wait.
func (db *DB) EditPost(ctx context.Context, id, ifVersion int64, change func(*moment.Post) error, by moment.Origin) error {
	return db.changePost(ctx, id, func(tx pgx.Tx, p *lockedPost) error {
		if err := p.expect(ifVersion); err != nil {
			return err
		}
		return p.edit(ctx, tx, change, by)
	})
}

// edit makes the change, whoever asks for it.
func (p *lockedPost) edit(ctx context.Context, tx pgx.Tx, change func(*moment.Post) error, by moment.Origin) error {
	if _, err := p.State.After(moment.ActEdit); err != nil {
		return err
	}
	next := p.Post
	if err := change(&next); err != nil {
		return err
	}
	if next.ContentHash() == p.ContentHash() {
		next.Visibility = p.Visibility // the same audience in another order is no change
	}
	if err := checkEdited(ctx, tx, &p.Post, &next); err != nil {
		return err
	}
	changed := postChanges(&p.Post, &next)
	if len(changed) == 0 {
		return nil
	}
	return p.store(ctx, tx, &next, changed, by)
}

// checkEdited is Check without complaint about a due time that was there before
// the edit: a post that waits for its instance may be older than a new one may be.
func checkEdited(ctx context.Context, tx pgx.Tx, was, next *moment.Post) error {
	var now time.Time
	if err := tx.QueryRow(ctx, `SELECT now()`).Scan(&now); err != nil {
		return err
	}
	err := next.Check(now)
	if e, ok := errors.AsType[*moment.Error](err); ok && was.DueAt.Equal(next.DueAt) && !was.DueAt.IsZero() {
		return moment.InvalidFields(slices.DeleteFunc(e.Fields, func(f moment.Field) bool { return f.Path == "due_at" }))
	}
	return err
}

func (p *lockedPost) store(ctx context.Context, tx pgx.Tx, next *moment.Post, changed map[string]any, by moment.Origin) error {
	v := toJSON(0, next)
	after, err := p.afterEdit(ctx, tx, next, by)
	if err != nil {
		return err
	}
	err = p.set(ctx, tx, moment.ActEdit, after.state, by, map[string]any{"changed": changed}, `
		state = $14::text::post_state,
		approved_hash = CASE WHEN NOT $15 THEN approved_hash END,
		approved_until = CASE WHEN NOT $15 THEN approved_until END,
		editors = $16,
		content = $2, title = $3, description = $4, url = $5, thumb_url = $6,
		visibility = $7, visible_users = $8, visible_labels = $9, audience_id = $17,
		first_comment = $10,
		external_key = $11,
		due_at = $12::timestamptz,
		max_lateness = $13::interval,
		miss_at = CASE WHEN $13::interval > '0' THEN $12::timestamptz + $13::interval END`,
		v.Content, v.Title, v.Description, v.URL, v.ThumbURL, v.Visibility, v.Users, v.Labels,
		v.FirstComment, v.ExternalKey, v.DueAt, next.MaxLateness,
		after.state, after.void, after.editors, v.AudienceID)
	if err != nil {
		return err
	}
	if _, ok := changed["first_comment"]; ok {
		if err := keepComment(ctx, tx, p.ID, next.FirstComment); err != nil {
			return err
		}
	}
	_, err = tx.Exec(ctx, wake)
	return err
}

// keepComment makes the row of the first comment's step what the post says.
func keepComment(ctx context.Context, tx pgx.Tx, post int64, comment string) error {
	q := `INSERT INTO first_comments (post_id, state) VALUES ($1, 'waiting') ON CONFLICT DO NOTHING`
	if comment == "" {
		q = `DELETE FROM first_comments WHERE post_id = $1 AND state = 'waiting'`
	}
	_, err := tx.Exec(ctx, q, post)
	return err
}

// postChanges lists what an edit changes: field → [old, new].
func postChanges(was, next *moment.Post) map[string]any {
	out := map[string]any{}
	text := func(name, a, b string) {
		if a != b {
			out[name] = []any{a, b}
		}
	}
	text("content", was.Card.Content, next.Card.Content)
	text("title", was.Card.Title, next.Card.Title)
	text("description", was.Card.Description, next.Card.Description)
	text("url", was.Card.URL, next.Card.URL)
	text("thumb_url", was.Card.ThumbURL, next.Card.ThumbURL)
	text("first_comment", was.FirstComment, next.FirstComment)
	text("external_key", was.ExternalKey, next.ExternalKey)
	text("max_lateness", was.MaxLateness.String(), next.MaxLateness.String())
	if !was.DueAt.Equal(next.DueAt) {
		out["due_at"] = []any{orNull(was.DueAt), orNull(next.DueAt)}
	}
	if was.AudienceID != next.AudienceID {
		out["audience_id"] = []any{was.AudienceID, next.AudienceID}
	}
	if a, b := was.Visibility, next.Visibility; a.Mode != b.Mode || !slices.Equal(a.Users, b.Users) || !slices.Equal(a.Labels, b.Labels) {
		out["visibility"] = []any{a, b}
	}
	return out
}

// DeletePost removes a draft. Its audit trail stays.
func (db *DB) DeletePost(ctx context.Context, id, ifVersion int64, by moment.Origin) error {
	return db.changePost(ctx, id, func(tx pgx.Tx, p *lockedPost) error {
		if err := p.expect(ifVersion); err != nil {
			return err
		}
		if _, err := p.State.After(moment.ActDelete); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, `DELETE FROM posts WHERE id = $1`, id); err != nil {
			return err
		}
		return p.tell(ctx, tx, string(moment.ActDelete), p.State, "", by, map[string]any{"title": p.Card.Title})
	})
}

// notSent schedules a post once more that a person did not find on the
// timeline. Not before the deadline of its last call is over: until then that
// call may still put it there.
func (p *lockedPost) notSent(ctx context.Context, tx pgx.Tx, by moment.Origin, detail map[string]any) error {
	var open bool
	if err := tx.QueryRow(ctx, `SELECT coalesce($1::timestamptz >= now(), false)`, orNull(p.CallUntil)).Scan(&open); err != nil {
		return err
	}
	if open {
		return moment.Errorf(moment.Conflict, "The last call may still be under way; look at the feed and decide after %s.",
			p.CallUntil.UTC().Format(time.RFC3339))
	}
	return p.schedule(ctx, tx, moment.ActNotSent, time.Time{}, by, detail)
}
