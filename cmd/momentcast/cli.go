package main

import (
	"context"
	"io"
	"os"
	"strings"

	"github.com/alecthomas/kong"
	"github.com/rs/zerolog"

	"momentcast/internal/bench"
	"momentcast/internal/telemetry"
)

// cli is the whole command line. Every setting is a flag and a variable of the
// environment; the flag wins.
type cli struct {
	Log logFlags `embed:"" group:"log"`

	Serve  serveCmd  `cmd:"" group:"run" help:"Run the service."`
	Demo   demoCmd   `cmd:"" group:"run" help:"Try it: own PostgreSQL, simulated gateway, posts to watch; nothing to configure."`
	Doctor doctorCmd `cmd:"" group:"run" help:"Find out what is wrong and what to do about it."`
	Health healthCmd `cmd:"" group:"run" help:"Ask a running service whether it lives; exit code 0 if so. For container checks."`

	Migrate migrateCmd `cmd:"" group:"data" help:"Bring the database's schema up or down, or tell where it stands."`
	Token   tokenCmd   `cmd:"" group:"data" help:"Create, list and revoke API tokens, directly in the database."`
	User    userCmd    `cmd:"" group:"data" help:"Add, list, disable people and set passwords and roles, directly in the database."`

	Post     PostCmd     `cmd:"" group:"use" help:"Queue, list and act on posts."`
	History  HistoryCmd  `cmd:"" group:"use" help:"List the history, export it, count its days."`
	Audience AudienceCmd `cmd:"" group:"use" help:"Make, list and change audiences: who may see a post."`
	Campaign CampaignCmd `cmd:"" group:"use" help:"Plan recurring posts."`
	Holiday  HolidayCmd  `cmd:"" group:"use" help:"List and change the public holidays that schedules keep to."`
	Import   ImportCmd   `cmd:"" group:"use" help:"Make posts of a table: check it, then commit it."`
	Instance InstanceCmd `cmd:"" group:"use" help:"Register, list and change instances."`
	Pause    PauseCmd    `cmd:"" group:"use" help:"Send nothing any more, on all replicas, until resumed."`
	Resume   ResumeCmd   `cmd:"" group:"use" help:"End the pause."`
	Status   StatusCmd   `cmd:"" group:"use" help:"Show the whole picture."`

	Sim     simCmd     `cmd:"" group:"other" help:"Run the simulated gateway alone. It posts nothing anywhere."`
	Bench   benchCmd   `cmd:"" group:"other" help:"Measure the engine on this machine."`
	Version versionCmd `cmd:"" group:"other" help:"Say which version this is."`
}

const description = `momentcast sends WeChat Moments link cards from many instances: each one once, on time, provably.

Settings are flags or variables of the environment; a flag wins. A secret is also read from the file that its variable with _FILE at the end names.`

var groups = []kong.Group{
	{Key: "run", Title: "Run it:"},
	{Key: "data", Title: "What is stored:"},
	{Key: "use", Title: "Use it (clients of the API):"},
	{Key: "other", Title: "Besides:"},
	{Key: "http", Title: "Where it listens:"},
	{Key: "database", Title: "Database:"},
	{Key: "gateway", Title: "Gateway:"},
	{Key: "pacing", Title: "Pacing of all instances that have no setting of their own (what is not given stays as it is in the database):"},
	{Key: "signin", Title: "How people sign in to the pages:"},
	{Key: "engine", Title: "Engine:"},
	{Key: "log", Title: "Log (to standard error):"},
}

// logFlags say how the log looks.
type logFlags struct {
	Level  string `name:"log-level" env:"MOMENTCAST_LOG_LEVEL" default:"info" enum:"trace,debug,info,warn,error" help:"Least important lines to log: ${enum}."`
	Format string `name:"log-format" env:"MOMENTCAST_LOG_FORMAT" default:"auto" enum:"auto,json,console" help:"${enum}. Auto is console on a terminal and JSON elsewhere."`
}

// console is where a command writes to, and what is to be said about how it
// was called.
type console struct {
	out, err io.Writer
	unknown  []string // variables of the environment that look like settings and are none
}

// log opens the log.
func (f logFlags) log(c *console) (zerolog.Logger, error) {
	return telemetry.NewLog(c.err, f.Level, telemetry.Format(f.Format))
}

// execute parses the command line and runs the command.
func execute(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	unsetEmpty()
	var c cli
	term := &console{out: stdout, err: stderr}
	parser, err := c.parser(ctx, term)
	if err != nil {
		return err
	}
	if len(args) == 0 {
		args = []string{"--help"}
	}
	k, err := parser.Parse(args)
	if err != nil {
		return err
	}
	term.unknown = unknownSettings(os.Environ(), parser.Model)
	return k.Run()
}

// parser returns what reads a command line into c.
func (c *cli) parser(ctx context.Context, term *console) (*kong.Kong, error) {
	return kong.New(c,
		kong.Name("momentcast"),
		kong.Description(description),
		kong.ExplicitGroups(groups),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true, WrapUpperBound: 120}),
		kong.Writers(term.out, term.err),
		kong.Exit(func(code int) { panic(exit(code)) }),
		kong.Vars{"faults": faultNames(), "scenarios": strings.Join(bench.Names(), ", ")},
		kong.Resolvers(kong.ResolverFunc(secretFile)),
		kong.BindTo(ctx, (*context.Context)(nil)),
		kong.BindTo(term.out, (*io.Writer)(nil)),
		kong.Bind(&c.Log, term),
	)
}

// line is an error as one line.
func line(err error) string {
	var parts []string
	for part := range strings.Lines(err.Error()) {
		if part = strings.TrimSpace(part); part != "" {
			parts = append(parts, part)
		}
	}
	return strings.Join(parts, "; ")
}
