package web

import (
	"strconv"
	"strings"
	"time"

	"momentcast/internal/lint"
	"momentcast/internal/moment"
)

// settingKind says how a setting is entered.
func settingKind(name string) string {
	switch name {
	case "auto_resend", "require_approval", "own_approval":
		return "bool"
	case "daily_cap", "fold_lines", "fold_chars", "duplicate_days":
		return "number"
	case "lint_words", "lint_allowed":
		return "lines"
	}
	return "text"
}

// settingValues are the settings as a form has them.
func settingValues(s *moment.Settings) map[string]string {
	flag := map[bool]string{true: "1", false: "0"}
	return map[string]string{
		"min_gap": exactly(s.Pacing.MinGap), "daily_cap": strconv.Itoa(s.Pacing.DailyCap), "quiet_hours": string(s.Pacing.QuietHours),
		"online_age": exactly(s.Pacing.OnlineAge), "relogin_keeps": exactly(s.ReloginKeeps), "max_lateness": exactly(s.MaxLateness),
		"time_zone": s.TimeZone, "auto_resend": flag[s.AutoResend],
		"require_approval": flag[s.RequireApproval], "own_approval": flag[s.OwnApproval], "approval_expires": exactly(s.ApprovalExpires),
		"fold_lines": strconv.Itoa(s.FoldLines), "fold_chars": strconv.Itoa(s.FoldChars),
		"duplicate_days": strconv.Itoa(s.DuplicateDays),
		"lint_words":     s.LintWords, "lint_allowed": s.LintAllowed,
	}
}

// setSetting reads one setting as it was typed; it says what is wrong with it.
func setSetting(s *moment.Settings, name, typed string) string {
	switch name {
	case "min_gap":
		return readSpan(&s.Pacing.MinGap, typed)
	case "online_age":
		return readSpan(&s.Pacing.OnlineAge, typed)
	case "relogin_keeps":
		return readSpan(&s.ReloginKeeps, typed)
	case "max_lateness":
		return readSpan(&s.MaxLateness, typed)
	case "approval_expires":
		return readSpan(&s.ApprovalExpires, typed)
	case "daily_cap":
		return readCount(&s.Pacing.DailyCap, typed)
	case "fold_lines":
		return readCount(&s.FoldLines, typed)
	case "fold_chars":
		return readCount(&s.FoldChars, typed)
	case "duplicate_days":
		return readCount(&s.DuplicateDays, typed)
	case "quiet_hours":
		q, err := moment.ParseQuietHours(typed)
		if err != nil {
			return "must be written HH:MM-HH:MM, such as 23:00-07:00"
		}
		s.Pacing.QuietHours = q
	case "time_zone":
		s.TimeZone = typed
	case "auto_resend":
		s.AutoResend = typed == "1"
	case "require_approval":
		s.RequireApproval = typed == "1"
	case "own_approval":
		s.OwnApproval = typed == "1"
	case "lint_words":
		s.LintWords = typed
		return wrongList(typed)
	case "lint_allowed":
		s.LintAllowed = typed
	}
	return ""
}

// wrongList says that a list of words cannot be read.
func wrongList(text string) string {
	if _, err := lint.ParseWords(text); err != nil {
		return "is not a list of words, one a line of at most 50 characters"
	}
	return ""
}

// readSpan reads a span of time: 90m, 72h, 30d; 0 is none.
func readSpan(to *time.Duration, typed string) string {
	if typed == "0" {
		*to = 0
		return ""
	}
	d, err := parseShift(typed)
	if err != nil || d < 0 || strings.HasPrefix(typed, "-") {
		return "is not a span of time such as 90m, 2h or 1d"
	}
	*to = d
	return ""
}

func readCount(to *int, typed string) string {
	n, err := strconv.Atoi(typed)
	if err != nil {
		return "is not a number"
	}
	*to = n
	return ""
}
