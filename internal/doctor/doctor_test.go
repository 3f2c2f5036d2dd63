package doctor

import (
	"context"
	"errors"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"go.uber.org/goleak"

	"momentcast/internal/gateway"
	"momentcast/internal/gateway/sim"
	"momentcast/internal/moment"
	"momentcast/internal/postgres"
	"momentcast/internal/postgres/postgrestest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(postgrestest.Wrap(m)) }

const token = "gateway-token"

// patient is what the doctor looks at: all is well at first.
type patient struct {
	*testing.T
	url string
	db  *postgres.DB
	cfg Config
}

func newPatient(t *testing.T) *patient {
	t.Helper()
	s, err := sim.New(sim.Config{Token: token, Accounts: []sim.Account{{WcID: "wxid_one", Name: "One", OnlineFor: 100 * time.Hour}}})
	if err != nil {
		t.Fatal(err)
	}
	srv := httptest.NewServer(s.Handler())
	t.Cleanup(func() {
		_ = s.Close()
		srv.Close()
	})
	url := postgrestest.URL(t)
	db, err := postgres.Open(url, postgres.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(db.Close)
	p := &patient{t, url, db, Config{DatabaseURL: url, Gateway: gateway.Config{BaseURL: srv.URL, Token: token}}}
	ctx := t.Context()
	by := moment.System("test")
	for _, err := range []error{
		db.Heartbeat(ctx, "replica", "v", 0),
		db.EnsureBootstrapToken(ctx, "a-token-for-the-tests"),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	i := &moment.Instance{WcID: "wxid_one", Name: "One", WID: "w", OnlineSince: time.Now().Add(-100 * time.Hour)}
	if _, err := db.AddInstance(ctx, i, by); err != nil {
		t.Fatal(err)
	}
	return p
}

func (p *patient) exec(sql string) {
	p.Helper()
	c, err := pgx.Connect(p.Context(), p.url)
	if err != nil {
		p.Fatal(err)
	}
	defer func() { _ = c.Close(context.Background()) }()
	if _, err := c.Exec(p.Context(), sql); err != nil {
		p.Fatal(err)
	}
}

// find is the finding on that subject, at its worst.
func find(r *Report, subject string) (found Finding) {
	for _, f := range r.Findings {
		if f.Subject == subject && (found.Level == "" || found.Level == OK) {
			found = f
		}
	}
	return found
}

func TestAllIsWell(t *testing.T) {
	t.Parallel()
	r := Examine(t.Context(), newPatient(t).cfg)
	if r.Failed() {
		t.Error("failed")
	}
	for _, f := range r.Findings {
		if f.Level == Fail || f.Level == Warn && f.Subject != "database" { // a busy machine may be slow
			t.Errorf("%+v", f)
		}
	}
	for _, subject := range []string{"database", "clock", "migrations", "gateway", "service", "overdue", "instances", "posts", "vacuum", "API tokens"} {
		if find(r, subject).Level == "" {
			t.Errorf("%s is not looked at", subject)
		}
	}
}

// Each trouble is found, named and comes with a next step, whatever else is
// broken.
func TestTroubleIsFound(t *testing.T) {
	t.Parallel()
	overdue := `UPDATE instances SET ready_at = now() - interval '2 minutes'`
	for name, tt := range map[string]struct {
		hurt    func(*patient)
		subject string
		level   Level
		says    string
	}{
		"no database set": {func(p *patient) { p.cfg.NoDatabase = errors.New("no database") }, "database", Fail, "no database"},
		"malformed URL":   {func(p *patient) { p.cfg.DatabaseURL = "postgres://u:hunter2@h:port/d" }, "database", Fail, "cannot parse"},
		"database down":   {func(p *patient) { p.cfg.DatabaseURL = "postgres://u:hunter2@127.0.0.1:1/d" }, "database", Fail, "cannot be reached"},
		"empty database":  {func(p *patient) { p.exec(`DROP TABLE goose_db_version`) }, "migrations", Fail, "empty"},
		"old schema":      {func(p *patient) { p.exec(`UPDATE goose_db_version SET version_id = 0`) }, "migrations", Fail, "empty"},
		"newer schema":    {func(p *patient) { p.exec(`INSERT INTO goose_db_version (version_id, is_applied) VALUES (99999, true)`) }, "migrations", Fail, "99999"},
		"no gateway":      {func(p *patient) { p.cfg.Gateway = gateway.Config{} }, "gateway", Fail, "none is configured"},
		"gateway down":    {func(p *patient) { p.cfg.Gateway.BaseURL = "http://127.0.0.1:1" }, "gateway", Fail, "listens"},
		"wrong token":     {func(p *patient) { p.cfg.Gateway.Token = "wrong" }, "gateway token", Fail, "does not accept"},
		"nobody works":    {func(p *patient) { p.exec(`DELETE FROM replicas`) }, "service", Warn, "no momentcast works"},
		"service sees no gate": {func(p *patient) {
			p.exec(`UPDATE gateway_status SET down_since = now() - interval '1 minute', error = 'x'`)
		}, "gateway, seen by the service", Fail, "1m"},
		"paused": {func(p *patient) {
			p.exec(`UPDATE settings SET paused = true, paused_reason = 'fire', paused_by = 'ann', paused_at = now()`)
		}, "pause", Warn, "ann: fire"},
		"overdue":           {func(p *patient) { p.exec(overdue) }, "overdue", Fail, "nothing holds"},
		"overdue and alone": {func(p *patient) { p.exec(`DELETE FROM replicas`); p.exec(overdue) }, "overdue", Fail, "nobody works"},
		"no instances":      {func(p *patient) { p.exec(`DELETE FROM instances`) }, "instances", Warn, "none"},
		"a stranger":        {func(p *patient) { p.exec(`UPDATE instances SET wc_id = 'wxid_other'`) }, "instances", Warn, "1 more"},
		"offline":           {func(p *patient) { p.exec(`UPDATE instances SET online = false`) }, "instances offline", Warn, "One"},
		"maturing":          {func(p *patient) { p.exec(`UPDATE instances SET online_since = now()`) }, "instances maturing", Warn, "One (in 72h0m0s)"},
		"instance paused":   {func(p *patient) { p.exec(`UPDATE instances SET paused = true, paused_reason = 'x', paused_at = now()`) }, "instances paused", Warn, "One"},
		"no tokens":         {func(p *patient) { p.exec(`DELETE FROM api_tokens`) }, "API tokens", Warn, "nobody can"},
		"unknown":           {func(p *patient) { p.unknown() }, "unknown", Warn, "1 posts of unknown outcome"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newPatient(t)
			tt.hurt(p)
			r := Examine(t.Context(), p.cfg)
			f := find(r, tt.subject)
			if f.Level != tt.level || !strings.Contains(f.Message, tt.says) || f.NextStep == "" {
				t.Errorf("%+v in\n%+v", f, r.Findings)
			}
			if r.Failed() != (tt.level == Fail) {
				t.Errorf("failed: %v, %+v", r.Failed(), r.Findings)
			}
			for _, f := range r.Findings {
				if strings.Contains(f.Message+f.NextStep, "hunter2") || strings.Contains(f.Message+f.NextStep, token) {
					t.Errorf("a secret shows: %+v", f)
				}
			}
		})
	}
}

// unknown adds a post of unknown outcome.
func (p *patient) unknown() {
	p.Helper()
	ids, _, err := p.db.AddPosts(p.Context(), []*moment.Post{{
		InstanceID: 1, State: moment.Scheduled, DueAt: time.Now().Add(time.Hour), Author: "t", Source: "api",
		Card:       moment.Card{Content: "c", Title: "t", URL: "https://example.com/", ThumbURL: "https://example.com/t.jpg"},
		Visibility: moment.Visibility{Mode: moment.Everyone},
	}}, moment.RequestKey{})
	if err != nil || len(ids) != 1 {
		p.Fatal(ids, err)
	}
	p.exec(`UPDATE posts SET state = 'unknown'`)
}

func TestClock(t *testing.T) {
	t.Parallel()
	for ahead, level := range map[time.Duration]Level{0: OK, time.Second: OK, -time.Second: OK, 3 * time.Second: Warn, -time.Hour: Warn} {
		r := &Report{}
		r.clock(ahead)
		if f := find(r, "clock"); f.Level != level || (level == Warn) != (f.NextStep != "") {
			t.Errorf("%s: %+v", ahead, f)
		}
	}
}

// A transaction that somebody forgot is named with what ends it.
func TestForgottenTransaction(t *testing.T) {
	t.Parallel()
	r := &Report{}
	r.forgotten([]postgres.OldTransaction{{PID: 42, Program: "psql", State: "idle in transaction", Age: time.Hour}})
	if f := find(r, "vacuum"); f.Level != Warn || !strings.Contains(f.NextStep, "pg_terminate_backend(42)") || !strings.Contains(f.Message, "psql") {
		t.Errorf("%+v", f)
	}
}
