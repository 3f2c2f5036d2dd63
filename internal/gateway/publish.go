package gateway

import (
	"context"
	"slices"
	"strings"

	"momentcast/internal/moment"
)

const pathPublish = "/snsSendUrl"

// publishRequest is the body of /snsSendUrl. The required fields are sent even
// when empty, the others only when they say something.
type publishRequest struct {
	WID         string `json:"wId"`
	Content     string `json:"content"`
	Title       string `json:"title"`
	Description string `json:"description"`
	URL         string `json:"url"`
	ThumbURL    string `json:"thumbUrl"`

	GroupUser         string `json:"groupUser,omitempty"`
	BlackList         string `json:"blackList,omitempty"`
	GroupUserLabelIDs string `json:"groupUserLabelIds,omitempty"`
	BlackListLabelIDs string `json:"blackListLabelIds,omitempty"`
}

// Publish posts card on the timeline of the instance whose login session is
// wID. It makes at most one request, whatever happens, and says in the Result
// what is proven about it. The deadline is ctx's; without one Config.Timeout
// holds.
//
// A card for nobody, or a visibility that the wire would read otherwise, is
// Rejected with the cause "visibility" and not sent: an empty list would show
// it to everyone. A login that fails before the post is NeverLeft with the
// cause "login"; Auth then tells a refused login from an unreachable gateway.
func (c *Client) Publish(ctx context.Context, wID string, card moment.Card, vis moment.Visibility) moment.Result {
	req := publishRequest{
		WID:         wID,
		Content:     card.Content,
		Title:       card.Title,
		Description: card.Description,
		URL:         card.URL,
		ThumbURL:    card.ThumbURL,
	}
	if !req.showTo(vis) {
		return moment.Result{
			Verdict: moment.Rejected,
			Cause:   "visibility",
			Message: "Who may see the card is not said clearly; nothing was sent.",
		}
	}
	return c.send(ctx, sending{path: pathPublish, wID: wID, body: encode(&req), judge: judgePublish})
}

// showTo fills in who may see the card. It refuses what would come out wider
// than it was meant.
func (r *publishRequest) showTo(v moment.Visibility) bool {
	users, ok := joined(v.Users)
	labels, okLabels := joined(v.Labels)
	if !ok || !okLabels {
		return false
	}
	nobody := users == "" && labels == ""
	switch v.Mode {
	case moment.Everyone:
		return nobody
	case moment.Allow:
		r.GroupUser, r.GroupUserLabelIDs = users, labels
	case moment.Deny:
		r.BlackList, r.BlackListLabelIDs = users, labels
	default:
		return false
	}
	return !nobody
}

// joined is ids as the wire wants them. An empty id, or one with a comma in
// it, would stand for something else there.
func joined(ids []string) (string, bool) {
	bad := slices.ContainsFunc(ids, func(id string) bool {
		return strings.TrimSpace(id) == "" || strings.Contains(id, ",")
	})
	return strings.Join(ids, ","), !bad
}

// judgePublish reads the reply to a post that says done: it is, if the moment
// has a name.
func judgePublish(a *answer, r *moment.Result) {
	p := readPublished(a.data)
	if p.id == "" {
		r.Cause, r.Message = "no_id", sentence("no_id")+inDoubtTail
		return
	}
	r.Verdict, r.Cause, r.Message = moment.Delivered, "", "The gateway posted it."
	r.MomentID, r.Created = p.id, p.created
}
