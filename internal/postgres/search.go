package postgres

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"momentcast/internal/moment"
)

// A search is a list with a filter whose matches lie anywhere in time: words,
// an author, a source. What is common is soon found by walking back in time;
// what is rare is looked up in an index (migrations/00007_search.sql) and
// sorted. Which of the two it is, is tried out and not guessed, each try with a
// bound:
//
//  1. Walk the list for walkMost posts. Common matches fill the page here.
//  2. If there were any, look through the next nearMost months as in 4: the index
//     reads all that it has for something common before it gives the first, and
//     that grows with the history.
//  3. Ask the index for hitsMost matches. If these are all, they are sorted.
//  4. Otherwise go month by month in the list's direction: the index says whether a
//     month has few matches, which are sorted, or many, which are walked.
//
// So a page costs at most a walk of one month that has more than hitsMost
// candidates, however long the history is. The exception is a text whose pairs of
// characters are all common and which itself is not there: it is looked for in
// every month that has more than hitsMost of them.
const (
	walkMost = 1000
	hitsMost = 1000
	nearMost = 2
	allTime  = 12 * 10_000
)

// searched reports whether there is a filter that no order of time helps with.
func (l *postList) searched() bool { return l.words() != nil || l.Author != "" || l.Source != "" }

// words are the parts of the text that all have to occur.
func (l *postList) words() []string { return moment.Words(l.Text) }

// search adds the conditions that decide, for posts called p.
func (l *postList) search(s *selection) {
	for _, word := range l.words() {
		s.where("strpos(search_body(p.content, p.title, p.description, p.url), lower($%d::text)) > 0", word)
	}
	if l.Author != "" {
		s.where("p.author = $%d", l.Author)
	}
	if l.Source != "" {
		s.where("p.source = $%d", l.Source)
	}
}

// find returns the places of the next want posts of the search, in the list's
// order. The transaction must be one of byIndex.
func (l *postList) find(ctx context.Context, tx pgx.Tx, want int) ([]moment.PostCursor, error) {
	found, err := l.walk(ctx, tx, want)
	if err != nil || len(found) == want {
		return found, err
	}
	keys, err := l.keys(ctx, tx)
	if err != nil {
		return nil, err
	}
	if len(found) > 0 {
		if found, err = l.monthly(ctx, tx, keys, nearMost, want); err != nil || len(found) == want {
			return found, err
		}
	}
	hits, all, err := look(ctx, tx, keys)
	if err != nil {
		return nil, err
	}
	if all {
		return l.choose(ctx, tx, hits, want)
	}
	return l.monthly(ctx, tx, keys, allTime, want)
}

// walk looks through the next walkMost posts.
func (l *postList) walk(ctx context.Context, tx pgx.Tx, want int) ([]moment.PostCursor, error) {
	s := l.selection(walkMost)
	s.cols += ", p.content, p.title, p.description, p.url, p.author, p.source"
	l.filter(s)
	l.seek(s, false)
	from := s.pick(l.States, false, l.InstanceID != 0)
	s.conds = nil
	l.search(s)
	return places(ctx, tx, `SELECT p.id, p.due_at FROM (`+from+`) p WHERE `+s.all()+` ORDER BY `+s.order+fmt.Sprintf(` LIMIT %d`, want), s.args)
}

// keys are the numbers that the index has for every match.
func (l *postList) keys(ctx context.Context, tx pgx.Tx) (keys []int32, err error) {
	const q = `
		SELECT ARRAY(SELECT DISTINCT unnest(search_word(word)) FROM unnest($1::text[]) word)
			|| CASE WHEN $2 <> '' THEN ARRAY[search_mark('author', $2)] END
			|| CASE WHEN $3 <> '' THEN ARRAY[search_mark('source', $3)] END
			|| CASE WHEN $4::bigint <> 0 THEN ARRAY[search_mark('instance', $4::text)] END`
	err = tx.QueryRow(ctx, q, l.words(), l.Author, l.Source, l.InstanceID).Scan(&keys)
	return keys, err
}

// look returns posts that have all the keys, and whether these are all of them.
// Its index can be read by bitmap only, which the transaction does without
// otherwise.
func look(ctx context.Context, tx pgx.Tx, keys []int32) (posts []int64, all bool, err error) {
	const q = `SELECT post_id FROM post_search WHERE (search_grams(body) || marks) @> $1::integer[] LIMIT %d`
	b := &pgx.Batch{}
	b.Queue(`SET LOCAL enable_bitmapscan = on`)
	b.Queue(fmt.Sprintf(q, hitsMost+1), keys).Query(func(rows pgx.Rows) error {
		posts, err = pgx.CollectRows(rows, pgx.RowTo[int64])
		return err
	})
	b.Queue(`SET LOCAL enable_bitmapscan = off`)
	if err := tx.SendBatch(ctx, b).Close(); err != nil {
		return nil, false, err
	}
	return posts, len(posts) <= hitsMost, nil
}

