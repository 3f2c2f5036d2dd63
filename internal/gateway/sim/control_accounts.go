package sim

import (
	"bytes"
	"encoding/json"
	"net/http"
	"time"
)

// accountOrder is an Account in a control call.
type accountOrder struct {
	WcID      string   `json:"wc_id"`
	Name      string   `json:"name"`
	OnlineFor span     `json:"online_for"`
	Offline   bool     `json:"offline"`
	Labels    []string `json:"labels"`
	Contacts  int      `json:"contacts"`
}

// sessionReply says under which wId an account is logged in.
type sessionReply struct {
	WcID string `json:"wc_id"`
	WID  string `json:"w_id"`
}

// controlAdd takes one account or an array, and answers alike.
func (s *Sim) controlAdd(r *http.Request) (any, error) {
	var raw json.RawMessage
	if err := orderOf(r, &raw); err != nil {
		return nil, err
	}
	if len(raw) > 0 && raw[0] == '[' {
		var list []accountOrder
		if err := strict(bytes.NewReader(raw), &list); err != nil {
			return nil, err
		}
		return s.addAll(list)
	}
	var one accountOrder
	if err := strict(bytes.NewReader(raw), &one); err != nil {
		return nil, err
	}
	replies, err := s.addAll([]accountOrder{one})
	if err != nil {
		return nil, err
	}
	return replies[0], nil
}

// addAll adds all or none.
func (s *Sim) addAll(list []accountOrder) ([]sessionReply, error) {
	for _, a := range list {
		if a.WcID == "" {
			return nil, bad("wc_id is required")
		}
		if a.Contacts < 0 || a.Contacts > 99999 {
			return nil, bad("contacts must be from 0 to 99999")
		}
	}
	replies := []sessionReply{}
	for _, a := range list {
		wID := s.AddAccount(Account{a.WcID, a.Name, time.Duration(a.OnlineFor), a.Offline, a.Labels, a.Contacts})
		replies = append(replies, sessionReply{a.WcID, wID})
	}
	return replies, nil
}

func (s *Sim) controlAccount(r *http.Request) (any, error) {
	wcID := r.PathValue("wcId")
	acc := s.account(wcID)
	if acc == nil {
		return nil, badControl{http.StatusNotFound, "no account " + wcID}
	}
	var req struct {
		KeepAge bool `json:"keep_age"`
	}
	if err := orderOf(r, &req); err != nil {
		return nil, err
	}
	switch what := r.PathValue("what"); what {
	case "relogin":
		return sessionReply{wcID, s.relogin(wcID, req.KeepAge)}, nil
	case "offline", "online":
		s.SetOffline(wcID, what == "offline")
		acc.mu.Lock()
		defer acc.mu.Unlock()
		return sessionReply{wcID, acc.wID}, nil
	}
	return nil, badControl{http.StatusNotFound, "relogin, offline or online"}
}

// controlList says how the accounts are now.
func (s *Sim) controlList(*http.Request) (any, error) {
	type row struct {
		WcID        string    `json:"wc_id"`
		WID         string    `json:"w_id"`
		Name        string    `json:"name"`
		Online      bool      `json:"online"`
		OnlineSince time.Time `json:"online_since"`
		Moments     int       `json:"moments"`
	}
	rows := []row{}
	for _, acc := range s.accounts() {
		acc.mu.Lock()
		rows = append(rows, row{acc.wcID, acc.wID, acc.name, !acc.offline, acc.since, len(acc.moments)})
		acc.mu.Unlock()
	}
	return rows, nil
}
