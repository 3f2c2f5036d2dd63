package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"text/tabwriter"

	"momentcast/internal/app"
	"momentcast/internal/doctor"
)

// doctorCmd looks at everything the service depends on.
type doctorCmd struct {
	Database databaseFlags `embed:"" group:"database"`
	Gateway  gatewayFlags  `embed:"" group:"gateway"`

	JSON bool `name:"json" help:"Print the findings as JSON."`
}

// Run implements the command. The exit code is 1 if anything is broken.
func (c *doctorCmd) Run(ctx context.Context, out io.Writer) error {
	url, err := c.Database.url()
	report := doctor.Examine(ctx, doctor.Config{
		DatabaseURL: url.Reveal(), NoDatabase: err, Gateway: app.Gateway(c.Gateway).Client(),
	})
	if err := c.print(out, report); err != nil {
		return err
	}
	if report.Failed() {
		return failure(1)
	}
	return nil
}

func (c *doctorCmd) print(out io.Writer, r *doctor.Report) error {
	if c.JSON {
		enc := json.NewEncoder(out)
		enc.SetIndent("", "  ")
		return enc.Encode(r)
	}
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	for _, f := range r.Findings {
		fmt.Fprintf(w, "%s\t%s\t%s\n", f.Level, f.Subject, plainText(f.Message, 400))
		if f.NextStep != "" {
			fmt.Fprintf(w, "\t\t→ %s\n", f.NextStep)
		}
	}
	return w.Flush()
}
