package web

import (
	"crypto/rand"
	"net/http"
	"strconv"
	"time"

	"momentcast/internal/moment"
	"momentcast/internal/schedule"
)

// campaignPage shows a campaign with what it does and did.
type campaignPage struct {
	Frame
	C       *moment.CampaignView
	Words   string
	Zone    string // of its schedule
	Card    phoneCard
	Preview []previewLine
	Years   []int
	Occs    []moment.OccurrenceView
	More    string // where later occurrences are
	Back    bool   // this is not the first page
	Matrix  []matrixRow
	MatrixN string // where further instances are
	Events  []moment.Event
	Ok      bool                 // the plan as it is was approved
	Seen    string               // who sees it
	Preset  *moment.AudienceView // the audience that was copied from; nil = none
	Apart   bool                 // it has changed since, and the campaign was left as it was
	Barred  string               // why this person may not approve it; "" = they may
	Key     string               // makes a copy once
}

// matrixRow is an instance with its posts of the occurrences shown.
type matrixRow struct {
	Name  string
	Cells []moment.MatrixCell // one an occurrence; PostID 0 = none
}

// May reports whether the state allows the action.
func (p *campaignPage) Can(action string) bool {
	for _, a := range p.C.State.CampaignActions() {
		if string(a) == action {
			return true
		}
	}
	return false
}

func (s *Web) campaign(w http.ResponseWriter, r *http.Request) error {
	id, err := pathID(r)
	if err != nil {
		return err
	}
	return s.campaignPage(w, r, id, nil)
}

// Sizes of the page.
const (
	occurrencesShown = 10
	instancesShown   = 30
)

func (s *Web) campaignPage(w http.ResponseWriter, r *http.Request, id int64, problem *problem) error {
	c, err := s.store.Campaign(r.Context(), id)
	if err != nil {
		return err
	}
	k, err := s.known.get(r.Context())
	if err != nil {
		return err
	}
	p := &campaignPage{C: c, Words: wordsOf(&c.Plan, langOf(r)), Ok: c.Approved(), Key: rand.Text()}
	p.Problem = problem
	if spec, err := schedule.ParseSpec(c.Plan.Schedule); err == nil {
		p.Zone = spec.Zone
	}
	texts := s.texts[langOf(r)]
	who, err := s.store.Approver(r.Context(), origin(r))
	if err != nil {
		return err
	}
	if err := c.MayApprove(who); err != nil {
		p.Barred = explain(texts, err).Why
	}
	p.Card = phoneOf(texts, c.Name, &moment.Post{Card: c.Plan.Card, Visibility: c.Plan.Visibility, FirstComment: c.Plan.FirstComment}, "", k.settings)
	if err := s.fillAudience(r, p); err != nil {
		return err
	}
	p.Card.Who = p.Seen
	if err := s.fillOccurrences(r, p); err != nil {
		return err
	}
	if c.Plan.Schedule != "" && len(p.Occs) == 0 {
		preview, err := s.store.CampaignPreview(r.Context(), c.Plan.Schedule, nil, 10)
		if err == nil {
			p.Preview, p.Years = previewLines(texts, preview, schedule.Lang(langOf(r))), preview.Unpublished
		}
	}
	if p.Events, err = s.store.CampaignEvents(r.Context(), id, 20); err != nil {
		return err
	}
	return s.page(w, r, view{Status: statusFor(problem), Page: "campaign", Block: "campaign", Data: p})
}

// fillAudience says who sees the campaign, and where that comes from.
func (s *Web) fillAudience(r *http.Request, p *campaignPage) error {
	seen, err := s.seen(r.Context(), s.texts[langOf(r)], choiceOf(p.C.Plan.Visibility), nil)
	if err != nil {
		return err
	}
	p.Seen = seen.Sentence
	if p.C.Plan.AudienceID == 0 {
		return nil
	}
	p.Preset, err = s.store.Audience(r.Context(), p.C.Plan.AudienceID)
	p.Apart = err == nil && !p.Preset.Archived && !p.Preset.Visibility.Equal(p.C.Plan.Visibility)
	return err
}

