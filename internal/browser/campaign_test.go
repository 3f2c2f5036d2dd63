package browser_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"momentcast/internal/app"
	"momentcast/internal/moment"
)

// The card of the campaigns here; the title says which occurrence it is.
const (
	weekly  = "每周茶单"
	another = "换季茶单"
)

// typeCampaign fills the form: every day from Monday to Saturday at half past
// nine, on days on which people work, from the accounts of a group.
func (b *tab) typeCampaign() {
	b.t.Helper()
	b.open("/campaigns/new")
	b.fill("#name", weekly)
	b.fill("#content", "今天是{{weekday}}，喝点什么？")
	b.fill("#title", weekly+" {{n}}")
	b.fill("#url", "https://mall.example.com/tea/{{date}}")
	b.fill("#thumb_url", b.picturesAt+"/thumb/40.png")
	b.fill("#groups", "门店")
	b.click("input[name=visibility][value=everyone]")
	b.fill("#mode", "weekly")
	for day := 1; day <= 6; day++ {
		b.click(fmt.Sprintf("input[name=weekday][value='%d']", day))
	}
	b.fill("#clocks", "09:30")
	b.fill("#rule", "working_days")
}

// firings are the lines of the preview; those that don't fire begin with a dash.
func (b *tab) firings() []string {
	b.t.Helper()
	return eval[[]string](b, `Array.from(document.querySelectorAll('#campaign-preview .firings li')).map(li =>
		(li.classList.contains('dropped') ? '- ' : '') + (li.querySelector('del') || li).textContent.trim().slice(0, 19) + ' ' + (li.querySelector('.mark')?.textContent || ''))`)
}

// goes presses a button and waits for the page that it leads to.
func (b *tab) goes(selector, notice string) {
	b.t.Helper()
	before := eval[float64](b, `performance.timeOrigin`)
	b.click(selector)
	b.wait("the next page", fmt.Sprintf(`performance.timeOrigin !== %f && document.readyState === 'complete'`, before))
	b.see(notice)
}

// doing is a button of a page by what it does.
func doing(what string) string { return `main button[name=do][value="` + what + `"]` }

// onDay counts what the calendar shows on a day, in the state; "" = of all that
// is ahead.
func (b *tab) onDay(at time.Time, state string) int {
	b.t.Helper()
	day := at.Format(time.DateOnly)
	b.open("/calendar?date=" + day + "&state=" + state)
	b.wait("the calendar is drawn", `document.querySelector('#calendar:not([hidden]) td[data-date]')`)
	b.calm()
	return b.count(`td[data-date="` + day + `"] .fc-event:is([href*="/posts/"], :has([href*="/posts/"]))`)
}

// cells are the states of the column of an occurrence in the matrix of results.
func (b *tab) cells(campaign, occurrence int64) []string {
	b.t.Helper()
	b.open(fmt.Sprintf("/campaigns/%d", campaign))
	column := eval[int](b, `Array.from(document.querySelectorAll('table.cards tbody a[href*="/occurrences/"]')).findIndex(a => a.pathname.endsWith('/`+fmt.Sprint(occurrence)+`'))`)
	if column < 0 {
		b.t.Fatalf("campaign %d does not show its occurrence %d", campaign, occurrence)
	}
	return eval[[]string](b, fmt.Sprintf(`Array.from(document.querySelectorAll('.matrix tbody tr')).map(tr => tr.children[%d].innerText.trim())`, column+1))
}

