package postgres

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"momentcast/internal/moment"
)

// instanceCols are an instance's columns, in the order of instanceDest.
const instanceCols = `i.id, i.wc_id, i.w_id, i.name, i.groups, i.time_zone, i.online, i.online_since, i.missing_since, i.offline_at,
	i.offline_reason, i.matured_at, i.paused, i.paused_reason, i.paused_by, i.paused_at, i.min_gap, i.daily_cap, i.quiet_hours, i.online_age,
	i.next_slot_at, i.slot_reason, CASE WHEN isfinite(i.sent_on) THEN to_char(i.sent_on, 'YYYY-MM-DD') ELSE '' END, i.sent_count,
	i.unread, coalesce(i.in_flight, 0), i.ready_at, coalesce(i.hold_reason, ''), i.version, i.created_at, i.updated_at`

func instanceDest(i *moment.Instance) []any {
	return []any{&i.ID, &i.WcID, &i.WID, &i.Name, &i.Groups, &i.TimeZone, &i.Online, nullTime{&i.OnlineSince}, nullTime{&i.MissingSince},
		nullTime{&i.OfflineAt}, &i.OfflineReason, nullTime{&i.MaturedAt}, &i.Paused, &i.PausedReason, &i.PausedBy, nullTime{&i.PausedAt},
		&i.Pacing.MinGap, &i.Pacing.DailyCap, &i.Pacing.QuietHours, &i.Pacing.OnlineAge,
		nullTime{&i.NextSlotAt}, &i.SlotReason, &i.SentOn, &i.SentCount,
		&i.Unread, &i.InFlight, nullTime{&i.ReadyAt}, &i.Hold, &i.Version, &i.CreatedAt, &i.UpdatedAt}
}

const instanceView = `SELECT ` + instanceCols + `, s.min_gap, s.daily_cap, s.quiet_hours, s.online_age, now() FROM instances i CROSS JOIN settings s`

func scanInstance(row pgx.CollectableRow) (v moment.InstanceView, err error) {
	d := &v.Defaults
	err = row.Scan(append(instanceDest(&v.Instance), &d.MinGap, &d.DailyCap, &d.QuietHours, &d.OnlineAge, &v.Now)...)
	return v, err
}

// Instances returns one page of the instances that q selects, at most q.Limit,
// and whether more follow.
func (db *DB) Instances(ctx context.Context, q moment.InstanceQuery) (views []moment.InstanceView, more bool, err error) {
	const sql = instanceView + `
		WHERE i.id > $1
		  AND ($2 = '' OR i.wc_id = $2)
		  AND ($3 = '' OR $3 = ANY(i.groups))
		  AND ($4::boolean IS NULL OR i.online = $4)
		  AND ($5::boolean IS NULL OR i.paused = $5)
		ORDER BY i.id
		LIMIT $6`
	rows, err := db.pool.Query(ctx, sql, q.After, q.WcID, q.Group, q.Online, q.Paused, q.Limit+1)
	if err != nil {
		return nil, false, fmt.Errorf("list instances: %w", translate(err))
	}
	if views, err = pgx.CollectRows(rows, scanInstance); err != nil {
		return nil, false, fmt.Errorf("list instances: %w", translate(err))
	}
	if len(views) > q.Limit {
		return views[:q.Limit], true, nil
	}
	return views, false, nil
}

// instanceCounts counts the posts of an instance. Each count has an index that
// holds little else; drafts, pending and cancelled posts have none. What was
// sent is counted to 1000 (moment.SentMost): it is the history.
const instanceCounts = `
	SELECT (SELECT count(*) FROM posts WHERE instance_id = $1 AND state = 'scheduled'),
		(SELECT count(*) FROM posts WHERE instance_id = $1 AND state IN ('claimed', 'sending')),
		(SELECT count(*) FROM (SELECT FROM posts WHERE instance_id = $1 AND moment_id IS NOT NULL LIMIT 1000) sent),
		(SELECT count(*) FROM posts WHERE instance_id = $1 AND state = 'failed'),
		(SELECT count(*) FROM posts WHERE instance_id = $1 AND state = 'unknown'),
		(SELECT count(*) FROM posts WHERE instance_id = $1 AND state = 'missed')`

