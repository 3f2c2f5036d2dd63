package schedule

import (
	"testing"
	"time"
)

func BenchmarkNext(b *testing.B) {
	for name, spec := range map[string]string{
		"daily":            "cron 0 9 * * * zone=Asia/Shanghai",
		"dst":              "cron 30 2 * * * zone=America/New_York",
		"every_minute":     "cron * * * * * zone=America/New_York",
		"leap_day":         "cron 0 9 29 2 * zone=Asia/Shanghai",
		"next_working_day": "cron 0 9 * * * zone=Asia/Shanghai rule=next_working_day region=cn",
		"counted_10000":    "cron 0 * * * * zone=Asia/Shanghai start=2026-01-01 count=10000",
	} {
		s := must(b, spec)
		at := time.Date(2026, 9, 30, 12, 0, 0, 0, time.UTC)
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, ok := s.Next(at); !ok {
					b.Fatal("none")
				}
			}
		})
	}
}

// A campaign's horizon: 30 days.
func BenchmarkThirtyDays(b *testing.B) {
	for name, spec := range map[string]string{
		"daily":        "cron 0 9 * * * zone=Asia/Shanghai rule=working_days region=cn",
		"every_minute": "cron * * * * * zone=Asia/Shanghai",
	} {
		s := must(b, spec)
		at := time.Date(2026, 9, 30, 12, 0, 0, 0, time.UTC)
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				for range s.Between(at, at.AddDate(0, 0, 30)) {
				}
			}
		})
	}
}

func BenchmarkPreview(b *testing.B) {
	s := must(b, "cron 0 9 * * * zone=Asia/Shanghai rule=next_working_day region=cn")
	at := time.Date(2026, 9, 30, 12, 0, 0, 0, time.UTC)
	for b.Loop() {
		s.Preview(at, 10)
	}
}

func BenchmarkParseAndNew(b *testing.B) {
	for b.Loop() {
		must(b, "cron 0 9 1,15,L * * zone=Asia/Shanghai rule=working_days region=cn")
	}
}

func BenchmarkWords(b *testing.B) {
	c := mustCron(b, "*/15 9-17 * * 1-5")
	for b.Loop() {
		c.Words(Chinese)
	}
}
