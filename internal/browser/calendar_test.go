package browser_test

import (
	"fmt"
	"testing"
	"time"

	"momentcast/internal/app"
)

// spotOfPost is where a post is in the calendar.
func (b *tab) spotOfPost(id int64) spot {
	b.t.Helper()
	sel := fmt.Sprintf(`.fc-event[href*="/posts/%d"], .fc-event:has(a[href*="/posts/%d"])`, id, id)
	return b.spotOf(sel, `document.querySelector(`+quote(sel)+`)`)
}

// dayAt is a spot in the cell of a day of the month.
func (b *tab) dayAt(day time.Time) spot {
	b.t.Helper()
	sel := fmt.Sprintf(`td[data-date="%s"]`, day.Format(time.DateOnly))
	return b.spotOf(sel, `document.querySelector(`+quote(sel)+`)`)
}

// A post is dragged to another day. Where a rule is in the way the page asks
// first, and nothing has changed until somebody has answered. A move is undone.
func TestDraggingInTheCalendar(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(c *app.Config) { c.Pacing.MinGap = new(2 * time.Hour) })
	zone, err := time.LoadLocation("Asia/Shanghai")
	if err != nil {
		t.Fatal(err)
	}
	// Next month, so that all three days are ahead and in one view.
	now := time.Now().In(zone)
	day := func(n int) time.Time { return time.Date(now.Year(), now.Month()+1, n, 10, 30, 0, 0, zone) }
	moved, other := w.card(linXiaowen, "文字", "要移动的", "", "tea/a"), w.card(linXiaowen, "文字", "同一实例的", "", "tea/b")
	moved.DueAt, other.DueAt = day(14), day(15).Add(time.Hour)
	ids := w.add(moved, other)
	due := func() time.Time {
		return ask[time.Time](w, `SELECT due_at FROM posts WHERE id = $1`, ids[0])
	}
	b := w.tab("editor", "zh-CN")
	b.open("/calendar?date=" + day(14).Format(time.DateOnly))
	b.see("要移动的")

	b.drag(b.spotOfPost(ids[0]), b.dayAt(day(17)))
	w.eventually("moved by three days", func() bool { return due().Equal(day(17)) })
	b.press("撤销")
	w.eventually("moved back", func() bool { return due().Equal(day(14)) })
	b.wait("the calendar shows it", fmt.Sprintf(`document.querySelector('td[data-date="%s"] [href*="/posts/%d"]')`, day(14).Format(time.DateOnly), ids[0]))

	b.heard.expect(409)
	b.heard.expect(422)
	b.drag(b.spotOfPost(ids[0]), b.dayAt(day(15)))
	b.see("还没有改动：这个时间有问题", "会让原定")
	if !due().Equal(day(14)) {
		t.Errorf("due %v before anybody has answered", due())
	}
	b.press("仍然改到这个时间")
	w.eventually("moved all the same", func() bool { return due().Equal(day(15)) })
}
