package gateway

import (
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"momentcast/internal/moment"
)

// maxXML bounds what is parsed. A link card has some two thousand bytes.
const maxXML = 256 << 10

// ParseProof reads what WeChat stored of a moment. It puts up with what is
// found in real replies (stray \" and &quot; in attributes, unknown entities,
// rubbish behind the content) and returns an error, and no proof, where the
// content itself cannot be read to its end or text is over 256 KiB.
func ParseProof(text string) (moment.Proof, error) {
	if len(text) > maxXML {
		return moment.Proof{}, errors.New("moment XML: too large")
	}
	d := xml.NewDecoder(strings.NewReader(unslash(text)))
	d.Strict = false
	d.CharsetReader = func(_ string, r io.Reader) (io.Reader, error) { return r, nil } // it is UTF-8 by now

	p := proofParser{at: make([]string, 0, 8)}
	for !p.closed {
		t, err := d.Token()
		if err != nil && p.content {
			break
		}
		if err != nil {
			return moment.Proof{}, fmt.Errorf("moment XML: %w", err)
		}
		if err := p.take(t); err != nil {
			return moment.Proof{}, err
		}
	}
	return p.proof(), nil
}

// proofParser gathers the texts at the places that matter.
type proofParser struct {
	at      []string // names of the open elements, outermost first
	texts   [places]strings.Builder
	media   int  // pictures begun
	content bool // ContentObject was closed: all that matters has been seen
	closed  bool // so was the root
}

type place int

const (
	nowhere place = iota
	atText
	atPrivate
	atCreateTime
	atStyle
	atTitle
	atDescription
	atURL
	atMediaURL
	atThumb
	places
)

const mediaPath = "ContentObject/mediaList/media"

var placeOf = map[string]place{
	"contentDesc":                         atText,
	"private":                             atPrivate,
	"createTime":                          atCreateTime,
	"ContentObject/contentStyle":          atStyle,
	"ContentObject/title":                 atTitle,
	"ContentObject/description":           atDescription,
	"ContentObject/contentUrl":            atURL,
	"ContentObject/mediaList/media/url":   atMediaURL,
	"ContentObject/mediaList/media/thumb": atThumb,
}

// maxDepth is beyond the deepest place that matters; what is nested deeper is
// not from WeChat.
const maxDepth = 64

func (p *proofParser) take(t xml.Token) error {
	switch t := t.(type) {
	case xml.StartElement:
		if len(p.at) == 0 && t.Name.Local != "TimelineObject" {
			return errors.New("moment XML: is not a TimelineObject")
		}
		if len(p.at) == maxDepth {
			return errors.New("moment XML: nested too deeply")
		}
		p.at = append(p.at, t.Name.Local)
		if p.path() == mediaPath {
			p.media++
		}
	case xml.EndElement:
		p.leave()
	case xml.CharData:
		if len(p.at) < 2 {
			return nil
		}
		k := placeOf[p.path()]
		if k != nowhere && (k < atMediaURL || p.media == 1) { // the first picture is the thumbnail
			p.texts[k].Write(t)
		}
	}
	return nil
}

// path names the innermost open element, from below the root.
func (p *proofParser) path() string { return strings.Join(p.at[1:], "/") }

func (p *proofParser) leave() {
	if len(p.at) == 0 {
		return
	}
	if len(p.at) == 2 && p.at[1] == "ContentObject" {
		p.content = true
	}
	p.at = p.at[:len(p.at)-1]
	p.closed = len(p.at) == 0
}

func (p *proofParser) proof() moment.Proof {
	text := func(k place) string { return clean(p.texts[k].String()) }
	word := func(k place) string { return strings.TrimSpace(text(k)) }
	out := moment.Proof{
		Content:     text(atText),
		Title:       text(atTitle),
		Description: text(atDescription),
		URL:         word(atURL),
		ThumbURL:    word(atThumb),
		Private:     word(atPrivate) == "1",
		CreatedAt:   readTime(flex(word(atCreateTime))),
	}
	if out.ThumbURL == "" {
		out.ThumbURL = word(atMediaURL)
	}
	out.Style, _ = strconv.Atoi(word(atStyle))
	return out
}

const cdataOpen, cdataClose = "<![CDATA[", "]]>"

// unslash takes the backslashes before quotes out of tags, where an escape was
// undone once too few. Within CDATA they are text and stay.
func unslash(s string) string {
	if !strings.Contains(s, `\"`) && !strings.Contains(s, `\'`) {
		return s
	}
	quotes := strings.NewReplacer(`\"`, `"`, `\'`, `'`)
	var b strings.Builder
	b.Grow(len(s))
	for s != "" {
		markup, rest, found := strings.Cut(s, cdataOpen)
		b.WriteString(quotes.Replace(markup))
		if !found {
			break
		}
		b.WriteString(cdataOpen)
		text, tail, closed := strings.Cut(rest, cdataClose)
		b.WriteString(text)
		if closed {
			b.WriteString(cdataClose)
		}
		s = tail
	}
	return b.String()
}
