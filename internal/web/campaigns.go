package web

import (
	"context"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"momentcast/internal/moment"
	"momentcast/internal/schedule"
)

// CampaignStore is the part of the database that plans campaigns.
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
	CampaignMatrix(ctx context.Context, occurrences []int64, after int64, instances int) (cells []moment.MatrixCell, who []moment.Target, more bool, err error)
	CampaignPreview(ctx context.Context, text string, day *schedule.Date, n int) (schedule.Preview, error)
	CampaignEvents(ctx context.Context, id int64, n int) ([]moment.Event, error)
	DryRun(ctx context.Context, campaign int64, span time.Duration) (*moment.DryRun, error)
}

// campaignRoutes are the pages of campaigns.
func (s *Web) campaignRoutes() []route {
	const see, write, approve = moment.PermView, moment.PermWrite, moment.PermApprove
	return []route{
		{"GET /campaigns", see, s.campaigns},
		{"GET /campaigns/new", write, s.newCampaign},
		{"POST /campaigns", write, s.saveCampaign},
		{"POST /campaigns/preview", write, s.campaignPreview},
		{"GET /campaigns/dry-run", see, s.dryRun},
		{"GET /campaigns/{id}", see, s.campaign},
		{"GET /campaigns/{id}/edit", write, s.editCampaign},
		{"POST /campaigns/{id}", write, s.saveCampaign},
		{"POST /campaigns/{id}/do", write, s.actOnCampaign},
		{"POST /campaigns/{id}/rule", approve, s.actOnCampaign},
		{"GET /campaigns/{id}/dry-run", see, s.dryRun},
		{"GET /campaigns/{id}/occurrences/{occurrence}", see, s.occurrence},
		{"POST /campaigns/{id}/occurrences/{occurrence}", write, s.changeOccurrence},
	}
}

// campaignsPage lists campaigns.
type campaignsPage struct {
	Frame
	Rows  []campaignRow
	Find  string
	State string
	First bool
	Top   string
	Next  string
}

type campaignRow struct {
	moment.CampaignView
	Words string
}

func (s *Web) campaigns(w http.ResponseWriter, r *http.Request) error {
	q := r.URL.Query()
	p := &campaignsPage{Find: clean(q.Get("q")), State: q.Get("state"), First: q.Get("before") == "", Top: "/campaigns"}
	query := moment.CampaignQuery{Text: p.Find, Before: number(q.Get("before")), Limit: 50}
	if slices.Contains(moment.CampaignStates, moment.CampaignState(p.State)) {
		query.States = []moment.CampaignState{moment.CampaignState(p.State)}
	}
	views, more, err := s.store.Campaigns(r.Context(), query)
	if err != nil {
		return err
	}
	for i := range views {
		p.Rows = append(p.Rows, campaignRow{views[i], wordsOf(&views[i].Plan, langOf(r))})
	}
	if more {
		q.Set("before", strconv.FormatInt(views[len(views)-1].ID, 10))
		p.Next = "/campaigns?" + q.Encode()
	}
	return s.page(w, r, view{Page: "campaigns", Block: "campaigns", Data: p})
}

// wordsOf tells a plan's schedule; "" where there is none yet.
func wordsOf(p *moment.CampaignPlan, lang string) string {
	spec, err := schedule.ParseSpec(p.Schedule)
	if err != nil {
		return ""
	}
	return spec.Words(schedule.Lang(lang))
}

// States lists the states to filter by.
func (p *campaignsPage) States() []moment.CampaignState { return moment.CampaignStates }

func (s *Web) newCampaign(w http.ResponseWriter, r *http.Request) error {
	k, err := s.known.get(r.Context())
	if err != nil {
		return err
	}
	f := &campaignForm{Colour: "#1f6feb", Draft: true, When: scheduleFormOf("", k.settings.TimeZone), Plan: moment.CampaignPlan{
		MaxLateness: moment.SecondsOf(k.settings.MaxLateness), Language: langOf(r)}.WithDefaults()}
	return s.showCampaignForm(w, r, f)
}

func (s *Web) editCampaign(w http.ResponseWriter, r *http.Request) error {
	id, err := pathID(r)
	if err != nil {
		return err
	}
	c, err := s.store.Campaign(r.Context(), id)
	if err != nil {
		return err
	}
	f := &campaignForm{ID: id, Version: c.Version, From: number(r.URL.Query().Get("from")), Name: c.Name, Colour: c.Colour, Plan: c.Plan,
		Groups: strings.Join(c.Plan.Groups, ", "), When: scheduleFormOf(c.Plan.Schedule, ""), Draft: c.State == moment.CampaignDraft}
	if f.choice, err = s.audienceOf(r.Context(), &c.Plan); err != nil {
		return err
	}
	return s.showCampaignForm(w, r, f)
}

