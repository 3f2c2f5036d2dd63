package main

import (
	"context"
	"io"
	"time"

	"momentcast/internal/bench"
)

// benchCmd measures the engine on this machine.
type benchCmd struct {
	Paced benchPacedCmd `cmd:"" default:"withargs" help:"Lateness at a steady rate: due time to arrival at the gateway, beside a bare prototype of the design."`
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
