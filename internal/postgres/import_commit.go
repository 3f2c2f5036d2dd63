package postgres

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"momentcast/internal/failpoint"
	"momentcast/internal/moment"
)

// importLease is how long who stores the rows of an import may take for a batch.
const importLease = 30 * time.Second

// BeginCommit takes the lease of storing the import's rows; false = somebody
// holds it, or it is done. skipWrong lets wrong rows be left out.
func (db *DB) BeginCommit(ctx context.Context, id int64, skipWrong bool, by moment.Origin) (ours bool, err error) {
	err = pgx.BeginFunc(ctx, db.pool, func(tx pgx.Tx) error {
		rows, err := tx.Query(ctx, `SELECT `+importCols+` FROM imports WHERE id = $1 FOR UPDATE`, id)
		if err != nil {
			return err
		}
		i, err := pgx.CollectExactlyOneRow(rows, scanImport)
		switch {
		case err != nil:
			return err
		case i.State == moment.ImportDone || i.Busy:
			return nil
		case i.State == moment.ImportChecking:
			return moment.Errorf(moment.Conflict, "The import is not checked yet; check it again first.")
		case i.Counts.Wrong > 0 && !skipWrong && i.State == moment.ImportChecked:
			return moment.Errorf(moment.Conflict, "Some rows are wrong; mend them and load the file again, or say that they are to be left out.")
		}
		ours = true
		const q = `UPDATE imports SET state = 'committing', commit_until = now() + $2::interval WHERE id = $1`
		if _, err := tx.Exec(ctx, q, id, importLease); err != nil {
			return err
		}
		if i.State == moment.ImportCommitting {
			return nil // goes on
		}
		return tell(ctx, tx, moment.Event{Action: "import", Actor: by.Actor, Source: by.Source,
			Detail: map[string]any{"import_id": id, "kind": i.Kind, "file": i.File, "rows": i.Rows, "counts": i.Counts}})
	})
	if err != nil {
		return false, fmt.Errorf("commit import %d: %w", id, missing(err, "import"))
	}
	return ours, nil
}

// CommitPosts makes the posts of one batch, and with that of no other: false =
// that was done already. Posts whose key is taken are left out.
func (db *DB) CommitPosts(ctx context.Context, id int64, batch int, posts []*moment.Post) (ours bool, err error) {
	return db.commitBatch(ctx, id, batch, func(tx pgx.Tx) (int, error) {
		const q = `SELECT external_key FROM posts WHERE external_key = ANY ($1::text[])`
		free, err := untaken(ctx, tx, q, posts, func(p *moment.Post) string { return p.ExternalKey })
		if err != nil || len(free) == 0 {
			return 0, err
		}
		_, err = addPosts(ctx, tx, free)
		return len(free), err
	})
}

// CommitCampaigns makes the campaigns of one batch, drafts, and with that of no
// other: false = that was done already. Those whose key is taken are left out.
func (db *DB) CommitCampaigns(ctx context.Context, id int64, batch int, campaigns []*moment.Campaign, by moment.Origin) (ours bool, err error) {
	return db.commitBatch(ctx, id, batch, func(tx pgx.Tx) (int, error) {
		const q = `SELECT external_key FROM campaigns WHERE external_key = ANY ($1::text[])`
		free, err := untaken(ctx, tx, q, campaigns, func(c *moment.Campaign) string { return c.ExternalKey })
		if err != nil || len(free) == 0 {
			return 0, err
		}
		if err := keepAudiences(ctx, tx, free); err != nil {
			return 0, err
		}
		_, err = addCampaigns(ctx, tx, free, by)
		return len(free), err
	})
}

// keepAudiences locks the audiences that drafts follow, until the commit, so that
// who changes one finds them; and copies them as they are by now. One that was
// deleted meanwhile is followed no more: who may see a draft stays as it was read.
func keepAudiences(ctx context.Context, tx pgx.Tx, campaigns []*moment.Campaign) error {
	const q = `
		SELECT id, visibility, visible_users, visible_labels FROM audiences
		WHERE id = ANY ($1::bigint[]) AND archived_at IS NULL
		ORDER BY id
		FOR SHARE`
	var ids []int64
	for _, c := range campaigns {
		if c.Plan.AudienceID != 0 {
			ids = append(ids, c.Plan.AudienceID)
		}
	}
	if len(ids) == 0 {
		return nil
	}
	rows, err := tx.Query(ctx, q, ids)
	if err != nil {
		return err
	}
	there := make(map[int64]moment.Visibility)
	var id int64
	var v moment.Visibility
	_, err = pgx.ForEachRow(rows, []any{&id, &v.Mode, &v.Users, &v.Labels}, func() error {
		there[id], v = v, moment.Visibility{}
		return nil
	})
	for _, c := range campaigns {
		if now, ok := there[c.Plan.AudienceID]; ok {
			c.Plan.Visibility = now
		} else {
			c.Plan.AudienceID = 0
		}
	}
	return err
}