func (s *Web) campaignPreview(w http.ResponseWriter, r *http.Request) error {
	if err := parseForm(w, r); err != nil {
		return err
	}
	f, err := readCampaign(r.PostForm)
	f.ID = number(r.PostForm.Get("id"))
	if err != nil {
		f.Problem = explain(s.texts[langOf(r)], err)
		f.Problem.status = http.StatusOK // an answer to a question, not a refusal
	}
	return s.showCampaignForm(w, r, f)
}

// campaignChangePage shows what a change would do, before it does.
type campaignChangePage struct {
	Frame
	ID            int64
	Name          string
	From          int64
	D             *moment.Difference
	Counts        []countLine
	Voids         bool   // an approval
	SeenWas, Seen string // who sees it, where that changes
	Changes       []planChange
	Accounts      map[int64]string // names, of those that posts are listed of
	Typed         []hidden
}

type countLine struct {
	What moment.SettleWhat
	N    int
}

// settleOrder is the order in which a difference is told.
var settleOrder = []moment.SettleWhat{moment.SettleCreate, moment.SettleRewrite, moment.SettleRemove, moment.SettleHold, moment.SettleRelease,
	moment.SettleCancel, moment.SettleKeep, moment.SettleLeft, "problem", moment.SettleSame}

// saveCampaign stores a new campaign or a change. A change of one that has
// posts is shown first, with what it would do to them.
func (s *Web) saveCampaign(w http.ResponseWriter, r *http.Request) error {
	var id int64
	if r.PathValue("id") != "" {
		var err error
		if id, err = pathID(r); err != nil {
			return err
		}
	}
	if err := parseForm(w, r); err != nil {
		return err
	}
	f, err := readCampaign(r.PostForm)
	f.ID = id
	if err == nil {
		f.Plan.Visibility, f.Plan.AudienceID, err = s.chosenVisibility(r.Context(), f.choice)
		if err != nil && !refused(err) {
			return err
		}
	}
	was := &moment.CampaignView{}
	if err == nil && id != 0 {
		if was, err = s.store.Campaign(r.Context(), id); err != nil {
			return err
		}
		if f.Version == 0 {
			return moment.Errorf(moment.Invalid, "The form does not say which version was seen.")
		}
	}
	f.Draft = id == 0 || was.State == moment.CampaignDraft
	to := id
	switch {
	case err != nil:
	case id == 0:
		c := &moment.Campaign{}
		_ = f.apply(c) // never fails
		to, _, err = s.store.CreateCampaignOnce(r.Context(), c, "", formKey(r), origin(r))
	case !f.Draft && r.PostForm.Get("do") != "save":
		var shown bool
		if shown, err = s.askCampaign(w, r, f, was); shown || err != nil && !refused(err) {
			return err
		}
	case f.From != 0:
		to, err = s.store.SplitCampaign(r.Context(), id, f.Version, f.From, f.apply, origin(r))
	default:
		err = s.store.ChangeCampaign(r.Context(), id, f.Version, f.apply, origin(r))
	}
	if err != nil {
		if !refused(err) {
			return err
		}
		f.Problem = explain(s.texts[langOf(r)], err)
		if moment.KindOf(err) == moment.Precondition && was.Version != 0 {
			f.Version = was.Version // who saves now was told
		}
		return s.showCampaignForm(w, r, f)
	}
	s.engine.Wake()
	say(w, r, "done.campaign", f.Name)
	return seeOther(w, r, campaignAt(to))
}

func campaignAt(id int64) string { return "/campaigns/" + strconv.FormatInt(id, 10) }

