package api

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"momentcast/internal/moment"
)

// AudienceStore is the part of the database that keeps audiences.
type AudienceStore interface {
	Audiences(ctx context.Context, q moment.AudienceQuery) (list []moment.AudienceView, more bool, err error)
	Audience(ctx context.Context, id int64) (*moment.AudienceView, error)
	AudienceUse(ctx context.Context, id int64, limit int) (moment.AudienceUse, error)
	AddAudience(ctx context.Context, a *moment.Audience, by moment.Origin) (id int64, err error)
	ChangeAudience(ctx context.Context, id, ifVersion int64, what moment.AudienceChange, change func(*moment.Audience) error, by moment.Origin) (moment.Rewritten, error)
	DeleteAudience(ctx context.Context, id, ifVersion int64, by moment.Origin) error
}

func (a *API) registerAudiences() {
	op := func(id, method, path, summary, description string, errs ...int) huma.Operation {
		return huma.Operation{OperationID: id, Method: method, Path: path, Summary: summary, Description: description, Tags: []string{"audiences"}, Errors: errs}
	}
	create := op("create-audience", http.MethodPost, "/audiences", "Create an audience",
		"A named visibility, to be given to posts and campaigns as audience_id. Each keeps a copy of it.")
	create.DefaultStatus = http.StatusCreated
	register(a, create, a.createAudience)
	register(a, op("list-audiences", http.MethodGet, "/audiences", "List audiences", "Without those that were deleted."), a.listAudiences)
	register(a, op("get-audience", http.MethodGet, "/audiences/{id}", "Show an audience", "With what a change of it would touch."), a.getAudience)
	register(a, op("edit-audience", http.MethodPatch, "/audiences/{id}", "Change an audience",
		"Changes the fields that are given. Where campaigns that are not over, or posts that are not sent yet, still equal it, posts says what becomes of them: "+
			"rewrite gives them the new visibility, which makes an approval void; leave keeps them as they are. The posts of a campaign follow that.",
		http.StatusConflict, http.StatusPreconditionFailed, http.StatusPreconditionRequired), a.editAudience)
	register(a, op("delete-audience", http.MethodDelete, "/audiences/{id}", "Delete an audience",
		"Refused while campaigns that are not over, or posts that are not sent yet, use it.", http.StatusConflict, http.StatusPreconditionFailed), a.deleteAudience)
}

// AudienceBody is an audience as a list shows it.
type AudienceBody struct {
	ID         int64          `json:"id" example:"12"`
	Name       string         `json:"name" example:"老客户"`
	Visibility visibilityBody `json:"visibility"`
	Note       string         `json:"note"`
	Author     string         `json:"author"`
	Waiting    int64          `json:"waiting" doc:"Posts made from it that are not sent yet."`
	Finished   int64          `json:"finished" doc:"Posts made from it that are past that."`
	Campaigns  int64          `json:"campaigns" doc:"Campaigns that have it and are not over."`
	Deleted    bool           `json:"deleted" doc:"true = kept only because finished posts or campaigns name it."`
	Version    int64          `json:"version" doc:"The ETag, as a number."`
	CreatedAt  time.Time      `json:"created_at"`
	UpdatedAt  time.Time      `json:"updated_at"`
}

func showAudience(a *moment.AudienceView) AudienceBody {
	v := a.Visibility
	return AudienceBody{ID: a.ID, Name: a.Name, Visibility: visibilityBody{string(v.Mode), list(v.Users), list(v.Labels)}, Note: a.Note, Author: a.Author,
		Waiting: a.Waiting, Finished: a.Finished, Campaigns: a.Live, Deleted: a.Archived, Version: a.Version, CreatedAt: a.CreatedAt.UTC(), UpdatedAt: a.UpdatedAt.UTC()}
}

// audienceUseBody is what a change would touch.
type audienceUseBody struct {
	AudienceBody
	Use struct {
		Same     int64 `json:"same" doc:"Posts not sent yet that still equal it: a change may rewrite them."`
		Approved int64 `json:"approved" doc:"Of those, the ones whose approval that makes void."`
		Differs  int64 `json:"differs" doc:"Posts not sent yet that were given another visibility since: a change leaves them."`

		Campaigns []audienceCampaignBody `json:"campaigns" doc:"That have it and are not over, by id; at most 1000. Their posts are counted here alone."`
	} `json:"use"`
	Rewritten          int `json:"rewritten,omitempty" doc:"In the answer to a change: how many posts it rewrote, those of campaigns aside."`
	RewrittenCampaigns int `json:"rewritten_campaigns,omitempty" doc:"In the answer to a change: how many campaigns it rewrote. Their posts follow."`
}

// audienceCampaignBody is a campaign that uses an audience.
type audienceCampaignBody struct {
	ID       int64      `json:"id"`
	Name     string     `json:"name"`
	State    string     `json:"state" enum:"draft,pending,active,paused"`
	Same     bool       `json:"same" doc:"It still equals the audience: a change may rewrite it."`
	Approved bool       `json:"approved" doc:"That would make its approval void."`
	Posts    int64      `json:"posts" doc:"Of it, not sent yet, that follow it."`
	Kept     int64      `json:"kept" doc:"Of it, not sent yet, that were edited by hand or tried: a change leaves them."`
	NextAt   *time.Time `json:"next_at" doc:"When the first of posts is due."`
}

type audienceOutput struct {
	ETag     string `header:"ETag" doc:"The version; for If-Match."`
	Location string `header:"Location"`
	Body     audienceUseBody
}

// AudienceInput names an audience.
type AudienceInput struct {
	ID int64 `path:"id" doc:"The audience's id." example:"12"`
}

