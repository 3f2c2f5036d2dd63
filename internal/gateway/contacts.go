package gateway

import (
	"context"
	"strings"

	"momentcast/internal/moment"
)

// MaxContacts is how many contacts one call of Contacts may ask for. The
// vendor drops accounts that ask for more, or faster than every 300-800 ms;
// the pause between calls is the caller's.
const MaxContacts = 20

// Labels lists the contact labels of an instance, from /getContactLabelList.
// The error is Invalid without a login session, else Unavailable, Refused or
// Unauthenticated.
func (c *Client) Labels(ctx context.Context, wID string) ([]moment.Label, error) {
	var data []struct {
		ID   flex `json:"labelId"`
		Name flex `json:"labelName"`
	}
	q := call{path: "/getContactLabelList", wID: wID, body: wIDBody{wID}, readOnly: true}
	if err := c.ofInstance(ctx, q, &data); err != nil {
		return nil, err
	}
	out := make([]moment.Label, 0, len(data))
	for _, d := range data {
		if d.ID != "" {
			out = append(out, moment.Label{ID: d.ID.text(), Name: d.Name.text()})
		}
	}
	return out, nil
}

// InitContacts makes the gateway load the address book, by /initAddressList:
// once per login, before ContactIDs. Errors are those of Labels.
func (c *Client) InitContacts(ctx context.Context, wID string) error {
	return c.ofInstance(ctx, call{path: "/initAddressList", wID: wID, body: wIDBody{wID}}, nil)
}

// ContactIDs lists the wxids of an instance's friends, from /getAddressList.
// Errors are those of Labels.
func (c *Client) ContactIDs(ctx context.Context, wID string) ([]string, error) {
	var data struct {
		Friends []flex `json:"friends"`
	}
	q := call{path: "/getAddressList", wID: wID, body: wIDBody{wID}, readOnly: true}
	if err := c.ofInstance(ctx, q, &data); err != nil {
		return nil, err
	}
	out := make([]string, 0, len(data.Friends))
	for _, f := range data.Friends {
		if f != "" {
			out = append(out, f.text())
		}
	}
	return out, nil
}

// Contacts returns what is known of at most MaxContacts friends, from
// /getContact. Those the gateway does not know are missing in the answer. The
// error is Invalid for too many or broken ids, else those of Labels.
func (c *Client) Contacts(ctx context.Context, wID string, ids []string) ([]moment.Contact, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	list, ok := joined(ids)
	if !ok || len(ids) > MaxContacts {
		return nil, moment.Errorf(moment.Invalid, "At most %d contacts can be asked for at once, by their wxids.", MaxContacts)
	}
	body := struct {
		WID  string `json:"wId"`
		WcID string `json:"wcId"`
	}{wID, list}
	var data []wireContact
	q := call{path: "/getContact", wID: wID, body: body, readOnly: true}
	if err := c.ofInstance(ctx, q, &data); err != nil {
		return nil, err
	}
	out := make([]moment.Contact, 0, len(data))
	for i := range data {
		if data[i].UserName != "" {
			out = append(out, data[i].contact())
		}
	}
	return out, nil
}

type wireContact struct {
	UserName  flex `json:"userName"`
	NickName  flex `json:"nickName"`
	Remark    flex `json:"remark"`
	AliasName flex `json:"aliasName"`
	SmallHead flex `json:"smallHead"`
	LabelList flex `json:"labelList"` // "3,4"
}

func (w *wireContact) contact() moment.Contact {
	return moment.Contact{
		WxID:     w.UserName.text(),
		Nickname: w.NickName.text(),
		Remark:   w.Remark.text(),
		Alias:    w.AliasName.text(),
		Avatar:   w.SmallHead.text(),
		Labels:   strings.FieldsFunc(w.LabelList.text(), func(r rune) bool { return r == ',' || r == ' ' }),
	}
}
