package linkcheck

import (
	"bytes"
	"strings"

	"golang.org/x/net/html"
)

// tags are the parts of a page that describe it, as they stand there.
type tags struct {
	title string            // the first <title> that is not a drawing's
	base  string            // <base href>
	icon  string            // <link rel="image_src">
	meta  map[string]string // by lower-case property, name or itemprop; the first of each
}

// describing are the names that are kept; a page may have thousands of others.
var describing = map[string]bool{
	"og:title": true, "twitter:title": true, "name": true,
	"og:description": true, "twitter:description": true, "description": true,
	"og:image:secure_url": true, "og:image": true, "og:image:url": true, "twitter:image": true, "twitter:image:src": true, "image": true,
}

// images returns the candidates for the page's picture, best first.
func (t tags) images() []string {
	var found []string
	for _, name := range []string{"og:image:secure_url", "og:image", "og:image:url", "twitter:image", "twitter:image:src", "image"} {
		if ref := t.meta[name]; ref != "" {
			found = append(found, ref)
		}
	}
	if t.icon != "" {
		found = append(found, t.icon)
	}
	return found
}

// scan reads a page token by token: in time and memory in proportion to its
// length, whatever is in it. Broken markup costs at most the tag it stands in.
// The tags are looked for to the end, since pages without a proper head exist,
// but a later one never replaces an earlier.
func scan(page []byte) tags {
	t := tags{meta: map[string]string{}}
	z := html.NewTokenizer(bytes.NewReader(page))
	drawings := 0 // <svg> has titles of its own
	for {
		switch z.Next() {
		case html.ErrorToken:
			return t
		case html.StartTagToken, html.SelfClosingTagToken:
			name, _ := z.TagName()
			switch string(name) {
			case "svg":
				drawings++
			case "title":
				if drawings == 0 && t.title == "" && z.Next() == html.TextToken {
					t.title = string(z.Text())
				}
			case "base", "link", "meta":
				t.add(string(name), attributes(z))
			}
		case html.EndTagToken:
			if name, _ := z.TagName(); string(name) == "svg" {
				drawings = max(0, drawings-1)
			}
		}
	}
}

// attributes returns those that matter here. Of two with one name the first
// counts, as in browsers.
func attributes(z *html.Tokenizer) map[string]string {
	found := map[string]string{}
	for more := true; more; {
		var k, v []byte
		k, v, more = z.TagAttr()
		switch name := string(k); name {
		case "property", "name", "itemprop", "content", "href", "rel":
			if _, ok := found[name]; !ok {
				found[name] = string(v)
			}
		}
	}
	return found
}

func (t *tags) add(tag string, a map[string]string) {
	switch tag {
	case "base":
		if t.base == "" {
			t.base = a["href"]
		}
	case "link":
		if t.icon == "" && strings.EqualFold(strings.TrimSpace(a["rel"]), "image_src") {
			t.icon = a["href"]
		}
	case "meta":
		content := strings.TrimSpace(a["content"])
		for _, by := range []string{"property", "name", "itemprop"} {
			key := strings.ToLower(strings.TrimSpace(a[by]))
			if content != "" && describing[key] && t.meta[key] == "" {
				t.meta[key] = content
			}
		}
	}
}
