package web_test

import (
	"context"
	_ "embed"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"golang.org/x/sync/errgroup"
)

//go:embed testdata/history_posts.sql
var historyPosts string

const historyInstances = `
	INSERT INTO instances (wc_id, w_id, name, groups, online, online_since)
	SELECT 'wxid_h' || g, 'w' || g, (ARRAY['杭州','上海','北京','广州','成都','武汉','西安','南京'])[1 + g % 8] || '门店' || g, ARRAY['g' || g % 12],
		g % 17 <> 0, now() - interval '30 days'
	FROM generate_series(1, 240) g`

// lateIndexes are those that are made after the rows: all that no constraint stands on.
const lateIndexes = `
	FROM pg_index i
	WHERE indrelid IN ('posts'::regclass, 'post_search'::regclass) AND NOT EXISTS (SELECT FROM pg_constraint WHERE conindid = i.indexrelid)`

// knownGrams works out the numbers of each text once: a card went to many
// instances, and the index asks for each post of it. It makes the same numbers.
const knownGrams = `
	CREATE TABLE known_grams (key bigint PRIMARY KEY, grams integer[] NOT NULL);
	INSERT INTO known_grams SELECT hashtextextended(body, 0), search_grams(body) FROM (SELECT DISTINCT body FROM post_search) b;
	CREATE OR REPLACE FUNCTION search_grams(body text) RETURNS integer[] LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
	BEGIN
		RETURN (SELECT k.grams FROM public.known_grams k WHERE k.key = hashtextextended(body, 0));
	END $$`

// fillHistory puts the latest posts of a history of so many into the database:
// the rows first, by several sessions and without triggers, then the indexes, as
// the migrations define them.
func (s *site) fillHistory(latest, of int) {
	s.t.Helper()
	begun := time.Now()
	done := func(what string) {
		s.t.Logf("%d posts: %s after %v", latest, what, time.Since(begun).Round(time.Second))
	}
	indexes, grams := s.column(`SELECT pg_get_indexdef(indexrelid)`+lateIndexes), s.text(`SELECT pg_get_functiondef('search_grams(text)'::regprocedure)`)
	for _, name := range s.column(`SELECT indexrelid::regclass::text` + lateIndexes) {
		s.exec(`DROP INDEX ` + name)
	}
	s.exec(historyInstances)
	s.exec(`SELECT setval(pg_get_serial_sequence('posts', 'id'), $1)`, of)
	const part = 20_000
	var rows []string
	for from := of - latest + 1; from <= of; from += part {
		rows = append(rows, strings.NewReplacer("$POSTS$", strconv.Itoa(of), "$FROM$", strconv.Itoa(from),
			"$TO$", strconv.Itoa(min(from+part-1, of))).Replace(historyPosts))
	}
	s.together(4, rows)
	done("rows")
	s.together(1, []string{knownGrams})
	s.together(3, indexes)
	s.together(1, []string{grams, `DROP TABLE known_grams`, `ALTER INDEX post_search_idx ALTER COLUMN 1 SET STATISTICS 0`})
	done("indexes")
	s.together(3, []string{`VACUUM ANALYZE posts`, `VACUUM ANALYZE post_search`, `VACUUM ANALYZE post_links`, `VACUUM ANALYZE attempts`, `VACUUM ANALYZE instances`})
	done("all")
}

// together runs the scripts in some sessions at once, as a load does: no
// triggers, no waiting for the disk.
func (s *site) together(sessions int, scripts []string) {
	s.t.Helper()
	g, ctx := errgroup.WithContext(s.t.Context())
	queue := make(chan string, len(scripts))
	for _, script := range scripts {
		queue <- script
	}
	close(queue)
	for range min(sessions, len(scripts)) {
		g.Go(func() error {
			conn, err := pgx.ConnectConfig(ctx, s.pool.Config().ConnConfig)
			if err != nil {
				return err
			}
			defer conn.Close(context.WithoutCancel(ctx))
			if _, err := conn.Exec(ctx, `SELECT set_config('session_replication_role', 'replica', false), set_config('synchronous_commit', 'off', false),
				set_config('maintenance_work_mem', '400MB', false), set_config('max_parallel_maintenance_workers', '0', false)`); err != nil {
				return err
			}
			for script := range queue {
				if _, err := conn.PgConn().Exec(ctx, script).ReadAll(); err != nil {
					return err
				}
			}
			return nil
		})
	}
	if err := g.Wait(); err != nil {
		s.t.Fatal(err)
	}
}

func (s *site) column(sql string) []string {
	s.t.Helper()
	rows, err := s.pool.Query(s.t.Context(), sql)
	if err != nil {
		s.t.Fatal(err)
	}
	out, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		s.t.Fatal(err)
	}
	return out
}
