package api

import (
	"context"
	"crypto/sha256"
	"fmt"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"momentcast/internal/moment"
	"momentcast/internal/schedule"
)

// CampaignStore is what the API needs for campaigns.
type CampaignStore interface {
	CreateCampaignOnce(ctx context.Context, c *moment.Campaign, externalKey string, key moment.RequestKey, by moment.Origin) (id int64, replayed bool, err error)
	Campaign(ctx context.Context, id int64) (*moment.CampaignView, error)
	Campaigns(ctx context.Context, q moment.CampaignQuery) (views []moment.CampaignView, more bool, err error)
	ChangeCampaign(ctx context.Context, id, ifVersion int64, change func(*moment.Campaign) error, by moment.Origin) error
	SplitCampaign(ctx context.Context, id, ifVersion, occurrence int64, change func(*moment.Campaign) error, by moment.Origin) (int64, error)
	CampaignDifference(ctx context.Context, id int64, change func(*moment.Campaign) error, by moment.Origin) (*moment.Difference, error)
	SplitDifference(ctx context.Context, id, occurrence int64, change func(*moment.Campaign) error, by moment.Origin) (*moment.Difference, error)
	ActOnCampaign(ctx context.Context, id, ifVersion int64, a moment.CampaignAct, by moment.Origin) error
	DeleteCampaign(ctx context.Context, id, ifVersion int64, by moment.Origin) error
	CloneCampaign(ctx context.Context, id int64, name string, key moment.RequestKey, by moment.Origin) (made int64, replayed bool, err error)
	Occurrences(ctx context.Context, q moment.OccurrenceQuery) (views []moment.OccurrenceView, more bool, err error)
	Occurrence(ctx context.Context, campaign, id int64) (*moment.OccurrenceView, error)
	ChangeOccurrence(ctx context.Context, campaign, id, ifVersion int64, a moment.OccurrenceAct, by moment.Origin) error
	CampaignPreview(ctx context.Context, text string, day *schedule.Date, n int) (schedule.Preview, error)
	DryRun(ctx context.Context, campaign int64, span time.Duration) (*moment.DryRun, error)
}

func (a *API) registerCampaigns() {
	op := func(id, method, path, summary, description string, errs ...int) huma.Operation {
		return huma.Operation{OperationID: id, Method: method, Path: path, Summary: summary, Description: description, Tags: []string{"campaigns"}, Errors: errs}
	}
	changes := []int{http.StatusConflict, http.StatusPreconditionFailed}
	create := op("create-campaign", http.MethodPost, "/campaigns", "Create a campaign",
		"It is a draft: nothing is planned before it is activated. With an Idempotency-Key it can be repeated safely; so it can with an external_key, where the second time is a 409.",
		http.StatusConflict, http.StatusUnsupportedMediaType)
	create.DefaultStatus = http.StatusCreated
	register(a, create, a.createCampaign)
	register(a, op("list-campaigns", http.MethodGet, "/campaigns", "List campaigns", "Newest first."), a.listCampaigns)
	register(a, op("get-campaign", http.MethodGet, "/campaigns/{id}", "Show a campaign", "With its next run and what its posts are up to."), a.getCampaign)
	register(a, op("edit-campaign", http.MethodPatch, "/campaigns/{id}", "Change a campaign",
		"Changes the fields that are given. Posts that have not left follow, but those edited by hand. With from_occurrence the change holds from that occurrence on: "+
			"the campaign ends before it and a new one continues, which is answered. With difference: true nothing is stored, and the answer says what would happen.",
		append(changes, http.StatusPreconditionRequired, http.StatusUnsupportedMediaType)...), a.editCampaign)
	register(a, op("delete-campaign", http.MethodDelete, "/campaigns/{id}", "Delete a draft", "Others are stopped, not deleted.", changes...), a.deleteCampaign)
	for _, act := range []struct{ id, action, summary, description string }{
		{"activate-campaign", "activate", "Activate a draft", "It is planned at once. Where posts need approval nothing leaves before somebody approves the campaign."},
		{"approve-campaign", "approve", "Approve a campaign", "As it is now: send its ETag in If-Match. An edit makes the approval void. missed says what becomes of what passed meanwhile."},
		{"reject-campaign", "reject", "Reject a campaign", "It is paused with the reason."},
		{"pause-campaign", "pause", "Pause a campaign", "None of its posts leaves before it is resumed."},
		{"resume-campaign", "resume", "Resume a campaign", "missed says what becomes of what passed meanwhile; not given = the campaign's own policy."},
		{"stop-campaign", "stop", "Stop a campaign", "For good: what has not left is cancelled; what is in flight ends."},
	} {
		register(a, op(act.id, http.MethodPost, "/campaigns/{id}/"+act.action, act.summary, act.description, changes...),
			func(ctx context.Context, in *campaignActInput) (*campaignOutput, error) {
				return a.actOnCampaign(ctx, in, moment.CampaignAction(act.action))
			})
	}
	clone := op("clone-campaign", http.MethodPost, "/campaigns/{id}/clone", "Copy a campaign", "The copy is a draft, and follows the same audience.", http.StatusConflict)
	clone.DefaultStatus = http.StatusCreated
	register(a, clone, a.cloneCampaign)
	register(a, op("preview-schedule", http.MethodPost, "/campaigns/preview", "Say when a schedule fires", "In words and as a list, with what the work calendar moves or drops."), a.previewSchedule)
	register(a, op("preview-campaign", http.MethodGet, "/campaigns/{id}/preview", "Say when a campaign fires", "As its schedule has it, from now on."), a.previewCampaign)
	register(a, op("dry-run", http.MethodGet, "/campaigns/dry-run", "Simulate what is planned", "All campaigns and posts of the next days under the real gates: what would be late, missed or too many. Nothing is changed."), a.dryRun)
	register(a, op("dry-run-campaign", http.MethodGet, "/campaigns/{id}/dry-run", "Simulate a campaign among all others", "As if it were activated and approved now."), a.dryRunCampaign)
	register(a, op("list-occurrences", http.MethodGet, "/campaigns/{id}/occurrences", "List a campaign's occurrences", "By time."), a.listOccurrences)
	register(a, op("get-occurrence", http.MethodGet, "/campaigns/{id}/occurrences/{occurrence}", "Show one occurrence", "With its own card, if it has one."), a.getOccurrence)
	register(a, op("change-occurrence", http.MethodPatch, "/campaigns/{id}/occurrences/{occurrence}", "Skip, move or edit one occurrence",
		"Posts that have left, or were edited by hand, stay as they are.", append(changes, http.StatusUnsupportedMediaType)...), a.changeOccurrence)
}

