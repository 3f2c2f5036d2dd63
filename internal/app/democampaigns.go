package app

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"momentcast/internal/moment"
)

// demoGroup is the group that the demo's accounts are in.
const demoGroup = "演示"

// planner is who the demo's campaigns are of: somebody else than who looks at
// them, who may therefore approve.
var planner = moment.Origin{Actor: "内容组", Source: "import"}

// demoCampaign is one campaign of the demo.
type demoCampaign struct {
	name, colour   string
	content, title string
	desc, path     string
	hue            int
	variants       []moment.Variant
	state          moment.CampaignState // draft, pending or active
}

// campaigns makes three: one that sends within minutes and goes on for days, one
// that waits for an approval, and a draft.
func (d *demo) campaigns(ctx context.Context, ids []int64, now time.Time) error {
	soon := []int64{ids[linXiaowen], ids[chenZhiyuan], ids[wangMin]}
	for _, c := range []struct {
		demoCampaign
		schedule  string
		instances []int64
		groups    []string
	}{
		{demoCampaign{name: "新茶上市倒计时", colour: "#2f9e44", content: "{{weekday}}好，离新茶上市又近了一步。", title: "新茶倒计时 · 第 {{n}} 天", desc: "每天一款，前 50 名有礼", path: "tea/countdown", hue: 140,
			variants: []moment.Variant{{Title: "{{instance.name}} 的新茶清单"}}, state: moment.CampaignActive}, countdown(now), soon, nil},
		{demoCampaign{name: "每月会员日", colour: "#c2255c", content: "会员日到了，老朋友专享。", title: "会员日 · {{date}}", desc: "会员双倍积分", path: "member/day", hue: 340,
			state: moment.CampaignPending}, "cron 0 10 1,L * * zone=Asia/Shanghai rule=next_working_day region=cn", nil, []string{demoGroup}},
		{demoCampaign{name: "工作日早报（草稿）", colour: "#1f6feb", content: "早上好，今天是{{weekday}}。", title: "早报 {{date}}", desc: "三分钟看完", path: "news/morning", hue: 210,
			state: moment.CampaignDraft}, "cron 30 8 * * 1-5 zone=Asia/Shanghai rule=working_days region=cn", nil, []string{demoGroup}},
	} {
		plan := moment.CampaignPlan{Schedule: c.schedule, Instances: c.instances, Groups: c.groups, Variants: c.variants,
			Card: moment.Card{Content: c.content, Title: c.title, Description: c.desc, URL: "https://mall.example.com/" + c.path + "?no={{n}}",
				ThumbURL: fmt.Sprintf("%s/demo/thumb/%d.png", d.sim.url(), c.hue)},
			Visibility: moment.Visibility{Mode: moment.Everyone}, MaxLateness: moment.SecondsOf(demoLateness), Language: "zh-CN"}
		if err := d.campaign(ctx, &moment.Campaign{Name: c.name, Colour: c.colour, Plan: plan}, c.state); err != nil {
			return fmt.Errorf("make the demo's campaigns: %w", err)
		}
	}
	return nil
}

// countdown fires twice within minutes and then on each of the next days.
func countdown(now time.Time) string {
	zone, err := time.LoadLocation("Asia/Shanghai")
	if err != nil {
		zone = time.FixedZone("Asia/Shanghai", 8*3600)
	}
	now = now.In(zone).Truncate(time.Minute)
	times := []string{"times"}
	for _, minutes := range []int{1, 3} {
		times = append(times, now.Add(time.Duration(minutes)*time.Minute).Format("2006-01-02T15:04"))
	}
	for day := 1; day <= 9; day++ {
		times = append(times, now.AddDate(0, 0, day).Format("2006-01-02T")+"09:30")
	}
	return strings.Join(append(times, "zone=Asia/Shanghai"), " ")
}

// campaign makes one and brings it to the state. Approval is asked for only
// while one is submitted that shall wait for it.
func (d *demo) campaign(ctx context.Context, c *moment.Campaign, state moment.CampaignState) (err error) {
	id, err := d.db.CreateCampaign(ctx, c, "", planner)
	if err != nil || state == moment.CampaignDraft {
		return err
	}
	if state == moment.CampaignPending {
		ask := func(on bool) error {
			return d.db.ChangeSettings(ctx, 0, func(s *moment.Settings) error { s.RequireApproval = on; return nil }, planner)
		}
		if err := ask(true); err != nil {
			return err
		}
		defer func() { err = errors.Join(err, ask(false)) }()
	}
	return d.db.ActOnCampaign(ctx, id, 0, moment.CampaignAct{Action: moment.CampaignActivate}, planner)
}
