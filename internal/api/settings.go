package api

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"momentcast/internal/lint"
	"momentcast/internal/moment"
)

// SettingsStore is the part of the database that the settings need.
type SettingsStore interface {
	Settings(ctx context.Context) (moment.Settings, error)
	ChangeSettings(ctx context.Context, ifVersion int64, change func(*moment.Settings) error, by moment.Origin) error
}

func (a *API) registerSettings() {
	op := func(id, method, summary, description string, errs ...int) huma.Operation {
		return huma.Operation{OperationID: id, Method: method, Path: "/settings", Summary: summary, Description: description, Tags: []string{"settings"}, Errors: errs}
	}
	register(a, op("get-settings", http.MethodGet, "Show the settings", "What holds for the whole service. Instances may have a pacing of their own."), a.getSettings)
	register(a, op("edit-settings", http.MethodPatch, "Change settings",
		"Changes the fields that are given. Those that the environment sets cannot be changed here. Every change is audited.",
		http.StatusPreconditionFailed, http.StatusPreconditionRequired, http.StatusUnsupportedMediaType), a.editSettings)
}

// settingsBody is what holds for the whole service.
type settingsBody struct {
	MinGap          string   `json:"min_gap" doc:"Between two posts of an instance; 0s = none." example:"15m"`
	DailyCap        int      `json:"daily_cap" doc:"Posts of an instance a day; 0 = no cap."`
	QuietHours      string   `json:"quiet_hours" doc:"Local hours without posts; empty = none." example:"23:00-07:00"`
	OnlineAge       string   `json:"online_age" doc:"Time online before the first post; 0s = none." example:"72h"`
	ReloginKeeps    string   `json:"relogin_keeps" doc:"A re-login within this keeps the time online." example:"30m"`
	MaxLateness     string   `json:"max_lateness" doc:"Of posts that name none; 0s = no limit." example:"30m"`
	TimeZone        string   `json:"time_zone" doc:"Of instances that name none." example:"Asia/Shanghai"`
	AutoResend      bool     `json:"auto_resend" doc:"Send again, once, what the read-backs did not find. It may post twice."`
	RequireApproval bool     `json:"require_approval" doc:"Submitted posts wait for an approver. What is scheduled already goes on."`
	OwnApproval     bool     `json:"own_approval" doc:"Who wrote or edited a post may approve it too."`
	ApprovalExpires string   `json:"approval_expires" doc:"How long an approval holds; 0s = for ever. For approvals from now on." example:"720h"`
	FoldLines       int      `json:"fold_lines" doc:"Lines of a text that show before it is folded."`
	FoldChars       int      `json:"fold_chars" doc:"Characters likewise."`
	LintWords       string   `json:"lint_words" doc:"Words to warn of beside those built in, one a line."`
	LintAllowed     string   `json:"lint_allowed" doc:"Built-in words not to warn of, one a line."`
	DuplicateDays   int      `json:"duplicate_days" doc:"The same link on one account within so many days is warned of; 0 = never."`
	Fixed           []string `json:"fixed" doc:"Those that the environment sets; they cannot be changed here."`
	Version         int64    `json:"version" doc:"The ETag, as a number."`
}

type settingsOutput struct {
	ETag string `header:"ETag" doc:"The version; for If-Match."`
	Body settingsBody
}

func (a *API) getSettings(ctx context.Context, _ *struct{}) (*settingsOutput, error) {
	s, err := a.store.Settings(ctx)
	if err != nil {
		return nil, err
	}
	p := s.Pacing
	return &settingsOutput{etag(s.Version), settingsBody{
		MinGap: brief(p.MinGap), DailyCap: p.DailyCap, QuietHours: string(p.QuietHours), OnlineAge: brief(p.OnlineAge),
		ReloginKeeps: brief(s.ReloginKeeps), MaxLateness: brief(s.MaxLateness), TimeZone: s.TimeZone, AutoResend: s.AutoResend,
		RequireApproval: s.RequireApproval, OwnApproval: s.OwnApproval, ApprovalExpires: brief(s.ApprovalExpires),
		FoldLines: s.FoldLines, FoldChars: s.FoldChars, LintWords: s.LintWords, LintAllowed: s.LintAllowed, DuplicateDays: s.DuplicateDays,
		Fixed: list([]string(a.fixed)), Version: s.Version,
	}}, nil
}

