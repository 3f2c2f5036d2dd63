package postgres

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"momentcast/internal/failpoint"
	"momentcast/internal/moment"
)

const importCols = `id, file, format, encoding, date1904, header, rows, batches, options, state, counts, next_batch,
	coalesce(commit_until > now(), false), author, version, created_at, expires_at`

func scanImport(row pgx.CollectableRow) (i moment.Import, err error) {
	err = row.Scan(&i.ID, &i.File, &i.Format, &i.Encoding, &i.Date1904, &i.Header, &i.Rows, &i.Batches, &i.Options, &i.State, &i.Counts,
		&i.NextBatch, &i.Busy, &i.Author, &i.Version, &i.CreatedAt, &i.ExpiresAt)
	return i, err
}

// AddImport stores a file and its rows, all or nothing. feed hands out the rows
// batch by batch and fills in what it learns about the file.
func (db *DB) AddImport(ctx context.Context, i *moment.Import, feed func(keep func([]moment.ImportRow) error) error) (id int64, err error) {
	const add = `INSERT INTO imports (file, format, header, options, author) VALUES ($1, 'csv', '{}', '{}', $2) RETURNING id`
	const keep = `INSERT INTO import_batches (import_id, batch, rows) VALUES ($1, $2, $3)`
	const describe = `
		UPDATE imports SET format = $2, encoding = $3, date1904 = $4, header = $5, rows = $6, batches = $7, options = $8
		WHERE id = $1`
	err = pgx.BeginFunc(ctx, db.pool, func(tx pgx.Tx) error {
		if err := tx.QueryRow(ctx, add, i.File, i.Author).Scan(&id); err != nil {
			return err
		}
		err := feed(func(rows []moment.ImportRow) error {
			_, err := tx.Exec(ctx, keep, id, i.Batches, rows)
			i.Batches++
			return err
		})
		if err != nil {
			return err
		}
		_, err = tx.Exec(ctx, describe, id, i.Format, i.Encoding, i.Date1904, i.Header, i.Rows, i.Batches, i.Options)
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("keep file: %w", translate(err))
	}
	return id, nil
}

// Import returns the import.
func (db *DB) Import(ctx context.Context, id int64) (*moment.Import, error) {
	rows, err := db.pool.Query(ctx, `SELECT `+importCols+` FROM imports WHERE id = $1`, id)
	if err != nil {
		return nil, fmt.Errorf("read import %d: %w", id, translate(err))
	}
	i, err := pgx.CollectExactlyOneRow(rows, scanImport)
	if err != nil {
		return nil, fmt.Errorf("read import %d: %w", id, missing(err, "import"))
	}
	return &i, nil
}

// Imports returns the last imports, the newest first.
func (db *DB) Imports(ctx context.Context, before int64, limit int) ([]moment.Import, error) {
	const q = `SELECT ` + importCols + ` FROM imports WHERE $1 = 0 OR id < $1 ORDER BY id DESC LIMIT $2`
	rows, err := db.pool.Query(ctx, q, before, limit)
	if err != nil {
		return nil, fmt.Errorf("list imports: %w", translate(err))
	}
	list, err := pgx.CollectRows(rows, scanImport)
	if err != nil {
		return nil, fmt.Errorf("list imports: %w", translate(err))
	}
	return list, nil
}

// ImportBatch returns the rows of one batch.
func (db *DB) ImportBatch(ctx context.Context, id int64, batch int) (rows []moment.ImportRow, err error) {
	err = db.pool.QueryRow(ctx, `SELECT rows FROM import_batches WHERE import_id = $1 AND batch = $2`, id, batch).Scan(&rows)
	if err != nil {
		return nil, fmt.Errorf("read batch %d of import %d: %w", batch, id, missing(err, "import"))
	}
	return rows, nil
}

// ImportFindings returns findings of the import after the n-th, in the order of
// the rows.
func (db *DB) ImportFindings(ctx context.Context, id int64, after, limit int) ([]moment.ImportFinding, error) {
	rows, err := db.pool.Query(ctx, `SELECT finding FROM import_findings WHERE import_id = $1 AND n > $2 ORDER BY n LIMIT $3`, id, after, limit)
	if err != nil {
		return nil, fmt.Errorf("list findings: %w", translate(err))
	}
	list, err := pgx.CollectRows(rows, pgx.RowTo[moment.ImportFinding])
	if err != nil {
		return nil, fmt.Errorf("list findings: %w", translate(err))
	}
	return list, nil
}

// BeginCheck makes the options those of the import, which then is to be checked
// anew. Conflict once posts are being made of it.
func (db *DB) BeginCheck(ctx context.Context, id, ifVersion int64, o moment.ImportOptions) (version int64, err error) {
	const q = `
		UPDATE imports SET options = $3, state = 'checking', counts = '{}', version = version + 1
		WHERE id = $1 AND state IN ('checking', 'checked') AND ($2 = 0 OR version = $2)
		RETURNING version`
	err = db.pool.QueryRow(ctx, q, id, ifVersion, o).Scan(&version)
	if errors.Is(err, pgx.ErrNoRows) {
		i, err := db.Import(ctx, id)
		switch {
		case err != nil:
			return 0, err
		case i.State == moment.ImportCommitting || i.State == moment.ImportDone:
			return 0, moment.Errorf(moment.Conflict, "Posts are made of this import already; load the file again to read it otherwise.")
		}
		return 0, moment.Errorf(moment.Precondition, "Somebody has changed this import meanwhile; load it again and decide.")
	}
	if err != nil {
		return 0, fmt.Errorf("check import %d: %w", id, translate(err))
	}
	return version, nil
}

// EndCheck stores what a check has found, unless another one has begun since.
func (db *DB) EndCheck(ctx context.Context, id, version int64, counts moment.ImportCounts, findings []moment.ImportFinding) error {
	const end = `UPDATE imports SET state = 'checked', counts = $3 WHERE id = $1 AND version = $2 AND state = 'checking'`
	const forget = `DELETE FROM import_findings WHERE import_id = $1`
	err := pgx.BeginFunc(ctx, db.pool, func(tx pgx.Tx) error {
		tag, err := tx.Exec(ctx, end, id, version, counts)
		if err != nil || tag.RowsAffected() == 0 {
			return err
		}
		if _, err := tx.Exec(ctx, forget, id); err != nil {
			return err
		}
		return keepFindings(ctx, tx, id, findings)
	})
	if err != nil {
		return fmt.Errorf("check import %d: %w", id, translate(err))
	}
	return nil
}

func keepFindings(ctx context.Context, tx pgx.Tx, id int64, findings []moment.ImportFinding) error {
	const q = `
		INSERT INTO import_findings (import_id, n, finding)
		SELECT $1, f.n, f.finding FROM json_array_elements($2::json) WITH ORDINALITY AS f(finding, n)`
	findings = findings[:min(len(findings), moment.MaxFindings)]
	if len(findings) == 0 {
		return nil
	}
	b, err := json.Marshal(findings)
	if err != nil {
		return err
	}
	_, err = tx.Exec(ctx, q, id, strings.ReplaceAll(string(b), `\u0000`, ""))
	return err
}

// importLease is how long who makes posts of an import may take for a batch.
const importLease = 30 * time.Second

// BeginCommit takes the lease of making posts of the import; false = somebody
// holds it, or it is done. skipWrong lets rows be left out that no post can be
// made of.
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
			Detail: map[string]any{"import_id": id, "file": i.File, "rows": i.Rows, "counts": i.Counts}})
	})
	if err != nil {
		return false, fmt.Errorf("commit import %d: %w", id, missing(err, "import"))
	}
	return ours, nil
}

