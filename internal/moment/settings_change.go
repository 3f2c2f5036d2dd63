package moment

import (
	"slices"
	"time"
	"unicode/utf8"
)

// Limits of the settings.
const (
	MaxFoldLines = 100
	MaxFoldChars = MaxContent
	MaxWordList  = 50_000 // characters

	MaxDuplicateDays = 365
)

// SettingsChanges lists what differs between two settings that people may set:
// name → old, new, as the audit trail keeps them.
func SettingsChanges(was, is *Settings) map[string][2]any {
	out := make(map[string][2]any)
	a, b := was.values(), is.values()
	for name, v := range a {
		if v != b[name] {
			out[name] = [2]any{v, b[name]}
		}
	}
	return out
}

// values are the settings that people may set, by name.
func (s *Settings) values() map[string]any {
	return map[string]any{
		"min_gap": s.Pacing.MinGap.String(), "daily_cap": s.Pacing.DailyCap, "quiet_hours": string(s.Pacing.QuietHours),
		"online_age": s.Pacing.OnlineAge.String(), "relogin_keeps": s.ReloginKeeps.String(), "max_lateness": s.MaxLateness.String(),
		"time_zone": s.TimeZone, "auto_resend": s.AutoResend,
		"require_approval": s.RequireApproval, "own_approval": s.OwnApproval, "approval_expires": s.ApprovalExpires.String(),
		"fold_lines": s.FoldLines, "fold_chars": s.FoldChars, "lint_words": s.LintWords, "lint_allowed": s.LintAllowed,
		"duplicate_days": s.DuplicateDays,
	}
}

// FixedSettings are the names of those that the environment sets: each start
// of the service writes them, so that a change by hand would not last.
type FixedSettings []string

// Has reports whether the environment sets it.
func (f FixedSettings) Has(name string) bool { return slices.Contains(f, name) }

// Check refuses changes to them.
func (f FixedSettings) Check(was, is *Settings) error {
	var fs []Field
	changed := SettingsChanges(was, is)
	for _, name := range f {
		if _, ok := changed[name]; ok {
			fs = append(fs, Field{name, "is set by the environment and cannot be changed here"})
		}
	}
	return InvalidFields(fs)
}

// Check reports everything wrong with settings that are to be stored.
func (s *Settings) Check() error {
	p := &s.Pacing
	fs := Override{MinGap: &p.MinGap, DailyCap: &p.DailyCap, OnlineAge: &p.OnlineAge}.fields()
	add := func(wrong bool, path, message string) {
		if wrong {
			fs = append(fs, Field{path, message})
		}
	}
	quiet, err := ParseQuietHours(string(p.QuietHours))
	add(err != nil || quiet != p.QuietHours, "quiet_hours", "must be written HH:MM-HH:MM, such as 23:00-07:00")
	add(s.ReloginKeeps < 0 || s.ReloginKeeps > 365*24*time.Hour, "relogin_keeps", "must be between 0 (never) and 8760h")
	add(s.MaxLateness < 0 || s.MaxLateness > 30*24*time.Hour, "max_lateness", "must be between 0 (no limit) and 720h")
	zone := CheckZone(s.TimeZone)
	add(zone != "", "time_zone", zone)
	add(s.ApprovalExpires < 0 || s.ApprovalExpires > MaxApprovalExpires || s.ApprovalExpires > 0 && s.ApprovalExpires < time.Minute,
		"approval_expires", "must be between 1m and 8784h, or 0 (never)")
	add(s.FoldLines < 1 || s.FoldLines > MaxFoldLines, "fold_lines", "must be between 1 and 100")
	add(s.FoldChars < 1 || s.FoldChars > MaxFoldChars, "fold_chars", "must be between 1 and 2000")
	add(s.DuplicateDays < 0 || s.DuplicateDays > MaxDuplicateDays, "duplicate_days", "must be between 0 (never) and 365")
	for _, list := range []struct{ path, text string }{{"lint_words", s.LintWords}, {"lint_allowed", s.LintAllowed}} {
		add(utf8.RuneCountInString(list.text) > MaxWordList, list.path, "is longer than 50000 characters")
		m := checkText(list.text, false, MaxWordList)
		add(m != "" && utf8.RuneCountInString(list.text) <= MaxWordList, list.path, m)
	}
	return InvalidFields(fs)
}
