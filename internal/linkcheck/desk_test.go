package linkcheck

import (
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"momentcast/internal/moment"
)

func TestDeskKeepsAnswersForAWhile(t *testing.T) {
	t.Parallel()
	var asked atomic.Int64
	w := newWorld(t, Config{}, http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		if strings.HasSuffix(r.URL.Path, ".png") {
			respond("image/png", string(picture(t, "image/png", 200, 100)))(rw, r)
			return
		}
		respond("text/html", `<title>hello</title><meta name=description content=more>`)(rw, r)
	}))
	d, now := NewDesk(w.checker), time.Now()
	d.now = func() time.Time { return now }
	if _, ok := d.KnownPage(w.base + "/"); ok {
		t.Error("known before anybody looked")
	}
	for range 3 {
		l, err := d.Page(t.Context(), "lin", w.base+"/")
		if err != nil || l.Title != "hello" || l.Description != "more" || l.Reason != "" || l.URL != w.base+"/" {
			t.Fatalf("%+v, %v", l, err)
		}
	}
	if l, ok := d.KnownPage(w.base + "/"); !ok || l.Title != "hello" || asked.Load() != 1 {
		t.Errorf("%+v, %v, asked %d times", l, ok, asked.Load())
	}
	now = now.Add(keptFor + time.Second)
	if _, ok := d.KnownPage(w.base + "/"); ok {
		t.Error("known for ever")
	}
	l, err := d.Thumb(t.Context(), "lin", w.base+"/a.png")
	if err != nil || l.Type != "image/png" || l.Width != 200 || l.Square || l.Bytes == 0 {
		t.Errorf("%+v, %v", l, err)
	}
	if l, _ := d.Page(t.Context(), "lin", "http://127.0.0.1:"+w.port+"/"); l.Reason != string(NotPublic) {
		t.Errorf("%+v", l)
	}
}

func TestDeskLetsNobodyLookTooOften(t *testing.T) {
	t.Parallel()
	w := newWorld(t, Config{}, respond("text/html", small))
	d, now := NewDesk(w.checker), time.Now()
	d.now = func() time.Time { return now }
	look := func(who string, n int) error {
		_, err := d.Page(t.Context(), who, w.base+"/"+strconv.Itoa(n))
		return err
	}
	for n := range perMinute {
		if err := look("lin", n); err != nil {
			t.Fatalf("look %d: %v", n, err)
		}
	}
	if err := look("lin", 1); err != nil {
		t.Errorf("what is known was refused: %v", err)
	}
	if err := look("lin", 999); moment.KindOf(err) != moment.Limited {
		t.Errorf("one too many: %v", err)
	}
	if err := look("wang", 999); err != nil {
		t.Errorf("somebody else: %v", err)
	}
	now = now.Add(time.Minute + time.Second)
	if err := look("lin", 1000); err != nil {
		t.Errorf("a minute later: %v", err)
	}
}

func TestDeskDoesNotGrow(t *testing.T) {
	t.Parallel()
	d := NewDesk(New(Config{}))
	for n := range 3 * keptMost {
		_, _ = d.Page(t.Context(), strconv.Itoa(n), "ftp://"+strconv.Itoa(n)) // refused before anything is dialled
	}
	if len(d.pages) > keptMost || len(d.asked) > keptMost {
		t.Errorf("%d answers, %d people", len(d.pages), len(d.asked))
	}
}
