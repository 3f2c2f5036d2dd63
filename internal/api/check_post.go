package api

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"momentcast/internal/lint"
	"momentcast/internal/moment"
)

// postChecker is the part of the database that checks need.
type postChecker interface {
	// CheckPosts tells when posts would leave and what they collide with.
	CheckPosts(ctx context.Context, posts []*moment.Post) ([]moment.PostCheck, error)
}

func (a *API) registerCheck() {
	o := huma.Operation{Tags: []string{"posts"}, OperationID: "check-post", Method: http.MethodPost, Path: "/posts/check",
		Summary: "Check a post before it is created",
		Description: "Takes what POST /posts takes, for one or many instances, and stores nothing: what is wrong with the card, " +
			"and of each instance when it would really leave, why then, and what it collides with. What is wrong is answered, not refused.",
		Errors: []int{http.StatusRequestEntityTooLarge, http.StatusUnsupportedMediaType}}
	o.RequestBody = example(examplePost)
	register(a, o, a.checkPost)
}

// checkPostBody is a card and whom it is for.
type checkPostBody struct {
	InstanceID   int64           `json:"instance_id,omitempty" doc:"The instance; or wc_id, instance_ids, wc_ids." example:"7"`
	WcID         string          `json:"wc_id,omitempty" example:"wxid_gia1nwcgpobz22"`
	Content      string          `json:"content,omitempty"`
	Title        string          `json:"title,omitempty"`
	Description  string          `json:"description,omitempty"`
	URL          string          `json:"url,omitempty"`
	ThumbURL     string          `json:"thumb_url,omitempty"`
	Visibility   *visibilityBody `json:"visibility,omitempty"`
	DueAt        string          `json:"due_at,omitempty" doc:"RFC 3339 with offset." example:"2026-12-01T09:00:00+08:00"`
	MaxLateness  *string         `json:"max_lateness,omitempty" example:"30m"`
	FirstComment string          `json:"first_comment,omitempty"`
	ExternalKey  string          `json:"external_key,omitempty" doc:"Not looked for among the posts there are."`
	Draft        bool            `json:"draft,omitempty"`

	InstanceIDs []int64  `json:"instance_ids,omitempty" maxItems:"5000" doc:"More instances."`
	WcIDs       []string `json:"wc_ids,omitempty" maxItems:"5000" doc:"More instances, by their accounts."`
	Stagger     string   `json:"stagger,omitempty" doc:"Time from one instance to the next, in the order given: instance_id or wc_id, instance_ids, wc_ids." example:"2m"`
	PostID      int64    `json:"post_id,omitempty" doc:"Check it as a change of this stored post; for one instance only."`
}

// one is the card as a creation for one instance has it.
func (b *checkPostBody) one() *newPostBody {
	return &newPostBody{InstanceID: b.InstanceID, WcID: b.WcID, Content: b.Content, Title: b.Title, Description: b.Description,
		URL: b.URL, ThumbURL: b.ThumbURL, Visibility: b.Visibility, DueAt: b.DueAt, MaxLateness: b.MaxLateness,
		FirstComment: b.FirstComment, ExternalKey: b.ExternalKey, Draft: b.Draft}
}

type checkInput struct {
	Body checkPostBody
}

type checkOutput struct {
	Body CheckBody
}

// CheckBody is what a check found.
type CheckBody struct {
	OK         bool            `json:"ok" doc:"It would be taken as it is, and nothing needs a second look."`
	Findings   []FindingBody   `json:"findings" doc:"About the card and the request, the worst first."`
	Departures []DepartureBody `json:"departures" doc:"One an instance, in the order given; empty without a time."`
}

// FindingBody is one thing about the card or the request.
type FindingBody struct {
	Severity string `json:"severity" enum:"error,warn,info" doc:"error: it would be refused."`
	Field    string `json:"field" example:"title"`
	Key      string `json:"key" doc:"Which rule; invalid where the request would be refused for another reason." example:"title.lines"`
	ZH       string `json:"zh"`
	EN       string `json:"en"`
}

// DepartureBody is when the post would leave through one instance.
type DepartureBody struct {
	InstanceID int64       `json:"instance_id"`
	WcID       string      `json:"wc_id"`
	DueAt      time.Time   `json:"due_at"`
	LeavesAt   *time.Time  `json:"leaves_at" doc:"As things stand; null = it is not known. Of a missed post, when it could have left."`
	Why        *string     `json:"why" doc:"What moves it, or keeps it from being known; null = nothing." example:"daily_cap"`
	Missed     bool        `json:"missed" doc:"It would be past its lateness limit."`
	LateMS     int64       `json:"late_ms"`
	Clashes    []ClashBody `json:"clashes"`
}

// ClashBody is one thing the post collides with.
type ClashBody struct {
	Kind   string    `json:"kind" enum:"gap,daily_cap,duplicate" doc:"gap: another post is nearer than the gap; daily_cap: more posts on that day than the cap; duplicate: the same link within the days of the setting."`
	PostID *int64    `json:"post_id" doc:"The other post."`
	At     time.Time `json:"at" doc:"When that one is due or was; of daily_cap the beginning of the day."`
	State  *string   `json:"state" doc:"Of the other post, of a duplicate."`
	Count  int       `json:"count,omitempty" doc:"Posts on that day with this one."`
	Limit  int       `json:"limit,omitempty" doc:"The cap, or the days."`
}

