package web

import (
	"context"

	"momentcast/internal/moment"
)

// takeBack asks the gateway to take a sent moment back. Both ways may be
// repeated, so one whose answer was lost is simply asked again.
func (s *Web) takeBack(ctx context.Context, p *moment.PostView, version int64, mode moment.RecallMode) error {
	if version != p.Version {
		return moment.Errorf(moment.Precondition, "Somebody has changed the post meanwhile; load it again and decide.")
	}
	if _, err := p.State.After(moment.ActRecall); err != nil {
		return err
	}
	if p.RecallMode == moment.RecallDelete || p.RecallMode == mode {
		return moment.Errorf(moment.Conflict, "The post was taken back already.")
	}
	i, err := s.store.Instance(ctx, p.InstanceID)
	if err != nil {
		return err
	}
	if !i.Online || i.WID == "" {
		return moment.Errorf(moment.Conflict, "The instance is not logged in; try again when it is.")
	}
	if mode == moment.RecallDelete {
		err = s.gateway.Delete(ctx, i.WID, p.MomentID)
	} else {
		err = s.gateway.SetPrivate(ctx, i.WID, p.MomentID)
	}
	return byGateway(err)
}

// byGateway says that it was the gateway that failed, in its own words.
func byGateway(err error) error {
	if err == nil {
		return nil
	}
	return &moment.Error{Kind: moment.Refused, Message: moment.MessageOf(err), Err: err}
}
