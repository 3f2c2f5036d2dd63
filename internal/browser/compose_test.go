package browser_test

import (
	"encoding/csv"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"

	"context"

	"momentcast/internal/app"
	"momentcast/internal/moment"
)

// typeCard writes a whole card for two accounts into the composer, to be sent
// in some hours.
func (b *tab) typeCard() {
	b.t.Helper()
	b.has("#compose")
	if eval[bool](b, `document.querySelectorAll('input[name=instance]:checked').length === 0`) {
		b.click("input[name=instance]")
		b.click("li:nth-child(2) input[name=instance]")
	}
	b.fill("#content", "立秋以后，第一批桂花乌龙出锅了。\n今年雨水少，香气更聚。\n\n老规矩：先到先得，不补货。")
	b.fill("#url", "https://mall.example.com/tea/osmanthus")
	b.fill("#title", "桂花乌龙 · 秋季首批 120 盒")
	b.fill("#description", "手工窨制五道，48 小时内发货")
	b.fill("#thumb_url", b.picturesAt+"/thumb/40.png")
	b.click("input[name=visibility][value=everyone]")
	b.fill("#due_at", eval[string](b, `new Date(Date.now() + 11 * 3600e3 + 480 * 60e3).toISOString().slice(0, 16)`))
	b.has("#preview .departures")
	b.calm()
}

// send presses one of the composer's buttons, and agrees to what it warns of:
// the links here lead nowhere.
func (b *tab) send(do string) {
	b.t.Helper()
	b.heard.expect(422)
	b.calm()
	if b.count("#agreed:not(:checked)") > 0 {
		b.click("#agreed")
	}
	before := eval[float64](b, `performance.timeOrigin`)
	b.click("button[name=do][value=" + do + "]")
	b.wait("an answer to the form", fmt.Sprintf(`performance.timeOrigin !== %f && document.readyState === 'complete'`, before))
	if b.count("#agreed:not(:checked)") > 0 && b.count(".compose [aria-invalid]") == 0 && b.count("main .alert-danger") > 0 && b.count("tr.differs, .review-diff") == 0 && !eval[bool](b, `document.body.innerText.includes('两边的内容')`) {
		b.click("#agreed")
		b.click("button[name=do][value=" + do + "]")
	}
}

// From the draft to the file: an editor composes, cannot release it, somebody
// else approves, it becomes sent while the editor looks on, and is found again
// by two Chinese characters, in the history and in its export.
func TestFromComposingToTheExport(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(c *app.Config) { c.Pacing.RequireApproval = new(true) })
	ann, bob := w.tab("ann", "zh-CN"), w.tab("bob", "zh-CN")
	ann.open("/posts/new")
	ann.typeCard()
	ann.see("桂花乌龙 · 秋季首批 120 盒", "实际发送时间")
	ann.fill("#due_at", eval[string](ann, `new Date(Date.now() + 480 * 60e3).toISOString().slice(0, 16)`))
	ann.send("submit")
	ann.wait("what was made", `location.pathname.startsWith('/posts/new/made/')`)
	ann.see("已创建 2 条", "待审批")
	id := ask[int64](w, `SELECT min(id) FROM posts`)
	ann.open(fmt.Sprintf("/approvals?post=%d", id))
	ann.see("这是您写的，需由其他人审批。")
	ann.open(fmt.Sprintf("/posts/%d", id))
	ann.see("待审批")

	bob.open(fmt.Sprintf("/approvals?post=%d", id))
	bob.see("待审批 2 条", "桂花乌龙 · 秋季首批 120 盒", "第一次提交审批")
	bob.press("批准")
	bob.see(fmt.Sprintf("帖子 #%d 已批准", id))
	ann.wait("sent, without a reload", `document.querySelector('main .state-sent') !== null`)
	ann.see("微信保存的与要求的一致")
	if n := w.sim.Stats().Accepted; n != 1 {
		t.Errorf("the gateway accepted %d posts, one was approved", n)
	}

	ann.open("/history")
	ann.fill("input[name=q]", "桂花")
	ann.press("筛选")
	ann.wait("the filter is in the address", `location.search.includes('q=')`)
	ann.see("桂花乌龙 · 秋季首批 120 盒", "已发送")
	file := ann.download(eval[string](ann, `document.querySelector('a[href*="/history/export"]').getAttribute('href')`))
	rows, err := csv.NewReader(strings.NewReader(strings.TrimPrefix(file, "\ufeff"))).ReadAll()
	if err != nil || !strings.HasPrefix(file, "\ufeff") {
		t.Fatalf("the export is no CSV with a mark: %v\n%s", err, file)
	}
	if len(rows) != 3 {
		t.Errorf("the export has %d lines, want a head and two posts:\n%s", len(rows), file)
	}
	if !strings.Contains(file, "已发送") || !strings.Contains(file, "桂花乌龙 · 秋季首批 120 盒") {
		t.Errorf("the export lacks the post:\n%s", file)
	}
}

