package api

import (
	"context"
	"net/http"
	"strconv"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"momentcast/internal/moment"
)

func (a *API) registerActions() {
	op := func(id, path, summary, description string, errs ...int) huma.Operation {
		return huma.Operation{
			OperationID: id, Method: http.MethodPost, Path: "/posts/{id}/" + path, Summary: summary, Description: description,
			Tags: []string{"actions"}, Errors: append(errs, http.StatusConflict, http.StatusPreconditionFailed),
		}
	}
	register(a, op("submit-post", "submit", "Submit a draft", "It becomes scheduled, or pending where posts need approval. It must be complete."), a.plain(moment.ActSubmit))
	register(a, op("approve-post", "approve", "Approve a pending post",
		"It becomes scheduled. If-Match or content_hash says what was read; one of them is required. Who wrote the post, or edited it since it was last approved, may not, unless the settings say so.",
		http.StatusPreconditionRequired), a.approve)
	register(a, op("retry-post", "retry", "Try a failed post again", "It becomes due at once."), a.plain(moment.ActRetry))
	register(a, op("send-post-now", "send-now", "Send now", "Makes a scheduled, missed or failed post due at once. What holds its instance still holds it."), a.plain(moment.ActSendNow))
	register(a, op("reject-post", "reject", "Give a pending post back", "It becomes a draft again, and its author is told the reason."), a.reject)
	register(a, op("cancel-post", "cancel", "Cancel a post", "It will not be sent. A post that is being sent cannot be cancelled."), a.cancel)
	register(a, op("reschedule-post", "reschedule", "Give a post a new time", "A missed or failed post becomes scheduled."), a.reschedule)
	register(a, op("recall-post", "recall", "Take a sent post back",
		"Asks the gateway to delete the moment, or to hide it from everyone but its account. Recorded only if the gateway did it.", http.StatusBadGateway), a.recall)
	register(a, op("resolve-post", "resolve", "Settle a post of unknown outcome",
		"After a look at the account's feed. sent: it is there; give its moment_id. not_sent: it is not; it is sent again (only after the deadline of the last call). leave: close the case as it is; it waits for nobody any longer. reopen: take a closed case up again."), a.resolve)
}

// ActInput is what every action takes.
type ActInput struct {
	PostInput
	IfMatchInput
}

// act does what the action says and answers the post as it is then.
func (a *API) act(ctx context.Context, in ActInput, act moment.Act) (*postOutput, error) {
	v, err := version(in.IfMatch)
	if err != nil {
		return nil, err
	}
	if _, err := a.store.ActOnPost(ctx, in.ID, v, act, origin(ctx)); err != nil {
		return nil, err
	}
	a.engine.Wake()
	return a.showPost(ctx, in.ID)
}

// plain handles an action that needs nothing but the post.
func (a *API) plain(action moment.Action) func(context.Context, *ActInput) (*postOutput, error) {
	return func(ctx context.Context, in *ActInput) (*postOutput, error) {
		return a.act(ctx, *in, moment.Act{Action: action})
	}
}

// maxReason is how long a reason may be, in characters.
const maxReason = 500

type rejectInput struct {
	ActInput
	Body struct {
		Reason string `json:"reason" doc:"For the author; at most 500 characters." example:"The link leads to last year's page."`
	} `nameHint:"RejectBody"`
}

func (a *API) reject(ctx context.Context, in *rejectInput) (*postOutput, error) {
	var fs fields
	if fs.text("reason", in.Body.Reason, true, maxReason); len(fs) > 0 {
		return nil, fs.err()
	}
	return a.act(ctx, in.ActInput, moment.Act{Action: moment.ActReject, Reason: in.Body.Reason})
}

type cancelInput struct {
	ActInput
	Body *cancelBody
}

type cancelBody struct {
	Reason string `json:"reason,omitempty" doc:"At most 500 characters." example:"Sold out."`
}

func (a *API) cancel(ctx context.Context, in *cancelInput) (*postOutput, error) {
	act := moment.Act{Action: moment.ActCancel}
	if in.Body != nil {
		act.Reason = in.Body.Reason
	}
	var fs fields
	if fs.text("reason", act.Reason, false, maxReason); len(fs) > 0 {
		return nil, fs.err()
	}
	return a.act(ctx, in.ActInput, act)
}

type rescheduleInput struct {
	ActInput
	Body struct {
		DueAt string `json:"due_at" format:"date-time" doc:"RFC 3339 with offset." example:"2026-12-01T09:00:00+08:00"`
	} `nameHint:"RescheduleBody"`
}

