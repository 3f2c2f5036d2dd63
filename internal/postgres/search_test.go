package postgres

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/jackc/pgx/v5"

	"momentcast/internal/moment"
)

// wordy fills history with texts of which some words are in every post, some in
// a part of them, some in one month only, and some in few.
func (w *world) wordy(posts, months int) {
	w.Helper()
	w.exec(`INSERT INTO instances (wc_id) SELECT 'i' || g FROM generate_series(1, 40) g`)
	w.exec(`INSERT INTO posts (instance_id, state, due_at, max_lateness, content, title, description, url, thumb_url, visibility, author, source, moment_id)
		SELECT 1 + g % 40, s.state::post_state, CASE WHEN g % 997 <> 0 OR s.state = 'sent' THEN now() - g * make_interval(secs => 2628000.0 * $2 / $1) END, '0',
			'明前龙井，今日开售' || CASE WHEN g % 7 = 0 THEN '🎉' ELSE '' END || CASE WHEN g % 2111 = 0 THEN ' 鸢尾 Limited' ELSE '' END,
			CASE WHEN g BETWEEN $1 / 2 AND $1 / 2 + $1 / 20 THEN '中秋礼盒' ELSE '春茶上新' END || ' ' || g, 'Buy One, get ONE',
			'https://shop.example.com/p/' || g || '?a=50%25_off', 'https://e.com', 'everyone',
			CASE WHEN g % 1500 = 0 THEN 'rare' ELSE 'lin' END, CASE WHEN g % 1501 = 0 THEN 'import' ELSE 'web' END, CASE WHEN s.state = 'sent' THEN g::text END
		FROM generate_series(1, $1::int) g
		CROSS JOIN LATERAL (SELECT CASE WHEN g % 331 = 0 THEN 'failed' WHEN g % 37 = 0 OR g % 997 = 0 THEN 'cancelled' ELSE 'sent' END AS state) s`, posts, months)
}

var searches = []moment.PostQuery{
	{Text: "龙井"},
	{Text: "井"},
	{Text: "🎉"},
	{Text: "鸢尾"},
	{Text: "鸢"},
	{Text: "中秋"},
	{Text: "中秋 🎉"},
	{Text: "limited 春茶"},
	{Text: "get one"},
	{Text: `"one, get" 🎉`},
	{Text: "shop.example.com/p/777?"},
	{Text: "50%25_off"},
	{Text: "%"},
	{Text: "q"},
	{Text: "没有这个词"},
	{Text: "今日开售，明前"},
	{Text: "明前龙井，今日开售 get one shop.example.com 春茶上新 Buy"},
	{Text: "中秋", States: []moment.State{moment.Failed}},
	{Text: "龙井", InstanceID: 3},
	{Text: "中秋", InstanceID: 8},
	{Author: "rare"},
	{Author: "nobody"},
	{Source: "import"},
	{Source: "import", States: []moment.State{moment.Sent, moment.Failed}},
	{Author: "lin", States: []moment.State{moment.Cancelled}},
	{Author: "rare", Text: "龙井", DueFrom: time.Now().AddDate(-1, 0, 0), DueTo: time.Now().AddDate(0, -1, 0)},
	{InstanceID: 5},
}

// matching is what a search is to find, by reading every post.
func (w *world) matching(q moment.PostQuery) []int64 {
	return one[[]int64](w, `SELECT coalesce(array_agg(id ORDER BY due_at DESC NULLS FIRST, id DESC), '{}') FROM posts p
		WHERE NOT EXISTS (SELECT FROM unnest($1::text[]) word
				WHERE strpos(lower(concat_ws(E'\n', title, content, description, url)), lower(word)) = 0)
			AND ($2 = '' OR author = $2) AND ($3 = '' OR source = $3) AND ($4 = 0 OR instance_id = $4)
			AND (cardinality($5::text[]) = 0 OR state::text = ANY ($5))
			AND ($6::timestamptz IS NULL OR due_at >= $6) AND ($7::timestamptz IS NULL OR due_at < $7)`,
		(&postList{q}).wordsOrNone(), q.Author, q.Source, q.InstanceID, append([]moment.State{}, q.States...), orNull(q.DueFrom), orNull(q.DueTo))
}

