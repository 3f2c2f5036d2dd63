package api

import (
	"context"
	"fmt"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"momentcast/internal/moment"
)

func (a *API) registerInstances() {
	op := func(id, method, path, summary, description string, errs ...int) huma.Operation {
		return huma.Operation{OperationID: id, Method: method, Path: path, Summary: summary, Description: description, Tags: []string{"instances"}, Errors: errs}
	}
	create := op("create-instance", http.MethodPost, "/instances", "Register an account",
		"With w_id and online_since it is online at once; otherwise when the gateway lists it.", http.StatusConflict, http.StatusUnsupportedMediaType)
	create.DefaultStatus = http.StatusCreated
	register(a, create, a.createInstance)
	register(a, op("sync-instances", http.MethodPost, "/instances/sync", "Adopt what the gateway lists online",
		"New accounts are added; the others' login sessions are brought up to date.", http.StatusBadGateway), a.syncInstances)
	register(a, op("list-instances", http.MethodGet, "/instances", "List instances", "In the order of their ids."), a.listInstances)
	register(a, op("get-instance", http.MethodGet, "/instances/{id}", "Show an instance", "With the counts of its posts."), a.getInstance)
	register(a, op("edit-instance", http.MethodPatch, "/instances/{id}", "Change an instance",
		"Changes the fields that are given; null goes back to the settings. Every change is audited.",
		http.StatusPreconditionFailed, http.StatusUnsupportedMediaType), a.editInstance)
}

// InstanceInput names an instance.
type InstanceInput struct {
	ID int64 `path:"id" doc:"The instance's id." example:"7"`
}

type instanceOutput struct {
	ETag     string `header:"ETag" doc:"The version; for If-Match."`
	Location string `header:"Location"`
	Body     instanceBody
}

type createInstanceInput struct {
	Body newInstanceBody
}

func (a *API) createInstance(ctx context.Context, in *createInstanceInput) (*instanceOutput, error) {
	i, fs := in.Body.instance()
	if len(fs) > 0 {
		return nil, fs.err()
	}
	id, err := a.store.AddInstance(ctx, i, origin(ctx))
	if err != nil {
		return nil, err
	}
	a.engine.Recheck()
	out, err := a.showInstance(ctx, id)
	if err != nil {
		return nil, err
	}
	out.Location = fmt.Sprintf("%s/instances/%d", prefix, id)
	return out, nil
}

func (a *API) showInstance(ctx context.Context, id int64) (*instanceOutput, error) {
	v, err := a.store.Instance(ctx, id)
	if err != nil {
		return nil, err
	}
	return &instanceOutput{ETag: etag(v.Version), Body: showInstance(v)}, nil
}

func (a *API) getInstance(ctx context.Context, in *InstanceInput) (*instanceOutput, error) {
	return a.showInstance(ctx, in.ID)
}

type syncOutput struct {
	Body struct {
		Online int `json:"online" doc:"Accounts that the gateway lists."`
		Added  int `json:"added" doc:"Those of them that were new."`
	} `nameHint:"SyncResult"`
}

func (a *API) syncInstances(ctx context.Context, _ *struct{}) (*syncOutput, error) {
	logins, err := a.gateway.Logins(ctx)
	if err != nil {
		return nil, fromGateway(err)
	}
	added, err := a.store.Adopt(ctx, logins, origin(ctx))
	if err != nil {
		return nil, err
	}
	a.engine.Wake()
	out := &syncOutput{}
	out.Body.Online, out.Body.Added = len(logins), added
	return out, nil
}

type listInstancesInput struct {
	PageInput
	WcID   string `query:"wc_id" doc:"Exactly."`
	Group  string `query:"group" doc:"Those that have this tag."`
	Online string `query:"online" enum:"true,false"`
	Paused string `query:"paused" enum:"true,false"`
}

type listInstancesOutput struct {
	Body pageBody[instanceBody]
}

func (a *API) listInstances(ctx context.Context, in *listInstancesInput) (*listInstancesOutput, error) {
	var fs fields
	fs.text("query.wc_id", in.WcID, false, 64)
	fs.text("query.group", in.Group, false, moment.MaxName)
	if len(fs) > 0 {
		return nil, fs.err()
	}
	name := fmt.Sprintf("instances %q %q %q %q", in.WcID, in.Group, in.Online, in.Paused)
	p, err := in.place(name)
	if err != nil {
		return nil, err
	}
	q := moment.InstanceQuery{WcID: in.WcID, Group: in.Group, Online: flag(in.Online), Paused: flag(in.Paused), Limit: in.Limit}
	if p != nil {
		q.After = p.ID
	}
	views, more, err := a.store.Instances(ctx, q)
	if err != nil {
		return nil, err
	}
	out := &listInstancesOutput{pageBody[instanceBody]{Items: make([]instanceBody, len(views))}}
	for i := range views {
		out.Body.Items[i] = showInstance(&views[i])
	}
	if more {
		out.Body.NextCursor = place{ID: views[len(views)-1].ID}.cursor(name)
	}
	return out, nil
}

// flag reads a filter that may be left out.
func flag(s string) *bool {
	if s == "" {
		return nil
	}
	is := s == "true"
	return &is
}

type editInstanceInput struct {
	InstanceInput
	IfMatchInput
	Body editInstanceBody
}

func (a *API) editInstance(ctx context.Context, in *editInstanceInput) (*instanceOutput, error) {
	v, err := version(in.IfMatch)
	if err != nil {
		return nil, err
	}
	by := origin(ctx)
	err = a.store.ChangeInstance(ctx, in.ID, v, func(i *moment.Instance) error { return in.Body.apply(i, by.Actor) }, by)
	if err != nil {
		return nil, err
	}
	a.engine.Wake()
	return a.showInstance(ctx, in.ID)
}
