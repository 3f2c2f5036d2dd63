package browser_test

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/chromedp/chromedp/kb"

	"momentcast/internal/moment"
	"momentcast/internal/postgres/postgrestest"
	"momentcast/internal/web"
)

// Who may only look finds nothing on any page that changes something but their
// own account, and a request made by hand is refused.
func TestViewersChangeNothing(t *testing.T) {
	t.Parallel()
	s := newWorld(t).newTeam()
	b := s.tab("viewer", "zh-CN")
	const own = `Array.from(document.querySelectorAll('form')).filter(f => f.method === 'post' && f.querySelector('button, input:not([type=hidden])') && !/^\/(theme|logout|account|history\/(views|columns))/.test(new URL(f.action).pathname)).map(f => f.getAttribute('action'))`
	for _, pattern := range []string{"GET /{$}", "GET /queue", "GET /history", "GET /inbox", "GET /posts/{id}", "GET /instances", "GET /instances/{id}", "GET /account"} {
		for _, sc := range screens[pattern] {
			b.open(sc.path(s))
			if forms := eval[[]string](b, own); len(forms) > 0 {
				t.Errorf("a viewer finds %v on %s", forms, sc.path(s))
			}
			for _, word := range []string{"重试", "取消发送", "改时间", "撤回", "已经发出了", "全部暂停", "立即发送"} {
				if eval[bool](b, `Array.from(document.querySelectorAll('main a, main button')).some(e => e.innerText.trim() === `+quote(word)+`)`) {
					t.Errorf("a viewer finds %s on %s", word, sc.path(s))
				}
			}
		}
	}
	b.heard.expect(403)
	for _, pattern := range web.Patterns() {
		method, path, _ := strings.Cut(pattern, " ")
		if method != "POST" || slices.ContainsFunc([]string{"/theme", "/log", "/setup", "/account", "/history/", "/jobs/"}, func(p string) bool { return strings.HasPrefix(path, p) }) {
			continue
		}
		path = strings.NewReplacer("{id}", fmt.Sprint(s.scheduled), "{key}", "none").Replace(path)
		if strings.Contains(path, "{") {
			continue
		}
		status := eval[int](b, `fetch(`+quote(path)+`, {method: 'POST', body: new URLSearchParams({reason: 'forged', version: '1'})}).then(r => r.status)`)
		if status != 403 {
			t.Errorf("POST %s by a viewer: %d", path, status)
		}
	}
	if got := s.state(s.scheduled); got != moment.Scheduled {
		t.Errorf("the post is %s", got)
	}
}

// The language is changed where one is, and stays.
func TestBothLanguages(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.tab("editor", "zh-CN")
	b.open("/history?state=sent&q=" + url.QueryEscape("龙井"))
	b.see("历史", "没有符合条件的帖子")
	b.press("English")
	b.see("History", "No post matches.")
	if got := b.value("input[name=q]"); got != "龙井" {
		t.Errorf("the filter is %q in English", got)
	}
	if got := eval[string](b, `document.documentElement.lang`); got != "en" {
		t.Errorf("lang=%q", got)
	}
	b.open("/queue")
	b.see("Queue")
	b.press("中文")
	b.see("队列")
}

// A session that ends while somebody types takes nothing of it: the form can be
// sent again after signing in.
func TestSessionExpiresInAForm(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.add(w.card(linXiaowen, "文字", "将被取消的一条", "", "tea/a"))[0]
	b := w.tab("editor", "zh-CN")
	b.open(fmt.Sprintf("/posts/%d/cancel", id))
	b.fill("[name=reason]", "内容有误，稍后重写")
	w.exec(`DELETE FROM sessions`)
	b.heard.expect(401)
	b.click("main form button[type=submit]")
	b.see("登录已失效", "还保存在本页")
	b.press("查看保存的内容")
	b.see("内容有误，稍后重写")
	// In another tab, as the page says: the same profile.
	other := b.sibling()
	other.signIn("editor", "zh-CN")
	b.press("重新提交")
	b.see("已取消", "内容有误，稍后重写")
	if got := w.state(id); got != moment.Cancelled {
		t.Errorf("the post is %s", got)
	}
}

