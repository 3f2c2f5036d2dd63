package postgres

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"momentcast/internal/moment"
)

// TakeUnread implements dispatch.Store: up to n accounts that are online and
// whose timeline has to be read now, each lent for lease.
func (db *DB) TakeUnread(ctx context.Context, n int, lease time.Duration) ([]moment.Unread, error) {
	const q = `
		WITH due AS MATERIALIZED (
			SELECT u.instance_id FROM unread_accounts u
			JOIN instances i ON i.id = u.instance_id
			WHERE u.read_at <= now() AND i.online AND i.w_id <> ''
			ORDER BY u.read_at
			LIMIT $1
			FOR NO KEY UPDATE OF u SKIP LOCKED
		)
		UPDATE unread_accounts u SET read_at = now() + $2::interval
		FROM due JOIN instances i ON i.id = due.instance_id
		WHERE u.instance_id = due.instance_id
		RETURNING u.instance_id, i.wc_id, i.w_id, u.since, now()`
	rows, err := db.pool.Query(ctx, q, n, lease)
	if err != nil {
		return nil, fmt.Errorf("take unread accounts: %w", translate(err))
	}
	list, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (u moment.Unread, err error) {
		return u, row.Scan(&u.InstanceID, &u.WcID, &u.WID, &u.Since, &u.Now)
	})
	if err != nil {
		return nil, fmt.Errorf("take unread accounts: %w", translate(err))
	}
	for i := range list {
		if list[i].Posts, err = db.unreadPosts(ctx, list[i]); err != nil {
			return nil, fmt.Errorf("read posts of an unread account: %w", translate(err))
		}
	}
	return list, nil
}

// unreadPosts are those that a moment of the span may be of: what is or was to
// be sent by now, and what is in doubt anyway.
func (db *DB) unreadPosts(ctx context.Context, u moment.Unread) ([]moment.UnreadPost, error) {
	const q = `
		SELECT id, state::text, content, title, description, url, thumb_url FROM (
			SELECT * FROM (
				SELECT * FROM posts WHERE instance_id = $1 AND state = 'scheduled' AND due_at <= now() + $3::interval
				ORDER BY due_at, id LIMIT 500) s
			UNION ALL SELECT * FROM posts WHERE instance_id = $1 AND state = 'missed' AND due_at <= now() AND miss_at >= $2
			UNION ALL SELECT * FROM posts WHERE instance_id = $1 AND state = 'unknown' AND left_at IS NULL
			UNION ALL SELECT * FROM posts WHERE instance_id = $1 AND state IN ('claimed', 'sending')
		) p
		ORDER BY coalesce(CASE WHEN state IN ('sending', 'unknown') THEN intent_at END, due_at), id`
	rows, err := db.pool.Query(ctx, q, u.InstanceID, u.Since, moment.MoveSkew)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (p moment.UnreadPost, err error) {
		c := &p.Card
		return p, row.Scan(&p.ID, &p.State, &c.Content, &c.Title, &c.Description, &c.URL, &c.ThumbURL)
	})
}

// SettleUnread implements dispatch.Store: the account was read. The posts whose
// moments were found are sent, and it goes on.
func (db *DB) SettleUnread(ctx context.Context, u moment.Unread, found []moment.Credit, replica string) error {
	by := moment.System(replica)
	for _, c := range found {
		err := db.changePost(ctx, c.PostID, func(tx pgx.Tx, p *lockedPost) error {
			if p.State != moment.Scheduled && p.State != moment.Missed {
				return nil // somebody has decided meanwhile
			}
			return p.creditLost(ctx, tx, c.Moment.ID, c.Moment.CreatedAt, c.Moment.Proof, moment.ActReconcile, by, map[string]any{"failover": true})
		})
		if err != nil {
			return err
		}
	}
	return db.endUnread(ctx, u.InstanceID, by, map[string]any{"found": len(found), "since": u.Since.UTC()})
}

