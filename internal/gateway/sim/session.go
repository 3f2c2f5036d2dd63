package sim

import (
	"time"
)

// memberLogin gives out the token.
func (s *Sim) memberLogin(c *call) (any, error) {
	var req struct {
		Account  string `json:"account"`
		Password string `json:"password"`
	}
	if err := c.decode(&req); err != nil {
		return nil, err
	}
	if req.Account != s.cfg.Account || req.Password != s.cfg.Password {
		return nil, refusal("账号或密码错误")
	}
	return struct {
		CallbackURL   *string `json:"callbackUrl"`
		Status        int     `json:"status"`
		Authorization string  `json:"Authorization"`
	}{s.hooks.target(), 0, s.token}, nil
}

// memberLogout takes every instance off line, as documented. No sane client
// calls it, so it counts as bad manners.
func (s *Sim) memberLogout(*call) (any, error) {
	s.tally.manners("member_logout")
	for _, acc := range s.accounts() {
		s.SetOffline(acc.wcID, true)
	}
	return nil, nil
}

// queryLoginWx lists who is online.
func (s *Sim) queryLoginWx(*call) (any, error) {
	type login struct {
		WcID string `json:"wcId"`
		WID  string `json:"wId"`
	}
	list := []login{}
	for _, acc := range s.accounts() {
		acc.mu.Lock()
		if !acc.offline {
			list = append(list, login{acc.wcID, acc.wID})
		}
		acc.mu.Unlock()
	}
	return list, nil
}

// isOnline answers false, with code 1000, for a session that is over.
func (s *Sim) isOnline(c *call) (any, error) {
	var req struct {
		WID string `json:"wId"`
	}
	if err := c.decode(&req); err != nil {
		return nil, err
	}
	if req.WID == "" {
		return nil, missing("wId")
	}
	var reply struct {
		IsOnline bool `json:"isOnline"`
	}
	if acc := s.session(req.WID); acc != nil {
		acc.mu.Lock()
		reply.IsOnline = !acc.offline
		acc.mu.Unlock()
	}
	return reply, nil
}

// reasonEvery is how often the gateway wants to be asked for a reason.
const reasonEvery = 12 * time.Hour

func (s *Sim) offlineReason(c *call) (any, error) {
	var req struct {
		WcID string `json:"wcId"`
	}
	if err := c.decode(&req); err != nil {
		return nil, err
	}
	if req.WcID == "" {
		return nil, missing("wcId")
	}
	acc := s.account(req.WcID)
	if acc == nil {
		return nil, refusal("wcId不存在")
	}
	type reason struct {
		WcID   string  `json:"wcId"`
		Reason *string `json:"reason"`
	}
	acc.mu.Lock()
	defer acc.mu.Unlock()
	if !acc.lastReason.IsZero() && c.at.Sub(acc.lastReason) < reasonEvery {
		s.tally.manners("offline_reason_too_often")
	}
	acc.lastReason = c.at
	r := reason{WcID: acc.wcID}
	if acc.offline {
		r.Reason = new(acc.reason)
	}
	return []reason{r}, nil
}

func (s *Sim) setCallbackURL(c *call) (any, error) {
	var req struct {
		HTTPURL string `json:"httpUrl"`
		Type    int    `json:"type"`
	}
	if err := c.decode(&req); err != nil {
		return nil, err
	}
	switch {
	case req.HTTPURL == "":
		return nil, missing("httpUrl")
	case req.Type != 2:
		return nil, refusal("type只能为2")
	case !webURL(req.HTTPURL):
		return nil, refusal("httpUrl格式错误")
	}
	s.hooks.register(req.HTTPURL)
	return nil, nil
}