// download asks for a file as the tab's person does.
func (b *tab) download(path string) string {
	b.t.Helper()
	var cookies []*network.Cookie
	b.step("the tab's cookies", func(ctx context.Context) error {
		got, err := chromedp.Call(ctx, network.GetCookies, network.GetCookiesParams{URLs: []string{b.base}})
		cookies = got.Cookies
		return err
	})
	r, err := http.NewRequestWithContext(b.ctx, http.MethodGet, b.base+path, http.NoBody)
	if err != nil {
		b.t.Fatal(err)
	}
	for _, c := range cookies {
		r.AddCookie(&http.Cookie{Name: c.Name, Value: c.Value})
	}
	answer, err := (&http.Client{Transport: &http.Transport{DisableKeepAlives: true}}).Do(r)
	if err != nil {
		b.t.Fatal(err)
	}
	defer func() { _ = answer.Body.Close() }()
	body, err := io.ReadAll(answer.Body)
	if err != nil || answer.StatusCode != http.StatusOK {
		b.t.Fatalf("%s: %d %v", path, answer.StatusCode, err)
	}
	return string(body)
}

// What is typed is kept: the browser asks before it is left, and who comes back
// finds it as it was.
func TestComposerLosesNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.tab("editor", "zh-CN")
	b.open("/posts/new")
	b.heard.set(func(h *heard) { h.stay = true })
	b.fill("#content", "写到一半的内容，还没有保存")
	b.click(`nav a[href="/queue"]`)
	b.wait("still here", `location.pathname === '/posts/new'`)
	w.eventually("the browser asks", func() bool { return len(b.heard.dialogs.copy()) > 0 })
	if got := b.value("#content"); got != "写到一半的内容，还没有保存" {
		t.Errorf("the content is %q after staying", got)
	}
	b.see("已自动保存") // by itself
	b.heard.set(func(h *heard) { h.stay = false })
	b.click(`nav a[href="/queue"]`)
	b.at("/queue")
	b.open("/posts/new")
	b.see("已恢复您上次没有提交的内容")
	if got := b.value("#content"); got != "写到一半的内容，还没有保存" {
		t.Errorf("what was kept is %q", got)
	}
}

// Two people edit one post: the second is shown both, and decides.
func TestStaleEditShowsBoth(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.add(w.card(linXiaowen, "原来的正文", "原来的标题", "", "tea/a"))[0]
	edit := fmt.Sprintf("/posts/%d/edit", id)
	ann, bob := w.tab("ann", "zh-CN"), w.tab("bob", "zh-CN")
	ann.open(edit)
	bob.open(edit)
	ann.fill("#title", "安然改过的标题")
	ann.send("save")
	ann.at(fmt.Sprintf("/posts/%d", id))
	bob.fill("#content", "鲍博改过的正文")
	bob.heard.expect(409)
	bob.send("save")
	bob.see("两边的内容", "安然改过的标题")
	if got := bob.value("#content"); got != "鲍博改过的正文" {
		t.Errorf("the stale form has lost what was typed: %q", got)
	}
	bob.fill("#title", "两人都同意的标题")
	bob.send("save")
	bob.at(fmt.Sprintf("/posts/%d", id))
	if got := ask[string](w, `SELECT title || '/' || content FROM posts WHERE id = $1`, id); got != "两人都同意的标题/鲍博改过的正文" {
		t.Errorf("stored: %s", got)
	}
	if got := w.state(id); got != moment.Scheduled {
		t.Errorf("the post is %s", got)
	}
}
