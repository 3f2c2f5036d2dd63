package postgres

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"momentcast/internal/moment"
)

// viewsMost is how many views one person may keep.
const viewsMost = 50

// Views lists the user's views and those that others share, by name.
func (db *DB) Views(ctx context.Context, user int64) ([]moment.View, error) {
	const q = `
		SELECT v.id, v.user_id, u.name, v.name, v.query, v.shared, v.standard AND v.user_id = $1
		FROM saved_views v JOIN users u ON u.id = v.user_id
		WHERE v.user_id = $1 OR v.shared
		ORDER BY v.user_id <> $1, v.name, v.id
		LIMIT 200`
	rows, err := db.pool.Query(ctx, q, user)
	if err != nil {
		return nil, fmt.Errorf("list views: %w", translate(err))
	}
	views, err := pgx.CollectRows(rows, pgx.RowToStructByPos[moment.View])
	if err != nil {
		return nil, fmt.Errorf("list views: %w", translate(err))
	}
	return views, nil
}

// SaveView stores the view under its name, over the one its owner had under it.
func (db *DB) SaveView(ctx context.Context, v moment.View) error {
	const step = `UPDATE saved_views SET standard = false WHERE user_id = $1 AND standard AND $2`
	const save = `
		INSERT INTO saved_views (user_id, name, query, shared, standard)
		SELECT $1, $2, $3, $4, $5
		WHERE (SELECT count(*) FROM saved_views WHERE user_id = $1 AND name <> $2) < $6
		ON CONFLICT (user_id, name) DO UPDATE SET query = $3, shared = $4, standard = $5, updated_at = now()`
	err := pgx.BeginFunc(ctx, db.pool, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, step, v.UserID, v.Standard); err != nil {
			return err
		}
		tag, err := tx.Exec(ctx, save, v.UserID, v.Name, v.Query, v.Shared, v.Standard, viewsMost)
		if err == nil && tag.RowsAffected() == 0 {
			return moment.Errorf(moment.Conflict, "There are as many views as one person may keep; delete one first.")
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("save view: %w", translate(err))
	}
	return nil
}

// DeleteView removes the user's own view.
func (db *DB) DeleteView(ctx context.Context, user, id int64) error {
	tag, err := db.pool.Exec(ctx, `DELETE FROM saved_views WHERE id = $1 AND user_id = $2`, id, user)
	if err != nil {
		return fmt.Errorf("delete view: %w", translate(err))
	}
	if tag.RowsAffected() == 0 {
		return moment.Errorf(moment.NotFound, "There is no such view of yours.")
	}
	return nil
}

// UserColumns are the columns the user wants to see; nil = no choice was made.
func (db *DB) UserColumns(ctx context.Context, user int64) (columns []string, err error) {
	err = db.pool.QueryRow(ctx, `SELECT (SELECT columns FROM user_columns WHERE user_id = $1)`, user).Scan(&columns)
	if err != nil {
		return nil, fmt.Errorf("read columns: %w", translate(err))
	}
	return columns, nil
}

// KeepColumns remembers them.
func (db *DB) KeepColumns(ctx context.Context, user int64, columns []string) error {
	const q = `INSERT INTO user_columns (user_id, columns) VALUES ($1, $2) ON CONFLICT (user_id) DO UPDATE SET columns = $2`
	if _, err := db.pool.Exec(ctx, q, user, columns); err != nil {
		return fmt.Errorf("keep columns: %w", translate(err))
	}
	return nil
}
