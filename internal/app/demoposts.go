package app

import (
	"context"
	"fmt"
	"net/url"
	"time"

	"momentcast/internal/gateway/sim"
	"momentcast/internal/moment"
)

// The demo's accounts by what they are good for; the order is that of
// sim.DemoAccounts.
const (
	linXiaowen  = iota // long online
	chenZhiyuan        // online for long enough
	wangMin            // likewise
	zhouZihan          // will have been for long enough in 90 s
	zhaoYiming         // will not for days
	storeHelper        // offline
)

// demoPost is one post of the demo.
type demoPost struct {
	who     int
	after   time.Duration // from now to its due time
	content string
	title   string
	desc    string
	path    string // of the link
	hue     int    // of the thumbnail, degrees

	vis     moment.Visibility // zero = everyone
	comment string
	fault   sim.Fault     // of its first call
	limit   time.Duration // lateness limit; 0 = half an hour, negative = none
	draft   bool
}

// firstPosts are what the first start queues: something to see at once, and
// one of everything that can happen to a post.
var firstPosts = []demoPost{
	{who: linXiaowen, after: 5 * time.Second, path: "tea/mingqian", hue: 95,
		content: "今年的明前龙井到了，一共就炒了 60 斤，老朋友先挑🍃", title: "2026 明前龙井 · 首批 60 斤开售", desc: "狮峰核心产区，手工辉锅，次日顺丰"},
	{who: chenZhiyuan, after: 9 * time.Second, path: "crm/whitepaper", hue: 215,
		content: "花了三个月访谈 40 家门店，整理成这份报告，扫一遍只要 10 分钟。", title: "2026 私域运营白皮书（零售篇）", desc: "复购率、加粉成本、朋友圈触达，一张图看懂"},
	{who: wangMin, after: 13 * time.Second, path: "case/yunzhou-dairy", hue: 15,
		content: "客户案例更新：一家乳企如何用 6 周把门店复购提了 18%。", title: "云舟科技 × 牧原鲜奶：门店复购 +18%", desc: "从 0 到 1 的会员日打法，附完整时间表",
		vis: moment.Visibility{Mode: moment.Allow, Labels: []string{"1", "2"}}},
	{who: zhouZihan, after: 30 * time.Second, path: "camp/summer", hue: 45,
		content: "孩子暑假去哪儿？我们把最受欢迎的三条线路放出来了。", title: "2026 暑期自然营 · 三条线路", desc: "6-12 岁，每营 24 人，领队 1:6"},
	{who: linXiaowen, after: 35 * time.Second, path: "tea/brew", hue: 110,
		content: "很多朋友问龙井怎么泡，拍了个一分钟的小视频。", title: "龙井的三种泡法", desc: "水温、投茶、出汤，一次讲清楚", comment: "下单备注“朋友圈”，送一只品茗杯～"},
	{who: storeHelper, after: 40 * time.Second, path: "store/xujiahui", hue: 330, limit: -1,
		content: "徐家汇店周末满减，限到店顾客。", title: "周末到店满 199 减 40", desc: "仅限徐家汇店，周六周日"},
	{who: chenZhiyuan, after: 45 * time.Second, path: "live/0422", hue: 230, fault: sim.DropAfter,
		content: "周三晚八点直播，讲讲报告里没写的部分。", title: "直播预约：私域白皮书背后的 7 个细节", desc: "周三 20:00，带一份可直接套用的表格"},
	{who: wangMin, after: 50 * time.Second, path: "promo/limit", hue: 0, fault: sim.Reject,
		content: "限时 48 小时，全年最低。", title: "会员年卡限时 5 折", desc: "仅限老客户，售完即止"},
	{who: zhaoYiming, after: time.Minute, path: "gym/trial", hue: 280, limit: -1,
		content: "新店开业，体验课 0 元约。", title: "赵教练的力量体验课", desc: "45 分钟，含体测，每天 6 个名额"},
	{who: linXiaowen, after: 70 * time.Second, path: "tea/gift", hue: 75,
		content: "端午礼盒打样完成，企业定制现在可以约。", title: "端午茶礼 · 企业定制", desc: "起订 20 盒，可印 logo，7 天交付"},
	{who: chenZhiyuan, after: 85 * time.Second, path: "crm/checklist", hue: 200,
		content: "门店老板最常问的一个问题，答案都在这张清单里。", title: "开业前 30 天私域清单", desc: "按天列好，打印出来贴墙上",
		vis: moment.Visibility{Mode: moment.Deny, Users: []string{"wxid_competitor01", "wxid_competitor02"}, Labels: []string{"3"}}},
	{who: wangMin, after: 100 * time.Second, path: "hiring/csm", hue: 170,
		content: "团队在招客户成功经理，欢迎推荐，推荐有礼。", title: "云舟科技招聘：客户成功经理（上海/杭州）", desc: "15-25K，双休，年度旅行"},
	{who: zhouZihan, after: 105 * time.Second, path: "camp/safety", hue: 60,
		content: "家长最关心的安全问题，我们一条一条写清楚了。", title: "自然营安全手册", desc: "保险、医疗、交通、联络人"},
	{who: linXiaowen, after: 120 * time.Second, path: "tea/story", hue: 130,
		content: "今天在山上，手机快没电了，先发一条。", title: "狮峰山的早晨", desc: "六点的雾，和采茶的阿姨们"},
	{who: chenZhiyuan, after: 135 * time.Second, path: "podcast/17", hue: 250,
		content: "新一期播客，和一位开了 11 年书店的朋友聊。", title: "第 17 期：书店为什么还活着", desc: "52 分钟，通勤刚好听完", comment: "时间轴在评论区：03:10 开场，18:40 选址，41:00 会员"},
	{who: wangMin, after: 150 * time.Second, path: "webinar/slides", hue: 30, fault: sim.HangBefore,
		content: "昨天分享会的课件，整理好了。", title: "分享会课件：会员日从 0 到 1", desc: "PDF 共 46 页，可转发"},
	{who: linXiaowen, after: 180 * time.Second, path: "tea/return", hue: 90,
		content: "老客户返场：去年的桂花乌龙还有最后 30 盒。", title: "桂花乌龙返场 · 30 盒", desc: "下单顺序发货，不补货"},
	{who: chenZhiyuan, after: 210 * time.Second, path: "crm/tool", hue: 220,
		content: "把自己常用的 5 个表格开源了。", title: "私域运营 5 张表", desc: "拉新、复购、分层、日历、复盘"},
	{who: zhouZihan, after: 240 * time.Second, path: "camp/early", hue: 50,
		content: "早鸟价到周日晚上，之后恢复原价。", title: "自然营早鸟报名", desc: "立减 300，两人同行再减 100"},
	{who: linXiaowen, after: 290 * time.Second, path: "tea/thanks", hue: 100,
		content: "60 斤全部发完，谢谢大家！晒图有礼。", title: "晒图有礼：送一罐品鉴装", desc: "本周日截止，周一抽 20 位"},
	{who: chenZhiyuan, draft: true, path: "crm/next", hue: 240,
		content: "下个月的选题，先占个位。", title: "（草稿）门店直播的 12 个坑", desc: ""},
}

