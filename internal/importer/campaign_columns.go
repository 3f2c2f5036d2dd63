package importer

import (
	"strconv"

	"momentcast/internal/moment"
	"momentcast/internal/schedule"
)

// maxTexts is how many texts of a campaign a row may hold: the card, and further
// ones in columns that bear their number, from 2 on.
const maxTexts = 6

var campaignColumns = columnsOf(
	[]column{
		{field: "name", headers: []string{"活动名称", "活动", "名称", "name", "campaign", "campaignname"}, example: [2]string{"明前龙井 · 每周上新", "Weekly autumn looks"}},
		{field: "instances", headers: []string{"账号", "实例", "微信号", "发送账号", "instances", "accounts", "account", "instance", "wcid", "wxid"}, example: [2]string{"wxid_gia1nwcgpobz22", "wxid_gia1nwcgpobz22"}},
		{field: "groups", headers: []string{"分组", "账号分组", "groups", "group"}},
		{field: "schedule", headers: []string{"发送计划", "计划", "发送时间", "时间", "重复", "频率", "schedule", "time", "when", "repeat", "cron"}, example: [2]string{"每周一、三 09:30", "weekly on 1,3 at 09:30"}},
		{field: "zone", headers: []string{"时区", "zone", "timezone", "tz"}, example: [2]string{"Asia/Shanghai", "Asia/Shanghai"}},
		{field: "start", headers: []string{"开始", "开始日期", "开始时间", "start", "from", "startdate", "begin"}, example: [2]string{"2026-12-01", "2026-12-01"}},
		{field: "end", headers: []string{"结束", "结束日期", "结束时间", "end", "until", "to", "enddate"}, example: [2]string{"2027-03-31", "2027-03-31"}},
		{field: "count", headers: []string{"次数", "最多几次", "count", "times"}},
		{field: "rule", headers: []string{"节假日", "遇节假日", "工作日规则", "rule", "holidays", "workcalendar"}, example: [2]string{"只在工作日", "working days"}},
		{field: "region", headers: []string{"节假日地区", "地区", "region"}, rare: true},
	},
	cardColumns, whoColumns,
	[]column{
		{field: "spread", headers: []string{"错峰", "错开", "spread", "stagger"}, example: [2]string{"20分钟", "20m"}},
		{field: "jitter", headers: []string{"随机延后", "抖动", "jitter"}, rare: true},
		{field: "order", headers: []string{"错峰顺序", "顺序", "order", "staggerorder"}, rare: true},
		{field: "max_lateness", headers: latenessHeaders},
		{field: "missed", headers: []string{"错过后", "错过", "missed", "missedpolicy"}},
		{field: "missed_cap", headers: []string{"最多补发", "补发上限", "missedcap"}, rare: true},
		{field: "no_repeat", headers: []string{"同文间隔", "同一文案间隔", "norepeat"}, rare: true},
		{field: "language", headers: []string{"语言", "日期语言", "language", "lang"}, rare: true},
		{field: "colour", headers: []string{"颜色", "日历颜色", "colour", "color"}, rare: true},
		{field: "utm_source", headers: []string{"utm来源", "utmsource"}, rare: true},
		{field: "utm_medium", headers: []string{"utm媒介", "utmmedium"}, rare: true},
		{field: "utm_campaign", headers: []string{"utm活动", "utmcampaign"}, rare: true},
		{field: "utm_term", headers: []string{"utm关键词", "utmterm"}, rare: true},
		{field: "utm_content", headers: []string{"utm内容", "utmcontent"}, rare: true},
	},
	furtherTexts(),
	[]column{{field: "external_key", headers: keyHeaders, example: [2]string{"tea-weekly", "autumn-weekly"}}},
)

// furtherTexts are the card's columns again, each with the number of the text:
// 标题2, title_2.
func furtherTexts() (out []column) {
	for n := 2; n <= maxTexts; n++ {
		for _, c := range cardColumns {
			one := column{field: c.field + "_" + strconv.Itoa(n), rare: n > 2 || c.field != "content" && c.field != "title"}
			for _, h := range c.headers {
				one.headers = append(one.headers, h+strconv.Itoa(n))
			}
			switch {
			case n == 2 && c.field == "content":
				one.example = [2]string{"{{weekday}}好，第 {{n}} 期上新", "Happy {{weekday}}: no. {{n}} is here"}
			case n == 2 && c.field == "title":
				one.example = [2]string{"龙井 · 第 {{n}} 期", "Autumn, no. {{n}}"}
			}
			out = append(out, one)
		}
	}
	return out
}

var rules = map[string]schedule.Rule{
	"照常": schedule.AsIs, "照常发送": schedule.AsIs, "不处理": schedule.AsIs, "asis": schedule.AsIs, "none": schedule.AsIs,
	"跳过节假日": schedule.SkipHolidays, "法定节假日跳过": schedule.SkipHolidays, "节假日跳过": schedule.SkipHolidays, "skipholidays": schedule.SkipHolidays, "skippublicholidays": schedule.SkipHolidays,
	"只在工作日": schedule.WorkingDays, "仅工作日": schedule.WorkingDays, "工作日": schedule.WorkingDays, "workingdays": schedule.WorkingDays, "workingdaysonly": schedule.WorkingDays,
	"顺延": schedule.NextWorkingDay, "顺延到下一个工作日": schedule.NextWorkingDay, "顺延到工作日": schedule.NextWorkingDay, "nextworkingday": schedule.NextWorkingDay, "movetonextworkingday": schedule.NextWorkingDay,
}

var orders = map[string]moment.StaggerOrder{
	"fixed": moment.OrderFixed, "固定": moment.OrderFixed, "每次相同": moment.OrderFixed, "shuffled": moment.OrderShuffled, "打乱": moment.OrderShuffled, "每次打乱": moment.OrderShuffled,
}

var policies = map[string]moment.MissedPolicy{
	"skip": moment.MissedSkip, "跳过": moment.MissedSkip, "latest": moment.MissedLatest, "补最近一次": moment.MissedLatest, "只补发最近一次": moment.MissedLatest,
	"all": moment.MissedAll, "补最近几次": moment.MissedAll, "补发最近几次": moment.MissedAll, "全部补发": moment.MissedAll,
}

var tongues = map[string]string{"zhcn": "zh-CN", "zh": "zh-CN", "中文": "zh-CN", "en": "en", "english": "en", "英文": "en"}
