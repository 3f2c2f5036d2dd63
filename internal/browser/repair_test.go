package browser_test

import (
	"fmt"
	"strings"
	"testing"

	"momentcast/internal/gateway/sim"
	"momentcast/internal/moment"
)

// doubtful queues a card whose call ends in the fault, due now.
func (w *world) doubtful(n int, title string, fault sim.Fault) int64 {
	w.t.Helper()
	p := w.card(n, "周三晚八点直播，讲讲报告里没写的部分。", title, "", fmt.Sprintf("live/%d?%s=%s", n, faultParam, fault))
	p.DueAt = p.DueAt.Add(-60 * 60e9)
	return w.add(p)[0]
}

// A call whose outcome is not known stands in the inbox with what was seen of
// it. A person who has looked at the phone sends it again; the page shows by
// itself that it is sent.
func TestResolvingADoubt(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.tab("operator", "zh-CN")
	b.open("/inbox")
	b.see("没有需要处理的帖子，一切正常。")
	id := w.doubtful(linXiaowen, "直播预约", sim.DropBefore)
	w.eventually("the timeline is read back", func() bool { return ask[int](w, `SELECT reconcile_round FROM posts WHERE id = $1`, id) > 0 })
	w.eventually("the call has no time left", func() bool { return ask[bool](w, `SELECT call_until < now() FROM posts WHERE id = $1`, id) })
	b.see("直播预约", "收到回复前连接断开") // by itself
	b.press("直播预约")
	b.at(fmt.Sprintf("/posts/%d", id))
	b.see("回查时间线", "结果不明")
	b.press("没有发出，再发一次")
	b.see("如果其实已经发出，就会重复")
	b.fill("[name=reason]", "手机上看过，没有这条")
	b.click("main form button[type=submit]")
	b.at(fmt.Sprintf("/posts/%d", id))
	b.see("将再发送一次")
	b.wait("sent, without a reload", `document.querySelector('main .state-sent') !== null`)
	b.see("手机上看过，没有这条")
	if got := w.state(id); got != moment.Sent {
		t.Errorf("the post is %s", got)
	}
	if n := w.sim.Stats().Accepted; n != 1 {
		t.Errorf("the gateway accepted it %d times", n)
	}
}

// A call that did arrive although its answer was lost is found on the
// account's own timeline, and leaves the inbox while somebody looks at it.
func TestReadBackSettlesADoubt(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.tab("viewer", "en")
	id := w.doubtful(linXiaowen, "Live on Wednesday", sim.DropAfter)
	b.open(fmt.Sprintf("/posts/%d", id))
	b.wait("sent, without a reload", `document.querySelector('main .state-sent') !== null`)
	b.see("Live on Wednesday")
	b.open("/inbox")
	b.lacks("Live on Wednesday")
}

// Failed posts are tried again many at once, and only those that were surely
// not sent.
func TestBulkRetry(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	failed := []int64{w.doubtful(linXiaowen, "被拒一", sim.Reject), w.doubtful(wangMin, "被拒二", sim.Reject)}
	unknown := w.doubtful(chenZhiyuan, "待核实的", sim.DropBefore)
	for _, id := range failed {
		w.becomes(id, moment.Failed)
	}
	w.becomes(unknown, moment.Unknown)
	b := w.tab("operator", "zh-CN")
	b.open("/inbox")
	b.see("被拒一", "被拒二", "待核实的", "全部符合条件的失败帖子（2 条）")
	b.click("input[name=all]")
	b.press("重试选中的失败帖子")
	b.at("/inbox/bulk")
	b.see("将处理 2 条帖子", "待核实的帖子不在其中")
	b.click("main form button[type=submit]")
	b.see("处理完毕：2 条成功，0 条未执行。")
	for _, id := range failed {
		w.becomes(id, moment.Sent)
	}
	if got := w.state(unknown); got != moment.Unknown {
		t.Errorf("the doubtful post is %s: nobody has resolved it", got)
	}
}

// Two people have the same instance open. The second to save is shown what the
// first has changed, and loses nothing of what was typed.
func TestTwoPeopleAtOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	path := fmt.Sprintf("/instances/%d", w.ids[linXiaowen])
	first, second := w.tab("operator", "zh-CN"), w.tab("admin", "en")
	first.open(path)
	second.open(path)
	first.fill("#name", "林晓雯·主号")
	first.press("保存")
	first.see("的设置已保存。")
	second.fill("#min_gap", "45m")
	second.heard.expect(409)
	second.press("Save")
	second.has("[data-focus]")
	if got := second.value("#min_gap"); got != "45m" {
		t.Errorf("the stale form has lost what was typed: %q", got)
	}
	if !strings.Contains(eval[string](second, `document.querySelector('main').innerText`), "林晓雯·主号") {
		t.Error("the stale form does not show what the other has changed")
	}
	second.press("Save")
	second.wait("saved", `document.querySelector('.alert-success')`)
	if got := ask[string](w, `SELECT name || ' ' || coalesce(min_gap::text, '-') FROM instances WHERE id = $1`, w.ids[linXiaowen]); !strings.HasSuffix(got, "00:45:00") {
		t.Errorf("stored: %s", got)
	}
}