// laterPosts are what a later start adds when there is nothing left to see.
var laterPosts = []demoPost{
	{who: linXiaowen, after: 5 * time.Second, path: "tea/today", hue: 120,
		content: "今日到店：新到的安吉白茶，欢迎来喝一杯。", title: "安吉白茶 · 今日到店", desc: "现场试饮，喜欢再带走"},
	{who: chenZhiyuan, after: 10 * time.Second, path: "crm/question", hue: 210,
		content: "收集一个问题：你家门店的复购卡在哪一步？", title: "三分钟问卷：门店复购", desc: "填完送完整版报告"},
	{who: wangMin, after: 15 * time.Second, path: "case/second", hue: 20,
		content: "客户案例第二篇来了。", title: "连锁烘焙的会员日", desc: "首月 3200 名新会员"},
	{who: linXiaowen, after: 45 * time.Second, path: "tea/tomorrow", hue: 80,
		content: "明天休息一天，后天正常发货。", title: "发货安排", desc: "急单请私信"},
	{who: zhouZihan, after: 30 * time.Second, path: "camp/again", hue: 55,
		content: "秋季营开始预约。", title: "2026 秋季自然营", desc: "周末两天一夜，市区集合"},
	{who: chenZhiyuan, after: 60 * time.Second, path: "live/replay", hue: 235, fault: sim.DropAfter,
		content: "直播回放剪好了。", title: "直播回放：7 个细节", desc: "倍速 1.5 也听得清"},
}

