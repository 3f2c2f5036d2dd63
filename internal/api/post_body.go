package api

import (
	"time"

	"momentcast/internal/moment"
)

// visibilityBody is who may see a moment.
type visibilityBody struct {
	Mode   string   `json:"mode" enum:"everyone,allow,deny" doc:"everyone; allow: only these users and labels; deny: all but these. There is no default." example:"allow"`
	Users  []string `json:"users" required:"false" doc:"wxids; at most 2000." example:"[\"wxid_a1b2c3\"]"`
	Labels []string `json:"labels" required:"false" doc:"Label ids of the instance; at most 200." example:"[\"3\"]"`
}

func (v *visibilityBody) visibility() moment.Visibility {
	if v == nil {
		return moment.Visibility{}
	}
	return moment.Visibility{Mode: moment.VisibilityMode(v.Mode), Users: v.Users, Labels: v.Labels}
}

// PostBody is a post as a list shows it. Like everything that others here
// embed it is exported, because the schema is read from exported fields only.
type PostBody struct {
	ID           int64           `json:"id" example:"4711"`
	InstanceID   int64           `json:"instance_id" example:"7"`
	WcID         string          `json:"wc_id" doc:"The instance's account." example:"wxid_gia1nwcgpobz22"`
	InstanceName string          `json:"instance_name"`
	CampaignID   *int64          `json:"campaign_id" doc:"The campaign that planned it; null = none."`
	CampaignName *string         `json:"campaign_name" doc:"Its name."`
	State        string          `json:"state" enum:"draft,pending,scheduled,sending,sent,failed,unknown,missed,cancelled"`
	Hold         *holdBody       `json:"hold" doc:"Why it is not being sent now; null = nothing holds it."`
	DueAt        *time.Time      `json:"due_at" doc:"Never sent before."`
	MaxLateness  string          `json:"max_lateness" doc:"Later than this it is missed; 0s = no limit." example:"30m"`
	MissAt       *time.Time      `json:"miss_at" doc:"From then on it may not be sent; null = no limit."`
	Content      string          `json:"content"`
	Title        string          `json:"title"`
	Description  string          `json:"description"`
	URL          string          `json:"url"`
	ThumbURL     string          `json:"thumb_url"`
	Visibility   *visibilityBody `json:"visibility" doc:"null = a draft that has none yet."`
	AudienceID   *int64          `json:"audience_id" doc:"The audience that visibility was copied from; null = none."`
	FirstComment *commentBody    `json:"first_comment" doc:"null = none."`
	ExternalKey  *string         `json:"external_key" doc:"Your own name for it."`
	Author       string          `json:"author"`
	Source       string          `json:"source" example:"api"`
	ContentHash  string          `json:"content_hash" doc:"Names what people will read and who may; an approval is bound to it. The time is not part of it." example:"1:9f86d081…"`
	Attempt      int             `json:"attempt" doc:"Calls of the gateway begun so far."`

	SentAt          *time.Time `json:"sent_at" doc:"When the call that sent it began."`
	LatenessMS      *int64     `json:"lateness_ms" doc:"By how much that was after due_at."`
	HeldFor         *string    `json:"held_for" doc:"What last held it: the explanation of its lateness."`
	MomentID        *string    `json:"moment_id" doc:"Decimal; exceeds 64 signed bits." example:"13367129656153944194"`
	MomentCreatedAt *time.Time `json:"moment_created_at" doc:"By WeChat's clock, from the moment id."`
	Error           *string    `json:"error" doc:"The last problem in plain words."`
	RecallMode      *string    `json:"recall_mode" doc:"delete or private, once it was taken back."`
	RecalledAt      *time.Time `json:"recalled_at"`
	LeftAt          *time.Time `json:"left_at" doc:"When a person closed the case of an unknown outcome as it is; null = it is open."`

	Actions   []string  `json:"actions" doc:"What may be done with it in this state."`
	Version   int64     `json:"version" doc:"The ETag, as a number."`
	CreatedAt time.Time `json:"created_at"`
	UpdatedAt time.Time `json:"updated_at"`
}

