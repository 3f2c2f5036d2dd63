package postgres

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"

	"momentcast/internal/moment"
)

const auditCols = `id, at, coalesce(post_id, 0), coalesce(instance_id, 0), action, from_state, to_state, actor, source, detail`

func scanAudit(row pgx.CollectableRow) (e moment.Event, err error) {
	var detail []byte
	err = row.Scan(&e.ID, &e.At, &e.PostID, &e.InstanceID, &e.Action, &e.From, &e.To, &e.Actor, &e.Source, &detail)
	if err == nil && detail != nil {
		err = json.Unmarshal(detail, &e.Detail)
	}
	return e, err
}

// Audit returns the lines of the audit trail that q selects, newest first, and
// whether there are more.
func (db *DB) Audit(ctx context.Context, q moment.EventQuery) (events []moment.Event, more bool, err error) {
	sql, args := auditQuery(q)
	rows, err := db.pool.Query(ctx, sql, args...)
	if err != nil {
		return nil, false, fmt.Errorf("read audit trail: %w", translate(err))
	}
	if events, err = pgx.CollectRows(rows, scanAudit); err != nil {
		return nil, false, fmt.Errorf("read audit trail: %w", translate(err))
	}
	if len(events) > q.Limit {
		return events[:q.Limit], true, nil
	}
	return events, false, nil
}

func auditQuery(q moment.EventQuery) (sql string, args []any) {
	var where []string
	add := func(cond string, arg any) {
		args = append(args, arg)
		where = append(where, strings.ReplaceAll(cond, "?", fmt.Sprintf("$%d", len(args))))
	}
	if q.Actor != "" {
		add("actor = ?", q.Actor)
	}
	if q.Action != "" {
		add("action = ?", q.Action)
	}
	if q.PostID != 0 {
		add("post_id = ?", q.PostID)
	}
	if !q.From.IsZero() {
		add("at >= ?", q.From)
	}
	if !q.To.IsZero() {
		add("at < ?", q.To)
	}
	if q.Before != 0 {
		add("id < ?", q.Before)
	}
	if q.Source != "" {
		add("source = ?", q.Source)
	}
	// Written out and not only implied: the partial indexes are chosen by it.
	if q.PostID == 0 && !q.Machine && q.Source != "system" {
		where = append(where, "source <> 'system'")
	}
	cond := ""
	if len(where) > 0 {
		cond = " WHERE " + strings.Join(where, " AND ")
	}
	args = append(args, q.Limit+1)
	return fmt.Sprintf("SELECT %s FROM events%s ORDER BY id DESC LIMIT $%d", auditCols, cond, len(args)), args
}

// AuditActions lists the actions that people and programs have ever taken, for
// the page's filter.
func (db *DB) AuditActions(ctx context.Context) ([]string, error) {
	// Walks the index from one action to the next, however many lines there are.
	const q = `
		WITH RECURSIVE a AS (
			(SELECT min(action) AS action FROM events WHERE source <> 'system')
			UNION ALL
			SELECT (SELECT min(e.action) FROM events e WHERE e.source <> 'system' AND e.action > a.action) FROM a WHERE a.action IS NOT NULL
		)
		SELECT action FROM a WHERE action IS NOT NULL ORDER BY action LIMIT 200`
	rows, err := db.pool.Query(ctx, q)
	if err != nil {
		return nil, fmt.Errorf("list actions: %w", translate(err))
	}
	list, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return nil, fmt.Errorf("list actions: %w", translate(err))
	}
	return list, nil
}