// Instance returns the instance with the counts of its posts.
func (db *DB) Instance(ctx context.Context, id int64) (*moment.InstanceView, error) {
	var v *moment.InstanceView
	var scheduled, sending, sent, failed, unknown, missed int64
	err := db.byIndex(ctx, func(tx pgx.Tx) (err error) {
		if v, err = readInstance(ctx, tx, id); err != nil {
			return err
		}
		return tx.QueryRow(ctx, instanceCounts, id).Scan(&scheduled, &sending, &sent, &failed, &unknown, &missed)
	})
	if err != nil {
		return nil, fmt.Errorf("read instance %d: %w", id, missing(err, "instance"))
	}
	v.Counts = map[moment.State]int64{moment.Scheduled: scheduled, moment.Sending: sending, moment.Sent: sent,
		moment.Failed: failed, moment.Unknown: unknown, moment.Missed: missed}
	return v, nil
}

func readInstance(ctx context.Context, q querier, id int64) (*moment.InstanceView, error) {
	rows, err := q.Query(ctx, instanceView+` WHERE i.id = $1`, id)
	if err != nil {
		return nil, err
	}
	v, err := pgx.CollectExactlyOneRow(rows, scanInstance)
	return &v, err
}

// FindInstances returns those of the named instances that exist.
func (db *DB) FindInstances(ctx context.Context, ids []int64, wcIDs []string) ([]moment.InstanceRef, error) {
	const q = `
		SELECT id, wc_id FROM instances WHERE id = ANY($1::bigint[])
		UNION
		SELECT id, wc_id FROM instances WHERE wc_id = ANY($2::text[])`
	rows, err := db.pool.Query(ctx, q, ids, wcIDs)
	if err != nil {
		return nil, fmt.Errorf("find instances: %w", translate(err))
	}
	refs, err := pgx.CollectRows(rows, pgx.RowToStructByPos[moment.InstanceRef])
	if err != nil {
		return nil, fmt.Errorf("find instances: %w", translate(err))
	}
	return refs, nil
}

// AddInstance registers the account. Without a time zone it gets the service's.
// With a login session and the time since when it is online, it is online at
// once; otherwise when the gateway lists it.
func (db *DB) AddInstance(ctx context.Context, i *moment.Instance, by moment.Origin) (id int64, err error) {
	const q = `
		INSERT INTO instances (wc_id, w_id, name, groups, time_zone, online, online_since, min_gap, daily_cap, quiet_hours, online_age)
		SELECT $1, $2, $3, $4, coalesce(nullif($5, ''), s.time_zone), $6, $7, $8, $9, $10, $11 FROM settings s
		RETURNING id`
	groups := i.Groups
	if groups == nil {
		groups = []string{}
	}
	online := i.WID != "" && !i.OnlineSince.IsZero()
	err = pgx.BeginFunc(ctx, db.pool, func(tx pgx.Tx) error {
		p := i.Pacing
		if err := tx.QueryRow(ctx, q, i.WcID, i.WID, i.Name, groups, i.TimeZone, online, orNull(i.OnlineSince),
			p.MinGap, p.DailyCap, p.QuietHours, p.OnlineAge).Scan(&id); err != nil {
			return err
		}
		if err := refresh(ctx, tx, id); err != nil {
			return err
		}
		return tell(ctx, tx, moment.Event{InstanceID: id, Action: "create", Actor: by.Actor, Source: by.Source,
			Detail: map[string]any{"wc_id": i.WcID, "online": online}})
	})
	if err != nil {
		return 0, fmt.Errorf("add instance: %w", translate(err))
	}
	return id, nil
}

// ChangeInstance lets change alter what a person or program may set on the
// instance, checks the whole, and stores it with an audit line of what was and
// what is. Precondition when ifVersion is not zero and not the instance's.
// change runs while the instance is locked, so it must not wait.
func (db *DB) ChangeInstance(ctx context.Context, id, ifVersion int64, change func(*moment.Instance) error, by moment.Origin) error {
	err := pgx.BeginFunc(ctx, db.pool, func(tx pgx.Tx) error {
		if err := lock(ctx, tx, id); err != nil {
			return err
		}
		v, err := readInstance(ctx, tx, id)
		if err != nil {
			return err
		}
		if ifVersion != 0 && ifVersion != v.Version {
			return moment.Errorf(moment.Precondition, "Somebody has changed the instance meanwhile (version %d, not %d); load it again and decide.", v.Version, ifVersion)
		}
		next := v.Instance
		next.Groups = slices.Clone(v.Groups)
		if err := change(&next); err != nil {
			return err
		}
		next.Unread = next.Unread && v.Unread // nobody makes an account unread by hand
		if err := next.Check(); err != nil {
			return err
		}
		changed := instanceChanges(&v.Instance, &next)
		if len(changed) == 0 {
			return nil
		}
		return storeInstance(ctx, tx, &next, changed, by)
	})
	return missing(err, "instance")
}