type holdBody struct {
	Reason  string     `json:"reason" enum:"paused,gateway_down,instance_paused,offline,online_age,failover,in_flight,gap,backoff,daily_cap,quiet_hours,behind_earlier,campaign_pending,campaign_paused,campaign_stopped,occurrence"`
	Until   *time.Time `json:"until" doc:"null = until somebody or something changes it."`
	Message string     `json:"message" example:"The instance has posted enough today; it goes on at 2026-12-02T00:00:00+08:00."`
}

type commentBody struct {
	Content string  `json:"content"`
	State   string  `json:"state" enum:"waiting,due,sending,sent,failed,unknown"`
	Error   *string `json:"error"`
}

// postDetailBody is everything that is known of a post.
type postDetailBody struct {
	PostBody
	Proof    *proofBody    `json:"proof" doc:"What WeChat stored; null = it was not told."`
	Attempts []attemptBody `json:"attempts" doc:"The calls of the gateway, latest last."`
	Events   []eventBody   `json:"events" doc:"The audit trail, latest last."`

	Approvals []approvalBody `json:"approvals" doc:"The rulings of approvers, latest last."`
	ReadBacks []readBackBody `json:"read_backs" doc:"The looks at the account's timeline for the moment of a doubtful call, latest last."`
}

type proofBody struct {
	Title       string     `json:"title"`
	URL         string     `json:"url"`
	Content     string     `json:"content"`
	Description string     `json:"description"`
	ThumbURL    string     `json:"thumb_url"`
	Private     bool       `json:"private"`
	CreatedAt   *time.Time `json:"created_at"`
	Matches     bool       `json:"matches" doc:"What WeChat stored is what was asked for."`
	Differences []string   `json:"differences" doc:"The fields in which it is not."`
}

type attemptBody struct {
	Number     int       `json:"number"`
	StartedAt  time.Time `json:"started_at"`
	DurationMS int64     `json:"duration_ms"`
	Replica    string    `json:"replica"`
	WID        string    `json:"w_id"`
	Verdict    string    `json:"verdict" enum:"delivered,rejected,never_left,in_doubt"`
	Cause      string    `json:"cause" example:"timeout"`
	Message    string    `json:"message"`
	Request    string    `json:"request" doc:"The body as it was sent."`
	Reply      string    `json:"reply" doc:"The body as it was received."`
	HTTPStatus int       `json:"http_status" doc:"0 = no answer came."`
}

type eventBody struct {
	ID        int64          `json:"id"`
	At        time.Time      `json:"at"`
	Action    string         `json:"action" example:"reschedule"`
	FromState *string        `json:"from_state"`
	ToState   *string        `json:"to_state"`
	Actor     string         `json:"actor"`
	Source    string         `json:"source" example:"api"`
	Detail    map[string]any `json:"detail" doc:"Old and new values, the reason, and the like."`
}

func showPost(v *moment.PostView) PostBody {
	p := &v.Post
	b := PostBody{
		ID: p.ID, InstanceID: p.InstanceID, WcID: v.WcID, InstanceName: v.InstanceName, CampaignID: orNil(v.CampaignID), CampaignName: orNil(v.CampaignName), State: string(p.State.Shown()),
		DueAt: at(p.DueAt), MaxLateness: brief(p.MaxLateness),
		Content: p.Card.Content, Title: p.Card.Title, Description: p.Card.Description, URL: p.Card.URL, ThumbURL: p.Card.ThumbURL,
		AudienceID: orNil(p.AudienceID), ExternalKey: orNil(p.ExternalKey), Author: p.Author, Source: p.Source, ContentHash: p.ContentHash(), Attempt: p.Attempt,
		HeldFor: orNil(string(p.HeldFor)), MomentID: orNil(p.MomentID), MomentCreatedAt: at(p.MomentCreatedAt), Error: orNil(p.Error),
		RecallMode: orNil(string(p.RecallMode)), RecalledAt: at(p.RecalledAt), LeftAt: at(p.LeftAt),
		Actions: []string{}, Version: p.Version, CreatedAt: p.CreatedAt.UTC(), UpdatedAt: p.UpdatedAt.UTC(),
	}
	if !p.DueAt.IsZero() {
		b.MissAt = at(p.MissAt())
	}
	if p.Visibility.Mode != "" {
		b.Visibility = &visibilityBody{string(p.Visibility.Mode), list(p.Visibility.Users), list(p.Visibility.Labels)}
	}
	if p.FirstComment != "" {
		b.FirstComment = &commentBody{p.FirstComment, v.CommentState, orNil(v.CommentError)}
	}
	if v.Hold != nil {
		b.Hold = showHold(*v.Hold, v.TimeZone)
	}
	if p.State == moment.Sent && !p.IntentAt.IsZero() {
		ms := p.Lateness().Milliseconds()
		b.SentAt, b.LatenessMS = at(p.IntentAt), &ms
	}
	for _, a := range p.Actions() {
		b.Actions = append(b.Actions, string(a))
	}
	return b
}

