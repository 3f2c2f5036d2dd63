package app

import (
	"strings"
	"testing"
	"time"

	"momentcast/internal/postgres"
)

func TestReadinessJudges(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 5, 1, 9, 0, 0, 0, time.UTC)
	newest, err := postgres.NewestSchema()
	if err != nil {
		t.Fatal(err)
	}
	good := postgres.Health{Now: now, Schema: newest, GatewayObserved: now.Add(-time.Second)}
	with := func(change func(*postgres.Health)) postgres.Health {
		h := good
		change(&h)
		return h
	}
	for name, tt := range map[string]struct {
		got  check
		ok   bool
		says string
	}{
		"dispatcher turns":     {checkBeat(true), true, "turns"},
		"dispatcher stands":    {checkBeat(false), false, "15s"},
		"schema current":       {checkSchema(good), true, "current"},
		"schema old":           {checkSchema(with(func(h *postgres.Health) { h.Schema-- })), false, "needs"},
		"schema newer":         {checkSchema(with(func(h *postgres.Health) { h.Schema++ })), false, "knows"},
		"gateway":              {checkGateway(good), true, "answers"},
		"gateway not asked":    {checkGateway(with(func(h *postgres.Health) { h.GatewayObserved = time.Time{} })), false, "not been asked"},
		"gateway just lost":    {checkGateway(with(func(h *postgres.Health) { h.GatewayDown = now.Add(-59 * time.Second) })), true, "59s ago"},
		"gateway lost":         {checkGateway(with(func(h *postgres.Health) { h.GatewayDown, h.GatewayError = now.Add(-61*time.Second), "refused" })), false, "refused"},
		"nothing overdue":      {checkOverdue(good), true, "Nothing"},
		"overdue":              {checkOverdue(with(func(h *postgres.Health) { h.Overdue, h.OverdueSince = 3, now.Add(-2*time.Minute) })), false, "2m0s"},
		"overdue while paused": {checkOverdue(with(func(h *postgres.Health) { h.Overdue, h.Paused = 3, true })), true, "Nothing"},
		"paused":               {checkPause(with(func(h *postgres.Health) { h.Paused, h.PausedBy, h.PausedReason = true, "ann", "fire" })), true, "ann: fire"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if tt.got.OK != tt.ok || !strings.Contains(tt.got.Message, tt.says) {
				t.Errorf("%+v", tt.got)
			}
			if !tt.ok && tt.got.NextStep == "" {
				t.Error("does not say what to do")
			}
		})
	}
}
