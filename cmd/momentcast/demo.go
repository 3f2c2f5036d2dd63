package main

import (
	"context"

	"momentcast/internal/app"
)

// demoCmd runs everything, with nothing to configure.
type demoCmd struct {
	Addr    string `placeholder:"HOST:PORT" help:"Address of the service. Default 127.0.0.1:8080, or a free port if that is taken."`
	SimAddr string `placeholder:"HOST:PORT" help:"Address of the simulated gateway. Default 127.0.0.1:8090, or a free port if that is taken."`
	DataDir string `placeholder:"DIR" help:"Where its data is kept. Default ./data/demo. Delete the directory to begin anew."`
}

// Run implements the command.
func (c *demoCmd) Run(ctx context.Context, f *logFlags, term *console) error {
	log, err := f.log(term)
	if err != nil {
		return err
	}
	return app.Demo(ctx, app.DemoConfig{Addr: c.Addr, SimAddr: c.SimAddr, DataDir: c.DataDir, Version: version}, log, term.out)
}
