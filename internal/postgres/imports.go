package postgres

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"

	"momentcast/internal/moment"
)

const importCols = `id, kind, file, format, encoding, date1904, header, rows, batches, options, state, counts, next_batch,
	coalesce(commit_until > now(), false), author, version, created_at, expires_at`

func scanImport(row pgx.CollectableRow) (i moment.Import, err error) {
	err = row.Scan(&i.ID, &i.Kind, &i.File, &i.Format, &i.Encoding, &i.Date1904, &i.Header, &i.Rows, &i.Batches, &i.Options, &i.State, &i.Counts,
		&i.NextBatch, &i.Busy, &i.Author, &i.Version, &i.CreatedAt, &i.ExpiresAt)
	return i, err
}

// AddImport stores a file and its rows, all or nothing. feed hands out the rows
// batch by batch and fills in what it learns about the file.
func (db *DB) AddImport(ctx context.Context, i *moment.Import, feed func(keep func([]moment.ImportRow) error) error) (id int64, err error) {
	const add = `INSERT INTO imports (file, format, header, options, author, kind) VALUES ($1, 'csv', '{}', '{}', $2, $3) RETURNING id`
	const keep = `INSERT INTO import_batches (import_id, batch, rows) VALUES ($1, $2, $3)`
	const describe = `
		UPDATE imports SET format = $2, encoding = $3, date1904 = $4, header = $5, rows = $6, batches = $7, options = $8
		WHERE id = $1`
	err = pgx.BeginFunc(ctx, db.pool, func(tx pgx.Tx) error {
		if err := tx.QueryRow(ctx, add, i.File, i.Author, i.Kind).Scan(&id); err != nil {
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
// anew. Conflict once its rows are being stored.
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
			return 0, moment.Errorf(moment.Conflict, "The rows of this import are being stored already; load the file again to read it otherwise.")
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

// DeleteImport forgets an import whose rows are not being stored.
func (db *DB) DeleteImport(ctx context.Context, id int64) error {
	tag, err := db.pool.Exec(ctx, `DELETE FROM imports WHERE id = $1 AND (commit_until IS NULL OR commit_until < now())`, id)
	if err == nil && tag.RowsAffected() == 0 {
		return moment.Errorf(moment.Conflict, "The import is not there any more, or its rows are being stored.")
	}
	return translate(err)
}

// sweepImports forgets imports that have expired.
func (db *DB) sweepImports(ctx context.Context) error {
	_, err := db.pool.Exec(ctx, `DELETE FROM imports WHERE expires_at < now() AND (commit_until IS NULL OR commit_until < now())`)
	return translate(err)
}

// RememberedColumns returns how somebody last had the columns of such a header
// read in files of a kind; nil = never.
func (db *DB) RememberedColumns(ctx context.Context, actor string, kind moment.ImportKind, header []string) (columns []string, err error) {
	const q = `SELECT columns FROM import_columns WHERE actor = $1 AND kind = $2 AND header = $3`
	err = db.pool.QueryRow(ctx, q, actor, kind, header).Scan(&columns)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, nil
	}
	return columns, translate(err)
}

// RememberColumns remembers how somebody has the columns of a header read in
// files of a kind.
func (db *DB) RememberColumns(ctx context.Context, actor string, kind moment.ImportKind, header, columns []string) error {
	const q = `INSERT INTO import_columns (actor, kind, header, columns) VALUES ($1, $2, $3, $4) ON CONFLICT (actor, kind, header) DO UPDATE SET columns = $4`
	_, err := db.pool.Exec(ctx, q, actor, kind, header, columns)
	return translate(err)
}