// CommitBatch makes the posts of one batch, and with that of no other: false =
// that was done already. Posts whose key is taken are left out.
func (db *DB) CommitBatch(ctx context.Context, id int64, batch int, posts []*moment.Post) (ours bool, err error) {
	for range 3 {
		err = pgx.BeginFunc(ctx, db.pool, func(tx pgx.Tx) error {
			ours, err = commitBatch(ctx, tx, id, batch, posts)
			return err
		})
		// Somebody made a post with one of the keys while we did: look again.
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

func commitBatch(ctx context.Context, tx pgx.Tx, id int64, batch int, posts []*moment.Post) (bool, error) {
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
	taken, err := takenBy(ctx, tx, posts)
	if err != nil {
		return false, err
	}
	posts = slices.DeleteFunc(slices.Clone(posts), func(p *moment.Post) bool { return taken[p.ExternalKey] })
	if len(posts) > 0 {
		if _, err := addPosts(ctx, tx, posts); err != nil {
			return false, err
		}
	}
	counts.Created += len(posts)
	const step = `
		UPDATE imports SET next_batch = next_batch + 1, counts = $2, commit_until = CASE WHEN next_batch + 1 < batches THEN now() + $3::interval END,
			state = CASE WHEN next_batch + 1 < batches THEN 'committing' ELSE 'done' END
		WHERE id = $1`
	_, err = tx.Exec(ctx, step, id, counts, importLease)
	failpoint.Hit("import-batch")
	return true, err
}

// takenBy says which of the posts' keys are taken.
func takenBy(ctx context.Context, q querier, posts []*moment.Post) (map[string]bool, error) {
	keys := make([]string, len(posts))
	for i, p := range posts {
		keys[i] = p.ExternalKey
	}
	rows, err := q.Query(ctx, `SELECT external_key FROM posts WHERE external_key = ANY ($1::text[])`, keys)
	if err != nil {
		return nil, err
	}
	list, err := pgx.CollectRows(rows, pgx.RowTo[string])
	taken := make(map[string]bool, len(list))
	for _, k := range list {
		taken[k] = true
	}
	return taken, err
}

// LeaveCommit gives the lease of making posts back.
func (db *DB) LeaveCommit(ctx context.Context, id int64) error {
	_, err := db.pool.Exec(ctx, `UPDATE imports SET commit_until = NULL WHERE id = $1`, id)
	return translate(err)
}

// DeleteImport forgets an import of which no posts are being made.
func (db *DB) DeleteImport(ctx context.Context, id int64) error {
	tag, err := db.pool.Exec(ctx, `DELETE FROM imports WHERE id = $1 AND (commit_until IS NULL OR commit_until < now())`, id)
	if err == nil && tag.RowsAffected() == 0 {
		return moment.Errorf(moment.Conflict, "The import is not there any more, or posts are being made of it.")
	}
	return translate(err)
}

// sweepImports forgets imports that have expired.
func (db *DB) sweepImports(ctx context.Context) error {
	_, err := db.pool.Exec(ctx, `DELETE FROM imports WHERE expires_at < now() AND (commit_until IS NULL OR commit_until < now())`)
	return translate(err)
}

// PostsByKey returns the posts that have the keys.
func (db *DB) PostsByKey(ctx context.Context, keys []string) (map[string]*moment.Post, error) {
	rows, err := db.pool.Query(ctx, `SELECT `+postCols+` FROM posts p WHERE p.external_key = ANY ($1::text[])`, keys)
	if err != nil {
		return nil, fmt.Errorf("look up keys: %w", translate(err))
	}
	list, err := pgx.CollectRows(rows, scanPost)
	if err != nil {
		return nil, fmt.Errorf("look up keys: %w", translate(err))
	}
	out := make(map[string]*moment.Post, len(list))
	for _, p := range list {
		out[p.ExternalKey] = p
	}
	return out, nil
}

// RememberedColumns returns how somebody last had the columns of such a header read;
// nil = never.
func (db *DB) RememberedColumns(ctx context.Context, actor string, header []string) (columns []string, err error) {
	err = db.pool.QueryRow(ctx, `SELECT columns FROM import_columns WHERE actor = $1 AND header = $2`, actor, header).Scan(&columns)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, nil
	}
	return columns, translate(err)
}

// RememberColumns remembers how somebody has the columns of a header read.
func (db *DB) RememberColumns(ctx context.Context, actor string, header, columns []string) error {
	const q = `INSERT INTO import_columns (actor, header, columns) VALUES ($1, $2, $3) ON CONFLICT (actor, header) DO UPDATE SET columns = $3`
	_, err := db.pool.Exec(ctx, q, actor, header, columns)
	return translate(err)
}
