package sim

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestLoginGivesTheToken(t *testing.T) {
	t.Parallel()
	r := start(t, Config{Token: "secret"})
	var got map[string]any
	r.ok("/member/login", fields{"account": "demo", "password": "demo"}, &got)
	if d := cmp.Diff(map[string]any{"callbackUrl": nil, "status": 0.0, "Authorization": "secret"}, got); d != "" {
		t.Error(d)
	}
	r.refused("/member/login", fields{"account": "demo", "password": "x"})
	open := start(t, Config{Account: "a", Password: "b"})
	open.ok("/member/login", fields{"account": "a", "password": "b"}, &got)
	if got["Authorization"] == "" {
		t.Error("no token")
	}
}

func TestOnlineAndOffline(t *testing.T) {
	t.Parallel()
	r := start(t, Config{})
	wID := r.wID(old)
	var is struct{ IsOnline bool }
	check := func(wID string, want bool) {
		t.Helper()
		if r.ok("/isOnline", fields{"wId": wID}, &is); is.IsOnline != want {
			t.Errorf("isOnline %v", is.IsOnline)
		}
	}
	check(wID, true)
	check("nope", false)
	r.SetOffline(old, true)
	check(wID, false)
	var list []struct{ WcID string }
	r.ok("/queryLoginWx", fields{}, &list)
	if len(list) != 1 || list[0].WcID != young {
		t.Errorf("online: %v", list)
	}
	r.refused("/snsSendUrl", card(wID, 1))
	r.refused("/getFriendCircle", fields{"wId": wID, "wcId": old})
	var why []struct{ WcID, Reason string }
	r.ok("/offlineReason", fields{"wcId": old}, &why)
	if len(why) != 1 || why[0].WcID != old || why[0].Reason == "" {
		t.Errorf("reason %+v", why)
	}
	r.SetOffline(old, false)
	check(wID, true)
	r.ok("/snsSendUrl", card(wID, 1), &sent{}) // a lapse does not restart the clock
	r.ok("/offlineReason", fields{"wcId": old}, &why)
	if got := r.Stats().Manners["offline_reason_too_often"]; got != 1 {
		t.Errorf("manners %v", r.Stats().Manners)
	}
}

func TestLogoutTakesEverybodyOffline(t *testing.T) {
	t.Parallel()
	r := start(t, Config{})
	r.ok("/member/logout", fields{}, nil)
	var list []any
	r.ok("/queryLoginWx", fields{}, &list)
	if len(list) != 0 || r.Stats().Manners["member_logout"] != 1 {
		t.Errorf("online %v, manners %v", list, r.Stats().Manners)
	}
}

func TestOfflineCallback(t *testing.T) {
	t.Parallel()
	got := make(chan string, 4)
	receiver := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		var b map[string]any
		if err := json.NewDecoder(r.Body).Decode(&b); err != nil {
			t.Error(err)
		}
		data, _ := b["data"].(map[string]any)
		got <- strings.Join([]string{b["account"].(string), b["messageType"].(string), b["wcId"].(string), data["wId"].(string)}, " ")
	}))
	t.Cleanup(receiver.Close)
	r := start(t, Config{})
	wID := r.wID(old)
	r.SetOffline(young, true) // nobody registered yet
	r.refused("/setHttpCallbackUrl", fields{"httpUrl": receiver.URL, "type": 1})
	r.refused("/setHttpCallbackUrl", fields{"httpUrl": "ftp://x/", "type": 2})
	r.ok("/setHttpCallbackUrl", fields{"httpUrl": receiver.URL + "/cb", "type": 2}, nil)
	r.SetOffline(old, true)
	r.SetOffline(old, true) // was already
	if want, have := "demo 30000 "+old+" "+wID, <-got; have != want {
		t.Errorf("callback %q, want %q", have, want)
	}
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	if len(got) != 0 {
		t.Errorf("another callback: %s", <-got)
	}
}

func TestCloseDoesNotWaitForADeafReceiver(t *testing.T) {
	t.Parallel()
	called, free := make(chan bool, 100), make(chan bool)
	receiver := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		called <- true
		<-free
	}))
	t.Cleanup(receiver.Close)
	t.Cleanup(func() { close(free) })
	r := start(t, Config{})
	r.ok("/setHttpCallbackUrl", fields{"httpUrl": receiver.URL, "type": 2}, nil)
	for range 20 {
		r.SetOffline(old, true)
		r.SetOffline(old, false)
	}
	<-called
	r.hooks.mu.Lock()
	workers := r.hooks.workers
	r.hooks.mu.Unlock()
	if workers > callbackWorkers {
		t.Errorf("%d workers", workers)
	}
	began := time.Now()
	if err := r.Close(); err != nil || time.Since(began) > callbackTimeout/2 {
		t.Errorf("closed after %v: %v", time.Since(began), err)
	}
}
