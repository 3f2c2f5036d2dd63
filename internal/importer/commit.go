package importer

import (
	"context"
	"errors"
	"time"

	"momentcast/internal/moment"
)

// Commit stores what the rows that are right and new become, in the background.
// An import that a stopped program left half way goes on; nothing is ever done
// twice.
func (m *Importer) Commit(ctx context.Context, id int64, skipWrong bool, by moment.Origin) error {
	by.Source = "import"
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.ctx.Err() != nil {
		return moment.Errorf(moment.Unavailable, "The program is stopping.")
	}
	ours, err := m.store.BeginCommit(ctx, id, skipWrong, by)
	if err != nil || !ours {
		return err
	}
	m.wg.Go(func() {
		err := m.commit(m.ctx, id, by)
		if err != nil && !errors.Is(err, context.Canceled) {
			m.log.Error().Err(err).Int64("import", id).Msg("import broke off; commit it again to go on")
		}
		end, done := context.WithTimeout(context.WithoutCancel(m.ctx), 5*time.Second)
		defer done()
		if err := m.store.LeaveCommit(end, id); err != nil {
			m.log.Warn().Err(err).Int64("import", id).Msg("cannot give the import back")
		}
	})
	return nil
}

func (m *Importer) commit(ctx context.Context, id int64, by moment.Origin) error {
	i, err := m.store.Import(ctx, id)
	if err != nil {
		return err
	}
	b, err := m.book(ctx, i, i.Options, by)
	if err != nil {
		return err
	}
	p, err := b.kind.planner(ctx, b)
	if err != nil {
		return err
	}
	for batch := i.NextBatch; batch < i.Batches; batch++ {
		if err := ctx.Err(); err != nil {
			return err
		}
		rows, err := m.store.ImportBatch(ctx, id, batch)
		if err != nil {
			return err
		}
		if b.now, err = m.store.Now(ctx); err != nil {
			return err
		}
		ours, err := p.store(ctx, id, batch, b.things(p, rows))
		if err != nil {
			return err
		}
		if !ours {
			return errors.New("another replica has taken it over")
		}
	}
	return nil
}

// things are what the rows that are right become, each key once.
func (b *book) things(p planner, rows []moment.ImportRow) (out []thing) {
	keys := make(map[string]bool)
	for _, r := range rows {
		if t := b.plan(p, r).thing; t != nil && !keys[t.key()] {
			keys[t.key()] = true
			out = append(out, t)
		}
	}
	return out
}
