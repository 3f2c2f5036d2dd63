package api

import (
	"context"
	"time"

	"momentcast/internal/moment"
)

// approvalBody is one ruling on a post.
type approvalBody struct {
	Ruling    string      `json:"ruling" enum:"approved,rejected"`
	By        string      `json:"by"`
	Source    string      `json:"source" example:"web"`
	At        time.Time   `json:"at"`
	ExpiresAt *time.Time  `json:"expires_at" doc:"From then on the approval is void; null = never."`
	Hash      string      `json:"content_hash" doc:"Of the content that was ruled on."`
	Reason    *string     `json:"reason" doc:"Why it was rejected."`
	Holds     bool        `json:"holds" doc:"It is the approval that the post may be sent under."`
	Content   contentBody `json:"content" doc:"What was ruled on."`
}

// contentBody is what an approval covers.
type contentBody struct {
	Content      string         `json:"content"`
	Title        string         `json:"title"`
	Description  string         `json:"description"`
	URL          string         `json:"url"`
	ThumbURL     string         `json:"thumb_url"`
	Visibility   visibilityBody `json:"visibility"`
	FirstComment string         `json:"first_comment"`
}

// showApprovals are the rulings on the post, latest last.
func showApprovals(d *moment.PostDetail) []approvalBody {
	out := make([]approvalBody, len(d.Approvals))
	for i, a := range d.Approvals {
		c, v := a.Content.Card, a.Content.Visibility
		out[i] = approvalBody{
			Ruling: string(a.Ruling), By: a.By, Source: a.Source, At: a.At.UTC(), ExpiresAt: at(a.ExpiresAt), Hash: a.Hash, Reason: orNil(a.Reason),
			Content: contentBody{c.Content, c.Title, c.Description, c.URL, c.ThumbURL,
				visibilityBody{string(v.Mode), list(v.Users), list(v.Labels)}, a.Content.FirstComment},
		}
	}
	if n := len(out); n > 0 && d.ApprovedHash != "" {
		out[n-1].Holds = out[n-1].Hash == d.ApprovedHash
	}
	return out
}

type approveInput struct {
	ActInput
	Body *approveBody
}

type approveBody struct {
	Hash string `json:"content_hash,omitempty" doc:"The content_hash of the post that you read: refuse if its content has changed since." example:"1:9f86d081…"`
}

// approve takes no approval of what was not seen: the caller names the version
// or the content that was read.
func (a *API) approve(ctx context.Context, in *approveInput) (*postOutput, error) {
	act := moment.Act{Action: moment.ActApprove}
	if in.Body != nil {
		act.Hash = in.Body.Hash
	}
	if act.Hash == "" {
		v, err := needVersion(in.IfMatch)
		if err != nil {
			return nil, err
		}
		if v == 0 {
			return nil, moment.Errorf(moment.Invalid, "An approval names what was read: send its ETag in If-Match, or its content_hash.")
		}
	}
	return a.act(ctx, in.ActInput, act)
}
