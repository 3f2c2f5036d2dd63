package web

import (
	"context"

	"momentcast/internal/moment"
)

// ViewStore keeps what people want to see of the history.
type ViewStore interface {
	Views(ctx context.Context, user int64) ([]moment.View, error)
	SaveView(ctx context.Context, v moment.View) error
	DeleteView(ctx context.Context, user, id int64) error
	UserColumns(ctx context.Context, user int64) ([]string, error)
	KeepColumns(ctx context.Context, user int64, columns []string) error
}

func (s *Web) historyRoutes() []route {
	const view = moment.PermView
	return []route{
		{"GET /history", view, s.history},
		{"GET /history/export", view, s.export},
		{"POST /history/columns", view, s.keepColumns},
		{"POST /history/views", view, s.saveView},
		{"POST /history/views/{id}/delete", view, s.deleteView},
	}
}