// creditLost makes a post sent whose call the database had lost, with what a
// sent post means for its account. Whether its first comment was posted too is
// not known.
func (p *lockedPost) creditLost(ctx context.Context, tx pgx.Tx, id string, created time.Time, proof *moment.Proof,
	action moment.Action, by moment.Origin, detail map[string]any) error {
	const comment = `
		UPDATE first_comments SET state = 'unknown', due_at = NULL, updated_at = now(),
			error = 'the database moved to another history: whether it was posted is not known'
		WHERE post_id = $1 AND state IN ('waiting', 'due')`
	if _, err := tx.Exec(ctx, comment, p.ID); err != nil {
		return err
	}
	if err := p.countLost(ctx, tx, created); err != nil {
		return err
	}
	return p.markSent(ctx, tx, action, id, created, proof, by, detail)
}

// countLost paces the account by a call that the database had lost.
func (p *lockedPost) countLost(ctx context.Context, tx pgx.Tx, created time.Time) error {
	const pace = `
		UPDATE instances i SET
			next_slot_at = greatest(i.next_slot_at, coalesce($2::timestamptz, now()) + coalesce(i.min_gap, s.min_gap)),
			slot_reason = 'gap',
			sent_on = (now() AT TIME ZONE i.time_zone)::date,
			sent_count = 1 + CASE WHEN i.sent_on = (now() AT TIME ZONE i.time_zone)::date THEN i.sent_count ELSE 0 END
		FROM settings s
		WHERE i.id = $1 AND (coalesce($2::timestamptz, now()) AT TIME ZONE i.time_zone)::date = (now() AT TIME ZONE i.time_zone)::date`
	_, err := tx.Exec(ctx, pace, p.InstanceID, orNull(created))
	return err
}

// KeepUnread implements dispatch.Store: the account could not be read; it is
// tried again after a wait that grows.
func (db *DB) KeepUnread(ctx context.Context, u moment.Unread, problem, message string) error {
	const q = `
		UPDATE unread_accounts SET tries = tries + 1, problem = $2, message = $3,
			read_at = now() + least(interval '5 seconds' * power(2, least(tries, 6)), interval '5 minutes')
		WHERE instance_id = $1`
	_, err := db.pool.Exec(ctx, q, u.InstanceID, problem, cleanText(message))
	return translate(err)
}

func (db *DB) endUnread(ctx context.Context, instance int64, by moment.Origin, detail map[string]any) error {
	err := pgx.BeginFunc(ctx, db.engine, func(tx pgx.Tx) error {
		if err := lock(ctx, tx, instance); err != nil {
			return err
		}
		tag, err := tx.Exec(ctx, `UPDATE instances SET unread = false, version = version + 1, updated_at = now() WHERE id = $1 AND unread`, instance)
		if err != nil {
			return err
		}
		if tag.RowsAffected() == 0 {
			return nil // a person was quicker
		}
		if _, err := tx.Exec(ctx, `DELETE FROM unread_accounts WHERE instance_id = $1`, instance); err != nil {
			return err
		}
		if err := refresh(ctx, tx, instance); err != nil {
			return err
		}
		if err := tell(ctx, tx, moment.Event{InstanceID: instance, Action: "read_account", Actor: by.Actor, Source: by.Source, Detail: detail}); err != nil {
			return err
		}
		_, err = tx.Exec(ctx, wake)
		return err
	})
	return translate(err)
}

// failoverState reads what is left to do.
const failoverState = `
	SELECT h.moved_why, h.moved_at, h.moved_from, this_timeline() <> '',
		(SELECT count(*) FROM unread_accounts),
		(SELECT count(*) FROM unread_accounts u JOIN instances i ON i.id = u.instance_id WHERE i.online AND u.problem <> ''),
		(SELECT min(held_at) FROM unread_accounts)
	FROM history h`

func failoverDest(f *moment.Failover) []any {
	return []any{&f.Why, nullTime{&f.At}, nullTime{&f.From}, &f.Told, &f.Unread, &f.Stuck, nullTime{&f.HeldFrom}}
}
