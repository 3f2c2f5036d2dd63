package api

import (
	"context"
	"fmt"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"momentcast/internal/lint"
	"momentcast/internal/moment"
)

// LinkChecker looks at the addresses that programs put into cards. A look that
// failed says why; the only error is that somebody looks too often.
type LinkChecker interface {
	Page(ctx context.Context, who, url string) (moment.PageLook, error)
	Thumb(ctx context.Context, who, url string) (moment.ThumbLook, error)
}

func (a *API) registerLooks() {
	refusals := []int{http.StatusRequestEntityTooLarge, http.StatusUnsupportedMediaType, http.StatusTooManyRequests}
	register(a, huma.Operation{Tags: []string{"posts"}, OperationID: "check-link", Method: http.MethodPost, Path: "/links/check",
		Summary: "Look at the page that a card would lead to",
		Description: "Fetches the page as a phone would and tells what it calls itself. Public addresses only; 30 looks a minute, " +
			"answers are kept for two minutes. A page that cannot be reached is an answer with a reason.", Errors: refusals}, a.checkLink)
	register(a, huma.Operation{Tags: []string{"posts"}, OperationID: "check-thumb", Method: http.MethodPost, Path: "/thumbs/check",
		Summary:     "Look at the picture of a card",
		Description: "Fetches the picture and tells its type, size and bytes. The limits of POST /links/check hold for both.", Errors: refusals}, a.checkThumb)
	register(a, huma.Operation{Tags: []string{"posts"}, OperationID: "lint-card", Method: http.MethodPost, Path: "/lint",
		Summary:     "Say what is wrong, risky or ugly about a card",
		Description: "With look its link and picture are fetched, too, as POST /links/check does. Nothing is stored.", Errors: refusals}, a.lintCard)
}

// lookInput names what is looked at.
type lookInput struct {
	Body struct {
		URL string `json:"url" minLength:"1" maxLength:"2048" doc:"http or https." example:"https://example.com/autumn"`
	}
}

// LookBody is what became of fetching an address.
type LookBody struct {
	OK        bool    `json:"ok" doc:"It was fetched and is what it should be."`
	Reason    *string `json:"reason" doc:"Why not, in a word; null = it was." example:"gone"`
	URL       *string `json:"url" doc:"The last that answered, after redirects."`
	Status    int     `json:"status" doc:"Of the last answer; 0 = there was none."`
	Redirects int     `json:"redirects"`
}

// PageBody is what a page says of itself.
type PageBody struct {
	LookBody

	Title       string `json:"title"`
	Description string `json:"description"`
	Image       string `json:"image" doc:"Absolute; not looked at."`
}

// ThumbBody is what is known of a picture.
type ThumbBody struct {
	LookBody

	Type   string `json:"type" example:"image/jpeg"`
	Width  int    `json:"width"`
	Height int    `json:"height"`
	Bytes  int64  `json:"bytes"`
	Square bool   `json:"square"`
}

type pageOutput struct{ Body PageBody }

type thumbOutput struct{ Body ThumbBody }

func lookBody(l moment.Look) LookBody {
	return LookBody{OK: l.Reason == "", Reason: orNil(l.Reason), URL: orNil(l.URL), Status: l.Status, Redirects: l.Redirects}
}

// looker names who looks: programs are counted one by one, and apart from people.
func looker(ctx context.Context) string { return fmt.Sprintf("token:%d", callerOf(ctx).token.ID) }

// looks is who looks, if anybody can.
func (a *API) looks() (LinkChecker, error) {
	if a.links == nil {
		return nil, moment.Errorf(moment.Unavailable, "Addresses are not looked at here.")
	}
	return a.links, nil
}

func (a *API) checkLink(ctx context.Context, in *lookInput) (*pageOutput, error) {
	links, err := a.looks()
	if err != nil {
		return nil, err
	}
	l, err := links.Page(ctx, looker(ctx), in.Body.URL)
	if err != nil {
		return nil, err
	}
	return &pageOutput{PageBody{lookBody(l.Look), l.Title, l.Description, l.Image}}, nil
}

func (a *API) checkThumb(ctx context.Context, in *lookInput) (*thumbOutput, error) {
	links, err := a.looks()
	if err != nil {
		return nil, err
	}
	l, err := links.Thumb(ctx, looker(ctx), in.Body.URL)
	if err != nil {
		return nil, err
	}
	return &thumbOutput{ThumbBody{lookBody(l.Look), l.Type, l.Width, l.Height, l.Bytes, l.Square}}, nil
}

type lintInput struct {
	Body struct {
		Content      string `json:"content,omitempty"`
		Title        string `json:"title,omitempty"`
		Description  string `json:"description,omitempty"`
		URL          string `json:"url,omitempty"`
		ThumbURL     string `json:"thumb_url,omitempty"`
		FirstComment string `json:"first_comment,omitempty"`
		Look         bool   `json:"look,omitempty" doc:"Fetch the link and the picture as well."`
	}
}

type lintOutput struct {
	Body struct {
		OK       bool          `json:"ok" doc:"Nothing of it is an error."`
		Findings []FindingBody `json:"findings" doc:"The worst first."`
	}
}

func (a *API) lintCard(ctx context.Context, in *lintInput) (*lintOutput, error) {
	settings, err := a.store.Settings(ctx)
	if err != nil {
		return nil, err
	}
	b := &in.Body
	card := lint.Input{FirstComment: b.FirstComment,
		Card: moment.Card{Content: b.Content, Title: b.Title, Description: b.Description, URL: b.URL, ThumbURL: b.ThumbURL}}
	if b.Look {
		if err := a.lookAt(ctx, &card); err != nil {
			return nil, err
		}
	}
	found := lint.Check(card, lint.Of(settings))
	out := &lintOutput{}
	out.Body.OK, out.Body.Findings = lint.Worst(found) != lint.Error, make([]FindingBody, 0, len(found))
	for _, f := range found {
		out.Body.Findings = append(out.Body.Findings, FindingBody{string(f.Severity), f.Field, f.Key, f.ZH, f.EN})
	}
	return out, nil
}

// lookAt adds to the card what its addresses hold.
func (a *API) lookAt(ctx context.Context, card *lint.Input) error {
	links, err := a.looks()
	if err != nil {
		return err
	}
	if card.Card.URL != "" {
		p, err := links.Page(ctx, looker(ctx), card.Card.URL)
		if err != nil {
			return err
		}
		card.Link = &lint.Look{Reason: p.Reason, Final: p.URL}
	}
	if card.Card.ThumbURL != "" {
		t, err := links.Thumb(ctx, looker(ctx), card.Card.ThumbURL)
		if err != nil {
			return err
		}
		card.Thumb = &lint.ThumbLook{Look: lint.Look{Reason: t.Reason, Final: t.URL}, Type: t.Type, Bytes: t.Bytes, Width: t.Width, Height: t.Height, Square: t.Square}
	}
	return nil
}
