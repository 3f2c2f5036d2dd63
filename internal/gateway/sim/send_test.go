package sim

import (
	"math"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestSendAnswersWithTheMoment(t *testing.T) {
	t.Parallel()
	r := start(t, Config{})
	before := time.Now().Add(-time.Millisecond)
	a, b := r.post(old, 1), r.post(old, 2)
	if a.Status != 1 || a.Object.UserName != old || a.Object.ObjectDesc == "" {
		t.Errorf("reply: %+v", a)
	}
	ida, _ := strconv.ParseUint(a.Object.ID, 10, 64)
	idb, _ := strconv.ParseUint(b.Object.ID, 10, 64)
	if ida <= math.MaxInt64 || idb <= ida {
		t.Errorf("ids %d, %d: want ascending and beyond int64", ida, idb)
	}
	if created := time.UnixMilli(int64(ida >> 23)); created.Before(before) || created.After(time.Now()) {
		t.Errorf("id says it was created %v", created)
	}
	if uint64(float64(ida)) == ida && uint64(float64(idb)) == idb {
		t.Error("ids survive a float: a client that takes them for numbers would go unnoticed")
	}
	if got := a.Object.CreateTime; got != int64(ida>>23/1000) {
		t.Errorf("createTime %d", got)
	}
}

func TestTruthHasWhatWasAsked(t *testing.T) {
	t.Parallel()
	r := start(t, Config{})
	r.ok("/snsSendUrl", with(card(r.wID(old), 1), "blackList", "wxid_a,wxid_b", "blackListLabelIds", "2,3"), &sent{})
	truth := r.Truth()
	if len(truth) != 1 {
		t.Fatalf("truth: %+v", truth)
	}
	want := SendRequest{
		Content: "客户案例更新", Title: "标题", Description: "描述", URL: "https://example.com/p?n=1",
		ThumbURL: "https://example.com/t.jpg", BlackList: "wxid_a,wxid_b", BlackListLabelIDs: "2,3",
	}
	if d := cmp.Diff(want, truth[0].Request); d != "" {
		t.Error(d)
	}
	if a := truth[0]; a.Call != "snsSendUrl" || a.WcID != old || a.WID != r.wID(old) || a.Copy != 1 || a.MomentID == "" {
		t.Errorf("truth: %+v", a)
	}
}

func TestSendValidates(t *testing.T) {
	t.Parallel()
	r := start(t, Config{})
	good := card(r.wID(old), 1)
	for name, c := range map[string]struct {
		body fields
		want string
	}{
		"unknown session": {with(good, "wId", "nope"), "wId"},
		"no wId":          {with(good, "wId", nil), "wId"},
		"no content":      {with(good, "content", ""), "content"},
		"no title":        {with(good, "title", nil), "title"},
		"no description":  {with(good, "description", nil), "description"},
		"no url":          {with(good, "url", nil), "url"},
		"no thumbUrl":     {with(good, "thumbUrl", nil), "thumbUrl"},
		"other scheme":    {with(good, "url", "javascript:alert(1)"), "url"},
		"relative thumb":  {with(good, "thumbUrl", "/t.jpg"), "thumbUrl"},
		"both sides":      {with(good, "groupUser", "wxid_a", "blackListLabelIds", "1"), "不能同时"},
		"list as array":   {with(good, "groupUser", []string{"a"}), "类型"},
		"label names":     {with(good, "groupUserLabelIds", "老客户"), "标签"},
	} {
		if msg := r.refused("/snsSendUrl", c.body); !strings.Contains(msg, c.want) {
			t.Errorf("%s: %q does not mention %q", name, msg, c.want)
		}
	}
	if n := len(r.Truth()); n != 0 {
		t.Errorf("%d refused requests were posted", n)
	}
	r.ok("/snsSendUrl", with(good, "description", ""), &sent{})
}

func TestThreeDayRule(t *testing.T) {
	t.Parallel()
	r := start(t, Config{})
	if msg := r.refused("/snsSendUrl", card(r.wID(young), 1)); !strings.Contains(msg, "三天") {
		t.Errorf("message %q", msg)
	}
	r.ReloginKeepingAge(old)
	r.post(old, 2)
	r.Relogin(old)
	r.refused("/snsSendUrl", card(r.wID(old), 3))
	off := start(t, Config{OnlineAge: -1})
	off.post(young, 1)
}

func TestReloginEndsTheOldSession(t *testing.T) {
	t.Parallel()
	r := start(t, Config{OnlineAge: -1})
	before := r.wID(old)
	after := r.Relogin(old)
	if before == after || after != r.wID(old) {
		t.Errorf("wId %s, then %s, listed %s", before, after, r.wID(old))
	}
	r.refused("/snsSendUrl", card(before, 1))
	r.ok("/snsSendUrl", card(after, 1), &sent{})
	if got := r.Relogin("wxid_nobody"); got != "" {
		t.Errorf("unknown account logged in as %q", got)
	}
}

func TestSessionsSurviveARestart(t *testing.T) {
	t.Parallel()
	a, b := start(t, Config{Seed: 7}), start(t, Config{Seed: 7})
	if a.wID(old) != b.wID(old) {
		t.Error("same seed, different wId")
	}
	if c := start(t, Config{Seed: 8}); c.wID(old) == a.wID(old) {
		t.Error("other seed, same wId")
	}
}

func TestLeanLeavesOutTheDescription(t *testing.T) {
	t.Parallel()
	r := start(t, Config{Lean: true})
	if s := r.post(old, 1); s.Object.ObjectDesc != "" || s.Object.ID == "" {
		t.Errorf("reply %+v", s)
	}
}

func TestAuthorizationAsIs(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		token, header string
		want          int
	}{
		{"", "anything", 200}, {"", "", 401}, {"", "Bearer x", 401},
		{"k", "k", 200}, {"k", "other", 401}, {"k", "Bearer k", 401},
	} {
		r := start(t, Config{Token: c.token})
		req, _ := http.NewRequest(http.MethodPost, r.url+"/queryLoginWx", strings.NewReader("{}"))
		req.Header.Set("Content-Type", "application/json; charset=utf-8")
		req.Header.Set("Authorization", c.header)
		resp, err := noFollow().Do(req)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != c.want {
			t.Errorf("token %q, header %q: %d", c.token, c.header, resp.StatusCode)
		}
	}
}

