package api

import (
	"time"

	"momentcast/internal/moment"
)

// readBackBody is one look at an account's timeline.
type readBackBody struct {
	Attempt int        `json:"attempt" doc:"The call in doubt."`
	Round   int        `json:"round" doc:"From 1. A look that could not be made is made again in the same round." example:"1"`
	At      time.Time  `json:"at"`
	Problem *string    `json:"problem" doc:"Why the timeline could not be read: offline, or the kind of an error; null = it was read." example:"offline"`
	Message *string    `json:"message" doc:"What was said about that."`
	Found   *string    `json:"found" doc:"Id of the moment that settled the doubt; null = none did."`
	Seen    []seenBody `json:"seen" doc:"The moments nearest to the call, newest first; at most 20."`
	More    int        `json:"more" doc:"Moments on the timeline beside these."`
}

// seenBody is one moment as a read-back saw it.
type seenBody struct {
	ID          string     `json:"id" doc:"Decimal; exceeds 64 signed bits." example:"13367129656153944194"`
	CreatedAt   *time.Time `json:"created_at"`
	Content     string     `json:"content" doc:"Shortened, like the other texts."`
	Title       string     `json:"title"`
	Description string     `json:"description"`
	URL         string     `json:"url"`
	ThumbURL    string     `json:"thumb_url"`
	Private     bool       `json:"private"`
	Match       bool       `json:"match" doc:"It is what the call would have made."`
	Differs     []string   `json:"differs" doc:"In what it is not: unreadable (nothing else was compared), account, time, kind (no link card), url, title, content."`
	PostID      *int64     `json:"post_id" doc:"The post that has this moment; null = none."`
}

// showReadBacks are the looks at the timeline, latest last.
func showReadBacks(d *moment.PostDetail) []readBackBody {
	out := make([]readBackBody, len(d.ReadBacks))
	for i, r := range d.ReadBacks {
		out[i] = readBackBody{Attempt: r.Attempt, Round: r.Round, At: r.At.UTC(), Problem: orNil(r.Problem), Message: orNil(r.Message),
			Found: orNil(r.Found), Seen: make([]seenBody, len(r.Seen)), More: r.More}
		for j, m := range r.Seen {
			out[i].Seen[j] = seenBody{m.ID, at(m.CreatedAt), m.Content, m.Title, m.Description, m.URL, m.ThumbURL, m.Private, m.Match, list(m.Differs), orNil(m.PostID)}
		}
	}
	return out
}
