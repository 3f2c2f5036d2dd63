package linkcheck

import (
	"context"
	"sync"
	"time"

	"momentcast/internal/moment"
)

const (
	keptFor   = 2 * time.Minute  // an answer: people look, mend their page, and look again
	keptShort = 15 * time.Second // an answer that another try may change
	keptMost  = 512              // answers of each kind
	perMinute = 30               // looks of one person that reach out
)

// Desk is where people and programs have addresses looked at. It keeps answers
// for a short while and lets nobody look too often: each look is a connection
// that we make for somebody. It is safe for concurrent use.
type Desk struct {
	checker *Checker
	now     func() time.Time

	mu     sync.Mutex
	pages  map[string]kept[moment.PageLook]
	thumbs map[string]kept[moment.ThumbLook]
	asked  map[string]allowance
}

type kept[T any] struct {
	look  T
	until time.Time
}

// allowance is how many looks somebody has made in the minute that ends then.
type allowance struct {
	n     int
	until time.Time
}

// NewDesk returns a Desk before the checker.
func NewDesk(c *Checker) *Desk {
	return &Desk{checker: c, now: time.Now, pages: make(map[string]kept[moment.PageLook]),
		thumbs: make(map[string]kept[moment.ThumbLook]), asked: make(map[string]allowance)}
}

// Page looks at the page at url for who. A look that failed is an answer with a
// Reason; the only error is Limited.
func (d *Desk) Page(ctx context.Context, who, url string) (moment.PageLook, error) {
	return look(d, d.pages, who, url, func() moment.PageLook {
		info, err := d.checker.Page(ctx, url)
		return moment.PageLook{Look: looked(info.URL, info.Status, info.Redirects, err),
			Title: info.Title, Description: info.Description, Image: info.Image}
	}, func(l moment.PageLook) string { return l.Reason })
}

// Thumb looks at the picture at url for who, as Page does.
func (d *Desk) Thumb(ctx context.Context, who, url string) (moment.ThumbLook, error) {
	return look(d, d.thumbs, who, url, func() moment.ThumbLook {
		info, err := d.checker.Thumb(ctx, url)
		return moment.ThumbLook{Look: looked(info.URL, info.Status, info.Redirects, err),
			Type: info.Type, Width: info.Width, Height: info.Height, Bytes: info.Bytes, Square: info.Square()}
	}, func(l moment.ThumbLook) string { return l.Reason })
}

// KnownPage is what a look at url found a short while ago, without looking.
func (d *Desk) KnownPage(url string) (moment.PageLook, bool) { return known(d, d.pages, url) }

// KnownThumb is the same of a picture.
func (d *Desk) KnownThumb(url string) (moment.ThumbLook, bool) { return known(d, d.thumbs, url) }

func looked(url string, status, redirects int, err error) moment.Look {
	l := moment.Look{URL: url, Status: status, Redirects: redirects}
	if err != nil {
		if l.Reason = string(ReasonOf(err)); l.Reason == "" {
			l.Reason = string(Broken)
		}
	}
	return l
}

func known[T any](d *Desk, answers map[string]kept[T], url string) (T, bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	k, ok := answers[url]
	if !ok || d.now().After(k.until) {
		var none T
		return none, false
	}
	return k.look, true
}

// look answers from memory, or looks.
func look[T any](d *Desk, answers map[string]kept[T], who, url string, ask func() T, reason func(T) string) (T, error) {
	if l, ok := known(d, answers, url); ok {
		return l, nil
	}
	if !d.allow(who) {
		var none T
		return none, moment.Errorf(moment.Limited, "You had too many addresses looked at; wait a minute.")
	}
	l, keep := ask(), keptFor
	if r := Reason(reason(l)); r == Busy || r == NoAnswer {
		keep = keptShort
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	now := d.now()
	makeRoom(answers, keptMost, func(k kept[T]) bool { return now.After(k.until) })
	answers[url] = kept[T]{l, now.Add(keep)}
	return l, nil
}

// allow counts a look of who.
func (d *Desk) allow(who string) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	now := d.now()
	a := d.asked[who]
	if now.After(a.until) {
		makeRoom(d.asked, keptMost, func(a allowance) bool { return now.After(a.until) })
		a = allowance{until: now.Add(time.Minute)}
	}
	a.n++
	d.asked[who] = a
	return a.n <= perMinute
}

// makeRoom forgets what is over, and anything at all where that is not enough:
// what somebody can fill must not grow.
func makeRoom[T any](m map[string]T, most int, over func(T) bool) {
	if len(m) < most {
		return
	}
	for key, v := range m {
		if over(v) {
			delete(m, key)
		}
	}
	for key := range m {
		if len(m) < most {
			return
		}
		delete(m, key)
	}
}
