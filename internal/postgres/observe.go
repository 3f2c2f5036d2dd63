package postgres

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"momentcast/internal/moment"
)

// differing locks the instances for which what the gateway lists is not what
// we have; everything as before costs no write.
const differing = `
	SELECT i.id FROM instances i
	LEFT JOIN unnest($1::text[], $2::text[]) seen(wc_id, w_id) ON seen.wc_id = i.wc_id
	WHERE (seen.wc_id IS NOT NULL AND (NOT i.online OR i.w_id <> seen.w_id OR i.missing_since IS NOT NULL OR i.online_since IS NULL))
	   OR (seen.wc_id IS NULL AND i.online)
	ORDER BY i.id
	FOR NO KEY UPDATE OF i`

// applyLogins makes the locked instances what the gateway lists. One look that
// misses an instance closes its gate; a second one, a while later, takes it
// offline. A new login starts the age clock anew and voids what was set by
// hand, unless the old one was seen not long ago (settings.relogin_keeps).
const applyLogins = `
	WITH was AS MATERIALIZED (
		SELECT i.id, i.wc_id, i.online, i.w_id, i.missing_since, i.online_since, seen.w_id AS seen_w_id,
			seen.wc_id IS NOT NULL AS seen,
			seen.wc_id IS NULL AND i.missing_since < now() - interval '3 seconds' AS gone,
			i.online_since IS NOT NULL AND (
				i.w_id IN (seen.w_id, '')
				OR (s.relogin_keeps > '0' AND now() - coalesce(i.offline_at, i.missing_since, g.observed_at, now()) <= s.relogin_keeps)
			) AS keeps_clock
		FROM instances i
		LEFT JOIN unnest($1::text[], $2::text[]) seen(wc_id, w_id) ON seen.wc_id = i.wc_id
		JOIN settings s ON s.id JOIN gateway_status g ON g.id
		WHERE i.id = ANY($3::bigint[])
	), done AS (
		UPDATE instances i SET
			online = was.seen OR (i.online AND NOT coalesce(was.gone, false)),
			missing_since = CASE WHEN was.seen OR was.gone THEN NULL ELSE coalesce(i.missing_since, now()) END,
			offline_at = CASE WHEN was.seen THEN NULL WHEN was.gone THEN i.missing_since ELSE i.offline_at END,
			offline_reason = CASE WHEN was.seen THEN '' ELSE i.offline_reason END,
			w_id = coalesce(was.seen_w_id, i.w_id),
			online_since = CASE WHEN NOT was.seen OR was.keeps_clock THEN i.online_since ELSE now() END,
			matured_at = CASE WHEN NOT was.seen OR was.keeps_clock OR i.w_id = '' THEN i.matured_at END,
			version = i.version + 1,
			updated_at = now()
		FROM was
		WHERE i.id = was.id
		RETURNING i.id, i.wc_id, i.w_id, CASE
			WHEN coalesce(was.gone, false) THEN 'offline'
			WHEN NOT was.seen THEN 'missing'
			WHEN was.w_id <> i.w_id AND was.w_id <> '' THEN 'login'
			WHEN NOT was.online THEN 'online'
			ELSE 'found' END AS what, was.w_id AS w_id_was, was.keeps_clock
	), told AS (
		INSERT INTO events (instance_id, action, actor, source, detail)
		SELECT id, what, $4, 'system', jsonb_build_object('w_id', w_id, 'w_id_was', w_id_was, 'keeps_clock', keeps_clock)
		FROM done WHERE what IN ('online', 'offline', 'login')
	)
	SELECT id, wc_id, what, w_id FROM done`

// Observe implements dispatch.Store: it takes over what the gateway lists as
// online and returns what that changed. Accounts that are not registered are
// left alone.
func (db *DB) Observe(ctx context.Context, logins []moment.Login, replica string) ([]moment.Change, error) {
	wcIDs, wIDs := splitLogins(logins)
	var changes []moment.Change
	err := pgx.BeginFunc(ctx, db.pool, func(tx pgx.Tx) error {
		rows, err := tx.Query(ctx, differing, wcIDs, wIDs)
		if err != nil {
			return err
		}
		ids, err := pgx.CollectRows(rows, pgx.RowTo[int64])
		if err != nil {
			return err
		}
		if len(ids) > 0 {
			if changes, err = applyObserved(ctx, tx, wcIDs, wIDs, ids, replica); err != nil {
				return err
			}
		}
		_, err = tx.Exec(ctx, `UPDATE gateway_status SET observed_at = now(), down_since = NULL, error = ''`)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("record %d logins: %w", len(logins), translate(err))
	}
	return changes, nil
}

func applyObserved(ctx context.Context, tx pgx.Tx, wcIDs, wIDs []string, ids []int64, replica string) ([]moment.Change, error) {
	rows, err := tx.Query(ctx, applyLogins, wcIDs, wIDs, ids, replica)
	if err != nil {
		return nil, err
	}
	changes, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (c moment.Change, err error) {
		var id int64
		return c, row.Scan(&id, &c.WcID, &c.What, &c.WID)
	})
	if err != nil {
		return nil, err
	}
	if err := refresh(ctx, tx, ids...); err != nil {
		return nil, err
	}
	_, err = tx.Exec(ctx, wake)
	return changes, err
}

// Adopt registers those of the logins that are not known yet, and observes all
// of them. It returns how many are new.
func (db *DB) Adopt(ctx context.Context, logins []moment.Login, by moment.Origin) (added int, err error) {
	const q = `
		WITH new AS (
			INSERT INTO instances (wc_id, time_zone)
			SELECT DISTINCT seen.wc_id, s.time_zone FROM unnest($1::text[]) seen(wc_id) JOIN settings s ON s.id
			WHERE seen.wc_id ~ '^[A-Za-z0-9_.@-]{1,64}$'
			ON CONFLICT (wc_id) DO NOTHING
			RETURNING id
		), told AS (
			INSERT INTO events (instance_id, action, actor, source) SELECT id, 'adopt', $2, $3 FROM new
		)
		SELECT count(*) FROM new`
	wcIDs, _ := splitLogins(logins)
	if err := db.pool.QueryRow(ctx, q, wcIDs, by.Actor, by.Source).Scan(&added); err != nil {
		return 0, fmt.Errorf("adopt instances: %w", translate(err))
	}
	_, err = db.Observe(ctx, logins, by.Actor)
	return added, err
}

// GatewayDown implements dispatch.Store: a look at the gateway failed.
func (db *DB) GatewayDown(ctx context.Context, why string) error {
	const q = `UPDATE gateway_status SET down_since = coalesce(down_since, now()), error = $1`
	_, err := db.pool.Exec(ctx, q, cleanText(why))
	return translate(err)
}

// SetOfflineReason keeps what the gateway says of why an instance went offline.
func (db *DB) SetOfflineReason(ctx context.Context, wcID, reason string) error {
	_, err := db.pool.Exec(ctx, `UPDATE instances SET offline_reason = $2 WHERE wc_id = $1 AND NOT online`, wcID, cleanText(reason))
	return translate(err)
}

func splitLogins(logins []moment.Login) (wcIDs, wIDs []string) {
	wcIDs, wIDs = make([]string, 0, len(logins)), make([]string, 0, len(logins))
	seen := make(map[string]bool, len(logins))
	for _, l := range logins {
		if l.WcID == "" || l.WID == "" || seen[l.WcID] {
			continue
		}
		seen[l.WcID] = true
		wcIDs, wIDs = append(wcIDs, cleanText(l.WcID)), append(wIDs, cleanText(l.WID))
	}
	return wcIDs, wIDs
}
