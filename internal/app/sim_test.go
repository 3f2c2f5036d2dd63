package app_test

import (
	"context"
	"strings"
	"testing"

	"github.com/rs/zerolog"

	"momentcast/internal/app"
)

// Whoever reaches the simulator controls it: it is open to others only when
// that is said.
func TestSimIsNotOpenByAccident(t *testing.T) {
	t.Parallel()
	ctx, stop := context.WithCancel(t.Context())
	stop() // what is allowed ends at once
	for addr, open := range map[string]bool{
		":0": true, "0.0.0.0:0": true, "[::]:0": true, "192.0.2.1:0": true, "example.com:80": true,
		"127.0.0.1:0": false, "localhost:0": false,
	} {
		err := app.RunSim(ctx, app.SimConfig{Addr: addr}, zerolog.Nop())
		if refused := err != nil && strings.Contains(err.Error(), "--public"); refused != open {
			t.Errorf("%s: %v", addr, err)
		}
	}
	if err := app.RunSim(ctx, app.SimConfig{Addr: "0.0.0.0:0", Public: true}, zerolog.Nop()); err != nil && ctx.Err() == nil {
		t.Errorf("with --public: %v", err)
	}
}
