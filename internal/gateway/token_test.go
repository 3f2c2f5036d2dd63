package gateway

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rs/zerolog"

	"momentcast/internal/moment"
)

const password = "pass-word-1"

func loginReply(status int, token string) string {
	return fmt.Sprintf(`{"code":"1000","message":"成功","data":{"callbackUrl":null,"status":%d,"Authorization":%q}}`, status, token)
}

// withAccount is a client that logs in at s; token "" = from the start.
func withAccount(t *testing.T, s *stub, token string) *Client {
	t.Helper()
	c, err := New(Config{BaseURL: s.URL, Token: token, Account: "acc", Password: password})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

func (s *stub) count(path string) (n int) {
	for _, a := range s.seen() {
		if a.Path == path {
			n++
		}
	}
	return n
}

func TestOneLoginForAll(t *testing.T) {
	t.Parallel()
	s := newStub(t, func(a asked, _ int) (int, string) {
		if a.Path == "/member/login" {
			return 200, loginReply(0, "fresh")
		}
		if a.Header.Get("Authorization") != "fresh" {
			return 401, ""
		}
		return 200, `{"code":"1000","data":[]}`
	})
	c := withAccount(t, s, "")
	var all sync.WaitGroup
	for range 20 {
		all.Go(func() {
			if _, err := c.Logins(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if n := s.count("/member/login"); n != 1 {
		t.Errorf("%d logins", n)
	}
	first := s.seen()[0]
	if want := `{"account":"acc","password":"` + password + `"}`; first.Body != want || first.Header.Get("Authorization") != "" {
		t.Errorf("login %s with %q", first.Body, first.Header.Get("Authorization"))
	}
}

func TestReadLogsInAnewOnce(t *testing.T) {
	t.Parallel()
	s := newStub(t, func(a asked, _ int) (int, string) {
		if a.Path == "/member/login" {
			return 200, loginReply(0, "fresh")
		}
		return 200, `{"code":"1001","message":"token expired"}`
	})
	_, err := withAccount(t, s, "stale").Logins(t.Context())
	if moment.KindOf(err) != moment.Unauthenticated || s.count("/member/login") != 1 || s.count("/queryLoginWx") != 2 {
		t.Errorf("%v after %v", err, s.seen())
	}
}

func TestPublishIsNotRepeatedAfterLogin(t *testing.T) {
	t.Parallel()
	s := newStub(t, func(a asked, _ int) (int, string) {
		switch {
		case a.Path == "/member/login":
			return 200, loginReply(0, "fresh")
		case a.Header.Get("Authorization") == "fresh":
			return 200, success
		}
		return 401, ""
	})
	c := withAccount(t, s, "stale")
	r := c.Publish(t.Context(), "wid", testCard, everyone)
	if r.Verdict != moment.Rejected || !r.Auth || len(s.seen()) != 1 {
		t.Fatalf("got %s %q after %d requests", r.Verdict, r.Cause, len(s.seen()))
	}
	if r = c.Publish(t.Context(), "wid", testCard, everyone); r.Verdict != moment.Delivered || s.count("/member/login") != 1 {
		t.Errorf("the next one: %s %q after %d logins", r.Verdict, r.Cause, s.count("/member/login"))
	}
}

func TestUpkeepIsNotRepeatedAfterLogin(t *testing.T) {
	t.Parallel()
	s := says(t, 401, "")
	if err := withAccount(t, s, "stale").Delete(t.Context(), "wid", "1"); moment.KindOf(err) != moment.Unauthenticated {
		t.Error(err)
	}
	if len(s.seen()) != 1 {
		t.Errorf("%d requests", len(s.seen()))
	}
}

func TestLoginThatFails(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		status int
		body   string
		kind   moment.Kind
		says   string
	}{
		{"frozen", 200, loginReply(1, "secret-token"), moment.Unauthenticated, "frozen"},
		{"expired, as text", 200, strings.Replace(loginReply(2, "secret-token"), ":2,", `:"2",`, 1), moment.Unauthenticated, "expired"},
		{"wrong password", 200, `{"code":"1001","message":"密码错误 ` + password + `"}`, moment.Unauthenticated, "account or password"},
		{"500", 500, "oops", moment.Unavailable, "500"},
		{"no token", 200, `{"code":"1000","data":{"status":0}}`, moment.Unavailable, "usable token"},
		{"a token no header can carry", 200, loginReply(0, "a\nb"), moment.Unavailable, "usable token"},
		{"cut off behind the token", 200, strings.TrimSuffix(loginReply(0, "secret-token"), `"}}`), moment.Unavailable, "cannot be read"},
		{"data of another form", 200, `{"code":"1000","data":["Authorization","secret-token"]}`, moment.Unavailable, "form expected"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := says(t, tt.status, tt.body)
			c := withAccount(t, s, "")
			r := c.Publish(t.Context(), "wid", testCard, everyone)
			if r.Verdict != moment.NeverLeft || r.Cause != "login" || r.Auth != (tt.kind == moment.Unauthenticated) {
				t.Errorf("got %s %q, auth %t", r.Verdict, r.Cause, r.Auth)
			}
			if !strings.Contains(r.Message, tt.says) {
				t.Errorf("message %q", r.Message)
			}
			_, err := c.Logins(t.Context())
			if moment.KindOf(err) != tt.kind || strings.Contains(err.Error(), password) {
				t.Errorf("got %v", err)
			}
			if strings.Contains(err.Error(), "secret-token") {
				t.Errorf("the token is in %v", err)
			}
			if s.count(pathPublish) != 0 {
				t.Error("it was posted without a token")
			}
			if n := s.count("/member/login"); tt.kind == moment.Unauthenticated && n != 1 {
				t.Errorf("a refused login was tried %d times at once", n)
			}
		})
	}
}

func TestRefusedLoginIsTriedAgainAfterAPause(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ts := tokens{account: "a", password: "p"}
		n := 0
		no := func(context.Context) (string, error) {
			n++
			return "", moment.Errorf(moment.Unauthenticated, "no")
		}
		for range 3 {
			ts.get(t.Context(), no)
		}
		<-time.After(loginPause)
		if _, err := ts.get(t.Context(), no); err == nil || n != 2 {
			t.Errorf("%d logins, %v", n, err)
		}
	})
}

// The one who logs in may give up; the others must not fail with it.
func TestWaitersOutliveTheLeader(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ts := tokens{account: "a", password: "p"}
		var n atomic.Int32
		login := func(ctx context.Context) (string, error) {
			if n.Add(1) == 1 {
				<-ctx.Done()
				return "", ctx.Err()
			}
			return "fresh", nil
		}
		leader, cancel := context.WithCancel(t.Context())
		go ts.get(leader, login)
		synctest.Wait()
		impatient, stop := context.WithTimeout(t.Context(), time.Second)
		defer stop()
		if _, err := ts.get(impatient, login); moment.KindOf(err) != moment.Unavailable {
			t.Errorf("a waiter whose time ran out: %v", err)
		}
		got := make(chan string, 2)
		for range 2 {
			go func() {
				token, _ := ts.get(t.Context(), login)
				got <- token
			}()
		}
		synctest.Wait()
		cancel()
		if a, b := <-got, <-got; a != "fresh" || b != "fresh" || n.Load() != 2 {
			t.Errorf("got %q and %q after %d logins", a, b, n.Load())
		}
	})
}

func TestDropKeepsANewerToken(t *testing.T) {
	t.Parallel()
	ts := tokens{account: "a", password: "p", value: "new"}
	if ts.drop("old"); ts.value != "new" {
		t.Error("a newer token was dropped")
	}
	ts = tokens{value: "given"}
	if ts.drop("given"); ts.value != "given" {
		t.Error("a token that cannot be renewed was dropped")
	}
}

func TestWarnsOfClearToken(t *testing.T) {
	t.Parallel()
	for base, want := range map[string]bool{
		"http://203.0.113.5:9899": true, "http://gateway": true,
		"https://gateway": false, "http://127.0.0.1:1": false, "http://localhost": false, "http://[::1]": false,
	} {
		var out bytes.Buffer
		if _, err := New(Config{BaseURL: base, Token: "t0ken", Log: zerolog.New(&out)}); err != nil {
			t.Fatal(err)
		}
		if (out.Len() > 0) != want || strings.Contains(out.String(), "t0ken") {
			t.Errorf("%s: logged %q", base, out.String())
		}
	}
}
