package api

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"momentcast/internal/moment"
)

// AddressBooks reads the labels and contacts of instances and keeps them.
type AddressBooks interface {
	// Labels returns the instance's labels, at most ten minutes old.
	Labels(ctx context.Context, instance int64, wID string) (moment.AddressBook, error)
	// Open returns what is known of the contacts and starts reading them where that is needed.
	Open(ctx context.Context, instance int64, wID string) (moment.AddressBook, error)
}

// ContactStore is the part of the database that keeps contacts.
type ContactStore interface {
	Contacts(ctx context.Context, q moment.ContactQuery) ([]moment.Contact, error)
}

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
			"Ask again until complete is true. They are kept, with their age, and read anew after 6 hours or a new login; " +
			"meanwhile the ones that are known are answered.",
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
	book, err := a.books.Labels(ctx, i.ID, i.WID)
	if err != nil {
		return nil, err
	}
	out := &labelsOutput{pageBody[labelBody]{Items: make([]labelBody, len(book.Labels))}}
	for n, l := range book.Labels {
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
		ReadAt   *time.Time    `json:"read_at" doc:"When they were last read as a whole; null = never yet."`
	} `nameHint:"Contacts"`
}

func (a *API) listContacts(ctx context.Context, in *InstanceInput) (*contactsOutput, error) {
	i, err := a.loggedIn(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	book, err := a.books.Open(ctx, i.ID, i.WID)
	if err != nil {
		return nil, err
	}
	if book.Problem != "" && book.Contacts == 0 {
		return nil, moment.Errorf(moment.Refused, "%s", book.Problem)
	}
	known, err := a.store.Contacts(ctx, moment.ContactQuery{InstanceID: i.ID})
	if err != nil {
		return nil, err
	}
	out := &contactsOutput{}
	out.Body.Items = make([]contactBody, len(known))
	for n, c := range known {
		out.Body.Items[n] = contactBody{c.WxID, c.Nickname, c.Remark, c.Alias, c.Avatar, list(c.Labels)}
	}
	out.Body.Complete = !book.Reading && !book.ReadAt.IsZero()
	out.Body.Fetched, out.Body.Total, out.Body.ReadAt = book.Fetched, book.Total, at(book.ReadAt)
	return out, nil
}
