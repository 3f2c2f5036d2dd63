package main

import (
	"context"
	"io"
	"time"

	"momentcast/internal/bench"
)

// benchCmd measures the engine on this machine.
type benchCmd struct {
	Run    benchRunCmd    `cmd:"" default:"withargs" help:"Measure scenarios side by side with River and with what the machine could do at all, and write a report."`
	Sweep  benchSweepCmd  `cmd:"" help:"Look for River's best settings on this machine."`
	Expand benchExpandCmd `cmd:"" help:"Lateness of paced posts while many campaigns expand, beside the same service idle."`
}

// benchRunCmd measures scenarios.
type benchRunCmd struct {
	Scenarios []string `arg:"" optional:"" name:"scenario" help:"What to measure: ${scenarios}. None: all."`

	Report      string        `placeholder:"DIR" help:"Where to write report.md, pictures and results.jsonl. Not set: the report is printed."`
	Resume      bool          `help:"Take over what results.jsonl in that directory has, and measure the rest."`
	Rounds      int           `default:"5" help:"Measurements of each contestant, in turn; the medians count."`
	Scale       float64       `default:"1" help:"Share of the posts, and of what lies beside them: 0.1 for a quick look."`
	Contestants []string      `placeholder:"NAME" help:"Only these: engine, river-row, river-job, …"`
	Rate        float64       `default:"200" help:"Posts a second where they come at their times; independent arrivals."`
	For         time.Duration `default:"15s" help:"How long they do."`
	Latency     time.Duration `default:"5ms" help:"Time the gateway takes to answer."`
	Calls       int           `default:"256" help:"Calls that the engine makes at once in bursts (MOMENTCAST_CONCURRENCY); paced, it has its default."`
	Seed        int64         `default:"1" help:"Of the arrivals."`
	Tools       benchTools    `embed:""`
	River       riverFlags    `embed:"" prefix:"river-"`
}

// benchTools say where things are.
type benchTools struct {
	Peer    string `name:"river" default:"bin/momentcast-bench-river" placeholder:"PROGRAM" help:"River's program; make bench-river builds it."`
	DataDir string `placeholder:"DIR" help:"Where the databases are while they are measured; removed at the end. Not set: the system's directory for temporary files."`
}

// riverFlags are River's best settings, by default those of River's own benchmark; the
// sweep finds a machine's own.
type riverFlags struct {
	Workers  int           `default:"500" help:"River's best settings: MaxWorkers,"`
	Cooldown time.Duration `default:"2ms" help:"FetchCooldown,"`
	Poll     time.Duration `default:"20ms" help:"FetchPollInterval,"`
	Conns    int           `default:"20" help:"connections,"`
	Snooze   time.Duration `default:"10ms" help:"snooze of a job whose account is busy."`
}

// Run implements the command.
func (c *benchRunCmd) Run(ctx context.Context, out io.Writer) error {
	return bench.Run(ctx, bench.Options{
		Rate: c.Rate, For: c.For, Latency: c.Latency, Rounds: max(c.Rounds, 1), Seed: c.Seed, Scale: c.Scale, Calls: c.Calls,
		Scenarios: c.Scenarios, Contestants: c.Contestants, Report: c.Report, Resume: c.Resume,
		Peer: c.Tools.Peer, Dir: c.Tools.DataDir, Best: bench.River(c.River), Version: version,
	}, out)
}

// benchSweepCmd looks for River's best settings.
type benchSweepCmd struct {
	Rounds  int           `default:"3" help:"Measurements of each setting; the medians count."`
	Scale   float64       `default:"1" help:"Share of the posts."`
	Latency time.Duration `default:"5ms" help:"Time the gateway takes to answer."`
	Tools   benchTools    `embed:""`
	River   riverFlags    `embed:"" prefix:"river-"`
}

// Run implements the command.
func (c *benchSweepCmd) Run(ctx context.Context, out io.Writer) error {
	return bench.Sweep(ctx, bench.Options{
		Rounds: max(c.Rounds, 1), Scale: c.Scale, Latency: c.Latency, Peer: c.Tools.Peer, Dir: c.Tools.DataDir, Best: bench.River(c.River),
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
