package postgres

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"momentcast/internal/moment"
)

const settingsCols = `min_gap, daily_cap, quiet_hours, online_age, relogin_keeps, max_lateness, time_zone, require_approval, auto_resend,
	own_approval, approval_expires, fold_lines, fold_chars, lint_words, lint_allowed, duplicate_days, version,
	paused, paused_reason, paused_by, paused_at, callback_secret`

// Settings returns what holds for the whole service.
func (db *DB) Settings(ctx context.Context) (moment.Settings, error) {
	s, err := scanSettings(db.pool.QueryRow(ctx, `SELECT `+settingsCols+` FROM settings`))
	if err != nil {
		return s, fmt.Errorf("read settings: %w", translate(err))
	}
	return s, nil
}

func scanSettings(row pgx.Row) (s moment.Settings, err error) {
	err = row.Scan(
		&s.Pacing.MinGap, &s.Pacing.DailyCap, &s.Pacing.QuietHours, &s.Pacing.OnlineAge, &s.ReloginKeeps, &s.MaxLateness, &s.TimeZone,
		&s.RequireApproval, &s.AutoResend,
		&s.OwnApproval, &s.ApprovalExpires, &s.FoldLines, &s.FoldChars, &s.LintWords, &s.LintAllowed, &s.DuplicateDays, &s.Version,
		&s.Paused, &s.PausedReason, &s.PausedBy, nullTime{&s.PausedAt}, &s.CallbackSecret)
	return s, err
}

// Pause stops every send whose intent is not yet committed, on all replicas.
// When it returns, no further call begins.
func (db *DB) Pause(ctx context.Context, reason string, by moment.Origin) error {
	err := pgx.BeginFunc(ctx, db.pool, func(tx pgx.Tx) error {
		const q = `UPDATE settings SET paused = true, paused_reason = $1, paused_by = $2, paused_at = coalesce(paused_at, now())`
		if _, err := tx.Exec(ctx, q, reason, by.Actor); err != nil {
			return err
		}
		return tell(ctx, tx, moment.Event{Action: "pause", Actor: by.Actor, Source: by.Source, Detail: map[string]any{"reason": reason}})
	})
	return translate(err)
}

// Resume ends the pause. What became overdue meanwhile is settled first, so
// that nothing of it leaves against the choice.
func (db *DB) Resume(ctx context.Context, overdue moment.Overdue, by moment.Origin) error {
	if err := db.settleOverdue(ctx, overdue, by); err != nil {
		return fmt.Errorf("settle overdue posts: %w", translate(err))
	}
	err := pgx.BeginFunc(ctx, db.pool, func(tx pgx.Tx) error {
		const q = `UPDATE settings SET paused = false, paused_reason = '', paused_by = '', paused_at = NULL WHERE paused`
		tag, err := tx.Exec(ctx, q)
		if err != nil || tag.RowsAffected() == 0 {
			return err
		}
		if err := tell(ctx, tx, moment.Event{Action: "resume", Actor: by.Actor, Source: by.Source, Detail: map[string]any{"overdue": overdue}}); err != nil {
			return err
		}
		_, err = tx.Exec(ctx, wake)
		return err
	})
	return translate(err)
}

// settleOverdue does what the choice says to every post that is due, some
// hundred instances at a time, before the pause ends.
func (db *DB) settleOverdue(ctx context.Context, overdue moment.Overdue, by moment.Origin) error {
	if overdue == moment.OverdueByLimit {
		return nil // the claim and the housekeeping judge each by its own limit
	}
	for last := int64(0); ; {
		var ids []int64
		err := pgx.BeginFunc(ctx, db.pool, func(tx pgx.Tx) (err error) {
			if ids, err = lockOverdueInstances(ctx, tx, last); err != nil || len(ids) == 0 {
				return err
			}
			if overdue == moment.OverdueMiss {
				_, err = missOverdue(ctx, tx, ids, by, "due_at <= now()")
			} else {
				err = restartLimits(ctx, tx, ids)
			}
			if err != nil {
				return err
			}
			return refresh(ctx, tx, ids...)
		})
		if err != nil || len(ids) == 0 {
			return err
		}
		last = ids[len(ids)-1]
	}
}

func lockOverdueInstances(ctx context.Context, tx pgx.Tx, after int64) ([]int64, error) {
	const q = `
		SELECT i.id FROM instances i
		WHERE i.id > $1 AND EXISTS (SELECT FROM posts p WHERE p.instance_id = i.id AND p.state = 'scheduled' AND p.due_at <= now())
		ORDER BY i.id
		LIMIT 500
		FOR NO KEY UPDATE`
	rows, err := tx.Query(ctx, q, after)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowTo[int64])
}

func restartLimits(ctx context.Context, tx pgx.Tx, instances []int64) error {
	const q = `
		UPDATE posts SET miss_at = now() + max_lateness
		WHERE instance_id = ANY($1::bigint[]) AND state = 'scheduled' AND due_at <= now() AND max_lateness > '0'`
	_, err := tx.Exec(ctx, q, instances)
	return err
}

// GatewayStatus returns what the replicas know of the gateway.
func (db *DB) GatewayStatus(ctx context.Context) (g moment.GatewayStatus, err error) {
	err = db.pool.QueryRow(ctx, `SELECT observed_at, down_since, error FROM gateway_status`).
		Scan(nullTime{&g.ObservedAt}, nullTime{&g.DownSince}, &g.Error)
	return g, translate(err)
}
