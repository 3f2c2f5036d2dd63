package browser_test

import (
	"fmt"
	"strings"
	"time"

	"momentcast/internal/gateway/sim"
	"momentcast/internal/moment"
)

// chain is the group of shopsInChain accounts that campaigns here send from.
const (
	chain        = "全国门店"
	shopsInChain = 34
)

// plans gives the team campaigns in every state: one of a chain of shops with a
// past, and one each that nobody wrote to its end, approved, or lets go on.
func (s *team) plans() {
	s.t.Helper()
	s.shops()
	s.crowd = s.campaignOf("全国门店国庆中秋双节同庆新品上市预热朋友圈连续九周推广活动（含港澳台及海外门店，第三版）Autumn-2026-nationwide", "#7048e8", "cron 15 10,18 * * * zone=Asia/Shanghai", "")
	s.results()
	s.planDraft = s.campaignOf("下季度选题", "#868e96", "", "")
	s.exec(`UPDATE settings SET require_approval = true`)
	s.planPending = s.campaignOf("每月会员日", "#c2255c", "cron 0 9 1,L * * zone=Asia/Shanghai rule=next_working_day region=cn", "")
	s.exec(`UPDATE settings SET require_approval = false`)
	s.planPaused = s.campaignOf("工作日早报", "#1f6feb", "cron 0 8 * * 1-5 zone=Asia/Shanghai", moment.CampaignPause)
	s.planStopped = s.campaignOf("老客户唤醒", "#0b7285", "cron 0 20 * * 5 zone=Asia/Shanghai", moment.CampaignStop)
}

// shops are the accounts of the chain, long online.
func (s *team) shops() {
	s.t.Helper()
	for n, city := range strings.Fields(strings.Repeat("上海 杭州 成都 广州 深圳 北京 西安 武汉 长沙 南京 苏州 乌鲁木齐 ", 3))[:shopsInChain] {
		name := fmt.Sprintf("%s%d店", city, n+1)
		if n%11 == 3 {
			name += "（国际金融中心旗舰体验店·周年庆）"
		}
		wcID := fmt.Sprintf("wxid_shop%03d", n)
		const online = 400 * time.Hour
		i := &moment.Instance{WcID: wcID, Name: name, TimeZone: "Asia/Shanghai", Groups: []string{chain},
			WID: s.sim.AddAccount(sim.Account{WcID: wcID, Name: name, OnlineFor: online}), OnlineSince: time.Now().Add(-online)}
		if _, err := s.db.AddInstance(s.t.Context(), i, moment.Origin{Actor: "test", Source: "cli"}); err != nil {
			s.t.Fatal(err)
		}
	}
}

// campaignOf makes a campaign of the chain, activates it where it has a
// schedule, and acts on it.
func (s *team) campaignOf(name, colour, schedule string, act moment.CampaignAction) int64 {
	s.t.Helper()
	by := moment.Origin{Actor: "ann", Source: "web"}
	c := &moment.Campaign{Name: name, Colour: colour, Plan: moment.CampaignPlan{Schedule: schedule, Groups: []string{chain},
		Card:       moment.Card{Content: "{{weekday}}好，{{instance.name}}今天有新品。", Title: name[:3*min(12, len(name)/3)] + " 第 {{n}} 期", URL: "https://mall.example.com/tea/{{date}}", ThumbURL: s.thumb(len(name))},
		Visibility: moment.Visibility{Mode: moment.Everyone}, MaxLateness: moment.SecondsOf(time.Hour), Stagger: moment.Stagger{Spread: moment.SecondsOf(30 * time.Minute)}}}
	id, err := s.db.CreateCampaign(s.t.Context(), c, "", by)
	if err != nil {
		s.t.Fatal(err)
	}
	acts := []moment.CampaignAct{{Action: moment.CampaignActivate}}
	if act != "" {
		acts = append(acts, moment.CampaignAct{Action: act, Reason: "链接里的活动页还没上线"})
	}
	for _, a := range acts {
		if schedule == "" {
			break
		}
		if err := s.db.ActOnCampaign(s.t.Context(), id, 0, a, by); err != nil {
			s.t.Fatal(err)
		}
	}
	return id
}

// results gives the chain's campaign a past: three firings of a month ago with
// nearly all that can become of a post.
func (s *team) results() {
	s.t.Helper()
	const past = `
		WITH o AS (
			SELECT id FROM occurrences WHERE campaign_id = $1 ORDER BY at LIMIT 3
		), p AS (
			UPDATE posts SET due_at = due_at - interval '30 days', finished_at = due_at - interval '30 days' + interval '9 seconds', intent_at = due_at - interval '30 days' + interval '2 seconds',
				attempt = 1, claim_token = id,
				state = CASE id % 9 WHEN 3 THEN 'failed' WHEN 5 THEN 'missed' WHEN 7 THEN 'cancelled' ELSE 'sent' END::post_state,
				moment_id = CASE WHEN id % 9 IN (3, 5, 7) THEN NULL ELSE (15000000000000000000 + id)::text END
			WHERE occurrence_id IN (SELECT id FROM o)
		)
		UPDATE occurrences SET at = at - interval '30 days', planned_at = planned_at - interval '30 days',
			wall = to_char(wall::timestamp - interval '30 days', 'YYYY-MM-DD"T"HH24:MI')
		WHERE id IN (SELECT id FROM o)`
	s.exec(past, s.crowd)
}