// CampaignInput names a campaign.
type CampaignInput struct {
	ID int64 `path:"id" doc:"The campaign's id." example:"12"`
}

type campaignOutput struct {
	ETag     string `header:"ETag" doc:"The version; for If-Match."`
	Location string `header:"Location"`
	Replayed string `header:"Idempotency-Replayed" doc:"Of a creation: true = an earlier request with this key was answered with this campaign."`
	Body     campaignBody
}

func (a *API) showCampaign(ctx context.Context, id int64) (*campaignOutput, error) {
	v, err := a.store.Campaign(ctx, id)
	if err != nil {
		return nil, err
	}
	return &campaignOutput{ETag: etag(v.Version), Location: fmt.Sprintf("%s/campaigns/%d", prefix, id), Body: showCampaign(v)}, nil
}

type createCampaignInput struct {
	KeyInput
	Body newCampaignBody
}

func (a *API) showNewCampaign(ctx context.Context, id int64, replayed bool) (*campaignOutput, error) {
	out, err := a.showCampaign(ctx, id)
	if err == nil {
		out.Replayed = replayedHeader(replayed)
	}
	return out, err
}

func (a *API) createCampaign(ctx context.Context, in *createCampaignInput) (*campaignOutput, error) {
	key, err := in.request(ctx)
	if err != nil {
		return nil, err
	}
	settings, err := a.store.Settings(ctx)
	if err != nil {
		return nil, err
	}
	c := &moment.Campaign{Colour: defaultColour}
	c.Plan.MaxLateness = moment.SecondsOf(settings.MaxLateness)
	if err := in.Body.apply(c); err != nil {
		return nil, err
	}
	id, replayed, err := a.store.CreateCampaignOnce(ctx, c, in.Body.ExternalKey, key, origin(ctx))
	if err != nil {
		return nil, err
	}
	return a.showNewCampaign(ctx, id, replayed)
}

func (a *API) getCampaign(ctx context.Context, in *CampaignInput) (*campaignOutput, error) {
	return a.showCampaign(ctx, in.ID)
}

type listCampaignsInput struct {
	PageInput
	State string `query:"state" enum:"draft,pending,active,paused,stopped,ended"`
	Q     string `query:"q" doc:"Part of the name."`
}

type listCampaignsOutput struct {
	Body pageBody[campaignBody]
}

func (a *API) listCampaigns(ctx context.Context, in *listCampaignsInput) (*listCampaignsOutput, error) {
	var fs fields
	if fs.text("query.q", in.Q, false, moment.MaxName); len(fs) > 0 {
		return nil, fs.err()
	}
	name := fmt.Sprintf("campaigns %q %q", in.State, in.Q)
	p, err := in.place(name)
	if err != nil {
		return nil, err
	}
	q := moment.CampaignQuery{Text: in.Q, Limit: in.Limit}
	if in.State != "" {
		q.States = []moment.CampaignState{moment.CampaignState(in.State)}
	}
	if p != nil {
		q.Before = p.ID
	}
	views, more, err := a.store.Campaigns(ctx, q)
	if err != nil {
		return nil, err
	}
	out := &listCampaignsOutput{pageBody[campaignBody]{Items: make([]campaignBody, len(views))}}
	for i := range views {
		out.Body.Items[i] = showCampaign(&views[i])
	}
	if more {
		out.Body.NextCursor = place{ID: views[len(views)-1].ID}.cursor(name)
	}
	return out, nil
}