// commitBatch has add store one batch, and counts what it stored.
func (db *DB) commitBatch(ctx context.Context, id int64, batch int, add func(pgx.Tx) (created int, err error)) (ours bool, err error) {
	for range 3 {
		err = pgx.BeginFunc(ctx, db.pool, func(tx pgx.Tx) error {
			ours, err = stepImport(ctx, tx, id, batch, add)
			return err
		})
		// Somebody stored something with one of the keys while we did: look again.
		if moment.KindOf(translate(err)) != moment.Conflict {
			break
		}
	}
	if err != nil {
		return false, fmt.Errorf("commit batch %d of import %d: %w", batch, id, missing(err, "import"))
	}
	failpoint.Hit("import-step")
	return ours, nil
}

func stepImport(ctx context.Context, tx pgx.Tx, id int64, batch int, add func(pgx.Tx) (int, error)) (bool, error) {
	var next int
	var counts moment.ImportCounts
	const look = `
		SELECT next_batch, counts FROM imports
		WHERE id = $1 AND state = 'committing'
		FOR UPDATE`
	if err := tx.QueryRow(ctx, look, id).Scan(&next, &counts); err != nil {
		return false, err
	}
	if next != batch {
		return false, nil
	}
	created, err := add(tx)
	if err != nil {
		return false, err
	}
	counts.Created += created
	const step = `
		UPDATE imports SET next_batch = next_batch + 1, counts = $2, commit_until = CASE WHEN next_batch + 1 < batches THEN now() + $3::interval END,
			state = CASE WHEN next_batch + 1 < batches THEN 'committing' ELSE 'done' END
		WHERE id = $1`
	_, err = tx.Exec(ctx, step, id, counts, importLease)
	failpoint.Hit("import-batch")
	return true, err
}

// untaken are the things whose keys nobody has; taken answers the keys that
// somebody has.
func untaken[T any](ctx context.Context, q querier, taken string, things []T, key func(T) string) ([]T, error) {
	keys := make([]string, len(things))
	for i, t := range things {
		keys[i] = key(t)
	}
	rows, err := q.Query(ctx, taken, keys)
	if err != nil {
		return nil, err
	}
	list, err := pgx.CollectRows(rows, pgx.RowTo[string])
	have := make(map[string]bool, len(list))
	for _, k := range list {
		have[k] = true
	}
	return slices.DeleteFunc(slices.Clone(things), func(t T) bool { return have[key(t)] }), err
}

// LeaveCommit gives the lease of storing rows back.
func (db *DB) LeaveCommit(ctx context.Context, id int64) error {
	_, err := db.pool.Exec(ctx, `UPDATE imports SET commit_until = NULL WHERE id = $1`, id)
	return translate(err)
}

// PostsByKey returns the posts that have the keys.
func (db *DB) PostsByKey(ctx context.Context, keys []string) (map[string]*moment.Post, error) {
	rows, err := db.pool.Query(ctx, `SELECT `+postCols+` FROM posts p WHERE p.external_key = ANY ($1::text[])`, keys)
	if err != nil {
		return nil, fmt.Errorf("look up keys: %w", translate(err))
	}
	return collectByKey(rows, scanPost, func(p *moment.Post) string { return p.ExternalKey })
}

// CampaignsByKey returns the campaigns that have the keys.
func (db *DB) CampaignsByKey(ctx context.Context, keys []string) (map[string]*moment.Campaign, error) {
	const q = `SELECT ` + campaignCols + ` FROM campaigns c CROSS JOIN settings s WHERE c.external_key = ANY ($1::text[])`
	rows, err := db.pool.Query(ctx, q, keys)
	if err != nil {
		return nil, fmt.Errorf("look up keys: %w", translate(err))
	}
	scan := func(row pgx.CollectableRow) (*moment.Campaign, error) {
		c := &moment.Campaign{}
		return c, row.Scan(campaignDest(c)...)
	}
	return collectByKey(rows, scan, func(c *moment.Campaign) string { return c.ExternalKey })
}

// collectByKey reads rows by their external keys.
func collectByKey[T any](rows pgx.Rows, scan pgx.RowToFunc[T], key func(T) string) (map[string]T, error) {
	list, err := pgx.CollectRows(rows, scan)
	if err != nil {
		return nil, fmt.Errorf("look up keys: %w", translate(err))
	}
	out := make(map[string]T, len(list))
	for _, t := range list {
		out[key(t)] = t
	}
	return out, nil
}
