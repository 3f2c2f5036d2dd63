package browser_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"momentcast/internal/moment"
)

// countTicks counts what the server's stream tells a page, before the page
// itself hears of it.
const countTicks = `window.heardTicks = 0;
window.EventSource = class extends EventSource {
	constructor(address) {
		super(address);
		this.addEventListener('tick', () => { window.heardTicks++; });
	}
}`

// mouse presses or releases the button at a spot.
func (b *tab) mouse(do input.DispatchMouseEventType, at spot) {
	b.t.Helper()
	b.step(string(do), func(ctx context.Context) error {
		_, err := chromedp.Call(ctx, input.DispatchMouseEvent, input.DispatchMouseEventParams{Type: do, X: at.X, Y: at.Y, Button: input.MouseButtonLeft, ClickCount: 1})
		return err
	})
}

// waiting adds a post that waits for approval, of which pages are told.
func (w *world) waiting(title string) int64 {
	w.t.Helper()
	p := w.card(wangMin, "等着审批的一条。", title, "", fmt.Sprintf("wait/%d", ask[int](w, `SELECT count(*) FROM posts`)))
	p.State = moment.Pending
	return w.add(p)[0]
}

// quiet opens a page whose ticks are counted, and waits until it has caught up
// with everything.
func (b *tab) quiet(path string) {
	b.t.Helper()
	b.step("count ticks", func(ctx context.Context) error {
		_, err := chromedp.Call(ctx, page.AddScriptToEvaluateOnNewDocument, page.AddScriptToEvaluateOnNewDocumentParams{Source: countTicks})
		return err
	})
	b.open(path)
	b.wait("the first tick", `window.heardTicks > 0`)
	b.calm()
}

// news does what pages are told of, and waits until this one has heard of it
// and is done with whatever it does about it.
func (b *tab) news(do func()) {
	b.t.Helper()
	b.wait("to count from here", `(window.heardTicks = 0) === 0`)
	do()
	b.wait("the page to hear of it", `window.heardTicks > 0`)
	b.calm()
}

// What is under the pointer is not replaced between the press of a button and
// its release: the click would be lost. The page catches up afterwards.
func TestNewsDoesNotStealAClick(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	first := w.waiting("第一条")
	b := w.tab("approver", "zh-CN")
	path := fmt.Sprintf("/approvals?post=%d", first)
	b.quiet(path)

	// The press is let go elsewhere: no click, and the news comes.
	at := b.spotOf("批准", named+`("批准")`)
	b.mouse(input.DispatchMouseEventTypeMousePressed, at)
	b.news(func() { w.waiting("第二条") })
	b.lacks("第二条")
	b.mouse(input.DispatchMouseEventTypeMouseReleased, spot{1, 1})
	b.see("第二条")

	b.quiet(path)
	at = b.spotOf("批准", named+`("批准")`)
	b.mouse(input.DispatchMouseEventTypeMousePressed, at)
	b.news(func() { w.waiting("第三条") })
	b.mouse(input.DispatchMouseEventTypeMouseReleased, at)
	b.see(fmt.Sprintf("帖子 #%d 已批准", first), "第三条")
	if got := w.state(first); got != moment.Scheduled {
		t.Errorf("the post is %s after the click", got)
	}
}

// Nor is it by an answer that was under way when the button was pressed.
func TestAnswerUnderWayDoesNotStealAClick(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	first := w.waiting("第一条")
	b := w.tab("approver", "zh-CN")
	b.quiet(fmt.Sprintf("/approvals?post=%d", first))
	at := b.spotOf("批准", named+`("批准")`)
	// The database lets the page ask, and answers when the button is down.
	tx, err := w.pool.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = tx.Rollback(context.Background()) }() // a test that failed
	if _, err := tx.Exec(t.Context(), `LOCK TABLE approvals IN ACCESS EXCLUSIVE MODE`); err != nil {
		t.Fatal(err)
	}
	b.wait("to ask", `(document.body.dispatchEvent(new CustomEvent('tick')), document.querySelector('#approvals.htmx-request') !== null)`)
	b.mouse(input.DispatchMouseEventTypeMousePressed, at)
	if err := tx.Rollback(t.Context()); err != nil {
		t.Fatal(err)
	}
	b.calm()
	b.mouse(input.DispatchMouseEventTypeMouseReleased, at)
	b.see(fmt.Sprintf("帖子 #%d 已批准", first))
}

// The keyboard stays where it is when a block is replaced, and what was
// unfolded stays so.
func TestNewsLeavesTheKeyboardWhereItIs(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ids := []int64{w.waiting("第一条"), w.waiting("第二条")}
	b := w.tab("approver", "zh-CN")
	b.quiet("/approvals")
	second := fmt.Sprintf(`a[href="/approvals?post=%d"]`, ids[1])
	old := `document.querySelector('#approvals')`
	eval[bool](b, `(document.querySelector(`+quote(second)+`).focus(), window.before = `+old+`, true)`)
	b.news(func() { w.waiting("第三条") })
	b.see("第三条")
	if !eval[bool](b, `window.before !== `+old+` && document.activeElement.matches(`+quote(second)+`)`) {
		t.Errorf("the focus went to %s", eval[string](b, `document.activeElement.outerHTML.slice(0, 200)`))
	}
	// What has the focus goes away: the next Tab is still in the block.
	b.news(func() {
		if _, err := w.db.ActOnPost(t.Context(), ids[1], 0, moment.Act{Action: moment.ActReject, Reason: "不合适"}, moment.Origin{Actor: "ann", Source: "web"}); err != nil {
			t.Fatal(err)
		}
	})
	b.wait("the row to go", `!document.querySelector(`+quote(second)+`)`)
	b.keys(kb.Tab)
	if !eval[bool](b, old+`.contains(document.activeElement)`) {
		t.Errorf("the focus went to %s", eval[string](b, `document.activeElement.outerHTML.slice(0, 200)`))
	}
}
