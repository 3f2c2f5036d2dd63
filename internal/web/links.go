package web

import (
	"context"

	"momentcast/internal/lint"
	"momentcast/internal/moment"
)

// LinkChecker looks at the addresses that people put into cards. A look that
// failed says why; the only error is that somebody looks too often.
type LinkChecker interface {
	Page(ctx context.Context, who, url string) (moment.PageLook, error)
	Thumb(ctx context.Context, who, url string) (moment.ThumbLook, error)
	// KnownPage and KnownThumb are what a look found a short while ago.
	KnownPage(url string) (moment.PageLook, bool)
	KnownThumb(url string) (moment.ThumbLook, bool)
}

// knownLooks is what is known of a card's addresses, for lint. Nothing is
// fetched for it.
func (s *Web) knownLooks(link, thumb string) (*lint.Look, *lint.ThumbLook) {
	if s.links == nil {
		return nil, nil
	}
	var l *lint.Look
	if p, ok := s.links.KnownPage(link); ok {
		l = &lint.Look{Reason: p.Reason, Final: p.URL}
	}
	var t *lint.ThumbLook
	if p, ok := s.links.KnownThumb(thumb); ok {
		t = &lint.ThumbLook{Look: lint.Look{Reason: p.Reason, Final: p.URL}, Type: p.Type, Bytes: p.Bytes, Width: p.Width, Height: p.Height, Square: p.Square}
	}
	return l, t
}