// fill registers the accounts and queues the posts that a first start, or a
// later one that finds nothing to see, begins with.
func (d *demo) fill(ctx context.Context, known map[string]moment.InstanceView) error {
	posts := firstPosts
	if len(known) > 0 {
		busy, err := d.busy(ctx, known)
		if err != nil || busy {
			return err
		}
		posts = laterPosts
	}
	ids, err := d.register(ctx, known)
	if err != nil {
		return err
	}
	now, err := d.db.Now(ctx)
	if err != nil {
		return err
	}
	var queue []*moment.Post
	for n, p := range posts {
		queue = append(queue, p.post(ids[p.who], now, d.sim.url(), n))
	}
	if _, _, err := d.db.AddPosts(ctx, queue, moment.RequestKey{}); err != nil {
		return fmt.Errorf("queue the demo's posts: %w", err)
	}
	if len(known) == 0 {
		if err := d.campaigns(ctx, ids, now); err != nil {
			return err
		}
	}
	d.log.Info().Int("posts", len(queue)).Msg("posts queued; the first is due in 5 s")
	return nil
}

// busy reports whether an account that may post still has something to send.
func (d *demo) busy(ctx context.Context, known map[string]moment.InstanceView) (bool, error) {
	for n, a := range sim.DemoAccounts() {
		i, ok := known[a.WcID]
		if !ok || n == zhaoYiming || n == storeHelper {
			continue
		}
		v, err := d.db.Instance(ctx, i.ID)
		if err != nil {
			return false, err
		}
		if v.Counts[moment.Scheduled]+v.Counts[moment.Sending] > 0 {
			return true, nil
		}
	}
	return false, nil
}

// register adds the accounts that are not known yet, as old as they are, and
// returns the ids of all.
func (d *demo) register(ctx context.Context, known map[string]moment.InstanceView) ([]int64, error) {
	now, err := d.db.Now(ctx)
	if err != nil {
		return nil, err
	}
	wIDs := map[string]string{}
	for wID, wcID := range d.sim.logins {
		wIDs[wcID] = wID
	}
	var ids []int64
	for _, a := range sim.DemoAccounts() {
		if i, ok := known[a.WcID]; ok {
			ids = append(ids, i.ID)
			continue
		}
		i := &moment.Instance{WcID: a.WcID, Name: a.Name, TimeZone: "Asia/Shanghai", Groups: []string{demoGroup}}
		if !a.Offline {
			i.WID, i.OnlineSince = wIDs[a.WcID], now.Add(-a.OnlineFor)
		}
		id, err := d.db.AddInstance(ctx, i, demoOrigin)
		if err != nil {
			return nil, err
		}
		ids = append(ids, id)
	}
	return ids, nil
}

var demoOrigin = moment.Origin{Actor: "demo", Source: "import"}

const demoLateness = 30 * time.Minute

// post is what p becomes when it is queued at now as the nth.
func (p demoPost) post(instance int64, now time.Time, simURL string, n int) *moment.Post {
	q := url.Values{"from": {"moments"}, "no": {fmt.Sprintf("%d-%d", now.Unix(), n)}} // every post has a link of its own
	if p.fault != "" {
		q.Set(faultParam, string(p.fault))
	}
	out := &moment.Post{
		InstanceID: instance, State: moment.Scheduled, DueAt: now.Add(p.after), MaxLateness: p.limit,
		Card: moment.Card{
			Content: p.content, Title: p.title, Description: p.desc,
			URL:      "https://mall.example.com/" + p.path + "?" + q.Encode(),
			ThumbURL: fmt.Sprintf("%s/demo/thumb/%d.png", simURL, p.hue),
		},
		Visibility: p.vis, FirstComment: p.comment, Author: demoOrigin.Actor, Source: demoOrigin.Source,
	}
	switch {
	case p.limit == 0:
		out.MaxLateness = demoLateness
	case p.limit < 0:
		out.MaxLateness = 0
	}
	if p.vis.Mode == "" {
		out.Visibility.Mode = moment.Everyone
	}
	if p.draft {
		out.State, out.DueAt = moment.Draft, time.Time{}
	}
	return out
}
