package postgres

import (
	"fmt"
	"os"
	"slices"
	"testing"
	"time"

	"momentcast/internal/moment"
)

// TestSearchCost prints what the search costs when posts are added and when
// they are sent, and on disk. The same posts, with and without it, in turn.
func TestSearchCost(t *testing.T) {
	if os.Getenv("MOMENTCAST_HISTORY") == "" {
		t.Skip("make history measures it")
	}
	type kind struct{ add, send []time.Duration }
	var with, without kind
	worlds := map[*kind]*world{}
	for _, k := range []*kind{&with, &without} {
		w := newWorld(t)
		w.exec(`INSERT INTO instances (wc_id, w_id, online, online_since) SELECT 'i' || g, 'w' || g, true, now() - interval '100 hours' FROM generate_series(1, 100) g`)
		worlds[k] = w
	}
	w := worlds[&without]
	w.exec(`DROP TRIGGER posts_search_added ON posts`)
	w.exec(`DROP TRIGGER posts_search_changed ON posts`)
	w.exec(`DROP TRIGGER posts_search_removed ON posts`)
	w.exec(`DROP INDEX posts_instance_idx`)
	w.exec(`DROP INDEX posts_trouble_idx`)
	const rounds, batch = 60, 100
	for round := range rounds {
		for _, k := range []*kind{&with, &without} {
			w := worlds[k]
			posts := make([]*moment.Post, batch)
			for i := range posts {
				posts[i] = wordyPost(round, i)
			}
			begun := time.Now()
			if _, _, err := w.db.AddPosts(t.Context(), posts, moment.RequestKey{}); err != nil {
				t.Fatal(err)
			}
			k.add = append(k.add, time.Since(begun))
			begun = time.Now()
			w.sendAll(batch)
			k.send = append(k.send, time.Since(begun))
		}
	}
	mid := func(ds []time.Duration) time.Duration { slices.Sort(ds); return ds[len(ds)/2] / batch }
	t.Logf("add a post (batches of %d): %v with the search, %v without, ratio %.2f", batch, mid(with.add), mid(without.add), float64(mid(with.add))/float64(mid(without.add)))
	t.Logf("claim, begin and record a post: %v with the search and its indexes, %v without, ratio %.2f", mid(with.send), mid(without.send), float64(mid(with.send))/float64(mid(without.send)))
	w = worlds[&with]
	w.exec(`VACUUM post_search`) // what waits is put into the index
	t.Logf("on disk per post: %d bytes of words, %d bytes of their index, beside %d bytes of post with its indexes",
		one[int64](w, `SELECT pg_total_relation_size('post_search') - pg_relation_size('post_search_idx')`)/(rounds*batch),
		one[int64](w, `SELECT pg_relation_size('post_search_idx')`)/(rounds*batch), one[int64](w, `SELECT pg_total_relation_size('posts')`)/(rounds*batch))
}

func wordyPost(round, i int) *moment.Post {
	return &moment.Post{InstanceID: int64(1 + i), State: moment.Scheduled, DueAt: time.Now().Add(-time.Second), MaxLateness: time.Hour,
		Visibility: moment.Visibility{Mode: moment.Everyone}, Author: "lin", Source: "web",
		Card: moment.Card{
			Title:       fmt.Sprintf("春季明前龙井今日开售 %d", round),
			Content:     fmt.Sprintf("春季明前龙井：今日开售，下单立减三十元，数量有限，先到先得。杭州西湖店同步开售，老顾客都说好🎉 第%d家门店", i),
			Description: "送礼自用两相宜 杭州西湖店",
			URL:         fmt.Sprintf("https://shop.example.com/p/%d?utm_campaign=c%d", round*7919+i, round), ThumbURL: "https://cdn.example.com/t.jpg",
		}}
}

// sendAll takes n due posts through the engine's statements.
func (w *world) sendAll(n int) {
	w.Helper()
	claims := w.claim(n)
	if len(claims) != n {
		w.Fatalf("claimed %d", len(claims))
	}
	begun := w.begin(claims...)
	if len(begun) != n {
		w.Fatalf("begun %d", len(begun))
	}
	outs := make([]moment.Outcome, n)
	for i, c := range claims {
		outs[i] = moment.Outcome{Claim: c, Action: moment.ActSucceed, Result: moment.Result{Verdict: moment.Delivered,
			MomentID: fmt.Sprint(c.ID), Request: "{}", Reply: "{}"}}
	}
	if lost, err := w.db.Record(w.Context(), outs); err != nil || len(lost) != 0 {
		w.Fatalf("%d lost, %v", len(lost), err)
	}
}
