package gateway

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"

	"momentcast/internal/moment"
)

// Page is where a page of a timeline begins. The zero value is the first page,
// and as a next page says that there is none.
type Page struct {
	FirstPageMD5 string
	MaxID        string // last id seen; decimal
}

// before is MaxID as the wire wants it: an unsigned 64-bit number, 0 on the
// first page.
func (p Page) before() (uint64, error) {
	if p.MaxID == "" {
		return 0, nil
	}
	n, err := strconv.ParseUint(p.MaxID, 10, 64)
	if err != nil {
		return 0, &moment.Error{Kind: moment.Invalid, Message: "A page of a timeline begins at a moment id.", Err: err}
	}
	return n, nil
}

// Timeline returns a page of wcID's own timeline, newest first, and the next
// page, from /getFriendCircle. The pages end with an empty one, or with one
// that leads no further back. The error is Invalid for a page that never was,
// else Unavailable, Refused or Unauthenticated; a page that cannot be read is
// an error, because it would pass for proof that a moment is not there.
func (c *Client) Timeline(ctx context.Context, wID, wcID string, p Page) ([]moment.StoredMoment, Page, error) {
	before, err := p.before()
	if err != nil {
		return nil, Page{}, err
	}
	body := struct {
		WID          string `json:"wId"`
		WcID         string `json:"wcId"`
		FirstPageMD5 string `json:"firstPageMd5"`
		MaxID        uint64 `json:"maxId"`
	}{wID, wcID, p.FirstPageMD5, before}
	var data struct {
		Sns json.RawMessage `json:"sns"`
		MD5 flex            `json:"firstPageMd5"`
	}
	q := call{path: "/getFriendCircle", wID: wID, body: body, readOnly: true}
	if err := c.ofInstance(ctx, q, &data); err != nil {
		return nil, Page{}, err
	}
	var items []storedItem
	switch {
	case data.Sns == nil && before == 0: // not even an empty list
		return nil, Page{}, unreadable(errors.New("no sns in the data"))
	case data.Sns == nil:
		return nil, Page{}, nil
	}
	if err := json.Unmarshal(data.Sns, &items); err != nil {
		return nil, Page{}, unreadable(err)
	}
	next := Page{FirstPageMD5: p.FirstPageMD5}
	if data.MD5 != "" {
		next.FirstPageMD5 = string(data.MD5)
	}
	out, last, err := stored(items, before)
	if err != nil {
		return nil, Page{}, unreadable(err)
	}
	if last == 0 {
		return out, Page{}, nil
	}
	next.MaxID = strconv.FormatUint(last, 10)
	return out, next, nil
}

func unreadable(err error) error {
	return &moment.Error{Kind: moment.Unavailable, Message: sentence("bad_data"), Err: fmt.Errorf("timeline: %w", err)}
}

// stored converts a page and returns its lowest id below before, 0 if it has
// none: then asking on would only turn in a circle. What the page before ended
// with is left out where the gateway repeats it.
func stored(items []storedItem, before uint64) (out []moment.StoredMoment, last uint64, err error) {
	for i := range items {
		m, ok := items[i].moment()
		if !ok {
			return nil, 0, fmt.Errorf("item %d has no id", i)
		}
		n, err := strconv.ParseUint(m.ID, 10, 64)
		if err != nil {
			return nil, 0, fmt.Errorf("item %d: %w", i, err)
		}
		if n == before {
			continue
		}
		out = append(out, m)
		if (before == 0 || n < before) && (last == 0 || n < last) {
			last = n
		}
	}
	return out, last, nil
}

// Moment returns one moment in full, from /getSnsObject. The error is Invalid
// for an id that is none, NotFound if the gateway has no such moment, else
// Unavailable, Refused or Unauthenticated.
func (c *Client) Moment(ctx context.Context, wID, wcID, id string) (moment.StoredMoment, error) {
	if !validID(id) {
		return moment.StoredMoment{}, errNotAnID
	}
	body := struct {
		WID  string `json:"wId"`
		WcID string `json:"wcId"`
		ID   string `json:"id"`
	}{wID, wcID, id}
	var item storedItem
	q := call{path: "/getSnsObject", wID: wID, body: body, readOnly: true}
	if err := c.ofInstance(ctx, q, &item); err != nil {
		return moment.StoredMoment{}, err
	}
	m, ok := item.moment()
	if !ok || m.ID != id {
		return moment.StoredMoment{}, moment.Errorf(moment.NotFound, "The gateway has no such moment.")
	}
	return m, nil
}

var errNotAnID = moment.Errorf(moment.Invalid, "A moment id consists of digits.")

// storedItem is one moment as /getFriendCircle and /getSnsObject return it.
type storedItem struct {
	ID         flex            `json:"id"`
	UserName   flex            `json:"userName"`
	CreateTime flex            `json:"createTime"`
	ObjectDesc any             `json:"objectDesc"`
	Likes      json.RawMessage `json:"snsLikes"`
	Comments   json.RawMessage `json:"snsComments"`
}

// moment converts the item; false if it has no id. What surrounds the moment
// never spoils it: an objectDesc or likes that cannot be read are left out.
func (s *storedItem) moment() (moment.StoredMoment, bool) {
	id, ok := readID(s.ID)
	if !ok {
		return moment.StoredMoment{}, false
	}
	m := moment.StoredMoment{
		ID:        id,
		WcID:      s.UserName.text(),
		CreatedAt: readTime(s.CreateTime),
		Likes:     readLikes(s.Likes),
		Comments:  readComments(s.Comments),
	}
	if m.CreatedAt.IsZero() {
		m.CreatedAt = createdAt(id, "")
	}
	m.XML, _, _ = decodeDesc(s.ObjectDesc)
	return m, true
}

func readLikes(data json.RawMessage) []moment.Like {
	var items []struct {
		UserName   flex `json:"userName"`
		NickName   flex `json:"nickName"`
		CreateTime flex `json:"createTime"`
	}
	_ = json.Unmarshal(data, &items)
	var out []moment.Like
	for _, i := range items {
		out = append(out, moment.Like{WcID: i.UserName.text(), Nickname: i.NickName.text(), At: readTime(i.CreateTime)})
	}
	return out
}

func readComments(data json.RawMessage) []moment.Comment {
	var items []struct {
		UserName   flex `json:"userName"`
		NickName   flex `json:"nickName"`
		ID         flex `json:"commentId"`
		ReplyTo    flex `json:"replyCommentId"`
		Content    flex `json:"content"`
		CreateTime flex `json:"createTime"`
	}
	_ = json.Unmarshal(data, &items)
	var out []moment.Comment
	for _, i := range items {
		c := moment.Comment{
			ID:       i.ID.text(),
			ReplyTo:  i.ReplyTo.text(),
			WcID:     i.UserName.text(),
			Nickname: i.NickName.text(),
			Content:  i.Content.text(),
			At:       readTime(i.CreateTime),
		}
		if c.ReplyTo == "0" {
			c.ReplyTo = "" // 0 = a comment on the moment itself
		}
		out = append(out, c)
	}
	return out
}