func (a *API) reschedule(ctx context.Context, in *rescheduleInput) (*postOutput, error) {
	var fs fields
	due := fs.time("due_at", in.Body.DueAt)
	if len(fs) > 0 {
		return nil, fs.err()
	}
	// A draft is not asked for more than its time.
	if err := (&moment.Post{State: moment.Draft, DueAt: due}).Check(time.Now()); err != nil {
		return nil, err
	}
	return a.act(ctx, in.ActInput, moment.Act{Action: moment.ActReschedule, DueAt: due})
}

type resolveInput struct {
	ActInput
	Body struct {
		Outcome  string `json:"outcome" enum:"sent,not_sent,leave,reopen"`
		MomentID string `json:"moment_id,omitempty" doc:"Required for sent: the moment's id, decimal." example:"13367129656153944194"`
		Note     string `json:"note,omitempty" doc:"For the audit trail; at most 500 characters." example:"Seen in the feed at 09:03."`
	} `nameHint:"ResolveBody"`
}

func (a *API) resolve(ctx context.Context, in *resolveInput) (*postOutput, error) {
	var fs fields
	b := in.Body
	act := moment.Act{Reason: b.Note}
	fs.text("note", b.Note, false, maxReason)
	switch b.Outcome {
	case "sent":
		act.Action, act.MomentID = moment.ActFoundSent, b.MomentID
		id, err := strconv.ParseUint(b.MomentID, 10, 64)
		if err != nil || id == 0 || strconv.FormatUint(id, 10) != b.MomentID {
			fs.add("moment_id", "is required for sent: the moment's id, digits only")
		}
		act.Created = time.UnixMilli(int64(id >> 23))
	case "not_sent":
		act.Action = moment.ActNotSent
	case "leave":
		act.Action = moment.ActLeave
	case "reopen":
		act.Action = moment.ActReopen
	}
	if b.Outcome != "sent" && b.MomentID != "" {
		fs.add("moment_id", "only goes with the outcome sent")
	}
	if len(fs) > 0 {
		return nil, fs.err()
	}
	return a.act(ctx, in.ActInput, act)
}

type recallInput struct {
	ActInput
	Body struct {
		Mode string `json:"mode" enum:"delete,private" doc:"delete: remove it from the feed; private: hide it from everyone but its account."`
	} `nameHint:"RecallBody"`
}

func (a *API) recall(ctx context.Context, in *recallInput) (*postOutput, error) {
	v, err := version(in.IfMatch)
	if err != nil {
		return nil, err
	}
	mode := moment.RecallMode(in.Body.Mode)
	if err := a.takeBack(ctx, in.ID, v, mode); err != nil {
		return nil, err
	}
	// The moment is gone by now: that is recorded even if the client does not wait for it, and whatever has
	// become of the version meanwhile.
	in.IfMatch = ""
	return a.act(context.WithoutCancel(ctx), in.ActInput, moment.Act{Action: moment.ActRecall, Recall: mode})
}

// takeBack asks the gateway for it. Both calls may be repeated, so one whose
// answer was lost is simply asked again.
func (a *API) takeBack(ctx context.Context, id, ifVersion int64, mode moment.RecallMode) error {
	p, err := a.store.Post(ctx, id)
	if err != nil {
		return err
	}
	if ifVersion != 0 && ifVersion != p.Version {
		return moment.Errorf(moment.Precondition, "Somebody has changed the post meanwhile (version %d, not %d); load it again and decide.", p.Version, ifVersion)
	}
	if _, err := p.State.After(moment.ActRecall); err != nil {
		return err
	}
	if p.RecallMode == moment.RecallDelete || p.RecallMode == mode {
		return moment.Errorf(moment.Conflict, "The post was taken back already (%s).", p.RecallMode)
	}
	i, err := a.loggedIn(ctx, p.InstanceID)
	if err != nil {
		return err
	}
	if mode == moment.RecallDelete {
		return fromGateway(a.gateway.Delete(ctx, i.WID, p.MomentID))
	}
	return fromGateway(a.gateway.SetPrivate(ctx, i.WID, p.MomentID))
}

// loggedIn returns the instance if the gateway can be asked to do something
// with it.
func (a *API) loggedIn(ctx context.Context, id int64) (*moment.InstanceView, error) {
	i, err := a.store.Instance(ctx, id)
	if err != nil {
		return nil, err
	}
	if !i.Online || i.WID == "" {
		return nil, moment.Errorf(moment.Conflict, "The instance is not logged in; try again when it is.")
	}
	return i, nil
}

// fromGateway says that it was the gateway that failed, in its own words.
func fromGateway(err error) error {
	if err == nil {
		return nil
	}
	return &moment.Error{Kind: moment.Refused, Message: moment.MessageOf(err), Err: err}
}
