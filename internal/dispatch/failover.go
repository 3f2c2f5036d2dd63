package dispatch

import (
	"context"
	"sync"
	"time"

	"momentcast/internal/moment"
)

const (
	settleMargin = 5 * time.Second  // beyond the deadline of a call that the database has lost
	unreadAtOnce = 8                // accounts that are read at the same time
	unreadLease  = 40 * time.Second // after which another replica may try
	pastMost     = 20_000           // outcomes that are remembered,
	pastFor      = 10 * time.Minute // and for how long: longer than a standby lags behind
)

// past are the latest outcomes, newest last. The server that has recorded them
// may fail and be replaced by one that never heard of them.
type past struct {
	mu       sync.Mutex
	outcomes []moment.Outcome
	owed     bool // to a database that has moved
}

// keep remembers outcomes that may be on a timeline, without what is large.
func (p *past) keep(batch []moment.Outcome) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, o := range batch {
		if o.Action != moment.ActSucceed && o.Action != moment.ActDoubt {
			continue
		}
		o.Claim.Card, o.Claim.Visibility = moment.Card{}, moment.Visibility{}
		o.Result.Request, o.Result.Reply = "", ""
		p.outcomes = append(p.outcomes, o)
	}
	old := max(len(p.outcomes)-pastMost, 0)
	for old < len(p.outcomes) && time.Since(p.outcomes[old].Begun) > pastFor {
		old++
	}
	if old > pastMost/10 || old == len(p.outcomes) { // not at every batch: the rest is moved
		p.outcomes = append([]moment.Outcome(nil), p.outcomes[old:]...)
	}
}

func (p *past) owe() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.owed = true
}

// owing are the outcomes that a database has to be told of again.
func (p *past) owing() []moment.Outcome {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.owed {
		return nil
	}
	p.owed = false
	return append([]moment.Outcome(nil), p.outcomes...)
}

// stand asks for the database's history before anything else is done on it: a
// sign of life would hide how old it is. It reports false when ctx has ended.
func (d *Dispatcher) stand(ctx context.Context) bool {
	for trouble := false; ctx.Err() == nil; trouble = true {
		d.beat.Store(int64(time.Since(d.start)))
		err := d.standAgain(ctx)
		if err == nil {
			return true
		}
		if !trouble && ctx.Err() == nil {
			d.log.Error().Err(err).Msg("cannot tell the database's history; nothing is sent until it can be told")
		}
		sleep(ctx, troubleGap)
	}
	return false
}

// standAgain asks whether the database is still the one we worked on, and tells
// it what it may have lost.
func (d *Dispatcher) standAgain(ctx context.Context) error {
	dbCtx, done := context.WithTimeout(ctx, dbTimeout)
	m, err := d.store.Stand(dbCtx, d.cfg.Replica, d.cfg.CallTimeout+settleMargin)
	done()
	if err != nil {
		return err
	}
	if m.Moved {
		d.past.owe()
	}
	if m.Why != "" && m.Moved {
		d.log.Error().Str("why", string(m.Why)).Time("may_miss_from", m.From).Int("accounts", m.Accounts).Bool("paused", m.Paused).
			Msg("THE DATABASE HAS MOVED TO ANOTHER HISTORY and may not know what was sent: the accounts concerned are read before they go on")
		d.Wake()
	}
	owing := d.past.owing()
	if len(owing) == 0 {
		return nil
	}
	dbCtx, done = context.WithTimeout(ctx, time.Minute)
	defer done()
	n, err := d.store.Restore(dbCtx, owing)
	if err != nil {
		d.past.owe()
		return err
	}
	d.log.Warn().Int("remembered", len(owing)).Int("lost", n).Msg("told the database what it may have lost")
	return nil
}

// readUnread reads the timelines of accounts that are held after a failover.
func (d *Dispatcher) readUnread(ctx context.Context) error {
	dbCtx, done := context.WithTimeout(ctx, dbTimeout)
	accounts, err := d.store.TakeUnread(dbCtx, unreadAtOnce, unreadLease)
	done()
	if err != nil {
		return err
	}
	var all sync.WaitGroup
	for _, u := range accounts {
		all.Go(func() {
			if err := d.readAccount(ctx, u); err != nil && ctx.Err() == nil {
				d.log.Warn().Err(err).Str("instance", u.WcID).Msg("reading an account after a failover; it is tried again")
			}
		})
	}
	all.Wait()
	return nil
}

func (d *Dispatcher) readAccount(ctx context.Context, u moment.Unread) error {
	readCtx, done := context.WithTimeout(ctx, readBackLimit)
	found, err := d.credits(readCtx, u)
	done()
	if ctx.Err() != nil {
		return ctx.Err() // whoever comes next reads it
	}
	ctx, done = context.WithTimeout(ctx, dbTimeout)
	defer done()
	if err != nil {
		d.log.Warn().Err(err).Str("instance", u.WcID).Msg("the account cannot be read after the failover, and stays held; it is tried again")
		return d.store.KeepUnread(ctx, u, string(moment.KindOf(err)), moment.MessageOf(err))
	}
	if err := d.store.SettleUnread(ctx, u, found, d.cfg.Replica); err != nil {
		return err
	}
	d.log.Info().Str("instance", u.WcID).Int("found", len(found)).Msg("the account was read after the failover, and goes on")
	d.Wake()
	return nil
}

// credits finds out which of the account's posts are on its timeline already.
func (d *Dispatcher) credits(ctx context.Context, u moment.Unread) ([]moment.Credit, error) {
	items, err := d.gw.OwnTimeline(ctx, u.WID, u.WcID, u.Since)
	if err != nil {
		return nil, err
	}
	ids := make([]string, len(items))
	for i, m := range items {
		ids[i] = m.ID
	}
	ids, err = d.store.Unclaimed(ctx, u.InstanceID, ids)
	if err != nil {
		return nil, err
	}
	free := make(map[string]bool, len(ids))
	for _, id := range ids {
		free[id] = true
	}
	var left []moment.StoredMoment
	for _, m := range items {
		if free[m.ID] {
			left = append(left, m)
		}
	}
	return u.Match(left), nil
}
