package schedule

import (
	"fmt"
	"strings"
)

// Why tells what the calendar and the clock did to an occurrence, "" where it
// fires as planned: "moved from 2026-10-01 Thursday (holiday 国庆节)".
func (e Entry) Why(lang Lang) string {
	var parts []string
	zh := lang == Chinese
	add := func(chinese, english string, args ...any) {
		if zh {
			parts = append(parts, fmt.Sprintf(chinese, args...))
		} else {
			parts = append(parts, fmt.Sprintf(english, args...))
		}
	}
	cause := e.cause(zh)
	switch {
	case e.Dropped && e.Reason == ReasonPastEnd:
		add("%s，顺延后已过结束时间，不发送", "dropped: %s, and the next working day is after the end", cause)
	case e.Dropped && e.Reason == ReasonNoWorkingDay:
		add("%d 天内没有工作日，不发送", "dropped: no working day within %d days", maxMove)
	case e.Dropped:
		add("%s，跳过", "dropped: %s", cause)
	case e.Moved():
		add("由 %s 顺延（%s）", "moved from %s: %s", dayText(e.Name.Date(), zh), cause)
	}
	if !e.Dropped {
		e.clockChange(add)
	}
	if n := len(e.Merged); n > 0 {
		add("合并了 %d 个落在同一时刻的计划", "stands for %d more planned at the same instant", n)
	}
	if e.Unpublished {
		add("%d 年的节假日安排尚未公布", "the holidays of %d are not published yet", e.unpublishedYear())
	}
	if zh {
		return strings.Join(parts, "；")
	}
	return strings.Join(parts, "; ")
}

func (e Entry) clockChange(add func(chinese, english string, args ...any)) {
	switch e.Shift {
	case ShiftGap:
		add("当天没有 %s（时钟拨快），改在 %s", "the clock skips %s that day; fires at %s", clockText(e.Wall), e.Local.Format("15:04"))
	case ShiftRepeat:
		add("当天有两个 %s（时钟拨慢），取第一个", "the clock shows %s twice that day; fires the first time", clockText(e.Wall))
	case ShiftAgain:
		add("当天第二个 %s（时钟拨慢）", "the second %s of that day, after the clock was put back", clockText(e.Wall))
	}
}

func dayText(d Date, zh bool) string {
	if zh {
		return chineseDay(d)
	}
	return d.Weekday().String() + " " + d.String()
}

func clockText(w Wall) string { return hhmm(w.Clock()) }

// cause names the day off that an occurrence was planned for.
func (e Entry) cause(zh bool) string {
	switch {
	case e.From.Name != "" && zh:
		return e.From.Name
	case e.From.Name != "":
		return "holiday " + e.From.Name
	case zh:
		return chineseWeekdays[e.From.Date.Weekday()]
	}
	return e.From.Date.Weekday().String()
}

func (e Entry) unpublishedYear() int {
	if !e.From.Published {
		return e.From.Date.Year()
	}
	return e.Day.Date.Year()
}
