package postgres

import (
	"encoding/json"
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// The engine's statements must touch a number of rows that depends on the
// batch and on nothing else, whatever the statistics say. Each plan is read
// from EXPLAIN ANALYZE on a real connection of the engine's pool, over tables
// whose statistics are empty, full, or of another time.
//
// MOMENTCAST_PLAN_SCALE multiplies the rows: make plans runs it at the size of
// the design (100 000 scheduled over 10 000 instances, 5 M finished beside).
func TestPlansTouchTheBatchOnly(t *testing.T) {
	t.Parallel()
	scale := 1
	if s := os.Getenv("MOMENTCAST_PLAN_SCALE"); s != "" {
		var err error
		if scale, err = strconv.Atoi(s); err != nil {
			t.Fatal(err)
		}
	}
	instances, scheduled, finished := 1000*scale, 10_000*scale, 50_000*scale
	if scale > 1 {
		finished = 500_000 * scale
	}
	for _, tc := range []struct {
		name  string
		setup func(*world)
	}{
		{"statistics of empty tables", func(w *world) {
			w.exec(`ANALYZE`)
			w.fill(instances, scheduled)
		}},
		{"statistics of full tables", func(w *world) {
			w.fill(instances, scheduled)
			w.exec(`VACUUM ANALYZE`)
		}},
		{"finished posts beside, statistics from before them", func(w *world) {
			w.fill(instances, scheduled)
			w.exec(`ANALYZE`)
			w.finish(finished)
		}},
		{"finished posts beside, all counted", func(w *world) {
			w.fill(instances, scheduled)
			w.finish(finished)
			w.exec(`VACUUM ANALYZE`)
		}},
		{"half of the instances offline, the queue all in flight once", func(w *world) {
			w.fill(instances, scheduled)
			w.exec(`UPDATE instances SET online = false, ready_at = NULL, hold_reason = 'offline' WHERE id % 2 = 0`)
			w.exec(`ANALYZE`)
		}},
		{"a month of posts ahead, statistics from before them", func(w *world) {
			w.fill(instances, instances)
			w.exec(`ANALYZE`)
			w.ahead(30_000 * scale)
		}},
		{"a month of posts ahead, all counted", func(w *world) {
			w.fill(instances, instances)
			w.ahead(30_000 * scale)
			w.exec(`VACUUM ANALYZE`)
		}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			w := newWorld(t)
			w.exec(`ALTER TABLE posts SET (autovacuum_enabled = false)`)
			w.exec(`ALTER TABLE instances SET (autovacuum_enabled = false)`)
			tc.setup(w)
			w.readPlans()
		})
	}
}

func (w *world) fill(instances, posts int) {
	w.Helper()
	w.exec(`INSERT INTO instances (wc_id, w_id, online, online_since, ready_at)
		SELECT 'i' || g, 'w' || g, true, now() - interval '100 hours', now() - interval '10 seconds' FROM generate_series(1, $1) g`, instances)
	w.exec(`INSERT INTO posts (instance_id, state, due_at, max_lateness, miss_at, content, title, description, url, thumb_url, visibility, author, source)
		SELECT 1 + g % $1, 'scheduled', now() - interval '10 seconds' + g * interval '1 millisecond', '1 hour', now() + interval '1 hour',
			'c', 't', 'd', 'https://example.com', 'https://example.com', 'everyone', 'a', 'api' FROM generate_series(1, $2) g`, instances, posts)
}

// ahead adds posts as campaigns make them, spread over the next 30 days.
func (w *world) ahead(posts int) {
	w.Helper()
	w.exec(`ALTER TABLE posts DISABLE TRIGGER USER`) // what posts are searched by plays no part here
	const q = `
		INSERT INTO posts (instance_id, state, due_at, max_lateness, miss_at, content, title, description, url, thumb_url, visibility, author, source)
		SELECT 1 + g % (SELECT count(*) FROM instances), 'scheduled', t, '1 hour', t + interval '1 hour',
			'c', 't', 'd', 'https://example.com', 'https://example.com', 'everyone', 'a', 'campaign'
		FROM generate_series($2::int, $3::int) g, LATERAL (SELECT now() + interval '1 hour' + g * interval '30 days' / $1::int AS t) d`
	for lo := 1; lo <= posts; lo += 100_000 {
		w.exec(q, posts, lo, min(lo+99_999, posts))
	}
	w.exec(`ALTER TABLE posts ENABLE TRIGGER USER`)
}

