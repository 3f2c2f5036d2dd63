package gateway

import (
	"context"
	"strings"

	"momentcast/internal/moment"
)

// Logins lists the accounts that are online, from /queryLoginWx. One that is
// missing once is no proof of offline. The error is Unavailable, Refused or
// Unauthenticated; a list that cannot be read whole is an error, because a gap
// in it would pass for an account that went offline.
func (c *Client) Logins(ctx context.Context) ([]moment.Login, error) {
	var data []struct {
		WcID flex `json:"wcId"`
		WID  flex `json:"wId"`
	}
	if err := c.do(ctx, call{path: "/queryLoginWx", body: struct{}{}, readOnly: true}, &data); err != nil {
		return nil, err
	}
	out := make([]moment.Login, 0, len(data))
	for _, d := range data {
		if d.WcID != "" && d.WID != "" { // a login under way has no wcId yet
			out = append(out, moment.Login{WcID: d.WcID.text(), WID: d.WID.text()})
		}
	}
	return out, nil
}

// Online reports whether the login session wID is online, from /isOnline. A
// refusal means that it is not. The error is Unavailable or Unauthenticated.
func (c *Client) Online(ctx context.Context, wID string) (bool, error) {
	var data struct {
		IsOnline flex `json:"isOnline"`
	}
	err := c.ofInstance(ctx, call{path: "/isOnline", wID: wID, body: wIDBody{wID}, readOnly: true}, &data)
	if moment.KindOf(err) == moment.Refused {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	switch strings.ToLower(string(data.IsOnline)) {
	case "true", "1":
		return true, nil
	case "false", "0":
		return false, nil
	}
	return false, moment.Errorf(moment.Unavailable, "The gateway does not say whether the instance is online.")
}

// OfflineReason returns why the account wcID went offline, "" if the gateway
// does not know, from /offlineReason. The vendor allows one call per account
// in 12 hours. The error is Unavailable, Refused or Unauthenticated.
func (c *Client) OfflineReason(ctx context.Context, wcID string) (string, error) {
	var data []struct {
		WcID   flex `json:"wcId"`
		Reason flex `json:"reason"`
	}
	body := struct {
		WcID string `json:"wcId"`
	}{wcID}
	if err := c.do(ctx, call{path: "/offlineReason", body: body, readOnly: true}, &data); err != nil {
		return "", err
	}
	for _, d := range data {
		if d.WcID == "" || string(d.WcID) == wcID {
			return d.Reason.text(), nil
		}
	}
	return "", nil
}

// RegisterCallback asks the gateway to report offline instances to url, by
// /setHttpCallbackUrl. The error is Unavailable, Refused or Unauthenticated.
func (c *Client) RegisterCallback(ctx context.Context, url string) error {
	body := struct {
		HTTPURL string `json:"httpUrl"`
		Type    int    `json:"type"` // 2 = the messages that carry wcId and data
	}{url, 2}
	return c.do(ctx, call{path: "/setHttpCallbackUrl", body: body}, nil)
}

// wIDBody is the body of calls that say no more than which session is meant.
type wIDBody struct {
	WID string `json:"wId"`
}

// ofInstance is do for calls of one login session. Without one there is
// nothing to ask.
func (c *Client) ofInstance(ctx context.Context, q call, v any) error {
	if q.wID == "" {
		return moment.Errorf(moment.Invalid, "%s", sentence("no_session"))
	}
	return c.do(ctx, q, v)
}
