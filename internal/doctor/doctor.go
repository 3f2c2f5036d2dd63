// Package doctor looks at everything the service depends on and says, of each
// thing, whether it is right and what to do if it is not. It changes nothing,
// needs no running service, and gets as far as it can when things are broken:
// that is when it is asked.
package doctor

import (
	"context"
	"fmt"
	"time"

	"momentcast/internal/gateway"
	"momentcast/internal/moment"
	"momentcast/internal/postgres"
)

// Level says how bad a finding is.
type Level string

// The levels.
const (
	OK   Level = "ok"   // as it should be
	Warn Level = "warn" // works, but look at it
	Fail Level = "fail" // posts are not sent, or will not be
)

// Finding is one thing looked at.
type Finding struct {
	Subject  string `json:"subject"` // what was looked at
	Level    Level  `json:"level"`
	Message  string `json:"message"`             // what was found
	NextStep string `json:"next_step,omitempty"` // what to do; "" = nothing
}

// Report is all that was found, in the order in which things depend on each
// other: mend the first failure first.
type Report struct {
	Findings []Finding `json:"findings"`
}

// Failed reports whether anything is broken.
func (r *Report) Failed() bool {
	for _, f := range r.Findings {
		if f.Level == Fail {
			return true
		}
	}
	return false
}

func (r *Report) add(level Level, subject, next, format string, args ...any) {
	r.Findings = append(r.Findings, Finding{subject, level, fmt.Sprintf(format, args...), next})
}

// Config says what to look at.
type Config struct {
	DatabaseURL string
	NoDatabase  error          // why there is no DatabaseURL; nil if there is one
	Gateway     gateway.Config // BaseURL "" = none is configured
}

// limit bounds each question, so that a thing that hangs is a finding.
const limit = 5 * time.Second

// Examine looks at everything.
func Examine(ctx context.Context, cfg Config) *Report {
	r := &Report{}
	db := r.openDatabase(ctx, cfg)
	if db != nil {
		defer db.Close()
	}
	var logins []moment.Login
	if gw := r.openGateway(cfg.Gateway); gw != nil {
		defer gw.Close()
		logins = r.gatewayAnswers(ctx, gw)
	}
	if db != nil {
		r.service(ctx, db)
		r.instances(ctx, db, logins)
		r.work(ctx, db)
		r.transactions(ctx, db)
		r.tokens(ctx, db)
	}
	return r
}

// openDatabase returns the database if it can be worked with: it answers and
// has our schema.
func (r *Report) openDatabase(ctx context.Context, cfg Config) *postgres.DB {
	if cfg.NoDatabase != nil {
		r.add(Fail, "database", "set MOMENTCAST_DATABASE_URL, or start `momentcast serve`, which runs one of its own", "%v", cfg.NoDatabase)
		return nil
	}
	db, err := postgres.Open(cfg.DatabaseURL, postgres.Options{EngineConns: 1, Conns: 2})
	if err != nil {
		r.add(Fail, "database", "correct MOMENTCAST_DATABASE_URL: postgres://user:password@host:5432/database", "%v", err)
		return nil
	}
	if !r.databaseAnswers(ctx, db) || !r.schema(ctx, db) {
		db.Close()
		return nil
	}
	return db
}

func (r *Report) databaseAnswers(ctx context.Context, db *postgres.DB) bool {
	ctx, done := context.WithTimeout(ctx, limit)
	defer done()
	if err := db.Ping(ctx); err != nil { // also so that connecting is not measured below
		r.add(Fail, "database", nextStep(err), "%s", oneLine(err))
		return false
	}
	began := time.Now()
	now, err := db.Now(ctx)
	took := time.Since(began)
	if err != nil {
		r.add(Fail, "database", nextStep(err), "%s", oneLine(err))
		return false
	}
	if took > 20*time.Millisecond {
		r.add(Warn, "database", "move it nearer: each post needs several round trips", "answers, but a round trip takes %s", took.Round(time.Millisecond))
	} else {
		r.add(OK, "database", "", "answers within %s", took.Round(10*time.Microsecond))
	}
	r.clock(now.Sub(began.Add(took / 2)))
	return true
}

// clockWarn is from where on the difference of two clocks confuses people. The
// service itself goes by the database's.
const clockWarn = 2 * time.Second

func (r *Report) clock(ahead time.Duration) {
	switch {
	case ahead.Abs() < clockWarn:
		r.add(OK, "clock", "", "this machine and the database agree within %s", max(ahead.Abs(), time.Millisecond).Round(time.Millisecond))
	case ahead > 0:
		r.add(Warn, "clock", "synchronise both with NTP; posts are sent by the database's clock", "the database is %s ahead of this machine", ahead.Round(time.Second))
	default:
		r.add(Warn, "clock", "synchronise both with NTP; posts are sent by the database's clock", "the database is %s behind this machine", -ahead.Round(time.Second))
	}
}

func (r *Report) schema(ctx context.Context, db *postgres.DB) bool {
	ctx, done := context.WithTimeout(ctx, limit)
	defer done()
	newest, err := postgres.NewestSchema()
	if err != nil {
		r.add(Fail, "migrations", "report this: the program is not whole", "%v", err)
		return false
	}
	is, err := db.Schema(ctx)
	switch {
	case err != nil:
		r.add(Fail, "migrations", nextStep(err), "%s", oneLine(err))
	case is == 0:
		r.add(Fail, "migrations", "run: momentcast migrate up (serve does it, too)", "the database is empty")
	case is < newest:
		r.add(Fail, "migrations", "run: momentcast migrate up (serve does it, too)", "the database has migration %d, this program needs %d", is, newest)
	case is > newest:
		r.add(Fail, "migrations", "use the newer version of momentcast", "the database has migration %d, this program knows %d only", is, newest)
	default:
		r.add(OK, "migrations", "", "current (%d)", newest)
	}
	return err == nil && is == newest
}
