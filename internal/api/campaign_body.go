package api

import (
	"time"

	"momentcast/internal/moment"
)

// defaultColour is a campaign's that names none.
const defaultColour = "#1f6feb"

// newCampaignBody is a campaign to be created, or what an edit changes. What is
// not given stays as it is; what a draft may leave out, moment.Campaign knows.
type newCampaignBody struct {
	Name         given[string]         `json:"name,omitempty" example:"Autumn"`
	Colour       given[string]         `json:"colour,omitempty" doc:"Of the calendar: #rrggbb." example:"#1f6feb"`
	Schedule     given[string]         `json:"schedule,omitempty" doc:"once …, times … or cron …, with zone=, and start=, end=, count=, rule= and region= where wanted." example:"cron 0 9 * * 1-5 zone=Asia/Shanghai rule=working_days region=cn"`
	Instances    given[[]int64]        `json:"instances,omitempty" doc:"Ids; at most 1000."`
	Groups       given[[]string]       `json:"groups,omitempty" doc:"Whoever is in one of these when posts are made."`
	Card         given[cardBody]       `json:"card,omitempty"`
	Variants     given[[]cardBody]     `json:"variants,omitempty" doc:"Further texts that take turns; empty fields are the card's."`
	NoRepeat     given[string]         `json:"no_repeat,omitempty" doc:"A text comes back on an account after that at the earliest; 0s = no rule." example:"168h"`
	UTM          given[utmBody]        `json:"utm,omitempty"`
	FirstComment given[string]         `json:"first_comment,omitempty"`
	Visibility   given[visibilityBody] `json:"visibility,omitempty" doc:"Who may see it; the campaign does not follow an audience any more."`
	AudienceID   given[int64]          `json:"audience_id,omitempty" doc:"Copies the visibility of this audience, and follows what it becomes; null = it follows none any more. Give visibility or this." example:"12"`
	Language     given[string]         `json:"language,omitempty" doc:"Of {{date}} and {{weekday}}: zh-CN or en."`
	Stagger      given[staggerBody]    `json:"stagger,omitempty"`
	MaxLateness  given[string]         `json:"max_lateness,omitempty" doc:"Of each post; 0s = no limit." example:"30m"`
	Missed       given[string]         `json:"missed,omitempty" doc:"Of occurrences that nobody was there to plan: skip, latest or all."`
	MissedCap    given[int]            `json:"missed_cap,omitempty" doc:"Of all: at most so many."`
	ExternalKey  string                `json:"external_key,omitempty" maxLength:"200" doc:"Your own name for it, unique among campaigns. Of creation only."`
}

type cardBody struct {
	Content     string `json:"content,omitempty"`
	Title       string `json:"title,omitempty"`
	Description string `json:"description,omitempty"`
	URL         string `json:"url,omitempty"`
	ThumbURL    string `json:"thumb_url,omitempty"`
}

type utmBody struct {
	Source   string `json:"source,omitempty"`
	Medium   string `json:"medium,omitempty"`
	Campaign string `json:"campaign,omitempty"`
	Term     string `json:"term,omitempty"`
	Content  string `json:"content,omitempty"`
}

type staggerBody struct {
	Spread string `json:"spread,omitempty" doc:"The accounts take places within it." example:"20m"`
	Jitter string `json:"jitter,omitempty" doc:"Each is later by up to that." example:"30s"`
	Order  string `json:"order,omitempty" doc:"fixed or shuffled."`
}

// apply makes the change on c.
func (b *newCampaignBody) apply(c *moment.Campaign) error {
	var fs fields
	p := &c.Plan
	b.Name.set(&c.Name)
	b.Colour.set(&c.Colour)
	b.Schedule.set(&p.Schedule)
	b.Instances.set(&p.Instances)
	b.Groups.set(&p.Groups)
	b.FirstComment.set(&p.FirstComment)
	b.Language.set(&p.Language)
	b.MissedCap.set(&p.MissedCap)
	if b.Card.Given {
		p.Card = moment.Card(b.Card.Value)
	}
	if b.Variants.Given {
		p.Variants = nil
		for _, v := range b.Variants.Value {
			p.Variants = append(p.Variants, moment.Variant(v))
		}
	}
	if b.UTM.Given {
		p.UTM = moment.UTM(b.UTM.Value)
	}
	if b.AudienceID.Value != 0 && b.Visibility.Given && !b.Visibility.Null {
		fs.add("audience_id", "give visibility or audience_id, not both")
	}
	if b.Visibility.Given {
		p.Visibility, p.AudienceID = b.Visibility.Value.visibility(), 0
	}
	if b.AudienceID.Given {
		if p.AudienceID = b.AudienceID.Value; p.AudienceID != 0 {
			p.Visibility = moment.Visibility{} // what the audience is when this is stored
		}
	}
	if b.Missed.Given {
		p.Missed = moment.MissedPolicy(b.Missed.Value)
	}
	span := func(path, s string, to *moment.Seconds) {
		if *to = 0; s != "" {
			*to = moment.SecondsOf(fs.duration(path, s))
		}
	}
	if b.NoRepeat.Given {
		span("no_repeat", b.NoRepeat.Value, &p.NoRepeat)
	}
	if b.MaxLateness.Given {
		span("max_lateness", b.MaxLateness.Value, &p.MaxLateness)
	}
	if b.Stagger.Given {
		span("stagger.spread", b.Stagger.Value.Spread, &p.Stagger.Spread)
		span("stagger.jitter", b.Stagger.Value.Jitter, &p.Stagger.Jitter)
		p.Stagger.Order = moment.StaggerOrder(b.Stagger.Value.Order)
	}
	return fs.err()
}

