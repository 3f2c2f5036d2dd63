package gateway

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"momentcast/internal/moment"
)

// tally counts how often each post arrived.
type tally struct {
	mu sync.Mutex
	n  map[string]int
}

func (y *tally) add(body string) int {
	y.mu.Lock()
	defer y.mu.Unlock()
	if y.n == nil {
		y.n = map[string]int{}
	}
	y.n[body]++
	return y.n[body]
}

func (y *tally) of(body string) int {
	y.mu.Lock()
	defer y.mu.Unlock()
	return y.n[body]
}

// A server that answers the first request of a connection and drops the second
// after reading it: what makes net/http resend a request it holds replayable.
func TestDroppedReusedConnectionSendsOnce(t *testing.T) {
	t.Parallel()
	for _, how := range []string{"close", "reset"} {
		t.Run(how, func(t *testing.T) {
			t.Parallel()
			var got tally
			var reused atomic.Int64
			base := rawServer(t, func(conn *net.TCPConn) {
				r := bufio.NewReader(conn)
				body, ok := readPost(r)
				if !ok {
					return
				}
				got.add(body)
				io.WriteString(conn, httpReply(success))
				if body, ok = readPost(r); !ok {
					return
				}
				got.add(body)
				reused.Add(1)
				if how == "reset" {
					reset(conn)
				}
			})
			c := newClient(t, base)
			for i := range 40 {
				card := testCard
				card.Title = fmt.Sprintf("post %d", i)
				r := c.Publish(t.Context(), "wid-1", card, everyone)
				want := moment.Delivered
				if i%2 == 1 {
					want = moment.InDoubt
				}
				if r.Verdict != want {
					t.Errorf("post %d: got %s %q, want %s", i, r.Verdict, r.Cause, want)
				}
				if n := got.of(r.Request); n != 1 {
					t.Errorf("post %d arrived %d times", i, n)
				}
			}
			if reused.Load() != 20 {
				t.Errorf("%d connections were reused, want 20: the test proves nothing", reused.Load())
			}
		})
	}
}

// A server that closes kept connections right when they are about to be used.
// Whatever the race gives: NeverLeft means it did not arrive, Delivered that it
// arrived once, and nothing arrives twice.
func TestClosedIdleConnectionSendsAtMostOnce(t *testing.T) {
	t.Parallel()
	var got tally
	base := rawServer(t, func(conn *net.TCPConn) {
		r := bufio.NewReader(conn)
		body, ok := readPost(r)
		if !ok {
			return
		}
		got.add(body)
		io.WriteString(conn, httpReply(success)) // without Connection: close, and then closed all the same
	})
	c := newClient(t, base)
	verdicts := map[moment.Verdict]int{}
	var mu sync.Mutex
	var all sync.WaitGroup
	for w := range 4 {
		all.Go(func() {
			for i := range 250 {
				card := testCard
				card.Title = fmt.Sprintf("post %d of %d", i, w)
				r := c.Publish(t.Context(), fmt.Sprint("wid-", w), card, everyone)
				n := got.of(r.Request)
				if n > 1 || r.Verdict == moment.NeverLeft && n != 0 || r.Verdict == moment.Delivered && n != 1 {
					t.Errorf("post %d: %s %q, arrived %d times", i, r.Verdict, r.Cause, n)
				}
				mu.Lock()
				verdicts[r.Verdict]++
				mu.Unlock()
			}
		})
	}
	all.Wait()
	t.Log(verdicts)
	if verdicts[moment.Delivered] == 0 {
		t.Error("nothing was delivered: the test proves nothing")
	}
}

func TestRedirectIsNotFollowed(t *testing.T) {
	t.Parallel()
	var calls atomic.Int64
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		calls.Add(1)
		http.Redirect(w, r, "/elsewhere", http.StatusPermanentRedirect)
	}))
	t.Cleanup(s.Close)
	r := newClient(t, s.URL).Publish(t.Context(), "wid-1", testCard, everyone)
	if calls.Load() != 1 || r.Cause != "redirect" {
		t.Errorf("%d requests, cause %q", calls.Load(), r.Cause)
	}
}