func storeInstance(ctx context.Context, tx pgx.Tx, i *moment.Instance, changed map[string]any, by moment.Origin) error {
	const q = `
		UPDATE instances SET
			name = $2, groups = $3, time_zone = $4,
			w_id = $5, online = $6, online_since = $7, missing_since = $8, offline_at = $9, matured_at = $10,
			paused = $11, paused_reason = $12, paused_by = $13,
			paused_at = CASE WHEN $11 THEN coalesce(paused_at, now()) END,
			min_gap = $14, daily_cap = $15, quiet_hours = $16, online_age = $17,
			-- A paused instance is not ready; what it is then, the refresh says.
			ready_at = NULL,
			unread = $18,
			version = version + 1,
			updated_at = now()
		WHERE id = $1`
	p := i.Pacing
	if !i.Unread { // a person has looked at the account, or it was read
		if _, err := tx.Exec(ctx, `DELETE FROM unread_accounts WHERE instance_id = $1`, i.ID); err != nil {
			return err
		}
	}
	if _, err := tx.Exec(ctx, q, i.ID, i.Name, i.Groups, i.TimeZone,
		i.WID, i.Online, orNull(i.OnlineSince), orNull(i.MissingSince), orNull(i.OfflineAt), orNull(i.MaturedAt),
		i.Paused, i.PausedReason, i.PausedBy, p.MinGap, p.DailyCap, p.QuietHours, p.OnlineAge, i.Unread); err != nil {
		return err
	}
	if err := refresh(ctx, tx, i.ID); err != nil {
		return err
	}
	if err := tell(ctx, tx, moment.Event{InstanceID: i.ID, Action: "edit", Actor: by.Actor, Source: by.Source,
		Detail: map[string]any{"changed": changed}}); err != nil {
		return err
	}
	_, err := tx.Exec(ctx, wake)
	return err
}

// instanceChanges lists what a change alters: field → [old, new].
func instanceChanges(was, next *moment.Instance) map[string]any {
	out := map[string]any{}
	put := func(name string, a, b any, same bool) {
		if !same {
			out[name] = []any{a, b}
		}
	}
	at := func(name string, a, b time.Time) { put(name, orNull(a), orNull(b), a.Equal(b)) }
	put("name", was.Name, next.Name, was.Name == next.Name)
	put("groups", was.Groups, next.Groups, slices.Equal(was.Groups, next.Groups))
	put("time_zone", was.TimeZone, next.TimeZone, was.TimeZone == next.TimeZone)
	put("w_id", was.WID, next.WID, was.WID == next.WID)
	put("online", was.Online, next.Online, was.Online == next.Online)
	at("online_since", was.OnlineSince, next.OnlineSince)
	at("matured_at", was.MaturedAt, next.MaturedAt)
	put("unread", was.Unread, next.Unread, was.Unread == next.Unread)
	put("paused", was.Paused, next.Paused, was.Paused == next.Paused)
	put("paused_reason", was.PausedReason, next.PausedReason, was.PausedReason == next.PausedReason)
	a, b := was.Pacing, next.Pacing
	put("min_gap", text(a.MinGap), text(b.MinGap), text(a.MinGap) == text(b.MinGap))
	put("online_age", text(a.OnlineAge), text(b.OnlineAge), text(a.OnlineAge) == text(b.OnlineAge))
	put("daily_cap", a.DailyCap, b.DailyCap, equal(a.DailyCap, b.DailyCap))
	put("quiet_hours", a.QuietHours, b.QuietHours, equal(a.QuietHours, b.QuietHours))
	return out
}

// text writes an override as people do; nil, which follows the default, is "default".
func text(d *time.Duration) string {
	if d == nil {
		return "default"
	}
	return d.String()
}

func equal[T comparable](a, b *T) bool {
	if a == nil || b == nil {
		return a == b
	}
	return *a == *b
}