func TestWireForm(t *testing.T) {
	t.Parallel()
	r := start(t, Config{})
	for _, c := range []struct {
		method, path, contentType string
		want                      int
	}{
		{"GET", "/snsSendUrl", "application/json", 405},
		{"POST", "/snsSendUrl", "text/plain", 415},
		{"POST", "/noSuchCall", "application/json", 404},
	} {
		req, _ := http.NewRequest(c.method, r.url+c.path, strings.NewReader("{}"))
		req.Header.Set("Content-Type", c.contentType)
		req.Header.Set("Authorization", "x")
		resp, err := noFollow().Do(req)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != c.want {
			t.Errorf("%s %s: %d, want %d", c.method, c.path, resp.StatusCode, c.want)
		}
	}
	status, _, err := r.raw("/snsSendUrl", strings.Repeat("x", maxBody))
	if err == nil && status != http.StatusRequestEntityTooLarge {
		t.Errorf("huge body: %d", status)
	}
}

func TestCallsKeepTheWire(t *testing.T) {
	t.Parallel()
	r := start(t, Config{})
	r.post(old, 1)
	calls := r.Calls()
	last := calls[len(calls)-1]
	if last.Path != "/snsSendUrl" || last.Authorization != "secret" || !strings.Contains(last.Body, `"title":"标题"`) ||
		last.Header.Get("Content-Type") != "application/json" {
		t.Errorf("call %+v", last)
	}
}
