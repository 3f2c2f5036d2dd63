package api

import (
	"context"
	"slices"
	"time"

	"momentcast/internal/moment"
	"momentcast/internal/schedule"
)

// DryRunInput is what every dry run takes.
type DryRunInput struct {
	Days int `query:"days" minimum:"1" maximum:"30" default:"30"`
}

type dryRunOutput struct {
	Body dryRunBody
}

func (a *API) dryRun(ctx context.Context, in *DryRunInput) (*dryRunOutput, error) {
	return a.simulate(ctx, 0, in.Days)
}

type dryRunCampaignInput struct {
	CampaignInput
	DryRunInput
}

func (a *API) dryRunCampaign(ctx context.Context, in *dryRunCampaignInput) (*dryRunOutput, error) {
	return a.simulate(ctx, in.ID, in.Days)
}

func (a *API) simulate(ctx context.Context, campaign int64, days int) (*dryRunOutput, error) {
	r, err := a.store.DryRun(ctx, campaign, time.Duration(days)*24*time.Hour)
	if err != nil {
		return nil, err
	}
	return &dryRunOutput{showDryRun(r)}, nil
}

// PreviewInput is what every preview takes.
type PreviewInput struct {
	Lang string `query:"lang" enum:"zh-CN,en" default:"zh-CN"`
	From string `query:"from" format:"date" doc:"The day in the schedule's zone to begin with, which may be past. Now if left out."`
	N    int    `query:"n" minimum:"1" maximum:"100" default:"10"`
}

type previewScheduleInput struct {
	PreviewInput
	Body struct {
		Schedule string `json:"schedule" doc:"As in a campaign." example:"cron 0 9 * * 1 zone=Asia/Shanghai rule=working_days region=cn"`
	} `nameHint:"ScheduleText"`
}

type previewOutput struct {
	Body previewBody
}

func (a *API) previewSchedule(ctx context.Context, in *previewScheduleInput) (*previewOutput, error) {
	return a.preview(ctx, in.Body.Schedule, in.PreviewInput)
}

type previewCampaignInput struct {
	CampaignInput
	PreviewInput
}

func (a *API) previewCampaign(ctx context.Context, in *previewCampaignInput) (*previewOutput, error) {
	c, err := a.store.Campaign(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	return a.preview(ctx, c.Plan.Schedule, in.PreviewInput)
}

func (a *API) preview(ctx context.Context, text string, in PreviewInput) (*previewOutput, error) {
	var day *schedule.Date
	if in.From != "" {
		d, err := schedule.ParseDate(in.From)
		if err != nil {
			return nil, moment.InvalidFields([]moment.Field{{Path: "from", Message: "is not a date such as 2026-12-01"}})
		}
		day = &d
	}
	p, err := a.store.CampaignPreview(ctx, text, day, in.N)
	if err != nil {
		return nil, underPrefix(err, "", "schedule.")
	}
	spec, err := schedule.ParseSpec(text)
	if err != nil {
		return nil, err
	}
	lang := schedule.Lang(in.Lang)
	b := previewBody{Schedule: spec.String(), Words: spec.Words(lang), Entries: make([]previewEntry, len(p.Entries)), Dropped: p.Dropped,
		Ended: p.Ended, Unpublished: list(slices.Clone(p.Unpublished))}
	for i, e := range p.Entries {
		b.Entries[i] = previewEntry{Name: e.Name.String(), At: e.At, Local: e.Local.Format(time.RFC3339), Weekday: e.Weekday.String(), Zone: e.Zone,
			Dropped: e.Dropped, Mark: e.Day.Mark(), Why: e.Why(lang)}
	}
	return &previewOutput{b}, nil
}