func (a *API) checkPost(ctx context.Context, in *checkInput) (*checkOutput, error) {
	settings, err := a.store.Settings(ctx)
	if err != nil {
		return nil, err
	}
	b := &in.Body
	card, fs := b.one().post(settings.MaxLateness)
	stagger := time.Duration(0)
	if b.Stagger != "" {
		if stagger = fs.duration("stagger", b.Stagger); stagger < 0 || stagger > 24*time.Hour {
			fs.add("stagger", "must be between 0s and 24h")
			stagger = 0
		}
	}
	refs, err := a.targets(ctx, b, &fs)
	if err != nil {
		return nil, err
	}
	out := CheckBody{Findings: checkFindings(card, settings, fs), Departures: []DepartureBody{}}
	out.OK = !slices.ContainsFunc(out.Findings, func(f FindingBody) bool { return f.Severity != string(lint.Info) })
	if !card.DueAt.IsZero() && len(refs) > 0 {
		posts := make([]*moment.Post, len(refs))
		for n, r := range refs {
			p := *card
			p.InstanceID, p.DueAt = r.ID, card.DueAt.Add(time.Duration(n)*stagger)
			if len(refs) == 1 {
				p.ID = b.PostID
			}
			posts[n] = &p
		}
		checks, err := a.store.CheckPosts(ctx, posts)
		if err != nil {
			return nil, err
		}
		for n, c := range checks {
			out.OK = out.OK && !c.Missed && len(c.Clashes) == 0
			out.Departures = append(out.Departures, showDeparture(refs[n], c))
		}
	}
	return &checkOutput{out}, nil
}

// targets are the instances in the order given, each once.
func (a *API) targets(ctx context.Context, b *checkPostBody, fs *fields) ([]moment.InstanceRef, error) {
	ids, wcIDs := b.InstanceIDs, b.WcIDs
	if b.InstanceID != 0 {
		ids = append([]int64{b.InstanceID}, ids...)
	}
	if b.WcID != "" {
		wcIDs = append([]string{b.WcID}, wcIDs...)
	}
	for i := range wcIDs {
		if moment.CheckText(wcIDs[i], true, 64) != "" {
			wcIDs = slices.Clone(wcIDs)
			wcIDs[i] = "" // there is none of that name
		}
	}
	if len(ids)+len(wcIDs) > 0 { // any of the four names an instance
		*fs = slices.DeleteFunc(*fs, func(f moment.Field) bool { return f.Path == "instance_id" })
	}
	found, err := a.store.FindInstances(ctx, ids, wcIDs)
	if err != nil {
		return nil, err
	}
	var refs []moment.InstanceRef
	take := func(path string, is func(moment.InstanceRef) bool) {
		i := slices.IndexFunc(found, is)
		if i < 0 {
			fs.add(path, "there is no such instance")
		} else if !slices.Contains(refs, found[i]) {
			refs = append(refs, found[i])
		}
	}
	for _, id := range ids {
		take("instance_ids", func(r moment.InstanceRef) bool { return r.ID == id })
	}
	for _, wc := range wcIDs {
		take("wc_ids", func(r moment.InstanceRef) bool { return r.WcID == wc })
	}
	return refs, nil
}

// checkFindings are what the lint says, and what would be refused beside it.
func checkFindings(card *moment.Post, s moment.Settings, fs fields) []FindingBody {
	var out []FindingBody
	linted := lint.Check(lint.Input{Card: card.Card, FirstComment: card.FirstComment}, lint.Of(s))
	for _, f := range fs {
		if !slices.ContainsFunc(linted, func(l lint.Finding) bool { return l.Field == f.Path && l.Severity == lint.Error }) {
			out = append(out, FindingBody{string(lint.Error), f.Path, "invalid", "不会被接受：" + f.Message, strings.ToUpper(f.Message[:1]) + f.Message[1:] + "."})
		}
	}
	for _, f := range linted {
		if card.State == moment.Draft && f.Key == "missing" {
			continue
		}
		out = append(out, FindingBody{string(f.Severity), f.Field, f.Key, f.ZH, f.EN})
	}
	return list(out)
}

func showDeparture(r moment.InstanceRef, c moment.PostCheck) DepartureBody {
	b := DepartureBody{InstanceID: r.ID, WcID: r.WcID, DueAt: c.DueAt.UTC(), LeavesAt: at(c.At), Why: orNil(string(c.Why)),
		Missed: c.Missed, LateMS: c.Late().Milliseconds(), Clashes: []ClashBody{}}
	for _, x := range c.Clashes {
		b.Clashes = append(b.Clashes, ClashBody{Kind: string(x.Kind), PostID: orNil(max(0, x.Post)), At: x.At.UTC(), State: orNil(string(x.State)), Count: x.Count, Limit: x.Limit})
	}
	return b
}