// campaignBody is a campaign as it is shown.
type campaignBody struct {
	ID           int64            `json:"id" example:"12"`
	Name         string           `json:"name"`
	Colour       string           `json:"colour"`
	State        string           `json:"state" enum:"draft,pending,active,paused,stopped,ended"`
	Schedule     string           `json:"schedule"`
	Instances    []int64          `json:"instances"`
	Groups       []string         `json:"groups"`
	Card         cardBody         `json:"card"`
	Variants     []cardBody       `json:"variants"`
	NoRepeat     string           `json:"no_repeat"`
	UTM          utmBody          `json:"utm"`
	FirstComment string           `json:"first_comment"`
	Visibility   *visibilityBody  `json:"visibility" doc:"null = a draft that has none yet."`
	AudienceID   *int64           `json:"audience_id" doc:"The audience that visibility was copied from. A change of that may change the campaign, and voids its approval."`
	Language     string           `json:"language"`
	Stagger      staggerBody      `json:"stagger"`
	MaxLateness  string           `json:"max_lateness"`
	Missed       string           `json:"missed"`
	MissedCap    int              `json:"missed_cap"`
	Reason       *string          `json:"reason" doc:"Of the pause, the stop or the rejection."`
	Approval     campaignApproval `json:"approval"`
	Predecessor  *int64           `json:"predecessor" doc:"The campaign that it continues."`
	Settled      bool             `json:"settled" doc:"Every post follows the campaign as it is; false = that is under way."`
	NextFireAt   *time.Time       `json:"next_fire_at"`
	LastFiredAt  *time.Time       `json:"last_fired_at"`
	Posts        map[string]int64 `json:"posts" doc:"By state."`
	Problems     int64            `json:"problems" doc:"Occurrences to come with posts that could not be made."`
	Author       string           `json:"author"`
	Actions      []string         `json:"actions" doc:"What may be done with it in this state."`
	Version      int64            `json:"version" doc:"The ETag, as a number."`
	CreatedAt    time.Time        `json:"created_at"`
	UpdatedAt    time.Time        `json:"updated_at"`
}

type campaignApproval struct {
	Needed   bool       `json:"needed" doc:"Posts need approval here."`
	Approved bool       `json:"approved" doc:"The campaign as it is now was approved."`
	Hash     string     `json:"content_hash" doc:"Names what an approval is bound to."`
	By       *string    `json:"by"`
	At       *time.Time `json:"at"`
	Until    *time.Time `json:"until" doc:"From then on the approval is void, and what has not left waits for a new one; null = it does not end, or there is none."`
	Expired  bool       `json:"expired" doc:"That has come."`
	Rejected *string    `json:"rejected" doc:"Why it was last sent back."`
	Waiting  int64      `json:"waiting" doc:"Occurrences with a card of their own that nobody approved yet."`
}

