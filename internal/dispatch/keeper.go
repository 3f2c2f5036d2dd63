package dispatch

import (
	"context"
	"fmt"
	"time"

	"github.com/robfig/cron/v3"
	"github.com/rs/zerolog"

	"momentcast/internal/failpoint"
)

// keepHouse runs the housekeeping ticks until ctx ends. Every tick works on
// rows that it locks, so that any number of replicas may tick at once.
func (d *Dispatcher) keepHouse(ctx context.Context) {
	log := cronLog{d.log}
	c := cron.New(cron.WithLogger(log), cron.WithChain(cron.Recover(log), cron.SkipIfStillRunning(log)))
	tick := func(every time.Duration, what string, do func(context.Context) error) {
		c.Schedule(cron.Every(every), cron.FuncJob(func() {
			if err := do(ctx); err != nil && ctx.Err() == nil {
				d.log.Warn().Err(err).Msg("housekeeping: " + what)
			}
		}))
	}
	tick(d.cfg.Housekeep, "expired leases and missed posts", d.settleExpired)
	tick(time.Second, "read-back of unknown outcomes", d.readBackDue)
	tick(time.Second, "the database's history", d.standAgain)
	tick(time.Second, "accounts to be read after a failover", d.readUnread)
	tick(time.Second, "first comments", d.commentDue)
	tick(time.Second, "campaigns", d.expandDue)
	tick(5*time.Second, "heartbeat", d.heartbeat)
	tick(time.Hour, "partitions and old keys", d.store.Tidy)

	if err := d.heartbeat(ctx); err != nil && ctx.Err() == nil {
		d.log.Debug().Err(err).Msg("first heartbeat")
	}
	c.Start()
	<-ctx.Done()
	<-c.Stop().Done()
}

func (d *Dispatcher) settleExpired(ctx context.Context) error {
	ctx, done := context.WithTimeout(ctx, dbTimeout)
	defer done()
	lapsed, doubted, err := d.store.Reap(ctx, d.cfg.Replica)
	if err != nil {
		return err
	}
	failpoint.Hit("after-reap")
	missed, err := d.store.Miss(ctx, d.cfg.Replica)
	if err != nil {
		return err
	}
	expired, err := d.store.ExpireApprovals(ctx, d.cfg.Replica)
	if err != nil {
		return err
	}
	if lapsed+doubted+missed+expired > 0 {
		d.log.Warn().Int("scheduled_again", lapsed).Int("unknown", doubted).Int("missed", missed).Int("approval_expired", expired).
			Msg("settled what was left behind")
		d.Wake()
	}
	return nil
}

// heartbeat is written only while the claim loop turns, so that it says more
// than that the process exists.
func (d *Dispatcher) heartbeat(ctx context.Context) error {
	if !d.Alive(15 * time.Second) {
		return fmt.Errorf("the claim loop has not turned for 15 s")
	}
	ctx, done := context.WithTimeout(ctx, dbTimeout)
	defer done()
	return d.store.Heartbeat(ctx, d.cfg.Replica, d.cfg.Version, d.inFlight())
}

// cronLog lets cron write to our log: panics and skipped ticks.
type cronLog struct{ log zerolog.Logger }

// Info implements cron.Logger. Cron's own chatter is of no use to anybody.
func (l cronLog) Info(msg string, kv ...any) {
	if msg == "skip" {
		l.log.Debug().Msg("housekeeping tick skipped: the last one still runs")
	}
}

// Error implements cron.Logger.
func (l cronLog) Error(err error, msg string, kv ...any) {
	l.log.Error().Err(err).Fields(kv).Msg("housekeeping: " + msg)
}
