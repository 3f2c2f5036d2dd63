package bench

import (
	"fmt"
	"math/rand"
	"time"
)

// post is one entry of the queue: what the referee recognises it by.
type post struct {
	account int // index
	due     time.Time
	url     string
}

func newPost(i, accounts int, due time.Time) post {
	return post{account: i % accounts, due: due, url: fmt.Sprintf("https://example.com/%d?due=%d", i, due.UnixNano())}
}

// feeders is how many insert at once where posts are inserted when they are due;
// River's program has as many.
const feeders = 8

// What all posts say. The address differs: the referee tells them apart by it.
const (
	cardContent     = "text"
	cardTitle       = "title"
	cardDescription = "description"
	cardThumb       = "https://example.com/t.jpg"
)

// burst are n posts that are due already.
func burst(n, accounts int) []post {
	posts := make([]post, n)
	now := time.Now()
	for i := range posts {
		posts[i] = newPost(i, accounts, now)
	}
	return posts
}

// poisson draws arrivals that are independent of each other, as people's are,
// for that long from the given instant on.
func poisson(rate float64, from time.Time, long time.Duration, accounts int, seed int64) []post {
	rng := rand.New(rand.NewSource(seed)) // the same queue for every contestant
	var posts []post
	for i, at, end := 0, from, from.Add(long); ; i++ {
		at = at.Add(time.Duration(rng.ExpFloat64() / rate * float64(time.Second)))
		if at.After(end) {
			return posts
		}
		posts = append(posts, newPost(i, accounts, at))
	}
}
