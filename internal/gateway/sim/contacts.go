package sim

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Contacts are computed from their number, not stored: an account may have
// thousands and the simulator many accounts.

const (
	maxContactIDs   = 20
	contactInterval = 300 * time.Millisecond
)

// contactPrefix begins the wxids of an account's friends; five digits follow.
func contactPrefix(wcID string) string { return "wxid_" + digest("friend", wcID)[:9] }

func (a *account) contactID(i int) string {
	return fmt.Sprintf("%s%05d", contactPrefix(a.wcID), i)
}

func (s *Sim) getContactLabelList(c *call) (any, error) {
	acc, err := s.byWIDOnly(c)
	if err != nil {
		return nil, err
	}
	type label struct {
		LabelName string `json:"labelName"`
		LabelID   int    `json:"labelId"`
	}
	acc.mu.Lock()
	defer acc.mu.Unlock()
	list := []label{}
	for i, name := range acc.labels {
		list = append(list, label{name, i + 1})
	}
	return list, nil
}

func (s *Sim) initAddressList(c *call) (any, error) {
	acc, err := s.byWIDOnly(c)
	if err != nil {
		return nil, err
	}
	acc.mu.Lock()
	defer acc.mu.Unlock()
	acc.addressReady = true
	return nil, nil
}

// getAddressList refuses before initAddressList. The real gateway's answer is
// not documented; an empty list would be taken for an account without friends.
func (s *Sim) getAddressList(c *call) (any, error) {
	acc, err := s.byWIDOnly(c)
	if err != nil {
		return nil, err
	}
	acc.mu.Lock()
	defer acc.mu.Unlock()
	if !acc.addressReady {
		return nil, refusal("请先初始化通讯录")
	}
	reply := struct {
		Friends   []string `json:"friends"`
		Chatrooms []string `json:"chatrooms"`
		Ghs       []string `json:"ghs"`
		Others    []string `json:"others"`
	}{[]string{}, []string{"21" + digits(acc.wcID) + "@chatroom"}, []string{"gh_" + digest("gh", acc.wcID)[:12]}, []string{"filehelper", "weixin"}}
	for i := range acc.contacts {
		reply.Friends = append(reply.Friends, acc.contactID(i))
	}
	return reply, nil
}

func digits(seed string) string {
	n, _ := strconv.ParseUint(digest("room", seed)[:8], 16, 64) // 8 hex digits always parse
	return fmt.Sprintf("%010d", n)
}

func (s *Sim) byWIDOnly(c *call) (*account, error) {
	var req struct {
		WID string `json:"wId"`
	}
	return s.viewer(c, &req, &req.WID)
}

type contact struct {
	UserName  string `json:"userName"`
	NickName  string `json:"nickName"`
	Remark    string `json:"remark"`
	AliasName string `json:"aliasName"`
	SmallHead string `json:"smallHead"`
	LabelList string `json:"labelList"`
}

func (s *Sim) getContact(c *call) (any, error) {
	var req struct {
		WID  string `json:"wId"`
		WcID string `json:"wcId"`
	}
	acc, err := s.viewer(c, &req, &req.WID)
	if err != nil {
		return nil, err
	}
	if req.WcID == "" {
		return nil, missing("wcId")
	}
	ids := strings.Split(req.WcID, ",")
	if len(ids) > maxContactIDs {
		return nil, refusal("单次最多查询20个好友")
	}
	acc.mu.Lock()
	defer acc.mu.Unlock()
	if c.at.Sub(acc.lastContact) < contactInterval {
		s.tally.manners("get_contact_too_fast")
	}
	acc.lastContact = c.at
	list := []contact{}
	for _, id := range ids {
		if i, ok := acc.contactIndex(id); ok {
			list = append(list, acc.contact(i))
		}
	}
	return list, nil
}

func (a *account) contactIndex(id string) (int, bool) {
	rest, ok := strings.CutPrefix(id, contactPrefix(a.wcID))
	i, err := strconv.Atoi(rest)
	return i, ok && err == nil && i >= 0 && i < a.contacts && a.contactID(i) == id
}

func (a *account) contact(i int) contact {
	const family = "赵钱孙李周吴郑王冯陈褚卫蒋沈韩杨朱秦尤许何吕施张孔曹严华金魏陶姜"
	given := []string{"伟", "芳", "娜", "敏", "静", "丽", "强", "磊", "军", "洋", "雨桐", "思远", "佳怡", "浩然", "梓萱", "俊杰", "欣妍"}
	names := []rune(family)
	c := contact{
		UserName: a.contactID(i),
		NickName: string(names[(i*7)%len(names)]) + given[(i*5+i/len(given))%len(given)],
	}
	if i%3 == 0 {
		c.Remark = c.NickName + "（老客户）"
	}
	if i%2 == 0 {
		c.AliasName = fmt.Sprintf("wx%06d", i*37+1024)
	}
	var labels []string
	if n := len(a.labels); n > 0 {
		if l := i % (n + 1); l > 0 {
			labels = append(labels, strconv.Itoa(l))
		}
		if l := i%5 + 1; l <= n && l != i%(n+1) {
			labels = append(labels, strconv.Itoa(l))
		}
	}
	c.LabelList = strings.Join(labels, ",")
	return c
}
