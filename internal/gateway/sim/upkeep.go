package sim

import "time"

// upkeepRequest is what the calls about one moment send.
type upkeepRequest struct {
	WID            string  `json:"wId"`
	ID             bigUint `json:"id"`
	Content        string  `json:"content"`
	ReplyCommentID int     `json:"replyCommentId"`
	CommentID      int     `json:"commentId"`
}

func (s *Sim) deleteSns(c *call) (any, error)       { return s.upkeep(c, "deleteSns") }
func (s *Sim) snsSetAsPrivacy(c *call) (any, error) { return s.upkeep(c, "snsSetAsPrivacy") }
func (s *Sim) snsSetPublic(c *call) (any, error)    { return s.upkeep(c, "snsSetPublic") }
func (s *Sim) snsComment(c *call) (any, error)      { return s.upkeep(c, callComment) }
func (s *Sim) snsCommentDel(c *call) (any, error)   { return s.upkeep(c, "snsCommentDel") }

// upkeep checks the request, writes the change down and applies it. All of
// these calls answer without data.
func (s *Sim) upkeep(c *call, name string) (any, error) {
	var req upkeepRequest
	if _, err := s.viewer(c, &req, &req.WID); err != nil {
		return nil, err
	}
	if req.ID == 0 {
		return nil, missing("id")
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	acc := s.byWID[req.WID]
	if acc == nil {
		return nil, refusal(msgNoSession)
	}
	acc.mu.Lock()
	defer acc.mu.Unlock()
	m := acc.find(uint64(req.ID))
	if m == nil {
		return nil, refusal(msgNoMoment)
	}
	a := Accepted{
		Seq: s.seq.Add(1), At: c.at, Call: name, WcID: acc.wcID, WID: acc.wID, MomentID: m.idString(),
		Comment: req.Content, CommentID: req.CommentID, ReplyTo: req.ReplyCommentID,
	}
	return nil, s.change(acc, m, &a)
}

// change journals and applies one change to a moment of acc. acc.mu is held.
func (s *Sim) change(acc *account, m *moment, a *Accepted) error {
	switch {
	case a.Call == callComment && a.Comment == "":
		return missing("content")
	case a.Call == callComment && a.ReplyTo != 0 && !m.hasComment(a.ReplyTo):
		return refusal("回复的评论不存在")
	case a.Call == "snsCommentDel" && !m.hasComment(a.CommentID):
		return refusal("评论不存在")
	case a.Call == callComment:
		a.CommentID = m.reactions().lastID + 1
	}
	if err := s.journal.append(*a); err != nil {
		return err
	}
	s.apply(acc, m, *a)
	return nil
}

// apply is change without its checks, also used when the journal is read
// back. acc.mu is held.
func (s *Sim) apply(acc *account, m *moment, a Accepted) {
	switch a.Call {
	case "deleteSns":
		m.flags |= flagDeleted
	case "snsSetAsPrivacy":
		m.flags |= flagPrivate
	case "snsSetPublic":
		m.flags &^= flagPrivate
	case "snsCommentDel":
		m.dropComment(a.CommentID)
	case callComment:
		m.addComment(comment{a.CommentID, a.ReplyTo, acc.wcID, acc.name, a.Comment, a.At.Unix()})
		s.comments.add(a)
	}
}

func (m *moment) hasComment(id int) bool {
	if m.extra == nil {
		return false
	}
	for _, c := range m.extra.comments {
		if c.id == id {
			return true
		}
	}
	return false
}

func (m *moment) addComment(c comment) {
	x := m.reactions()
	x.lastID = max(x.lastID, c.id)
	x.comments = append(x.comments, c)
}

func (m *moment) dropComment(id int) {
	if m.extra == nil {
		return
	}
	for i, c := range m.extra.comments {
		if c.id == id {
			m.extra.comments = append(m.extra.comments[:i:i], m.extra.comments[i+1:]...)
			return
		}
	}
}

// React lets somebody like a moment or, with a text, comment on it, as
// friends do. It reports whether there is such a moment. Reactions are no
// calls of the client, so neither truth nor journal has them.
func (s *Sim) React(wcID string, momentID uint64, by, nick, text string) bool {
	acc := s.account(wcID)
	if acc == nil {
		return false
	}
	acc.mu.Lock()
	defer acc.mu.Unlock()
	m := acc.find(momentID)
	if m == nil {
		return false
	}
	now := time.Now().Unix()
	if text == "" {
		x := m.reactions()
		x.likes = append(x.likes, like{by, nick, now})
		return true
	}
	m.addComment(comment{m.reactions().lastID + 1, 0, by, nick, text, now})
	return true
}