func (w *world) finish(posts int) {
	w.Helper()
	w.exec(`INSERT INTO posts (instance_id, state, due_at, max_lateness, content, title, description, url, thumb_url, visibility, author, source, moment_id, attempt, claim_token)
		SELECT 1 + g % (SELECT count(*) FROM instances), 'sent', now() - interval '1 day' - g * interval '1 second', '1 hour',
			'c', 't', 'd', 'https://example.com', 'https://example.com', 'everyone', 'a', 'api', g::text, 1, g FROM generate_series(1, $1) g`, posts)
}

// readPlans runs a batch of 100 through every statement of the flow.
func (w *world) readPlans() {
	w.Helper()
	ctx := w.Context()
	const batch = 100
	err := w.db.withEngineConn(ctx, func(conn *pgx.Conn) error {
		explain := func(what, q string, limit int, args ...any) {
			w.Helper()
			p := w.explain(conn, q, args...)
			if n := p.touched(); n > limit {
				w.Errorf("%s touches %d rows, want at most %d:\n%s", what, n, limit, p.show(""))
			}
			if strings.Contains(p.show(""), "Seq Scan on posts") || strings.Contains(p.show(""), "Seq Scan on instances") {
				w.Errorf("%s reads a whole table:\n%s", what, p.show(""))
			}
		}
		tx, err := conn.Begin(ctx)
		if err != nil {
			return err
		}
		defer func() { _ = tx.Rollback(ctx) }()
		explain("ready instances", fmt.Sprintf(readyInstances, batch), 4*batch, time.Time{})
		ids := one[[]int64](w, `SELECT array_agg(id) FROM (SELECT id FROM instances WHERE ready_at <= now() ORDER BY ready_at LIMIT 100) x`)
		explain("claim", claimPosts, 25*batch, ids, int64(1), replica, time.Minute)
		rows, err := tx.Query(ctx, `SELECT id, instance_id FROM posts WHERE state = 'claimed'`)
		if err != nil {
			return err
		}
		type claim struct{ ID, Instance int64 }
		claims, err := pgx.CollectRows(rows, pgx.RowToStructByPos[claim])
		if err != nil || len(claims) != batch {
			w.Fatalf("claimed %d, %v", len(claims), err)
		}
		posts, tokens, instances := make([]int64, batch), make([]int64, batch), make([]int64, batch)
		for i, c := range claims {
			posts[i], tokens[i], instances[i] = c.ID, 1, c.Instance
		}
		explain("begin", beginCalls, 8*batch, posts, tokens, time.Minute, time.Minute, time.Time{})
		explain("lock instances", lockInstances, 4*batch, instances)
		explain("record", recordOutcomes, 25*batch, w.outcomes(posts, instances)...)
		explain("refresh", refreshReady, 10*batch, instances)
		return nil
	})
	if err != nil {
		w.Fatal(err)
	}
}

func (w *world) outcomes(posts, instances []int64) []any {
	outs := make([]outcomeFor, len(posts))
	for i := range posts {
		outs[i] = outcomeFor{posts[i], instances[i]}
	}
	return outcomesOf(outs)
}

// plan is the part of EXPLAIN's answer that is read here.
type plan struct {
	Node    string  `json:"Node Type"`
	Table   string  `json:"Relation Name"`
	Index   string  `json:"Index Name"`
	Rows    float64 `json:"Actual Rows"`
	Loops   float64 `json:"Actual Loops"`
	Removed float64 `json:"Rows Removed by Filter"`
	Unlike  float64 `json:"Rows Removed by Join Filter"`
	Plans   []plan  `json:"Plans"`
}

func (w *world) explain(conn *pgx.Conn, q string, args ...any) plan {
	w.Helper()
	var out []struct {
		Plan plan `json:"Plan"`
	}
	var raw []byte
	if err := conn.QueryRow(w.Context(), `EXPLAIN (ANALYZE, FORMAT JSON) `+q, args...).Scan(&raw); err != nil {
		w.Fatalf("explain %s: %v", q, err)
	}
	if err := json.Unmarshal(raw, &out); err != nil {
		w.Fatal(err)
	}
	return out[0].Plan
}

// touched is the number of rows that the plan's scans read, kept or not, and of
// pairs that its joins compared in vain: two lists joined without an index take
// the square of their length.
func (p plan) touched() int {
	n := int(p.Unlike * p.Loops)
	if p.Table != "" && strings.Contains(p.Node, "Scan") {
		n += int((p.Rows + p.Removed) * p.Loops)
	}
	for _, c := range p.Plans {
		n += c.touched()
	}
	return n
}

func (p plan) show(indent string) string {
	s := fmt.Sprintf("%s%s on %s %s rows=%v removed=%v loops=%v\n", indent, p.Node, p.Table, p.Index, p.Rows, p.Removed, p.Loops)
	for _, c := range p.Plans {
		s += c.show(indent + "  ")
	}
	return s
}
