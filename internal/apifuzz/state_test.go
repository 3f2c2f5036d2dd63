package apifuzz

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// moving are the tables and columns that change by themselves: when somebody was
// last seen, and what replicas note of the gateway.
var moving = map[string][]string{
	"replicas": nil, "gateway_status": nil, "sessions": nil, "address_books": nil, "contacts": nil, "goose_db_version": nil, "login_failures": nil, "history": nil,
	"api_tokens": {"last_used_at"}, "users": {"last_login_at"},
	"instances": {"seen_at", "looked_at", "updated_at"}, "campaigns": {"planned_at", "expand_at", "expanded_until", "complete_until"},
}

// digest is a sum over every row of every table, by table.
func (w *world) digest() map[string]string {
	w.Helper()
	rows, err := w.pool.Query(w.Context(), `SELECT c.relname, string_agg(a.attname, ',' ORDER BY a.attnum)
		FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
		WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition GROUP BY 1`)
	if err != nil {
		w.Fatal(err)
	}
	defer rows.Close()
	var queries []string
	for rows.Next() {
		var table, columns string
		if err := rows.Scan(&table, &columns); err != nil {
			w.Fatal(err)
		}
		skip, listed := moving[table]
		if listed && skip == nil {
			continue
		}
		kept := slices.DeleteFunc(strings.Split(columns, ","), func(c string) bool { return slices.Contains(skip, c) })
		queries = append(queries, fmt.Sprintf(`SELECT '%s', coalesce(md5(string_agg(r::text, '|' ORDER BY r::text)), '') FROM (SELECT "%s" FROM "%s") r`,
			table, strings.Join(kept, `","`), table))
	}
	if rows.Err() != nil || len(queries) < 20 {
		w.Fatalf("%d tables: %v", len(queries), rows.Err())
	}
	sums, err := w.pool.Query(w.Context(), strings.Join(queries, " UNION ALL "))
	if err != nil {
		w.Fatal(err)
	}
	defer sums.Close()
	out := map[string]string{}
	for sums.Next() {
		var table, sum string
		if err := sums.Scan(&table, &sum); err != nil {
			w.Fatal(err)
		}
		out[table] = sum
	}
	if sums.Err() != nil {
		w.Fatal(sums.Err())
	}
	return out
}

// changed lists the tables that differ.
func changed(a, b map[string]string) []string {
	return slices.DeleteFunc(slices.Sorted(maps.Keys(a)), func(table string) bool { return a[table] == b[table] })
}
