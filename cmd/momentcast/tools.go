package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"runtime"
	"runtime/debug"
	"time"

	"momentcast/internal/app"
	"momentcast/migrations"
)

// versionCmd says which version this is.
type versionCmd struct{}

// Run implements the command.
func (versionCmd) Run(out io.Writer) error {
	_, err := fmt.Fprintf(out, "momentcast %s (%s, %s/%s%s)\n", version, runtime.Version(), runtime.GOOS, runtime.GOARCH, commit())
	return err
}

// commit is what the program was built from, as far as the build knows.
func commit() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return ""
	}
	var revision, changed string
	for _, s := range info.Settings {
		switch {
		case s.Key == "vcs.revision":
			revision = ", commit " + s.Value[:min(12, len(s.Value))]
		case s.Key == "vcs.modified" && s.Value == "true":
			changed = " with changes"
		}
	}
	return revision + changed
}

// healthCmd asks a running service whether it lives.
type healthCmd struct {
	Addr string `env:"MOMENTCAST_ADDR" default:"127.0.0.1:8080" help:"Address it listens on."`
}

// Run implements the command.
func (c *healthCmd) Run(ctx context.Context, out io.Writer) error {
	host, port, err := net.SplitHostPort(c.Addr)
	if err != nil {
		return fmt.Errorf("MOMENTCAST_ADDR: is written host:port")
	}
	if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
		host = "127.0.0.1" // it listens everywhere, so here too
	}
	ctx, done := context.WithTimeout(ctx, 4*time.Second)
	defer done()
	url := "http://" + net.JoinHostPort(host, port) + "/healthz"
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	resp, err := (&http.Client{}).Do(req) // ctx bounds it
	if err != nil {
		return fmt.Errorf("no momentcast answers on %s: %w", c.Addr, err)
	}
	defer func() { _ = resp.Body.Close() }() // only read
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("%s answers %s", url, resp.Status)
	}
	_, err = io.Copy(out, io.LimitReader(resp.Body, 1<<16))
	return err
}

// migrateCmd changes the schema.
type migrateCmd struct {
	Up     migrateUpCmd     `cmd:"" default:"withargs" help:"Bring it to the newest (also done by serve)."`
	Down   migrateDownCmd   `cmd:"" help:"Take the newest migration back. What it added is lost."`
	Status migrateStatusCmd `cmd:"" help:"List the migrations and which of them the database has."`
}

type migrateUpCmd struct {
	Database databaseFlags `embed:"" group:"database"`
}

// Run implements the command.
func (c *migrateUpCmd) Run(ctx context.Context, out io.Writer) error {
	url, err := c.Database.url()
	if err != nil {
		return err
	}
	n, err := migrations.Up(ctx, url.Reveal())
	if err != nil {
		return app.Plain("migrate the database", err)
	}
	fmt.Fprintf(out, "%d migrations applied; the schema is current.\n", n)
	return nil
}

type migrateDownCmd struct {
	Database databaseFlags `embed:"" group:"database"`
	Yes      bool          `help:"Yes, take it back: what it added is lost."`
}

// Run implements the command.
func (c *migrateDownCmd) Run(ctx context.Context, out io.Writer) error {
	if !c.Yes {
		return fmt.Errorf("taking a migration back loses what it added: make a backup, stop every momentcast, and say --yes")
	}
	url, err := c.Database.url()
	if err != nil {
		return err
	}
	if err := migrations.Down(ctx, url.Reveal()); err != nil {
		return app.Plain("take the migration back", err)
	}
	fmt.Fprintln(out, "The newest migration is taken back.")
	return nil
}

type migrateStatusCmd struct {
	Database databaseFlags `embed:"" group:"database"`
}

// Run implements the command.
func (c *migrateStatusCmd) Run(ctx context.Context, out io.Writer) error {
	url, err := c.Database.url()
	if err != nil {
		return err
	}
	list, err := migrations.List(ctx, url.Reveal())
	if err != nil {
		return app.Plain("read the migrations", err)
	}
	for _, m := range list {
		state := "pending"
		if m.Applied {
			state = "applied"
		}
		fmt.Fprintf(out, "%-8s %s\n", state, m.Name)
	}
	return nil
}

// url is the address of the database: as given, or of the momentcast that runs
// in the data directory.
func (f databaseFlags) url() (app.Secret, error) {
	if f.URL != "" {
		return f.URL, nil
	}
	return app.RunningDatabase(f.DataDir)
}