type editSettingsInput struct {
	IfMatch string `header:"If-Match" doc:"The ETag that you read; * for any. Required." example:"\"3\""`
	Body    editSettingsBody
}

// editSettingsBody is a change: what is not given stays as it is.
type editSettingsBody struct {
	MinGap          *string `json:"min_gap,omitempty"`
	DailyCap        *int    `json:"daily_cap,omitempty"`
	QuietHours      *string `json:"quiet_hours,omitempty"`
	OnlineAge       *string `json:"online_age,omitempty"`
	ReloginKeeps    *string `json:"relogin_keeps,omitempty"`
	MaxLateness     *string `json:"max_lateness,omitempty"`
	TimeZone        *string `json:"time_zone,omitempty"`
	AutoResend      *bool   `json:"auto_resend,omitempty"`
	RequireApproval *bool   `json:"require_approval,omitempty"`
	OwnApproval     *bool   `json:"own_approval,omitempty"`
	ApprovalExpires *string `json:"approval_expires,omitempty"`
	FoldLines       *int    `json:"fold_lines,omitempty"`
	FoldChars       *int    `json:"fold_chars,omitempty"`
	LintWords       *string `json:"lint_words,omitempty"`
	LintAllowed     *string `json:"lint_allowed,omitempty"`
	DuplicateDays   *int    `json:"duplicate_days,omitempty"`
}

func (a *API) editSettings(ctx context.Context, in *editSettingsInput) (*settingsOutput, error) {
	v, err := needVersion(in.IfMatch)
	if err != nil {
		return nil, err
	}
	err = a.store.ChangeSettings(ctx, v, func(s *moment.Settings) error {
		was := *s
		if err := in.Body.apply(s); err != nil {
			return err
		}
		return a.fixed.Check(&was, s)
	}, origin(ctx))
	if err != nil {
		return nil, err
	}
	a.engine.Wake()
	return a.getSettings(ctx, nil)
}

// apply puts what is given into s.
func (b *editSettingsBody) apply(s *moment.Settings) error {
	var fs fields
	put(&s.Pacing.DailyCap, b.DailyCap)
	put(&s.TimeZone, b.TimeZone)
	put(&s.AutoResend, b.AutoResend)
	put(&s.RequireApproval, b.RequireApproval)
	put(&s.OwnApproval, b.OwnApproval)
	put(&s.FoldLines, b.FoldLines)
	put(&s.FoldChars, b.FoldChars)
	put(&s.LintWords, b.LintWords)
	put(&s.LintAllowed, b.LintAllowed)
	put(&s.DuplicateDays, b.DuplicateDays)
	for _, d := range []struct {
		name string
		of   *time.Duration
		to   *string
	}{
		{"min_gap", &s.Pacing.MinGap, b.MinGap}, {"online_age", &s.Pacing.OnlineAge, b.OnlineAge}, {"relogin_keeps", &s.ReloginKeeps, b.ReloginKeeps},
		{"max_lateness", &s.MaxLateness, b.MaxLateness}, {"approval_expires", &s.ApprovalExpires, b.ApprovalExpires},
	} {
		if d.to != nil {
			*d.of = fs.duration(d.name, *d.to)
		}
	}
	if b.QuietHours != nil {
		q, err := moment.ParseQuietHours(*b.QuietHours)
		if err != nil {
			fs.add("quiet_hours", "must be written HH:MM-HH:MM, such as 23:00-07:00")
		}
		s.Pacing.QuietHours = q
	}
	if _, err := lint.ParseWords(s.LintWords); err != nil {
		fs.add("lint_words", "is not a list of words, one a line of at most 50 characters")
	}
	return fs.err()
}

func put[T any](to, from *T) {
	if from != nil {
		*to = *from
	}
}