// fillOccurrences reads a page of occurrences, at first the last two and those
// to come, and the matrix of their posts.
func (s *Web) fillOccurrences(r *http.Request, p *campaignPage) error {
	v := r.URL.Query()
	q := moment.OccurrenceQuery{CampaignID: p.C.ID, Limit: occurrencesShown}
	if at := number(v.Get("at")); at > 0 {
		q.AfterAt, q.AfterID, p.Back = time.UnixMicro(at), number(v.Get("after")), true
	} else {
		last, _, err := s.store.Occurrences(r.Context(), moment.OccurrenceQuery{CampaignID: p.C.ID, To: time.Now(), Descending: true, Limit: 3})
		if err != nil {
			return err
		}
		if len(last) > 0 {
			q.From = last[len(last)-1].At
		}
	}
	occs, more, err := s.store.Occurrences(r.Context(), q)
	if err != nil || len(occs) == 0 {
		return err
	}
	p.Occs = occs
	here := campaignAt(p.C.ID)
	if last := occs[len(occs)-1]; more {
		p.More = here + "?at=" + strconv.FormatInt(last.At.UnixMicro(), 10) + "&after=" + strconv.FormatInt(last.ID, 10)
	}
	ids, column := make([]int64, len(occs)), make(map[int64]int, len(occs))
	for i := range occs {
		ids[i], column[occs[i].ID] = occs[i].ID, i
	}
	cells, who, more, err := s.store.CampaignMatrix(r.Context(), ids, number(v.Get("from")), instancesShown)
	if err != nil {
		return err
	}
	row := make(map[int64]int, len(who))
	for i, t := range who {
		row[t.ID] = i
		p.Matrix = append(p.Matrix, matrixRow{nameOf(t.Name, t.WcID), make([]moment.MatrixCell, len(occs))})
	}
	for _, cell := range cells {
		p.Matrix[row[cell.InstanceID]].Cells[column[cell.OccurrenceID]] = cell
	}
	if more {
		q := r.URL.Query()
		q.Set("from", strconv.FormatInt(who[len(who)-1].ID, 10))
		p.MatrixN = here + "?" + q.Encode()
	}
	return nil
}

// occurrencePage shows one firing and what can be done about it.
type occurrencePage struct {
	Frame
	C     *moment.CampaignView
	O     *moment.OccurrenceView
	Zone  string
	To    string // the new time as typed
	Own   moment.Card
	Fired bool
}

// AsForm lets the card be edited by the fields of a campaign's.
func (p *occurrencePage) AsForm() *campaignForm {
	return &campaignForm{Frame: p.Frame, Plan: moment.CampaignPlan{Card: p.Own}}
}

func (s *Web) occurrence(w http.ResponseWriter, r *http.Request) error {
	return s.occurrencePage(w, r, &occurrencePage{})
}

func (s *Web) occurrencePage(w http.ResponseWriter, r *http.Request, p *occurrencePage) error {
	id, err := pathID(r)
	if err != nil {
		return err
	}
	if p.C, err = s.store.Campaign(r.Context(), id); err != nil {
		return err
	}
	if p.O, err = s.store.Occurrence(r.Context(), id, number(r.PathValue("occurrence"))); err != nil {
		return err
	}
	if spec, err := schedule.ParseSpec(p.C.Plan.Schedule); err == nil {
		p.Zone = spec.Zone
	}
	if p.To == "" {
		p.To = p.O.At.In(location(p.Zone)).Format(localTime)
	}
	if p.Own == (moment.Card{}) {
		p.Own = p.C.Plan.Card
		if p.O.Card != nil {
			p.Own = *p.O.Card
		}
	}
	p.Fired = !p.O.At.After(time.Now())
	return s.page(w, r, view{Status: statusFor(p.Problem), Page: "campaign_occurrence", Data: p})
}

func (s *Web) changeOccurrence(w http.ResponseWriter, r *http.Request) error {
	id, err := pathID(r)
	if err != nil {
		return err
	}
	if err := parseForm(w, r); err != nil {
		return err
	}
	form := r.PostForm
	p := &occurrencePage{}
	act := moment.OccurrenceAct{Reason: clean(form.Get("reason"))}
	switch form.Get("do") {
	case "skip":
		act.Skip = true
	case "revive":
		act.Revive = true
	case "follow":
		act.Follow = true
	case "move":
		p.To = clean(form.Get("at"))
		act.Move = p.To
	case "edit":
		f, _ := readCampaign(form) // its card is all that is asked for
		p.Own = f.Plan.Card
		act.Card = &p.Own
	}
	version := number(form.Get("version"))
	if version == 0 {
		return moment.Errorf(moment.Invalid, "The form does not say which version was seen.")
	}
	err = s.store.ChangeOccurrence(r.Context(), id, number(r.PathValue("occurrence")), version, act, origin(r))
	switch {
	case err == nil:
		s.engine.Wake()
		say(w, r, "done.occurrence")
		return seeOther(w, r, campaignAt(id))
	case refused(err):
		p.Problem = explain(s.texts[langOf(r)], err)
		return s.occurrencePage(w, r, p)
	}
	return err
}