// Without a database there is a page that says so, and that is itself again
// when the database is.
func TestDatabaseAway(t *testing.T) {
	t.Parallel()
	srv, address := postgrestest.Private(t)
	w := newWorldOn(t, address)
	w.add(w.card(linXiaowen, "文字", "留下的一条", "", "tea/a"))
	b := w.tab("editor", "zh-CN")
	b.open("/queue")
	b.see("留下的一条")
	b.heard.set(func(h *heard) { h.away = true })
	if err := syscall.Kill(srv.PID(), syscall.SIGQUIT); err != nil {
		t.Fatal(err)
	}
	<-srv.Done()
	b.openAs("/queue", 503)
	b.see("数据库暂时无法连接", "已排期的内容不会丢失", "本页每 5 秒自动重试")
	if err := srv.Restart(t.Context(), true); err != nil {
		t.Fatal(err)
	}
	b.see("留下的一条") // by itself
	w.pool.Reset()
}

// The first visitor becomes the administrator, with the secret from the log.
func TestFirstRun(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.exec(`TRUNCATE users CASCADE`)
	w.exec(`UPDATE posts SET author = author`)
	b := newTab(t, w.base)
	b.open("/setup?lang=zh-CN")
	b.see("首次设置", "一次性密钥")
	b.resize(narrow)
	b.examine("setup-zh-360", variants[1])
	b.resize(wide)
	b.examine("setup-zh-wide", variants[0])
}

// Everything is reached by keyboard, and what has the focus can be seen.
func TestKeyboardAlone(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.add(w.card(linXiaowen, "文字", "用键盘取消的一条", "", "tea/a"))[0]
	b := newTab(t, w.base)
	b.open("/login?lang=zh-CN")
	b.keys("ann" + kb.Tab + password + kb.Enter)
	b.at("/")
	b.keys(kb.Tab)
	if got := eval[string](b, `document.activeElement.className`); got != "skip" {
		t.Errorf("the first stop is %q, not the way past the navigation", got)
	}
	b.keys("?")
	b.wait("the help", `document.querySelector('#help').open`)
	b.keys(kb.Escape)
	b.keys("gq")
	b.at("/queue")
	b.stroke("/")
	b.wait("the search field has the focus", `document.activeElement.matches('[data-search]')`)
	b.insert("键盘")
	b.keys(kb.Enter)
	b.wait("the filter is in the address", `location.search.includes('q=')`)
	b.see("用键盘取消的一条")
	b.tabTo("用键盘取消的一条")
	b.keys(kb.Enter)
	b.at(fmt.Sprintf("/posts/%d", id))
	b.tabTo("取消发送")
	b.keys(kb.Enter)
	b.at(fmt.Sprintf("/posts/%d/cancel", id))
	b.tabInto("[name=reason]")
	b.insert("不发了")
	b.tabTo("取消发送")
	b.keys(kb.Enter)
	b.see("帖子 #" + fmt.Sprint(id) + " 已取消。")
}

// tabInto presses Tab until the element has the focus.
func (b *tab) tabInto(selector string) {
	b.t.Helper()
	b.tabUntil(selector, `document.activeElement.matches(`+quote(selector)+`)`)
}

// tabTo presses Tab until what has the text has the focus.
func (b *tab) tabTo(text string) {
	b.t.Helper()
	b.tabUntil(text, `(document.activeElement.innerText || '').trim() === `+quote(text))
}

func (b *tab) tabUntil(what, there string) {
	b.t.Helper()
	for range 200 {
		if eval[bool](b, there) {
			if !eval[bool](b, focusVisible) {
				b.t.Errorf("nobody can see that %s has the focus (see %s)", what, b.keep())
			}
			return
		}
		b.keys(kb.Tab)
	}
	b.t.Fatalf("Tab never comes to %s (see %s)", what, b.keep())
}

// focusVisible compares what has the focus with itself without it.
const focusVisible = `(el => {
	const look = () => { const s = getComputedStyle(el); return [s.outlineStyle === 'none' ? '' : s.outlineWidth + s.outlineColor, s.boxShadow, s.borderColor, s.backgroundColor].join('|'); };
	const on = look();
	el.blur();
	const off = look();
	el.focus({focusVisible: true});
	return on !== off;
})(document.activeElement)`
