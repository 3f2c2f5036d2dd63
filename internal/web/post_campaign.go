package web

import (
	"context"

	"momentcast/internal/moment"
)

// firing is the occurrence that a post belongs to, between its neighbours.
type firing struct {
	moment.OccurrenceView
	Before, After *moment.OccurrenceView // nil = it is the first, or the last that is planned
}

// firingOf finds where in its campaign a post stands; nil = it is of none.
func (s *Web) firingOf(ctx context.Context, m *moment.Membership) (*firing, error) {
	if m.CampaignID == 0 {
		return nil, nil
	}
	o, err := s.store.Occurrence(ctx, m.CampaignID, m.OccurrenceID)
	switch {
	case moment.KindOf(err) == moment.NotFound:
		return nil, nil // it left the plan this moment
	case err != nil:
		return nil, err
	}
	f := &firing{OccurrenceView: *o}
	beside := moment.OccurrenceQuery{CampaignID: m.CampaignID, AfterAt: o.At, AfterID: o.ID, Limit: 1}
	after, _, err := s.store.Occurrences(ctx, beside)
	if err != nil {
		return nil, err
	}
	beside.Descending = true
	before, _, err := s.store.Occurrences(ctx, beside)
	if err != nil {
		return nil, err
	}
	if len(after) > 0 {
		f.After = &after[0]
	}
	if len(before) > 0 {
		f.Before = &before[0]
	}
	return f, nil
}
