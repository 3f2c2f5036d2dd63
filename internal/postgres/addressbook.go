package postgres

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"momentcast/internal/moment"
)

// AddressBook returns what is known of the instance's labels, and how far its
// contacts were read; of an instance that was never read, an empty one.
func (db *DB) AddressBook(ctx context.Context, instance int64) (b moment.AddressBook, err error) {
	const q = `
		SELECT coalesce(b.labels, '[]'), b.labels_at, coalesce(b.labels_w_id, ''), coalesce(b.w_id, ''),
			coalesce(b.reading_until > now(), false), coalesce(b.fetched, 0), coalesce(b.total, 0), b.started_at, b.read_at,
			CASE WHEN b.reading_until <= now() THEN 'The replica that read them has ended.' ELSE coalesce(b.problem, '') END,
			(SELECT count(*) FROM contacts c WHERE c.instance_id = $1), now()
		FROM (SELECT) AS one LEFT JOIN address_books b ON b.instance_id = $1`
	b.InstanceID = instance
	err = db.pool.QueryRow(ctx, q, instance).Scan(&b.Labels, nullTime{&b.LabelsAt}, &b.LabelsWID, &b.WID, &b.Reading, &b.Fetched, &b.Total,
		nullTime{&b.StartedAt}, nullTime{&b.ReadAt}, &b.Problem, &b.Contacts, &b.Now)
	if err != nil {
		return b, fmt.Errorf("read address book: %w", translate(err))
	}
	return b, nil
}