func (l *postList) wordsOrNone() []string { return append([]string{}, l.words()...) }

func (w *world) pages(q moment.PostQuery, most int) (ids []int64) {
	w.Helper()
	for {
		views, more, err := w.db.Posts(w.Context(), q)
		if err != nil {
			w.Fatalf("%+v: %v", q, err)
		}
		for _, v := range views {
			ids = append(ids, v.ID)
		}
		if !more || len(ids) >= most {
			return ids
		}
		last := views[len(views)-1]
		q.After = &moment.PostCursor{DueAt: last.DueAt, ID: last.ID}
	}
}

// Whatever way a search takes, it finds what reading every post finds, in the
// same order, in both directions, page by page.
func TestSearchFindsWhatReadingEverythingFinds(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.wordy(6_000, 4)
	// All its pairs are everywhere and it is nowhere: the one search that has to read all that is not refused by the index.
	for _, q := range append([]moment.PostQuery{{Text: `"one get"`}}, searches...) {
		want := w.matching(q)
		const most = 600
		q.Limit = 200
		got := w.pages(q, most)
		if diff := cmp.Diff(want[:min(len(want), max(most, len(got)))], got, cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("%+v: (-want +got)\n%s", q, diff)
		}
		q.Ascending = true
		got = w.pages(q, most)
		slices.Reverse(want)
		if q.Text == "" { // posts without a time come last in this order too, by their ids
			continue
		}
		if diff := cmp.Diff(want[:min(len(want), max(most, len(got)))], got, cmpopts.EquateEmpty()); diff != "" && len(got) < most {
			t.Errorf("ascending %+v: (-want +got)\n%s", q, diff)
		}
		if n, err := w.db.CountPosts(t.Context(), q, 500); err != nil || n != min(len(want), 500) {
			t.Errorf("%+v: counted %d, %v, want %d", q, n, err, min(len(want), 500))
		}
	}
}

// A search follows the post: a new text is found and the old one is not, an
// edited time moves it to its month, a deleted draft is gone.
func TestSearchFollowsEdits(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	i := w.instance("one")
	id := w.add(&moment.Post{InstanceID: i, State: moment.Draft, DueAt: time.Now().Add(time.Hour), MaxLateness: time.Hour})
	by := moment.Origin{Actor: "a", Source: "web"}
	keys := func() []int32 {
		return one[[]int32](w, `SELECT ARRAY(SELECT DISTINCT unnest(search_grams(body) || marks) ORDER BY 1) FROM post_search WHERE post_id = $1`, id)
	}
	was := keys()
	err := w.db.EditPost(t.Context(), id, 0, func(p *moment.Post) error {
		p.Card.Title, p.DueAt = "鸢尾", p.DueAt.AddDate(0, 2, 0)
		return nil
	}, by)
	if err != nil {
		t.Fatal(err)
	}
	if cmp.Equal(was, keys()) {
		t.Error("the index did not follow the edit")
	}
	if got := w.pages(moment.PostQuery{Text: "鸢尾", Limit: 5}, 5); !slices.Equal(got, []int64{id}) {
		t.Errorf("the new title: %v", got)
	}
	if got := w.pages(moment.PostQuery{Text: "title", Limit: 5}, 5); got != nil {
		t.Errorf("the old title: %v", got)
	}
	if n := one[int](w, `SELECT count(*)::int FROM post_search s JOIN posts p ON p.id = s.post_id AND search_month(p.due_at) = s.marks[1]`); n != 1 {
		t.Error("the month did not follow the time")
	}
	if err := w.db.DeletePost(t.Context(), id, 0, by); err != nil {
		t.Fatal(err)
	}
	if n := one[int](w, `SELECT count(*)::int FROM post_search`); n != 0 {
		t.Error("a deleted draft is still found")
	}
}

