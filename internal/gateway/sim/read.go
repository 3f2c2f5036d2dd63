package sim

import (
	"slices"
	"strings"
)

// pageSize is what WeChat gives per page of a timeline.
const pageSize = 10

// snsItem is one moment as the reading calls return it. createTime is a
// number here and a string in some replies of the real gateway.
type snsItem struct {
	ID           string       `json:"id"`
	UserName     string       `json:"userName"`
	NickName     string       `json:"nickName"`
	CreateTime   int64        `json:"createTime"`
	ObjectDesc   *objectDesc  `json:"objectDesc,omitempty"`
	LikeCount    int          `json:"likeCount"`
	SnsLikes     []snsLike    `json:"snsLikes"`
	CommentCount int          `json:"commentCount"`
	SnsComments  []snsComment `json:"snsComments"`
}

type objectDesc struct {
	XML string `json:"xml"`
	Len int    `json:"len"`
}

type snsLike struct {
	UserName   string `json:"userName"`
	NickName   string `json:"nickName"`
	CreateTime int64  `json:"createTime"`
}

type snsComment struct {
	UserName       string `json:"userName"`
	NickName       string `json:"nickName"`
	CommentID      int    `json:"commentId"`
	ReplyCommentID int    `json:"replyCommentId"`
	Content        string `json:"content"`
	CreateTime     int64  `json:"createTime"`
}

// item describes m for a reader. The owner's mu is held.
func (a *account) item(m *moment, withDesc bool) snsItem {
	it := snsItem{
		ID: m.idString(), UserName: a.wcID, NickName: a.name, CreateTime: m.created().Unix(),
		SnsLikes: []snsLike{}, SnsComments: []snsComment{},
	}
	if withDesc {
		xml := appendXML(nil, m, a.wcID, m.is(flagPrivate))
		it.ObjectDesc = &objectDesc{string(xml), len(xml)}
	}
	if m.extra != nil {
		for _, l := range m.extra.likes {
			it.SnsLikes = append(it.SnsLikes, snsLike{l.by, l.nick, l.at})
		}
		for _, c := range m.extra.comments {
			it.SnsComments = append(it.SnsComments, snsComment{c.by, c.nick, c.id, c.replyTo, c.content, c.at})
		}
	}
	it.LikeCount, it.CommentCount = len(it.SnsLikes), len(it.SnsComments)
	return it
}

// visible reports whether viewer may see m of a. Labels are not resolved: no
// account is a contact of another here, so an allow list of labels hides.
func (a *account) visible(m *moment, viewer string) bool {
	switch {
	case m.is(flagDeleted):
		return false
	case viewer == a.wcID:
		return true
	case m.is(flagPrivate) || listed(m.req.BlackList, viewer):
		return false
	}
	return m.req.GroupUser+m.req.GroupUserLabelIDs == "" || listed(m.req.GroupUser, viewer)
}

func listed(joined, id string) bool {
	return joined != "" && slices.Contains(strings.Split(joined, ","), id)
}

type circleRequest struct {
	WID          string  `json:"wId"`
	WcID         string  `json:"wcId"`
	FirstPageMD5 string  `json:"firstPageMd5"`
	MaxID        bigUint `json:"maxId"`
}

// getFriendCircle reads one account's timeline.
func (s *Sim) getFriendCircle(c *call) (any, error) {
	var req circleRequest
	viewer, err := s.viewer(c, &req, &req.WID)
	if err != nil {
		return nil, err
	}
	if req.WcID == "" {
		return nil, missing("wcId")
	}
	owner := s.account(req.WcID)
	if owner == nil {
		return nil, refusal("wcId不存在")
	}
	return circlePage(s.read([]*account{owner}, viewer, req.MaxID), req.MaxID == 0), nil
}

// getCircle reads what viewer sees of everybody: here all accounts are
// friends.
func (s *Sim) getCircle(c *call) (any, error) {
	var req circleRequest
	viewer, err := s.viewer(c, &req, &req.WID)
	if err != nil {
		return nil, err
	}
	return circlePage(s.read(s.accounts(), viewer, req.MaxID), req.MaxID == 0), nil
}

// viewer decodes a request and finds the online account that makes it.
func (s *Sim) viewer(c *call, req any, wID *string) (*account, error) {
	if err := c.decode(req); err != nil {
		return nil, err
	}
	if *wID == "" {
		return nil, missing("wId")
	}
	acc := s.session(*wID)
	if acc == nil {
		return nil, refusal(msgNoSession)
	}
	acc.mu.Lock()
	defer acc.mu.Unlock()
	if acc.offline {
		return nil, refusal(msgOffline)
	}
	return acc, nil
}

type found struct {
	id   uint64
	item snsItem
}

// read returns one page over the timelines of owners, newest first. The XML
// is made only for what ends up on the page of each owner.
func (s *Sim) read(owners []*account, viewer *account, maxID bigUint) []snsItem {
	var all []found
	for _, a := range owners {
		a.mu.Lock()
		for _, m := range a.page(uint64(maxID), pageSize, func(m *moment) bool { return a.visible(m, viewer.wcID) }) {
			all = append(all, found{m.id, a.item(m, !s.cfg.BareLists)})
		}
		a.mu.Unlock()
	}
	slices.SortFunc(all, func(x, y found) int {
		if x.id > y.id {
			return -1
		}
		return 1
	})
	items := []snsItem{}
	for _, f := range all[:min(len(all), pageSize)] {
		items = append(items, f.item)
	}
	return items
}

// circlePage wraps items. Only the first page has an md5, which is opaque to
// clients; the later ones have null, so that a client must keep the last one.
func circlePage(items []snsItem, first bool) any {
	page := struct {
		Sns          []snsItem `json:"sns"`
		FirstPageMD5 *string   `json:"firstPageMd5"`
	}{Sns: items}
	if first {
		ids := []any{"first page"}
		for _, it := range items {
			ids = append(ids, it.ID)
		}
		page.FirstPageMD5 = new(digest(ids...)[:16])
	}
	return page
}

// getSnsObject reads one moment in full.
func (s *Sim) getSnsObject(c *call) (any, error) {
	var req struct {
		WID  string  `json:"wId"`
		WcID string  `json:"wcId"`
		ID   bigUint `json:"id"`
	}
	viewer, err := s.viewer(c, &req, &req.WID)
	switch {
	case err != nil:
		return nil, err
	case req.WcID == "":
		return nil, missing("wcId")
	case req.ID == 0:
		return nil, missing("id")
	}
	owner := s.account(req.WcID)
	if owner == nil {
		return nil, refusal(msgNoMoment)
	}
	owner.mu.Lock()
	defer owner.mu.Unlock()
	m := owner.find(uint64(req.ID))
	if m == nil || !owner.visible(m, viewer.wcID) {
		return nil, refusal(msgNoMoment)
	}
	return owner.item(m, true), nil
}
