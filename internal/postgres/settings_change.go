package postgres

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"momentcast/internal/moment"
)

// ChangeSettings lets change alter what people may set for the whole service,
// checks it, and stores it with an audit line of what was and what is.
// Precondition when ifVersion is not zero and not the settings'. Where posts may
// leave at another time then, every instance's ready_at is recomputed.
func (db *DB) ChangeSettings(ctx context.Context, ifVersion int64, change func(*moment.Settings) error, by moment.Origin) error {
	refresh := false
	err := pgx.BeginFunc(ctx, db.pool, func(tx pgx.Tx) error {
		was, next, err := nextSettings(ctx, tx, ifVersion, change)
		if err != nil {
			return err
		}
		changed := moment.SettingsChanges(&was, &next)
		if len(changed) == 0 {
			return nil
		}
		refresh = was.Pacing != next.Pacing
		if err := storeSettings(ctx, tx, &next); err != nil {
			return err
		}
		return tell(ctx, tx, moment.Event{Action: "settings", Actor: by.Actor, Source: by.Source, Detail: map[string]any{"changed": changed}})
	})
	if err != nil {
		return fmt.Errorf("change settings: %w", translate(err))
	}
	if !refresh {
		return nil
	}
	return db.RefreshAll(ctx)
}

// ApplySettings makes the pacing, limits and approval rules of s those of the
// service. Pause and callback secret are left as they are.
func (db *DB) ApplySettings(ctx context.Context, s moment.Settings, by moment.Origin) error {
	return db.ChangeSettings(ctx, 0, func(now *moment.Settings) error { *now = s; return nil }, by)
}

// nextSettings locks the settings and lets change alter a copy.
func nextSettings(ctx context.Context, tx pgx.Tx, ifVersion int64, change func(*moment.Settings) error) (was, next moment.Settings, err error) {
	if was, err = scanSettings(tx.QueryRow(ctx, `SELECT `+settingsCols+` FROM settings FOR NO KEY UPDATE`)); err != nil {
		return was, was, err
	}
	if ifVersion != 0 && ifVersion != was.Version {
		return was, was, moment.Errorf(moment.Precondition, "Somebody has changed the settings meanwhile; look at them again and decide.")
	}
	next = was
	if err := change(&next); err != nil {
		return was, next, err
	}
	return was, next, next.Check()
}

func storeSettings(ctx context.Context, tx pgx.Tx, s *moment.Settings) error {
	const q = `
		UPDATE settings SET
			min_gap = $1, daily_cap = $2, quiet_hours = $3, online_age = $4, relogin_keeps = $5, max_lateness = $6, time_zone = $7,
			require_approval = $8, auto_resend = $9, own_approval = $10, approval_expires = $11,
			fold_lines = $12, fold_chars = $13, lint_words = $14, lint_allowed = $15, duplicate_days = $16,
			version = version + 1`
	p := s.Pacing
	_, err := tx.Exec(ctx, q, p.MinGap, p.DailyCap, p.QuietHours, p.OnlineAge, s.ReloginKeeps, s.MaxLateness, s.TimeZone,
		s.RequireApproval, s.AutoResend, s.OwnApproval, s.ApprovalExpires, s.FoldLines, s.FoldChars, s.LintWords, s.LintAllowed, s.DuplicateDays)
	return err
}

// errOnlyTried ends a transaction that was never meant to be kept.
var errOnlyTried = errors.New("only tried")

// TrySettings tells how many instances would send their next post later, and
// how many earlier, if the settings were changed so. It stores nothing.
func (db *DB) TrySettings(ctx context.Context, change func(*moment.Settings) error) (later, earlier int, err error) {
	err = pgx.BeginFunc(ctx, db.pool, func(tx pgx.Tx) error {
		was, next, err := nextSettings(ctx, tx, 0, change)
		if err != nil || was.Pacing == next.Pacing {
			return err
		}
		before, err := gates(ctx, tx)
		if err != nil {
			return err
		}
		if err := storeSettings(ctx, tx, &next); err != nil {
			return err
		}
		after, err := gates(ctx, tx)
		if err != nil {
			return err
		}
		for id, at := range after {
			switch was := before[id]; {
			case at.After(was):
				later++
			case at.Before(was):
				earlier++
			}
		}
		return errOnlyTried
	})
	if err != nil && !errors.Is(err, errOnlyTried) {
		return 0, 0, fmt.Errorf("try settings: %w", translate(err))
	}
	return later, earlier, nil
}

// gates are the instants at which instances may send their next post; those
// that may not as things stand are left out. What is past is taken for now.
func gates(ctx context.Context, tx pgx.Tx) (map[int64]time.Time, error) {
	const q = `
		SELECT i.id, greatest(g.ready_at, now())
		FROM instances i
		CROSS JOIN settings s
		CROSS JOIN LATERAL (
			SELECT p.due_at FROM posts p WHERE p.instance_id = i.id AND p.state = 'scheduled' ORDER BY p.due_at, p.id LIMIT 1
		) head
		CROSS JOIN LATERAL instance_gate(i, s, head.due_at) g
		WHERE g.ready_at IS NOT NULL`
	rows, err := tx.Query(ctx, q)
	if err != nil {
		return nil, err
	}
	out := make(map[int64]time.Time)
	var id int64
	var at time.Time
	_, err = pgx.ForEachRow(rows, []any{&id, &at}, func() error { out[id] = at; return nil })
	return out, err
}