type editCampaignInput struct {
	CampaignInput
	IfMatch    string `header:"If-Match" doc:"The ETag that you read; * for any. Required unless only the difference is asked for." example:"\"3\""`
	From       int64  `query:"from_occurrence" doc:"Change this occurrence and the following ones only."`
	Difference bool   `query:"difference" doc:"Store nothing; answer what would happen to the posts."`
	Body       newCampaignBody
}

type editCampaignOutput struct {
	ETag     string `header:"ETag" doc:"The version; for If-Match."`
	Location string `header:"Location"`
	Body     editedCampaignBody
}

type editedCampaignBody struct {
	Campaign   *campaignBody   `json:"campaign" doc:"null where only the difference was asked for."`
	Difference *differenceBody `json:"difference" doc:"null where the change was made."`
}

func (a *API) editCampaign(ctx context.Context, in *editCampaignInput) (*editCampaignOutput, error) {
	if in.Difference {
		return a.campaignDifference(ctx, in)
	}
	v, err := needVersion(in.IfMatch)
	if err != nil {
		return nil, err
	}
	id := in.ID
	if in.From != 0 {
		id, err = a.store.SplitCampaign(ctx, in.ID, v, in.From, in.Body.apply, origin(ctx))
	} else {
		err = a.store.ChangeCampaign(ctx, in.ID, v, in.Body.apply, origin(ctx))
	}
	if err != nil {
		return nil, err
	}
	a.engine.Wake()
	out, err := a.showCampaign(ctx, id)
	if err != nil {
		return nil, err
	}
	return &editCampaignOutput{out.ETag, out.Location, editedCampaignBody{Campaign: &out.Body}}, nil
}

func (a *API) campaignDifference(ctx context.Context, in *editCampaignInput) (*editCampaignOutput, error) {
	var d *moment.Difference
	var err error
	if in.From != 0 {
		d, err = a.store.SplitDifference(ctx, in.ID, in.From, in.Body.apply, origin(ctx))
	} else {
		d, err = a.store.CampaignDifference(ctx, in.ID, in.Body.apply, origin(ctx))
	}
	if err != nil {
		return nil, err
	}
	return &editCampaignOutput{Body: editedCampaignBody{Difference: showDifference(d)}}, nil
}

type deleteCampaignInput struct {
	CampaignInput
	IfMatchInput
}

func (a *API) deleteCampaign(ctx context.Context, in *deleteCampaignInput) (*struct{}, error) {
	v, err := version(in.IfMatch)
	if err != nil {
		return nil, err
	}
	return nil, a.store.DeleteCampaign(ctx, in.ID, v, origin(ctx))
}

type campaignActInput struct {
	CampaignInput
	IfMatchInput
	Body *campaignActBody
}

type campaignActBody struct {
	Reason string `json:"reason,omitempty" doc:"Why; required for reject, pause and stop." example:"Wrong link."`
	Missed string `json:"missed,omitempty" enum:"skip,latest,all" doc:"Of approve and resume: what becomes of occurrences whose time passed meanwhile."`
}

func (a *API) actOnCampaign(ctx context.Context, in *campaignActInput, action moment.CampaignAction) (*campaignOutput, error) {
	v, err := version(in.IfMatch)
	if err != nil {
		return nil, err
	}
	if action == moment.CampaignApprove && v == 0 {
		return nil, moment.Errorf(moment.Invalid, "An approval names what was read: send its ETag in If-Match.")
	}
	act := moment.CampaignAct{Action: action}
	if in.Body != nil {
		act.Reason, act.Missed = in.Body.Reason, moment.MissedPolicy(in.Body.Missed)
	}
	if err := a.store.ActOnCampaign(ctx, in.ID, v, act, origin(ctx)); err != nil {
		return nil, err
	}
	a.engine.Wake()
	return a.showCampaign(ctx, in.ID)
}

type cloneCampaignInput struct {
	CampaignInput
	KeyInput
	Body struct {
		Name string `json:"name" doc:"Of the copy."`
	} `nameHint:"CloneCampaignBody"`
}

func (a *API) cloneCampaign(ctx context.Context, in *cloneCampaignInput) (*campaignOutput, error) {
	key, err := in.request(ctx)
	if err != nil {
		return nil, err
	}
	// The body does not say what is copied.
	key.Hash = sha256.Sum256(fmt.Appendf(key.Hash[:], " of %d", in.ID))
	id, replayed, err := a.store.CloneCampaign(ctx, in.ID, in.Body.Name, key, origin(ctx))
	if err != nil {
		return nil, err
	}
	return a.showNewCampaign(ctx, id, replayed)
}