func showDetail(d *moment.PostDetail) postDetailBody {
	b := postDetailBody{PostBody: showPost(&d.PostView), Attempts: []attemptBody{}, Events: []eventBody{}, Approvals: showApprovals(d), ReadBacks: showReadBacks(d)}
	if p := d.Proof; p != nil {
		differences := list(p.Differences(d.Card))
		b.Proof = &proofBody{p.Title, p.URL, p.Content, p.Description, p.ThumbURL, p.Private, at(p.CreatedAt), len(differences) == 0, differences}
	}
	for _, t := range d.Attempts {
		b.Attempts = append(b.Attempts, attemptBody{
			Number: t.Number, StartedAt: t.StartedAt.UTC(), DurationMS: t.Duration.Milliseconds(), Replica: t.Replica, WID: t.WID,
			Verdict: string(t.Verdict), Cause: t.Cause, Message: t.Message, Request: t.Request, Reply: t.Reply, HTTPStatus: t.Status,
		})
	}
	for _, e := range d.Events {
		b.Events = append(b.Events, eventBody{
			ID: e.ID, At: e.At.UTC(), Action: e.Action, FromState: orNil(string(e.From)), ToState: orNil(string(e.To)),
			Actor: e.Actor, Source: e.Source, Detail: e.Detail,
		})
	}
	return b
}

// holdTexts say what holds a post, and by whom or what it goes on.
var holdTexts = map[moment.HoldReason][2]string{ // without and with an instant
	moment.HeldPaused:         {"Everything is paused; it goes on when somebody resumes."},
	moment.HeldGateway:        {"The gateway cannot be reached or refuses our token; it goes on when it answers."},
	moment.HeldInstancePaused: {"The instance is paused; it goes on when somebody resumes it."},
	moment.HeldOffline:        {"The instance is not logged in; it goes on when it is."},
	moment.HeldFailover:       {"The database moved to another server and may not know what was sent: the instance goes on when its timeline was read, or when somebody has looked and releases it."},
	moment.HeldOnlineAge:      {"The instance is not online for long enough.", "The instance is not online for long enough; it may post from %s."},
	moment.HeldInFlight:       {"Another post of the instance is being sent, or its outcome is being read back."},
	moment.HeldGap:            {"It is too soon after the instance's last post.", "It is too soon after the instance's last post; it goes on at %s."},
	moment.HeldBackoff:        {"The last call never left; it is tried again soon.", "The last call never left; it is tried again at %s."},
	moment.HeldDailyCap:       {"The instance has posted enough today.", "The instance has posted enough today; it goes on at %s."},
	moment.HeldQuietHours:     {"Nothing is sent at this hour.", "Nothing is sent at this hour; it goes on at %s."},
	moment.HeldBehind:         {"An earlier post of the instance goes first."},

	moment.HeldCampaignPending: {"Its campaign waits for approval; it goes on when somebody approves it."},
	moment.HeldCampaignPaused:  {"Its campaign is paused; it goes on when somebody resumes it."},
	moment.HeldCampaignStopped: {"Its campaign was stopped; it will not be sent."},
	moment.HeldOccurrence:      {"The text of this one occurrence waits for approval of the campaign."},
}

func showHold(h moment.Hold, zone string) *holdBody {
	b := &holdBody{Reason: string(h.Reason), Until: at(h.Until), Message: holdTexts[h.Reason][0]}
	if form := holdTexts[h.Reason][1]; form != "" && !h.Until.IsZero() {
		b.Message = sprintTime(form, h.Until, zone)
	}
	return b
}