// choose keeps those of the posts that the list has, and sorts them.
func (l *postList) choose(ctx context.Context, tx pgx.Tx, posts []int64, want int) ([]moment.PostCursor, error) {
	s := l.selection(want)
	rest := *l
	rest.CampaignID = 0 // its posts are not read through its occurrences: the hits say which are looked at
	rest.filter(s)
	if l.CampaignID != 0 {
		s.where("p.occurrence_id IN (SELECT oc.id FROM occurrences oc WHERE oc.campaign_id = $%d)", l.CampaignID)
	}
	l.seek(s, false)
	l.search(s)
	if len(l.States) > 0 {
		s.conds = append(s.conds, "p.state::text IN ('"+join(l.States, "', '")+"')")
	}
	s.args = append(s.args, posts)
	// Fenced, so that each is looked up by its id and no index is walked to find them.
	return places(ctx, tx, fmt.Sprintf(`SELECT p.id, p.due_at FROM unnest($%d::bigint[]) hit(id)
		CROSS JOIN LATERAL (SELECT * FROM posts WHERE id = hit.id OFFSET 0) p
		WHERE %s ORDER BY %s LIMIT %d`, len(s.args), s.all(), s.order, want), s.args)
}

// monthly goes from month to month in the list's direction, past those without
// posts, until it has found enough or looked through that many.
func (l *postList) monthly(ctx context.Context, tx pgx.Tx, keys []int32, months, want int) (found []moment.PostCursor, err error) {
	part := *l
	for ; months > 0 && len(found) < want; months-- {
		from, to, ok, err := part.nextMonth(ctx, tx)
		if err != nil || !ok {
			return found, err
		}
		month := part
		month.DueFrom, month.DueTo = later(part.DueFrom, from), earlier(part.DueTo, to)
		more, err := month.ofMonth(ctx, tx, keys, from, want-len(found))
		if err != nil {
			return nil, err
		}
		found = append(found, more...)
		if part.Ascending {
			part.DueFrom = to
		} else {
			part.DueTo = from
		}
	}
	return found, nil
}

// nextMonth is the month of the list's next post, whatever is searched.
func (l *postList) nextMonth(ctx context.Context, tx pgx.Tx) (from, to time.Time, ok bool, err error) {
	s := l.selection(1)
	if !l.DueFrom.IsZero() {
		s.where("p.due_at >= $%d", l.DueFrom)
	}
	if !l.DueTo.IsZero() {
		s.where("p.due_at < $%d", l.DueTo)
	}
	l.seek(s, false)
	next, err := places(ctx, tx, `SELECT p.id, p.due_at FROM posts p WHERE `+s.all()+` ORDER BY `+s.order+` LIMIT 1`, s.args)
	if err != nil || len(next) == 0 {
		return from, to, false, err
	}
	y, m, _ := next[0].DueAt.UTC().Date()
	return time.Date(y, m, 1, 0, 0, 0, 0, time.UTC), time.Date(y, m+1, 1, 0, 0, 0, 0, time.UTC), true, nil
}

func (l *postList) ofMonth(ctx context.Context, tx pgx.Tx, keys []int32, month time.Time, want int) ([]moment.PostCursor, error) {
	var mark int32
	if err := tx.QueryRow(ctx, `SELECT search_month($1)`, month).Scan(&mark); err != nil {
		return nil, err
	}
	hits, all, err := look(ctx, tx, append(keys[:len(keys):len(keys)], mark))
	if err != nil {
		return nil, err
	}
	if all {
		return l.choose(ctx, tx, hits, want)
	}
	s := l.selection(want)
	l.filter(s)
	l.seek(s, false)
	l.search(s)
	return places(ctx, tx, `SELECT p.id, p.due_at FROM (`+s.pick(l.States, false, l.InstanceID != 0)+`) p ORDER BY `+s.order+fmt.Sprintf(` LIMIT %d`, want), s.args)
}

func places(ctx context.Context, tx pgx.Tx, q string, args []any) ([]moment.PostCursor, error) {
	rows, err := tx.Query(ctx, q, args...)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (c moment.PostCursor, err error) {
		return c, row.Scan(&c.ID, &c.DueAt)
	})
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// earlier is the earlier of two times; zero is none.
func earlier(a, b time.Time) time.Time {
	if a.IsZero() || b.Before(a) {
		return b
	}
	return a
}
