package main

import (
	"context"
	"io"
	"time"

	"momentcast/internal/bench"
)

// benchCmd measures the engine on this machine.
type benchCmd struct {
	Paced  benchPacedCmd  `cmd:"" default:"withargs" help:"Lateness at a steady rate: due time to arrival at the gateway, beside a bare prototype of the design."`
	Expand benchExpandCmd `cmd:"" help:"Lateness of such posts while many campaigns expand, beside the same service idle."`
}

// benchPacedCmd is the scenario of posts that come at their times.
type benchPacedCmd struct {
	Rate      float64       `default:"50" help:"Posts a second; independent arrivals."`
	For       time.Duration `default:"20s" help:"Length of one measurement."`
	Latency   time.Duration `default:"5ms" help:"Time the gateway takes to answer."`
	Instances int           `default:"1000" help:"Number of WeChat accounts."`
	Rounds    int           `default:"3" help:"Measurements of each contestant, in turn; the medians are printed."`
	Seed      int64         `default:"1" help:"Of the arrivals."`
}

// Run implements the command.
func (c *benchPacedCmd) Run(ctx context.Context, out io.Writer) error {
	return bench.Run(ctx, bench.Options{
		Rate: c.Rate, For: c.For, Latency: c.Latency, Instances: c.Instances, Rounds: max(c.Rounds, 1), Seed: c.Seed,
	}, out)
}

// benchExpandCmd is the scenario of campaigns that expand while posts leave.
type benchExpandCmd struct {
	Rate      float64       `default:"50" help:"Posts a second; independent arrivals."`
	For       time.Duration `default:"20s" help:"Length of one window."`
	Latency   time.Duration `default:"5ms" help:"Time the gateway takes to answer."`
	Instances int           `default:"1000" help:"Number of WeChat accounts."`
	Campaigns int           `default:"1000" help:"Number of daily campaigns; each is expanded for 30 days."`
	Targets   int           `default:"100" help:"Instances of each campaign."`
	AtMost    time.Duration `default:"2h" help:"Where the expansion takes longer, its rate is printed as it was until then."`
	Seed      int64         `default:"1" help:"Of the arrivals."`
}

// Run implements the command.
func (c *benchExpandCmd) Run(ctx context.Context, out io.Writer) error {
	return bench.Expand(ctx, bench.ExpandOptions{
		Options:   bench.Options{Rate: c.Rate, For: c.For, Latency: c.Latency, Instances: c.Instances, Seed: c.Seed},
		Campaigns: c.Campaigns, Targets: min(c.Targets, c.Instances), AtMost: c.AtMost,
	}, out)
}
