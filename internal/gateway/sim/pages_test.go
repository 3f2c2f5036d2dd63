package sim

import (
	"io"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"
)

func (r rig) page(path string) (int, string, http.Header) {
	r.t.Helper()
	resp, err := noFollow().Get(r.url + path)
	if err != nil {
		r.t.Fatal(err)
	}
	defer resp.Body.Close()
	b, _ := io.ReadAll(resp.Body)
	return resp.StatusCode, string(b), resp.Header
}

func (r rig) has(body string, wants ...string) {
	r.t.Helper()
	for _, w := range wants {
		if !strings.Contains(body, w) {
			r.t.Errorf("page lacks %q", w)
		}
	}
}

func TestListPage(t *testing.T) {
	t.Parallel()
	r := start(t, Config{Accounts: DemoAccounts()})
	status, body, head := r.page("/")
	if status != 200 || !strings.Contains(head.Get("Content-Security-Policy"), "default-src 'none'") {
		t.Errorf("%d %v", status, head)
	}
	r.has(body, "林晓雯", "wxid_a9f2hb4ok1vm22", "✕ 离线", "还差 1 分", "可发链接", `content="5"`)
	_, body, _ = start(t, Config{Accounts: []Account{}}).page("/")
	r.has(body, "还没有账号")
	if status, _, _ = r.page("/static/sim.css"); status != 200 {
		t.Errorf("style: %d", status)
	}
}

func TestFeedPage(t *testing.T) {
	t.Parallel()
	r := start(t, Config{})
	_, body, _ := r.page("/feed/" + old)
	r.has(body, "还没有朋友圈")
	wID := r.wID(old)
	id, gone := r.post(old, 1).Object.ID, r.post(old, 2).Object.ID
	r.post(old, 1)
	var long sent
	r.ok("/snsSendUrl", with(card(wID, 5), "content", strings.Repeat("长", 101)+"尾", "groupUser", "a,b", "groupUserLabelIds", "1"), &long)
	r.ok("/snsSetAsPrivacy", fields{"wId": wID, "id": id}, nil)
	r.ok("/deleteSns", fields{"wId": wID, "id": gone}, nil)
	r.ok("/snsComment", fields{"wId": wID, "id": id, "content": "首评"}, nil)
	n, _ := strconv.ParseUint(id, 10, 64)
	r.React(old, n, "wxid_f", "朋友甲", "")
	_, body, _ = r.page("/feed/" + old)
	r.has(body, "客户案例更新", "标题", "刚刚", "私密", "已删除", "重复发送，第 2 次", "首评", "朋友甲", "全文", "仅 2 人、1 个标签可见",
		`src="https://example.com/t.jpg"`, `referrerpolicy="no-referrer"`)
	if strings.Contains(body, "尾") {
		t.Error("long text is not folded")
	}
	_, body, _ = r.page("/feed/" + old + "?open=" + long.Object.ID)
	r.has(body, "尾")
	if status, body, _ := r.page("/feed/wxid_nobody"); status != 404 || !strings.Contains(body, "没有这个账号") {
		t.Errorf("%d %s", status, body)
	}
}

func TestPagesEscapeHostileTexts(t *testing.T) {
	t.Parallel()
	const evil = `"><script>alert(1)</script><img src=x onerror=alert(1)>'`
	r := start(t, Config{Accounts: []Account{{WcID: "wxid_<b>&'\"", Name: evil, OnlineFor: 99 * time.Hour}}})
	wID := r.wID("wxid_<b>&'\"")
	var s sent
	r.ok("/snsSendUrl", with(card(wID, 1), "content", evil, "title", evil, "description", evil, "url", "https://example.com/?"+evil, "thumbUrl", "http://example.com/"+evil), &s)
	r.ok("/snsComment", fields{"wId": wID, "id": s.Object.ID, "content": evil}, nil)
	for _, path := range []string{"/", "/feed/wxid_%3Cb%3E&'%22"} {
		status, body, _ := r.page(path)
		if status != 200 {
			t.Fatalf("%s: %d", path, status)
		}
		if strings.Contains(body, "<script") || strings.Contains(body, "<img src=x") || strings.Contains(body, "<b>&") {
			t.Errorf("%s lets markup through:\n%s", path, body)
		}
	}
}

func TestWording(t *testing.T) {
	t.Parallel()
	now := time.Now()
	for want, d := range map[string]time.Duration{
		"刚刚": 59 * time.Second, "5分钟前": 5 * time.Minute, "3小时前": 3*time.Hour + time.Minute, "昨天": 30 * time.Hour, "3天前": 80 * time.Hour,
	} {
		if got := ago(now, now.Add(-d)); got != want {
			t.Errorf("%v ago: %s", d, got)
		}
	}
	for want, d := range map[string]time.Duration{
		"9 秒": 9 * time.Second, "1 分 30 秒": 90 * time.Second, "2 小时 5 分": 125 * time.Minute, "8 天 8 小时": 200 * time.Hour,
	} {
		if got := span2zh(d); got != want {
			t.Errorf("%v: %s", d, got)
		}
	}
	if text, cut := fold("1\n2\n3\n4\n5\n6\n7"); !cut || text != "1\n2\n3\n4\n5\n6" {
		t.Errorf("%q %v", text, cut)
	}
}