func showCampaign(v *moment.CampaignView) campaignBody {
	p := &v.Plan
	b := campaignBody{
		ID: v.ID, Name: v.Name, Colour: v.Colour, State: string(v.State), Schedule: p.Schedule, Instances: list(p.Instances), Groups: list(p.Groups),
		Card: cardBody(p.Card), Variants: []cardBody{}, NoRepeat: brief(p.NoRepeat.Duration()), UTM: utmBody(p.UTM), FirstComment: p.FirstComment,
		Language:    p.Language,
		Stagger:     staggerBody{brief(p.Stagger.Spread.Duration()), brief(p.Stagger.Jitter.Duration()), string(p.Stagger.Order)},
		MaxLateness: brief(p.MaxLateness.Duration()), Missed: string(p.Missed), MissedCap: p.MissedCap, Reason: orNil(v.Reason),
		Approval:    campaignApproval{v.RequireApproval, v.Approved(), p.Hash(), orNil(v.ApprovedBy), at(v.ApprovedAt), at(v.ApprovedUntil), v.ApprovalOver, orNil(v.Rejected), v.Waiting},
		AudienceID:  orNil(p.AudienceID),
		Predecessor: orNil(v.Predecessor), Settled: !v.SettledAt.IsZero(), NextFireAt: at(v.NextFireAt), LastFiredAt: at(v.LastAt),
		Posts: map[string]int64{}, Problems: v.Problems, Author: v.Author, Actions: []string{}, Version: v.Version,
		CreatedAt: v.CreatedAt.UTC(), UpdatedAt: v.UpdatedAt.UTC(),
	}
	for _, t := range p.Variants {
		b.Variants = append(b.Variants, cardBody(t))
	}
	if p.Visibility.Mode != "" {
		b.Visibility = &visibilityBody{string(p.Visibility.Mode), list(p.Visibility.Users), list(p.Visibility.Labels)}
	}
	for state, n := range v.Counts {
		b.Posts[string(state)] = n
	}
	for _, a := range v.State.CampaignActions() {
		b.Actions = append(b.Actions, string(a))
	}
	return b
}

type occurrenceBody struct {
	ID         int64            `json:"id"`
	Name       string           `json:"name" doc:"The wall time that names it." example:"2026-10-01T09:00"`
	At         time.Time        `json:"at" doc:"When it fires."`
	PlannedAt  time.Time        `json:"planned_at" doc:"When the schedule would."`
	Number     int              `json:"number" doc:"{{n}}"`
	State      string           `json:"state" enum:"planned,moved,edited,skipped,missed,merged"`
	Reason     *string          `json:"reason"`
	Card       *cardBody        `json:"card" doc:"Its own; null = the campaign's."`
	Approved   bool             `json:"approved" doc:"Its own card may leave."`
	Posts      map[string]int64 `json:"posts" doc:"By state."`
	Problems   []problemLine    `json:"problems" doc:"Posts that could not be made; at most 20."`
	ETagNumber int64            `json:"version" doc:"The ETag, as a number."`
}

type problemLine struct {
	InstanceID int64  `json:"instance_id"`
	Field      string `json:"field"`
	Message    string `json:"message"`
}

func showOccurrence(v *moment.OccurrenceView) occurrenceBody {
	b := occurrenceBody{ID: v.ID, Name: v.Wall, At: v.At.UTC(), PlannedAt: v.PlannedAt.UTC(), Number: v.Number, State: string(v.State), Reason: orNil(v.Reason),
		Approved: v.Approved, Posts: map[string]int64{}, Problems: make([]problemLine, len(v.Problems)), ETagNumber: v.Version}
	if v.Card != nil {
		c := cardBody(*v.Card)
		b.Card = &c
	}
	for state, n := range v.Counts {
		b.Posts[string(state)] = n
	}
	for i, p := range v.Problems {
		b.Problems[i] = problemLine(p)
	}
	return b
}

type previewBody struct {
	Schedule    string         `json:"schedule" doc:"In its canonical form."`
	Words       string         `json:"words" example:"每个工作日 09:00"`
	Entries     []previewEntry `json:"entries"`
	Dropped     int            `json:"dropped" doc:"Days dropped in between, of which at most 100 are listed."`
	Ended       bool           `json:"ended" doc:"Nothing fires after these."`
	Unpublished []int          `json:"unpublished" doc:"Years whose holidays are not published yet: what rests on them may move."`
}

type previewEntry struct {
	Name    string    `json:"name" example:"2026-10-01T09:00"`
	At      time.Time `json:"at"`
	Local   string    `json:"local" doc:"At in the schedule's zone."`
	Weekday string    `json:"weekday" example:"Thursday"`
	Zone    string    `json:"zone" example:"CST"`
	Dropped bool      `json:"dropped" doc:"It does not fire; why says the rule."`
	Mark    string    `json:"mark" doc:"休 or 班, empty for an ordinary day."`
	Why     string    `json:"why" doc:"What the calendar and the clock did to it."`
}

type differenceBody struct {
	Counts  map[string]int   `json:"counts" doc:"Posts by what would become of them: create, rewrite, hold, release, remove, cancel, keep (edited by hand), left, same."`
	List    []differenceLine `json:"list" doc:"The first 200 that would change or be kept."`
	Partial bool             `json:"partial" doc:"There are more posts than were looked at."`
}

