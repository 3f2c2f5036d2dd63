package linkcheck

import (
	"context"
	"net/url"

	"momentcast/internal/moment"
)

// PageInfo is what a page says of itself. The texts are somebody else's: clean
// and bounded, but to be shown as text and never as markup.
type PageInfo struct {
	URL       string // the last that answered, after redirects; "" = none did
	Status    int    // of the last answer; 0 = there was none
	Redirects int

	Title       string // at most moment.MaxTitle characters on one line; "" = it has none
	Description string // at most moment.MaxDescription characters on one line
	Image       string // absolute, http or https; not looked at, and nobody promises that it is a picture
}

// Page fetches the page at url and reads its title, description and picture:
// from Open Graph, else from the tags for Twitter, else from the page's own. An
// error is a moment.Error whose ReasonOf says why; beside it PageInfo holds what
// is known until then.
func (c *Checker) Page(ctx context.Context, url string) (PageInfo, error) {
	a, err := c.fetch(ctx, url, wantPage)
	info := PageInfo{Status: a.status, Redirects: a.redirects}
	if a.url != nil {
		info.URL = a.url.String()
	}
	if err != nil {
		return info, err
	}
	c.describe(&info, a)
	return info, nil
}

func (c *Checker) describe(info *PageInfo, a answer) {
	tags := scan(decode(a.body, a.contentType))
	info.Title = firstText(moment.MaxTitle, tags.meta["og:title"], tags.meta["twitter:title"], tags.title, tags.meta["name"])
	info.Description = firstText(moment.MaxDescription, tags.meta["og:description"], tags.meta["twitter:description"], tags.meta["description"])
	base := a.url
	if b, err := c.resolve(a.url, tags.base); err == nil && tags.base != "" {
		base = b
	}
	for _, ref := range tags.images() {
		if u, err := c.resolve(base, ref); err == nil {
			info.Image = u.String()
			return
		}
	}
}

// resolve makes a reference found in a page absolute. What it names is judged
// like an address that a person typed, so that it can be offered to be fetched.
func (c *Checker) resolve(base *url.URL, ref string) (*url.URL, error) {
	u, err := url.Parse(oneLine(ref, moment.MaxURL))
	if err != nil {
		return nil, err
	}
	return c.judge(base.ResolveReference(u))
}

func firstText(limit int, texts ...string) string {
	for _, t := range texts {
		if t = oneLine(t, limit); t != "" {
			return t
		}
	}
	return ""
}