// KnownLabels returns the labels of every instance whose labels were ever read,
// by instance.
func (db *DB) KnownLabels(ctx context.Context) (map[int64][]moment.Label, error) {
	const q = `SELECT instance_id, labels FROM address_books WHERE labels <> '[]'`
	rows, err := db.pool.Query(ctx, q)
	if err != nil {
		return nil, fmt.Errorf("read labels: %w", translate(err))
	}
	known := make(map[int64][]moment.Label)
	var id int64
	var labels []moment.Label
	_, err = pgx.ForEachRow(rows, []any{&id, &labels}, func() error {
		known[id], labels = labels, nil
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read labels: %w", translate(err))
	}
	return known, nil
}

// KeepLabels stores the instance's labels as they were read with the login.
func (db *DB) KeepLabels(ctx context.Context, instance int64, wID string, labels []moment.Label) error {
	const q = `
		INSERT INTO address_books (instance_id, labels, labels_w_id, labels_at) VALUES ($1, $2, $3, now())
		ON CONFLICT (instance_id) DO UPDATE SET labels = $2, labels_w_id = $3, labels_at = now()`
	clean := make([]moment.Label, len(labels))
	for i, l := range labels {
		clean[i] = moment.Label{ID: cleanText(l.ID), Name: cleanText(l.Name)}
	}
	if _, err := db.pool.Exec(ctx, q, instance, clean, wID); err != nil {
		return fmt.Errorf("keep labels: %w", translate(err))
	}
	return nil
}

// BeginReading takes the lease of a reading of the instance's contacts and
// names it; 0 = another one is under way.
func (db *DB) BeginReading(ctx context.Context, instance int64, wID string, lease time.Duration) (reading int64, err error) {
	const q = `
		INSERT INTO address_books AS b (instance_id, w_id, reading, reading_until, started_at) VALUES ($1, $2, 1, now() + $3::interval, now())
		ON CONFLICT (instance_id) DO UPDATE SET w_id = $2, reading = b.reading + 1, reading_until = now() + $3::interval, started_at = now(),
			fetched = 0, total = 0, problem = ''
		WHERE b.reading_until IS NULL OR b.reading_until <= now()
		RETURNING reading`
	rows, err := db.pool.Query(ctx, q, instance, wID, lease)
	if err != nil {
		return 0, fmt.Errorf("begin reading contacts: %w", translate(err))
	}
	names, err := pgx.CollectRows(rows, pgx.RowTo[int64])
	if err != nil || len(names) == 0 {
		return 0, translate(err)
	}
	return names[0], nil
}

// KeepContacts stores one step of a reading; false = it is not the last one any
// more, and nothing was stored.
func (db *DB) KeepContacts(ctx context.Context, r moment.ContactsRead) (ours bool, err error) {
	const step = `
		UPDATE address_books SET fetched = $3, total = $4, reading_until = now() + $5::interval
		WHERE instance_id = $1 AND reading = $2 AND reading_until IS NOT NULL`
	const keep = `
		INSERT INTO contacts (instance_id, reading, wxid, nickname, remark, alias, avatar, labels)
		SELECT DISTINCT ON (r.wxid) $1::bigint, $2::bigint, r.wxid, r.nickname, r.remark, r.alias, r.avatar, coalesce(r.labels, '{}')
		FROM json_to_recordset($3::json) AS r(wxid text, nickname text, remark text, alias text, avatar text, labels text[])
		ON CONFLICT (instance_id, wxid) DO UPDATE SET reading = excluded.reading, nickname = excluded.nickname, remark = excluded.remark,
			alias = excluded.alias, avatar = excluded.avatar, labels = excluded.labels`
	list, err := contactsJSON(r.Contacts)
	if err != nil {
		return false, err
	}
	err = pgx.BeginFunc(ctx, db.pool, func(tx pgx.Tx) error {
		tag, err := tx.Exec(ctx, step, r.InstanceID, r.Reading, r.Fetched, r.Total, r.Lease)
		if err != nil || tag.RowsAffected() == 0 {
			return err
		}
		ours = true
		_, err = tx.Exec(ctx, keep, r.InstanceID, r.Reading, list)
		return err
	})
	if err != nil {
		return false, fmt.Errorf("keep contacts: %w", translate(err))
	}
	return ours, nil
}

func contactsJSON(contacts []moment.Contact) (string, error) {
	type row struct {
		WxID     string   `json:"wxid"`
		Nickname string   `json:"nickname"`
		Remark   string   `json:"remark"`
		Alias    string   `json:"alias"`
		Avatar   string   `json:"avatar"`
		Labels   []string `json:"labels"`
	}
	rows := make([]row, len(contacts))
	for i, c := range contacts {
		rows[i] = row{cleanText(c.WxID), cleanText(c.Nickname), cleanText(c.Remark), cleanText(c.Alias), cleanText(c.Avatar), nil}
		for _, l := range c.Labels {
			rows[i].Labels = append(rows[i].Labels, cleanText(l))
		}
	}
	b, err := json.Marshal(rows)
	return string(b), err
}

// EndReading ends a reading. After a whole one (problem "") contacts that it
// did not see are forgotten: they are none any more.
func (db *DB) EndReading(ctx context.Context, instance, reading int64, problem string) error {
	const end = `
		UPDATE address_books SET reading_until = NULL, problem = $3, read_at = CASE WHEN $3 = '' THEN now() ELSE read_at END
		WHERE instance_id = $1 AND reading = $2`
	const forget = `DELETE FROM contacts WHERE instance_id = $1 AND reading < $2`
	err := pgx.BeginFunc(ctx, db.pool, func(tx pgx.Tx) error {
		tag, err := tx.Exec(ctx, end, instance, reading, problem)
		if err != nil || tag.RowsAffected() == 0 || problem != "" {
			return err
		}
		_, err = tx.Exec(ctx, forget, instance, reading)
		return err
	})
	if err != nil {
		return fmt.Errorf("end reading contacts: %w", translate(err))
	}
	return nil
}

// Contacts returns the contacts of an instance that q selects, by what people
// call them.
func (db *DB) Contacts(ctx context.Context, q moment.ContactQuery) ([]moment.Contact, error) {
	const sql = `
		SELECT wxid, nickname, remark, alias, avatar, labels FROM contacts
		WHERE instance_id = $1
		  AND ($2 = '' OR $2 = ANY (labels))
		  AND ($3 = '' OR strpos(lower(nickname), lower($3)) > 0 OR strpos(lower(remark), lower($3)) > 0
		               OR strpos(lower(alias), lower($3)) > 0 OR strpos(lower(wxid), lower($3)) > 0)
		ORDER BY coalesce(nullif(remark, ''), nullif(nickname, ''), wxid), wxid
		LIMIT nullif($4::int, 0)`
	rows, err := db.pool.Query(ctx, sql, q.InstanceID, q.Label, cleanText(q.Text), q.Limit)
	if err != nil {
		return nil, fmt.Errorf("list contacts: %w", translate(err))
	}
	list, err := pgx.CollectRows(rows, pgx.RowToStructByPos[moment.Contact])
	if err != nil {
		return nil, fmt.Errorf("list contacts: %w", translate(err))
	}
	return list, nil
}

// NamesOf says what the address books of the instances know of v's labels and
// users; nil instances = of all that were ever read, at most 200.
func (db *DB) NamesOf(ctx context.Context, instances []int64, v moment.Visibility) ([]moment.Names, error) {
	const q = `
		SELECT i.id, i.wc_id, i.name, b.labels_at IS NOT NULL, b.read_at IS NOT NULL,
			(SELECT coalesce(jsonb_object_agg(l."ID", l."Name"), '{}')
				FROM jsonb_to_recordset(b.labels) AS l("ID" text, "Name" text) WHERE l."ID" = ANY ($2::text[])),
			(SELECT coalesce(jsonb_object_agg(c.wxid, coalesce(nullif(c.remark, ''), nullif(c.nickname, ''), c.wxid)), '{}')
				FROM contacts c WHERE c.instance_id = i.id AND c.wxid = ANY ($3::text[]))
		FROM instances i LEFT JOIN address_books b ON b.instance_id = i.id
		WHERE i.id = ANY ($1::bigint[]) OR $1::bigint[] IS NULL AND b.instance_id IS NOT NULL
		ORDER BY i.id
		LIMIT CASE WHEN $1::bigint[] IS NULL THEN 200 END`
	rows, err := db.pool.Query(ctx, q, instances, v.Labels, v.Users)
	if err != nil {
		return nil, fmt.Errorf("look up names: %w", translate(err))
	}
	list, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (n moment.Names, err error) {
		return n, row.Scan(&n.ID, &n.WcID, &n.Name, &n.LabelsRead, &n.UsersRead, &n.Labels, &n.Users)
	})
	if err != nil {
		return nil, fmt.Errorf("look up names: %w", translate(err))
	}
	return list, nil
}
