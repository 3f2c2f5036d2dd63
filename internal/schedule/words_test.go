package schedule

import "testing"

func TestCronWords(t *testing.T) {
	t.Parallel()
	for expr, want := range map[string][2]string{
		"0 9 * * *":            {"每天 09:00", "every day at 09:00"},
		"0 9,18 * * *":         {"每天 09:00、18:00", "every day at 09:00 and 18:00"},
		"30 8 * * 1-5":         {"每周一至周五 08:30", "on weekdays (Monday to Friday) at 08:30"},
		"0 10 * * mon,thu":     {"每周一、周四 10:00", "every Monday and Thursday at 10:00"},
		"0 10 * * 6,7":         {"每周六、周日 10:00", "every Saturday and Sunday at 10:00"},
		"0 9 1,15 * *":         {"每月 1 日、15 日 09:00", "monthly on the 1st and 15th at 09:00"},
		"0 9 L * *":            {"每月 最后一天 09:00", "monthly on the last day at 09:00"},
		"0 9 1 1 *":            {"每年 1 月的 1 日 09:00", "on the 1st of January at 09:00"},
		"0 9 * 3 1":            {"每年 3 月的每周一 09:00", "every Monday in March at 09:00"},
		"0 9 13 * 5":           {"每月 13 日，以及每周五 09:00", "monthly on the 13th, and also every Friday at 09:00"},
		"*/15 * * * *":         {"每 15 分钟一次", "every 15 minutes"},
		"* * * * *":            {"每分钟一次", "every minute"},
		"5 * * * *":            {"每小时第 5 分", "at minute 5 of every hour"},
		"0 */2 * * *":          {"00:00 至 22:00 每 2 小时一次", "every 2 hours from 00:00 to 22:00"},
		"0 9-18 * * 1-5":       {"每周一至周五 09:00 至 18:00 每小时一次", "every hour from 09:00 to 18:00, on weekdays (Monday to Friday)"},
		"*/15 9-17 * * 1-5":    {"每周一至周五 09:00 至 17:45 每 15 分钟一次", "every 15 minutes from 09:00 to 17:45, on weekdays (Monday to Friday)"},
		"0,7,13 9,11,14 * * *": {"9、11、14 时的第 0、7、13 分", "at the minutes 0, 7 and 13 of the hours 9, 11 and 14"},
	} {
		c := mustCron(t, expr)
		if got := [2]string{c.Words(Chinese), c.Words(English)}; got != want {
			t.Errorf("%q: %q, want %q", expr, got, want)
		}
	}
}

func TestSpecWords(t *testing.T) {
	t.Parallel()
	for text, want := range map[string][2]string{
		"once 2026-10-01T09:00 zone=Asia/Shanghai":         {"一次：2026-10-01 周四 09:00（Asia/Shanghai）", "once, on Thursday 2026-10-01 09:00 (Asia/Shanghai)"},
		"times 2026-10-01T09:00 2026-10-08T10:30 zone=UTC": {"2 个时间：2026-10-01 09:00、2026-10-08 10:30（UTC）", "2 times: 2026-10-01 09:00 and 2026-10-08 10:30 (UTC)"},
		"cron 0 9 * * * zone=Asia/Shanghai start=2026-10-01 end=2026-12-31 count=10 rule=skip_holidays region=cn": {
			"每天 09:00（Asia/Shanghai），2026-10-01 起，2026-12-31 止，共 10 次；遇法定节假日跳过",
			"every day at 09:00 (Asia/Shanghai), from 2026-10-01, until 2026-12-31, 10 times; not on public holidays",
		},
	} {
		s := must(t, text).Spec()
		if got := [2]string{s.Words(Chinese), s.Words(English)}; got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}
