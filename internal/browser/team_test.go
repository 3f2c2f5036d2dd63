package browser_test

import (
	"strings"
	"time"

	"github.com/rs/zerolog"

	"momentcast/internal/gateway/sim"
	"momentcast/internal/importer"
	"momentcast/internal/moment"
)

// team is a world in the middle of a working week: posts in every state, held
// for every kind of reason, and a past.
type team struct {
	*world

	draft, pending, held, scheduled, sending, sent, failed, unknown, missed, cancelled int64

	checked, imported    int64 // imports
	campaign, occurrence int64 // after plan

	crowd, planDraft, planPending, planPaused, planStopped int64 // campaigns, after plans
}

// newTeam makes such a world. What happened to a post really happened: it was
// sent to the simulator, refused by it, or left in doubt.
func (w *world) newTeam() *team {
	w.t.Helper()
	s := &team{world: w}
	s.past()
	s.now()
	s.ahead()
	s.becomes(s.sent, moment.Sent)
	s.becomes(s.failed, moment.Failed)
	s.becomes(s.missed, moment.Missed)
	s.eventually("the doubt is looked into", func() bool {
		return s.state(s.unknown) == moment.Unknown && ask[int](w, `SELECT reconcile_round FROM posts WHERE id = $1`, s.unknown) > 0
	})
	s.eventually("everything is sent", func() bool {
		return ask[int](w, `SELECT count(*) FROM posts WHERE state IN ('claimed', 'sending') OR state = 'scheduled' AND due_at < now() AND instance_id = ANY($1)`, w.ids[:wangMin+1]) == 0
	})
	s.stuck()
	s.tables()
	return s
}

// tables are files on their way in: one with rows of every kind, one that
// became posts.
func (s *team) tables() {
	s.t.Helper()
	m := importer.New(s.db, func() {}, zerolog.Nop())
	s.t.Cleanup(m.Close)
	by := moment.Origin{Actor: "ann", Source: "web"}
	upload := func(name, rows string) int64 {
		data := "账号,发送时间（北京时间）,正文,标题,链接,缩略图,可见范围,标签,备注\n" + strings.ReplaceAll(rows, "DAY", time.Now().AddDate(0, 0, 12).Format(time.DateOnly))
		id, err := m.Upload(s.t.Context(), moment.ImportFile{Name: name, Data: []byte(data)}, moment.ImportOptions{Zone: "Asia/Shanghai"}, by)
		if err != nil {
			s.t.Fatal(err)
		}
		return id
	}
	account := ask[string](s.world, `SELECT wc_id FROM instances WHERE id = $1`, s.ids[zhouZihan])
	const card = ",https://example.com/camp,https://example.com/camp.jpg,"
	right := account + ",DAY 09:00,营地的第一天，下雨也没关系。,自然营日记 · 第一天" + card + "所有人,,\n" + account + ",DAY 18:30,营地的第二天，学会了生火。,自然营日记 · 第二天" + card + "所有人,,\n"
	s.imported = upload("十二月朋友圈排期.csv", right)
	if err := m.Commit(s.t.Context(), s.imported, false, by); err != nil {
		s.t.Fatal(err)
	}
	s.eventually("the file is imported", func() bool {
		return ask[string](s.world, `SELECT state FROM imports WHERE id = $1`, s.imported) == string(moment.ImportDone)
	})
	s.checked = upload("品牌部 2027 年一月排期（终稿）.csv", right+
		"不存在的账号,DAY 10:00,年终答谢。,年终答谢"+card+"所有人,,\n"+
		account+",12/1/2027,年终答谢。,年终答谢"+card+"所有人,,\n"+
		account+",DAY 11:00,年终答谢。,年终答谢"+card+"部分可见,没有的标签,\n"+
		account+",DAY 12:00,全网最低价，史上第一。,年终答谢"+card+"所有人,,主推\n"+
		account+",DAY 13:00,年终答谢。,年终答谢,javascript:alert(1),https://example.com/camp.jpg,,,\n")
}

