package apifuzz

import (
	"fmt"
	"net/http"
	"time"
)

// fill puts something of everything into the database: instances, posts in every
// state, audiences, campaigns in several states, an import. Nothing is due for a
// day, so that nothing moves by itself.
func (w *world) fill() {
	w.must("POST", "/instances/sync", "")
	w.must("POST", "/instances", `{"wc_id":"wxid_spare","name":"备用"}`)
	w.exec(`UPDATE instances SET matured_at = now() - interval '1 hour', quiet_hours = '' WHERE wc_id <> 'wxid_spare'`)
	w.exec(`UPDATE settings SET own_approval = true, daily_cap = 0`)
	w.read("instance", `SELECT id::text FROM instances ORDER BY id`)
	for n := range 3 {
		w.must("POST", "/audiences", fmt.Sprintf(`{"name":"a%d","visibility":{"mode":"allow","users":["wxid_friend%d"]}}`, n, n))
	}
	w.read("audience", `SELECT id::text FROM audiences ORDER BY id`)
	w.fillPosts()
	w.fillCampaigns()
	w.must("POST", "/holidays", `{"region":"xx","days":[{"date":"2026-05-01","name":"Day","kind":"off"}]}`)
	w.fillImport()
	for n := range 4 {
		w.must("POST", "/tokens", fmt.Sprintf(`{"name":"victim%d","scopes":["read"]}`, n))
	}
	w.read("token", `SELECT id::text FROM api_tokens WHERE name LIKE 'victim%' ORDER BY id`)
}

// read puts what a query answers into the pool of ids of that name.
func (w *world) read(pool, sql string) {
	w.Helper()
	rows, err := w.pool.Query(w.Context(), sql)
	if err != nil {
		w.Fatal(err)
	}
	defer rows.Close()
	w.ids[pool] = nil
	for rows.Next() {
		var id string
		if err := rows.Scan(&id); err != nil {
			w.Fatal(err)
		}
		w.ids[pool] = append(w.ids[pool], id)
	}
	if rows.Err() != nil || len(w.ids[pool]) == 0 {
		w.Fatalf("no %s: %v", pool, rows.Err())
	}
}

func (w *world) fillPosts() {
	due := time.Now().Add(24 * time.Hour).Format(time.RFC3339)
	// What a post has in a state, however it would get there.
	states := []string{
		"draft'", "scheduled'", "scheduled'", "pending'", "cancelled', finished_at = now()",
		"failed', claim_token = 1, attempt = 1, intent_at = now(), finished_at = now()", "missed', finished_at = now()",
		"sent', claim_token = 1, moment_id = (13000000000000000000 + id)::text, intent_at = now(), attempt = 1, finished_at = now()",
		"unknown', claim_token = 1, intent_at = now() - interval '5 minutes', call_until = now() - interval '4 minutes', attempt = 1",
	}
	for round := range 2 {
		for n, state := range states {
			instance := w.ids["instance"][(n+round)%2]
			id := w.must("POST", "/posts", fmt.Sprintf(`{"instance_id":%s,"content":"text","title":"title %d","url":"https://shop.invalid/%d-%d","thumb_url":"https://shop.invalid/t.jpg",
				"visibility":{"mode":"everyone"},"due_at":%q,"external_key":"k-%d-%d"}`, instance, n, round, n, due, round, n))
			if state != "scheduled'" {
				w.exec(`UPDATE posts SET state = '`+state+` WHERE id = $1`, id)
			}
		}
	}
	w.read("post", `SELECT id::text FROM posts ORDER BY id`)
}

func (w *world) fillCampaigns() {
	for n := range 4 {
		id := w.must("POST", "/campaigns", fmt.Sprintf(`{"name":"c%d","instances":[%s],"schedule":"cron 0 9 * * 1 zone=Asia/Shanghai",
			"card":{"content":"x","title":"t","url":"https://shop.invalid/c","thumb_url":"https://shop.invalid/c.jpg"},"visibility":{"mode":"everyone"}}`, n, w.ids["instance"][0]))
		if n > 0 {
			w.must("POST", "/campaigns/"+id+"/activate", `{}`)
		}
		if n == 3 {
			w.must("POST", "/campaigns/"+id+"/pause", `{"reason":"later"}`)
		}
	}
	w.read("campaign", `SELECT id::text FROM campaigns ORDER BY id`)
	w.eventually("occurrences", func() bool {
		var n int
		_ = w.pool.QueryRow(w.Context(), `SELECT count(*) FROM occurrences`).Scan(&n) // 0 is asked again
		return n > 0
	})
	w.read("occurrence", `SELECT id::text FROM occurrences ORDER BY id`)
}

// table is a file of posts as people keep them.
const table = "account,due,text,title,link,image\nwxid_one,2031-01-02 09:00,text,title,https://shop.invalid/i,https://shop.invalid/i.jpg\n" +
	"wxid_nobody,2031-01-02 09:00,text,title,https://shop.invalid/j,https://shop.invalid/i.jpg\n"

func (w *world) fillImport() {
	c := call{method: "POST", path: "/api/v1/imports?file=t.csv&everyone=true&zone=Asia/Shanghai", header: http.Header{"Content-Type": {"text/csv"}}, body: []byte(table)}
	if a := w.do(w.admin(), c); a.status != http.StatusCreated {
		w.Fatalf("import: %d %s", a.status, a.body)
	}
	w.read("import", `SELECT id::text FROM imports ORDER BY id`)
}
