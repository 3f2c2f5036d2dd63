package browser_test

import (
	"fmt"
	"testing"

	"momentcast/internal/gateway/sim"
	"momentcast/internal/moment"
)

// plain opens a tab in which no page runs a script.
func (w *world) plain(name string) *tab {
	w.t.Helper()
	b := newTab(w.t, w.base)
	b.scripts(false)
	b.signIn(name, "zh-CN")
	return b
}

// submit presses the main button of the page's form.
func (b *tab) submit() {
	b.t.Helper()
	b.click("main form[method=post] button[type=submit]")
}

// Where scripts are switched off, or did not arrive, the main action of every
// page is still there.
func TestWithoutScripts(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ids := w.add(w.card(linXiaowen, "文字", "会被取消的", "", "tea/a"), w.card(wangMin, "文字", "会改时间的", "", "tea/b"), w.card(wangMin, "文字", "批量取消的", "", "tea/c"))
	refused := w.doubtful(chenZhiyuan, "会重试的", sim.Reject)
	w.becomes(refused, moment.Failed)
	b := w.plain("operator")

	b.open("/queue")
	b.fill("input[name=q]", "批量")
	b.click(".filters button[type=submit]")
	b.wait("the filter is in the address", `location.search.includes('q=') && document.readyState === 'complete'`)
	b.see("批量取消的")
	b.lacks("会被取消的")
	b.click("input[name=id]")
	b.click("button[name=do][value=cancel]")
	b.at("/queue/bulk")
	b.fill("[name=reason]", "整批不要了")
	b.submit()
	b.see("处理完毕：1 条成功")

	b.open(fmt.Sprintf("/posts/%d", ids[0]))
	b.press("取消发送")
	b.at(fmt.Sprintf("/posts/%d/cancel", ids[0]))
	b.fill("[name=reason]", "内容有误")
	b.submit()
	b.see(fmt.Sprintf("帖子 #%d 已取消。", ids[0]))

	b.open(fmt.Sprintf("/posts/%d/reschedule", ids[1]))
	b.fill("[name=due_at]", "2027-01-04T10:30")
	b.submit()
	b.see("已改时间", "1月4日 周一 10:30")

	b.open("/inbox")
	b.see("会重试的")
	b.press("重试")
	b.submit()
	b.at(fmt.Sprintf("/posts/%d", refused))
	w.becomes(refused, moment.Sent)

	b.open("/pause")
	b.fill("[name=reason]", "链接有误，全部先停")
	b.submit()
	b.see("全部发送已由 operator 暂停", "链接有误，全部先停")
	b.press("恢复发送")
	b.at("/resume")
	b.submit()
	b.see("已恢复发送")

	b.open("/history?state=sent")
	b.see("会重试的")
	b.open(fmt.Sprintf("/instances/%d", w.ids[linXiaowen]))
	b.fill("#min_gap", "20m")
	b.press("保存")
	b.see("的设置已保存")
	b.press("退出登录")
	b.at("/login")
}