// What the engine does to a post leaves its search row alone.
func TestSendingDoesNotTouchTheSearch(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.post(w.instance("one"), -time.Second)
	was := one[string](w, `SELECT xmin::text FROM post_search WHERE post_id = $1`, id)
	c := w.claim(1)[0]
	w.begin(c)
	if now := one[string](w, `SELECT xmin::text FROM post_search WHERE post_id = $1`, id); now != was {
		t.Error("the search row was written")
	}
}

// No search reads the history: what it reads is bounded by the page, by what a
// month holds, and by the limits of its tries.
func TestSearchesDoNotReadTheHistory(t *testing.T) {
	t.Parallel()
	const posts, months = 30_000, 20
	for _, analyze := range []bool{false, true} {
		t.Run(fmt.Sprintf("analyzed %t", analyze), func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.exec(`ALTER TABLE posts SET (autovacuum_enabled = false)`)
			w.exec(`ALTER TABLE post_search SET (autovacuum_enabled = false)`)
			w.exec(`ANALYZE`)
			w.wordy(posts, months)
			if analyze {
				w.exec(`VACUUM ANALYZE`)
			}
			for _, q := range searches {
				for _, q.Ascending = range []bool{false, true} {
					n := w.reads(t.Context(), q)
					// The walk, the first look, two looks of a month, one month walked or sorted, the page itself.
					if most := walkMost + 4*hitsMost + posts/months + 6*51; n > most {
						t.Errorf("%+v reads %d rows, want at most %d", q, n, most)
					}
				}
			}
		})
	}
}

// reads counts the rows that a page reads of posts and of their words.
func (w *world) reads(ctx context.Context, q moment.PostQuery) (n int) {
	w.Helper()
	l := postList{q}
	err := w.db.byIndex(ctx, func(tx pgx.Tx) error {
		const read = `SELECT sum(seq_tup_read + coalesce(idx_tup_fetch, 0))::int FROM pg_stat_xact_user_tables WHERE relname IN ('posts', 'post_search')`
		var before int // the session's earlier transactions are in it until they are told to the rest
		if err := tx.QueryRow(ctx, read).Scan(&before); err != nil {
			return err
		}
		if _, err := l.page(ctx, tx, false, 51); err != nil {
			return err
		}
		err := tx.QueryRow(ctx, read).Scan(&n)
		n -= before
		return err
	})
	if err != nil {
		w.Fatal(err)
	}
	return n
}

// Words and an author are looked for among a campaign's own posts only.
func TestSearchWithinACampaign(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	i := w.instance("one")
	id := w.active(w.plan(i))
	w.active(w.plan(i))
	w.expandAll()
	w.post(i, time.Hour)
	own := one[int64](w, `SELECT count(*) FROM posts p JOIN occurrences o ON o.id = p.occurrence_id WHERE o.campaign_id = $1`, id)
	author := one[string](w, `SELECT min(author) FROM posts WHERE occurrence_id IS NOT NULL`)
	for _, q := range []moment.PostQuery{{Author: author}, {Author: "nobody"}, {Author: author, States: []moment.State{moment.Scheduled}}, {Text: "no such word"}, {Source: "web"}} {
		q.CampaignID, q.Limit = id, 200
		posts, _, err := w.db.Posts(t.Context(), q)
		if err != nil {
			t.Errorf("%+v: %v", q, err)
		}
		for _, p := range posts {
			if p.CampaignID != id {
				t.Errorf("%+v: post %d is of campaign %d", q, p.ID, p.CampaignID)
			}
		}
		if q.Author == author && (own == 0 || int64(len(posts)) != own) {
			t.Errorf("%+v: %d posts of %d", q, len(posts), own)
		}
	}
}
