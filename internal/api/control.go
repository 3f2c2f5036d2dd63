package api

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"momentcast/internal/moment"
)

func (a *API) registerControl() {
	op := func(id, method, path, summary, description string) huma.Operation {
		return huma.Operation{OperationID: id, Method: method, Path: path, Summary: summary, Description: description, Tags: []string{"control"}}
	}
	register(a, op("pause", http.MethodPost, "/pause", "Pause everything",
		"When it answers, no further call of the gateway begins, on any replica. A call that is under way ends."), a.pause)
	register(a, op("resume", http.MethodPost, "/resume", "End the pause",
		"overdue says what becomes of posts whose time has come meanwhile: send all, miss all, or (not given) judge each by its own lateness limit."), a.resume)
	register(a, op("get-status", http.MethodGet, "/status", "The whole picture", "Its cost does not grow with the history."), a.status)
}

// pausedBody is whether everything is paused, and by whom.
type pausedBody struct {
	Paused bool       `json:"paused"`
	Reason *string    `json:"reason"`
	By     *string    `json:"by"`
	Since  *time.Time `json:"since"`
}

type pausedOutput struct {
	Body pausedBody
}

type pauseInput struct {
	Body struct {
		Reason string `json:"reason" doc:"Everybody sees it; at most 500 characters." example:"Wrong link in the autumn campaign."`
	} `nameHint:"PauseBody"`
}

func (a *API) pause(ctx context.Context, in *pauseInput) (*pausedOutput, error) {
	var fs fields
	if fs.text("reason", in.Body.Reason, true, maxReason); len(fs) > 0 {
		return nil, fs.err()
	}
	if err := a.store.Pause(ctx, in.Body.Reason, origin(ctx)); err != nil {
		return nil, err
	}
	return a.paused(ctx)
}

type resumeInput struct {
	Body *resumeBody
}

type resumeBody struct {
	Overdue string `json:"overdue,omitempty" enum:"send,miss" doc:"Not given = each post's own limit decides."`
}

func (a *API) resume(ctx context.Context, in *resumeInput) (*pausedOutput, error) {
	overdue := moment.OverdueByLimit
	if in.Body != nil {
		overdue = moment.Overdue(in.Body.Overdue)
	}
	if err := a.store.Resume(ctx, overdue, origin(ctx)); err != nil {
		return nil, err
	}
	a.engine.Wake()
	return a.paused(ctx)
}

func (a *API) paused(ctx context.Context) (*pausedOutput, error) {
	s, err := a.store.Settings(ctx)
	if err != nil {
		return nil, err
	}
	return &pausedOutput{pausedBody{s.Paused, orNil(s.PausedReason), orNil(s.PausedBy), at(s.PausedAt)}}, nil
}

type statusBody struct {
	Now     time.Time  `json:"now" doc:"By the database's clock."`
	Paused  pausedBody `json:"paused"`
	Gateway struct {
		ObservedAt *time.Time `json:"observed_at" doc:"Last successful look at who is online; null = never."`
		DownSince  *time.Time `json:"down_since" doc:"null = the last look succeeded."`
		Error      *string    `json:"error"`
	} `json:"gateway"`
	Replicas []replicaBody `json:"replicas"`
	Posts    struct {
		Scheduled int64 `json:"scheduled"`
		Sending   int64 `json:"sending"`
		Pending   int64 `json:"pending" doc:"They wait for approval."`
		Failed    int64 `json:"failed"`
		Unknown   int64 `json:"unknown"`
		Missed    int64 `json:"missed"`
	} `json:"posts" doc:"Posts that something or somebody still has to deal with."`
	Overdue   int64            `json:"overdue" doc:"Scheduled posts whose time has come."`
	DueHeld   map[string]int64 `json:"due_held" doc:"Those of them that are held, by reason."`
	NextDue   *time.Time       `json:"next_due" doc:"When the next scheduled post becomes due."`
	Instances struct {
		Total    int64 `json:"total"`
		Online   int64 `json:"online"`
		Offline  int64 `json:"offline"`
		Maturing int64 `json:"maturing" doc:"Online, and not for long enough yet."`
		Paused   int64 `json:"paused"`
	} `json:"instances"`
	Failover *failoverBody `json:"failover" doc:"The last move of the database to another history; null = it never moved."`
}

// failoverBody is what is known of a failover or of a restored backup.
type failoverBody struct {
	Why      string    `json:"why" enum:"timeline,went_back,restart" doc:"How it was noticed."`
	At       time.Time `json:"at"`
	MissFrom time.Time `json:"may_miss_from" doc:"What was entered or sent from then to \"at\" may be missing."`
	Unread   int64     `json:"unread" doc:"Instances that are held until their timeline was read."`
	Stuck    int64     `json:"stuck" doc:"Those of them that are online and could not be read at the last try."`
}

type replicaBody struct {
	Name           string    `json:"name"`
	Version        string    `json:"version"`
	StartedAt      time.Time `json:"started_at"`
	HeartbeatAgeMS int64     `json:"heartbeat_age_ms" doc:"Since its dispatcher last turned; some seconds are usual."`
	InFlight       int       `json:"in_flight"`
}

type statusOutput struct {
	Body statusBody
}

func (a *API) status(ctx context.Context, _ *struct{}) (*statusOutput, error) {
	st, err := a.store.Status(ctx)
	if err != nil {
		return nil, err
	}
	out := &statusOutput{}
	b := &out.Body
	b.Now = st.Now.UTC()
	b.Paused = pausedBody{st.Paused, orNil(st.PausedReason), orNil(st.PausedBy), at(st.PausedAt)}
	b.Gateway.ObservedAt, b.Gateway.DownSince, b.Gateway.Error = at(st.Gateway.ObservedAt), at(st.Gateway.DownSince), orNil(st.Gateway.Error)
	b.Replicas = make([]replicaBody, len(st.Replicas))
	for i, r := range st.Replicas {
		b.Replicas[i] = replicaBody{r.Name, r.Version, r.StartedAt.UTC(), r.Age.Milliseconds(), r.InFlight}
	}
	p := &b.Posts
	p.Scheduled, p.Sending = st.Posts[moment.Scheduled], st.Posts[moment.Sending]
	p.Pending = st.Posts[moment.Pending]
	p.Failed, p.Unknown, p.Missed = st.Posts[moment.Failed], st.Posts[moment.Unknown], st.Posts[moment.Missed]
	b.Overdue, b.NextDue, b.DueHeld = st.Due, at(st.NextDue), make(map[string]int64, len(st.DueHeld))
	for reason, n := range st.DueHeld {
		b.DueHeld[string(reason)] = n
	}
	if f := st.Failover; f.Why != "" {
		b.Failover = &failoverBody{string(f.Why), f.At.UTC(), f.From.UTC(), f.Unread, f.Stuck}
	}
	i, n := &b.Instances, st.Instances
	i.Total, i.Online, i.Offline, i.Maturing, i.Paused = n.Total, n.Online, n.Offline, n.Maturing, n.Paused
	return out, nil
}