// A campaign from its preview to its end. After each step the calendar and the
// matrix of results show what it did.
func TestCampaignFromItsPreviewToItsEnd(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(c *app.Config) { c.Pacing.RequireApproval = new(true) })
	zone, err := time.LoadLocation("Asia/Shanghai")
	if err != nil {
		t.Fatal(err)
	}
	ann, bob := w.tab("ann", "zh-CN"), w.tab("bob", "zh-CN")

	ann.typeCampaign()
	ann.fill("#preview_from", "2026-10-01")
	ann.see("2026-10-10 09:30")
	ann.calm()
	got := ann.firings()
	want := []string{"- 2026-10-01 09:30 周四 休", "- 2026-10-02 09:30 周五 休", "- 2026-10-03 09:30 周六 休", "- 2026-10-05 09:30 周一 休",
		"- 2026-10-06 09:30 周二 休", "- 2026-10-07 09:30 周三 休", "2026-10-08 09:30 周四 ", "2026-10-09 09:30 周五 ", "2026-10-10 09:30 周六 班"}
	if len(got) < len(want) || !slices.Equal(got[:len(want)], want) {
		t.Errorf("around the National Day the preview shows\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	ann.fill("#preview_from", "")

	ann.goes(`form.campaign button[type=submit]:not([formaction])`, "草稿")
	id := ask[int64](w, `SELECT id FROM campaigns`)
	ann.goes(doing("activate"), "活动已启用")
	ann.see("待审批")
	ann.see("这个活动是您写的") // who wrote it is told so, and not asked
	if ann.count(doing("approve")) > 0 {
		t.Error("their own campaign is theirs to approve")
	}
	occurrence := func(n int) (o struct {
		id int64
		at time.Time
	}) {
		const q = `SELECT o.id, o.at FROM occurrences o JOIN campaigns c ON c.id = o.campaign_id WHERE $1 IN (c.id, c.root_id) AND o.at > now() ORDER BY o.at OFFSET $2 LIMIT 1`
		if err := w.pool.QueryRow(t.Context(), q, id, n).Scan(&o.id, &o.at); err != nil {
			t.Fatal(err)
		}
		o.at = o.at.In(zone)
		return o
	}
	shows := func(b *tab, campaign, occurrence int64, state string, n int) {
		t.Helper()
		cells := b.cells(campaign, occurrence)
		if len(cells) != 3 {
			t.Errorf("the matrix has %d accounts, the group has 3", len(cells))
		}
		for _, cell := range cells {
			if strings.Contains(cell, state) {
				n--
			}
		}
		if n != 0 {
			t.Errorf("the matrix shows %q of occurrence %d, %d %s are missing", cells, occurrence, n, state)
		}
	}
	skipped, moved, from := occurrence(1), occurrence(2), occurrence(3)
	shows(ann, id, skipped.id, "待审批", 3)
	bob.open(fmt.Sprintf("/campaigns/%d", id))
	bob.goes(doing("approve"), "活动已批准")
	shows(bob, id, skipped.id, "已排期", 3)
	if n := ann.onDay(skipped.at, "scheduled"); n != 3 {
		t.Errorf("the calendar shows %d posts on %s, want 3", n, skipped.at)
	}

	at := func(o int64) string { return fmt.Sprintf("/campaigns/%d/occurrences/%d", id, o) }
	ann.open(at(skipped.id))
	ann.goes(doing("skip"), "这一次已更新")
	shows(ann, id, skipped.id, "–", 3)
	if n := ann.onDay(skipped.at, ""); n != 0 {
		t.Errorf("the calendar shows %d posts on the day that was skipped", n)
	}

	ann.open(at(moved.id))
	ann.fill("#at", skipped.at.Format("2006-01-02")+"T15:00") // the day that became free
	ann.goes(doing("move"), "这一次已更新")
	shows(ann, id, moved.id, "已排期", 3)
	if n := ann.onDay(skipped.at, "scheduled"); n != 3 {
		t.Errorf("the calendar shows %d posts on the day to which an occurrence was moved, want 3", n)
	}
	ann.see("15:00")

	ann.open(fmt.Sprintf("/campaigns/%d/edit?from=%d", id, from.id))
	ann.fill("#title", another+" {{n}}")
	ann.goes(`form.campaign button[type=submit]:not([formaction])`, another)
	ann.goes(doing("save"), "活动“"+weekly+"”已保存")
	next := ask[int64](w, `SELECT id FROM campaigns WHERE predecessor_id = $1`, id)
	ann.at(fmt.Sprintf("/campaigns/%d", next))
	shows(ann, next, from.id, "待审批", 3) // nobody approved the new text
	bob.open(fmt.Sprintf("/campaigns/%d", next))
	bob.goes(doing("approve"), "活动已批准")
	shows(bob, next, from.id, "已排期", 3)
	if n := bob.onDay(from.at, "scheduled"); n != 3 {
		t.Errorf("the calendar shows %d posts where the change begins, want 3", n)
	}
	bob.see(another + " 4")

	bob.open(fmt.Sprintf("/campaigns/%d", next))
	bob.press("停止")
	bob.fill("#reason-stop", "换季了")
	bob.goes(doing("stop"), "活动已停止")
	shows(bob, next, from.id, "已取消", 3)
	if n := bob.onDay(from.at, "scheduled"); n != 0 {
		t.Errorf("the calendar shows %d posts that would still be sent on %s", n, from.at)
	}
	if n := bob.onDay(from.at, "cancelled"); n != 3 {
		t.Errorf("the calendar shows %d cancelled posts on %s, want 3", n, from.at)
	}
	shows(ann, id, moved.id, "已排期", 3) // what comes before goes on
}

// plan gives the team a campaign with a past occurrence skipped and some to come.
func (s *team) plan() {
	s.t.Helper()
	by := moment.Origin{Actor: "ann", Source: "web"}
	c := &moment.Campaign{Name: "每周茶单：门店新品与会员活动", Colour: "#b7791f", Plan: moment.CampaignPlan{
		Schedule: "cron 30 9 * * 1-6 zone=Asia/Shanghai rule=working_days region=cn", Groups: []string{"门店"}, NoRepeat: moment.SecondsOf(48 * time.Hour),
		Card:       moment.Card{Content: "今天是{{weekday}}，喝点什么？", Title: "每周茶单 {{n}}", Description: "门店自提九折", URL: "https://mall.example.com/tea/{{date}}", ThumbURL: s.thumb(40)},
		Variants:   []moment.Variant{{Title: "{{instance.name}} 的茶单"}, {Title: "第 {{n}} 份茶单", Content: "周末也营业。"}, {Title: "今日茶单"}},
		Visibility: moment.Visibility{Mode: moment.Everyone}, MaxLateness: moment.SecondsOf(time.Hour),
		Stagger: moment.Stagger{Spread: moment.SecondsOf(20 * time.Minute)}}}
	ctx := s.t.Context()
	var err error
	if s.campaign, err = s.db.CreateCampaign(ctx, c, "", by); err != nil {
		s.t.Fatal(err)
	}
	if err := s.db.ActOnCampaign(ctx, s.campaign, 0, moment.CampaignAct{Action: moment.CampaignActivate}, by); err != nil {
		s.t.Fatal(err)
	}
	occs, _, err := s.db.Occurrences(ctx, moment.OccurrenceQuery{CampaignID: s.campaign, From: time.Now(), Limit: 3})
	if err != nil || len(occs) < 3 {
		s.t.Fatalf("%d occurrences: %v", len(occs), err)
	}
	if err := s.db.ChangeOccurrence(ctx, s.campaign, occs[1].ID, 0, moment.OccurrenceAct{Skip: true}, by); err != nil {
		s.t.Fatal(err)
	}
	s.occurrence = occs[2].ID
}
