package schedule

import (
	"fmt"
	"strconv"
	"strings"
)

// chinese tells schedules in Chinese.
type chinese struct{}

var chineseWeekdays = []string{"周日", "周一", "周二", "周三", "周四", "周五", "周六", "周日"}

func (chinese) days(d days, months []int) string {
	monthly, weekly := chineseMonthDays(d), chineseWeek(d.weekday)
	in := ""
	if months != nil {
		in = "每年 " + chineseList(months, func(m int) string { return strconv.Itoa(m) + " 月" })
	}
	switch {
	case d.any && in == "":
		return "每天"
	case d.any:
		return in + "的每天"
	case monthly == "" && in == "":
		return weekly
	case monthly == "":
		return in + "的" + weekly
	case in == "":
		in = "每月"
	default:
		in += "的"
	}
	if weekly != "" {
		return in + " " + monthly + "，以及" + weekly
	}
	return in + " " + monthly
}

func chineseMonthDays(d days) string {
	list := values(d.month)
	if d.last {
		list = append(list, 0)
	}
	return chineseList(list, func(n int) string {
		if n == 0 {
			return "最后一天"
		}
		return strconv.Itoa(n) + " 日"
	})
}

func chineseWeek(set uint64) string {
	switch set {
	case 0:
		return ""
	case mondayToFriday:
		return "每周一至周五"
	}
	return "每" + chineseList(weekdays(set), func(d int) string { return chineseWeekdays[d] })
}

func chineseList(list []int, word func(int) string) string {
	words := make([]string, len(list))
	for i, n := range list {
		words[i] = word(n)
	}
	return strings.Join(words, "、")
}

func (chinese) clocks(clocks []string) string { return strings.Join(clocks, "、") }

func (chinese) frequency(f frequency) string {
	span := f.from + " 至 " + f.to + " "
	if f.allDay {
		span = ""
	}
	switch f.kind {
	case everyNthMinute:
		return span + chineseEvery(f.step, "分钟")
	case everyNthHour:
		return f.from + " 至 " + f.to + " " + chineseEvery(f.step, "小时")
	}
	minutes := "第 " + chineseList(f.minutes, strconv.Itoa) + " 分"
	if f.hours == nil {
		return "每小时" + minutes
	}
	return chineseList(f.hours, strconv.Itoa) + " 时的" + minutes
}

func chineseEvery(n int, unit string) string {
	if n == 1 {
		return "每" + unit + "一次"
	}
	return fmt.Sprintf("每 %d %s一次", n, unit)
}

func (chinese) join(days, times string, often bool) string {
	if often && days == "每天" {
		return times
	}
	return days + " " + times
}

func (chinese) bounds(start, end string, count int) string {
	var b strings.Builder
	if start != "" {
		b.WriteString("，" + start + " 起")
	}
	if end != "" {
		b.WriteString("，" + end + " 止")
	}
	if count > 0 {
		fmt.Fprintf(&b, "，共 %d 次", count)
	}
	return b.String()
}

func (chinese) rule(r Rule) string {
	switch r {
	case SkipHolidays:
		return "；遇法定节假日跳过"
	case WorkingDays:
		return "；仅工作日（含调休上班日）"
	case NextWorkingDay:
		return "；遇休息日顺延至下一个工作日"
	}
	return ""
}

func (chinese) once(w Wall) string {
	return "一次：" + chineseDay(w.Date()) + " " + spaced(w)[11:]
}

func chineseDay(d Date) string { return d.String() + " " + chineseWeekdays[d.Weekday()] }

func (chinese) list(n int, shown []Wall) string {
	words := make([]string, len(shown))
	for i, w := range shown {
		words[i] = spaced(w)
	}
	s := fmt.Sprintf("%d 个时间：%s", n, strings.Join(words, "、"))
	if n > len(shown) {
		s += " 等"
	}
	return s
}

func (chinese) zone(z string) string { return "（" + z + "）" }