// askCampaign shows the difference; false = there is nothing to ask.
func (s *Web) askCampaign(w http.ResponseWriter, r *http.Request, f *campaignForm, was *moment.CampaignView) (shown bool, err error) {
	if f.Version != was.Version {
		return false, moment.Errorf(moment.Precondition, "Somebody has changed the campaign meanwhile; look at it again and decide.")
	}
	p := &campaignChangePage{ID: f.ID, Name: f.Name, From: f.From, Typed: hiddenOf(r.PostForm, "do")}
	if f.From != 0 {
		p.D, err = s.store.SplitDifference(r.Context(), f.ID, f.From, f.apply, origin(r))
	} else {
		p.D, err = s.store.CampaignDifference(r.Context(), f.ID, f.apply, origin(r))
	}
	if err != nil {
		return false, err
	}
	for _, what := range settleOrder {
		if n := p.D.Counts[what]; n > 0 {
			p.Counts = append(p.Counts, countLine{what, n})
		}
	}
	if p.Accounts, err = s.accountNames(r.Context()); err != nil {
		return false, err
	}
	plan := f.Plan.WithDefaults()
	p.Changes = planChanges(s.texts[langOf(r)], langOf(r), was, f.Name, &plan)
	p.Voids = was.RequireApproval && (f.From != 0 || plan.Hash() != was.Plan.Hash())
	if !plan.Visibility.Equal(was.Plan.Visibility) {
		c := s.texts[langOf(r)]
		before, err := s.seen(r.Context(), c, choiceOf(was.Plan.Visibility), nil)
		if err != nil {
			return false, err
		}
		after, err := s.seen(r.Context(), c, choiceOf(plan.Visibility), nil)
		if err != nil {
			return false, err
		}
		p.SeenWas, p.Seen = before.Sentence, after.Sentence
	}
	return true, s.page(w, r, view{Page: "campaign_change", Data: p})
}

// actOnCampaign takes an action; the route says whose permission it needs.
func (s *Web) actOnCampaign(w http.ResponseWriter, r *http.Request) error {
	id, err := pathID(r)
	if err != nil {
		return err
	}
	if err := parseForm(w, r); err != nil {
		return err
	}
	form := r.PostForm
	action := moment.CampaignAction(form.Get("do"))
	rules := action == moment.CampaignApprove || action == moment.CampaignReject
	switch ruling := strings.HasSuffix(r.URL.Path, "/rule"); {
	case rules && !ruling:
		return s.forbidden(w, r)
	case ruling && !rules:
		return moment.Errorf(moment.Invalid, "The form does not say what to do.")
	}
	version := number(form.Get("version"))
	if version == 0 {
		return moment.Errorf(moment.Invalid, "The form does not say which version was seen.")
	}
	to := campaignAt(id)
	switch action {
	case "clone":
		var made int64
		if made, err = s.cloneCampaign(r, id); err == nil {
			return seeOther(w, r, campaignAt(made)+"/edit")
		}
	case moment.CampaignDelete:
		err = s.store.DeleteCampaign(r.Context(), id, version, origin(r))
		to = "/campaigns"
	default:
		act := moment.CampaignAct{Action: action, Reason: clean(form.Get("reason")), Missed: moment.MissedPolicy(form.Get("missed"))}
		err = s.store.ActOnCampaign(r.Context(), id, version, act, origin(r))
	}
	if err != nil {
		if refused(err) || moment.KindOf(err) == moment.Forbidden {
			return s.campaignPage(w, r, id, explain(s.texts[langOf(r)], err))
		}
		return err
	}
	s.engine.Wake()
	say(w, r, "done.campaign."+string(action))
	return seeOther(w, r, to)
}

// cloneCampaign makes a copy, one for each time the button was shown.
func (s *Web) cloneCampaign(r *http.Request, id int64) (made int64, err error) {
	c, err := s.store.Campaign(r.Context(), id)
	if err != nil {
		return 0, err
	}
	made, _, err = s.store.CloneCampaign(r.Context(), id, s.texts[langOf(r)].get("campaign.copy", short(80, c.Name)), formKey(r), origin(r))
	return made, err
}

// dryRunPage tells what planned posts would come to.
type dryRunPage struct {
	Frame
	Campaign *moment.CampaignView // nil = all that is planned
	R        *moment.DryRun
	Why      []whyLine
}

type whyLine struct {
	Why moment.HoldReason
	N   int
}

func (s *Web) dryRun(w http.ResponseWriter, r *http.Request) error {
	p := &dryRunPage{}
	var id int64
	var err error
	if r.PathValue("id") != "" {
		if id, err = pathID(r); err != nil {
			return err
		}
		if p.Campaign, err = s.store.Campaign(r.Context(), id); err != nil {
			return err
		}
	}
	days := min(max(number(r.URL.Query().Get("days")), 1), 30)
	if r.URL.Query().Get("days") == "" {
		days = 30
	}
	if p.R, err = s.store.DryRun(r.Context(), id, time.Duration(days)*24*time.Hour); err != nil {
		if moment.KindOf(err) == moment.Invalid && id != 0 {
			return s.campaignPage(w, r, id, explain(s.texts[langOf(r)], err))
		}
		return err
	}
	for _, why := range moment.HoldReasons {
		if n := p.R.Reasons[why]; n > 0 {
			p.Why = append(p.Why, whyLine{why, n})
		}
	}
	return s.page(w, r, view{Page: "campaign_dryrun", Data: p})
}
