package gateway

import (
	"context"
	"encoding/json"

	"momentcast/internal/moment"
)

// momentBody is the body of calls about one moment.
type momentBody struct {
	WID string `json:"wId"`
	ID  string `json:"id"`
}

// Delete removes a moment from the feed, by /deleteSns. The error is Invalid
// for an id that is none, else Unavailable, Refused or Unauthenticated; after
// Unavailable it may have been done, and may be asked again.
func (c *Client) Delete(ctx context.Context, wID, id string) error {
	return c.upkeep(ctx, "/deleteSns", wID, id)
}

// SetPrivate hides a moment from everyone but its account, by
// /snsSetAsPrivacy. Errors are those of Delete.
func (c *Client) SetPrivate(ctx context.Context, wID, id string) error {
	return c.upkeep(ctx, "/snsSetAsPrivacy", wID, id)
}

// SetPublic shows a moment again, by /snsSetPublic. Errors are those of Delete.
func (c *Client) SetPublic(ctx context.Context, wID, id string) error {
	return c.upkeep(ctx, "/snsSetPublic", wID, id)
}

func (c *Client) upkeep(ctx context.Context, path, wID, id string) error {
	if !validID(id) {
		return errNotAnID
	}
	return c.ofInstance(ctx, call{path: path, wID: wID, body: momentBody{wID, id}}, nil)
}

// Comment comments on a moment, by /snsComment. Like Publish it makes at most
// one request and says what is proven: Delivered is code 1000 alone, because
// the gateway names no comment. An id that is none is Rejected and not sent.
func (c *Client) Comment(ctx context.Context, wID, id, content string) moment.Result {
	if !validID(id) {
		return moment.Result{Verdict: moment.Rejected, Cause: "bad_id", Message: moment.MessageOf(errNotAnID)}
	}
	body := struct {
		momentBody
		ReplyCommentID int    `json:"replyCommentId"` // 0 = on the moment itself
		Content        string `json:"content"`
	}{momentBody: momentBody{wID, id}, Content: content}
	return c.send(ctx, sending{path: "/snsComment", wID: wID, body: encode(body),
		limit: min(c.timeout, readTimeout), judge: judgeComment})
}

func judgeComment(_ *answer, r *moment.Result) {
	r.Verdict, r.Cause, r.Message = moment.Delivered, "", "The comment was posted."
}

// DeleteComment removes a comment, by /snsCommentDel. Errors are those of
// Delete.
func (c *Client) DeleteComment(ctx context.Context, wID, id, commentID string) error {
	if !validID(id) || !validID(commentID) {
		return errNotAnID
	}
	body := struct {
		momentBody
		CommentID json.Number `json:"commentId"` // documented as a number
	}{momentBody{wID, id}, json.Number(commentID)}
	return c.ofInstance(ctx, call{path: "/snsCommentDel", wID: wID, body: body}, nil)
}