type differenceLine struct {
	What       string     `json:"what"`
	PostID     *int64     `json:"post_id"`
	InstanceID int64      `json:"instance_id"`
	DueAt      *time.Time `json:"due_at"`
	DueWas     *time.Time `json:"due_was"`
	Title      string     `json:"title"`
	TitleWas   string     `json:"title_was"`
}

func showDifference(d *moment.Difference) *differenceBody {
	b := &differenceBody{Counts: map[string]int{}, List: make([]differenceLine, len(d.List)), Partial: d.Partial}
	for what, n := range d.Counts {
		b.Counts[string(what)] = n
	}
	for i, l := range d.List {
		b.List[i] = differenceLine{string(l.What), orNil(l.PostID), l.InstanceID, at(l.DueAt), at(l.DueWas), l.Title, l.TitleWas}
	}
	return b
}

type dryRunBody struct {
	From     time.Time      `json:"from"`
	Until    time.Time      `json:"until"`
	Posts    int            `json:"posts"`
	OnTime   int            `json:"on_time" doc:"Within a second."`
	Late     int            `json:"late"`
	Missed   int            `json:"missed"`
	Unknown  int            `json:"unknown" doc:"It waits for a person or for the world to change."`
	Reasons  map[string]int `json:"reasons" doc:"What holds those that are late, missed or unknown."`
	Days     []dryRunDay    `json:"days"`
	Worst    []dryRunLine   `json:"worst" doc:"Missed, unknown, then the latest; at most 200."`
	Crowded  []crowdLine    `json:"crowded" doc:"Instances with more posts on a day than they may send; at most 200."`
	Partial  bool           `json:"partial" doc:"There are more posts than were looked at."`
	Problems int            `json:"problems" doc:"Posts of the campaign that could not be made."`
	Density  *densityBody   `json:"density" doc:"Of the campaign asked about."`
}

type dryRunDay struct {
	Date   string `json:"date"`
	Posts  int    `json:"posts"`
	Late   int    `json:"late"`
	Missed int    `json:"missed"`
}

type dryRunLine struct {
	PostID     *int64     `json:"post_id" doc:"null = not planned yet."`
	CampaignID *int64     `json:"campaign_id"`
	InstanceID int64      `json:"instance_id"`
	WcID       string     `json:"wc_id"`
	Title      string     `json:"title"`
	DueAt      time.Time  `json:"due_at"`
	LeavesAt   *time.Time `json:"leaves_at" doc:"null = not as things stand; of a missed one, when it could have."`
	Missed     bool       `json:"missed"`
	Why        string     `json:"why" example:"gap"`
}

type crowdLine struct {
	InstanceID int64  `json:"instance_id"`
	WcID       string `json:"wc_id"`
	Date       string `json:"date"`
	Posts      int    `json:"posts"`
	Cap        int    `json:"cap"`
}

type densityBody struct {
	Firings int   `json:"firings_a_day" doc:"On the busiest of the next seven days."`
	Targets int   `json:"targets"`
	Posts   int64 `json:"posts_a_day"`
	Allowed int64 `json:"allowed_a_day" doc:"What the daily caps of the targets allow; -1 = some have none."`
	Breaks  bool  `json:"breaks" doc:"It asks for more than is allowed."`
}

func showDryRun(r *moment.DryRun) dryRunBody {
	b := dryRunBody{From: r.From.UTC(), Until: r.Until.UTC(), Posts: r.Posts, OnTime: r.OnTime, Late: r.Late, Missed: r.Missed, Unknown: r.Unknown,
		Reasons: map[string]int{}, Days: make([]dryRunDay, len(r.Days)), Worst: make([]dryRunLine, len(r.Worst)), Crowded: make([]crowdLine, len(r.Crowded)),
		Partial: r.Partial, Problems: r.Problems}
	for why, n := range r.Reasons {
		b.Reasons[string(why)] = n
	}
	for i, d := range r.Days {
		b.Days[i] = dryRunDay(d)
	}
	for i, l := range r.Worst {
		b.Worst[i] = dryRunLine{orNil(max(0, l.ID)), orNil(l.CampaignID), l.InstanceID, l.WcID, l.Title, l.DueAt.UTC(), at(l.At), l.Missed, string(l.Why)}
	}
	for i, c := range r.Crowded {
		b.Crowded[i] = crowdLine{c.InstanceID, c.WcID, c.Date, c.Posts, c.Cap}
	}
	if d := r.Density; d != nil {
		b.Density = &densityBody{d.Firings, d.Targets, d.Posts, d.Allowed, d.Breaks()}
	}
	return b
}
