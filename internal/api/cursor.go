package api

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"strconv"
	"strings"
	"time"

	"momentcast/internal/moment"
)

// pageBody is a page of a list.
type pageBody[T any] struct {
	Items      []T     `json:"items"`
	NextCursor *string `json:"next_cursor" doc:"Pass it as cursor for the next page; null on the last one."`
}

// PageInput is what every list takes.
type PageInput struct {
	Limit  int    `query:"limit" minimum:"1" maximum:"200" default:"50" doc:"How many items a page has at most."`
	Cursor string `query:"cursor" doc:"next_cursor of the page before, with the same filters."`
}

// place is where a page ended. A cursor carries it together with a checksum
// over it and the list it belongs to: one that was altered, or taken to another
// list, is refused instead of silently showing something else.
type place struct {
	At *time.Time `json:"t,omitempty"`
	ID int64      `json:"i"`
}

const sumLen = 9

func sum(payload, list string) string {
	h := sha256.Sum256([]byte(payload + "\n" + list))
	return string(h[:sumLen])
}

// cursor writes the place in the list that is named so.
func (p place) cursor(list string) *string {
	b, err := json.Marshal(p)
	if err != nil {
		return nil // a year beyond 9999; no list holds one
	}
	s := base64.RawURLEncoding.EncodeToString([]byte(sum(string(b), list) + string(b)))
	return &s
}

// place reads a cursor; nil for the first page.
func (in PageInput) place(list string) (*place, error) {
	if in.Cursor == "" {
		return nil, nil
	}
	b, err := base64.RawURLEncoding.Strict().DecodeString(in.Cursor)
	if err == nil && len(b) > sumLen && string(b[:sumLen]) == sum(string(b[sumLen:]), list) {
		var p place
		if err := json.Unmarshal(b[sumLen:], &p); err == nil {
			return &p, nil
		}
	}
	return nil, invalid("query.cursor", "is not a cursor of this list; begin again without one")
}

// Versions as ETags.

func etag(version int64) string { return `"` + strconv.FormatInt(version, 10) + `"` }

// version reads an If-Match header: 0 where any version will do.
func version(ifMatch string) (int64, error) {
	ifMatch = strings.TrimSpace(ifMatch)
	if ifMatch == "" || ifMatch == "*" {
		return 0, nil
	}
	inner, ok := strings.CutPrefix(ifMatch, `"`)
	inner, ok2 := strings.CutSuffix(inner, `"`)
	n, err := strconv.ParseInt(inner, 10, 64)
	if !ok || !ok2 || err != nil || n < 1 {
		return 0, invalid("header.If-Match", `must be an ETag as it was answered, such as "3"`)
	}
	return n, nil
}

// needVersion is version where the header is required.
func needVersion(ifMatch string) (int64, error) {
	if strings.TrimSpace(ifMatch) == "" {
		return 0, newProblem(428, "precondition_required",
			"Say with If-Match which version you change: the ETag that you read, or * for whatever it is.")
	}
	return version(ifMatch)
}

// queryOf turns a place into the domain's.
func (p *place) post() *moment.PostCursor {
	if p == nil {
		return nil
	}
	c := &moment.PostCursor{ID: p.ID}
	if p.At != nil {
		c.DueAt = *p.At
	}
	return c
}
