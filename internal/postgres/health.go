package postgres

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"momentcast/internal/moment"
	"momentcast/migrations"
)

// OverdueAfter is how long an instance may be ready to send before that is a
// sign of trouble: an idle dispatcher takes milliseconds, one that catches up
// after an outage may take longer.
const OverdueAfter = time.Minute

// Health is what readiness is judged by.
type Health struct {
	Now             time.Time // the database's clock
	Schema          int64     // newest migration that the database has
	Paused          bool
	PausedReason    string
	PausedBy        string
	GatewayObserved time.Time // last successful look at who is online; zero = never
	GatewayDown     time.Time // since when looks fail; zero = the last one succeeded
	GatewayError    string
	Overdue         int       // instances that are ready for longer than OverdueAfter, at most 1000
	OverdueSince    time.Time // when the first of them became ready; zero = none
	Replicas        int       // heard of within the last 20 s
	Failover        moment.Failover
}

// GatewayDownFor is since how long no look at the gateway has succeeded.
func (h *Health) GatewayDownFor() time.Duration {
	if h.GatewayDown.IsZero() {
		return 0
	}
	return h.Now.Sub(h.GatewayDown)
}

// Health reads what readiness is judged by.
func (db *DB) Health(ctx context.Context) (h Health, err error) {
	const q = `
		SELECT now(), s.paused, s.paused_reason, s.paused_by, g.observed_at, g.down_since, g.error,
			coalesce((SELECT max(version_id) FROM goose_db_version WHERE is_applied), 0),
			o.n, o.since,
			(SELECT count(*) FROM replicas WHERE heartbeat_at > now() - interval '20 seconds')
		FROM settings s CROSS JOIN gateway_status g CROSS JOIN (
			SELECT count(*) AS n, min(ready_at) AS since FROM (
				SELECT ready_at FROM instances WHERE ready_at < now() - $1::interval ORDER BY ready_at LIMIT 1000) i
		) o`
	err = db.pool.QueryRow(ctx, q, OverdueAfter).Scan(&h.Now, &h.Paused, &h.PausedReason, &h.PausedBy,
		nullTime{&h.GatewayObserved}, nullTime{&h.GatewayDown}, &h.GatewayError, &h.Schema,
		&h.Overdue, nullTime{&h.OverdueSince}, &h.Replicas)
	if err != nil {
		return Health{}, fmt.Errorf("read health: %w", translate(err))
	}
	if h.Schema < historySchema {
		return h, nil // doctor may be newer than the database
	}
	if err := db.pool.QueryRow(ctx, failoverState).Scan(failoverDest(&h.Failover)...); err != nil {
		return Health{}, fmt.Errorf("read health: %w", translate(err))
	}
	return h, nil
}

// historySchema is the migration that knows of failovers.
const historySchema = 18

// Schema is the newest migration that the database has; 0 for a database that
// never had one.
func (db *DB) Schema(ctx context.Context) (version int64, err error) {
	var migrated bool
	if err := db.pool.QueryRow(ctx, `SELECT to_regclass('goose_db_version') IS NOT NULL`).Scan(&migrated); err != nil || !migrated {
		return 0, translate(err)
	}
	err = db.pool.QueryRow(ctx, `SELECT coalesce(max(version_id), 0) FROM goose_db_version WHERE is_applied`).Scan(&version)
	return version, translate(err)
}

// NewestSchema is the newest migration that this program knows.
func NewestSchema() (int64, error) {
	names, err := fs.Glob(migrations.FS, "*.sql")
	if err != nil {
		return 0, err
	}
	newest := int64(0)
	for _, name := range names {
		number, _, _ := strings.Cut(name, "_")
		n, err := strconv.ParseInt(number, 10, 64)
		if err != nil {
			return 0, fmt.Errorf("migration %s: %w", name, err)
		}
		newest = max(newest, n)
	}
	return newest, nil
}

// OldTransaction is one that holds a snapshot for long.
type OldTransaction struct {
	PID     int32
	Program string // as it calls itself
	State   string // of its session: active, idle in transaction, …
	Age     time.Duration
}

// OldTransactions lists transactions older than limit that keep dead rows from
// being cleaned up, oldest first, at most 100.
func (db *DB) OldTransactions(ctx context.Context, limit time.Duration) ([]OldTransaction, error) {
	const q = `
		SELECT pid, coalesce(application_name, ''), coalesce(state, ''), clock_timestamp() - xact_start
		FROM pg_stat_activity
		WHERE (backend_xmin IS NOT NULL OR backend_xid IS NOT NULL) AND datname = current_database()
		  AND backend_type = 'client backend' AND pid <> pg_backend_pid() AND xact_start < clock_timestamp() - $1::interval
		ORDER BY xact_start
		LIMIT 100`
	rows, err := db.pool.Query(ctx, q, limit)
	if err != nil {
		return nil, fmt.Errorf("list old transactions: %w", translate(err))
	}
	list, err := pgx.CollectRows(rows, pgx.RowToStructByPos[OldTransaction])
	if err != nil {
		return nil, fmt.Errorf("list old transactions: %w", translate(err))
	}
	return list, nil
}

// Unavailable reports whether err says that the database cannot answer now,
// which waiting may cure. It knows errors that did not come through this
// package, too, such as those of a migration.
func Unavailable(err error) bool {
	if err == nil {
		return false
	}
	if errors.Is(err, context.DeadlineExceeded) || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return true
	}
	if pe, ok := errors.AsType[*pgconn.PgError](err); ok {
		return moment.KindOf(translate(pe)) == moment.Unavailable
	}
	if _, ok := errors.AsType[*net.OpError](err); ok {
		return true
	}
	return moment.KindOf(translate(err)) == moment.Unavailable
}

// Explain says in a sentence what to do about an error that waiting does not
// cure. "" where there is nothing to add to the error itself.
func Explain(err error) string {
	pe, ok := errors.AsType[*pgconn.PgError](err)
	switch {
	case Unavailable(err):
		return "check MOMENTCAST_DATABASE_URL, and that PostgreSQL runs and can be reached from here"
	case !ok:
		return ""
	case pe.Code == "42P01" || pe.Code == "42703":
		return "the schema is not this program's: run momentcast migrate up"
	case strings.HasPrefix(pe.Code, "28"):
		return "check the user name and password in MOMENTCAST_DATABASE_URL"
	case pe.Code == "3D000":
		return "create the database, or correct its name in MOMENTCAST_DATABASE_URL"
	case pe.Code == "42501":
		return "the database user needs to own the database, or to be allowed to create in its schema"
	}
	return ""
}
