package gateway

import (
	"context"
	"time"

	"momentcast/internal/moment"
)

// sending is a request that creates something, so that a second one would
// create a second thing.
type sending struct {
	path  string
	wID   string
	body  string
	limit time.Duration                 // on the request, once it is its turn; 0 = ctx's deadline
	judge func(*answer, *moment.Result) // what a reply with code 1000 is worth
}

// send makes the request at most once and never fails otherwise than in its
// Result. Duration is that of the request; of the wait for it, where there was
// none.
func (c *Client) send(ctx context.Context, s sending) moment.Result {
	started := time.Now()
	if _, ok := ctx.Deadline(); !ok {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, c.timeout)
		defer cancel()
	}
	unsent := func(cause string) moment.Result {
		return moment.Result{Verdict: moment.NeverLeft, Cause: cause, Message: sentence(cause),
			Request: s.body, Duration: time.Since(started)}
	}
	if s.wID == "" {
		return unsent("no_session")
	}
	release, err := c.turns.acquire(ctx, s.wID)
	if err != nil {
		return unsent(beforeWrite(ctx, err, false, false))
	}
	defer release()
	if s.limit > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, s.limit)
		defer cancel()
	}
	token, err := c.tokens.get(ctx, c.login)
	if err != nil {
		r := unsent("login")
		r.Auth = moment.KindOf(err) == moment.Unauthenticated
		r.Message += " " + moment.MessageOf(err)
		return r
	}
	a := read(c.exchange(ctx, s.path, token, s.body, maxSendReply))
	if a.fate == unauthorized {
		c.tokens.drop(token) // the next call logs in anew; this one is over
	}
	return result(&a, s, token)
}

const inDoubtTail = " Whether it was posted is not known."

// result says what a sending's answer proves.
func result(a *answer, s sending, token string) moment.Result {
	r := moment.Result{
		Verdict:  moment.InDoubt,
		Cause:    a.cause,
		Request:  s.body,
		Reply:    kept(redact(string(a.reply), token), keptReply),
		Status:   a.status,
		Duration: a.took,
	}
	switch a.fate {
	case done:
		s.judge(a, &r)
	case refused:
		r.Verdict, r.Message = moment.Rejected, a.refusal(token)
		if id := readPublished(a.data).id; id != "" { // a no that names a moment is no no
			r.Verdict, r.Message = moment.InDoubt, r.Message+" Yet it names a moment."+inDoubtTail
		}
	case unauthorized:
		r.Verdict, r.Auth, r.Message = moment.Rejected, true, "The gateway does not accept our token."
	case notSent:
		r.Verdict, r.Message = moment.NeverLeft, sentence(a.cause)
	default:
		r.Message = sentence(a.cause) + inDoubtTail
	}
	return r
}
