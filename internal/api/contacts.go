package api

import (
	"context"
	"net/http"
	"sync"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"momentcast/internal/moment"
)

func (a *API) registerContacts() {
	register(a, huma.Operation{
		OperationID: "list-labels", Method: http.MethodGet, Path: "/instances/{id}/labels", Tags: []string{"instances"},
		Summary: "List an instance's contact labels", Description: "From the gateway; at most 10 minutes old.",
		Errors: []int{http.StatusConflict, http.StatusBadGateway},
	}, a.listLabels)
	register(a, huma.Operation{
		OperationID: "list-contacts", Method: http.MethodGet, Path: "/instances/{id}/contacts", Tags: []string{"instances"},
		Summary: "List an instance's contacts",
		Description: "From the gateway, which gives them out slowly (20 at a time): the first request starts fetching them in the background. " +
			"Ask again until complete is true. They are kept for 6 hours or until the next login.",
		Errors: []int{http.StatusConflict, http.StatusBadGateway},
	}, a.listContacts)
}

type labelBody struct {
	ID   string `json:"id" example:"3"`
	Name string `json:"name" example:"VIP"`
}

type labelsOutput struct {
	Body pageBody[labelBody]
}

func (a *API) listLabels(ctx context.Context, in *InstanceInput) (*labelsOutput, error) {
	i, err := a.loggedIn(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	labels, err := a.labels.get(ctx, i.ID, i.WID)
	if err != nil {
		return nil, fromGateway(err)
	}
	out := &labelsOutput{pageBody[labelBody]{Items: make([]labelBody, len(labels))}}
	for n, l := range labels {
		out.Body.Items[n] = labelBody{l.ID, l.Name}
	}
	return out, nil
}

type contactBody struct {
	WxID     string   `json:"wxid" example:"wxid_a1b2c3"`
	Nickname string   `json:"nickname"`
	Remark   string   `json:"remark"`
	Alias    string   `json:"alias"`
	Avatar   string   `json:"avatar"`
	Labels   []string `json:"labels" doc:"Label ids."`
}

type contactsOutput struct {
	Body struct {
		Items    []contactBody `json:"items"`
		Complete bool          `json:"complete" doc:"false = more are being fetched; ask again."`
		Fetched  int           `json:"fetched" doc:"Contacts asked for so far."`
		Total    int           `json:"total" doc:"Contacts there are; 0 while that is not known yet."`
	} `nameHint:"Contacts"`
}

func (a *API) listContacts(ctx context.Context, in *InstanceInput) (*contactsOutput, error) {
	i, err := a.loggedIn(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	book, err := a.books.get(i.ID, i.WID)
	if err != nil {
		return nil, fromGateway(err)
	}
	out := &contactsOutput{}
	out.Body.Items = make([]contactBody, len(book.contacts))
	for n, c := range book.contacts {
		out.Body.Items[n] = contactBody{c.WxID, c.Nickname, c.Remark, c.Alias, c.Avatar, list(c.Labels)}
	}
	out.Body.Complete, out.Body.Fetched, out.Body.Total = book.complete, book.fetched, book.total
	return out, nil
}

// labelLife is how old a label list may be.
const labelLife = 10 * time.Minute

// labelCache keeps the label lists of the instances, for as long as they have
// the same login session.
type labelCache struct {
	read func(ctx context.Context, wID string) ([]moment.Label, error)
	now  func() time.Time

	mu    sync.Mutex
	known map[int64]knownLabels
}

type knownLabels struct {
	wID    string
	labels []moment.Label
	until  time.Time
}

func (c *labelCache) get(ctx context.Context, instance int64, wID string) ([]moment.Label, error) {
	c.mu.Lock()
	k, ok := c.known[instance]
	c.mu.Unlock()
	if ok && k.wID == wID && c.now().Before(k.until) {
		return k.labels, nil
	}
	labels, err := c.read(ctx, wID)
	if err != nil {
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.known == nil {
		c.known = make(map[int64]knownLabels)
	}
	c.known[instance] = knownLabels{wID, labels, c.now().Add(labelLife)}
	return labels, nil
}