// past is what two weeks have left behind.
func (s *team) past() {
	s.t.Helper()
	var old []*moment.Post
	for day := 1; day <= 14; day++ {
		for n, c := range []struct{ content, title, path string }{
			{"今天在山上，手机快没电了，先发一条。", "狮峰山的早晨", "tea/story"},
			{"门店老板最常问的一个问题，答案都在这张清单里。", "开业前 30 天私域清单", "crm/checklist"},
			{"客户案例更新：一家乳企如何用 6 周把门店复购提了 18%。", "云舟科技 × 牧原鲜奶：门店复购 +18%", "case/dairy"},
		} {
			p := s.card(n, c.content, c.title, "", c.path+"/"+strings.Repeat("x", day))
			p.State, p.DueAt = moment.Draft, time.Now().AddDate(0, 0, -day).Add(time.Duration(n-3)*47*time.Minute)
			old = append(old, p)
		}
	}
	ids := s.add(old...)
	s.exec(`UPDATE posts SET state = 'sent', claim_token = id, moment_id = (14000000000000000000 + id)::text, attempt = 1,
		intent_at = due_at + interval '180 milliseconds' * (1 + id % 40), finished_at = due_at + interval '9 seconds' WHERE id = ANY($1)`, ids)
}

// now is what is happening.
func (s *team) now() {
	s.t.Helper()
	due := func(p *moment.Post) *moment.Post { p.DueAt = time.Now(); return p }
	fault := func(p *moment.Post, f sim.Fault) *moment.Post {
		p.Card.URL += "?" + faultParam + "=" + string(f)
		return due(p)
	}
	tea := due(s.card(linXiaowen, "今年的明前龙井到了，一共就炒了 60 斤，老朋友先挑🍃", "2026 明前龙井 · 首批 60 斤开售", "狮峰核心产区，手工辉锅，次日顺丰", "tea/mingqian"))
	tea.FirstComment = "下单备注「朋友圈」，送一只品茗杯～"
	refused := fault(s.card(wangMin, "限时 48 小时，全年最低。", "会员年卡限时 5 折", "仅限老客户，售完即止", "promo/limit"), sim.Reject)
	doubt := fault(s.card(chenZhiyuan, "周三晚八点直播，讲讲报告里没写的部分。", "直播预约：私域白皮书背后的 7 个细节", "周三 20:00，带一份可直接套用的表格", "live/0422"), sim.DropBefore)
	late := s.card(linXiaowen, "早鸟价到周日晚上，之后恢复原价。", "自然营早鸟报名", "立减 300，两人同行再减 100", "camp/early")
	late.DueAt = time.Now().Add(-2 * time.Hour)
	labels := due(s.card(wangMin, "花了三个月访谈 40 家门店，整理成这份报告，扫一遍只要 10 分钟。", "2026 私域运营白皮书（零售篇）", "复购率、加粉成本、朋友圈触达，一张图看懂", "crm/whitepaper"))
	labels.Visibility = moment.Visibility{Mode: moment.Allow, Labels: []string{"1", "2"}}
	ids := s.add(tea, refused, doubt, late, labels)
	s.sent, s.failed, s.unknown, s.missed = ids[0], ids[1], ids[2], ids[3]
}