func (a *API) showAudience(ctx context.Context, id int64) (*audienceOutput, error) {
	v, err := a.store.Audience(ctx, id)
	if err != nil {
		return nil, err
	}
	use, err := a.store.AudienceUse(ctx, id, 0)
	if err != nil {
		return nil, err
	}
	out := &audienceOutput{ETag: etag(v.Version)}
	out.Body.AudienceBody = showAudience(v)
	out.Body.Use.Same, out.Body.Use.Approved, out.Body.Use.Differs = use.Same, use.Approved, use.Differs
	out.Body.Use.Campaigns = make([]audienceCampaignBody, len(use.Campaigns))
	for i, c := range use.Campaigns {
		out.Body.Use.Campaigns[i] = audienceCampaignBody{c.ID, c.Name, string(c.State), c.Same, c.Approved, c.Posts, c.Kept, at(c.NextAt)}
	}
	return out, nil
}

func (a *API) getAudience(ctx context.Context, in *AudienceInput) (*audienceOutput, error) {
	return a.showAudience(ctx, in.ID)
}

type createAudienceInput struct {
	Body struct {
		Name       string         `json:"name" doc:"Unique, whatever its case; at most 100 characters." example:"老客户"`
		Visibility visibilityBody `json:"visibility"`
		Note       string         `json:"note,omitempty" doc:"At most 500 characters."`
	} `nameHint:"CreateAudienceBody"`
}

func (a *API) createAudience(ctx context.Context, in *createAudienceInput) (*audienceOutput, error) {
	b := in.Body
	id, err := a.store.AddAudience(ctx, &moment.Audience{Name: b.Name, Visibility: b.Visibility.visibility(), Note: b.Note}, origin(ctx))
	if err != nil {
		return nil, err
	}
	out, err := a.showAudience(ctx, id)
	if err != nil {
		return nil, err
	}
	out.Location = fmt.Sprintf("%s/audiences/%d", prefix, id)
	return out, nil
}

type listAudiencesInput struct {
	PageInput
	Q string `query:"q" doc:"Part of the name or the note."`
}

type listAudiencesOutput struct {
	Body pageBody[AudienceBody]
}

func (a *API) listAudiences(ctx context.Context, in *listAudiencesInput) (*listAudiencesOutput, error) {
	var fs fields
	if fs.text("query.q", in.Q, false, 200); len(fs) > 0 {
		return nil, fs.err()
	}
	name := fmt.Sprintf("audiences %q", in.Q)
	p, err := in.place(name)
	if err != nil {
		return nil, err
	}
	q := moment.AudienceQuery{Text: in.Q, ByID: true, Limit: in.Limit}
	if p != nil {
		q.After = p.ID
	}
	all, more, err := a.store.Audiences(ctx, q)
	if err != nil {
		return nil, err
	}
	out := &listAudiencesOutput{pageBody[AudienceBody]{Items: make([]AudienceBody, len(all))}}
	for i := range all {
		out.Body.Items[i] = showAudience(&all[i])
	}
	if more {
		out.Body.NextCursor = place{ID: all[len(all)-1].ID}.cursor(name)
	}
	return out, nil
}

type editAudienceInput struct {
	AudienceInput
	IfMatch string `header:"If-Match" doc:"The ETag that you read; * for any. Required." example:"\"3\""`
	Body    struct {
		Name       given[string]         `json:"name,omitempty"`
		Visibility given[visibilityBody] `json:"visibility,omitempty" doc:"Replaces the whole list."`
		Note       given[string]         `json:"note,omitempty"`
		Posts      string                `json:"posts,omitempty" enum:"rewrite,leave" doc:"What becomes of the campaigns that are not over, and of the posts that are not sent yet, and still equal it."`
	} `nameHint:"EditAudienceBody"`
}

func (a *API) editAudience(ctx context.Context, in *editAudienceInput) (*audienceOutput, error) {
	v, err := needVersion(in.IfMatch)
	if err != nil {
		return nil, err
	}
	b := &in.Body
	rewritten, err := a.store.ChangeAudience(ctx, in.ID, v, moment.AudienceChange(b.Posts), func(to *moment.Audience) error {
		b.Name.set(&to.Name)
		b.Note.set(&to.Note)
		if b.Visibility.Given {
			to.Visibility = b.Visibility.Value.visibility()
		}
		return nil
	}, origin(ctx))
	if err != nil {
		return nil, err
	}
	if rewritten != (moment.Rewritten{}) {
		a.engine.Wake()
	}
	out, err := a.showAudience(ctx, in.ID)
	if err == nil {
		out.Body.Rewritten, out.Body.RewrittenCampaigns = rewritten.Posts, rewritten.Campaigns
	}
	return out, err
}

type deleteAudienceInput struct {
	AudienceInput
	IfMatchInput
}

func (a *API) deleteAudience(ctx context.Context, in *deleteAudienceInput) (*struct{}, error) {
	v, err := version(in.IfMatch)
	if err != nil {
		return nil, err
	}
	return nil, a.store.DeleteAudience(ctx, in.ID, v, origin(ctx))
}

// preset is the audience that a post is to be made from.
func (a *API) preset(ctx context.Context, id int64) (moment.Visibility, error) {
	v, err := a.store.Audience(ctx, id)
	if moment.KindOf(err) == moment.NotFound || err == nil && v.Archived {
		return moment.Visibility{}, invalid("audience_id", "there is no such audience any more")
	}
	if err != nil {
		return moment.Visibility{}, err
	}
	return v.Visibility, nil
}