func TestWireFormOfPublish(t *testing.T) {
	t.Parallel()
	s := says(t, 200, success)
	c := newClient(t, s.URL+"/prefix/")
	r := c.Publish(t.Context(), "25dea7a4-ddea-40c6-87ad-3e982e998921", testCard, everyone)
	got := s.seen()[0]

	// The vector is indented; between texts nothing else differs.
	want := strings.NewReplacer("\n", "", `": "`, `":"`, `  "`, `"`).Replace(vector(t, "snsSendUrl-request.json"))
	if got.Body != want || r.Request != got.Body {
		t.Errorf("body\n%s\nwant\n%s\nkept\n%s", got.Body, want, r.Request)
	}
	if got.Path != "/prefix/snsSendUrl" {
		t.Errorf("path %q", got.Path)
	}
	for k, v := range map[string]string{"Authorization": testToken, "Content-Type": "application/json", "Idempotency-Key": "", "Accept-Encoding": ""} {
		if got.Header.Get(k) != v {
			t.Errorf("header %s: %q, want %q", k, got.Header.Get(k), v)
		}
	}
}

func TestWireFormOfVisibility(t *testing.T) {
	t.Parallel()
	const head = `{"wId":"w","content":"<b> & \"c\"","title":"t","description":"","url":"https://e.test/?a=1&b=2","thumbUrl":"u"`
	card := moment.Card{Content: `<b> & "c"`, Title: "t", URL: "https://e.test/?a=1&b=2", ThumbURL: "u"}
	ids := []string{"wxid_a", "wxid_b"}
	tests := []struct {
		name string
		vis  moment.Visibility
		want string // "" = refused and not sent
	}{
		{"everyone", everyone, head + `}`},
		{"these users", moment.Visibility{Mode: moment.Allow, Users: ids}, head + `,"groupUser":"wxid_a,wxid_b"}`},
		{"these labels", moment.Visibility{Mode: moment.Allow, Labels: []string{"3", "4"}}, head + `,"groupUserLabelIds":"3,4"}`},
		{"all but", moment.Visibility{Mode: moment.Deny, Users: ids, Labels: []string{"3"}}, head + `,"blackList":"wxid_a,wxid_b","blackListLabelIds":"3"}`},
		{"not chosen", moment.Visibility{}, ""},
		{"everyone with a list", moment.Visibility{Mode: moment.Everyone, Users: ids}, ""},
		{"only nobody", moment.Visibility{Mode: moment.Allow}, ""},
		{"only an empty id", moment.Visibility{Mode: moment.Allow, Users: []string{""}}, ""},
		{"all but nobody", moment.Visibility{Mode: moment.Deny}, ""},
		{"two ids in one", moment.Visibility{Mode: moment.Allow, Users: []string{"a,b"}}, ""},
		{"unknown mode", moment.Visibility{Mode: "friends", Users: ids}, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := says(t, 200, success)
			r := newClient(t, s.URL).Publish(t.Context(), "w", card, tt.vis)
			if tt.want == "" {
				if len(s.seen()) != 0 || r.Verdict != moment.Rejected || r.Cause != "visibility" {
					t.Errorf("%d requests, %s %q", len(s.seen()), r.Verdict, r.Cause)
				}
				return
			}
			if got := s.seen(); len(got) != 1 || got[0].Body != tt.want {
				t.Errorf("got\n%v\nwant\n%s", got, tt.want)
			}
		})
	}
}

func TestPublishWithoutSessionNeverLeaves(t *testing.T) {
	t.Parallel()
	s := says(t, 200, success)
	r := newClient(t, s.URL).Publish(t.Context(), "", testCard, everyone)
	if r.Verdict != moment.NeverLeft || r.Cause != "no_session" || len(s.seen()) != 0 {
		t.Errorf("got %s %q after %d requests", r.Verdict, r.Cause, len(s.seen()))
	}
}
