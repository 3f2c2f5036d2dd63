package api

import (
	"context"
	"fmt"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"momentcast/internal/moment"
)

// newPostBody is a post to be created. Nothing is required by the schema: what
// a draft may leave out, moment.Post.Check knows.
type newPostBody struct {
	InstanceID   int64           `json:"instance_id,omitempty" doc:"The instance; or give wc_id." example:"7"`
	WcID         string          `json:"wc_id,omitempty" doc:"The instance's account; or give instance_id." example:"wxid_gia1nwcgpobz22"`
	Content      string          `json:"content,omitempty" doc:"The text above the link; required unless a draft; at most 2000 characters." example:"New in: autumn 2026"`
	Title        string          `json:"title,omitempty" doc:"Required unless a draft; at most 200 characters." example:"Autumn collection"`
	Description  string          `json:"description,omitempty" doc:"Below the title; at most 500 characters." example:"Twelve looks"`
	URL          string          `json:"url,omitempty" doc:"Where the card leads; http or https; required unless a draft." example:"https://example.com/autumn"`
	ThumbURL     string          `json:"thumb_url,omitempty" doc:"The square picture, which must stay hosted; required unless a draft." example:"https://example.com/autumn.jpg"`
	Visibility   *visibilityBody `json:"visibility,omitempty" doc:"Who may see it; or give audience_id. One of them is required unless a draft."`
	AudienceID   int64           `json:"audience_id,omitempty" minimum:"1" doc:"The audience to copy visibility from." example:"12"`
	DueAt        string          `json:"due_at,omitempty" format:"date-time" doc:"RFC 3339 with offset; at most a day past and five years ahead; required unless a draft." example:"2026-12-01T09:00:00+08:00"`
	MaxLateness  *string         `json:"max_lateness,omitempty" doc:"Later than this it is missed; 0s = no limit; null = as in the settings." example:"30m"`
	FirstComment string          `json:"first_comment,omitempty" doc:"Posted below the moment after it is sent; at most 500 characters."`
	ExternalKey  string          `json:"external_key,omitempty" doc:"Your own name for it, unique among all posts; at most 200 characters." example:"crm-2026-1193"`
	Draft        bool            `json:"draft,omitempty" doc:"Store it incomplete; submit it later."`
}

// Resolve checks the whole post, so that what is wrong with its values is
// reported together with what is wrong with its form.
func (b *newPostBody) Resolve(_ huma.Context, prefix *huma.PathBuffer) []error {
	_, fs := b.post(0)
	return fs.under(prefix)
}

// post is the domain's post, without its instance, author and source, and what
// is wrong with it.
func (b *newPostBody) post(maxLateness time.Duration) (*moment.Post, fields) {
	var fs fields
	p := &moment.Post{
		State: moment.Scheduled,
		Card: moment.Card{
			Content: b.Content, Title: b.Title, Description: b.Description, URL: b.URL, ThumbURL: b.ThumbURL,
		},
		Visibility: b.Visibility.visibility(), MaxLateness: maxLateness,
		FirstComment: b.FirstComment, ExternalKey: b.ExternalKey, AudienceID: b.AudienceID,
	}
	if b.Draft {
		p.State = moment.Draft
	}
	switch {
	case b.InstanceID == 0 && b.WcID == "":
		fs.add("instance_id", "is required, or wc_id instead")
	case b.InstanceID != 0 && b.WcID != "":
		fs.add("wc_id", "give instance_id or wc_id, not both")
	}
	fs.text("wc_id", b.WcID, false, 64)
	p.DueAt = fs.time("due_at", b.DueAt)
	if b.MaxLateness != nil {
		p.MaxLateness = fs.duration("max_lateness", *b.MaxLateness)
	}
	if b.AudienceID != 0 && b.Visibility != nil {
		fs.add("audience_id", "give visibility or audience_id, not both")
	}
	whole := *p
	if b.AudienceID != 0 {
		whole.Visibility = moment.Visibility{Mode: moment.Everyone} // checked in the place of the audience's own, and stored nowhere
	}
	fs.take(whole.Check(time.Now()))
	return p, fs
}

// editPostBody is what an edit may change. What is not given stays as it is;
// null takes a field away, where that is possible.
type editPostBody struct {
	Content      given[string]         `json:"content,omitempty"`
	Title        given[string]         `json:"title,omitempty"`
	Description  given[string]         `json:"description,omitempty"`
	URL          given[string]         `json:"url,omitempty"`
	ThumbURL     given[string]         `json:"thumb_url,omitempty"`
	Visibility   given[visibilityBody] `json:"visibility,omitempty" doc:"Replaces the whole list; the post does not follow its audience any more."`
	AudienceID   given[int64]          `json:"audience_id,omitempty" doc:"Copies the visibility of this audience; null = it follows none any more."`
	DueAt        given[string]         `json:"due_at,omitempty" format:"date-time" doc:"RFC 3339 with offset."`
	MaxLateness  given[string]         `json:"max_lateness,omitempty" doc:"null = as in the settings." example:"30m"`
	FirstComment given[string]         `json:"first_comment,omitempty"`
	ExternalKey  given[string]         `json:"external_key,omitempty"`

	preset moment.Visibility // of AudienceID
}

// findPreset looks up the audience that the edit names.
func (b *editPostBody) findPreset(ctx context.Context, a *API) (err error) {
	if b.AudienceID.Given && b.Visibility.Given {
		return invalid("audience_id", "give visibility or audience_id, not both")
	}
	if b.AudienceID.Given && b.AudienceID.Value != 0 {
		b.preset, err = a.preset(ctx, b.AudienceID.Value)
	}
	return err
}

// apply makes the edit on p.
func (b *editPostBody) apply(p *moment.Post, maxLateness time.Duration) error {
	var fs fields
	b.Content.set(&p.Card.Content)
	b.Title.set(&p.Card.Title)
	b.Description.set(&p.Card.Description)
	b.URL.set(&p.Card.URL)
	b.ThumbURL.set(&p.Card.ThumbURL)
	b.FirstComment.set(&p.FirstComment)
	b.ExternalKey.set(&p.ExternalKey)
	if b.Visibility.Given {
		p.Visibility, p.AudienceID = b.Visibility.Value.visibility(), 0
	}
	if b.AudienceID.Given {
		if p.AudienceID = b.AudienceID.Value; p.AudienceID != 0 {
			p.Visibility = b.preset
		}
	}
	if b.DueAt.Given {
		p.DueAt = fs.time("due_at", b.DueAt.Value)
	}
	if b.MaxLateness.Given {
		p.MaxLateness = maxLateness
		if !b.MaxLateness.Null {
			p.MaxLateness = fs.duration("max_lateness", b.MaxLateness.Value)
		}
	}
	return fs.err()
}

// postsBody is a batch.
type postsBody struct {
	Posts []newPostBody `json:"posts" minItems:"1" maxItems:"1000" doc:"All are stored, or none."`
}

// Resolve looks for keys that the batch itself uses twice.
func (b *postsBody) Resolve(_ huma.Context, prefix *huma.PathBuffer) []error {
	var errs []error
	first := make(map[string]int)
	for i, p := range b.Posts {
		if p.ExternalKey == "" {
			continue
		}
		if j, ok := first[p.ExternalKey]; ok {
			errs = append(errs, &huma.ErrorDetail{
				Location: fmt.Sprintf("%s.posts[%d].external_key", prefix, i), Message: fmt.Sprintf("is the same as that of posts[%d]", j)})
			continue
		}
		first[p.ExternalKey] = i
	}
	return errs
}