// ahead is what is planned, and what is written.
func (s *team) ahead() {
	s.t.Helper()
	draft := s.card(chenZhiyuan, "下个月的选题，先占个位。", "门店直播的 12 个坑", "", "crm/next")
	draft.State, draft.DueAt = moment.Draft, time.Time{}
	pending := s.card(linXiaowen, "端午礼盒打样完成，企业定制现在可以约。\n\n三款盒型，烫金可选；\n起订 20 盒，7 天交付；\n\n样品可以寄，先到先得。\n\n—— 狮峰山下，老茶厂", "端午茶礼 · 企业定制", "起订 20 盒，可印 logo，7 天交付", "tea/gift")
	pending.State, pending.Author = moment.Pending, "ann"
	regulars := moment.Audience{Name: "门店老客户", Visibility: moment.Visibility{Mode: moment.Allow, Labels: []string{"1", "2"}, Users: []string{"wxid_a", "wxid_b", "wxid_c"}}, Note: "新品和会员活动"}
	audience, err := s.db.AddAudience(s.t.Context(), &regulars, moment.Origin{Actor: "ann", Source: "web"})
	if err != nil {
		s.t.Fatal(err)
	}
	draft.AudienceID, draft.Visibility, pending.AudienceID, pending.Visibility = audience, regulars.Visibility, audience, regulars.Visibility
	held := s.card(zhaoYiming, "新店开业，体验课 0 元约。", "赵教练的力量体验课", "45 分钟，含体测，每天 6 个名额", "gym/trial")
	offline := s.card(storeHelper, "徐家汇店周末满减，限到店顾客。", "周末到店满 199 减 40", "仅限徐家汇店，周六周日", "store/xujiahui")
	paused := s.card(zhouZihan, "孩子暑假去哪儿？我们把最受欢迎的三条线路放出来了。", "2026 暑期自然营 · 三条线路", "6-12 岁，每营 24 人，领队 1:6", "camp/summer")
	gone := s.card(wangMin, "团队在招客户成功经理，欢迎推荐，推荐有礼。", "云舟科技招聘：客户成功经理（上海/杭州）", "15-25K，双休，年度旅行", "hiring/csm")
	next := s.card(chenZhiyuan, "新一期播客，和一位开了 11 年书店的朋友聊。", "第 17 期：书店为什么还活着", "52 分钟，通勤刚好听完", "podcast/17")
	next.Visibility = moment.Visibility{Mode: moment.Deny, Users: []string{"wxid_competitor01", "wxid_competitor02"}, Labels: []string{"3"}}
	flying := s.card(zhouZihan, "家长最关心的安全问题，我们一条一条写清楚了。", "自然营安全手册", "保险、医疗、交通、联络人", "camp/safety")
	ids := s.add(draft, pending, held, offline, paused, gone, next, flying)
	s.draft, s.pending, s.held, s.cancelled, s.scheduled, s.sending = ids[0], ids[1], ids[2], ids[5], ids[6], ids[7]
	var week []*moment.Post
	for day := 1; day <= 9; day++ {
		p := s.card(day%3, "每日一杯：今天喝什么？", "今日茶单："+[]string{"安吉白茶", "太平猴魁", "凤凰单丛", "正山小种", "白毫银针", "陈年普洱", "冻顶乌龙", "六安瓜片", "祁门红茶"}[day-1], "", "tea/daily/"+strings.Repeat("d", day))
		p.DueAt = time.Now().AddDate(0, 0, day).Add(time.Duration(day) * 23 * time.Minute)
		week = append(week, p)
	}
	s.add(week...)
	s.exec(`UPDATE posts SET due_at = now() - interval '1 minute' WHERE id = ANY($1)`, []int64{s.held, ids[3]})
}

// stuck is what does not last by itself: a call under way, something a person
// did, and an account that somebody has paused.
func (s *team) stuck() {
	s.t.Helper()
	by := moment.Origin{Actor: "operator", Source: "web"}
	if _, err := s.db.ActOnPost(s.t.Context(), s.cancelled, 0, moment.Act{Action: moment.ActCancel, Reason: "岗位已招满"}, by); err != nil {
		s.t.Fatal(err)
	}
	s.exec(`UPDATE posts SET state = 'sending', claim_token = 1, claimed_by = 'one', lease_until = now() + interval '1 hour', attempt = 1,
		intent_at = now(), call_until = now() + interval '1 hour' WHERE id = $1`, s.sending)
	s.exec(`UPDATE instances SET in_flight = $1, ready_at = NULL WHERE id = $2`, s.sending, s.ids[zhouZihan])
}
